/* SPDX-License-Identifier: Apache-2.0
 *
 * Nodes that stand in the others' rosters and are not offered to clients: they failed,
 * by the word of the others, or serve nothing. One that is merely cut off from the
 * others goes on as if it served its slots; only it can tell that.
 *
 * Each gets a client of its own, with that address alone, which learns the cluster as
 * that node sees it; for a short time, since most of them are dead. */
#include "session/cli/census.h"

#include <stdlib.h>
#include <string.h>

enum { STRAYS_MS = 300 /* for one of them, in each round */ };

/* "10.0.0.7:7000" or "[::1]:7000" as a host of the settings. */
static bool strays_host(const char *peer, reef_host *out)
{
    const char *colon = strrchr(peer, ':');
    uint64_t port = 0;
    bool v6 = peer[0] == '[';
    size_t len = colon != NULL ? (size_t)(colon - peer) : 0;
    if (len <= (v6 ? 2U : 0U) || len > REEF_NAME_MAX ||
        !cli_number(reef_str_of(colon + 1), UINT16_MAX, &port))
        return false;
    memset(out, 0, sizeof *out);
    out->kind = REEF_HOST_TCP;
    out->port = (uint16_t)port;
    (void)snprintf(out->name, sizeof out->name, "%.*s", (int)(v6 ? len - 2 : len),
                   peer + v6);
    return true;
}

/* Its own answer among all. */
static const struct reef_answer *strays_own(const reef_answers *answers, const char *id)
{
    for (size_t i = 0; answers != NULL && i < answers->count; i++) {
        if (strcmp(answers->items[i].member.id, id) == 0)
            return &answers->items[i];
    }
    return NULL;
}

static void strays_listen(reef_client *client, const char *id, cli_stray *out)
{
    reef_error error;
    for (size_t round = 0; round < CLI_CENSUS_ROUNDS; round++) {
        out->answers[round] = cli_census_ask(client, round, STRAYS_MS, &error);
        out->own[round] = strays_own(out->answers[round], id);
        if (out->own[round] == NULL || reef_reply_code(out->own[0]->reply) != REEF_OK)
            return;
    }
}

static void strays_ask_one(cli_context *ctx, const cli_node *node, cli_stray *out)
{
    reef_error error;
    reef_host host;
    reef_config *alone = malloc(sizeof *alone);
    memset(out, 0, sizeof *out);
    if (alone == NULL || !strays_host(node->peer, &host)) {
        free(alone);
        return;
    }
    *alone = ctx->config;
    alone->hosts[0] = host;
    alone->host_count = 1;
    alone->lanes = 1;
    reef_client *client = reef_open(alone, &error);
    if (client != NULL)
        strays_listen(client, node->id, out);
    reef_close(client);
    reef_config_wipe(alone);
    free(alone);
}

size_t cli_strays_ask(cli_context *ctx, const cli_census *c, cli_stray out[CLI_STRAYS])
{
    size_t count = 0, asked = 0;
    for (size_t i = 0; i < c->count && asked < CLI_STRAYS; i++) {
        const cli_node *node = cli_census_at(c, c->order[i]);
        if (node == NULL || node->member || node->handshake || node->homeless)
            continue;
        asked++;
        strays_ask_one(ctx, node, &out[count]);
        if (out[count].own[0] != NULL &&
            reef_reply_code(out[count].own[0]->reply) == REEF_OK)
            count++;
        else
            cli_strays_free(&out[count], 1);
    }
    return count;
}

void cli_strays_free(cli_stray strays[], size_t count)
{
    for (size_t i = 0; i < count; i++) {
        for (size_t round = 0; round < CLI_CENSUS_ROUNDS; round++)
            reef_answers_free(strays[i].answers[round]);
    }
}
