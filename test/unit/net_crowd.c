/* SPDX-License-Identifier: Apache-2.0
 *
 * Threads on one client that has more connections than are polled one by one: a Cluster
 * of many nodes, which cut connections at random, and forget what they were asked.
 * Every call gets the answer of its own key from the node that owns it, and no
 * descriptor stays behind. Made to run under ThreadSanitizer as well. */
#include "net/net.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "test/unit/net_peer.h"

enum { NODES = 48, THREADS = 8, CALLS = 400, CALL_MS = 30000, VIEW = 8192 };

typedef struct node {
    peer *peer;
    uint32_t number;
} node;

static struct {
    node nodes[NODES];
    char slots[VIEW], roster[VIEW]; /* CLUSTER SLOTS and CLUSTER NODES */
    reef_client *client;
    uint32_t cut_one_in; /* 0: never */
    atomic_uint wrong, fine;
} crowd;

static uint32_t next_random(uint32_t *random)
{
    *random = *random * 1664525u + 1013904223u;
    return *random >> 8;
}

static uint32_t first_slot(uint32_t number)
{
    return REEF_SLOT_COUNT * number / NODES;
}

static uint32_t owner_of(const char *key)
{
    uint32_t slot = reef_key_slot(reef_str_of(key)), number = NODES - 1;
    while (slot < first_slot(number))
        number--;
    return number;
}

/* ---- nodes -------------------------------------------------------------------- */

static bool answer_cluster(peer_link *link, const node *me)
{
    char id[41], head[32];
    snprintf(id, sizeof id, "%040u", me->number);
    snprintf(head, sizeof head, "$%zu\r\n", strlen(crowd.roster));
    if (strcmp(link->args[1], "MYID") == 0)
        return peer_bulk(link, id);
    if (strcmp(link->args[1], "SLOTS") == 0)
        return peer_write(link, crowd.slots);
    return peer_write(link, head) && peer_write(link, crowd.roster) &&
           peer_write(link, "\r\n");
}

/* As old nodes do: no HELLO, and OK to what they don't know. */
static bool answer_one(peer_link *link, const node *me)
{
    char text[96];
    if (peer_is(link, "HELLO"))
        return peer_write(link, "-ERR unknown command\r\n");
    if (peer_is(link, "CLUSTER") && link->count > 1)
        return answer_cluster(link, me);
    if (!peer_is(link, "GET") || link->count < 2)
        return peer_write(link, "+OK\r\n");
    snprintf(text, sizeof text, "%u has %s", me->number, link->args[1]);
    return peer_bulk(link, text);
}

static void serve_node(peer_link *link)
{
    const node *me = link->argument;
    uint32_t random = ((uint32_t)link->number * NODES + me->number) * 2654435761u + 1;
    while (peer_read(link)) {
        bool cuts = crowd.cut_one_in > 0 && peer_is(link, "GET") &&
                    next_random(&random) % crowd.cut_one_in == 0;
        if (cuts || !answer_one(link, me))
            return;
    }
}

static void start_nodes(void)
{
    size_t slots = 0, roster = 0;
    slots += (size_t)snprintf(crowd.slots, VIEW, "*%d\r\n", NODES);
    for (uint32_t i = 0; i < NODES; i++) {
        node *n = &crowd.nodes[i];
        n->number = i;
        n->peer = peer_start(serve_node, n, NULL);
        uint32_t port = peer_port(n->peer), last = first_slot(i + 1) - 1;
        slots += (size_t)snprintf(
            crowd.slots + slots, VIEW - slots,
            "*3\r\n:%u\r\n:%u\r\n*3\r\n$9\r\n127.0.0.1\r\n:%u\r\n$40\r\n%040u\r\n",
            first_slot(i), last, port, i);
        roster +=
            (size_t)snprintf(crowd.roster + roster, VIEW - roster,
                             "%040u 127.0.0.1:%u@1 master - 0 0 %u connected %u-%u\n",
                             i, port, i + 1, first_slot(i), last);
    }
    assert_true(slots < VIEW && roster < VIEW);
}

/* ---- callers ------------------------------------------------------------------ */

static void *call_around(void *argument)
{
    uint32_t random = *(const uint32_t *)argument;
    char key[32], want[96];
    reef_cmd *cmd = reef_cmd_new();
    for (int i = 0; i < CALLS && crowd.wrong == 0; i++) {
        snprintf(key, sizeof key, "key %u", next_random(&random));
        snprintf(want, sizeof want, "%u has %s", owner_of(key), key);
        reef_cmd_begin(cmd, "GET");
        reef_cmd_key(cmd, reef_str_of(key));
        reef_cmd_repeatable(cmd);
        reef_reply *reply = reef_call(crowd.client, cmd, CALL_MS);
        bool fine = reef_str_is(reef_text(reply, reef_reply_root(reply)), want);
        if (!fine)
            print_error("%s: %s\n", want, reef_reply_text(reply));
        crowd.fine += fine;
        crowd.wrong += !fine;
        reef_reply_free(reply);
    }
    reef_cmd_free(cmd);
    return NULL;
}

static void run_crowd(uint32_t cut_one_in)
{
    static uint32_t seeds[THREADS];
    pthread_t threads[THREADS];
    reef_config config;
    reef_error error;
    memset(&crowd, 0, sizeof crowd);
    crowd.cut_one_in = cut_one_in;
    size_t before = peer_descriptors();
    start_nodes();
    reef_config_init(&config);
    config.host_count = 2;
    for (size_t i = 0; i < 2; i++) {
        config.hosts[i].port = peer_port(crowd.nodes[i].peer);
        snprintf(config.hosts[i].name, sizeof config.hosts[i].name, "127.0.0.1");
    }
    crowd.client = reef_open(&config, &error);
    assert_non_null(crowd.client);
    for (uint32_t i = 0; i < THREADS; i++) {
        seeds[i] = i * 7919u;
        assert_int_equal(pthread_create(&threads[i], NULL, call_around, &seeds[i]), 0);
    }
    for (size_t i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    for (size_t i = 0; i < NODES; i++)
        assert_true(peer_links(crowd.nodes[i].peer) > 0);
    reef_close(crowd.client);
    for (size_t i = 0; i < NODES; i++)
        peer_stop(crowd.nodes[i].peer);
    assert_int_equal(crowd.wrong, 0);
    assert_int_equal(crowd.fine, THREADS * CALLS);
    assert_int_equal(peer_descriptors(), before);
}

static void many_nodes(void **state)
{
    (void)state;
    run_crowd(0);
}

static void many_nodes_that_cut(void **state)
{
    (void)state;
    run_crowd(30);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_nodes),
        cmocka_unit_test(many_nodes_that_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
