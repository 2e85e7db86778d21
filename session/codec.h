/* SPDX-License-Identifier: Apache-2.0
 *
 * codec: a session as the JSON of its record, both ways. Pure. */
#ifndef REEF_SESSION_CODEC_H
#define REEF_SESSION_CODEC_H
#include "session/draft.h"
#include "session/session.h"

enum { REEF_CODEC_TEXTS = 4 }; /* id, ip, user_id, user_agent */

/* Memory for reading, used again from record to record. Zero is a valid start. */
typedef struct reef_codec {
    reef_draft texts[REEF_CODEC_TEXTS];
    reef_draft name;
    const char *why; /* of the last REEF_CORRUPT */
    size_t at;       /* the byte that showed it */
} reef_codec;

/* The words of `out` live until the codec is used again. REEF_OK, REEF_CORRUPT,
 * REEF_NOMEM or REEF_LIMIT. What a record does not name is zero, and the time
 * REEF_TIME_ZERO. */
reef_code reef_codec_read(reef_codec *, reef_str json, reef_session *out);
void reef_codec_free(reef_codec *);
/* Adds the record's text. */
void reef_codec_write(reef_draft *, const reef_session *);

#endif
