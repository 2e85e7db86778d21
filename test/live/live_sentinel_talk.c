/* SPDX-License-Identifier: Apache-2.0
 *
 * Real Sentinels and servers are held to test/vectors/sentinel_talk.txt, what the
 * simulated ones are held to as well: what a client learns from these, it can rely on
 * with the real ones. */
#include "test/live/constellation.h"
#include "test/sim/talk.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

enum { TALK_TEXT_MAX = 32768, TALK_CASES_MIN = 55, TALK_BLOWS = 3, TALK_PARTNERS = 3 };

enum { TALK_TRIES = 20 /* announcements heard until one fail-over must be done */ };

/* A connection to one kind of node. */
typedef struct talk_partner {
    const reef_live_server *server;
    int fd; /* -1: none yet */
    int protocol;
    reef_parser *parser;
} talk_partner;

static void talk_part(talk_partner *partner)
{
    if (partner->fd >= 0) {
        close(partner->fd);
    }
    partner->fd = -1;
    reef_parser_free(partner->parser);
    partner->parser = NULL;
}

static void talk_meet(talk_partner *partner, int protocol)
{
    talk_part(partner);
    partner->fd = reef_live_dial(partner->server);
    partner->protocol = protocol;
    partner->parser = reef_parser_new(NULL, protocol);
    assert_non_null(partner->parser);
}

/* The next reply or push, which the parser keeps. */
static const reef_reply *talk_hear(talk_partner *partner)
{
    reef_parse state;
    while ((state = reef_parser_next(partner->parser)) == REEF_PARSE_MORE) {
        struct pollfd wait = {.fd = partner->fd, .events = POLLIN, .revents = 0};
        char bytes[4096];
        ssize_t len;
        if (poll(&wait, 1, REEF_LIVE_WAIT_MS) <= 0) {
            fail_msg("no answer for %d ms", REEF_LIVE_WAIT_MS);
        }
        len = recv(partner->fd, bytes, sizeof bytes, 0);
        assert_true(len > 0);
        assert_int_equal(
            reef_parser_feed(partner->parser, (reef_str){bytes, (size_t)len}), REEF_OK);
    }
    assert_true(state == REEF_PARSE_REPLY || state == REEF_PARSE_PUSH);
    return reef_parser_peek(partner->parser);
}

static void talk_say(talk_partner *partner, const talk_case *one)
{
    reef_cmd *cmd = talk_command(one);
    reef_str wire;
    assert_non_null(cmd);
    wire = reef_cmd_wire(cmd);
    assert_int_equal(send(partner->fd, wire.ptr, wire.len, MSG_NOSIGNAL),
                     (ssize_t)wire.len);
    reef_cmd_free(cmd);
}

static void talk_expect(talk_partner *partner, const talk_case *one)
{
    char why[300];
    for (uint32_t i = 0; i < one->shape_count; i++) {
        if (!talk_fits(one->shapes[i], talk_hear(partner), one->protocol, why,
                       sizeof why)) {
            fail_msg("line %d, %s: %s", one->line, one->command, why);
        }
    }
}

static bool talk_is_abort(const reef_reply *heard)
{
    return reef_str_is(reef_text(heard, reef_at(reef_reply_root(heard), 0)),
                       "pmessage");
}

/* A fail-over that a slow machine made the Sentinel give up is asked for again, and
 * announced again from the beginning. */
static void talk_expect_in_time(talk_partner *partner, const talk_case *one)
{
    char why[300];
    uint32_t at = 0;
    for (int heard = 0; at < one->shape_count; heard++) {
        const reef_reply *push = talk_hear(partner);
        if (talk_fits(one->shapes[at], push, one->protocol, why, sizeof why)) {
            at++;
        } else if (heard > TALK_TRIES) {
            fail_msg("line %d, %s: %s", one->line, one->command, why);
        } else if (talk_is_abort(push)) {
            at = 0;
        } else if (talk_fits(one->shapes[0], push, one->protocol, why, sizeof why)) {
            at = 1;
        } else {
            fail_msg("line %d, %s: %s", one->line, one->command, why);
        }
    }
}

/* One case. The number of the master after a blow; -1: none fell. The first Sentinel is
 * the one that is spoken to. */
static int talk_try(const reef_stars *stars, talk_partner *partner,
                    const talk_case *one)
{
    switch (one->blow) {
    case TALK_NO_BLOW:
        talk_say(partner, one);
        talk_expect(partner, one);
        return -1;
    case TALK_FAIL_OVER:
        reef_stars_failover(stars, 0);
        talk_expect_in_time(partner, one);
        break;
    case TALK_GIVE_UP:
        reef_stars_failover_in_vain(stars, 0);
        talk_expect(partner, one);
        reef_stars_failover_in_vain_over(stars, 0);
        break;
    }
    return reef_stars_settle(stars);
}

static const char *talk_text(void)
{
    static char text[TALK_TEXT_MAX];
    FILE *file = fopen("test/vectors/sentinel_talk.txt", "rb");
    size_t len;
    assert_non_null(file);
    len = fread(text, 1, sizeof text - 1, file);
    assert_true(len < sizeof text - 1);
    text[len] = '\0';
    fclose(file);
    return text;
}

static void talk_all(const reef_live_kind *kind)
{
    reef_stars *stars = reef_stars_start(kind, NULL);
    talk_partner partners[TALK_PARTNERS] = {
        [TALK_SENTINEL] = {.server = stars->sentinels[0], .fd = -1},
        [TALK_MASTER] = {.server = stars->nodes[0], .fd = -1},
        [TALK_REPLICA] = {.server = stars->nodes[1], .fd = -1}};
    char port[8];
    talk_names names = {REEF_STARS_NAME, stars->host, port};
    talk_reader reader = {.text = talk_text()};
    talk_case one;
    unsigned cases = 0, blows = 0;
    snprintf(port, sizeof port, "%u", (unsigned)stars->nodes[0]->port);
    while (talk_next(&reader, &names, &one)) {
        talk_partner *partner = &partners[one.to];
        int master;
        if (partner->fd < 0 || partner->protocol != one.protocol) {
            talk_meet(partner, one.protocol);
        }
        master = talk_try(stars, partner, &one);
        if (master >= 0) {
            snprintf(port, sizeof port, "%u", (unsigned)stars->nodes[master]->port);
            blows++;
        }
        cases++;
    }
    assert_false(reader.wrong);
    assert_true(cases >= TALK_CASES_MIN);
    assert_int_equal(blows, TALK_BLOWS);
    for (size_t i = 0; i < TALK_PARTNERS; i++) {
        talk_part(&partners[i]);
    }
    reef_stars_free(stars);
}

static void test_talk(void **state)
{
    (void)state;
    reef_live_each(talk_all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_talk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
