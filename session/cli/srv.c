/* SPDX-License-Identifier: Apache-2.0
 *
 * reef srv: looks up one name's SRV record as the client would, and shows each question
 * with what came of it, the targets in the order of their turns, and what is wrong.
 *
 * The words of the command line become settings by way of the environment's reader, so
 * that they mean here what they mean there. */
#include "session/cli/check.h"

#include <inttypes.h>
#include <string.h>

enum { SRV_LINE = 1536, SRV_SETTING = 4096 };

/* ---- the command line --------------------------------------------------------- */

/* Sets one setting as its variable would. `what` begins the sentence that says what is
 * wrong with the value. */
static int srv_set(cli_context *ctx, reef_setting setting, const char *value,
                   const char *what)
{
    char variable[SRV_SETTING], text[REEF_ERROR_TEXT + 64];
    const char *const environ[] = {variable, NULL};
    reef_error error = {REEF_OK, 0, ""};
    cli_join(variable, sizeof variable, reef_setting_env(setting), "=", value);
    reef_code code = reef_config_env(&ctx->config, environ, NULL, &error);
    if (code == REEF_OK)
        return CLI_DONE;
    if (code == REEF_NOMEM)
        return cli_fail_error(ctx, &error);
    const char *found = strstr(error.text, ": found ");
    cli_join(text, sizeof text, what, found != NULL ? found : ": ",
             found != NULL ? "" : error.text);
    return cli_usage(ctx, text, NULL, NULL);
}

/* The host that is asked for, with or without "srv+". */
static int srv_host(cli_context *ctx)
{
    const char *word = ctx->args[0];
    char host[REEF_NAME_MAX + 64];
    bool whole = strncmp(word, "srv+", 4) == 0;
    if (strlen(word) > REEF_NAME_MAX || strchr(word, ',') != NULL)
        return cli_usage(ctx, "", word, " is not the name of a service");
    cli_join(host, sizeof host, whole ? "" : "srv+", word, "");
    return srv_set(ctx, REEF_SET_HOSTS, host, "the name of the service");
}

/* The nameservers that were given take the place of all that are configured. */
static int srv_nameservers(cli_context *ctx)
{
    char list[SRV_SETTING - 64] = "";
    size_t len = 0;
    for (uint32_t i = 0; i < ctx->nameserver_count; i++) {
        const char *word = ctx->nameservers[i];
        if (word[0] == '\0' || strlen(word) > REEF_NAME_MAX + 64)
            return cli_usage(ctx, "--nameserver ", word,
                             " is no address of a nameserver");
        cli_join(list + len, sizeof list - len, i > 0 ? "," : "", word, "");
        len = strlen(list);
    }
    if (ctx->nameserver_count == 0)
        return CLI_DONE;
    ctx->config.consul_count = 0;
    return srv_set(ctx, REEF_SET_NAMESERVERS, list, "--nameserver");
}

/* ---- for a person ------------------------------------------------------------- */

static void srv_steps(const cli_check *check, const reef_look *look, const char *title)
{
    char line[SRV_LINE], outcome[SRV_LINE / 2], ignored[48];
    for (uint32_t i = 0; i < look->step_count; i++) {
        const reef_look_step *step = &look->steps[i];
        cli_name_outcome(step, outcome, sizeof outcome);
        (void)snprintf(ignored, sizeof ignored, ", %" PRIu32 " ignored", step->ignored);
        (void)snprintf(line, sizeof line, "%s%s for %s of %s: %s, %" PRIu32 " ms%s",
                       step->server, step->tcp ? " over TCP" : "", step->type,
                       step->name, outcome, step->took_ms,
                       step->ignored > 0 ? ignored : "");
        cli_check_fact(check, i == 0 ? title : "", line);
    }
    if (look->steps_dropped == 0)
        return;
    (void)snprintf(line, sizeof line, "and %" PRIu32 " times more",
                   look->steps_dropped);
    cli_check_fact(check, "", line);
}

static void srv_targets(const cli_check *check, const reef_look *look)
{
    char line[SRV_LINE], target[SRV_LINE - 64];
    if (look->target_count > 0)
        cli_check_fact(check, "order", "turn  priority  weight  ttl (s)  target");
    for (uint32_t i = 0; i < look->target_count; i++) {
        const reef_look_target *t = &look->targets[i];
        cli_name_target(t, target, sizeof target);
        (void)snprintf(line, sizeof line, "%4" PRIu32 "  %8u  %6u  %7" PRIu32 "  %s",
                       i + 1, (unsigned)t->priority, (unsigned)t->weight, t->ttl,
                       target);
        cli_check_fact(check, "", line);
    }
    if (look->targets_dropped > 0) {
        (void)snprintf(line, sizeof line, "and %" PRIu32 " more",
                       look->targets_dropped);
        cli_check_fact(check, "", line);
    }
}

/* The end of a look-up that found an endpoint. */
static void srv_good(const cli_check *check, const reef_look *look)
{
    const reef_look_target *t = look->targets;
    uint32_t i = 1;
    while (i < look->target_count && t[i].priority != t[i - 1].priority)
        i++;
    if (i < look->target_count)
        cli_check_fact(check, "turns",
                       "lower priority first; of equal ones drawn anew each time, by "
                       "weight");
    cli_check_text(check);
    cli_put_colored(stdout, check->ctx->color_out, CLI_GREEN, "good");
    printf("      found in %" PRIu32 " ms\n", look->took_ms);
}

/* ---- all of it ---------------------------------------------------------------- */

static int srv_failed(cli_check *check, const cli_name *name)
{
    int code = cli_fail_begin(check->ctx, name->look->code, name->look->why);
    cli_name_find(check, name, code);
    if (!cli_has(check->ctx, CLI_OPT_JSON)) {
        cli_check_text(check);
        return code;
    }
    fputc(',', stdout);
    cli_name_json(name);
    cli_check_json_end(check, code);
    return code;
}

static int srv_report(cli_check *check, const cli_name *name)
{
    srv_steps(check, name->look, "asked");
    if (name->other != NULL)
        srv_steps(check, name->other, "then");
    srv_targets(check, name->look);
    if (name->look->code != REEF_OK)
        return srv_failed(check, name);
    cli_name_find(check, name, CLI_DONE);
    if (!cli_has(check->ctx, CLI_OPT_JSON)) {
        srv_good(check, name->look);
        return CLI_DONE;
    }
    fputc('{', stdout);
    cli_name_json(name);
    cli_check_json_end(check, CLI_DONE);
    return CLI_DONE;
}

int cli_srv_run(cli_context *ctx)
{
    cli_check check;
    cli_name name;
    memset(&check, 0, sizeof check);
    check.ctx = ctx;
    int code = cli_load(ctx);
    code = code == CLI_DONE ? srv_host(ctx) : code;
    code = code == CLI_DONE ? srv_nameservers(ctx) : code;
    if (code != CLI_DONE)
        return code;
    int64_t timeout =
        ctx->timeout_ms > 0 ? ctx->timeout_ms : (int64_t)ctx->config.connect_timeout_ms;
    cli_progress *progress = cli_progress_begin(ctx, "looking up the name");
    bool whole =
        cli_name_ask(&check, &name, &ctx->config.hosts[0], reef_now_ms() + timeout);
    cli_progress_end(progress);
    code =
        whole ? srv_report(&check, &name) : cli_fail(ctx, REEF_NOMEM, "out of memory");
    cli_name_free(&name);
    return code;
}
