/* SPDX-License-Identifier: Apache-2.0
 *
 * What an idle client holds: memory on the heap after 1,000 calls to a small server of
 * its own, over a unix socket. Exit 1 when it is over the target. */
#include "net/net.h"
#include "test/tool/temporary.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum { IDLE_CALLS = 1000, IDLE_TARGET = 128 * 1024 };

static void idle_die(const char *why)
{
    fprintf(stderr, "bench_idle: %s\n", why);
    exit(1);
}

/* Answers as an old server would: no HELLO, and OK to the rest. */
static void idle_serve(int fd)
{
    reef_parser *p = reef_parser_new(NULL, 2);
    for (;;) {
        size_t cap;
        char *room = p ? reef_parser_room(p, &cap) : NULL;
        ssize_t got = room ? read(fd, room, cap) : 0;
        if (got <= 0)
            _exit(0);
        reef_parser_received(p, (size_t)got);
        while (reef_parser_next(p) == REEF_PARSE_REPLY) {
            const reef_reply *asked = reef_parser_peek(p);
            reef_str name = reef_text(asked, reef_at(reef_reply_root(asked), 0));
            const char *answer =
                reef_str_is(name, "HELLO") ? "-ERR unknown command\r\n" : "+OK\r\n";
            if (write(fd, answer, strlen(answer)) < 0)
                _exit(0);
        }
    }
}

static pid_t idle_server(const char *path)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    snprintf(at.sun_path, sizeof at.sun_path, "%s", path);
    if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof at) != 0 ||
        listen(fd, 4) != 0)
        idle_die("no socket to listen on");
    pid_t child = fork();
    if (child == 0)
        idle_serve(accept(fd, NULL, NULL));
    close(fd);
    return child;
}

static size_t idle_measure(const reef_config *config)
{
    reef_error error;
    reef_cmd *ping = reef_cmd_new();
    size_t before = mallinfo2().uordblks + mallinfo2().hblkhd;
    reef_client *client = reef_open(config, &error);
    if (!client || !ping)
        idle_die("no client");
    reef_cmd_begin(ping, "PING");
    for (int i = 0; i < IDLE_CALLS; i++) {
        reef_reply *reply = reef_call(client, ping, 5000);
        if (reef_reply_code(reply) != REEF_OK)
            idle_die(reef_reply_text(reply));
        reef_reply_free(reply);
    }
    size_t held = mallinfo2().uordblks + mallinfo2().hblkhd - before;
    reef_close(client);
    reef_cmd_free(ping);
    return held;
}

int main(void)
{
    static reef_config config;
    char folder[TEMPORARY_PATH], path[TEMPORARY_INSIDE];
    if (!temporary_folder(folder, "bench"))
        idle_die("no folder for a socket");
    snprintf(path, sizeof path, "%s/s", folder);
    reef_config_init(&config);
    config.hosts[0].kind = REEF_HOST_UNIX;
    snprintf(config.hosts[0].name, sizeof config.hosts[0].name, "%s", path);
    pid_t server = idle_server(path);
    size_t held = idle_measure(&config);
    waitpid(server, NULL, 0);
    unlink(path);
    rmdir(folder);
    printf("an idle client holds %zu KiB, target: under %d\n", held / 1024,
           IDLE_TARGET / 1024);
    return held < IDLE_TARGET ? 0 : 1;
}
