/* SPDX-License-Identifier: Apache-2.0
 *
 * The `reef` command on real servers, Redis and Valkey: each command, what it prints
 * and how it ends, and what it says when the server or its settings are not right. What
 * stands in the server is looked at over a raw socket. */
#include "test/live/cli_tool.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "session/session.h"
#include "test/live/server.h"

#define ONLINE_USER "0190d1a5-7e40-7000-8000-000000000001"

typedef struct online_place {
    reef_live_server *server;
    reef_cli cli;
    char host[REEF_LIVE_PATH];
} online_place;

static void online_begin(online_place *p, const reef_live_kind *kind,
                         const reef_live_options *options)
{
    p->server = reef_live_start(kind, options);
    reef_cli_begin(&p->cli);
    snprintf(p->host, sizeof p->host, "127.0.0.1:%u", (unsigned)p->server->port);
    reef_cli_host(&p->cli, p->host, "");
}

static void online_end(online_place *p)
{
    reef_cli_end(&p->cli);
    reef_live_free(p->server);
}

static void online_holds(online_place *p, const char *line, const char *part)
{
    char *reply = reef_live_ask(p->server, line);
    reef_cli_has(reply, part);
    free(reply);
}

/* ---- check -------------------------------------------------------------------- */

static void online_check_kind(const reef_live_kind *kind)
{
    online_place p;
    char part[64];
    online_begin(&p, kind, NULL);
    reef_cli *cli = &p.cli;
    reef_cli_run(cli, "check");
    assert_int_equal(cli->code, 0);
    assert_string_equal(cli->err, "");
    snprintf(part, sizeof part, "server    %s ", kind->name);
    reef_cli_has(cli->out, part);
    reef_cli_has(cli->out, p.host);
    reef_cli_has(cli->out, "RESP3, mode standalone, role master, db 0\n");
    reef_cli_has(cli->out, "latency   ");
    reef_cli_has(cli->out, "clock     the server's is ");
    reef_cli_has(cli->out, "EVAL: all work\n");
    reef_cli_has(cli->out, "good      ");
    assert_int_equal(reef_live_number(p.server, "DBSIZE"), 0);
    reef_cli_run(cli, "check --json");
    assert_int_equal(cli->code, 0);
    reef_cli_has(cli->out, "\"mode\":\"standalone\",\"role\":\"master\",\"db\":0,");
    reef_cli_has(cli->out, "\"findings\":[],\"exit\":0}\n");
    online_end(&p);
}

static void online_check(void **state)
{
    (void)state;
    reef_live_each(online_check_kind);
}

/* RESP2, a unix socket, a prefix, another db, not enabled. */
/* A server whose GET is another command: all of it answers, and none of it will do. */
static void online_check_renamed_kind(const reef_live_kind *kind)
{
    online_place p;
    const reef_live_options options = {
        .extra = "rename-command GET \"\"\nrename-command STRLEN GET\n"};
    online_begin(&p, kind, &options);
    reef_cli *cli = &p.cli;
    reef_cli_run(cli, "check");
    assert_int_equal(cli->code, 8);
    reef_cli_has(cli->out, "problem   GET gives an answer of another kind");
    reef_cli_has_not(cli->out, "good");
    online_end(&p);
}

static void online_check_renamed(void **state)
{
    (void)state;
    reef_live_each(online_check_renamed_kind);
}

static void online_check_settings_kind(const reef_live_kind *kind)
{
    online_place p;
    char host[REEF_LIVE_PATH + 8];
    online_begin(&p, kind, NULL);
    reef_cli *cli = &p.cli;
    snprintf(host, sizeof host, "unix:%s", p.server->socket);
    reef_cli_host(cli, host, "protocol = 2\ndb = 7\nkey_prefix = \"k\"\n");
    cli->env[0] = "KNOT_REDIS_ENABLED=false";
    reef_cli_run(cli, "check");
    assert_int_equal(cli->code, 0);
    reef_cli_has(cli->out, "RESP2, mode standalone, role master, db 7\n");
    reef_cli_has(cli->out, host);
    reef_cli_has(cli->out, "note      KNOT_REDIS_ENABLED: server.redis.enabled is "
                           "false");
    online_end(&p);
}

static void online_check_settings(void **state)
{
    (void)state;
    reef_live_each(online_check_settings_kind);
}

static void online_replica_kind(const reef_live_kind *kind)
{
    online_place p;
    char extra[64];
    online_begin(&p, kind, NULL);
    snprintf(extra, sizeof extra, "replicaof 127.0.0.1 %u\n", (unsigned)p.server->port);
    reef_live_options options = {.extra = extra};
    online_place q;
    online_begin(&q, kind, &options);
    reef_live_until(q.server, "INFO replication", "master_link_status:up", false);
    reef_cli_run(&q.cli, "check");
    assert_int_equal(q.cli.code, 2);
    reef_cli_has(q.cli.out, "is a replica and takes no writes: name its master");
    reef_cli_has_not(q.cli.out, "good");
    reef_cli_fails(&q.cli, "session new --user u", 6, "READONLY");
    online_end(&q);
    online_end(&p);
}

static void online_replica(void **state)
{
    (void)state;
    reef_live_each(online_replica_kind);
}

static void online_sentinel_kind(const reef_live_kind *kind)
{
    online_place p;
    reef_live_options options = {.sentinel = true};
    online_begin(&p, kind, &options);
    reef_cli_fails(&p.cli, "check", 2, "is a Sentinel");
    reef_cli_has(p.cli.err, p.host);
    reef_cli_has(p.cli.err, "master_name");
    online_end(&p);
}

static void online_sentinel(void **state)
{
    (void)state;
    reef_live_each(online_sentinel_kind);
}

static void online_eviction_kind(const reef_live_kind *kind)
{
    online_place p;
    reef_live_options options = {.extra =
                                     "maxmemory 100mb\nmaxmemory-policy allkeys-lru\n"};
    online_begin(&p, kind, &options);
    reef_cli_run(&p.cli, "check");
    assert_int_equal(p.cli.code, 0);
    reef_cli_has(p.cli.out, "drops sessions (allkeys-lru)");
    online_end(&p);
}

static void online_eviction(void **state)
{
    (void)state;
    reef_live_each(online_eviction_kind);
}

/* A server that takes no writes for now: its words, once. */
static void online_readonly_kind(const reef_live_kind *kind)
{
    online_place p;
    reef_live_options options = {.extra = "min-replicas-to-write 1\n"};
    online_begin(&p, kind, &options);
    reef_cli_run(&p.cli, "check");
    assert_int_equal(p.cli.code, 6);
    const char *first = strstr(p.cli.out, "problem   SET fails: NOREPLICAS");
    assert_non_null(first);
    reef_cli_has_not(first + 1, "problem");
    online_end(&p);
}

static void online_readonly(void **state)
{
    (void)state;
    reef_live_each(online_readonly_kind);
}

/* ---- credentials -------------------------------------------------------------- */

static void online_password_kind(const reef_live_kind *kind)
{
    online_place p;
    reef_live_options options = {.password = "open-sesame"};
    online_begin(&p, kind, &options);
    reef_cli *cli = &p.cli;
    reef_cli_fails(cli, "check", 5, "password");
    reef_cli_has(cli->out, "to do     correct server.redis.password");
    reef_cli_host(cli, p.host, "password = \"close-sesame\"\n");
    reef_cli_fails(cli, "check", 5, "WRONGPASS");
    reef_cli_has_not(cli->err, "sesame");
    reef_cli_has(cli->out, "knot.toml:4:12");
    reef_cli_fails(cli, "--json session list --all", 5, "WRONGPASS");
    reef_cli_has(cli->out, "\"exit\":5}\n");
    reef_cli_has_not(cli->out, "sesame");
    cli->env[0] = "KNOT_REDIS_PASSWORD=open-sesame";
    reef_cli_run(cli, "check");
    assert_int_equal(cli->code, 0);
    reef_cli_has_not(cli->out, "sesame");
    reef_cli_has_not(cli->out, "note");
    online_end(&p);
}

static void online_password(void **state)
{
    (void)state;
    reef_live_each(online_password_kind);
}

/* A password that protects nothing; and a user who may only read. */
static void online_users_kind(const reef_live_kind *kind)
{
    online_place p;
    reef_live_options options = {
        .extra = "user ann on >anns-own ~* +@read +ping +info +time\n"
                 "user bob on >bobs-own ~other:* +@all\n"};
    online_begin(&p, kind, &options);
    reef_cli *cli = &p.cli;
    reef_cli_host(cli, p.host, "username = \"ann\"\npassword = \"anns-own\"\n");
    reef_cli_run(cli, "check");
    assert_int_equal(cli->code, 6);
    reef_cli_has(cli->out, "lets in without the password, too");
    reef_cli_has(cli->out, "the user 'ann' may not run SET, DEL, EXPIRE, EVAL on ");
    reef_cli_run(cli, "check --json");
    assert_int_equal(cli->code, 6);
    reef_cli_has(cli->out, "{\"severity\":\"problem\",\"exit\":6,\"text\":\"the user");
    reef_cli_fails(cli, "session new --user u", 6, "NOPERM");
    reef_cli_fails(cli, "call SET k v", 6, "NOPERM");
    reef_cli_prints(cli, "call GET k", "(nil)\n");
    reef_cli_host(cli, p.host, "username = \"bob\"\npassword = \"bobs-own\"\n");
    reef_cli_fails(cli, "call GET k", 6, "NOPERM");
    reef_cli_fails(cli, "session new --user u", 6, "NOPERM");
    reef_cli_prints(cli, "call SET other:k v", "OK\n");
    online_end(&p);
}

static void online_users(void **state)
{
    (void)state;
    reef_live_each(online_users_kind);
}

static void online_wrong_db_kind(const reef_live_kind *kind)
{
    online_place p;
    online_begin(&p, kind, NULL);
    reef_cli_host(&p.cli, p.host, "db = 99\n");
    reef_cli_fails(&p.cli, "check", 2, "db = 99");
    reef_cli_fails(&p.cli, "session list --all", 2, "db = 99");
    online_end(&p);
}

static void online_wrong_db(void **state)
{
    (void)state;
    reef_live_each(online_wrong_db_kind);
}

/* ---- call --------------------------------------------------------------------- */

static void online_call_kind(const reef_live_kind *kind)
{
    online_place p;
    online_begin(&p, kind, NULL);
    reef_cli *cli = &p.cli;
    reef_cli_prints(cli, "call PING", "PONG\n");
    reef_cli_prints(cli, "call --key 1 SET n --json", "OK\n");
    reef_cli_prints(cli, "call GET n", "\"--json\"\n");
    reef_cli_prints(cli, "--json call GET n", "{\"t\":\"bulk\",\"v\":\"--json\"}\n");
    reef_cli_prints(cli, "call --raw GET n", "--json\n");
    reef_cli_prints(cli, "call --json GET none", "{\"t\":\"null\"}\n");
    reef_cli_prints(cli, "call RPUSH l a b", "(integer) 2\n");
    reef_cli_prints(cli, "call LRANGE l 0 -1", "1) \"a\"\n2) \"b\"\n");
    reef_cli_prints(cli, "call --raw LRANGE l 0 -1", "a\nb\n");
    reef_cli_prints(cli, "call LRANGE none 0 -1", "(empty array)\n");
    reef_cli_prints(cli, "call HSET h f v", "(integer) 1\n");
    reef_cli_prints(cli, "call HGETALL h", "1# \"f\" => \"v\"\n");
    reef_cli_prints(cli, "call ZADD z 1.5 m", "(integer) 1\n");
    reef_cli_prints(cli, "call ZSCORE z m", "(double) 1.5\n");
    reef_cli_prints(cli, "call SADD s x", "(integer) 1\n");
    reef_cli_prints(cli, "call SMEMBERS s", "1~ \"x\"\n");
    reef_cli_prints(cli, "call SET e \033[2J\xe2\x80\xae\"\xff\xc3\xa9", "OK\n");
    reef_cli_prints(cli, "call GET e", "\"\\x1b[2J\\u202e\\\"\\xff\xc3\xa9\"\n");
    reef_cli_fails(cli, "call INCR l", 6, "WRONGTYPE");
    assert_string_equal(cli->out, "");
    reef_cli_fails(cli, "call --json INCR l", 6, "WRONGTYPE");
    reef_cli_has(cli->out, "{\"error\":\"WRONGTYPE ");
    reef_cli_fails(cli, "call SUBSCRIBE c", 2, "SUBSCRIBE");
    reef_cli_fails(cli, "call AUTH x", 2, "AUTH");
    online_holds(&p, "GET n", "--json");
    online_end(&p);
}

static void online_call(void **state)
{
    (void)state;
    reef_live_each(online_call_kind);
}

static void online_call_nested_kind(const reef_live_kind *kind)
{
    online_place p;
    online_begin(&p, kind, NULL);
    reef_cli_words(&p.cli,
                   (const char *const[]){"call", "EVAL",
                                         "redis.setresp(3) return {1,{'x',{},{map="
                                         "{k={2,'y'}}}},{err='ERR \\27[0m'}}",
                                         "0", NULL});
    assert_int_equal(p.cli.code, 0);
    assert_string_equal(p.cli.out, "1) (integer) 1\n"
                                   "2) 1) \"x\"\n"
                                   "   2) (empty array)\n"
                                   "   3) 1# \"k\" =>\n"
                                   "            1) (integer) 2\n"
                                   "            2) \"y\"\n"
                                   "3) (error) ERR \\x1b[0m\n");
    online_end(&p);
}

static void online_call_nested(void **state)
{
    (void)state;
    reef_live_each(online_call_nested_kind);
}

/* ---- sessions ----------------------------------------------------------------- */

/* The id that the last run printed. */
static void online_id(const reef_cli *cli, char id[REEF_SESSION_ID_LEN + 1])
{
    assert_int_equal(cli->code, 0);
    assert_int_equal(cli->out_len, REEF_SESSION_ID_LEN + 1);
    memcpy(id, cli->out, REEF_SESSION_ID_LEN);
    id[REEF_SESSION_ID_LEN] = '\0';
    assert_true(reef_session_id_valid(reef_str_of(id)));
}

static const char *online_line(char line[256], const char *before, const char *id,
                               const char *rest)
{
    int len = snprintf(line, 256, "%s%s%s", before, id, rest);
    assert_true(len > 0 && len < 256);
    return line;
}

static void online_life_kind(const reef_live_kind *kind)
{
    online_place p;
    char id[REEF_SESSION_ID_LEN + 1], line[256];
    online_begin(&p, kind, NULL);
    reef_cli *cli = &p.cli;
    reef_cli_run(cli,
                 "session new --ip 192.0.2.7 --agent M<&>\033 --user " ONLINE_USER);
    online_id(cli, id);
    online_holds(&p, online_line(line, "GET Sessions:", id, ""),
                 "\"ip\":\"192.0.2.7\",\"user_id\":\"" ONLINE_USER
                 "\",\"user_agent\":\"M\\u003c\\u0026\\u003e\\u001b\",");
    online_holds(&p, online_line(line, "GET SessionsByUserId:" ONLINE_USER ":", id, ""),
                 id);
    reef_cli_run(cli, online_line(line, "session get ", id, ""));
    assert_int_equal(cli->code, 0);
    reef_cli_has(cli->out, "user     " ONLINE_USER "\n");
    reef_cli_has(cli->out, "agent    M<&>\\x1b\n");
    reef_cli_has(cli->out, "state    live\n");
    reef_cli_run(cli, online_line(line, "session touch ", id, ""));
    assert_int_equal(cli->code, 0);
    reef_cli_has(cli->out, "lives until 2");
    reef_cli_run(cli, "session list --user " ONLINE_USER);
    assert_int_equal(cli->code, 0);
    reef_cli_has(cli->out, id);
    reef_cli_has_not(cli->out, "\033");
    reef_cli_prints(cli, "session revoke --user " ONLINE_USER, "revoked 1 session\n");
    reef_cli_prints(cli, "--json session revoke --user " ONLINE_USER,
                    "{\"revoked\":0}\n");
    reef_cli_fails(cli, online_line(line, "session touch ", id, ""), 6, "revoked");
    reef_cli_run(cli, online_line(line, "session get --id ", id, ""));
    reef_cli_has(cli->out, "state    revoked\n");
    reef_cli_run(cli, online_line(line, "session delete ", id, ""));
    assert_int_equal(cli->code, 0);
    assert_int_equal(reef_live_number(p.server, "DBSIZE"), 0);
    reef_cli_fails(cli, online_line(line, "session delete ", id, " --user u"), 1, id);
    reef_cli_fails(cli, online_line(line, "session get ", id, ""), 1, id);
    reef_cli_fails(cli, online_line(line, "--json session touch ", id, ""), 1, id);
    reef_cli_has(cli->out, "\"code\":\"not found\",\"exit\":1}\n");
    online_end(&p);
}

static void online_life(void **state)
{
    (void)state;
    reef_live_each(online_life_kind);
}

/* What get prints as JSON, save takes: on another prefix it is the same record. */
static void online_save_kind(const reef_live_kind *kind)
{
    online_place p;
    char id[REEF_SESSION_ID_LEN + 1], line[256];
    online_begin(&p, kind, NULL);
    reef_cli *cli = &p.cli;
    reef_cli_run(cli, "session new --user u1 --agent x");
    online_id(cli, id);
    reef_cli_run(cli, online_line(line, "session get --json ", id, ""));
    char *record = strdup(cli->out);
    assert_non_null(record);
    cli->env[0] = "KNOT_REDIS_KEY_PREFIX=copy";
    cli->input = reef_str_of(record);
    reef_cli_run(cli, "session save");
    online_id(cli, id);
    cli->input = (reef_str){NULL, 0};
    reef_cli_prints(cli, online_line(line, "--json session get ", id, ""), record);
    record[strlen(record) - 1] = '\0'; /* its end of line */
    online_holds(&p, online_line(line, "GET copy:Sessions:", id, ""), record);
    reef_cli_run(cli, online_line(line, "session save --user u2 --id ", id, ""));
    assert_int_equal(cli->code, 0);
    online_holds(&p, online_line(line, "GET copy:Sessions:", id, ""),
                 "\"user_id\":\"u2\"");
    cli->input = reef_str_of("{\"session_id\":1}");
    reef_cli_run(cli, "session save");
    assert_int_equal(cli->code, 8);
    cli->input = reef_str_of("{\"session_id\":\"x\",\"user_id\":\"u\"}");
    reef_cli_run(cli, "session save");
    assert_int_equal(cli->code, 2);
    free(record);
    online_end(&p);
}

static void online_save(void **state)
{
    (void)state;
    reef_live_each(online_save_kind);
}

/* Several users, and a record that is none: named, and the others listed. */
static void online_list_kind(const reef_live_kind *kind)
{
    online_place p;
    char id[3][REEF_SESSION_ID_LEN + 1], line[256];
    online_begin(&p, kind, NULL);
    reef_cli *cli = &p.cli;
    reef_cli_run(cli, "session list --all");
    assert_int_equal(cli->code, 0);
    assert_string_equal(cli->err, "reef: no sessions\n");
    reef_cli_prints(cli, "session list --all --json", "");
    for (size_t i = 0; i < 3; i++) {
        reef_cli_run(cli, i < 2 ? "session new --user u1" : "session new --user u2");
        online_id(cli, id[i]);
    }
    reef_cli_run(cli, "session list --json --user u1");
    assert_int_equal(cli->code, 0);
    reef_cli_has(cli->out, id[0]);
    reef_cli_has(cli->out, id[1]);
    reef_cli_has_not(cli->out, id[2]);
    reef_cli_run(cli, "session list --all");
    reef_cli_has(cli->out, id[2]);
    reef_cli_has(cli->out, "USER");
    free(
        reef_live_ask(p.server, online_line(line, "SET Sessions:", id[0], " {broken")));
    reef_cli_fails(cli, "session list --user u1", 8, id[0]);
    reef_cli_has(cli->out, id[1]);
    reef_cli_fails(cli, "session list --all --json", 8, id[0]);
    reef_cli_has(cli->out, "\"code\":\"corrupt\",\"exit\":8}\n");
    reef_cli_has(cli->out, id[2]);
    reef_cli_fails(cli, online_line(line, "session get ", id[0], ""), 8, id[0]);
    /* A session without an expiry lives as long as its key. */
    snprintf(line, sizeof line,
             "SET Sessions:%s {\"session_id\":\"%s\",\"user_id\":\"u1\"}", id[0],
             id[0]);
    free(reef_live_ask(p.server, line));
    reef_cli_run(cli, online_line(line, "session get ", id[0], ""));
    reef_cli_has(cli->out, "state    live\n");
    reef_cli_has(cli->out, "expires  never set\n");
    online_end(&p);
}

static void online_list(void **state)
{
    (void)state;
    reef_live_each(online_list_kind);
}

/* ---- demo --------------------------------------------------------------------- */

static void online_demo_kind(const reef_live_kind *kind)
{
    online_place p;
    online_begin(&p, kind, NULL);
    reef_cli *cli = &p.cli;
    free(reef_live_ask(p.server, "SET mine stays"));
    reef_cli_host(cli, p.host, "key_prefix = \"prod\"\n");
    reef_cli_run(cli, "demo");
    assert_int_equal(cli->code, 0);
    assert_string_equal(cli->err, "");
    reef_cli_has(cli->out, p.host);
    reef_cli_has(cli->out, "begins with reef-demo:");
    reef_cli_has(cli->out, "{\"session_id\":\"");
    reef_cli_has(cli->out, "state  revoked");
    reef_cli_has(cli->out, "(exit code 6)");
    reef_cli_has(cli->out, "What to try next");
    assert_int_equal(reef_live_number(p.server, "DBSIZE"), 1);
    online_end(&p);
}

static void online_demo(void **state)
{
    (void)state;
    reef_live_each(online_demo_kind);
}

/* It may write but not list: the tour ends with the reason, and what it made
 * expires. */
static void online_demo_fails_kind(const reef_live_kind *kind)
{
    online_place p;
    reef_live_options options = {.extra = "user ann on >anns-own ~* +@all -scan\n"};
    online_begin(&p, kind, &options);
    reef_cli_host(&p.cli, p.host, "username = \"ann\"\npassword = \"anns-own\"\n");
    reef_cli_fails(&p.cli, "demo", 6, "NOPERM");
    reef_cli_has_not(p.cli.out, "What to try next");
    online_end(&p);
}

static void online_demo_fails(void **state)
{
    (void)state;
    reef_live_each(online_demo_fails_kind);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(online_check),         cmocka_unit_test(online_check_settings),
        cmocka_unit_test(online_replica),       cmocka_unit_test(online_sentinel),
        cmocka_unit_test(online_eviction),      cmocka_unit_test(online_password),
        cmocka_unit_test(online_users),         cmocka_unit_test(online_wrong_db),
        cmocka_unit_test(online_call),          cmocka_unit_test(online_call_nested),
        cmocka_unit_test(online_life),          cmocka_unit_test(online_save),
        cmocka_unit_test(online_list),          cmocka_unit_test(online_demo),
        cmocka_unit_test(online_demo_fails),    cmocka_unit_test(online_readonly),
        cmocka_unit_test(online_check_renamed),
    };
    return cmocka_run_group_tests_name("cli_online", tests, NULL, NULL);
}
