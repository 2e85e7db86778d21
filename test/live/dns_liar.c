/* SPDX-License-Identifier: Apache-2.0
 *
 * A lying DNS server. It rests after each few lies, so that they all find room in the
 * asker's socket, and tells the truth more than once in case that they did not. */
#include "test/live/dns_liar.h"
#include "test/live/server.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

enum {
    LIAR_MESSAGE = 512,
    LIAR_HEADER = 12,
    LIAR_BATCH = 50, /* lies between two rests */
    LIAR_TRUTHS = 5,
    LIAR_TYPE_A = 1,
    LIAR_TYPE_SRV = 33
};

struct reef_live_liar {
    reef_live_liar_plan plan;
    int fd, other_fd; /* the server's, and one on another port */
    uint16_t port;
    pthread_t thread;
    atomic_bool stop;
    uint32_t told;
};

/* A question, and from whom it came. */
typedef struct liar_asked {
    unsigned char bytes[LIAR_MESSAGE];
    size_t len, question_end;
    struct sockaddr_in from;
} liar_asked;

typedef struct liar_message {
    unsigned char bytes[LIAR_MESSAGE];
    size_t len;
} liar_message;

/* ---- messages ----------------------------------------------------------------- */

static void liar_put(liar_message *out, const void *bytes, size_t len)
{
    if (out->len + len <= sizeof out->bytes) {
        memcpy(out->bytes + out->len, bytes, len);
        out->len += len;
    }
}

static void liar_put_16(liar_message *out, unsigned value)
{
    unsigned char bytes[2] = {(unsigned char)(value >> 8), (unsigned char)value};
    liar_put(out, bytes, 2);
}

/* What precedes a record's data: type, class IN, a TTL of a minute, and the length. */
static void liar_put_head(liar_message *out, unsigned type, unsigned len)
{
    liar_put_16(out, type);
    liar_put_16(out, 1);
    liar_put_16(out, 0);
    liar_put_16(out, 60);
    liar_put_16(out, len);
}

/* An answer to an SRV question: one record that names `target`, 11 bytes on the wire,
 * and its address. */
static void liar_answer(const reef_live_liar *liar, const liar_asked *asked,
                        const char target[11], liar_message *out)
{
    static const unsigned char counts[] = {0x85, 0x80, 0, 1, 0, 1, 0, 0, 0, 1};
    static const unsigned char local[] = {127, 0, 0, 1};
    out->len = 0;
    liar_put(out, asked->bytes, 2);
    liar_put(out, counts, sizeof counts);
    liar_put(out, asked->bytes + LIAR_HEADER, asked->question_end - LIAR_HEADER);
    liar_put_16(out, 0xC000 + LIAR_HEADER);
    liar_put_head(out, LIAR_TYPE_SRV, 6 + 11);
    liar_put_16(out, 0);
    liar_put_16(out, 0);
    liar_put_16(out, liar->plan.true_port);
    liar_put(out, target, 11);
    liar_put(out, target, 11);
    liar_put_head(out, LIAR_TYPE_A, 4);
    liar_put(out, local, 4);
}

static const char liar_node[] = "\4node\4test";
static const char liar_trap[] = "\4trap\4test";

/* Spoils the message; each lie of one kind differs from the one before. */
static void liar_spoil(liar_message *out, reef_live_lie lie, uint32_t turn,
                       size_t question_end)
{
    unsigned change = 1 + turn % 65535;
    switch (lie) {
    case REEF_LIVE_LIE_OWNER:
        /* The record's owner is no pointer to the question, but the root. */
        memmove(out->bytes + question_end + 1, out->bytes + question_end + 2,
                out->len - question_end - 2);
        out->bytes[question_end] = 0;
        out->len--;
        return;
    case REEF_LIVE_LIE_ID:
        out->bytes[0] ^= (unsigned char)(change >> 8);
        out->bytes[1] ^= (unsigned char)change;
        return;
    case REEF_LIVE_LIE_NAME:
        /* The bit that case does not touch. */
        out->bytes[LIAR_HEADER + 1] ^= 1;
        return;
    case REEF_LIVE_LIE_TYPE:
        out->bytes[question_end - 4] = 1;
        return;
    case REEF_LIVE_LIE_SHORT:
        out->len = turn % LIAR_HEADER;
        return;
    case REEF_LIVE_LIE_PORT:
    case REEF_LIVE_LIES:
        return;
    }
}

/* ---- the thread --------------------------------------------------------------- */

static bool liar_hear(reef_live_liar *liar, liar_asked *out, int timeout_ms)
{
    struct pollfd ready = {.fd = liar->fd, .events = POLLIN};
    socklen_t place = sizeof out->from;
    ssize_t got;
    if (poll(&ready, 1, timeout_ms) <= 0) {
        return false;
    }
    got = recvfrom(liar->fd, out->bytes, sizeof out->bytes, 0,
                   (struct sockaddr *)&out->from, &place);
    if (got <= LIAR_HEADER) {
        return false;
    }
    out->len = (size_t)got;
    out->question_end = LIAR_HEADER;
    while (out->question_end < out->len && out->bytes[out->question_end]) {
        out->question_end += 1u + out->bytes[out->question_end];
    }
    out->question_end += 5;
    return out->question_end <= out->len;
}

static void liar_send(int fd, const liar_asked *to, const liar_message *message)
{
    sendto(fd, message->bytes, message->len, MSG_NOSIGNAL,
           (const struct sockaddr *)&to->from, sizeof to->from);
}

static void liar_lie(reef_live_liar *liar, const liar_asked *asked, uint32_t turn)
{
    reef_live_lie lie = (reef_live_lie)(turn % REEF_LIVE_LIES);
    liar_message message;
    liar_answer(liar, asked, liar_trap, &message);
    liar_spoil(&message, lie, turn / REEF_LIVE_LIES, asked->question_end);
    liar_send(lie == REEF_LIVE_LIE_PORT ? liar->other_fd : liar->fd, asked, &message);
    liar->told++;
}

static void liar_tell(reef_live_liar *liar, const liar_asked *asked)
{
    liar_message message;
    liar_answer(liar, asked, liar_node, &message);
    for (int i = 0; i < LIAR_TRUTHS && !atomic_load(&liar->stop); i++) {
        liar_send(liar->fd, asked, &message);
        reef_live_nap();
    }
}

static void *liar_run(void *data)
{
    const struct timespec rest = {.tv_sec = 0, .tv_nsec = 500000};
    reef_live_liar *liar = data;
    liar_asked asked;
    while (!atomic_load(&liar->stop)) {
        bool heard = liar_hear(liar, &asked, 10);
        for (uint32_t i = 0; heard && !atomic_load(&liar->stop); i++) {
            if (i >= liar->plan.lies && !liar->plan.mute) {
                liar_tell(liar, &asked);
                break;
            }
            liar_lie(liar, &asked, i);
            if (i % LIAR_BATCH == LIAR_BATCH - 1) {
                nanosleep(&rest, NULL);
                liar_hear(liar, &asked, 0);
            }
        }
    }
    return NULL;
}

/* ---- start and stop ----------------------------------------------------------- */

static int liar_socket(uint16_t *port)
{
    struct sockaddr_in place = {.sin_family = AF_INET};
    socklen_t len = sizeof place;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    place.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || bind(fd, (struct sockaddr *)&place, sizeof place) ||
        getsockname(fd, (struct sockaddr *)&place, &len)) {
        fail_msg("no socket for a liar: %s", strerror(errno));
    }
    *port = ntohs(place.sin_port);
    return fd;
}

reef_live_liar *reef_live_liar_start(const reef_live_liar_plan *plan)
{
    reef_live_liar *liar = calloc(1, sizeof *liar);
    uint16_t other;
    assert_non_null(liar);
    liar->plan = *plan;
    liar->fd = liar_socket(&liar->port);
    liar->other_fd = liar_socket(&other);
    assert_int_equal(pthread_create(&liar->thread, NULL, liar_run, liar), 0);
    return liar;
}

uint16_t reef_live_liar_port(const reef_live_liar *liar)
{
    return liar->port;
}

uint32_t reef_live_liar_stop(reef_live_liar *liar)
{
    uint32_t told;
    atomic_store(&liar->stop, true);
    pthread_join(liar->thread, NULL);
    close(liar->fd);
    close(liar->other_fd);
    told = liar->told;
    free(liar);
    return told;
}
