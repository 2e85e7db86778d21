/* SPDX-License-Identifier: Apache-2.0
 *
 * mask: what of a line of knot.toml may be shown to whoever reads the log, so that the
 * bytes of a password are not among it, whatever is wrong around them. Told by looks:
 * the file may be broken in any way, so no reading of it is trusted. In doubt a line is
 * masked; the price is a word less, never a secret. */
#ifndef REEF_CONFIG_MASK_H
#define REEF_CONFIG_MASK_H
#include "resp/resp.h"

enum { REEF_MASK_LOOK = 65536 }; /* bytes that are looked through, one way */

/* Whether something secret may stand between two places of the text: a word such as
 * "password" or one that is a letter off, an "@" or another sign of a URL with
 * credentials, a colon that is followed by no port ("user:secret"), an escape that can
 * spell either; or more than REEF_MASK_LOOK bytes. */
bool reef_mask_hides(reef_str text, size_t from, size_t to);

/* A line, and the entry (a key or header, with all of its lines) that it is part of. */
typedef struct reef_mask_place {
    size_t line_at; /* where the line starts */
    size_t entry,
        entry_end; /* where the entry starts, and ends as far as it is known */
    size_t before; /* where the entry in front of it starts */
    bool secret;   /* a secret stands there, whatever it looks like */
} reef_mask_place;

/* Whether a secret may stand on the line. */
bool reef_mask_needed(reef_str text, const reef_mask_place *);

/* How far the line may be shown if so: its key or header, as far as it is one.
 * SIZE_MAX: nothing stands behind that. */
size_t reef_mask_shown(reef_str text, const reef_mask_place *);

#endif
