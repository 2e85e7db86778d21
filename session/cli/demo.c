/* SPDX-License-Identifier: Apache-2.0
 *
 * reef demo: a guided tour on the configured server. Each step shows what one would
 * type, and does it through the same calls.
 *
 * Invariant: every key of the tour begins with a prefix of its own, drawn at random, so
 * that two tours do not meet and knot's keys are out of reach; what is left at the end,
 * also of a tour that failed, is removed, and what can't be removed expires. */
#include "session/cli/cli.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const char demo_user[] = "0190d1a5-7e40-7000-8000-00000000ada1";

typedef struct demo_tour {
    cli_context *ctx;
    reef_cmd *cmd;
    int step;
    int code;
    char id[REEF_SESSION_ID_LEN + 1];
    char prefix[64];
} demo_tour;

static void demo_heading(demo_tour *t, const char *title)
{
    char line[128];
    (void)cli_flush(t->ctx);
    (void)snprintf(line, sizeof line, "\n%d. %s\n", ++t->step, title);
    cli_put_colored(stdout, t->ctx->color_out, CLI_BOLD, line);
}

static void demo_typed(const demo_tour *t, const char *a, const char *b)
{
    cli_put_colored(stdout, t->ctx->color_out, CLI_GREEN, "   $ reef ");
    cli_put_colored(stdout, t->ctx->color_out, CLI_GREEN, a);
    cli_put_colored(stdout, t->ctx->color_out, CLI_GREEN, b);
    fputc('\n', stdout);
}

static void demo_say(const char *text)
{
    printf("   %s\n", text);
}

/* The first failure is kept, and said. */
static bool demo_ok(demo_tour *t, reef_code code, const char *text)
{
    if (code == REEF_OK)
        return true;
    int exit_code = cli_fail(t->ctx, code, text);
    if (t->code == CLI_DONE)
        t->code = exit_code;
    return false;
}

/* ---- the session -------------------------------------------------------------- */

static reef_session demo_session(const demo_tour *t)
{
    reef_session s = {0};
    s.id = reef_str_of(t->id);
    s.user_id = reef_str_of(demo_user);
    s.ip = reef_str_of("192.0.2.7");
    s.user_agent = reef_str_of("Mozilla/5.0 (demo)");
    s.updated_at = reef_clock_next(0, reef_unix_ns());
    s.expires_after_ns = reef_unix_ns() + (int64_t)REEF_SESSION_TTL_S * 1000000000;
    return s;
}

static bool demo_new(demo_tour *t)
{
    reef_error error = {REEF_OK, 0, ""};
    demo_heading(t, "A user logs in: a new session");
    demo_typed(t, "session new --ip 192.0.2.7 --user ", demo_user);
    if (!demo_ok(t, reef_session_new_id(t->id, &error), error.text))
        return false;
    reef_session s = demo_session(t);
    reef_code code = reef_session_save(t->ctx->client, &s, t->ctx->timeout_ms, &error);
    if (!demo_ok(t, code, error.text))
        return false;
    demo_say(t->id);
    return true;
}

/* ---- what stands in the server ------------------------------------------------ */

static reef_reply *demo_call(demo_tour *t)
{
    reef_cmd_repeatable(t->cmd);
    return reef_call(t->ctx->client, t->cmd, t->ctx->timeout_ms);
}

static void demo_key(demo_tour *t, const char *name, const char *key)
{
    reef_cmd_begin(t->cmd, name);
    reef_cmd_key(t->cmd, reef_str_of(key));
}

/* A key, its value and its TTL, as redis-cli would find them. */
static bool demo_raw(demo_tour *t, const char *rest)
{
    char key[256];
    (void)snprintf(key, sizeof key, "%s%s%s", t->prefix, rest, t->id);
    demo_typed(t, "call GET ", key);
    demo_key(t, "GET", key);
    reef_reply *value = demo_call(t);
    demo_key(t, "TTL", key);
    reef_reply *ttl = demo_call(t);
    bool ok = demo_ok(t, reef_reply_code(value), reef_reply_text(value)) &&
              demo_ok(t, reef_reply_code(ttl), reef_reply_text(ttl));
    if (ok) {
        fputs("   ", stdout);
        cli_put_text(stdout, reef_text(value, reef_reply_root(value)));
        printf("\n   expires in %" PRId64 " s\n", reef_int(reef_reply_root(ttl), -1));
    }
    reef_reply_free(value);
    reef_reply_free(ttl);
    return ok;
}

static bool demo_keys(demo_tour *t)
{
    char index[96];
    demo_heading(t, "What knot sees: the record, and the index by user");
    (void)snprintf(index, sizeof index, "SessionsByUserId:%s:", demo_user);
    return demo_raw(t, "Sessions:") && demo_raw(t, index);
}

/* ---- get, touch, list, revoke ------------------------------------------------- */

static bool demo_get(demo_tour *t, const char *title, reef_session *out,
                     reef_sessions **list)
{
    reef_error error = {REEF_OK, 0, ""};
    demo_heading(t, title);
    demo_typed(t, "session get ", t->id);
    reef_code code = reef_session_get(t->ctx->client, reef_str_of(t->id),
                                      t->ctx->timeout_ms, list, &error);
    if (!demo_ok(t, code, error.text))
        return false;
    (void)reef_sessions_next(*list, out, &error);
    return demo_ok(t, error.code, error.text);
}

static void demo_field(const char *name, reef_str value)
{
    printf("   %s", name);
    cli_put_text(stdout, value);
    fputc('\n', stdout);
}

static bool demo_read(demo_tour *t, const char *title)
{
    reef_session s = {0};
    reef_sessions *list = NULL;
    bool ok = demo_get(t, title, &s, &list);
    if (ok) {
        demo_field("user   ", s.user_id);
        demo_field("ip     ", s.ip);
        demo_field("agent  ", s.user_agent);
        demo_field("state  ", reef_str_of(s.is_deleted ? "revoked" : "live"));
        fputs("   until  ", stdout);
        cli_put_time(stdout, s.expires_after_ns);
        fputc('\n', stdout);
    }
    reef_sessions_free(list);
    return ok;
}

static bool demo_touch(demo_tour *t)
{
    reef_error error = {REEF_OK, 0, ""};
    demo_heading(t, "A request comes in: two more hours, in one round trip");
    demo_typed(t, "session touch ", t->id);
    reef_session s = demo_session(t);
    reef_code code = reef_session_touch(t->ctx->client, &s, t->ctx->timeout_ms, &error);
    if (!demo_ok(t, code, error.text))
        return false;
    fputs("   lives until ", stdout);
    cli_put_time(stdout, s.expires_after_ns);
    fputc('\n', stdout);
    return true;
}

static bool demo_list(demo_tour *t)
{
    reef_error error = {REEF_OK, 0, ""};
    reef_sessions *list = NULL;
    demo_heading(t, "All sessions of the user");
    demo_typed(t, "session list --user ", demo_user);
    reef_code code = reef_session_list(t->ctx->client, reef_str_of(demo_user),
                                       t->ctx->timeout_ms, &list, &error);
    if (!demo_ok(t, code, error.text))
        return false;
    size_t count = reef_sessions_count(list);
    printf("   %zu session%s\n", count, count == 1 ? "" : "s");
    reef_sessions_free(list);
    return true;
}

static bool demo_revoke(demo_tour *t)
{
    size_t revoked = 0;
    reef_error error = {REEF_OK, 0, ""};
    demo_heading(t, "The user is locked out: every session revoked");
    demo_typed(t, "session revoke --user ", demo_user);
    reef_code code = reef_session_revoke_user(t->ctx->client, reef_str_of(demo_user),
                                              &revoked, t->ctx->timeout_ms, &error);
    if (!demo_ok(t, code, error.text))
        return false;
    printf("   revoked %zu session%s\n", revoked, revoked == 1 ? "" : "s");
    return true;
}

/* A request that was on its way when the user was locked out. */
static bool demo_late(demo_tour *t)
{
    reef_error error = {REEF_OK, 0, ""};
    demo_heading(t, "A late request must not bring it back: touch is refused");
    demo_typed(t, "session touch ", t->id);
    reef_session s = demo_session(t);
    reef_code code = reef_session_touch(t->ctx->client, &s, t->ctx->timeout_ms, &error);
    if (code == REEF_OK)
        return demo_ok(t, REEF_CONFLICT, "a revoked session was brought back");
    if (code != REEF_CONFLICT)
        return demo_ok(t, code, error.text);
    fputs("   reef: ", stdout);
    cli_put_text(stdout, reef_str_of(error.text));
    fputs("  (exit code 6)\n", stdout);
    return true;
}

/* ---- the frame ---------------------------------------------------------------- */

/* True: it was there. */
static bool demo_delete(demo_tour *t, reef_str key)
{
    reef_cmd_begin(t->cmd, "DEL");
    reef_cmd_key(t->cmd, key);
    reef_reply *gone = demo_call(t);
    bool was = reef_int(reef_reply_root(gone), 0) == 1;
    reef_reply_free(gone);
    return was;
}

static void demo_sweep(demo_tour *t)
{
    char pattern[80];
    size_t removed = 0;
    reef_error error;
    reef_str key;
    (void)snprintf(pattern, sizeof pattern, "%s*", t->prefix);
    reef_scan_options options = {.match = reef_str_of(pattern)};
    reef_scan *scan = reef_scan_new(t->ctx->client, &options, &error);
    while (scan != NULL &&
           reef_scan_next(scan, t->ctx->timeout_ms, &key, &error) == REEF_OK)
        removed += demo_delete(t, key);
    reef_scan_free(scan);
    if (t->code == CLI_DONE)
        printf("\nDone; the %zu keys of this tour are removed again.\n", removed);
}

static bool demo_meet(demo_tour *t)
{
    reef_server server;
    reef_error error = {REEF_OK, 0, ""};
    char origin[REEF_FILE_NAME_MAX + 64];
    demo_heading(t, "Who answers");
    demo_typed(t, "check", "");
    reef_code code =
        reef_server_info(t->ctx->client, t->ctx->timeout_ms, &server, &error);
    if (!demo_ok(t, code, error.text))
        return false;
    fputs("   ", stdout);
    cli_put_text(stdout,
                 reef_str_of(server.server[0] != '\0' ? server.server : "a server"));
    fputc(' ', stdout);
    cli_put_text(stdout, reef_str_of(server.version));
    fputs(" at ", stdout);
    cli_put_text(stdout, reef_str_of(server.peer));
    printf(", RESP%" PRIu32 ", ", server.protocol);
    cli_put_text(stdout, reef_str_of(server.role));
    cli_origin_text(&t->ctx->config, REEF_SET_HOSTS, origin, sizeof origin);
    fputs("\n   hosts come from ", stdout);
    cli_put_text(stdout, reef_str_of(origin));
    printf("\n   every key of this tour begins with %s\n", t->prefix);
    return true;
}

static void demo_next(const demo_tour *t)
{
    cli_put_colored(stdout, t->ctx->color_out, CLI_BOLD, "\nWhat to try next\n");
    fputs("   reef check                     is all well with your own knot.toml?\n"
          "   reef config                    the settings in force, and from where\n"
          "   reef session new --user alice  a session of your own\n"
          "   reef session list --all        who is logged in\n"
          "   reef --help                    the rest\n",
          stdout);
}

/* The tour's own prefix in place of the configured one. */
static int demo_prepare(demo_tour *t)
{
    unsigned char r[4];
    if (reef_random_bytes(r, sizeof r) != REEF_OK)
        return cli_fail(t->ctx, REEF_REFUSED, "the system gave no random bytes");
    int code = cli_load(t->ctx);
    if (code != CLI_DONE)
        return code;
    (void)snprintf(t->prefix, sizeof t->prefix, "reef-demo:%02x%02x%02x%02x:", r[0],
                   r[1], r[2], r[3]);
    (void)snprintf(t->ctx->config.key_prefix, sizeof t->ctx->config.key_prefix, "%s",
                   t->prefix);
    return cli_open(t->ctx);
}

int cli_demo_run(cli_context *ctx)
{
    demo_tour t = {.ctx = ctx};
    if (cli_has(ctx, CLI_OPT_JSON))
        return cli_usage(ctx, "the demo is for reading and has no --json form", NULL,
                         NULL);
    int code = demo_prepare(&t);
    if (code != CLI_DONE)
        return code;
    t.cmd = reef_cmd_new();
    if (t.cmd == NULL)
        return cli_fail(ctx, REEF_NOMEM, "out of memory");
    cli_put_colored(stdout, ctx->color_out, CLI_BOLD,
                    "reef: knot's sessions in Redis or Valkey. A quick tour.\n");
    if (demo_meet(&t)) {
        (void)(demo_new(&t) && demo_keys(&t) && demo_read(&t, "The session again") &&
               demo_touch(&t) && demo_list(&t) && demo_revoke(&t) &&
               demo_read(&t, "It stays for two hours, as a tombstone") &&
               demo_late(&t));
        demo_sweep(&t);
    }
    if (t.code == CLI_DONE)
        demo_next(&t);
    reef_cmd_free(t.cmd);
    return t.code;
}
