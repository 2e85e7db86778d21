/* SPDX-License-Identifier: Apache-2.0
 *
 * What the tests of a Cluster say often: a client writes to every master of a fleet,
 * and what it wrote is where it belongs, seen without reef. */
#ifndef REEF_TEST_LIVE_FLEET_USE_H
#define REEF_TEST_LIVE_FLEET_USE_H
#include "net/net.h"
#include "test/live/fleet.h"

/* A key of each of 48 slots, three to a run of 1,024, is written, read, and found on
 * the master of its slot; all of them are deleted again. */
void reef_fleet_serves(const reef_fleet *, reef_client *);
/* The same with a client of its own. */
void reef_fleet_serves_config(const reef_fleet *, const reef_config *);
/* A call with a client of its own fails with this code, and each of these parts is in
 * its text; NULL ends them. The text is shown. */
void reef_fleet_refuses(const reef_config *, const char *line, int64_t timeout_ms,
                        reef_code code, const char *const parts[]);
/* Calls until one fails with this code and this in its text. One that is just being
 * tried at its deadline may say less of why. */
void reef_fleet_says_why(reef_client *, const char *line, int64_t timeout_ms, reef_code,
                         const char *part);
/* "VERB key" or "VERB key value" for a key of this slot; `value` may be NULL. */
void reef_fleet_line(char out[64], const char *verb, uint32_t slot, const char *value);

#endif
