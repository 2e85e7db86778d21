/* SPDX-License-Identifier: Apache-2.0
 *
 * reef srv: looks up one name's SRV record as the client would, and shows each question
 * with what came of it, the targets in the order of their turns, and what is wrong.
 *
 * The words of the command line become settings by way of the environment's reader, so
 * that they mean here what they mean there. */
#include "session/cli/check.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <string.h>

enum { SRV_LINE = 1536, SRV_SETTING = 4096 };

/* ---- the command line --------------------------------------------------------- */

/* Sets one setting as its variable would. `why` says what is wrong with a value that
 * can't be taken (code REEF_BADCONFIG). */
static reef_code srv_set(cli_context *ctx, reef_setting setting, const char *value,
                         reef_error *error, const char **why)
{
    char variable[SRV_SETTING];
    const char *const environ[] = {variable, NULL};
    *error = (reef_error){REEF_OK, 0, ""};
    cli_join(variable, sizeof variable, reef_setting_env(setting), "=", value);
    reef_code code = reef_config_env(&ctx->config, environ, NULL, error);
    const char *found = strstr(error->text, ": found ");
    const char *mark = found != NULL ? strstr(found, "\"; ") : NULL;
    if (found != NULL && mark == NULL) /* what was found is not shown */
        mark = strstr(found + 1, "); ");
    *why = mark != NULL ? mark + 3 : error->text;
    return code;
}

/* What was typed, and why it can't be used. */
static int srv_refuse(cli_context *ctx, const char *before, const char *word,
                      const char *what, const char *why)
{
    char after[REEF_ERROR_TEXT + 64];
    cli_join(after, sizeof after, what, ": ", why);
    return cli_usage(ctx, before, word, after);
}

/* An IP address, in brackets or with a dot at its end, too. */
static bool srv_is_address(const char *word)
{
    struct in6_addr address;
    char text[INET6_ADDRSTRLEN + 4];
    size_t len = strlen(word);
    bool brackets = len > 2 && word[0] == '[' && word[len - 1] == ']';
    bool dot = len > 1 && word[len - 1] == '.';
    if (len >= sizeof text)
        return false;
    cli_join(text, sizeof text, word + (brackets ? 1 : 0), "", "");
    if (brackets || dot)
        text[strlen(text) - 1] = '\0';
    return inet_pton(AF_INET, text, &address) == 1 ||
           inet_pton(AF_INET6, text, &address) == 1;
}

static bool srv_is_upper_prefix(const char *word)
{
    return (word[0] == 's' || word[0] == 'S') && (word[1] == 'r' || word[1] == 'R') &&
           (word[2] == 'v' || word[2] == 'V') && word[3] == '+';
}

/* What is meant otherwise, as far as it can be seen; NULL: nothing. `name` is the word
 * without "srv+". */
static const char *srv_mistake(const char *name)
{
    if (name[0] == '\0')
        return "it is missing";
    if (srv_is_upper_prefix(name))
        return strncmp(name, "srv+", 4) == 0 ? "\"srv+\" stands before it once"
                                             : "\"srv+\" is written in lower case";
    if (strchr(name, ',') != NULL)
        return "one name is looked up, no list";
    if (srv_is_address(name))
        return "an address has no SRV record";
    if (strncmp(name, "unix:", 5) == 0 || name[0] == '/')
        return "a socket has no SRV record";
    if (strstr(name, "://") != NULL)
        return "write the name alone, no URL";
    if (strchr(name, '@') != NULL)
        return "user and password have no place in a name";
    if (strchr(name, ':') != NULL)
        return "a name stands alone here, since the SRV record has the port";
    if (strlen(name) > REEF_NAME_MAX - 1)
        return "a name has at most 253 bytes";
    return NULL;
}

/* The host that is asked for, with or without "srv+". */
static int srv_host(cli_context *ctx)
{
    static const char none[] = " is not the name of a service";
    const char *word = ctx->args[0];
    const char *name = strncmp(word, "srv+", 4) == 0 ? word + 4 : word;
    char host[REEF_NAME_MAX + 64];
    const char *why = srv_mistake(name);
    reef_error error;
    if (why != NULL)
        return srv_refuse(ctx, "", word, none, why);
    cli_join(host, sizeof host, "srv+", name, "");
    reef_code code = srv_set(ctx, REEF_SET_HOSTS, host, &error, &why);
    if (code == REEF_BADCONFIG)
        return srv_refuse(ctx, "", word, none, why);
    return code == REEF_OK ? CLI_DONE : cli_fail_error(ctx, &error);
}

static char srv_lower(char c)
{
    return (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

/* Whether the name is the domain or one below it; a domain has small letters. */
static bool srv_is_below(const char *name, const char *domain)
{
    size_t len = strlen(name), end = strlen(domain);
    if (len > 0 && name[len - 1] == '.')
        len--;
    if (end == 0)
        return true;
    if (len < end || (len > end && name[len - end - 1] != '.'))
        return false;
    for (size_t i = 0; i < end; i++) {
        if (srv_lower(name[len - end + i]) != domain[i])
            return false;
    }
    return true;
}

/* Nobody is asked but those that were named; so one of them has to be for the name. */
static int srv_somebody(cli_context *ctx)
{
    const reef_config *config = &ctx->config;
    const char *name = config->hosts[0].name;
    for (uint32_t i = 0; i < config->nameserver_count; i++) {
        if (srv_is_below(name, config->nameservers[i].domain))
            return CLI_DONE;
    }
    return cli_usage(ctx, "no --nameserver is for ", name,
                     ": each has the domain of other names before its \"/\"; nobody "
                     "was asked");
}

/* Judges one by itself, so that it is known which one is wrong. */
static int srv_nameserver(cli_context *ctx, const char *word)
{
    const char *why = NULL;
    reef_error error = {REEF_OK, 0, ""};
    reef_code code = REEF_BADCONFIG;
    if (word[0] == '\0')
        why = "it is empty";
    else if (strlen(word) > REEF_NAME_MAX + 64)
        why = "it is too long";
    else
        code = srv_set(ctx, REEF_SET_NAMESERVERS, word, &error, &why);
    if (code == REEF_BADCONFIG)
        return srv_refuse(ctx, "--nameserver ", word, " is no address of a nameserver",
                          why);
    return code == REEF_OK ? CLI_DONE : cli_fail_error(ctx, &error);
}

/* The nameservers that were given take the place of all that are configured. */
static int srv_nameservers(cli_context *ctx)
{
    char list[SRV_SETTING - 64] = "";
    const char *why;
    reef_error error;
    if (ctx->nameserver_count == 0)
        return CLI_DONE;
    for (uint32_t i = 0; i < ctx->nameserver_count; i++) {
        size_t len = strlen(list);
        int code = srv_nameserver(ctx, ctx->nameservers[i]);
        if (code != CLI_DONE)
            return code;
        cli_join(list + len, sizeof list - len, i > 0 ? "," : "", ctx->nameservers[i],
                 "");
    }
    ctx->config.consul_count = 0;
    reef_code code = srv_set(ctx, REEF_SET_NAMESERVERS, list, &error, &why);
    if (code == REEF_BADCONFIG)
        return srv_refuse(ctx, "--nameserver ", list, " can't be used", why);
    return code == REEF_OK ? srv_somebody(ctx) : cli_fail_error(ctx, &error);
}

/* ---- for a person ------------------------------------------------------------- */

static void srv_steps(const cli_check *check, const reef_look *look, const char *title)
{
    char line[SRV_LINE], outcome[SRV_LINE / 2], ignored[48];
    uint32_t order[REEF_LOOK_STEPS_MAX];
    cli_name_order(look, order);
    for (uint32_t i = 0; i < look->step_count; i++) {
        const reef_look_step *step = &look->steps[order[i]];
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
        cli_name_target(look, t, target, sizeof target);
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
    if (cli_name_is_drawn(look))
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
    cli_name_find(check, name, cli_exit_of(name->look->code));
    int code =
        cli_fail_begin(check->ctx, name->look->code, cli_name_headline(check, name));
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
