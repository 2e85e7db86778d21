/* SPDX-License-Identifier: Apache-2.0
 *
 * keys: knot's keys of a session, without the prefix, and the pattern that finds them.
 * Pure. */
#ifndef REEF_SESSION_KEYS_H
#define REEF_SESSION_KEYS_H
#include "session/draft.h"

/* Each replaces what the draft held, and returns it. */
reef_str reef_keys_record(reef_draft *, reef_str id);
reef_str reef_keys_index(reef_draft *, reef_str user_id, reef_str id);
/* What all of a user's index keys, or with an empty user_id all record keys, begin
 * with. */
reef_str reef_keys_stem(reef_draft *, reef_str user_id);
/* A glob pattern for keys that begin with exactly `prefix` and `stem`. */
reef_str reef_keys_pattern(reef_draft *, reef_str prefix, reef_str stem);
/* The valid session id that stands behind prefix and stem in a key; else empty. */
reef_str reef_keys_id(reef_str key, reef_str prefix, reef_str stem);
/* REEF_OK where a user id can stand in a key and in a record alike. */
reef_code reef_keys_check_user(reef_str user_id, reef_error *);

#endif
