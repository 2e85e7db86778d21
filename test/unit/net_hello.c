/* SPDX-License-Identifier: Apache-2.0
 *
 * net/hello.c: the handshake on servers old and new, right and wrong. */
#include "test/unit/engine_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define TOML_HOST "[server.redis]\nhosts = [\"127.0.0.1:7000\"]\n"
#define HELLO_REDIS "%2\r\n+server\r\n+redis\r\n+mode\r\n+standalone\r\n"

static uint64_t begin(kit *k, const char *toml)
{
    kit_start(k, toml);
    uint64_t id = kit_submit(k, "INCR n", false, 1000);
    kit_expect_open(k, "127.0.0.1", 7000);
    kit_opened(k);
    return id;
}

static void test_hello_alone_in_flight(void **state)
{
    (void)state;
    kit k;
    uint64_t id = begin(&k, TOML_HOST);
    kit_expect_sent(&k, "*2\r\n$5\r\nHELLO\r\n$1\r\n3\r\n");
    kit_receive(&k, HELLO_REDIS);
    kit_expect_sent(
        &k, "*3\r\n$6\r\nCLIENT\r\n$7\r\nSETNAME\r\n$4\r\nreef\r\n"
            "*4\r\n$6\r\nCLIENT\r\n$7\r\nSETINFO\r\n$8\r\nLIB-NAME\r\n$4\r\nreef\r\n"
            "*4\r\n$6\r\nCLIENT\r\n$7\r\nSETINFO\r\n$7\r\nLIB-VER\r\n$5\r\n0.1.0\r\n");
    kit_receive(&k, "+OK\r\n-ERR no\r\n");
    kit_expect_quiet(&k);
    kit_receive(&k, "-NOPERM no\r\n");
    kit_expect_sent(&k, "*2\r\n$4\r\nINCR\r\n$1\r\nn\r\n");
    kit_receive(&k, ":1\r\n");
    kit_expect_done(&k, id, REEF_OK, NULL);
    reef_server server;
    assert_true(reef_engine_server(k.engine, &server));
    assert_string_equal(server.server, "redis");
    assert_string_equal(server.mode, "standalone");
    assert_string_equal(server.peer, "127.0.0.1:7000");
    assert_int_equal(server.protocol, 3);
    kit_stop(&k);
}

static void test_credentials_and_db(void **state)
{
    (void)state;
    kit k;
    uint64_t id =
        begin(&k, TOML_HOST "username = \"ann\"\npassword = \"s3\"\ndb = 4\n");
    kit_expect_sent(
        &k, "*5\r\n$5\r\nHELLO\r\n$1\r\n3\r\n$4\r\nAUTH\r\n$3\r\nann\r\n$2\r\ns3\r\n");
    kit_receive(&k, HELLO_REDIS);
    kit_expect_sent(&k, NULL);
    assert_int_equal(strncmp(k.sent, "*2\r\n$6\r\nSELECT\r\n$1\r\n4\r\n", 23), 0);
    kit_receive(&k, "+OK\r\n+OK\r\n+OK\r\n+OK\r\n");
    kit_expect_sent(&k, "*2\r\n$4\r\nINCR\r\n$1\r\nn\r\n");
    kit_receive(&k, ":1\r\n");
    kit_expect_done(&k, id, REEF_OK, NULL);
    kit_stop(&k);
}

static void test_old_server(void **state)
{
    (void)state;
    kit k;
    uint64_t id = begin(&k, TOML_HOST "password = \"s3\"\n");
    kit_expect_sent(&k, NULL);
    kit_receive(&k, "-ERR unknown command `HELLO`, with args beginning with: `3`\r\n");
    kit_expect_sent(&k, "*2\r\n$4\r\nAUTH\r\n$2\r\ns3\r\n");
    kit_receive(&k, "+OK\r\n");
    kit_expect_sent(&k, NULL);
    kit_receive(&k, "+OK\r\n+OK\r\n+OK\r\n");
    kit_expect_sent(&k, "*2\r\n$4\r\nINCR\r\n$1\r\nn\r\n");
    /* A RESP3 type on this RESP2 link proves that the stream is lost. */
    kit_receive(&k, "_\r\n");
    kit_expect_done(&k, id, REEF_PROTOCOL, "RESP3 type in RESP2");
    kit_stop(&k);
}

static void test_noproto_without_password(void **state)
{
    (void)state;
    kit k;
    uint64_t id = begin(&k, TOML_HOST);
    kit_expect_sent(&k, NULL);
    kit_receive(&k, "-NOPROTO unsupported protocol version\r\n");
    kit_expect_sent(&k, NULL);
    assert_non_null(strstr(k.sent, "SETNAME"));
    kit_receive(&k, "+OK\r\n+OK\r\n+OK\r\n");
    kit_expect_sent(&k, NULL);
    kit_receive(&k, ":1\r\n");
    kit_expect_done(&k, id, REEF_OK, NULL);
    kit_stop(&k);
}

static void test_protocol_setting(void **state)
{
    (void)state;
    kit k;
    uint64_t id = begin(&k, TOML_HOST "protocol = 2\n");
    kit_expect_sent(&k, "*2\r\n$5\r\nHELLO\r\n$1\r\n2\r\n");
    kit_receive(
        &k, "*4\r\n$6\r\nserver\r\n$6\r\nvalkey\r\n$4\r\nrole\r\n$7\r\nreplica\r\n");
    kit_expect_sent(&k, NULL);
    kit_receive(&k, "+OK\r\n+OK\r\n+OK\r\n");
    reef_server server;
    assert_true(reef_engine_server(k.engine, &server));
    assert_string_equal(server.server, "valkey");
    assert_string_equal(server.role, "replica");
    kit_stop(&k);
    id = begin(&k, TOML_HOST "protocol = 3\n");
    kit_expect_sent(&k, NULL);
    kit_receive(&k, "-NOPROTO no\r\n");
    kit_expect_done(&k, id, REEF_BADCONFIG, "protocol = \"auto\"");
    kit_stop(&k);
}

static void test_refusals(void **state)
{
    (void)state;
    static const struct {
        const char *answer;
        reef_code code;
        const char *text;
    } cases[] = {
        {"-NOAUTH HELLO must be called authenticated\r\n", REEF_AUTH, "set password"},
        {"-WRONGPASS invalid username-password pair\r\n", REEF_AUTH, "check username"},
        {"-DENIED Redis is running in protected mode\r\n", REEF_REFUSED,
         "protected mode"},
        {"-DENIED Redis is in protected mode and no password is set\r\n", REEF_REFUSED,
         "protected mode"},
        {"HTTP/1.1 400 Bad Request\r\n", REEF_PROTOCOL, "does not speak RESP"},
        {"+OK\r\n", REEF_PROTOCOL, "else than a map"},
        {"%1\r\n+mode\r\n+sentinel\r\n", REEF_BADCONFIG, "is a Sentinel"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        kit k;
        uint64_t id = begin(&k, TOML_HOST);
        kit_expect_sent(&k, NULL);
        kit_receive(&k, cases[i].answer);
        kit_expect_done(&k, id, cases[i].code, cases[i].text);
        kit_expect_close(&k, k.link);
        kit_stop(&k);
    }
}

static void test_wrong_db(void **state)
{
    (void)state;
    kit k;
    uint64_t id = begin(&k, TOML_HOST "db = 77\n");
    kit_expect_sent(&k, NULL);
    kit_receive(&k, HELLO_REDIS);
    kit_expect_sent(&k, NULL);
    kit_receive(&k, "-ERR DB index is out of range\r\n");
    kit_expect_done(&k, id, REEF_BADCONFIG, "check db = 77");
    kit_stop(&k);
}

static void test_waits_out_a_full_server(void **state)
{
    (void)state;
    static const char *const answers[] = {
        "-ERR max number of clients reached\r\n",
        "-LOADING Redis is loading the dataset in memory\r\n",
        "-MASTERDOWN Link with MASTER is down\r\n",
    };
    for (size_t i = 0; i < 3; i++) {
        kit k;
        uint64_t id = begin(&k, TOML_HOST);
        kit_receive(&k, answers[i]); /* before HELLO was even sent */
        kit_expect_close(&k, k.link);
        kit_expect_none_done(&k);
        kit_tick_to(&k, reef_engine_deadline_ms(k.engine));
        kit_connect(&k);
        kit_expect_sent(&k, NULL);
        kit_receive(&k, ":1\r\n");
        kit_expect_done(&k, id, REEF_OK, NULL);
        kit_stop(&k);
    }
}

static void test_reply_before_the_question(void **state)
{
    (void)state;
    kit k;
    uint64_t id = begin(&k, TOML_HOST);
    kit_receive(&k, HELLO_REDIS);
    kit_expect_done(&k, id, REEF_PROTOCOL, "nobody asked for");
    kit_stop(&k);
}

static void test_secret_is_not_kept(void **state)
{
    (void)state;
    kit k;
    begin(&k, TOML_HOST "password = \"hunter2hunter2\"\n");
    assert_non_null(strstr(k.engine->links[k.link]->hello, "hunter2"));
    kit_expect_sent(&k, NULL);
    kit_answer_handshake(&k);
    assert_null(k.engine->links[k.link]->hello);
    kit_stop(&k);
}

/* Servers quote what they don't know: "with args beginning with: `secret`", and may cut
 * it anywhere. */
static void test_secret_is_not_quoted(void **state)
{
    (void)state;
    static const char *const answers[] = {
        "-ERR unknown command `AUTH`, with args beginning with: `hunter2hunter2`, \r\n",
        "-ERR unknown command 'AUTH', with args beginning with: 'hunter2h\r\n",
        "-WRONGPASS hunter2hunter2 is wrong\r\n",
    };
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        kit k;
        reef_event event;
        uint64_t id = begin(&k, TOML_HOST "password = \"hunter2hunter2\"\n");
        kit_expect_sent(&k, NULL);
        kit_receive(&k, "-ERR unknown command `HELLO`\r\n");
        kit_expect_sent(&k, NULL);
        kit_receive(&k, answers[i]);
        reef_done done;
        assert_true(reef_engine_next_done(k.engine, &done));
        assert_int_equal(done.ticket, id);
        assert_int_equal(reef_reply_code(done.reply), REEF_AUTH);
        assert_null(strstr(reef_reply_text(done.reply), "hunt"));
        assert_non_null(strstr(reef_reply_text(done.reply), "check username and"));
        reef_reply_free(done.reply);
        while (reef_engine_next_event(k.engine, &event))
            assert_null(strstr(event.text, "hunt"));
        kit_stop(&k);
    }
}

/* The sentence goes on behind the server's own full stop. */
static void test_refusal_is_one_sentence(void **state)
{
    (void)state;
    kit k;
    uint64_t id = begin(&k, TOML_HOST "password = \"s3\"\n");
    kit_expect_sent(&k, NULL);
    kit_receive(&k, "-WRONGPASS invalid pair or user is disabled.\r\n");
    kit_expect_done(&k, id, REEF_AUTH, "is disabled; check username and password");
    kit_stop(&k);
}

/* An ACL user with "nopass": to leave AUTH out would be to act as the default user. */
static void test_user_without_password(void **state)
{
    (void)state;
    kit k;
    begin(&k, TOML_HOST "username = \"ann\"\n");
    kit_expect_sent(
        &k, "*5\r\n$5\r\nHELLO\r\n$1\r\n3\r\n$4\r\nAUTH\r\n$3\r\nann\r\n$0\r\n\r\n");
    kit_receive(&k, "-NOPROTO no\r\n");
    kit_expect_sent(&k, "*3\r\n$4\r\nAUTH\r\n$3\r\nann\r\n$0\r\n\r\n");
    kit_stop(&k);
    begin(&k, TOML_HOST "username = \"default\"\n");
    kit_expect_sent(&k, "*2\r\n$5\r\nHELLO\r\n$1\r\n3\r\n");
    kit_stop(&k);
}

/* Servers without HELLO say that it is unknown before they ask who we are. */
static void test_old_server_wants_a_password(void **state)
{
    (void)state;
    kit k;
    uint64_t id = begin(&k, TOML_HOST);
    kit_expect_sent(&k, NULL);
    kit_receive(&k, "-ERR unknown command `HELLO`, with args beginning with: `3`\r\n");
    kit_expect_sent(&k, NULL);
    kit_receive(&k, "-NOAUTH Authentication required.\r\n");
    kit_expect_done(&k, id, REEF_AUTH, "set password under [server.redis]");
    kit_expect_close(&k, k.link);
    kit_stop(&k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hello_alone_in_flight),
        cmocka_unit_test(test_credentials_and_db),
        cmocka_unit_test(test_old_server),
        cmocka_unit_test(test_noproto_without_password),
        cmocka_unit_test(test_protocol_setting),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_wrong_db),
        cmocka_unit_test(test_waits_out_a_full_server),
        cmocka_unit_test(test_reply_before_the_question),
        cmocka_unit_test(test_secret_is_not_kept),
        cmocka_unit_test(test_secret_is_not_quoted),
        cmocka_unit_test(test_refusal_is_one_sentence),
        cmocka_unit_test(test_user_without_password),
        cmocka_unit_test(test_old_server_wants_a_password),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
