/* SPDX-License-Identifier: Apache-2.0
 *
 * touch: a live session lives on. */
#ifndef REEF_SESSION_TOUCH_H
#define REEF_SESSION_TOUCH_H
#include "session/session.h"

/* Writes `record`, which has one index, in place of the one that is stored, unless that
 * is a tombstone, a newer one, corrupt or gone. As reef_session_touch says. */
reef_code reef_touch(reef_client *, const reef_record *, uint64_t updated_at,
                     int64_t timeout_ms, reef_error *);

#endif
