/* SPDX-License-Identifier: Apache-2.0
 *
 * The resolver in drawn worlds: servers that lose, repeat, delay, cut, refuse and fail,
 * strangers that forge, and a host that frees look-ups whenever it likes. Each world
 * follows from its seed. Whatever happens: a look-up has ended by its deadline, no
 * endpoint comes from a forged answer, and what a calm world knows is found. */
#include "test/unit/resolve_kit.h"
#include "test/unit/resp_help.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { WORLDS = 2000, LOOKS = 6, POSTS = 4096, END_MS = 40000 };

typedef struct post {
    bool used, closes;
    int64_t at_ms;
    uint32_t link, serial; /* of the socket that has the link */
    char text[200];
} post;

typedef struct looking {
    reef_lookup *lookup;
    int64_t begins_ms, deadline_ms, freed_ms;
    unsigned name, given;
    bool ended;
} looking;

typedef struct world {
    names_kit k;
    uint64_t seed;
    bool calm;
    unsigned loss, twice, forged, cut, refused, failed, delay_ms; /* of 100 */
    uint32_t seen[REEF_EXCHANGES_MAX]; /* the last socket whose query was read */
    looking looks[LOOKS];
    post posts[POSTS];
    size_t top; /* those from here on are free */
} world;

static world w;

static unsigned draw(unsigned below)
{
    return (unsigned)(help_random(&w.seed) % below);
}

static bool chance(unsigned percent)
{
    return draw(100) < percent;
}

/* ---- what is true ------------------------------------------------------------- */

static const struct {
    const char *name;
    bool srv;
    unsigned endpoints; /* that there are in all */
} names[] = {
    {"_s.test", true, 4},     {"_far.test", true, 4},   {"_near.test", true, 1},
    {"redis.test", false, 3}, {"alias.test", false, 3}, {"v6.test", false, 1},
    {"none.test", false, 0},  {"empty.test", false, 0}, {"_dead.test", true, 0},
};

static const struct {
    const char *name;
    unsigned type;
    const char *text;
} zone[] = {
    {"_s.test", 33,
     "@ 2 SRV 1 5 7001 redis.test; @ 2 SRV 1 0 7002 v6.test; @ 2 SRV 2 1 7003 "
     "empty.test"},
    {"_far.test", 33, "@ 2 CNAME _s.test"},
    {"_near.test", 33, "@ 0 SRV 1 5 7001 glue.test; +glue.test 9 A 10.1.0.9; pad 1000"},
    {"_dead.test", 33, "@ 9 SRV 0 0 0 ."},
    {"redis.test", 1, "@ 3 A 10.1.0.1; @ 3 A 10.1.0.2"},
    {"redis.test", 28, "@ 3 AAAA fd01::1"},
    {"alias.test", 1,
     "@ 3 CNAME redis.test; redis.test 3 A 10.1.0.1; redis.test 3 A "
     "10.1.0.2"},
    {"alias.test", 28, "@ 3 CNAME redis.test"},
    {"v6.test", 1, "-test 60 SOA 1"},
    {"v6.test", 28, "@ 3 AAAA fd01::6"},
    {"empty.test", 1, ""},
    {"empty.test", 28, "-test 60 SOA 9"},
};

static const char *truth(const names_query *q)
{
    for (size_t i = 0; i < sizeof zone / sizeof zone[0]; i++)
        if (zone[i].type == q->type && strcmp(zone[i].name, q->name) == 0)
            return zone[i].text;
    return "rcode 3; -test 60 SOA 3";
}

static bool is_true(const reef_endpoint *endpoint)
{
    bool port = endpoint->port == NAMES_PORT ||
                (endpoint->port >= 7001 && endpoint->port <= 7003);
    return port && (strncmp(endpoint->address, "10.1.0.", 7) == 0 ||
                    strncmp(endpoint->address, "fd01::", 6) == 0);
}

/* ---- the network -------------------------------------------------------------- */

static void send_later(uint32_t link, const char *text, bool closes)
{
    for (size_t i = 0; i < POSTS; i++) {
        post *p = &w.posts[i];
        if (p->used)
            continue;
        p->used = true;
        w.top = i < w.top ? w.top : i + 1;
        p->closes = closes;
        p->at_ms = w.k.now_ms + (w.delay_ms > 0 ? draw(w.delay_ms) : 0);
        p->link = link;
        p->serial = w.k.links[link].serial;
        snprintf(p->text, sizeof p->text, "%s", text);
        return;
    }
    fail_msg("too much is under way");
}

static void forge(uint32_t link)
{
    static const char *const lies[] = {
        "id; @ 9 A 6.6.6.6; @ 9 AAAA 6666::6; @ 9 SRV 0 1 666 evil.test",
        "noqr; @ 9 A 6.6.6.6; @ 9 AAAA 6666::6",
        "ask evil.test; evil.test 9 A 6.6.6.6; evil.test 9 SRV 0 1 666 evil.test",
        "id; rcode 3",
        "id; rcode 2; bare",
        "id; tc",
        "id; cut 20",
        /* From the true server of the name, but not about the name. */
        "evil.test 9 A 6.6.6.6; evil.test 9 SRV 0 1 666 evil.test",
    };
    for (unsigned count = 1 + draw(20); count > 0; count--)
        send_later(link, lies[draw(sizeof lies / sizeof lies[0])], false);
}

static void answer(uint32_t link, const names_link *from)
{
    const char *text = truth(&from->query);
    if (w.calm) {
        send_later(link, text, false);
        return;
    }
    if (chance(w.forged))
        forge(link);
    if (chance(w.refused))
        send_later(link, "", true);
    if (chance(w.loss))
        return;
    if (chance(w.failed))
        text = chance(50) ? "rcode 2" : chance(50) ? "rcode 5; bare" : "rcode 1";
    else if (chance(w.cut))
        text = from->datagram ? "tc" : "cut 3";
    send_later(link, text, false);
    if (chance(w.twice))
        send_later(link, text, false);
}

static void network(void)
{
    for (uint32_t i = 0; i < REEF_EXCHANGES_MAX; i++) {
        const names_link *link = &w.k.links[i];
        if (!link->live || !link->asked || link->serial == w.seen[i])
            continue;
        w.seen[i] = link->serial;
        answer(i, link);
    }
}

static void deliver(post *p)
{
    const names_link *link = &w.k.links[p->link];
    p->used = false;
    if (!link->live || link->serial != p->serial)
        return;
    if (p->closes) {
        names_close(&w.k, NAMES_FIRST_LINK + p->link,
                    chance(50) ? ECONNREFUSED : ENETUNREACH);
    } else {
        names_hear(&w.k, NAMES_FIRST_LINK + p->link, p->text);
    }
    network();
}

/* ---- the host ----------------------------------------------------------------- */

static void look_on(looking *look)
{
    reef_endpoint endpoint;
    reef_lookup_state state;
    if (look->lookup == NULL || look->ended)
        return;
    while ((state = reef_lookup_next(look->lookup, &endpoint)) == REEF_LOOKUP_READY) {
        assert_true(is_true(&endpoint));
        look->given++;
        assert_true(look->given <= names[look->name].endpoints);
        names_run(&w.k);
        network();
    }
    if (state == REEF_LOOKUP_WAIT) {
        assert_true(w.k.now_ms < look->deadline_ms);
        return;
    }
    reef_error why;
    reef_lookup_why(look->lookup, &why);
    look->ended = true;
    if (look->given == 0)
        assert_true(why.code == REEF_DNS && why.text[0] != '\0');
    else
        assert_int_equal(why.code, REEF_OK);
    if (w.calm)
        assert_int_equal(look->given, names[look->name].endpoints);
}

static void host(void)
{
    for (size_t i = 0; i < LOOKS; i++) {
        looking *look = &w.looks[i];
        if (w.k.now_ms >= look->freed_ms && look->lookup != NULL) {
            reef_lookup_free(w.k.resolver, look->lookup);
            look->lookup = NULL;
            names_run(&w.k);
        } else if (w.k.now_ms >= look->begins_ms && look->lookup == NULL &&
                   w.k.now_ms < look->freed_ms && !look->ended) {
            look->lookup = (chance(50) ? names_look : names_look_fresh)(
                &w.k, names[look->name].name, names[look->name].srv,
                look->deadline_ms - w.k.now_ms);
            assert_non_null(look->lookup);
        }
        network();
        look_on(look);
    }
}

static void earlier(int64_t *at_ms, int64_t other_ms)
{
    if (other_ms > w.k.now_ms && other_ms < *at_ms)
        *at_ms = other_ms;
}

static int64_t next_ms(void)
{
    int64_t at_ms = reef_resolver_deadline_ms(w.k.resolver);
    for (size_t i = 0; i < LOOKS; i++) {
        earlier(&at_ms, w.looks[i].begins_ms);
        earlier(&at_ms, w.looks[i].freed_ms);
    }
    for (size_t i = 0; i < w.top; i++)
        if (w.posts[i].used)
            earlier(&at_ms, w.posts[i].at_ms);
    return at_ms;
}

static bool deliver_due(void)
{
    bool any = false;
    for (size_t i = 0; i < w.top; i++) {
        if (!w.posts[i].used || w.posts[i].at_ms > w.k.now_ms)
            continue;
        deliver(&w.posts[i]);
        any = true;
    }
    while (w.top > 0 && !w.posts[w.top - 1].used)
        w.top--;
    return any;
}

/* ---- a world ------------------------------------------------------------------ */

static void begin(uint64_t seed)
{
    static const char *const settings[] = {
        "nameservers = [\"10.9.9.1\"]", "nameservers = [\"10.9.9.1\", \"10.9.9.2\"]",
        "nameservers = [\"10.9.9.1\", \"10.9.9.2\", \"10.9.9.3\"]", ""};
    memset(&w, 0, sizeof w);
    w.seed = seed;
    w.calm = chance(25);
    w.loss = draw(2) * draw(90);
    w.twice = draw(2) * draw(100);
    w.forged = draw(2) * draw(100);
    w.cut = draw(3) == 0 ? draw(100) : 0;
    w.refused = draw(3) == 0 ? draw(60) : 0;
    w.failed = draw(3) == 0 ? draw(60) : 0;
    w.delay_ms = draw(3) == 0 ? 0 : w.calm ? draw(40) : draw(900);
    names_start(&w.k, settings[draw(4)]);
    w.k.conf = "nameserver 10.8.8.1\nnameserver 10.8.8.2\noptions timeout:1\n";
    w.k.piece = draw(3) == 0 ? 1 + draw(3) : 0;
    w.k.takes = draw(3) == 0 ? 1 + draw(30) : 0;
    for (size_t i = 0; i < LOOKS; i++) {
        looking *look = &w.looks[i];
        look->name = draw(sizeof names / sizeof names[0]);
        look->begins_ms = 1000 + draw(6000);
        look->deadline_ms = look->begins_ms + (w.calm ? 5000 : 1 + draw(6000));
        look->freed_ms =
            w.calm || chance(60) ? look->deadline_ms + 1 : look->begins_ms + draw(3000);
    }
}

static void live(uint64_t seed)
{
    size_t steps = 0;
    begin(seed);
    while (w.k.now_ms < END_MS) {
        do {
            host();
        } while (deliver_due());
        int64_t at_ms = next_ms();
        names_to(&w.k, at_ms < END_MS ? at_ms : END_MS);
        network();
        assert_true(steps++ < 100000);
    }
    assert_int_equal(names_open(&w.k), 0);
    assert_int_equal(w.k.opens, w.k.closes);
    names_stop(&w.k);
}

static void test_worlds(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= WORLDS; seed++)
        live(seed * 7919);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_worlds)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
