/* SPDX-License-Identifier: Apache-2.0
 *
 * net/many.c: who is there, one command to several nodes, one for each of many keys. */
#include "net/client.h"
#include "test/unit/net_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { MANY_KEYS = 100000 };

/* ---- a Cluster that is pretended ---------------------------------------------- */

static reef_member many_nodes[3]; /* first id "": there is none */
static unsigned many_unknown;     /* so many times nobody is known yet */
static char many_ids[256];        /* whom commands went to */
static size_t many_no_memory;     /* an allocation of this size fails */

size_t __real_reef_engine_members(const reef_engine *, reef_member *, size_t);
size_t __wrap_reef_engine_members(const reef_engine *, reef_member *, size_t);
uint64_t __real_reef_engine_order(reef_engine *, const reef_order *, int64_t);
uint64_t __wrap_reef_engine_order(reef_engine *, const reef_order *, int64_t);
void *__real_malloc(size_t);
void *__wrap_malloc(size_t);
void *__real_calloc(size_t, size_t);
void *__wrap_calloc(size_t, size_t);

size_t __wrap_reef_engine_members(const reef_engine *engine, reef_member *out,
                                  size_t cap)
{
    if (many_nodes[0].id[0] == '\0')
        return __real_reef_engine_members(engine, out, cap);
    if (many_unknown > 0) {
        many_unknown -= cap == 0;
        return 0;
    }
    for (size_t i = 0; i < 3 && i < cap; i++)
        out[i] = many_nodes[i];
    return 3;
}

uint64_t __wrap_reef_engine_order(reef_engine *engine, const reef_order *order,
                                  int64_t now_ms)
{
    reef_order here = *order;
    size_t len = strlen(many_ids);
    if (len + 8 < sizeof many_ids && order->node_id[0] != '\0')
        snprintf(many_ids + len, sizeof many_ids - len, "%.4s ", order->node_id);
    here.node_id = "";
    return __real_reef_engine_order(engine, &here, now_ms);
}

void *__wrap_malloc(size_t size)
{
    return many_no_memory > 0 && size == many_no_memory ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return many_no_memory > 0 && count * size == many_no_memory
               ? NULL
               : __real_calloc(count, size);
}

static void many_pretend(void)
{
    static const char *const ids[] = {"aaaa", "bbbb", "cccc"};
    for (size_t i = 0; i < 3; i++) {
        memset(&many_nodes[i], 0, sizeof many_nodes[i]);
        snprintf(many_nodes[i].id, sizeof many_nodes[i].id, "%s", ids[i]);
        many_nodes[i].master = i != 1;
        many_nodes[i].slots = i != 1 ? 8192 : 0;
    }
    many_ids[0] = '\0';
}

static int many_real(void **state)
{
    (void)state;
    memset(many_nodes, 0, sizeof many_nodes);
    many_unknown = 0;
    many_no_memory = 0;
    return 0;
}

/* ---- who is there ------------------------------------------------------------- */

static void a_single_server_is_one_node(void **state)
{
    reef_error error;
    char peer_text[REEF_PEER_TEXT];
    (void)state;
    peer *p = peer_start(serve, NULL, NULL);
    reef_client *client = open_peer(p);
    assert_true(reef_client_is_spread(client));
    reef_answers *found = reef_client_members(client, LONG_MS, &error);
    assert_non_null(found);
    assert_int_equal(error.code, REEF_OK);
    assert_int_equal(found->count, 1);
    assert_string_equal(found->items[0].member.id, "");
    assert_true(found->items[0].member.master);
    assert_int_equal(found->items[0].member.slots, REEF_SLOT_COUNT);
    snprintf(peer_text, sizeof peer_text, "127.0.0.1:%u", (unsigned)peer_port(p));
    assert_string_equal(found->items[0].member.peer, peer_text);
    assert_null(found->items[0].reply);
    assert_false(reef_client_is_spread(client));
    reef_answers_free(found);
    reef_answers_free(NULL);
    assert_null(reef_client_members(client, -1, &error));
    assert_int_equal(error.code, REEF_BADARG);
    reef_close(client);
    peer_stop(p);
}

static void nobody_there_has_a_reason(void **state)
{
    reef_error error;
    reef_cmd *cmd = reef_cmd_new();
    (void)state;
    build(cmd, "PING", NULL, NULL);
    reef_config config = config_for("127.0.0.1", peer_closed_port());
    reef_client *client = open_config(&config);
    assert_null(reef_client_members(client, SHORT_MS, &error));
    assert_int_equal(error.code, REEF_CONNECT);
    assert_true(strlen(error.text) > 0);
    assert_null(reef_call_nodes(client, cmd, REEF_WHOM_ALL, SHORT_MS, &error));
    assert_int_equal(error.code, REEF_CONNECT);
    assert_null(reef_call_nodes(client, cmd, REEF_WHOM_ALL, -1, &error));
    assert_int_equal(error.code, REEF_BADARG);
    assert_null(reef_call_nodes(client, NULL, REEF_WHOM_ALL, SHORT_MS, &error));
    assert_int_equal(error.code, REEF_BADARG);
    reef_close(client);
    reef_cmd_free(cmd);
}

/* ---- several nodes ------------------------------------------------------------ */

static void all_say(reef_client *client, reef_whom whom, const char *ids)
{
    reef_error error;
    reef_cmd *cmd = reef_cmd_new();
    build(cmd, "ECHO", NULL, "hello");
    many_ids[0] = '\0';
    reef_answers *said = reef_call_nodes(client, cmd, whom, LONG_MS, &error);
    assert_non_null(said);
    assert_string_equal(many_ids, ids);
    for (size_t i = 0; i < said->count; i++) {
        const reef_reply *reply = said->items[i].reply;
        assert_int_equal(reef_reply_code(reply), REEF_OK);
        assert_int_equal(reef_text(reply, reef_reply_root(reply)).len, 5);
    }
    reef_answers_free(said);
    reef_cmd_free(cmd);
}

static void a_command_goes_to_whom_it_is_meant_for(void **state)
{
    (void)state;
    peer *p = peer_start(serve, NULL, NULL);
    reef_client *client = open_peer(p);
    all_say(client, REEF_WHOM_MASTERS, "");
    all_say(client, REEF_WHOM_ALL, "");
    many_pretend();
    all_say(client, REEF_WHOM_MASTERS, "aaaa cccc ");
    all_say(client, REEF_WHOM_ALL, "aaaa bbbb cccc ");
    many_unknown = 3; /* a map comes some time after somebody has answered */
    all_say(client, REEF_WHOM_ALL, "aaaa bbbb cccc ");
    reef_close(client);
    peer_stop(p);
}

static void where_nobody_serves_slots_that_is_told(void **state)
{
    reef_error error;
    reef_cmd *cmd = reef_cmd_new();
    (void)state;
    build(cmd, "PING", NULL, NULL);
    peer *p = peer_start(serve, NULL, NULL);
    reef_client *client = open_peer(p);
    many_pretend();
    many_nodes[0].slots = many_nodes[2].slots = 0;
    assert_null(reef_call_nodes(client, cmd, REEF_WHOM_MASTERS, LONG_MS, &error));
    assert_int_equal(error.code, REEF_NOROUTE);
    many_unknown = 1u << 30;
    assert_null(reef_call_nodes(client, cmd, REEF_WHOM_MASTERS, SHORT_MS, &error));
    assert_int_not_equal(error.code, REEF_OK);
    assert_true(strlen(error.text) > 0);
    reef_close(client);
    reef_cmd_free(cmd);
    peer_stop(p);
}

/* ---- several keys ------------------------------------------------------------- */

static void keys_answer(peer_link *link)
{
    while (peer_next(link)) {
        const char *key = link->count > 1 ? link->args[1] : "";
        if (peer_is(link, "GET") && strcmp(key, "list") == 0)
            peer_write(link, "-WRONGTYPE it is a list\r\n");
        else if (peer_is(link, "GET") && strcmp(key, "none") == 0)
            peer_write(link, "$-1\r\n");
        else if (peer_is(link, "DEL") && strcmp(key, "cut") == 0)
            return;
        else if (peer_is(link, "DEL") || peer_is(link, "EXISTS") ||
                 peer_is(link, "TOUCH"))
            peer_write(link, strcmp(key, "none") == 0 ? ":0\r\n" : ":1\r\n");
        else if (!answer(link))
            return;
    }
}

static void each_key_has_its_own_fate(void **state)
{
    const reef_str keys[] = {{"a", 1}, {"list", 4}, {"none", 4}, {"a", 1}, {"", 0}};
    static const reef_verb verbs[] = {REEF_VERB_DEL, REEF_VERB_EXISTS, REEF_VERB_TOUCH};
    reef_reply *replies[5];
    (void)state;
    peer *p = peer_start(keys_answer, NULL, NULL);
    reef_client *client = open_peer(p);
    reef_call_keys(client, REEF_VERB_GET, keys, 0, LONG_MS, NULL);
    reef_call_keys(client, REEF_VERB_GET, keys, 5, LONG_MS, replies);
    for (size_t i = 0; i < 5; i++) {
        reef_str text = reef_text(replies[i], reef_reply_root(replies[i]));
        reef_code want = i == 1 ? REEF_REFUSED : REEF_OK;
        assert_int_equal(reef_reply_code(replies[i]), want);
        if (i == 2)
            assert_int_equal(reef_node_kind(reef_reply_root(replies[i])), REEF_NIL);
        else if (i != 1)
            assert_true(reef_str_equal(text, keys[i]));
        reef_reply_free(replies[i]);
    }
    for (size_t v = 0; v < 3; v++) {
        reef_call_keys(client, verbs[v], keys, 5, LONG_MS, replies);
        for (size_t i = 0; i < 5; i++) {
            assert_int_equal(reef_int(reef_reply_root(replies[i]), -1), i == 2 ? 0 : 1);
            reef_reply_free(replies[i]);
        }
    }
    reef_close(client);
    peer_stop(p);
}

static void a_delete_that_was_cut_off_is_unsure(void **state)
{
    const reef_str keys[] = {{"cut", 3}};
    reef_reply *reply;
    (void)state;
    peer *p = peer_start(keys_answer, NULL, NULL);
    reef_client *client = open_peer(p);
    reef_call_keys(client, REEF_VERB_DEL, keys, 1, LONG_MS, &reply);
    expect_bad(reply, REEF_UNSURE);
    reef_close(client);
    peer_stop(p);
}

static void a_hundred_thousand_keys_keep_their_order(void **state)
{
    static char words[MANY_KEYS][8];
    static reef_str keys[MANY_KEYS];
    static reef_reply *replies[MANY_KEYS];
    (void)state;
    peer *p = peer_start(keys_answer, NULL, NULL);
    reef_client *client = open_peer(p);
    for (size_t i = 0; i < MANY_KEYS; i++) {
        snprintf(words[i], sizeof words[i], "%zu", i);
        keys[i] = reef_str_of(words[i]);
    }
    reef_call_keys(client, REEF_VERB_GET, keys, MANY_KEYS, LONG_MS, replies);
    for (size_t i = 0; i < MANY_KEYS; i++) {
        reef_str text = reef_text(replies[i], reef_reply_root(replies[i]));
        assert_true(reef_str_equal(text, keys[i]));
        reef_reply_free(replies[i]);
    }
    reef_close(client);
    peer_stop(p);
}

static void keys_that_can_not_be_asked_for_say_why(void **state)
{
    const reef_str keys[] = {{"a", 1}, {"b", 1}, {"c", 1}};
    reef_reply **many = calloc(REEF_PIPELINE_MAX + 1, sizeof(reef_reply *));
    reef_reply *replies[3];
    (void)state;
    reef_config config = config_for("127.0.0.1", peer_closed_port());
    reef_client *client = open_config(&config);
    reef_call_keys(client, REEF_VERB_GET, keys, 3, SHORT_MS, replies);
    for (size_t i = 0; i < 3; i++)
        expect_bad(replies[i], REEF_CONNECT);
    reef_call_keys(client, REEF_VERB_GET, keys, 3, -1, replies);
    for (size_t i = 0; i < 3; i++)
        expect_bad(replies[i], REEF_BADARG);
    reef_call_keys(client, REEF_VERB_GET, NULL, REEF_PIPELINE_MAX + 1, SHORT_MS, many);
    for (size_t i = 0; i <= REEF_PIPELINE_MAX; i++)
        expect_bad(many[i], REEF_LIMIT);
    reef_close(client);
    free(many);
}

static void memory_that_runs_out_is_told(void **state)
{
    const reef_str keys[] = {{"a", 1}, {"b", 1}, {"c", 1}};
    reef_reply *replies[3];
    reef_error error;
    (void)state;
    peer *p = peer_start(serve, NULL, NULL);
    reef_client *client = open_peer(p);
    expect_text(client, "GET", "warm", "warm");
    many_no_memory = 3 * sizeof(reef_cmd *);
    reef_call_keys(client, REEF_VERB_GET, keys, 3, LONG_MS, replies);
    many_no_memory = 2 * sizeof(reef_member);
    assert_null(reef_client_members(client, LONG_MS, &error));
    assert_int_equal(error.code, REEF_NOMEM);
    many_no_memory = sizeof(reef_answers) + sizeof(struct reef_answer);
    assert_null(reef_client_members(client, LONG_MS, &error));
    assert_int_equal(error.code, REEF_NOMEM);
    many_no_memory = 0;
    for (size_t i = 0; i < 3; i++)
        expect_bad(replies[i], REEF_NOMEM);
    expect_text(client, "GET", "after", "after");
    reef_close(client);
    peer_stop(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_single_server_is_one_node),
        cmocka_unit_test(nobody_there_has_a_reason),
        cmocka_unit_test_teardown(a_command_goes_to_whom_it_is_meant_for, many_real),
        cmocka_unit_test_teardown(where_nobody_serves_slots_that_is_told, many_real),
        cmocka_unit_test(each_key_has_its_own_fate),
        cmocka_unit_test(a_delete_that_was_cut_off_is_unsure),
        cmocka_unit_test(a_hundred_thousand_keys_keep_their_order),
        cmocka_unit_test(keys_that_can_not_be_asked_for_say_why),
        cmocka_unit_test(memory_that_runs_out_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
