/* SPDX-License-Identifier: Apache-2.0
 *
 * Which slots of a Cluster another node serves after the run than before it: a
 * fail-over or a reshard under load.
 *
 * Invariant: what is asked here is no part of what is measured: it is asked before the
 * clock starts and after it has stopped, and its failure is no failure of the run. */
#include "session/cli/census.h"
#include "session/cli/soak.h"

#include <stdlib.h>
#include <string.h>

enum { SLOTS_MS = 1000 /* for all nodes to tell who serves what */ };

/* NULL: it can't be told. */
static cli_census *slots_ask(soak_run *run)
{
    reef_error error;
    cli_census *c = calloc(1, sizeof *c);
    if (c == NULL)
        return NULL;
    if (cli_census_rosters(run->ctx, c, SLOTS_MS, &error) == REEF_OK && c->views > 0)
        return c;
    free(c);
    return NULL;
}

static const char *slots_owner(const cli_census *c, uint32_t slot)
{
    const cli_node *node = cli_census_at(c, c->owners[slot]);
    return node != NULL ? node->id : "";
}

void soak_slots_begin(soak_run *run)
{
    if (strcmp(run->server.mode, "cluster") == 0)
        run->before = slots_ask(run);
}

void soak_slots_end(soak_run *run)
{
    cli_census *now = run->before != NULL ? slots_ask(run) : NULL;
    run->has_moved = now != NULL;
    run->moved = 0;
    for (uint32_t slot = 0; slot < REEF_SLOT_COUNT && now != NULL; slot++)
        run->moved +=
            strcmp(slots_owner(run->before, slot), slots_owner(now, slot)) != 0;
    free(now);
    free(run->before);
    run->before = NULL;
}
