/* SPDX-License-Identifier: Apache-2.0
 *
 * The session store on real Clusters: both keys of a session wherever they live, with
 * and without a {tag} in the prefix; lists over all masters, while slots move too; and
 * "revoke all" through the end of a master. */
#include "test/live/check.h"
#include "test/live/fleet.h"
#include "session/session.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#define SPREAD "kn:"
#define TAGGED "{kn}:"
enum {
    CLUSTER_MANY = 1300,  /* three rounds of records */
    CLUSTER_CROWD = 3000, /* twelve rounds of tombstones */
    CLUSTER_KEY = 160,
    CLUSTER_MS = 20000
};

struct place {
    reef_fleet *fleet;
    reef_client *client;
    const char *prefix;
};

static struct place place_open(reef_fleet *fleet, const char *prefix)
{
    struct place place = {.fleet = fleet, .prefix = prefix};
    reef_config config;
    reef_error error;
    reef_server server;
    reef_fleet_config(fleet, REEF_FLEET_MASTERS, &config);
    snprintf(config.key_prefix, sizeof config.key_prefix, "%s", prefix);
    place.client = reef_live_client(&config);
    assert_int_equal(reef_server_info(place.client, CLUSTER_MS, &server, &error),
                     REEF_OK);
    return place;
}

static void ended(reef_code code, reef_code expected, const reef_error *error)
{
    if (code != expected)
        print_error("%s: %s\n", reef_code_name(code), error->text);
    assert_int_equal(code, expected);
}

/* ---- sessions and their keys -------------------------------------------------- */

static const char *id_of(unsigned number)
{
    static char id[REEF_SESSION_ID_LEN + 1];
    uint8_t random[32] = {0};
    random[0] = (uint8_t)(number >> 8);
    random[1] = (uint8_t)(number & 0xFF);
    reef_session_make_id(random, 1, id);
    return id;
}

static void key_of(const struct place *place, const char *user, unsigned number,
                   char out[CLUSTER_KEY])
{
    if (user == NULL)
        snprintf(out, CLUSTER_KEY, "%sSessions:%s", place->prefix, id_of(number));
    else
        snprintf(out, CLUSTER_KEY, "%sSessionsByUserId:%s:%s", place->prefix, user,
                 id_of(number));
}

static uint32_t slot_of(const char *key)
{
    return strncmp(key, TAGGED, strlen(TAGGED)) == 0 ? reef_fleet_slot("kn")
                                                     : reef_fleet_slot(key);
}

/* A command on one key, put to the master of its slot. */
static int64_t raw(const struct place *place, const char *command, const char *key,
                   const char *more)
{
    char line[CLUSTER_KEY * 2];
    int node = reef_fleet_master(place->fleet, slot_of(key));
    assert_true(node >= 0);
    snprintf(line, sizeof line, "%s %s%s", command, key, more);
    return reef_live_number(place->fleet->nodes[node], line);
}

static reef_session session_of(const char *user, unsigned number)
{
    reef_session session = {0};
    session.id = reef_str_of(id_of(number));
    session.user_id = reef_str_of(user);
    session.ip = reef_str_of("10.0.0.1");
    session.updated_at = number + 1;
    return session;
}

static void save(const struct place *place, const char *user, unsigned number)
{
    reef_session session = session_of(user, number);
    reef_error error;
    ended(reef_session_save(place->client, &session, CLUSTER_MS, &error), REEF_OK,
          &error);
}

static reef_code touch(const struct place *place, unsigned number, reef_error *error)
{
    reef_session session = session_of("ann", number);
    session.updated_at = number + 2;
    return reef_session_touch(place->client, &session, CLUSTER_MS, error);
}

/* ---- lists -------------------------------------------------------------------- */

struct counted {
    reef_code code;
    size_t live, dead, twice;
};

static struct counted count_of(reef_client *client, const char *user)
{
    static const struct counted none;
    struct counted counted = none;
    reef_sessions *list = NULL;
    reef_session session;
    reef_error error;
    char last[REEF_SESSION_ID_LEN] = {0};
    counted.code =
        reef_session_list(client, reef_str_of(user), CLUSTER_MS, &list, &error);
    if (counted.code != REEF_OK) {
        fprintf(stderr, "%s: %s\n", reef_code_name(counted.code), error.text);
        return counted;
    }
    while (reef_sessions_next(list, &session, &error)) {
        counted.live += error.code == REEF_OK && !session.is_deleted ? 1 : 0;
        counted.dead += session.is_deleted ? 1 : 0;
        /* In the order of their ids, though nobody promises that. */
        counted.twice += memcmp(last, session.id.ptr, sizeof last) >= 0 ? 1 : 0;
        memcpy(last, session.id.ptr, sizeof last);
    }
    reef_sessions_free(list);
    return counted;
}

static void lists(const struct place *place, const char *user, size_t live, size_t dead)
{
    struct counted counted = count_of(place->client, user);
    assert_int_equal(counted.code, REEF_OK);
    assert_int_equal(counted.live, live);
    assert_int_equal(counted.dead, dead);
    assert_int_equal(counted.twice, 0);
}

static void revokes(const struct place *place, const char *user, size_t expected)
{
    reef_error error;
    size_t revoked = 0;
    ended(reef_session_revoke_user(place->client, reef_str_of(user), &revoked,
                                   CLUSTER_MS, &error),
          REEF_OK, &error);
    assert_int_equal(revoked, expected);
}

/* ---- one session -------------------------------------------------------------- */

/* How often the masters were told to begin a transaction. */
static uint64_t transactions(const reef_fleet *fleet)
{
    uint64_t sum = 0;
    for (int i = 0; i < fleet->count; i++) {
        if (!reef_fleet_is_master(fleet, i))
            continue; /* it is passed on to replicas */
        char *stats = reef_live_ask(fleet->nodes[i], "INFO commandstats");
        const char *at = strstr(stats, "cmdstat_multi:calls=");
        sum += at != NULL ? (uint64_t)atoll(at + strlen("cmdstat_multi:calls=")) : 0;
        free(stats);
    }
    return sum;
}

static void check_life(const struct place *place, const char *key, int64_t least_s,
                       int64_t most_s)
{
    assert_in_range(raw(place, "TTL", key, ""), least_s, most_s);
}

static void one_touch(const struct place *place, const char *record, const char *index)
{
    reef_error error;
    assert_int_equal(raw(place, "EXPIRE", record, " 50"), 1);
    assert_int_equal(raw(place, "EXPIRE", index, " 60"), 1);
    ended(touch(place, 1, &error), REEF_OK, &error);
    check_life(place, record, 7100, 7200);
    check_life(place, index, 7100, 7210);
    assert_int_equal(raw(place, "DEL", index, ""), 1);
    ended(touch(place, 1, &error), REEF_OK, &error);
    check_life(place, index, 7100, 7210);
    lists(place, "ann", 1, 0);
    /* Nothing there: nothing comes of it. */
    char other[CLUSTER_KEY];
    ended(touch(place, 2, &error), REEF_NOT_FOUND, &error);
    key_of(place, "ann", 2, other);
    assert_int_equal(raw(place, "EXISTS", other, ""), 0);
}

static void one_revoked(const struct place *place, const char *record)
{
    reef_error error;
    revokes(place, "ann", 1);
    lists(place, "ann", 0, 1);
    ended(touch(place, 1, &error), REEF_CONFLICT, &error);
    check_life(place, record, 7100, 7200);
    lists(place, "ann", 0, 1);
}

static void one_session(const struct place *place, uint64_t expected)
{
    char record[CLUSTER_KEY], index[CLUSTER_KEY];
    reef_error error;
    uint64_t before = transactions(place->fleet);
    save(place, "ann", 1);
    assert_int_equal(transactions(place->fleet) - before, expected);
    key_of(place, NULL, 1, record);
    key_of(place, "ann", 1, index);
    check_life(place, record, 7100, 7200);
    check_life(place, index, 7100, 7210);
    one_touch(place, record, index);
    one_revoked(place, record);
    ended(reef_session_delete(place->client, reef_str_of(id_of(1)), reef_str_of("ann"),
                              CLUSTER_MS, &error),
          REEF_OK, &error);
    assert_int_equal(raw(place, "EXISTS", record, ""), 0);
    assert_int_equal(raw(place, "EXISTS", index, ""), 0);
    ended(reef_session_delete(place->client, reef_str_of(id_of(1)), reef_str_of("ann"),
                              CLUSTER_MS, &error),
          REEF_NOT_FOUND, &error);
    /* What a crash between two steps leaves. */
    assert_int_equal(raw(place, "APPEND", index, " x"), 1);
    lists(place, "ann", 0, 0);
    assert_int_equal(raw(place, "EXISTS", index, ""), 0);
}

/* ---- many of them ------------------------------------------------------------- */

/* How many have their two keys in different slots of different masters. */
static unsigned apart(const struct place *place, unsigned count)
{
    static int owners[REEF_FLEET_SLOTS];
    char record[CLUSTER_KEY], index[CLUSTER_KEY];
    unsigned sum = 0;
    reef_fleet_owners(place->fleet, owners);
    for (unsigned i = 0; i < count; i++) {
        key_of(place, NULL, i, record);
        key_of(place, "ann", i, index);
        sum += owners[slot_of(record)] != owners[slot_of(index)] ? 1 : 0;
    }
    return sum;
}

static void many_sessions(const struct place *place)
{
    for (unsigned i = 0; i < CLUSTER_MANY; i++)
        save(place, "ann", i);
    for (unsigned i = 0; i < 50; i++)
        save(place, "bob", CLUSTER_MANY + i);
    bool tagged = strcmp(place->prefix, TAGGED) == 0;
    assert_int_equal(apart(place, CLUSTER_MANY) > CLUSTER_MANY / 2, !tagged);
    lists(place, "ann", CLUSTER_MANY, 0);
    lists(place, "bob", 50, 0);
    lists(place, "", CLUSTER_MANY + 50, 0);
    lists(place, "carl", 0, 0);
    revokes(place, "bob", 50);
    revokes(place, "bob", 0);
    lists(place, "", CLUSTER_MANY, 50);
}

/* ---- slots that move, masters that end ---------------------------------------- */

struct lister {
    reef_client *client;
    atomic_bool over;
    atomic_size_t rounds;
    size_t wrong;
};

static void *lister_run(void *context)
{
    struct lister *lister = context;
    while (!atomic_load(&lister->over)) {
        struct counted counted = count_of(lister->client, "ann");
        if (counted.code != REEF_OK || counted.live != CLUSTER_MANY ||
            counted.dead != 0 || counted.twice != 0) {
            fprintf(stderr, "listed %zu, %zu revoked, %zu twice\n", counted.live,
                    counted.dead, counted.twice);
            lister->wrong++;
        }
        atomic_fetch_add(&lister->rounds, 1);
    }
    return NULL;
}

static void lister_wait(struct lister *lister, size_t more)
{
    size_t until = atomic_load(&lister->rounds) + more;
    while (atomic_load(&lister->rounds) < until)
        reef_live_nap();
}

/* Every list is whole while keys of ann's go from one master to another and back. */
static void listed_moving(const struct place *place)
{
    struct lister lister = {.client = place->client};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, lister_run, &lister), 0);
    lister_wait(&lister, 1);
    reef_fleet_move(place->fleet, 200, 0, 1);
    reef_fleet_move(place->fleet, 200, 1, 2);
    lister_wait(&lister, 2);
    atomic_store(&lister.over, true);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(lister.wrong, 0);
}

/* The master is dead already, and its replica not chosen yet. */
static void revoked_after_kill(const struct place *place)
{
    reef_fleet_settle(place->fleet);
    int node = reef_fleet_master(place->fleet, 9000);
    reef_fleet_kill(place->fleet, node);
    revokes(place, "ann", CLUSTER_MANY);
    lists(place, "ann", 0, CLUSTER_MANY);
    reef_fleet_again(place->fleet, node);
}

struct revoker {
    reef_client *client;
    size_t revoked;
    reef_code code;
    reef_error error;
};

static void *revoker_run(void *context)
{
    struct revoker *revoker = context;
    revoker->code =
        reef_session_revoke_user(revoker->client, reef_str_of("eve"), &revoker->revoked,
                                 CLUSTER_MS, &revoker->error);
    return NULL;
}

/* A master dies while tombstones are written. What it had acknowledged and not passed
 * on is lost with it, which is Redis's way; called again, all are revoked. */
static void revoked_while_killed(const struct place *place)
{
    struct revoker revoker = {.client = place->client};
    reef_stats before, now;
    pthread_t thread;
    for (unsigned i = 0; i < CLUSTER_CROWD; i++)
        save(place, "eve", 2000 + i);
    reef_fleet_settle(place->fleet);
    int node = reef_fleet_master(place->fleet, 1000);
    reef_client_stats(place->client, &before);
    assert_int_equal(pthread_create(&thread, NULL, revoker_run, &revoker), 0);
    do {
        reef_live_nap();
        reef_client_stats(place->client, &now);
    } while (now.calls < before.calls + CLUSTER_CROWD + 600);
    reef_fleet_kill(place->fleet, node);
    assert_int_equal(pthread_join(thread, NULL), 0);
    ended(revoker.code, REEF_OK, &revoker.error);
    assert_int_equal(revoker.revoked, CLUSTER_CROWD);
    struct counted counted = count_of(place->client, "eve");
    assert_int_equal(counted.live + counted.dead, CLUSTER_CROWD);
    revokes(place, "eve", counted.live);
    lists(place, "eve", 0, CLUSTER_CROWD);
    reef_fleet_again(place->fleet, node);
}

/* ---- all of it ---------------------------------------------------------------- */

static void cluster_on(const reef_live_kind *kind)
{
    reef_fleet *fleet = reef_fleet_start(kind, NULL);
    struct place spread = place_open(fleet, SPREAD);
    struct place tagged = place_open(fleet, TAGGED);
    one_session(&spread, 0);
    one_session(&tagged, 1);
    many_sessions(&tagged);
    many_sessions(&spread);
    listed_moving(&spread);
    revoked_after_kill(&spread);
    revoked_while_killed(&spread);
    revokes(&tagged, "ann", CLUSTER_MANY);
    lists(&tagged, "ann", 0, CLUSTER_MANY);
    reef_close(spread.client);
    reef_close(tagged.client);
    reef_fleet_free(fleet);
}

static void test_cluster(void **state)
{
    (void)state;
    reef_live_each(cluster_on);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_cluster)};
    return cmocka_run_group_tests_name("session_cluster", tests, NULL, NULL);
}
