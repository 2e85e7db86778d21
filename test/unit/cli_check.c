/* SPDX-License-Identifier: Apache-2.0
 *
 * reef check as a whole, on answers of a table and a server of the test's own making.
 * Linked with __wrap_reef_call of cli_script.h, __wrap_reef_look_up and
 * __wrap_reef_look_free of cli_look.h, __wrap_reef_client_topology of cli_sentinels.h,
 * and __wrap_reef_server_info. */
#include "test/unit/cli_look.h"
#include "test/unit/cli_script.h"
#include "test/unit/cli_sentinels.h"

#include "session/cli/check.h"

#include <inttypes.h>

reef_code __wrap_reef_server_info(reef_client *client, int64_t timeout_ms,
                                  reef_server *out, reef_error *error);

static reef_code met;       /* how the handshake ended */
static bool lets_anyone_in; /* also without the password */
static const char *peer, *role;
static const char *words = "said the fake";

reef_code __wrap_reef_server_info(reef_client *client, int64_t timeout_ms,
                                  reef_server *out, reef_error *error)
{
    (void)timeout_ms;
    bool bare = reef_client_config(client)->password[0] == '\0';
    reef_code code = bare && !lets_anyone_in ? REEF_AUTH : met;
    *error = (reef_error){code, 0, ""};
    (void)snprintf(error->text, sizeof error->text, "%s", words);
    memset(out, 0, sizeof *out);
    out->protocol = 3;
    (void)snprintf(out->peer, sizeof out->peer, "%s", peer);
    (void)snprintf(out->role, sizeof out->role, "%s", role);
    return code;
}

static char now[64]; /* the answer to TIME */

static const script_answer good[] = {
    {"INFO", "$0\r\n\r\n"}, {"PING", "+PONG\r\n"}, {"TIME", now},
    {"GET", "_\r\n"},       {"SET", "_\r\n"},      {"SCAN", "*2\r\n$1\r\n0\r\n*0\r\n"},
    {"", ":0\r\n"},         {NULL, NULL},
};

static void clock_is(int64_t unix_s)
{
    (void)snprintf(now, sizeof now, "*2\r\n$10\r\n%010" PRId64 "\r\n$1\r\n0\r\n",
                   unix_s);
}

static int check_begin(void **state)
{
    int code = cap_begin(state);
    cap_settings(*state, "[server.redis]\nenabled = true\npassword = \"hunter2\"\n");
    met = REEF_OK;
    lets_anyone_in = false;
    peer = "127.0.0.1:1";
    role = "master";
    clock_is(reef_unix_ns() / 1000000000);
    script_begin(good);
    sentinels_none();
    look_reset();
    look_begin(&look_host, REEF_OK, "");
    (void)snprintf(look_host.source, sizeof look_host.source, "hosts file");
    look_target(&look_host, "localhost", "127.0.0.1", "");
    return code;
}

static int checks(cap *c)
{
    script_log[0] = '\0';
    int code = cap_run(c, cli_check_run);
    cli_close(&c->ctx);
    assert_int_equal(look_live, 0);
    cap_has_not(c->out, "hunter2");
    cap_has_not(c->err, "hunter2");
    return code;
}

static void check_good(void **state)
{
    cap *c = *state;
    assert_int_equal(checks(c), CLI_DONE);
    cap_has(c->out, "file      ");
    cap_has(c->out, "server    a server of unknown version at 127.0.0.1:1\n");
    cap_has(c->out, "speaks    RESP3, mode unknown, role master, db 0\n");
    cap_has(c->out, "of 7 pings\n");
    cap_has(c->out, "rights    ");
    cap_has(c->out, "good      knot can keep its sessions here\n");
    cap_has_not(c->out, "note ");
    cap_has_not(c->out, "problem ");
    assert_string_equal(c->err, "");
    assert_int_equal(strncmp(script_log, "~INFO\n~PING\n", 12), 0);
    cap_set(c, CLI_OPT_JSON, "");
    assert_int_equal(checks(c), CLI_DONE);
    assert_int_equal(strncmp(c->out, "{\"enabled\":true,\"file\":\"/", 24), 0);
    cap_has(c->out, ",\"findings\":[],\"exit\":0}\n");
}

/* What is odd about the settings is noted, with its place and its hint; that the hosts
 * are not used just once. */
static void check_warns(cap *c)
{
    char line[128];
    cap_settings(c, "[server.redis]\nhots = []\nenabled = false\nhosts = [\"a\"]\n");
    assert_int_equal(checks(c), CLI_DONE);
    (void)snprintf(line, sizeof line, "note      %s:2:1: ", c->settings);
    cap_has(c->out, line);
    cap_has(c->out, "; did you mean hosts?\n");
    (void)snprintf(line, sizeof line, "note      %s:3:11: ", c->settings);
    cap_has(c->out, line);
    cap_has_not(c->out, "knot itself does not use");
    cap_has(c->out, "good      ");
    assert_string_equal(c->err, "");
    cap_settings(c, "");
}

/* Notes: all works nevertheless, exit code 0. */
static void check_notes(void **state)
{
    cap *c = *state;
    lets_anyone_in = true;
    clock_is(1);
    assert_int_equal(checks(c), CLI_DONE);
    cap_has(c->out, "note      127.0.0.1:1 lets in without the password, too");
    cap_has(c->out, "note      the clocks are over a minute apart");
    cap_has(c->out, "ms behind\n");
    cap_has(c->out, "good      ");
    cap_settings(c, "");
    assert_int_equal(checks(c), CLI_DONE);
    cap_has(c->out, "note      knot itself does not use this server: "
                    "server.redis.enabled is not set; ");
    cap_has_not(c->out, "lets in anyone");
    check_warns(c);
    peer = "192.0.2.7:6379";
    assert_int_equal(checks(c), CLI_DONE);
    cap_has(c->out, "192.0.2.7:6379 lets in anyone who can reach it");
}

/* Problems: the first gives the exit code, and nothing is called good. */
static void check_problems(void **state)
{
    cap *c = *state;
    role = "replica";
    assert_int_equal(checks(c), CLI_USAGE);
    cap_has(c->out, "problem   127.0.0.1:1 is a replica and takes no writes");
    cap_has(c->out, "writing was not tried");
    cap_has_not(c->out, "good ");
    cap_has_not(script_log, "SET");
    static const script_answer gone[] = {
        {"INFO", "$0\r\n\r\n"}, {"PING", NULL}, {NULL, NULL}};
    role = "master";
    script_begin(gone);
    assert_int_equal(checks(c), CLI_UNREACHED);
    cap_has(c->out, "problem   PING failed: too late\n");
    assert_string_equal(script_log, "~INFO\n~PING\n");
    static const script_answer denied[] = {{"", "-NOPERM x\r\n"}, {NULL, NULL}};
    script_begin(denied);
    assert_int_equal(checks(c), CLI_REFUSED);
    cap_has(c->out, "PING failed: NOPERM x");
    cap_has(c->out, "clock     unknown");
    cap_has(c->out, "may not run GET, SCAN, SET, DEL, EXPIRE, EVAL");
}

/* No connection: why, and what to do about it, with the place of the setting. */
static void check_advice(void **state)
{
    static const struct {
        reef_code code;
        int exit_code;
        const char *part;
    } cases[] = {
        {REEF_CONNECT, CLI_UNREACHED, "start the server there"},
        {REEF_UNSENT, CLI_UNREACHED, "see that the server answers"},
        {REEF_UNSURE, CLI_UNSURE, "see that the server answers"},
        {REEF_DNS, CLI_DNS, "not set now, server.redis.hosts is the key"},
        {REEF_AUTH, CLI_AUTH, "correct server.redis.password and"},
        {REEF_PROTOCOL, CLI_PROTOCOL, "it is no Redis or Valkey"},
    };
    cap *c = *state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        met = cases[i].code;
        assert_int_equal(checks(c), cases[i].exit_code);
        cap_has(c->out, "to do     ");
        cap_has(c->out, cases[i].part);
        assert_string_equal(c->err, "reef: said the fake\n");
        assert_string_equal(script_log, "");
    }
    met = REEF_AUTH;
    checks(c);
    cap_has(c->out, c->settings); /* where the password stands */
    /* It was let in, and may not do all that it takes. */
    words = "does not tell the slots of the Cluster: NOPERM User ann has none";
    assert_int_equal(checks(c), CLI_AUTH);
    cap_has(c->out, "to do     give this user the right that it lacks, or name another "
                    "in server.redis.username: ");
    cap_has_not(c->out, "password and");
    words = "said the fake";
    met = REEF_NOMEM;
    assert_int_equal(checks(c), CLI_INCOMPLETE);
    cap_has_not(c->out, "to do");
    cap_has_not(c->out, "note ");
    /* What is odd about the settings may be why. */
    met = REEF_CONNECT;
    cap_settings(
        c, "[server.redis]\nenabled = true\nhots = [\"a\"]\npassword = \"hunter2\"\n");
    assert_int_equal(checks(c), CLI_UNREACHED);
    cap_has(c->out, ":3:1: server.redis has no setting \"hots\"; did you mean hosts?\n"
                    "to do     start the server there");
    cap_has_not(c->out, "good");
    cap_set(c, CLI_OPT_JSON, "");
    assert_int_equal(checks(c), CLI_UNREACHED);
    assert_int_equal(strncmp(c->out, "{\"error\":\"said the fake\",\"code\":\"", 33),
                     0);
    cap_has(c->out, "],\"findings\":[{\"severity\":\"note\",\"exit\":0,\"text\":\"/");
    cap_has(c->out, "; did you mean hosts?\",\"file\":\"/");
    cap_has(c->out, "\",\"line\":3,\"column\":1,");
    cap_has(c->out, "\"hint\":\"did you mean hosts?\"}],\"exit\":4}\n");
    cap_has_not(c->out, "to do");
    cap_again(c);
    cap_settings(c, "[server.redis]\ndb = -1\n");
    assert_int_equal(checks(c), CLI_USAGE);
    assert_string_equal(c->out, "");
    cap_has(c->err, ":2:6: error: ");
}

/* Several hosts, and a db: what contradicts a Cluster, with the place to change. */
static void check_advice_cluster(void **state)
{
    cap *c = *state;
    cap_settings(c, "[server.redis]\nenabled = true\npassword = \"hunter2\"\n"
                    "hosts = [\"10.0.0.1\", \"10.0.0.2\"]\n");
    met = REEF_CONNECT;
    assert_int_equal(checks(c), CLI_UNREACHED);
    cap_has(c->out,
            "to do     start the nodes there, or correct server.redis.hosts: /");
    cap_has(c->out, ":4:9\n");
    met = REEF_BADCONFIG;
    assert_int_equal(checks(c), CLI_USAGE);
    cap_has(c->out,
            "to do     name nodes of one Cluster, or one server alone, or set ");
    met = REEF_AUTH;
    assert_int_equal(checks(c), CLI_AUTH);
    cap_has(c->out, "to do     correct server.redis.password and");
    cap_settings(c, "[server.redis]\nenabled = true\npassword = \"hunter2\"\ndb = 2\n"
                    "hosts = [\"10.0.0.1\"]\n");
    met = REEF_BADCONFIG;
    assert_int_equal(checks(c), CLI_USAGE);
    cap_has_not(c->out, "to do");
    words = "says that it is a node of a Cluster";
    assert_int_equal(checks(c), CLI_USAGE);
    cap_has(c->out, "to do     write db = 0: a Cluster has no other: /");
    cap_has(c->out, ":4:6\n");
    words = "said the fake";
}

/* Names are looked up before anything is connected to, each in a line or some; what is
 * odd about them is a note, for the connection tells whether it matters. */
static void check_names(void **state)
{
    cap *c = *state;
    cap_settings(c, "[server.redis]\nenabled = true\nhosts = [\"srv+redis.example\"]\n"
                    "password = \"hunter2\"\n");
    look_begin(&look_srv, REEF_OK, "");
    look_srv.took_ms = 4;
    for (int i = 0; i < 7; i++)
        look_target(&look_srv, "redis-0.example", i < 6 ? "10.0.0.7" : "", "lost");
    c->ctx.timeout_ms = 2000;
    assert_int_equal(checks(c), CLI_DONE);
    assert_true(look_timeout > 0 && look_timeout <= 2000);
    assert_string_equal(look_log, "srv+redis.example\n");
    cap_has(c->out, "name      srv+redis.example: 7 targets (dns, 4 ms)\n"
                    "          1. redis-0.example:6379 at 10.0.0.7 (asked for)\n"
                    "          2. ");
    cap_has(c->out, "          4. redis-0.example:6379 at 10.0.0.7 (asked for)\n"
                    "          and 3 more: see reef srv\n"
                    "          an order that is drawn anew for each connection, by "
                    "weight\n"
                    "server ");
    cap_has(c->out, "note      srv+redis.example: 1 of 7 targets has no address, ");
    cap_has(c->out, "good      ");
    cap_set(c, CLI_OPT_JSON, "");
    assert_int_equal(checks(c), CLI_DONE);
    look_is_json(c->out);
    cap_has(c->out, ",\"names\":[{\"name\":\"redis.example\",\"srv\":true,");
    cap_has(c->out, "],\"targets_dropped\":0,\"other\":null}],\"findings\":[{");
    met = REEF_DNS;
    assert_int_equal(checks(c), CLI_DNS);
    look_is_json(c->out);
    cap_has(c->out, ",\"names\":[{\"name\":\"redis.example\",\"srv\":true,");
}

/* A name that does not resolve, an address, a socket, and memory that is out. */
static void check_names_odd(void **state)
{
    cap *c = *state;
    cap_settings(c, "[server.redis]\nenabled = true\nhosts = [\"srv+a.example\"]\n");
    look_step(&look_srv, "10.0.0.1:53", "SRV", "refused");
    met = REEF_DNS;
    lets_anyone_in = true; /* no password is set */
    assert_int_equal(checks(c), CLI_DNS);
    cap_has(c->out, "name      srv+a.example: no endpoint, 0 ms\n");
    cap_has(c->out, "problem   srv+a.example: 10.0.0.1:53 refuses to answer");
    cap_has(c->out, "to do     mend the nameserver 10.0.0.1:53, or replace it: "
                    "/etc/resolv.conf\n");
    cap_has_not(c->out, "said the fake");
    cap_has(c->err, "reef: said the fake\n");
    met = REEF_CONNECT; /* what was wrong with the name was not it */
    assert_int_equal(checks(c), CLI_UNREACHED);
    cap_has(c->out, "note      srv+a.example: 10.0.0.1:53 refuses to answer");
    cap_has(c->out, "to do     start the server there");
    /* What a server has settled is not tried in vain until the deadline. */
    look_step(&look_srv, "10.0.0.1:53", "SRV", "nxdomain");
    (void)snprintf(look_srv.why, sizeof look_srv.why, "no such name: it says");
    met = REEF_OK;
    assert_int_equal(checks(c), CLI_DNS);
    assert_string_equal(c->err, "reef: no such name: it says\n");
    cap_has(c->out, "problem   srv+a.example: 10.0.0.1:53 knows no such name");
    cap_has(c->out, "to do     correct the name in server.redis.hosts");
    look_left = 0;
    assert_int_equal(checks(c), CLI_INCOMPLETE);
    cap_has(c->out, "problem   out of memory\n");
    look_left = 10;
    (void)snprintf(look_host.source, sizeof look_host.source, "address");
    cap_settings(c, "[server.redis]\nenabled = true\nhosts = [\"127.0.0.1\"]\n");
    assert_int_equal(checks(c), CLI_DONE);
    cap_has_not(c->out, "name ");
    look_log[0] = '\0';
    cap_settings(c, "[server.redis]\nenabled = true\nhosts = [\"unix:/a\"]\n");
    assert_int_equal(checks(c), CLI_DONE);
    assert_string_equal(look_log, "");
}

/* The nameserver is to blame: where it was named. */
static void check_nameserver(void **state)
{
    static const struct {
        const char *server, *outcome, *part;
    } cases[] = {
        {"10.0.0.1:54", "silent", "to do     start the nameserver 10.0.0.1:54, or "},
        {"[::1]:53", "dropped", ":3:15\n"},
        {"10.0.0.2:8600", "unreachable", ":4:10\n"},
        {"10.0.0.1:53", "refused", "or replace it: /etc/resolv.conf\n"},
    };
    cap *c = *state;
    cap_settings(c, "server.redis.hosts = [\"srv+a.example\"]\n[resolver]\n"
                    "nameservers = [\"10.0.0.1:54\", \"[::1]\"]\n"
                    "consul = [\"10.0.0.2\"]\n");
    met = REEF_DNS;
    lets_anyone_in = true;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        look_begin(&look_srv, REEF_DNS, "why");
        look_step(&look_srv, cases[i].server, "SRV", cases[i].outcome);
        assert_int_equal(checks(c), CLI_DNS);
        cap_has(c->out, cases[i].part);
        cap_has(c->out, cases[i].server);
        cap_has_not(c->out, "correct the name");
    }
    cap_set(c, CLI_OPT_JSON, "");
    assert_int_equal(checks(c), CLI_DNS);
    cap_has(c->out, "{\"severity\":\"problem\",\"exit\":3,\"text\":\"srv+a.example");
}

/* Whoever names a service has its records to correct, not the setting. */
static void check_replica(void **state)
{
    cap *c = *state;
    role = "slave";
    lets_anyone_in = true;
    look_begin(&look_srv, REEF_OK, "");
    look_target(&look_srv, "redis-0.example", "10.0.0.7", "");
    cap_settings(c, "[server.redis]\nenabled = true\nhosts = [\"srv+a.example\"]\n");
    assert_int_equal(checks(c), CLI_USAGE);
    cap_has(c->out, "takes no writes: let the SRV records name only the master\n");
    cap_settings(c, "[server.redis]\nenabled = true\nhosts = [\"a.example\"]\n");
    assert_int_equal(checks(c), CLI_USAGE);
    cap_has(c->out, "takes no writes: name its master in server.redis.hosts\n");
}

static void check_sentinel_settings(cap *c)
{
    cap_settings(c, "[server.redis]\nenabled = true\nhosts = [\"10.0.0.1\"]\n"
                    "password = \"hunter2\"\nmaster_name = \"main\"\n");
    (void)snprintf(look_host.source, sizeof look_host.source, "address");
    sentinels_three();
}

/* What the Sentinels believe comes before who answers, and their trouble among all that
 * is found. */
static void check_sentinels(void **state)
{
    static const script_answer slaves[] = {
        {"INFO", "$84\r\nrole:master\r\nslave0:ip=10.0.0.2,port=1,state=online,"
                 "offset=0,lag=0\r\nmaxmemory:1000\r\n\r\n"},
        {"", ":0\r\n"},
        {NULL, NULL}};
    cap *c = *state;
    check_sentinel_settings(c);
    assert_int_equal(checks(c), CLI_DONE);
    cap_has(c->out, "master    main, as Sentinels call it  /");
    cap_has(c->out, "sentinels address ");
    cap_has(c->out, "by the word of 3 of 3, epoch 7\nserver    ");
    cap_has(c->out, "replicas  unknown: ");
    cap_has(c->out, "good      ");
    script_begin(slaves);
    assert_int_equal(checks(c), CLI_PROTOCOL); /* of the answers to the probes */
    cap_has(c->out, "          10.0.0.2:1  online ");
    sentinels_mute(1, REEF_SENTINEL_SILENT, "refused");
    cap_set(c, CLI_OPT_JSON, "");
    checks(c);
    look_is_json(c->out);
    cap_has(c->out, ",\"topology\":{\"sentinel\":true,\"master_name\":\"main\",");
    cap_has(c->out, "\"text\":\"10.0.0.2:26379 does not answer (refused): start it");
}

/* No master: it depends on the Sentinels what is to be done. */
static void check_sentinel_advice(void **state)
{
    static const struct {
        reef_code code;
        bool known;
        const char *part;
    } cases[] = {
        {REEF_CONNECT, true, "see that the master runs, and that the address that"},
        {REEF_UNSENT, true, "see that the master answers, and that the address"},
        {REEF_AUTH, true, "correct server.redis.password and"},
        {REEF_CONNECT, false, "start the Sentinels there, or correct"},
        {REEF_UNSENT, false, "see that the Sentinels answer, or correct"},
        {REEF_AUTH, false, "correct server.redis.sentinel_password and"},
        {REEF_BADCONFIG, false, "correct server.redis.master_name, or"},
        {REEF_NOROUTE, false, "correct server.redis.master_name, or have"},
        {REEF_DNS, false, "correct the name in server.redis.hosts"},
    };
    cap *c = *state;
    check_sentinel_settings(c);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        met = cases[i].code;
        sentinels_three();
        for (uint32_t j = 0; j < 3 && !cases[i].known; j++)
            sentinels_mute(j, REEF_SENTINEL_WRONG, "of no use");
        assert_int_equal(checks(c), cli_exit_of(cases[i].code));
        cap_has(c->out, "\nto do     ");
        cap_has(c->out, cases[i].part);
        cap_has(c->out,
                cases[i].known ? "by the word of 3" : "and 10.0.0.3:26379: of no");
        assert_string_equal(c->err, "reef: said the fake\n");
    }
    cap_set(c, CLI_OPT_JSON, "");
    assert_int_equal(checks(c), CLI_DNS);
    look_is_json(c->out);
    cap_has(c->out, ",\"topology\":{\"sentinel\":true,");
    sentinels_code = REEF_NOMEM;
    assert_int_equal(checks(c), CLI_INCOMPLETE);
}

#define CHECK_MEMBERS                                                                  \
    "enabled file peer server version protocol mode role db latency_us clock_ms "      \
    "maxmemory_policy topology names findings exit "

/* The object has all its members, whatever fails: a server and Sentinels that can't be
 * used, a name that is known not to be, memory; and where all is well. */
static void check_json_failed(void **state)
{
    static const reef_code codes[] = {REEF_CONNECT, REEF_UNSENT,    REEF_AUTH,
                                      REEF_DNS,     REEF_BADCONFIG, REEF_PROTOCOL,
                                      REEF_NOMEM};
    cap *c = *state;
    cap_set(c, CLI_OPT_JSON, "");
    assert_int_equal(checks(c), CLI_DONE);
    look_has_members(c->out, CHECK_MEMBERS);
    for (size_t i = 0; i < 2 * sizeof codes / sizeof codes[0]; i++) {
        if (i == sizeof codes / sizeof codes[0])
            check_sentinel_settings(c);
        met = codes[i % (sizeof codes / sizeof codes[0])];
        assert_int_equal(checks(c), cli_exit_of(met));
        look_has_members(c->out, "error code " CHECK_MEMBERS);
        cap_has(c->out, ",\"peer\":null,\"server\":null,\"version\":null,\"protocol\":"
                        "null,\"mode\":null,\"role\":null,\"db\":0,\"latency_us\":null,"
                        "\"clock_ms\":null,\"maxmemory_policy\":null,\"topology\":{"
                        "\"sentinel\":");
    }
    sentinels_code = REEF_NOMEM;
    assert_int_equal(checks(c), CLI_INCOMPLETE);
    look_has_members(c->out, "error code " CHECK_MEMBERS);
    sentinels_code = REEF_OK;
    cap_settings(c, "[server.redis]\nenabled = true\nhosts = [\"srv+a.example\"]\n"
                    "master_name = \"main\"\n");
    look_step(&look_srv, "10.0.0.1:53", "SRV", "nxdomain");
    sentinels_asked = 0;
    assert_int_equal(checks(c), CLI_DNS); /* nobody was asked */
    assert_int_equal(sentinels_asked, 0);
    look_has_members(c->out, "error code " CHECK_MEMBERS);
    cap_has(c->out,
            ",\"topology\":{\"sentinel\":true,\"master_name\":\"main\",\"master\":"
            "null,\"next\":null,\"held\":false,\"early\":false,\"epoch\":0,"
            "\"answering\":0,\"able\":0,\"needed\":0,\"sentinels\":[],"
            "\"cluster\":null,\"replication\":null},\"names\":[{");
    cap_settings(c, "[server.redis]\ndb = -1\n");
    assert_int_equal(checks(c), CLI_USAGE);
    look_has_members(c->out, "error code exit ");
}

/* The first problem counts, a note does not, and what does not fit counts as well. */
static void check_findings(void **state)
{
    cap *c = *state;
    static cli_check check;
    memset(&check, 0, sizeof check);
    check.ctx = &c->ctx;
    cli_check_find(&check, CLI_DONE, "a", "b", "c");
    assert_string_equal(check.findings[0].text, "abc");
    assert_int_equal(check.exit_code, CLI_DONE);
    for (int i = 0; i < CLI_CHECK_FINDINGS + 5; i++)
        cli_check_find(&check, CLI_DONE, "x", "", "");
    assert_int_equal(check.count, CLI_CHECK_FINDINGS);
    cli_check_find(&check, CLI_AUTH, "x", "", "");
    cli_check_find(&check, CLI_DNS, "x", "", "");
    assert_int_equal(check.exit_code, CLI_AUTH);
    assert_int_equal(check.count, CLI_CHECK_FINDINGS);
}

#define CHECK_TEST(test) cmocka_unit_test_setup_teardown(test, check_begin, cap_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CHECK_TEST(check_good),           CHECK_TEST(check_notes),
        CHECK_TEST(check_problems),       CHECK_TEST(check_advice),
        CHECK_TEST(check_advice_cluster), CHECK_TEST(check_findings),
        CHECK_TEST(check_names),          CHECK_TEST(check_names_odd),
        CHECK_TEST(check_nameserver),     CHECK_TEST(check_replica),
        CHECK_TEST(check_sentinels),      CHECK_TEST(check_sentinel_advice),
        CHECK_TEST(check_json_failed),
    };
    return cmocka_run_group_tests_name("cli_check", tests, NULL, NULL);
}
