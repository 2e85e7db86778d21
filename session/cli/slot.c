/* SPDX-License-Identifier: Apache-2.0
 *
 * reef slot: where a cluster keeps a key. Its slot needs no settings and no server;
 * with --owner, or with settings named, the nodes are asked who serves it. */
#include "session/cli/census.h"

#include <stdlib.h>
#include <string.h>

enum { SLOT_LINE = 1024 };

/* ---- without a server --------------------------------------------------------- */

/* "12182", and the key behind it where it is one of several. */
static void slot_print(cli_context *ctx, reef_str key, uint32_t slot, bool named)
{
    if (cli_has(ctx, CLI_OPT_JSON)) {
        fputs("{\"key\":", stdout);
        cli_put_json(stdout, key);
        printf(",\"slot\":%u", (unsigned)slot);
        return;
    }
    printf("%u", (unsigned)slot);
    if (!named)
        return;
    fputs("  ", stdout);
    cli_put_text(stdout, key);
}

static int slot_offline(cli_context *ctx)
{
    for (int i = 0; i < ctx->arg_count; i++) {
        reef_str key = reef_str_of(ctx->args[i]);
        slot_print(ctx, key, reef_key_slot(key), ctx->arg_count > 1);
        fputs(cli_has(ctx, CLI_OPT_JSON) ? "}\n" : "\n", stdout);
    }
    return CLI_DONE;
}

/* ---- where it lives ----------------------------------------------------------- */

static void slot_append(char *out, const char *a, const char *b, const char *c)
{
    size_t len = strlen(out);
    cli_join(out + len, SLOT_LINE - len, a, b, c);
}

/* "; replicas 10.0.0.4:7000 (online) and so on" */
static void slot_replicas(const cli_census *c, const cli_node *owner, char *out)
{
    char name[REEF_PEER_TEXT], state[REEF_ERROR_TEXT + 64];
    bool first = true;
    for (size_t i = 0; i < c->count; i++) {
        const cli_node *node = cli_census_at(c, c->order[i]);
        if (node == NULL || cli_census_master(c, node) != owner)
            continue;
        cli_node_name(node, name);
        cli_node_state(c, node, state, sizeof state);
        slot_append(out, first ? "; replica " : ", ", name, " (");
        slot_append(out, state, ")", "");
        first = false;
    }
    if (first)
        slot_append(out, "; no replica", "", "");
}

static void slot_moving(const cli_census *c, const cli_moving *m, char *out)
{
    cli_node_number to = m->giver != 0 ? m->giver_to : m->taker;
    const cli_node *node = cli_census_at(c, to);
    char name[REEF_PEER_TEXT];
    if (m->giver == 0 && m->taker == 0)
        return;
    if (node != NULL)
        cli_node_name(node, name);
    slot_append(out, "; on its way to ", node != NULL ? name : "another node", "");
}

/* Who serves it, in words. */
static void slot_words(const cli_census *c, uint32_t slot, char out[SLOT_LINE])
{
    const cli_node *owner = cli_census_at(c, c->owners[slot]);
    char name[REEF_PEER_TEXT], state[REEF_ERROR_TEXT + 64];
    out[0] = '\0';
    if (owner == NULL) {
        slot_append(out, "no node serves it", "", "");
    } else {
        cli_node_name(owner, name);
        cli_node_state(c, owner, state, sizeof state);
        slot_append(out, name, " (", state);
        slot_append(out, ")", "", "");
        slot_replicas(c, owner, out);
    }
    slot_moving(c, &c->moving[slot], out);
}

static void slot_json_replicas(const cli_census *c, const cli_node *owner)
{
    const char *comma = "";
    fputs(",\"replicas\":[", stdout);
    for (size_t i = 0; i < c->count && owner != NULL; i++) {
        const cli_node *node = cli_census_at(c, c->order[i]);
        if (node == NULL || cli_census_master(c, node) != owner)
            continue;
        fputs(comma, stdout);
        cli_node_json(c, node);
        comma = ",";
    }
    fputc(']', stdout);
}

static void slot_json(const cli_census *c, uint32_t slot)
{
    const cli_moving *m = &c->moving[slot];
    const cli_node *owner = cli_census_at(c, c->owners[slot]);
    bool moving = m->giver != 0 || m->taker != 0;
    fputs(",\"owner\":", stdout);
    cli_node_json(c, owner);
    slot_json_replicas(c, owner);
    fputs(",\"moving_to\":", stdout);
    cli_node_json(c, moving ? cli_census_at(c, m->giver != 0 ? m->giver_to : m->taker)
                            : NULL);
    fputs("}\n", stdout);
}

/* One key on a Cluster. */
static int slot_show(cli_context *ctx, const cli_census *c, reef_str key)
{
    uint32_t slot = reef_key_slot(key);
    const cli_node *owner = cli_census_at(c, c->owners[slot]);
    char words[SLOT_LINE];
    slot_print(ctx, key, slot, true);
    if (cli_has(ctx, CLI_OPT_JSON)) {
        slot_json(c, slot);
    } else {
        slot_words(c, slot, words);
        fputs("  ", stdout);
        cli_put_text(stdout, reef_str_of(words));
        fputc('\n', stdout);
    }
    return owner != NULL && !cli_census_failed(c, owner) ? CLI_DONE : CLI_UNREACHED;
}

/* Without a Cluster: the one server has them all. */
static int slot_single(cli_context *ctx, const reef_member *member)
{
    for (int i = 0; i < ctx->arg_count; i++) {
        reef_str key = reef_str_of(ctx->args[i]);
        slot_print(ctx, key, reef_key_slot(key), true);
        if (cli_has(ctx, CLI_OPT_JSON)) {
            fputs(",\"owner\":{\"id\":null,\"peer\":", stdout);
            cli_put_json(stdout, reef_str_of(member->peer));
            fputs(",\"role\":\"master\"},\"replicas\":[],\"moving_to\":null}\n",
                  stdout);
        } else {
            fputs("  ", stdout);
            cli_put_text(stdout, reef_str_of(member->peer));
            fputs(", which has all keys: there is no Cluster\n", stdout);
        }
    }
    return CLI_DONE;
}

static int slot_cluster(cli_context *ctx)
{
    reef_error error = {REEF_NOMEM, 0, "out of memory"};
    reef_code taken = REEF_NOMEM;
    int code = CLI_DONE;
    cli_census *c = calloc(1, sizeof *c);
    if (c != NULL)
        taken = cli_census_take(ctx, c, &error);
    if (taken == REEF_OK && c->views == 0) {
        const cli_node *node = cli_census_at(c, 1);
        taken = node != NULL ? node->code : REEF_NOROUTE;
        error.code = taken;
        cli_join(error.text, sizeof error.text, "no node tells who serves what: ",
                 node != NULL ? node->why : "there is none", "");
    }
    if (taken != REEF_OK)
        code = cli_fail_error(ctx, &error);
    for (int i = 0; i < ctx->arg_count && taken == REEF_OK; i++) {
        int one = slot_show(ctx, c, reef_str_of(ctx->args[i]));
        code = code == CLI_DONE ? one : code;
    }
    free(c);
    return code;
}

static int slot_online(cli_context *ctx)
{
    reef_error error = {REEF_OK, 0, ""};
    int code = cli_open(ctx);
    if (code != CLI_DONE)
        return code;
    reef_answers *members = reef_client_members(ctx->client, ctx->timeout_ms, &error);
    if (members == NULL)
        return cli_fail_error(ctx, &error);
    bool single = members->count == 1 && members->items[0].member.id[0] == '\0';
    code = single ? slot_single(ctx, &members->items[0].member) : slot_cluster(ctx);
    reef_answers_free(members);
    return code;
}

int cli_slot_run(cli_context *ctx)
{
    bool asks = cli_has(ctx, CLI_OPT_OWNER) || cli_has(ctx, CLI_OPT_CONFIG);
    return asks ? slot_online(ctx) : slot_offline(ctx);
}
