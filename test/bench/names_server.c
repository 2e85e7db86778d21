/* SPDX-License-Identifier: Apache-2.0 */
#include "test/bench/names_server.h"

#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

enum {
    SERVER_MESSAGE = 1500,
    SERVER_HEADER = 12,
    SERVER_A = 1,
    SERVER_SRV = 33,
    SERVER_NXDOMAIN = 3
};

static atomic_ulong server_asked;
static int server_fd;

static const char server_address[] = "\xC0\x0C\0\1\0\1\0\0\0\74\0\4\177\0\0\1";
/* Port 6379 of "node.test", and that name's address. */
static const char server_service[] = "\xC0\x0C\0\x21\0\1\0\0\0\74\0\21\0\0\0\0\x18\xEB"
                                     "\4node\4test\0"
                                     "\4node\4test\0\0\1\0\1\0\0\0\74\0\4\177\0\0\1";

/* Turns the question in `bytes` into its answer; its length, 0: no question. */
static size_t server_answer(unsigned char *bytes, size_t len)
{
    size_t end = SERVER_HEADER;
    while (end < len && bytes[end] != 0)
        end += 1u + bytes[end];
    end += 5;
    if (end > len || end > 300)
        return 0;
    bool found = memcmp(bytes + SERVER_HEADER, "\5found", 6) == 0;
    bool empty = memcmp(bytes + SERVER_HEADER, "\5empty", 6) == 0;
    unsigned type = bytes[end - 3];
    memset(bytes + 4, 0, 8);
    bytes[2] = 0x85;
    bytes[3] = (unsigned char)(0x80 | (found || empty ? 0 : SERVER_NXDOMAIN));
    bytes[5] = 1;
    if (found && type == SERVER_SRV) {
        bytes[7] = bytes[11] = 1;
        memcpy(bytes + end, server_service, sizeof server_service - 1);
        return end + sizeof server_service - 1;
    }
    if (found && type == SERVER_A) {
        bytes[7] = 1;
        memcpy(bytes + end, server_address, sizeof server_address - 1);
        return end + sizeof server_address - 1;
    }
    return end;
}

static void *server_run(void *unused)
{
    (void)unused;
    for (;;) {
        unsigned char bytes[SERVER_MESSAGE];
        struct sockaddr_in from;
        socklen_t place = sizeof from;
        ssize_t got = recvfrom(server_fd, bytes, sizeof bytes - 200, 0,
                               (struct sockaddr *)&from, &place);
        if (got <= SERVER_HEADER)
            continue;
        atomic_fetch_add(&server_asked, 1);
        size_t len = server_answer(bytes, (size_t)got);
        if (len > 0)
            sendto(server_fd, bytes, len, 0, (struct sockaddr *)&from, place);
    }
    return NULL;
}

uint16_t names_server_start(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET};
    socklen_t len = sizeof at;
    pthread_t thread;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    server_fd = socket(AF_INET, SOCK_DGRAM, 0);
    if (server_fd < 0 || bind(server_fd, (struct sockaddr *)&at, sizeof at) != 0 ||
        getsockname(server_fd, (struct sockaddr *)&at, &len) != 0 ||
        pthread_create(&thread, NULL, server_run, NULL) != 0)
        return 0;
    pthread_detach(thread);
    return ntohs(at.sin_port);
}

unsigned long names_server_asked(void)
{
    return atomic_load(&server_asked);
}
