/* SPDX-License-Identifier: Apache-2.0
 *
 * Listing 100,000 sessions of a Cluster of three masters: by reef_session_list, and by
 * hand, which is SCAN of one master after the other and the GETs of each page in one
 * pipeline, by hiredis; by hand nothing is decoded, no master may fail and no slot may
 * move. Each session has its record and its index, so half of the keys are passed over.
 * Both do the same in rounds that alternate; the ratio is the median of the rounds' own
 * ratios. Each session has to come exactly once: anything else is a failure. The target
 * is printed, not enforced: a bench is not a timed test. Where no server is installed
 * there is nothing to see.
 *
 *   bench_cluster [SESSIONS] */
#include "session/session.h"
#include "test/bench/masters.h"
#include "test/bench/rounds.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    CLUSTER_SESSIONS = 100000,
    CLUSTER_ROUNDS = 5,
    CLUSTER_PAGE = 1000, /* the COUNT of SCAN, as reef has it */
    CLUSTER_BURST = 500, /* writes in one pipeline */
    CLUSTER_WAIT_MS = 120000
};

static masters cluster_nodes;

static void cluster_die(const char *why)
{
    fprintf(stderr, "bench_cluster: %s\n", why);
    masters_stop(&cluster_nodes);
    exit(1);
}

/* ---- sessions ----------------------------------------------------------------- */

static void cluster_drain(size_t due[MASTERS])
{
    for (int i = 0; i < MASTERS; i++)
        for (; due[i] > 0; due[i]--) {
            redisReply *reply = NULL;
            if (redisGetReply(cluster_nodes.links[i], (void **)&reply) != REDIS_OK ||
                reply->type != REDIS_REPLY_STATUS)
                cluster_die("a write failed");
            freeReplyObject(reply);
        }
}

static void cluster_set(const char *key, reef_str value, size_t due[MASTERS])
{
    int owner = masters_of_slot(reef_key_slot(reef_str_of(key)));
    if (redisAppendCommand(cluster_nodes.links[owner], "SET %s %b EX 7200", key,
                           value.ptr, value.len) != REDIS_OK)
        cluster_die("out of memory");
    due[owner]++;
}

/* Each has its number in updated_at. */
static void cluster_save(uint32_t number, size_t due[MASTERS])
{
    char id[REEF_SESSION_ID_LEN + 1], user[16], key[128];
    uint8_t random[32] = {0};
    for (size_t i = 0; i < 4; i++)
        random[i] = (uint8_t)(number * 2654435761u >> (8 * i));
    reef_session_make_id(random, 1700000000000 + (int64_t)number, id);
    snprintf(user, sizeof user, "user-%u", number % 5000);
    reef_session session = {.id = reef_str_of(id),
                            .ip = reef_str_of("203.0.113.77"),
                            .user_id = reef_str_of(user),
                            .user_agent =
                                reef_str_of("Mozilla/5.0 (X11; Linux x86_64)"),
                            .expires_after_ns = INT64_C(1800000000000000000),
                            .updated_at = number + 1};
    size_t len;
    char *blob = reef_session_encode(&session, &len);
    if (!blob)
        cluster_die("out of memory");
    snprintf(key, sizeof key, "knot:Sessions:%s", id);
    cluster_set(key, (reef_str){blob, len}, due);
    snprintf(key, sizeof key, "knot:SessionsByUserId:%s:%s", user, id);
    cluster_set(key, session.id, due);
    free(blob);
}

static void cluster_fill(uint32_t count)
{
    size_t due[MASTERS] = {0};
    for (uint32_t i = 0; i < count; i++) {
        cluster_save(i, due);
        if (i % CLUSTER_BURST == 0)
            cluster_drain(due);
    }
    cluster_drain(due);
}

/* ---- by hand ------------------------------------------------------------------ */

static redisReply *cluster_reply(redisContext *link)
{
    redisReply *reply = NULL;
    if (redisGetReply(link, (void **)&reply) != REDIS_OK)
        cluster_die(link->errstr);
    return reply;
}

/* The records of one page; returns how many they are. */
static size_t cluster_get(redisContext *link, const redisReply *keys)
{
    size_t found = 0;
    for (size_t i = 0; i < keys->elements; i++)
        redisAppendCommand(link, "GET %b", keys->element[i]->str,
                           keys->element[i]->len);
    for (size_t i = 0; i < keys->elements; i++) {
        redisReply *record = cluster_reply(link);
        found += record->type == REDIS_REPLY_STRING;
        freeReplyObject(record);
    }
    return found;
}

static size_t cluster_walk(redisContext *link)
{
    char cursor[32] = "0";
    size_t found = 0;
    do {
        redisReply *page = redisCommand(link, "SCAN %s MATCH knot:Sessions:* COUNT %d",
                                        cursor, CLUSTER_PAGE);
        if (!page || page->type != REDIS_REPLY_ARRAY || page->elements != 2)
            cluster_die("SCAN failed");
        snprintf(cursor, sizeof cursor, "%s", page->element[0]->str);
        found += cluster_get(link, page->element[1]);
        freeReplyObject(page);
    } while (strcmp(cursor, "0") != 0);
    return found;
}

static double cluster_by_hand(uint32_t count)
{
    size_t found = 0;
    double start = rounds_now();
    for (int i = 0; i < MASTERS; i++)
        found += cluster_walk(cluster_nodes.links[i]);
    double took = rounds_now() - start;
    if (found < count) /* SCAN may give a key twice */
        cluster_die("by hand sessions are missing");
    return took;
}

/* ---- by reef ------------------------------------------------------------------ */

static void cluster_check(reef_sessions *list, uint32_t count)
{
    unsigned char *seen = calloc(count, 1);
    reef_session session;
    reef_error error;
    while (seen && reef_sessions_next(list, &session, &error)) {
        uint64_t number = session.updated_at - 1;
        if (error.code != REEF_OK || number >= count || seen[number]++)
            cluster_die("a session came twice, or is none of ours");
    }
    for (uint32_t i = 0; i < count; i++)
        if (!seen || !seen[i])
            cluster_die("a session is missing");
    free(seen);
}

static double cluster_by_reef(reef_client *client, uint32_t count)
{
    reef_sessions *list;
    reef_error error;
    double start = rounds_now();
    reef_code code =
        reef_session_list(client, reef_str_of(""), CLUSTER_WAIT_MS, &list, &error);
    double took = rounds_now() - start;
    if (code != REEF_OK)
        cluster_die(error.text);
    cluster_check(list, count);
    reef_sessions_free(list);
    return took;
}

static reef_client *cluster_open(void)
{
    static reef_config config;
    reef_error error;
    reef_config_init(&config);
    snprintf(config.key_prefix, sizeof config.key_prefix, "knot:");
    config.host_count = 2;
    for (size_t i = 0; i < 2; i++) {
        config.hosts[i].kind = REEF_HOST_TCP;
        config.hosts[i].port = cluster_nodes.ports[i];
        snprintf(config.hosts[i].name, sizeof config.hosts[i].name, "127.0.0.1");
    }
    reef_client *client = reef_open(&config, &error);
    if (!client)
        cluster_die(error.text);
    return client;
}

int main(int argc, char **argv)
{
    uint32_t count = argc > 1 ? (uint32_t)atol(argv[1]) : CLUSTER_SESSIONS;
    double own[CLUSTER_ROUNDS], raw[CLUSTER_ROUNDS], ratio[CLUSTER_ROUNDS];
    masters_start(&cluster_nodes);
    if (!cluster_nodes.server) {
        printf("lists of a Cluster: neither valkey-server nor redis-server is here\n");
        return 0;
    }
    cluster_fill(count);
    reef_client *client = cluster_open();
    for (int i = 0; i < CLUSTER_ROUNDS; i++) {
        raw[i] = cluster_by_hand(count) / 1e6;
        own[i] = cluster_by_reef(client, count) / 1e6;
        ratio[i] = own[i] / raw[i];
    }
    reef_close(client);
    masters_stop(&cluster_nodes);
    printf("%-28s %10s %10s %10s %18s\n", "lists of a Cluster", "reef, ms", "raw, ms",
           "ratio", "target");
    printf("%8u sessions %20.0f %10.0f %10.2f %18s\n", count,
           rounds_median(own, CLUSTER_ROUNDS), rounds_median(raw, CLUSTER_ROUNDS),
           rounds_median(ratio, CLUSTER_ROUNDS), "at most 2");
    return 0;
}
