/* SPDX-License-Identifier: Apache-2.0
 *
 * wish: what a knot.toml sets, before it is written in any way. */
#ifndef REEF_TEST_UNIT_WISH_H
#define REEF_TEST_UNIT_WISH_H
#include "config/setting.h"

enum { WISH_TEXTS = 3 };

/* One setting's value: a number, of which `true` is one; a text; or several. */
typedef struct wish {
    bool set;
    reef_setting_kind kind;
    bool is_number, is_list;
    uint64_t number;
    size_t count;
    const char *texts[WISH_TEXTS];
} wish;

typedef struct wishes {
    wish of[REEF_SETTINGS];
} wishes;

/* What a seed wishes: some settings, at least one. */
void wish_any(wishes *, uint64_t seed);
/* Gives one of the settings that are set another value. */
void wish_other(wishes *, uint64_t seed);

#endif
