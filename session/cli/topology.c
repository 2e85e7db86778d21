/* SPDX-License-Identifier: Apache-2.0
 *
 * reef topology: who watches the master, what each of them believes, which replicas
 * there are, and in plain words what stands in the way of a fail-over. On a Cluster:
 * its nodes (census.c). On a single server: its role, and its replicas. It changes
 * nothing anywhere.
 *
 * Invariant: texts of Sentinels and servers are printed by the put functions alone. */
#include "session/cli/belief.h"
#include "session/cli/census.h"

#include <inttypes.h>
#include <string.h>

enum {
    TOPO_LINE = 1024,
    TOPO_WIDE = 45,     /* columns of an address, at most */
    TOPO_BRIEF_MS = 600 /* to hear why there is no master */
};

/* ---- asking ------------------------------------------------------------------- */

/* "s_down, o_down" of "s_down,o_down,master"; "" where all is well. */
static void topo_flags(const reef_sentinel_view *view, char *out, size_t cap)
{
    size_t used = 0;
    out[0] = '\0';
    for (const char *at = view->flags; *at != '\0';) {
        size_t len = strcspn(at, ",");
        bool plain = len == strlen("master") && strncmp(at, "master", len) == 0;
        if (len > 0 && !plain && used + len + 3 < cap)
            used += (size_t)snprintf(out + used, cap - used, "%s%.*s",
                                     used > 0 ? ", " : "", (int)len, at);
        at += len + (at[len] == ',');
    }
}

typedef struct topo_widths {
    int peer, master;
} topo_widths;

static int topo_wider(int width, const char *text)
{
    size_t len = strlen(text);
    if (len > TOPO_WIDE)
        len = TOPO_WIDE;
    return (int)len > width ? (int)len : width;
}

static topo_widths topo_measure(const reef_topology *t)
{
    topo_widths w = {(int)strlen("address"), (int)strlen("master")};
    for (uint32_t i = 0; i < t->sentinel_count; i++) {
        w.peer = topo_wider(w.peer, t->sentinels[i].peer);
        w.master = topo_wider(w.master, t->sentinels[i].master);
    }
    return w;
}

/* What it believes, or why it is of no use. */
static void topo_belief(const reef_sentinel_view *view, int width, char *out,
                        size_t cap)
{
    char flags[sizeof view->flags * 2];
    const char *why = cli_belief_why(view);
    switch (view->state) {
    case REEF_SENTINEL_SILENT:
        cli_join(out, cap, "no answer", why[0] != '\0' ? ": " : "", why);
        return;
    case REEF_SENTINEL_WRONG:
        cli_join(out, cap, "of no use", why[0] != '\0' ? ": " : "", why);
        return;
    case REEF_SENTINEL_UNKNOWN:
        cli_join(out, cap, "does not know the name",
                 view->names[0] != '\0' ? "; it knows " : ", nor any other",
                 view->names);
        return;
    case REEF_SENTINEL_KNOWS:
        topo_flags(view, flags, sizeof flags);
        (void)snprintf(
            out, cap, "%-*s  %5" PRIu64 "  %6" PRIu32 "  %6" PRIu32 "  %s, %s%s%s",
            width, view->master, view->epoch, view->quorum, view->others,
            view->configured ? "configured" : "learnt",
            view->watched ? "watched" : "polled", flags[0] != '\0' ? "; " : "", flags);
        return;
    }
}

static void topo_show_sentinels(const cli_check *check)
{
    const reef_topology *t = &check->topology;
    topo_widths w = topo_measure(t);
    char line[TOPO_LINE], belief[TOPO_LINE / 2], took[24];
    (void)snprintf(line, sizeof line, "%-*s  %7s  %-*s  %5s  %6s  %6s  %s", w.peer,
                   "address", "answer", w.master, "master", "epoch", "quorum", "others",
                   "how");
    cli_check_fact(check, "sentinels", t->sentinel_count > 0 ? line : "none");
    for (uint32_t i = 0; i < t->sentinel_count; i++) {
        const reef_sentinel_view *view = &t->sentinels[i];
        bool silent = view->state == REEF_SENTINEL_SILENT;
        topo_belief(view, w.master, belief, sizeof belief);
        (void)snprintf(took, sizeof took, "%" PRIu32 " ms", view->took_ms);
        (void)snprintf(line, sizeof line, "%-*s  %7s  %s", w.peer, view->peer,
                       silent ? "-" : took, belief);
        cli_check_fact(check, "", line);
    }
}

/* The newest word on the master, and how many say so. */
static void topo_show_master(const cli_check *check)
{
    const reef_topology *t = &check->topology;
    const reef_sentinel_view *newest = cli_belief_newest(t);
    char line[TOPO_LINE];
    uint32_t agree = 0, voters = cli_belief_voters(t);
    for (uint32_t i = 0; i < t->sentinel_count && newest != NULL; i++)
        agree += t->sentinels[i].state == REEF_SENTINEL_KNOWS &&
                 strcmp(t->sentinels[i].master, newest->master) == 0;
    if (newest != NULL) {
        (void)snprintf(line, sizeof line,
                       "%s by the word of %" PRIu32 " of %" PRIu32 ", epoch %" PRIu64,
                       newest->master, agree, voters > agree ? voters : agree,
                       newest->epoch);
        cli_check_fact(check, "master", line);
    }
    if (t->held) {
        cli_join(line, sizeof line, "under way: calls wait until ",
                 t->next[0] != '\0' ? t->next : "a replica", " is the master");
        cli_check_fact(check, "fail-over", line);
    } else if (t->early) {
        cli_join(line, sizeof line, "just now: calls go to ", t->master,
                 ", which is not announced yet");
        cli_check_fact(check, "fail-over", line);
    }
}

/* By their addresses: those that answer last move down the client's list, and a table
 * is to be the same each time. */
static void topo_sort(reef_topology *t)
{
    for (uint32_t i = 1; i < t->sentinel_count; i++) {
        reef_sentinel_view view = t->sentinels[i];
        uint32_t j = i;
        for (; j > 0 && strcmp(t->sentinels[j - 1].peer, view.peer) > 0; j--)
            t->sentinels[j] = t->sentinels[j - 1];
        t->sentinels[j] = view;
    }
}

reef_code cli_topology_ask(cli_check *check, reef_error *error)
{
    cli_context *ctx = check->ctx;
    cli_progress *progress = cli_progress_begin(ctx, "asking the Sentinels");
    reef_code code =
        reef_client_topology(ctx->client, ctx->timeout_ms, &check->topology, error);
    cli_progress_end(progress);
    if (code != REEF_OK)
        memset(&check->topology, 0, sizeof check->topology);
    if (code != REEF_OK || !check->topology.sentinel)
        return code;
    topo_sort(&check->topology);
    topo_show_sentinels(check);
    topo_show_master(check);
    return REEF_OK;
}

reef_code cli_topology_meet(cli_check *check, reef_error *error)
{
    const cli_context *ctx = check->ctx;
    const reef_topology *t = &check->topology;
    int64_t timeout = ctx->timeout_ms;
    if (t->sentinel && cli_belief_knowing(t) == 0 &&
        (timeout == 0 || timeout > TOPO_BRIEF_MS))
        timeout = TOPO_BRIEF_MS;
    return reef_server_info(ctx->client, timeout, &check->server, error);
}

/* ---- for a program ------------------------------------------------------------ */

static void topo_json_text(const char *before, const char *text)
{
    fputs(before, stdout);
    if (text[0] != '\0')
        cli_put_json(stdout, reef_str_of(text));
    else
        fputs("null", stdout);
}

static const char *topo_bool(bool value)
{
    return value ? "true" : "false";
}

static const char *topo_state(reef_sentinel_state state)
{
    switch (state) {
    case REEF_SENTINEL_SILENT:
        return "silent";
    case REEF_SENTINEL_WRONG:
        return "wrong";
    case REEF_SENTINEL_UNKNOWN:
        return "unknown";
    case REEF_SENTINEL_KNOWS:
        return "knows";
    }
    return "";
}

static void topo_json_sentinel(const reef_sentinel_view *view)
{
    topo_json_text("{\"peer\":", view->peer);
    topo_json_text(",\"state\":", topo_state(view->state));
    printf(",\"configured\":%s,\"watched\":%s", topo_bool(view->configured),
           topo_bool(view->watched));
    topo_json_text(",\"id\":", view->id);
    topo_json_text(",\"version\":", view->version);
    topo_json_text(",\"why\":", view->why);
    if (view->state == REEF_SENTINEL_UNKNOWN)
        topo_json_text(",\"names\":", view->names);
    if (view->state != REEF_SENTINEL_SILENT)
        printf(",\"took_ms\":%" PRIu32, view->took_ms);
    if (view->state == REEF_SENTINEL_KNOWS) {
        topo_json_text(",\"master\":", view->master);
        printf(",\"epoch\":%" PRIu64 ",\"quorum\":%" PRIu32 ",\"others\":%" PRIu32
               ",\"replicas\":%" PRIu32,
               view->epoch, view->quorum, view->others, view->replicas);
        topo_json_text(",\"flags\":", view->flags);
    }
    fputc('}', stdout);
}

static void topo_json_sentinels(const cli_check *check)
{
    const reef_topology *t = &check->topology;
    topo_json_text(",\"master_name\":", check->ctx->config.master_name);
    topo_json_text(",\"master\":", t->master);
    topo_json_text(",\"next\":", t->next);
    printf(",\"held\":%s,\"early\":%s,\"epoch\":%" PRIu64 ",\"answering\":%" PRIu32
           ",\"able\":%" PRIu32 ",\"needed\":%" PRIu32 ",\"sentinels\":[",
           topo_bool(t->held), topo_bool(t->early), t->epoch, cli_belief_knowing(t),
           cli_belief_able(t), cli_belief_needed(t));
    for (uint32_t i = 0; i < t->sentinel_count; i++) {
        fputs(i > 0 ? "," : "", stdout);
        topo_json_sentinel(&t->sentinels[i]);
    }
    fputc(']', stdout);
}

void cli_topology_json(const cli_check *check)
{
    bool sentinel = check->ctx->config.master_name[0] != '\0'; /* asked or not */
    printf("\"sentinel\":%s", topo_bool(sentinel));
    if (sentinel)
        topo_json_sentinels(check);
    fputs(",\"cluster\":", stdout);
    if (check->census != NULL)
        cli_census_json(check->census);
    else
        fputs("null", stdout);
    fputs(",\"replication\":", stdout);
    if (check->replication.known)
        cli_replicas_json(&check->replication);
    else
        fputs("null", stdout);
}

/* ---- the command -------------------------------------------------------------- */

/* The object from its first member to its end. */
static void topo_json(const cli_check *check, int exit_code)
{
    const reef_server *s = &check->server;
    topo_json_text("\"peer\":", s->peer);
    topo_json_text(",\"server\":", s->server);
    topo_json_text(",\"version\":", s->version);
    fputc(',', stdout);
    cli_topology_json(check);
    cli_check_json_end(check, exit_code);
}

static int topo_failed(cli_check *check, const reef_error *error)
{
    int code = cli_fail_begin(check->ctx, error->code, error->text);
    memset(&check->server, 0, sizeof check->server);
    cli_belief_failed(check, code, error->text);
    if (cli_has(check->ctx, CLI_OPT_JSON)) {
        fputc(',', stdout);
        topo_json(check, code);
    } else {
        cli_check_text(check);
    }
    return code;
}

/* Of a Cluster in which nothing is wrong. */
static void topo_text_cluster(const cli_census *c)
{
    printf("      %" PRIu32 " masters serve all slots, and each has a replica that "
           "could take its place\n",
           c->masters);
}

static void topo_text(const cli_check *check)
{
    const reef_topology *t = &check->topology;
    uint32_t online = cli_replicas_online(&check->replication);
    uint32_t able = cli_belief_able(t);
    cli_check_text(check);
    if (check->exit_code != CLI_DONE)
        return;
    cli_put_colored(stdout, check->ctx->color_out, CLI_GREEN, "good");
    if (check->census != NULL && check->census->views > 0) {
        topo_text_cluster(check->census);
        return;
    }
    if (cli_check_is_cluster(check)) {
        fputs("      calls are answered; what a fail-over would do is not known\n",
              stdout);
        return;
    }
    if (t->sentinel)
        printf("      %" PRIu32 " Sentinel%s could vote a fail-over", able,
               able == 1 ? "" : "s");
    if (t->sentinel && check->replication.known)
        printf(", and %" PRIu32 " replica%s could be promoted", online,
               online == 1 ? "" : "s");
    if (t->sentinel)
        fputc('\n', stdout);
    else
        fputs("      one server, whose place nobody takes: that is what Sentinels are "
              "for\n",
              stdout);
}

/* A server, and Sentinels where they watch it. */
static void topo_server(cli_check *check, reef_cmd *cmd)
{
    cli_replicas_ask(check, cmd);
    cli_check_server(check);
    cli_replicas_show(check);
    cli_belief_find(check);
    cli_check_role(check);
    cli_replicas_find(check);
}

static void topo_cluster(cli_check *check)
{
    cli_check_server(check);
    cli_census_look(check);
    cli_census_find(check);
}

static int topo_all(cli_check *check)
{
    cli_context *ctx = check->ctx;
    reef_error error = {REEF_OK, 0, ""};
    if (cli_topology_ask(check, &error) != REEF_OK ||
        cli_topology_meet(check, &error) != REEF_OK)
        return topo_failed(check, &error);
    reef_cmd *cmd = reef_cmd_new();
    if (cmd == NULL) {
        error = (reef_error){REEF_NOMEM, 0, "out of memory"};
        return topo_failed(check, &error);
    }
    if (cli_check_is_cluster(check))
        topo_cluster(check);
    else
        topo_server(check, cmd);
    reef_cmd_free(cmd);
    if (cli_has(ctx, CLI_OPT_JSON)) {
        fputc('{', stdout);
        topo_json(check, check->exit_code);
    } else {
        topo_text(check);
    }
    return check->exit_code;
}

int cli_topology_run(cli_context *ctx)
{
    cli_check check;
    memset(&check, 0, sizeof check);
    check.ctx = ctx;
    int code = cli_open(ctx);
    if (code == CLI_DONE)
        code = topo_all(&check);
    cli_census_end(&check);
    return code;
}
