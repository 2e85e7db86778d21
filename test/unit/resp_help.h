/* SPDX-License-Identifier: Apache-2.0
 *
 * Help for the tests of resp/: streams cut in any way, and one digest of all that came
 * out, so that two ways of cutting can be compared. */
#ifndef REEF_TEST_UNIT_RESP_HELP_H
#define REEF_TEST_UNIT_RESP_HELP_H
#include "resp/resp.h"

/* What a stream led to. */
typedef struct help_outcome {
    reef_parse end; /* MORE or ERROR */
    bool inside;
    size_t values;
    size_t pushes;
    uint64_t consumed;
    uint64_t digest; /* of every node, attribute and text of every value */
    reef_code code;
    const char *text;
    uint64_t at;
} help_outcome;

/* Feeds `bytes` in pieces that end at the given cuts (ascending, `count` of them). Each
 * time all bytes so far end at a page that can't be read. */
help_outcome help_run_guarded(const reef_limits *, int proto, reef_str bytes,
                              const size_t *cuts, size_t count);
/* Feeds `step` bytes at a time through room and received, takes and recycles. */
help_outcome help_run_steps(const reef_limits *, int proto, reef_str bytes,
                            size_t step);
/* Fails the test that runs unless both are the same in every respect. */
void help_assert_same(const char *name, const help_outcome *, const help_outcome *);
uint64_t help_digest(uint64_t seed, const reef_reply *);
/* Every cut of small streams; of others each cut near a line's end and some more. */
void help_every_cut(const char *name, const reef_limits *, int proto, reef_str bytes,
                    const help_outcome *expected);

/* A file's bytes with a NUL behind; caller frees. Fails the test if it can't be
 * read. */
char *help_read_file(const char *path, size_t *len);
/* A file of test/: below $REEF_TEST_DATA, or else below "test". */
char *help_read_data(const char *name, size_t *len);

uint64_t help_random(uint64_t *state);

#endif
