/* SPDX-License-Identifier: Apache-2.0
 *
 * reef slot: the slots of the cluster specification's own examples, the forms without a
 * server, and who serves a slot. Linked with __wrap_reef_call_nodes of cli_nodes.h, and
 * __wrap_reef_client_members. */
#include "test/unit/cli_look.h"
#include "test/unit/cli_nodes.h"

reef_answers *__wrap_reef_client_members(reef_client *client, int64_t timeout_ms,
                                         reef_error *error);

static bool single; /* no Cluster */

reef_answers *__wrap_reef_client_members(reef_client *client, int64_t timeout_ms,
                                         reef_error *error)
{
    (void)client;
    (void)timeout_ms;
    *error = (reef_error){nodes_code, 0, "asked in vain"};
    if (nodes_code != REEF_OK)
        return NULL;
    size_t count = single ? 1 : nodes_count;
    reef_answers *out = calloc(1, sizeof *out + count * sizeof out->items[0]);
    assert_non_null(out);
    out->count = count;
    for (size_t i = 0; i < count; i++)
        nodes_member((int)i, &out->items[i].member);
    if (single)
        out->items[0].member.id[0] = '\0';
    return out;
}

static void slot_forms(void **state)
{
    cap *c = *state;
    cap_args(c, "123456789");
    assert_int_equal(cap_run(c, cli_slot_run), CLI_DONE);
    assert_string_equal(c->out, "12739\n");
    cap_args(c, "foo {user1000}.a {user1000}.b");
    assert_int_equal(cap_run(c, cli_slot_run), CLI_DONE);
    assert_string_equal(c->out, "12182  foo\n3443  {user1000}.a\n3443  {user1000}.b\n");
    cap_set(c, CLI_OPT_JSON, "");
    cap_args(c, "foo a\"b");
    assert_int_equal(cap_run(c, cli_slot_run), CLI_DONE);
    cap_has(c->out, "{\"key\":\"foo\",\"slot\":12182}\n{\"key\":\"a\\\"b\",\"slot\":");
    assert_string_equal(c->err, "");
}

/* A key of several is shown, and must not steer the terminal; the empty key has slot
 * 0. */
static void slot_odd_keys(void **state)
{
    cap *c = *state;
    cap_args(c, "\033[2J b");
    cap_run(c, cli_slot_run);
    cap_has(c->out, "  \\x1b[2J\n");
    cap_has_not(c->out, "\033");
    cap_args(c, " b");
    assert_int_equal(c->ctx.arg_count, 2);
    cap_run(c, cli_slot_run);
    assert_string_equal(c->out, "0  \n3300  b\n");
}

static int slots(cap *c, const char *words)
{
    cap_args(c, words);
    int code = cap_run(c, cli_slot_run);
    cli_close(&c->ctx);
    return code;
}

static void slot_owner(void **state)
{
    cap *c = *state;
    nodes_good();
    single = false;
    cap_nobody(c);
    nodes[3].link = "down";
    nodes[0].moving = " [3300->-bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb]";
    assert_int_equal(slots(c, "foo b"), CLI_DONE);
    assert_string_equal(
        c->out, "12182  foo  10.0.0.3:7000 (online); replica 10.0.0.6:7000 (online)\n"
                "3300  b  10.0.0.1:7000 (online); replica 10.0.0.4:7000 (has lost its "
                "master); on its way to 10.0.0.2:7000\n");
    assert_string_equal(c->err, "");
    cap_set(c, CLI_OPT_JSON, "");
    assert_int_equal(slots(c, "b"), CLI_DONE);
    look_has_members(c->out, "key slot owner replicas moving_to ");
    cap_has(c->out, "{\"key\":\"b\",\"slot\":3300,\"owner\":{\"id\":\"aaaa");
    cap_has(c->out, "],\"moving_to\":{\"id\":\"bbbb");
    assert_int_equal(slots(c, "foo"), CLI_DONE);
    cap_has(c->out, ",\"moving_to\":null}\n");
}

/* Nobody serves it, who serves it has failed, nobody tells, nobody answers. */
static void slot_unserved(void **state)
{
    cap *c = *state;
    nodes_good();
    single = false;
    cap_nobody(c);
    (void)snprintf(nodes[2].slots, 256, " 13000-16383");
    nodes_count = 3;
    assert_int_equal(slots(c, "foo"), CLI_UNREACHED);
    assert_string_equal(c->out, "12182  foo  no node serves it\n");
    (void)snprintf(nodes[2].slots, 256, " 10923-16383");
    nodes[2].flags = ",fail";
    nodes_mute(2, REEF_CONNECT, "refused");
    assert_int_equal(slots(c, "b foo"), CLI_UNREACHED);
    assert_string_equal(c->out,
                        "3300  b  10.0.0.1:7000 (online); no replica\n12182  foo "
                        " 10.0.0.3:7000 (failed: refused); no replica\n");
    for (int i = 0; i < 3; i++)
        nodes_mute(i, REEF_REFUSED, "NOPERM no");
    assert_int_equal(slots(c, "b foo"), CLI_REFUSED);
    assert_string_equal(c->out, "");
    cap_has(c->err, "reef: no node tells who serves what: NOPERM no\n");
    nodes_code = REEF_CONNECT;
    assert_int_equal(slots(c, "b"), CLI_UNREACHED);
    assert_string_equal(c->err, "reef: asked in vain\n");
}

/* A server alone; and without settings none is asked. */
static void slot_alone(void **state)
{
    cap *c = *state;
    nodes_good();
    single = true;
    assert_int_equal(slots(c, "foo"), CLI_DONE);
    assert_string_equal(c->out, "12182\n");
    assert_string_equal(nodes_log, "");
    cap_nobody(c);
    assert_int_equal(slots(c, "foo"), CLI_DONE);
    assert_string_equal(c->out,
                        "12182  foo  10.0.0.1:7000, which has all keys: there is "
                        "no Cluster\n");
    cap_set(c, CLI_OPT_CONFIG, NULL);
    cap_set(c, CLI_OPT_OWNER, "");
    cap_set(c, CLI_OPT_JSON, "");
    assert_int_equal(slots(c, "foo"), CLI_DONE);
    assert_string_equal(c->out,
                        "{\"key\":\"foo\",\"slot\":12182,\"owner\":{\"id\":null,"
                        "\"peer\":\"10.0.0.1:7000\",\"role\":\"master\"},\"replicas\":["
                        "],\"moving_to\":null}\n");
    cap_settings(c, "[server.redis]\ndb = -1\n");
    assert_int_equal(slots(c, "foo"), CLI_USAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CAP_TEST(slot_forms),    CAP_TEST(slot_odd_keys), CAP_TEST(slot_owner),
        CAP_TEST(slot_unserved), CAP_TEST(slot_alone),
    };
    return cmocka_run_group_tests_name("cli_slot", tests, NULL, NULL);
}
