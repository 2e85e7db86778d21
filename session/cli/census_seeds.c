/* SPDX-License-Identifier: Apache-2.0
 *
 * The hosts of the settings against the nodes of the Cluster. One that is dead, or no
 * node of it, goes unnoticed as long as another host answers; on the day when that one
 * is lost, knot does not start, or starts elsewhere.
 *
 * Who is a node by its address is not asked. Each of the others gets a client of its
 * own, with that host alone, for a short time. */
#include "session/cli/census.h"

#include <stdlib.h>
#include <string.h>

enum {
    SEEDS_MS = 1000, /* for one host to tell who it is */
    SEEDS_ASKED = 8  /* hosts, at most */
};

/* "10.0.0.7:6379", as nodes are written. */
static void seeds_name(const reef_host *host, char out[REEF_PEER_TEXT])
{
    bool v6 = strchr(host->name, ':') != NULL;
    if (host->kind == REEF_HOST_SRV)
        (void)snprintf(out, REEF_PEER_TEXT, "srv+%.100s", host->name);
    else
        (void)snprintf(out, REEF_PEER_TEXT, "%s%.100s%s:%u", v6 ? "[" : "", host->name,
                       v6 ? "]" : "", (unsigned)host->port);
}

static bool seeds_is_node(const cli_census *c, const char *peer)
{
    for (size_t i = 0; i < c->count; i++) {
        if (c->nodes[i].answered && strcmp(c->nodes[i].peer, peer) == 0)
            return true;
    }
    return false;
}

/* One of these nodes is a node of this Cluster. */
static bool seeds_is_known(cli_census *c, const reef_answers *members)
{
    for (size_t i = 0; i < members->count; i++) {
        if (cli_census_node(c, members->items[i].member.id) != NULL)
            return true;
    }
    return false;
}

/* Who it says that it is. */
static void seeds_judge(cli_check *check, reef_client *client, const char *peer)
{
    char text[REEF_ERROR_TEXT + 64];
    reef_server server;
    reef_error error = {REEF_OK, 0, ""};
    reef_answers *members = NULL;
    if (reef_server_info(client, SEEDS_MS, &server, &error) == REEF_OK)
        members = reef_client_members(client, SEEDS_MS, &error);
    if (members == NULL) {
        size_t len = strlen(peer);
        bool named = strncmp(error.text, peer, len) == 0 && error.text[len] == ':';
        cli_join(text, sizeof text, " of server.redis.hosts is of no use (",
                 named ? error.text + len + 2 : error.text, ")");
        cli_check_find(
            check, CLI_DONE, peer, text,
            ": start it, or name another node; when the others are lost, too, "
            "a new start finds nobody");
    } else if (members->count == 1 && members->items[0].member.id[0] == '\0') {
        cli_check_find(
            check, CLI_DONE, peer,
            " is a single server, and no node of this Cluster: take it out of "
            "server.redis.hosts",
            "");
    } else if (!seeds_is_known(check->census, members)) {
        cli_check_find(check, CLI_USAGE, peer,
                       " is a node of another Cluster: take it out of "
                       "server.redis.hosts, since knot works with the one that answers "
                       "first when it starts",
                       "");
    }
    reef_answers_free(members);
}

static void seeds_ask(cli_check *check, const reef_host *host, const char *peer)
{
    reef_error error;
    reef_config *alone = malloc(sizeof *alone);
    if (alone == NULL)
        return;
    *alone = check->ctx->config;
    alone->hosts[0] = *host;
    alone->host_count = 1;
    alone->lanes = 1;
    reef_client *client = reef_open(alone, &error);
    if (client != NULL)
        seeds_judge(check, client, peer);
    reef_close(client);
    reef_config_wipe(alone);
    free(alone);
}

void cli_census_seeds(cli_check *check)
{
    const reef_config *config = &check->ctx->config;
    char peer[REEF_PEER_TEXT];
    uint32_t asked = 0;
    if (check->census == NULL || check->census->views == 0 || config->host_count < 2)
        return;
    for (uint32_t i = 0; i < config->host_count && asked < SEEDS_ASKED; i++) {
        seeds_name(&config->hosts[i], peer);
        if (seeds_is_node(check->census, peer))
            continue;
        asked++;
        seeds_ask(check, &config->hosts[i], peer);
    }
}
