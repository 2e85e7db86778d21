/* SPDX-License-Identifier: Apache-2.0
 *
 * reef topology as a whole, on Sentinels and a server of the test's own making. Linked
 * with __wrap_reef_call of cli_script.h, __wrap_reef_client_topology of
 * cli_sentinels.h, and __wrap_reef_server_info. */
#include "test/unit/cli_look.h"
#include "test/unit/cli_script.h"
#include "test/unit/cli_sentinels.h"

#include "session/cli/check.h"

reef_code __wrap_reef_server_info(reef_client *client, int64_t timeout_ms,
                                  reef_server *out, reef_error *error);

static reef_code met; /* how the handshake ended */
static const char *role;
static int64_t met_timeout;

reef_code __wrap_reef_server_info(reef_client *client, int64_t timeout_ms,
                                  reef_server *out, reef_error *error)
{
    (void)client;
    met_timeout = timeout_ms;
    *error = (reef_error){met, 0, "said the fake"};
    memset(out, 0, sizeof *out);
    out->protocol = 3;
    (void)snprintf(out->peer, sizeof out->peer, "10.0.0.1:6379");
    (void)snprintf(out->server, sizeof out->server, "valkey");
    (void)snprintf(out->version, sizeof out->version, "8.0.1");
    (void)snprintf(out->role, sizeof out->role, "%s", role);
    return met;
}

#define INFO_SLAVE(n, ip) "slave" #n ":ip=" ip ",port=1,state=online,offset=5,lag=0\r\n"

static const script_answer good[] = {
    {"INFO replication", "=147\r\ntxt:role:master\r\n" INFO_SLAVE(0, "10.0.0.2")
                             INFO_SLAVE(1, "10.0.0.3") "master_repl_offset:5\r\n\r\n"},
    {NULL, NULL}};

static int topology_begin(void **state)
{
    int code = cap_begin(state);
    cap_settings(*state, "[server.redis]\nhosts = [\"10.0.0.1\", \"10.0.0.2\"]\n"
                         "master_name = \"main\"\nsentinel_password = \"hunter2\"\n");
    met = REEF_OK;
    role = "master";
    sentinels_three();
    script_begin(good);
    return code;
}

static int shows(cap *c)
{
    int code = cap_run(c, cli_topology_run);
    cli_close(&c->ctx);
    cap_has_not(c->out, "hunter2");
    cap_has_not(c->err, "hunter2");
    cap_has_not(c->out, "\033[2J");
    return code;
}

static int shows_json(cap *c)
{
    cap_set(c, CLI_OPT_JSON, "");
    int code = shows(c);
    look_is_json(c->out);
    return code;
}

static void topology_good(void **state)
{
    cap *c = *state;
    (void)snprintf(sentinels.sentinels[1].flags, 96, "s_down,master,disconnected");
    sentinels.sentinels[1].configured = false;
    sentinels.sentinels[2].watched = false;
    reef_sentinel_view first = sentinels.sentinels[0]; /* the order is another one */
    sentinels.sentinels[0] = sentinels.sentinels[2];
    sentinels.sentinels[2] = first;
    assert_int_equal(shows(c), CLI_DONE);
    assert_int_equal(
        strncmp(
            c->out,
            "sentinels address          answer  master         epoch  quorum  others"
            "  how\n"
            "          10.0.0.1:26379    1 ms  10.0.0.1:6379      7       2       2"
            "  configured, watched\n"
            "          10.0.0.2:26379    1 ms  10.0.0.1:6379      7       2       2"
            "  learnt, watched; s_down, disconnected\n"
            "          10.0.0.3:26379    1 ms  10.0.0.1:6379      7       2       2"
            "  configured, polled\n"
            "master    10.0.0.1:6379 by the word of 3 of 3, epoch 7\n"
            "server    valkey 8.0.1 at 10.0.0.1:6379\n",
            100),
        0);
    cap_has(c->out, "  learnt, watched; s_down, disconnected\n");
    cap_has(c->out, "  configured, polled\nmaster    10.0.0.1:6379 by the word of 3 of "
                    "3, epoch 7\nserver    valkey 8.0.1 at 10.0.0.1:6379\n");
    cap_has(c->out, "replicas  address ");
    cap_has(c->out, "note      10.0.0.2:26379: the master does not answer there");
    cap_has(c->out, "\ngood      3 Sentinels could vote a fail-over, and 2 replicas "
                    "could be promoted\n");
    assert_string_equal(c->err, "");
    assert_int_equal(sentinels_asked, 1);
    assert_int_equal(met_timeout, 0);
    assert_string_equal(script_log, "~INFO replication\n");
}

static void topology_json(void **state)
{
    cap *c = *state;
    sentinels_mute(1, REEF_SENTINEL_SILENT, "10.0.0.2:26379: connection refused");
    sentinels_mute(2, REEF_SENTINEL_UNKNOWN, "");
    (void)snprintf(sentinels.sentinels[2].names, REEF_ERROR_TEXT, "other");
    (void)snprintf(sentinels.next, sizeof sentinels.next, "10.0.0.2:1");
    sentinels.held = true;
    assert_int_equal(shows_json(c), CLI_FRAGILE);
    cap_has(
        c->out,
        "{\"peer\":\"10.0.0.1:6379\",\"server\":\"valkey\",\"version\":"
        "\"8.0.1\",\"sentinel\":true,\"master_name\":\"main\",\"master\":"
        "\"10.0.0.1:6379\",\"next\":\"10.0.0.2:1\",\"held\":true,\"early\":"
        "false,\"epoch\":7,\"answering\":1,\"able\":1,\"needed\":2,\"sentinels\":[{");
    cap_has(c->out, "{\"peer\":\"10.0.0.2:26379\",\"state\":\"silent\",\"configured\":"
                    "true,\"watched\":false,\"id\":null,\"version\":null,\"why\":"
                    "\"10.0.0.2:26379: connection refused\"},{");
    cap_has(c->out, ",\"state\":\"unknown\",");
    cap_has(c->out, ",\"names\":\"other\",\"took_ms\":1}]");
    cap_has(c->out, ",\"others\":2,\"replicas\":2,\"flags\":\"master\"},{");
    cap_has(c->out, ",\"replication\":{\"role\":\"master\",\"offset\":5,\"count\":2,");
    cap_has(c->out, "],\"exit\":10}\n");
    assert_string_equal(c->err, "");
}

/* What a Sentinel says can't take over the terminal, however long it is. */
static void topology_hostile(void **state)
{
    cap *c = *state;
    for (uint32_t i = 0; i < 3; i++) {
        reef_sentinel_view *view = &sentinels.sentinels[i];
        memset(view->peer, 'p', sizeof view->peer - 1);
        memset(view->flags, ',', sizeof view->flags - 1);
        memset(view->master, 'm', sizeof view->master - 1);
        (void)snprintf(view->flags + 2, 60, "\033[2Jx,,y");
        memcpy(view->master, "\033[2J", 4);
        view->epoch = UINT64_MAX;
        view->took_ms = view->others = view->quorum = UINT32_MAX;
    }
    sentinels_mute(2, REEF_SENTINEL_WRONG, "\033[2J\n");
    script_begin((const script_answer[]){
        {"INFO", "$56\r\nrole:master\r\nslave0:ip=\033[2J,port=1,state=\033[2J,"
                 "offset=5\r\n\r\n"},
        {NULL, NULL}});
    int code = shows(c);
    assert_true(code == CLI_FRAGILE);
    cap_has(c->out, "\\x1b[2J");
    assert_int_equal(shows_json(c), CLI_FRAGILE);
    assert_int_equal(cli_belief_needed(&sentinels), UINT32_MAX);
}

/* One in TILT, one down, quorum 2: nobody is left to find the master down with. */
static void topology_tilt(void **state)
{
    cap *c = *state;
    (void)snprintf(sentinels.sentinels[0].flags, 96, "master,tilt");
    assert_int_equal(shows(c), CLI_DONE);
    cap_has(c->out, "good      2 Sentinels could vote a fail-over, and 2 replicas ");
    sentinels_mute(1, REEF_SENTINEL_SILENT, "refused");
    assert_int_equal(shows(c), CLI_FRAGILE);
    cap_has(c->out,
            "problem   1 of 3 Sentinels can find the master down now, since 1 ");
    cap_has_not(c->out, "good ");
    assert_int_equal(shows_json(c), CLI_FRAGILE);
    cap_has(c->out, ",\"answering\":2,\"able\":1,\"needed\":2,");
}

/* Sets up one way to fail. */
static void fails_by(int kind)
{
    sentinels_three();
    met = REEF_CONNECT;
    sentinels_code = REEF_OK;
    for (uint32_t i = 0; i < 3 && kind > 1; i++)
        sentinels_mute(i, REEF_SENTINEL_SILENT, "refused");
    if (kind == 1)
        met = REEF_AUTH;
    else if (kind == 3)
        (void)snprintf(sentinels.sentinels[0].peer, REEF_PEER_TEXT, "nosuch.example");
    else if (kind == 4)
        sentinels_mute(0, REEF_SENTINEL_WRONG, "it refuses the password");
    else if (kind == 5)
        sentinels_mute(0, REEF_SENTINEL_UNKNOWN, "");
    else if (kind == 6) {
        sentinels_none();
        sentinels_code = REEF_NOMEM;
    }
}

/* Whatever fails, there is a problem on both, and the object has all its members. */
static void topology_json_failed(void **state)
{
    cap *c = *state;
    for (int kind = 0; kind <= 6; kind++) {
        cap_again(c);
        fails_by(kind);
        int code = shows(c);
        assert_int_not_equal(code, CLI_DONE);
        assert_int_equal(strncmp(c->err, "reef: ", 6), 0);
        if (kind != 6)
            cap_has(c->out, "\nproblem   ");
        assert_int_equal(shows_json(c), code);
        look_has_members(c->out, "error code peer server version sentinel master_name "
                                 "master next held early epoch answering able needed "
                                 "sentinels cluster replication findings exit ");
        cap_has_not(c->out, "\"exit\":2,\"text\""); /* none but the exit code's own */
    }
    fails_by(2);
    sentinels.sentinel_count = 1;
    sentinels.master[0] = '\0';
    sentinels.epoch = 0;
    assert_int_equal(shows_json(c), CLI_UNREACHED);
    assert_string_equal(
        c->out,
        "{\"error\":\"said the fake\",\"code\":\"no connection\",\"peer\":null,"
        "\"server\":null,\"version\":null,\"sentinel\":true,\"master_name\":\"main\","
        "\"master\":null,\"next\":null,\"held\":false,\"early\":false,\"epoch\":0,"
        "\"answering\":0,\"able\":0,\"needed\":0,\"sentinels\":[{\"peer\":"
        "\"10.0.0.1:26379\",\"state\":\"silent\",\"configured\":true,\"watched\":"
        "false,\"id\":null,\"version\":null,\"why\":\"refused\"}],\"cluster\":null,"
        "\"replication\":null,\"findings\":[{\"severity\":\"problem\",\"exit\":4,"
        "\"text\":\"no "
        "Sentinel was reached, so that nobody tells where the master is\"},{"
        "\"severity\":\"note\",\"exit\":0,\"text\":\"10.0.0.1:26379 does not answer "
        "(refused): start it, or take it out of server.redis.hosts\"}],\"exit\":4}\n");
    sentinels_none();
    cap_settings(c, "[server.redis]\nhosts = [\"10.0.0.1\"]\n");
    assert_int_equal(shows_json(c), CLI_UNREACHED);
    assert_string_equal(
        c->out, "{\"error\":\"said the fake\",\"code\":\"no connection\",\"peer\":"
                "null,\"server\":null,\"version\":null,\"sentinel\":false,"
                "\"cluster\":null,\"replication\":null,\"findings\":[],\"exit\":4}"
                "\n");
    cap_settings(c, "[server.redis]\ndb = -1\n"); /* nobody could be asked */
    assert_int_equal(shows_json(c), CLI_USAGE);
    look_has_members(c->out, "error code exit ");
}

/* No connection: why, and what the Sentinels have to do with it; where none of them
 * knows the master the reason is not waited for long. */
static void topology_failed(void **state)
{
    cap *c = *state;
    met = REEF_CONNECT;
    assert_int_equal(shows(c), CLI_UNREACHED);
    assert_int_equal(met_timeout, 0);
    assert_string_equal(c->err, "reef: said the fake\n");
    cap_has(c->out, "problem   the master can't be used: said the fake\n");
    cap_has_not(c->out, "good");
    for (uint32_t i = 0; i < 3; i++)
        sentinels_mute(i, REEF_SENTINEL_SILENT, "no answer");
    assert_int_equal(shows(c), CLI_UNREACHED);
    assert_true(met_timeout > 0 && met_timeout < 1000);
    cap_has(c->out, "          10.0.0.1:26379        -  no answer: no answer\n");
    cap_has_not(c->out, "master  10");
    cap_has(
        c->out,
        "\nproblem   no Sentinel was reached, so that nobody tells where the master "
        "is\nnote      10.0.0.1:26379, 10.0.0.2:26379 and 10.0.0.3:26379 do not "
        "answer (no answer): start them, or take them out of server.redis.hosts\n");
    c->ctx.timeout_ms = 100;
    assert_int_equal(shows_json(c), CLI_UNREACHED);
    assert_int_equal(met_timeout, 100);
    cap_has(c->out,
            "{\"error\":\"said the fake\",\"code\":\"no connection\",\"peer\":null,");
    cap_has(c->out, ",\"replication\":null,\"findings\":[{");
    cap_again(c);
    sentinels_code = REEF_NOMEM;
    assert_int_equal(shows(c), CLI_INCOMPLETE);
    assert_string_equal(c->err, "reef: asked in vain\n");
    assert_string_equal(c->out, "");
    cap_settings(c, "[server.redis]\ndb = -1\n");
    assert_int_equal(shows(c), CLI_USAGE);
}

static void topology_moving(void **state)
{
    cap *c = *state;
    sentinels.held = true;
    assert_int_equal(shows(c), CLI_DONE);
    cap_has(c->out, "fail-over under way: calls wait until a replica is the master\n");
    (void)snprintf(sentinels.next, sizeof sentinels.next, "10.0.0.2:1");
    assert_int_equal(shows(c), CLI_DONE);
    cap_has(c->out, "calls wait until 10.0.0.2:1 is the master\n");
    sentinels.held = false;
    sentinels.early = true;
    assert_int_equal(shows(c), CLI_DONE);
    cap_has(c->out, "fail-over just now: calls go to 10.0.0.1:6379, which is not "
                    "announced yet\n");
    static const script_answer denied[] = {{"", "-NOPERM x\r\n"}, {NULL, NULL}};
    script_begin(denied);
    assert_int_equal(shows(c), CLI_DONE);
    cap_has(c->out, "replicas  unknown: this user may not ask for INFO\n");
    cap_has(c->out, "good      3 Sentinels could vote a fail-over\n");
}

static void topology_single(void **state)
{
    cap *c = *state;
    sentinels_none();
    cap_settings(c, "[server.redis]\nhosts = [\"10.0.0.1\"]\n");
    assert_int_equal(shows(c), CLI_DONE);
    cap_has(c->out, "server    valkey 8.0.1 at 10.0.0.1:6379\n");
    cap_has(c->out, "replicas  address");
    cap_has(c->out, "good      one server, whose place nobody takes");
    cap_has_not(c->out, "sentinels ");
    role = "replica";
    script_begin((const script_answer[]){
        {"INFO", "$77\r\nrole:slave\r\nmaster_host:10.0.0.9\r\nmaster_port:1\r\n"
                 "master_link_status:up\r\nx:y\r\n\r\n"},
        {NULL, NULL}});
    assert_int_equal(shows(c), CLI_USAGE);
    cap_has(c->out, "follows   10.0.0.9:1, and the link to it is up\nreplicas  none\n");
    cap_has(c->out, "problem   10.0.0.1:6379 is a replica and takes no writes: ");
    assert_int_equal(shows_json(c), CLI_USAGE);
    cap_has(c->out, "\"version\":\"8.0.1\",\"sentinel\":false,\"cluster\":null,"
                    "\"replication\":{");
}

#define TOPOLOGY_TEST(test)                                                            \
    cmocka_unit_test_setup_teardown(test, topology_begin, cap_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TOPOLOGY_TEST(topology_good),    TOPOLOGY_TEST(topology_json),
        TOPOLOGY_TEST(topology_hostile), TOPOLOGY_TEST(topology_failed),
        TOPOLOGY_TEST(topology_moving),  TOPOLOGY_TEST(topology_single),
        TOPOLOGY_TEST(topology_tilt),    TOPOLOGY_TEST(topology_json_failed),
    };
    return cmocka_run_group_tests_name("cli_topology", tests, NULL, NULL);
}
