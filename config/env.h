/* SPDX-License-Identifier: Apache-2.0
 *
 * env: a variable out of a list of "NAME=value" texts. */
#ifndef REEF_CONFIG_ENV_H
#define REEF_CONFIG_ENV_H
#include "resp/resp.h"

/* The value, borrowed; empty when it is empty or not there. NULL `environ` is fine. */
reef_str reef_env_find(const char *const environ[], const char *name);

#endif
