/* SPDX-License-Identifier: Apache-2.0
 *
 * reef session new, save, get, touch, delete, list, revoke: each one call of
 * session.h, with its result on paper. */
#include "session/cli/cli.h"

#include <stdlib.h>
#include <string.h>

static int64_t sessions_expiry(void)
{
    return reef_unix_ns() + (int64_t)REEF_SESSION_TTL_S * 1000000000;
}

/* What the options say, with the times of a session that starts now. */
static reef_session sessions_from_options(const cli_context *ctx)
{
    reef_session s = {0};
    s.id = reef_str_of(ctx->values[CLI_OPT_ID]);
    s.user_id = reef_str_of(ctx->values[CLI_OPT_USER]);
    s.ip = reef_str_of(ctx->values[CLI_OPT_IP]);
    s.user_agent = reef_str_of(ctx->values[CLI_OPT_AGENT]);
    s.updated_at = reef_clock_next(0, reef_unix_ns());
    s.expires_after_ns = sessions_expiry();
    return s;
}

/* --user must be there and say something. */
static int sessions_need_user(cli_context *ctx)
{
    const char *user = ctx->values[CLI_OPT_USER];
    if (user == NULL)
        return cli_usage(ctx, "whose sessions is missing: add --user U", NULL, NULL);
    if (user[0] == '\0')
        return cli_usage(ctx, "--user is empty", NULL, NULL);
    return CLI_DONE;
}

/* The id, given as the argument or as --id. */
static int sessions_need_id(cli_context *ctx, reef_str *id)
{
    const char *option = ctx->values[CLI_OPT_ID];
    if (ctx->arg_count > 0 && option != NULL)
        return cli_usage(ctx, "the id was given twice", NULL, NULL);
    if (ctx->arg_count == 0 && option == NULL)
        return cli_usage(ctx, "the session's id is missing; see reef session --help",
                         NULL, NULL);
    *id = reef_str_of(option != NULL ? option : ctx->args[0]);
    if (!reef_session_id_valid(*id))
        return cli_usage(ctx, "", id->ptr,
                         " is no session id: 44 characters of A-Z a-z 0-9 - _ and =");
    return CLI_DONE;
}

static int sessions_store(cli_context *ctx, const reef_session *s)
{
    reef_error error = {REEF_OK, 0, ""};
    int code = cli_open(ctx);
    if (code != CLI_DONE)
        return code;
    if (reef_session_save(ctx->client, s, ctx->timeout_ms, &error) != REEF_OK)
        return cli_fail_error(ctx, &error);
    if (cli_has(ctx, CLI_OPT_JSON))
        return cli_session_json(ctx, s);
    cli_put_text(stdout, s->id);
    fputc('\n', stdout);
    return CLI_DONE;
}

int cli_session_new_run(cli_context *ctx)
{
    char id[REEF_SESSION_ID_LEN + 1];
    reef_error error = {REEF_OK, 0, ""};
    int code = sessions_need_user(ctx);
    if (code != CLI_DONE)
        return code;
    if (reef_session_new_id(id, &error) != REEF_OK)
        return cli_fail_error(ctx, &error);
    reef_session s = sessions_from_options(ctx);
    s.id = reef_str_of(id);
    return sessions_store(ctx, &s);
}

static int sessions_save_options(cli_context *ctx)
{
    reef_str id;
    int code = sessions_need_id(ctx, &id);
    if (code == CLI_DONE)
        code = sessions_need_user(ctx);
    if (code != CLI_DONE)
        return code;
    reef_session s = sessions_from_options(ctx);
    return sessions_store(ctx, &s);
}

int cli_session_save_run(cli_context *ctx)
{
    bool options = cli_has(ctx, CLI_OPT_ID) || cli_has(ctx, CLI_OPT_USER) ||
                   cli_has(ctx, CLI_OPT_IP) || cli_has(ctx, CLI_OPT_AGENT);
    if (options)
        return sessions_save_options(ctx);
    reef_sessions *list = NULL;
    reef_session s = {0};
    int code = cli_session_read(ctx, &list, &s);
    if (code != CLI_DONE)
        return code;
    if (s.updated_at == 0)
        s.updated_at = reef_clock_next(0, reef_unix_ns());
    if (s.expires_after_ns <= 0)
        s.expires_after_ns = sessions_expiry();
    code = sessions_store(ctx, &s);
    reef_sessions_free(list);
    return code;
}

/* Connects and reads one session; `*list` owns its words, the caller frees. */
static int sessions_fetch(cli_context *ctx, reef_str id, reef_sessions **list,
                          reef_session *out)
{
    reef_error error = {REEF_OK, 0, ""};
    int code = cli_open(ctx);
    if (code != CLI_DONE)
        return code;
    if (reef_session_get(ctx->client, id, ctx->timeout_ms, list, &error) != REEF_OK)
        return cli_fail_error(ctx, &error);
    if (reef_sessions_next(*list, out, &error) && error.code == REEF_OK)
        return CLI_DONE;
    reef_sessions_free(*list);
    *list = NULL;
    return cli_fail(ctx, REEF_CORRUPT, error.text);
}

int cli_session_get_run(cli_context *ctx)
{
    reef_str id;
    reef_sessions *list = NULL;
    reef_session s = {0};
    int code = sessions_need_id(ctx, &id);
    if (code == CLI_DONE)
        code = sessions_fetch(ctx, id, &list, &s);
    if (code != CLI_DONE)
        return code;
    if (cli_has(ctx, CLI_OPT_JSON))
        code = cli_session_json(ctx, &s);
    else
        cli_session_print(ctx, &s);
    reef_sessions_free(list);
    return code;
}

int cli_session_touch_run(cli_context *ctx)
{
    reef_str id;
    reef_sessions *list = NULL;
    reef_session s = {0};
    reef_error error = {REEF_OK, 0, ""};
    int code = sessions_need_id(ctx, &id);
    if (code == CLI_DONE)
        code = sessions_fetch(ctx, id, &list, &s);
    if (code != CLI_DONE)
        return code;
    s.updated_at = reef_clock_next(s.updated_at, reef_unix_ns());
    s.expires_after_ns = sessions_expiry();
    if (s.is_deleted) {
        code = cli_fail(ctx, REEF_CONFLICT, "the session is revoked and stays so");
    } else if (reef_session_touch(ctx->client, &s, ctx->timeout_ms, &error) !=
               REEF_OK) {
        code = cli_fail_error(ctx, &error);
    } else if (cli_has(ctx, CLI_OPT_JSON)) {
        code = cli_session_json(ctx, &s);
    } else {
        fputs("lives until ", stdout);
        cli_put_time(stdout, s.expires_after_ns);
        fputc('\n', stdout);
    }
    reef_sessions_free(list);
    return code;
}

static int sessions_delete(cli_context *ctx, reef_str id, reef_str user)
{
    reef_error error = {REEF_OK, 0, ""};
    if (reef_session_delete(ctx->client, id, user, ctx->timeout_ms, &error) != REEF_OK)
        return cli_fail_error(ctx, &error);
    if (cli_has(ctx, CLI_OPT_JSON)) {
        fputs("{\"deleted\":", stdout);
        cli_put_json(stdout, id);
        fputs("}\n", stdout);
    } else {
        fputs("deleted ", stdout);
        cli_put_text(stdout, id);
        fputc('\n', stdout);
    }
    return CLI_DONE;
}

int cli_session_delete_run(cli_context *ctx)
{
    reef_str id;
    reef_sessions *list = NULL;
    reef_session s = {0};
    int code = sessions_need_id(ctx, &id);
    if (code == CLI_DONE && cli_has(ctx, CLI_OPT_USER))
        code = sessions_need_user(ctx);
    if (code != CLI_DONE)
        return code;
    s.user_id = reef_str_of(ctx->values[CLI_OPT_USER]);
    if (cli_has(ctx, CLI_OPT_USER))
        code = cli_open(ctx);
    else
        code = sessions_fetch(ctx, id, &list, &s);
    if (code == CLI_DONE)
        code = sessions_delete(ctx, id, s.user_id);
    reef_sessions_free(list);
    return code;
}

/* A record that can't be read: named on stderr, an object among the lines of JSON. */
static void sessions_put_corrupt(cli_context *ctx, const reef_error *error)
{
    (void)cli_fail_error(ctx, error);
}

static int sessions_put_list(cli_context *ctx, reef_sessions *list, bool with_user)
{
    reef_session s;
    reef_error error;
    int code = CLI_DONE;
    bool json = cli_has(ctx, CLI_OPT_JSON);
    if (!json && reef_sessions_count(list) > 0)
        cli_session_heading(ctx, with_user);
    while (ferror(stdout) == 0 && reef_sessions_next(list, &s, &error)) {
        if (error.code != REEF_OK) {
            sessions_put_corrupt(ctx, &error);
            code = cli_exit_of(error.code);
        } else if (!json) {
            cli_session_row(ctx, &s, with_user);
        } else if (cli_session_json(ctx, &s) != CLI_DONE) {
            return CLI_INCOMPLETE;
        }
    }
    return code;
}

int cli_session_list_run(cli_context *ctx)
{
    reef_sessions *list = NULL;
    reef_error error = {REEF_OK, 0, ""};
    bool all = cli_has(ctx, CLI_OPT_ALL);
    int code = CLI_DONE;
    if (all == cli_has(ctx, CLI_OPT_USER))
        return cli_usage(ctx, "whose sessions? give either --user U or --all", NULL,
                         NULL);
    if (!all)
        code = sessions_need_user(ctx);
    if (code == CLI_DONE)
        code = cli_open(ctx);
    if (code != CLI_DONE)
        return code;
    cli_progress *progress = cli_progress_begin(ctx, "listing sessions");
    reef_str user = reef_str_of(ctx->values[CLI_OPT_USER]);
    reef_code got =
        reef_session_list(ctx->client, user, ctx->timeout_ms, &list, &error);
    cli_progress_end(progress);
    if (got != REEF_OK)
        return cli_fail_error(ctx, &error);
    code = sessions_put_list(ctx, list, all);
    if (reef_sessions_count(list) == 0 && !cli_has(ctx, CLI_OPT_JSON))
        fputs("reef: no sessions\n", stderr);
    reef_sessions_free(list);
    return code;
}

int cli_session_revoke_run(cli_context *ctx)
{
    size_t revoked = 0;
    reef_error error = {REEF_OK, 0, ""};
    int code = sessions_need_user(ctx);
    if (code == CLI_DONE)
        code = cli_open(ctx);
    if (code != CLI_DONE)
        return code;
    cli_progress *progress = cli_progress_begin(ctx, "revoking sessions");
    reef_str user = reef_str_of(ctx->values[CLI_OPT_USER]);
    reef_code done =
        reef_session_revoke_user(ctx->client, user, &revoked, ctx->timeout_ms, &error);
    cli_progress_end(progress);
    if (done != REEF_OK)
        return cli_fail_error(ctx, &error);
    if (cli_has(ctx, CLI_OPT_JSON))
        printf("{\"revoked\":%zu}\n", revoked);
    else
        printf("revoked %zu session%s\n", revoked, revoked == 1 ? "" : "s");
    return CLI_DONE;
}
