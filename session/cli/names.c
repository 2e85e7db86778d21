/* SPDX-License-Identifier: Apache-2.0
 *
 * Names looked up, as `reef srv` and `reef check` show them: in words, and as JSON.
 *
 * Invariant: names and words of servers are printed by the put functions alone. */
#include "session/cli/check.h"

#include <inttypes.h>
#include <string.h>

enum {
    NAMES_OTHER_PORT = 6379, /* of a look at the name without "srv+" */
    NAMES_TARGETS = 4,       /* that `check` shows of one name */
    NAMES_LINE = 1024
};

/* ---- texts -------------------------------------------------------------------- */

bool cli_name_is_srv(const cli_name *name)
{
    return name->host->kind == REEF_HOST_SRV;
}

void cli_name_text(const cli_name *name, char *out, size_t cap)
{
    cli_join(out, cap, cli_name_is_srv(name) ? "srv+" : "", name->host->name, "");
}

static void names_add(char *out, size_t cap, const char *a, const char *b)
{
    size_t len = strlen(out);
    cli_join(out + len, cap - len, a, b, "");
}

/* How many more addresses there are of a name than it has room for, as far as the
 * answers tell. */
static uint32_t names_more(const reef_look *look, const reef_look_target *t)
{
    uint32_t v4 = 0, v6 = 0;
    if (t->address_count < REEF_LOOK_ADDRESSES_MAX || t->glue)
        return 0;
    for (uint32_t i = 0; i < look->step_count; i++) {
        const reef_look_step *step = &look->steps[i];
        if (strcmp(step->name, t->name) != 0 || strcmp(step->outcome, "ok") != 0)
            continue;
        v4 = strcmp(step->type, "A") == 0 ? step->records : v4;
        v6 = strcmp(step->type, "AAAA") == 0 ? step->records : v6;
    }
    return v4 + v6 > t->address_count ? v4 + v6 - t->address_count : 0;
}

/* "10.0.0.7, fd00::7" */
static void names_add_addresses(const reef_look *look, const reef_look_target *t,
                                char *out, size_t cap)
{
    char tail[32];
    uint32_t more = names_more(look, t);
    for (uint32_t i = 0; i < t->address_count; i++)
        names_add(out, cap, i > 0 ? ", " : "", t->addresses[i]);
    (void)snprintf(tail, sizeof tail, " and %" PRIu32 " more", more);
    if (more > 0)
        names_add(out, cap, tail, "");
}

void cli_name_target(const reef_look *look, const reef_look_target *t, char *out,
                     size_t cap)
{
    (void)snprintf(out, cap, "%s:%u", t->name, (unsigned)t->port);
    if (t->address_count == 0) {
        bool known = t->why[0] != '\0';
        names_add(out, cap, known ? ", no address: " : ", not asked for", t->why);
        return;
    }
    if (cli_name_is_literal(t)) {
        names_add(out, cap, " (an address)", "");
        return;
    }
    names_add(out, cap, " at ", "");
    names_add_addresses(look, t, out, cap);
    names_add(out, cap, t->glue ? " (came along)" : " (asked for)", "");
}

bool cli_name_is_drawn(const reef_look *look)
{
    const reef_look_target *t = look->targets;
    for (uint32_t i = 1; i < look->target_count; i++) {
        if (t[i].priority == t[i - 1].priority)
            return true;
    }
    return false;
}

void cli_name_order(const reef_look *look, uint32_t order[REEF_LOOK_STEPS_MAX])
{
    for (uint32_t i = 0; i < look->step_count; i++) {
        uint32_t j = i;
        for (; j > 0 && look->steps[order[j - 1]].start_ms > look->steps[i].start_ms;
             j--)
            order[j] = order[j - 1];
        order[j] = i;
    }
}

/* ---- looking ------------------------------------------------------------------ */

static reef_look *names_look_up(cli_check *check, const reef_host *host,
                                int64_t until_ms)
{
    int64_t left = until_ms - reef_now_ms();
    return reef_look_up(&check->ctx->config, host, left > 0 ? left : 1);
}

bool cli_name_ask(cli_check *check, cli_name *name, const reef_host *host,
                  int64_t until_ms)
{
    *name = (cli_name){host, names_look_up(check, host, until_ms), NULL};
    if (name->look == NULL)
        return false;
    const reef_look_step *settled = cli_name_settled(name);
    if (name->look->code == REEF_OK || settled == NULL ||
        strcmp(settled->outcome, "nodata") != 0)
        return true;
    reef_host other = *host;
    other.kind = cli_name_is_srv(name) ? REEF_HOST_TCP : REEF_HOST_SRV;
    other.port = NAMES_OTHER_PORT;
    name->other = names_look_up(check, &other, until_ms);
    return name->other != NULL;
}

void cli_name_free(cli_name *name)
{
    reef_look_free(name->look);
    reef_look_free(name->other);
    *name = (cli_name){NULL, NULL, NULL};
}

/* ---- JSON --------------------------------------------------------------------- */

static void names_json_text(const char *before, const char *text)
{
    fputs(before, stdout);
    if (text[0] != '\0')
        cli_put_json(stdout, reef_str_of(text));
    else
        fputs("null", stdout);
}

static void names_json_step(const reef_look_step *step)
{
    names_json_text("{\"server\":", step->server);
    names_json_text(",\"name\":", step->name);
    names_json_text(",\"type\":", step->type);
    printf(",\"tcp\":%s", step->tcp ? "true" : "false");
    names_json_text(",\"outcome\":", step->outcome);
    names_json_text(",\"text\":", step->text);
    printf(",\"records\":%" PRIu32 ",\"bytes\":%" PRIu32 ",\"ignored\":%" PRIu32
           ",\"start_ms\":%" PRIu32 ",\"took_ms\":%" PRIu32 "}",
           step->records, step->bytes, step->ignored, step->start_ms, step->took_ms);
}

static void names_json_target(const reef_look_target *t, bool srv)
{
    names_json_text("{\"name\":", t->name);
    if (srv)
        printf(",\"priority\":%u,\"weight\":%u,\"ttl\":%" PRIu32 ",\"glue\":%s",
               (unsigned)t->priority, (unsigned)t->weight, t->ttl,
               t->glue ? "true" : "false");
    printf(",\"port\":%u,\"addresses\":[", (unsigned)t->port);
    for (uint32_t i = 0; i < t->address_count; i++)
        names_json_text(i > 0 ? "," : "", t->addresses[i]);
    names_json_text("],\"why\":", t->why);
    fputc('}', stdout);
}

/* What came of a look, all but the name; `srv` is how it was meant. */
static void names_json_look(const reef_look *look, bool srv)
{
    uint32_t order[REEF_LOOK_STEPS_MAX];
    cli_name_order(look, order);
    printf("\"srv\":%s", srv ? "true" : "false");
    names_json_text(",\"result\":", reef_code_name(look->code));
    names_json_text(",\"why\":", look->why);
    names_json_text(",\"source\":", look->source);
    printf(",\"took_ms\":%" PRIu32 ",\"partial\":%s,\"ignored\":%" PRIu32
           ",\"steps\":[",
           look->took_ms, look->partial ? "true" : "false", look->ignored);
    for (uint32_t i = 0; i < look->step_count; i++) {
        fputs(i > 0 ? "," : "", stdout);
        names_json_step(&look->steps[order[i]]);
    }
    printf("],\"steps_dropped\":%" PRIu32 ",\"targets\":[", look->steps_dropped);
    for (uint32_t i = 0; i < look->target_count; i++) {
        fputs(i > 0 ? "," : "", stdout);
        names_json_target(&look->targets[i], srv);
    }
    printf("],\"targets_dropped\":%" PRIu32, look->targets_dropped);
}

void cli_name_json(const cli_name *name)
{
    names_json_text("\"name\":", name->host->name);
    fputc(',', stdout);
    names_json_look(name->look, cli_name_is_srv(name));
    fputs(",\"other\":", stdout);
    if (name->other != NULL) {
        fputc('{', stdout);
        names_json_look(name->other, !cli_name_is_srv(name));
        fputc('}', stdout);
    } else {
        fputs("null", stdout);
    }
}

/* ---- the hosts of reef check -------------------------------------------------- */

static void names_show_targets(const cli_check *check, const reef_look *look)
{
    char line[NAMES_LINE], text[NAMES_LINE - 16];
    uint32_t all = look->target_count + look->targets_dropped;
    for (uint32_t i = 0; i < look->target_count && i < NAMES_TARGETS; i++) {
        cli_name_target(look, &look->targets[i], text, sizeof text);
        (void)snprintf(line, sizeof line, "%" PRIu32 ". %s", i + 1, text);
        cli_check_fact(check, "", line);
    }
    if (all > NAMES_TARGETS) {
        (void)snprintf(line, sizeof line, "and %" PRIu32 " more: see reef srv",
                       all - NAMES_TARGETS);
        cli_check_fact(check, "", line);
    }
    if (cli_name_is_drawn(look))
        cli_check_fact(check, "",
                       "an order that is drawn anew for each connection, by weight");
}

/* "a name: its addresses", or "srv+name: 3 targets" and a line for each of them. */
static void names_show(const cli_check *check, const cli_name *name)
{
    const reef_look *look = name->look;
    bool found = look->target_count > 0;
    char line[NAMES_LINE], tail[64];
    cli_name_text(name, line, sizeof line);
    names_add(line, sizeof line, ": ", "");
    (void)snprintf(tail, sizeof tail, " (%s, %" PRIu32 " ms)", look->source,
                   look->took_ms);
    if (!found || (look->code != REEF_OK && !cli_name_is_srv(name))) {
        (void)snprintf(tail, sizeof tail, ", %" PRIu32 " ms", look->took_ms);
        names_add(line, sizeof line,
                  cli_name_is_srv(name) ? "no endpoint" : "no address", tail);
    } else if (cli_name_is_srv(name)) {
        size_t len = strlen(line);
        (void)snprintf(line + len, sizeof line - len, "%" PRIu32 " target%s",
                       look->target_count + look->targets_dropped,
                       look->target_count == 1 ? "" : "s");
        names_add(line, sizeof line, tail, "");
    } else {
        names_add_addresses(look, &look->targets[0], line, sizeof line);
        names_add(line, sizeof line, tail, "");
    }
    cli_check_fact(check, "name", line);
    if (found && cli_name_is_srv(name))
        names_show_targets(check, look);
}

/* Looks at one host; an address needs no look and is left out. False: it is of no use
 * to go on. */
static bool names_look_one(cli_check *check, const reef_host *host, int64_t until_ms)
{
    cli_name *name = &check->names[check->name_count];
    if (!cli_name_ask(check, name, host, until_ms)) {
        cli_name_free(name);
        cli_check_find(check, CLI_INCOMPLETE, "out of memory", "", "");
        return false;
    }
    if (name->look->code == REEF_OK && strcmp(name->look->source, "address") == 0) {
        cli_name_free(name);
        return true;
    }
    check->name_count++;
    names_show(check, name);
    return true;
}

void cli_names_look(cli_check *check)
{
    const cli_context *ctx = check->ctx;
    const reef_config *config = &ctx->config;
    int64_t timeout =
        ctx->timeout_ms > 0 ? ctx->timeout_ms : (int64_t)config->connect_timeout_ms;
    int64_t until = reef_now_ms() + timeout;
    cli_progress *progress = cli_progress_begin(check->ctx, "looking up names");
    bool going = true;
    for (uint32_t i = 0; i < config->host_count && going; i++) {
        const reef_host *host = &config->hosts[i];
        if (host->kind != REEF_HOST_UNIX)
            going = names_look_one(check, host, until);
    }
    cli_progress_end(progress);
}

void cli_names_find(cli_check *check, int exit_code)
{
    for (size_t i = 0; i < check->name_count; i++) {
        if (check->count <= REEF_FINDINGS_MAX + CLI_CHECK_NAMES - CLI_NAME_FINDINGS)
            cli_name_find(check, &check->names[i], exit_code);
    }
}

const reef_look *cli_names_hopeless(const cli_check *check)
{
    for (size_t i = 0; i < check->name_count; i++) {
        const cli_name *name = &check->names[i];
        if (name->look->code != REEF_DNS || cli_name_settled(name) == NULL)
            return NULL;
    }
    bool all = check->name_count > 0 &&
               check->name_count == (size_t)check->ctx->config.host_count;
    return all ? check->names[0].look : NULL;
}

void cli_names_json(const cli_check *check)
{
    fputs(",\"names\":[", stdout);
    for (size_t i = 0; i < check->name_count; i++) {
        fputs(i > 0 ? ",{" : "{", stdout);
        cli_name_json(&check->names[i]);
        fputc('}', stdout);
    }
    fputc(']', stdout);
}

void cli_names_free(cli_check *check)
{
    for (size_t i = 0; i < check->name_count; i++)
        cli_name_free(&check->names[i]);
    check->name_count = 0;
}
