/* SPDX-License-Identifier: Apache-2.0
 *
 * What a caller is told when something is wrong, on real servers: the right code, one
 * plain sentence, by the deadline; and what time mends is waited out. */
#include "test/live/check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

enum {
    ERRORS_MARGIN_MS = 2000, /* a slow machine's, past a deadline */
    ERRORS_CLIENTS = 4,
    ERRORS_KEYS = 600
};

static const uint32_t errors_protocols[] = {0, 2, 3};

/* One call of a new client on this config, which fails. */
static void errors_call(const reef_config *config, int64_t timeout_ms, reef_code code,
                        const char *part)
{
    reef_client *client = reef_live_client(config);
    int64_t start_ms = reef_live_now_ms();
    reef_reply *reply = reef_live_call(client, "PING", timeout_ms);
    int64_t took_ms = reef_live_now_ms() - start_ms;
    assert_true(took_ms <= timeout_ms + ERRORS_MARGIN_MS);
    if (config->password[0]) {
        assert_null(strstr(reef_reply_text(reply), config->password));
    }
    reef_live_fails(reply, code, part);
    reef_close(client);
}

/* Refused for good: not a moment of the deadline is waited. */
static void errors_at_once(const reef_config *config, reef_code code, const char *part)
{
    int64_t start_ms = reef_live_now_ms();
    errors_call(config, 60000, code, part);
    assert_true(reef_live_now_ms() - start_ms < 30000);
}

/* ---- credentials -------------------------------------------------------------- */

static void errors_login(const reef_live_server *server, uint32_t protocol,
                         const char *user, const char *password)
{
    reef_config config;
    reef_client *client;
    reef_server info;
    reef_error error = {REEF_OK, 0, ""};
    reef_live_config(server, "127.0.0.1", &config);
    config.protocol = protocol;
    snprintf(config.username, sizeof config.username, "%s", user);
    snprintf(config.password, sizeof config.password, "%s", password);
    errors_at_once(&config, REEF_AUTH, NULL);
    client = reef_live_client(&config);
    assert_int_equal(reef_server_info(client, 60000, &info, &error), REEF_AUTH);
    assert_int_equal(error.code, REEF_AUTH);
    assert_true(error.text[0]);
    assert_true(!password[0] || !strstr(error.text, password));
    reef_live_event(client, REEF_EVENT_REFUSED, "");
    reef_close(client);
}

static void errors_credentials(const reef_live_kind *kind)
{
    const reef_live_options options = {.password = "letmein",
                                       .extra = "user ann on >annpass ~* +@all\n"
                                                "user off off >offpass ~* +@all\n"};
    reef_live_server *server = reef_live_start(kind, &options);
    for (size_t i = 0; i < sizeof errors_protocols / sizeof *errors_protocols; i++) {
        errors_login(server, errors_protocols[i], "", "letmeout");
        errors_login(server, errors_protocols[i], "", "");
        errors_login(server, errors_protocols[i], "ann", "letmein");
        errors_login(server, errors_protocols[i], "nobody", "letmein");
        errors_login(server, errors_protocols[i], "off", "offpass");
    }
    reef_live_free(server);
}

static void test_credentials(void **state)
{
    (void)state;
    reef_live_each(errors_credentials);
}

/* A password that is mended on the server is taken up by the same client. */
static void errors_mended(const reef_live_kind *kind)
{
    const reef_live_options options = {.password = "first"};
    reef_live_server *server = reef_live_start(kind, &options);
    reef_config config;
    reef_client *client;
    reef_live_config(server, "127.0.0.1", &config);
    snprintf(config.password, sizeof config.password, "second");
    client = reef_live_client(&config);
    reef_live_refuses(client, "PING", REEF_AUTH, NULL);
    free(reef_live_ask(server, "CONFIG SET requirepass second"));
    reef_live_says(client, "PING", "PONG");
    reef_close(client);
    reef_live_free(server);
}

static void test_credentials_mended(void **state)
{
    (void)state;
    reef_live_each(errors_mended);
}

static reef_client *errors_as(const reef_live_server *server, const char *user,
                              uint32_t protocol)
{
    reef_config config;
    reef_live_config(server, "127.0.0.1", &config);
    config.protocol = protocol;
    snprintf(config.username, sizeof config.username, "%s", user);
    snprintf(config.password, sizeof config.password, "pw");
    return reef_live_client(&config);
}

/* A user that is deleted takes its links along: the next call is refused, not
 * unsure. */
static void errors_deleted(const reef_live_kind *kind)
{
    const reef_live_options options = {.extra = "user ann on >pw ~* +@all\n"};
    reef_live_server *server = reef_live_start(kind, &options);
    reef_client *client = errors_as(server, "ann", 0);
    reef_live_says(client, "INCR n", "1");
    free(reef_live_ask(server, "ACL DELUSER ann"));
    reef_live_until(server, "CLIENT LIST", "user=ann", true);
    reef_live_refuses(client, "INCR n", REEF_AUTH, NULL);
    reef_live_event(client, REEF_EVENT_REFUSED, "");
    free(reef_live_ask(server, "ACL SETUSER ann on >pw ~* +@all"));
    reef_live_says(client, "INCR n", "2");
    reef_close(client);
    reef_live_free(server);
}

static void test_user_deleted(void **state)
{
    (void)state;
    reef_live_each(errors_deleted);
}

/* ---- permissions -------------------------------------------------------------- */

/* `few` may do nothing but GET and ECHO, so naming the connection is refused, too. */
static void errors_permissions(const reef_live_kind *kind)
{
    const reef_live_options options = {.extra = "user some on >pw ~open:* +@all\n"
                                                "user few on >pw ~* +get +echo\n"};
    reef_live_server *server = reef_live_start(kind, &options);
    for (size_t i = 0; i < sizeof errors_protocols / sizeof *errors_protocols; i++) {
        reef_client *client = errors_as(server, "some", errors_protocols[i]);
        reef_live_says(client, "SET open:a 1", "OK");
        reef_live_refuses(client, "SET shut:a 1", REEF_REFUSED, "NOPERM");
        reef_live_says(client, "GET open:a", "1");
        reef_close(client);
        client = errors_as(server, "few", errors_protocols[i]);
        reef_live_says(client, "GET open:a", "1");
        reef_live_refuses(client, "SET open:a 2", REEF_REFUSED, "NOPERM");
        reef_live_says(client, "ECHO still", "still");
        reef_close(client);
    }
    reef_live_free(server);
}

static void test_permissions(void **state)
{
    (void)state;
    reef_live_each(errors_permissions);
}

/* ---- settings that the server contradicts ------------------------------------- */

static void errors_wrong_db(const reef_live_kind *kind)
{
    reef_live_server *server = reef_live_start(kind, NULL);
    reef_config config;
    for (size_t i = 0; i < sizeof errors_protocols / sizeof *errors_protocols; i++) {
        reef_live_config(server, "127.0.0.1", &config);
        config.db = 99;
        config.protocol = errors_protocols[i];
        errors_at_once(&config, REEF_BADCONFIG, "99");
    }
    reef_live_free(server);
}

static void test_wrong_db(void **state)
{
    (void)state;
    reef_live_each(errors_wrong_db);
}

/* The error names the host, what it is, and the setting to change. */
static void errors_sentinel(const reef_live_kind *kind)
{
    const reef_live_options options = {.sentinel = true};
    reef_live_server *server = reef_live_start(kind, &options);
    reef_config config;
    char port[16];
    snprintf(port, sizeof port, "%u", (unsigned)server->port);
    for (size_t i = 0; i < sizeof errors_protocols / sizeof *errors_protocols; i++) {
        reef_live_config(server, "127.0.0.1", &config);
        config.protocol = errors_protocols[i];
        errors_at_once(&config, REEF_BADCONFIG, "master_name");
        errors_at_once(&config, REEF_BADCONFIG, "entinel");
        errors_at_once(&config, REEF_BADCONFIG, port);
    }
    reef_live_free(server);
}

static void test_sentinel(void **state)
{
    (void)state;
    reef_live_each(errors_sentinel);
}

/* ---- nobody there ------------------------------------------------------------- */

static void errors_nobody(const reef_live_kind *kind)
{
    reef_live_server *server = reef_live_start(kind, NULL);
    reef_config config;
    char port[16];
    snprintf(port, sizeof port, "%u", (unsigned)server->port);
    reef_live_stop(server);
    reef_live_config(server, "127.0.0.1", &config);
    errors_call(&config, 300, REEF_CONNECT, "refused");
    errors_call(&config, 300, REEF_CONNECT, port);
    reef_live_config(server, "localhost", &config);
    errors_call(&config, 300, REEF_CONNECT, "refused");
    reef_live_config(server, "unix", &config);
    snprintf(config.hosts[0].name, sizeof config.hosts[0].name, "%s/nothing",
             server->folder);
    errors_call(&config, 300, REEF_CONNECT, config.hosts[0].name);
    /* A folder is no socket. */
    snprintf(config.hosts[0].name, sizeof config.hosts[0].name, "%s", server->folder);
    errors_call(&config, 300, REEF_CONNECT, config.hosts[0].name);
    reef_live_free(server);
}

static void test_nobody(void **state)
{
    reef_live_kind kinds[REEF_LIVE_KINDS];
    (void)state;
    reef_live_find(kinds);
    errors_nobody(&kinds[0]);
}

/* ---- waited out --------------------------------------------------------------- */

/* A call that never was sent, for want of room on the server, and says so. */
static void errors_no_room(reef_client *client)
{
    reef_reply *reply = reef_live_call(client, "PING", 300);
    reef_code code = reef_reply_code(reply);
    assert_true(code == REEF_CONNECT || code == REEF_UNSENT);
    reef_live_fails(reply, code, "max number of clients");
}

static void errors_max_clients(const reef_live_kind *kind)
{
    const reef_live_options options = {.extra = "maxclients 4\n"};
    const char *ping[] = {"PING"};
    reef_live_server *server = reef_live_start(kind, &options);
    reef_client *client = reef_live_client_at(server, "127.0.0.1", 0);
    reef_live_job *job;
    int held[ERRORS_CLIENTS];
    for (int i = 0; i < ERRORS_CLIENTS; i++) {
        held[i] = reef_live_dial(server);
        free(reef_live_ask_on(held[i], ping, 1, NULL));
    }
    errors_no_room(client);
    reef_live_event(client, REEF_EVENT_FAILED, "max number of clients");
    job = reef_live_begin(client, "ECHO room", 30000);
    reef_live_event(client, REEF_EVENT_FAILED, "max number of clients");
    for (int i = 0; i < ERRORS_CLIENTS; i++) {
        close(held[i]);
    }
    reef_live_is(reef_live_end(job), "room");
    reef_close(client);
    reef_live_free(server);
}

static void test_max_clients(void **state)
{
    (void)state;
    reef_live_each(errors_max_clients);
}

/* Fills the server with what takes it three seconds to load, as it waits 5 ms for each
 * key and listens once for every 1024 bytes, and lets it load. */
static reef_live_server *errors_loading_server(const reef_live_kind *kind)
{
    const reef_live_options options = {
        .loading = true,
        .extra = "key-load-delay 5000\nrdbcompression no\n"
                 "loading-process-events-interval-bytes 1024\n"};
    reef_live_server *server = reef_live_start(kind, &options);
    char key[32], value[513];
    const char *set[] = {"SET", key, value};
    int fd = reef_live_dial(server);
    memset(value, 'v', sizeof value - 1);
    value[sizeof value - 1] = '\0';
    for (int i = 0; i < ERRORS_KEYS; i++) {
        snprintf(key, sizeof key, "key-%d", i);
        free(reef_live_ask_on(fd, set, 3, NULL));
    }
    close(fd);
    free(reef_live_ask(server, "SET last word"));
    free(reef_live_ask(server, "SAVE"));
    reef_live_kill(server);
    reef_live_again(server);
    return server;
}

/* Short calls to a server that says "not now" end with what it said, or as unsure when
 * the last try was still out; with ten of them, the former is seen. Returns how many
 * were unsure. */
static unsigned errors_not_now(reef_client *client, const char *line, const char *part)
{
    unsigned said = 0, unsure = 0;
    for (int i = 0; i < 10 && !said; i++) {
        reef_reply *reply = reef_live_call(client, line, 150);
        reef_code code = reef_reply_code(reply);
        unsure += code == REEF_UNSURE;
        said += code == REEF_REFUSED;
        assert_true(code == REEF_REFUSED || code == REEF_UNSURE || code == REEF_UNSENT);
        reef_live_fails(reply, code, code == REEF_REFUSED ? part : NULL);
    }
    assert_int_equal(said, 1);
    return unsure;
}

static void errors_loading(const reef_live_kind *kind)
{
    reef_live_server *server = errors_loading_server(kind);
    reef_client *client = reef_live_client_at(server, "127.0.0.1", 0);
    reef_client *hasty = reef_live_client_at(server, "unix", 2);
    reef_stats stats;
    char *seen;
    errors_not_now(hasty, "GET last", "LOADING");
    reef_live_is(reef_live_call(client, "GET last", 60000), "word");
    reef_client_stats(client, &stats);
    /* It was waited for: and not by asking without a pause. */
    assert_true(stats.retries > 0);
    assert_true(stats.retries < 2000);
    reef_live_event(client, REEF_EVENT_RETRIED, "LOADING");
    reef_live_says(hasty, "GET last", "word");
    seen = reef_live_ask(server, "GET key-599");
    assert_int_equal(strlen(seen), 512);
    free(seen);
    reef_close(client);
    reef_close(hasty);
    reef_live_free(server);
}

static void test_loading(void **state)
{
    (void)state;
    reef_live_each(errors_loading);
}

/* A script that runs on keeps others off with BUSY, until it is killed. */
static void errors_busy(const reef_live_kind *kind)
{
    const reef_live_options options = {.extra = "busy-reply-threshold 50\n"};
    reef_live_server *server = reef_live_start(kind, &options);
    reef_client *client = reef_live_client_at(server, "127.0.0.1", 0);
    static const char script[] = "*3\r\n$4\r\nEVAL\r\n$18\r\nwhile true do end \r\n"
                                 "$1\r\n0\r\n";
    int fd = reef_live_dial(server);
    reef_live_job *job;
    unsigned unsure;
    reef_live_says(client, "PING", "PONG");
    assert_int_equal(write(fd, script, sizeof script - 1), sizeof script - 1);
    reef_live_until(server, "DBSIZE", "BUSY", false);
    unsure = errors_not_now(client, "INCR k", "BUSY");
    job = reef_live_begin(client, "INCR n", 30000);
    reef_live_event(client, REEF_EVENT_RETRIED, "BUSY");
    free(reef_live_ask(server, "SCRIPT KILL"));
    reef_live_is(reef_live_end(job), "1");
    /* What was refused did not run. */
    assert_true(reef_live_number(server, "GET k") <= (int64_t)unsure);
    close(fd);
    reef_close(client);
    reef_live_free(server);
}

static void test_busy(void **state)
{
    (void)state;
    reef_live_each(errors_busy);
}

/* A replica that has lost its master says so until it is made one itself. */
static void errors_master_down(const reef_live_kind *kind)
{
    const reef_live_options options = {
        .extra = "replicaof 127.0.0.1 1\nreplica-serve-stale-data no\n"};
    reef_live_server *server = reef_live_start(kind, &options);
    reef_client *client = reef_live_client_at(server, "127.0.0.1", 0);
    reef_error error = {REEF_OK, 0, ""};
    reef_server info;
    reef_event past;
    reef_live_job *job;
    assert_int_equal(reef_server_info(client, 0, &info, &error), REEF_OK);
    assert_string_equal(info.role, "replica");
    errors_not_now(client, "GET k", "MASTERDOWN");
    while (reef_client_next_event(client, &past)) {
    }
    /* A write would be refused as READONLY, which no wait mends. */
    job = reef_live_begin(client, "EXISTS k", 30000);
    reef_live_event(client, REEF_EVENT_RETRIED, "MASTERDOWN");
    free(reef_live_ask(server, "REPLICAOF NO ONE"));
    reef_live_is(reef_live_end(job), "0");
    reef_live_says(client, "SET k v", "OK");
    reef_close(client);
    reef_live_free(server);
}

static void test_master_down(void **state)
{
    (void)state;
    reef_live_each(errors_master_down);
}

/* A server that cuts the connection in the middle of each long reply: unsure the first
 * time for one command, at the deadline for one that may be sent again; and short ones
 * work all the while. */
static void errors_cut_off(const reef_live_kind *kind)
{
    const reef_live_options options = {
        .extra = "client-output-buffer-limit normal 3mb 0 0\n"};
    reef_live_server *server = reef_live_start(kind, &options);
    reef_client *client = reef_live_client_at(server, "127.0.0.1", 0);
    reef_cmd *again = reef_live_cmd("LRANGE long 0 -1", true);
    reef_stats stats;
    int64_t start_ms;
    for (int i = 0; i < 200; i++) {
        char *reply = reef_live_ask(server, "EVAL for\ti=1,500\tdo\tredis.call('RPUSH',"
                                            "'long',string.rep('x',400))end 0");
        assert_string_equal(reply, "(nil)");
        free(reply);
    }
    start_ms = reef_live_now_ms();
    reef_live_fails(reef_live_call(client, "LRANGE long 0 -1", 20000), REEF_UNSURE,
                    NULL);
    assert_true(reef_live_now_ms() - start_ms < 15000);
    reef_live_says(client, "LLEN long", "100000");
    start_ms = reef_live_now_ms();
    reef_live_fails(reef_call(client, again, 1000), REEF_UNSURE, NULL);
    assert_true(reef_live_now_ms() - start_ms <= 1000 + ERRORS_MARGIN_MS);
    reef_client_stats(client, &stats);
    assert_true(stats.retries > 0 && stats.retries < 500);
    reef_live_says(client, "LLEN long", "100000");
    reef_cmd_free(again);
    reef_close(client);
    reef_live_free(server);
}

static void test_cut_off(void **state)
{
    (void)state;
    reef_live_each(errors_cut_off);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_credentials),  cmocka_unit_test(test_credentials_mended),
        cmocka_unit_test(test_user_deleted), cmocka_unit_test(test_permissions),
        cmocka_unit_test(test_wrong_db),     cmocka_unit_test(test_sentinel),
        cmocka_unit_test(test_nobody),       cmocka_unit_test(test_max_clients),
        cmocka_unit_test(test_loading),      cmocka_unit_test(test_busy),
        cmocka_unit_test(test_master_down),  cmocka_unit_test(test_cut_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
