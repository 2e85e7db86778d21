/* SPDX-License-Identifier: Apache-2.0
 *
 * Real Sentinels and servers are held to test/vectors/sentinel_talk.txt, what the
 * simulated ones are held to as well: what a client learns from these, it can rely on
 * with the real ones. */
#include "test/live/constellation.h"
#include "test/live/talker.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { TALK_CASES_MIN = 55, TALK_BLOWS = 3, TALK_PARTNERS = 3 };

enum { TALK_TRIES = 20 /* announcements heard until one fail-over must be done */ };

static bool talk_is_abort(const reef_reply *heard)
{
    return reef_str_is(reef_text(heard, reef_at(reef_reply_root(heard), 0)),
                       "pmessage");
}

/* A fail-over that a slow machine made the Sentinel give up is asked for again, and
 * announced again from the beginning. */
static void talk_expect_in_time(reef_talker *partner, const talk_case *one)
{
    char why[300];
    uint32_t at = 0;
    for (int heard = 0; at < one->shape_count; heard++) {
        const reef_reply *push = reef_talker_hear(partner);
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
static int talk_try(const reef_stars *stars, reef_talker *partner, const talk_case *one)
{
    switch (one->blow) {
    case TALK_NO_BLOW:
        reef_talker_say(partner, one);
        reef_talker_expect(partner, one);
        return -1;
    case TALK_FAIL_OVER:
        reef_stars_failover(stars, 0);
        talk_expect_in_time(partner, one);
        break;
    case TALK_GIVE_UP:
        reef_stars_failover_in_vain(stars, 0);
        reef_talker_expect(partner, one);
        reef_stars_failover_in_vain_over(stars, 0);
        break;
    }
    return reef_stars_settle(stars);
}

static void talk_all(const reef_live_kind *kind)
{
    reef_stars *stars = reef_stars_start(kind, NULL);
    reef_talker partners[TALK_PARTNERS] = {
        [TALK_SENTINEL] = {.server = stars->sentinels[0]},
        [TALK_MASTER] = {.server = stars->nodes[0]},
        [TALK_REPLICA] = {.server = stars->nodes[1]}};
    char port[8];
    talk_names names = {REEF_STARS_NAME, stars->host, port, NULL, NULL};
    talk_reader reader = {.text = reef_talker_text("test/vectors/sentinel_talk.txt")};
    talk_case one;
    unsigned cases = 0, blows = 0;
    snprintf(port, sizeof port, "%u", (unsigned)stars->nodes[0]->port);
    while (talk_next(&reader, &names, &one)) {
        reef_talker *partner = &partners[one.to];
        int master;
        reef_talker_meet(partner, one.protocol);
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
        reef_talker_part(&partners[i]);
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
