/* SPDX-License-Identifier: Apache-2.0
 *
 * What belief.c and witness.c share: Sentinels counted, and named in a sentence. */
#ifndef REEF_SESSION_CLI_BELIEF_H
#define REEF_SESSION_CLI_BELIEF_H
#include "session/cli/check.h"

enum { CLI_BELIEF_LINE = 1024 };

/* Which Sentinels a sentence is about, by their index. */
typedef struct cli_belief_set {
    bool has[REEF_SENTINELS_MAX];
    uint32_t count;
} cli_belief_set;

void cli_belief_put(cli_belief_set *, uint32_t index);
/* `before`, the Sentinels, `after` as one sentence; nothing where there are none. */
void cli_belief_say(cli_check *, int exit_code, const char *before,
                    const cli_belief_set *, const char *after);

bool cli_belief_knows(const reef_sentinel_view *);
/* One of its flags, which commas divide, is this. */
bool cli_belief_has_flag(const reef_sentinel_view *, const char *flag);
/* An earlier view is of the same Sentinel; `twin` says which. */
bool cli_belief_is_twin(const reef_topology *, uint32_t index, uint32_t *twin);
/* All that there are, by the largest count of those that know the master. */
uint32_t cli_belief_voters(const reef_topology *);

/* ---- witness.c ---------------------------------------------------------------- */
/* Who is of no use: notes while others are, and the reason when none is. */
void cli_witness_find_useless(cli_check *);
/* Of those that know the master. */
void cli_witness_find(cli_check *);

#endif
