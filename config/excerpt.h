/* SPDX-License-Identifier: Apache-2.0
 *
 * excerpt: a line of a text as a terminal can show it, and where in it a place stands.
 * It knows about characters and columns; what may be shown is its caller's to say. */
#ifndef REEF_CONFIG_EXCERPT_H
#define REEF_CONFIG_EXCERPT_H
#include "config/config.h"
#include "config/toml.h"

enum {
    REEF_EXCERPT_COLUMNS = 100, /* of a terminal, that a line is cut to */
    REEF_EXCERPT_TAB = 4        /* columns between the stops of a tab */
};

/* All of a line is shown. */
#define REEF_EXCERPT_ALL SIZE_MAX

/* Fills in all of `out`. `size`: bytes of the place, 0 for one character; what of it
 * lies behind the line is no part of it. `shown`: where in the text the part ends that
 * may be shown, "***" stands for the rest of the line, and for every place in there. No
 * work is done for what is too far from the place to be shown, but that the column is
 * counted. */
void reef_excerpt_draw(reef_excerpt *out, reef_str text, const reef_toml_mark *,
                       size_t size, size_t shown);

#endif
