/* SPDX-License-Identifier: Apache-2.0
 *
 * Replies as JSON, for `reef resp`, `reef call --json` and the tests. */
#ifndef REEF_SESSION_CLI_VALUE_H
#define REEF_SESSION_CLI_VALUE_H
#include "resp/resp.h"

#include <stdio.h>

/* Prints one value on one line, without a line feed:
 *   {"t":"simple","v":"OK"}  {"t":"error","v":"ERR x"}
 * {"t":"error","bulk":true,"v":"x"}
 *   {"t":"int","v":1}  {"t":"null"}  {"t":"bool","v":true}  {"t":"double","v":"1.5"}
 *   {"t":"bignum","v":"12"}  {"t":"bulk","v":"x"}  {"t":"verbatim","fmt":"txt","v":"x"}
 *   {"t":"array","v":[...]}  set and push alike  {"t":"map","v":[[key,value],...]}
 * Attributes follow as "attr":[[key,value],...], several joined. Text that is not UTF-8
 * or holds NUL is given as "b64" instead of "v". The output is ASCII. */
void cli_value_print(FILE *out, const reef_reply *, const reef_node *);

/* Prints text as a JSON string, quotes included. Bytes must be UTF-8. */
void cli_value_string(FILE *out, reef_str text);
/* True for well-formed UTF-8 without NUL. */
bool cli_value_is_text(reef_str text);

#endif
