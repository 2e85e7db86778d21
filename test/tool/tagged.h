/* SPDX-License-Identifier: Apache-2.0
 *
 * tagged: a TOML document as the JSON by which readers of TOML are compared, where each
 * value carries its type: {"db":{"type":"integer","value":"3"}}. The reader's events
 * become a tree, because a later header may add to an earlier table; the tree becomes
 * text. What is valid is the reader's word alone. */
#ifndef REEF_TEST_TOOL_TAGGED_H
#define REEF_TEST_TOOL_TAGGED_H
#include "config/config.h"
#include <stdio.h>

/* Writes the document to `out`, an LF behind it. Keys come in the order in which they
 * first appear, without blanks. An integer is decimal; a float has no "_" and no
 * leading "+", and "nan" no sign; a time has its seconds, "T" before it and "Z" behind
 * it. In texts '"', '\' and controls below 0x20 are escaped.
 *
 * REEF_OK, or nothing is written: BADCONFIG and LIMIT, told in `report` with `name` as
 * the document's; NOMEM. The caller asks `out` whether it took everything. */
reef_code tagged_write(FILE *out, reef_str toml, const char *name, reef_report *report);

#endif
