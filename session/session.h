/* SPDX-License-Identifier: Apache-2.0
 *
 * session: knot's record store and its sessions, byte for byte as knot keeps them, so
 * that a knot server and reef share one Redis.
 *
 * Keys, each behind key_prefix and each for REEF_SESSION_TTL_S:
 *   Sessions:<id>                   the record, JSON
 *   SessionsByUserId:<user>:<id>    the index, its value the id
 * A revoked session stays as a tombstone (is_deleted) for as long, so that no touch
 * brings it back.
 *
 * The two keys of a session may live on different servers of a Cluster, and nothing
 * spans two servers. So there are three ways in which keys that belong together are
 * written:
 *   - All share a slot, because key_prefix has a {tag}: one transaction (MULTI, EXEC),
 *     on a Cluster and elsewhere. Where the server refuses MULTI, and for a delete
 *     where its memory is full (it queues nothing then): as the next.
 *   - Else, on a single server or through Sentinels: one pipeline, in order.
 *   - Else, on a Cluster (and before the first answer, when nobody knows yet): in
 *     steps, each acknowledged before the next is sent. Indexes come first when
 *     something is written, and last when it is deleted, and live REEF_INDEX_EXTRA_S
 *     longer than the record. So whatever ends a call in between, a crash too, leaves
 *     an index too many, which lists heal, and never a live session that "revoke all"
 *     can't find.
 * Round trips:                        one slot   one server   in steps
 *   save, reef_record_put                 1           1           2
 *   delete, reef_record_del               1           1           2
 *   get, reef_record_get                  1           1           1
 *   touch                                 1           1           2
 *     of a session without its index      1           1           4
 *   revoke, after the list, for
 *     each 256 live sessions              1           1           2
 *   list, after the scan, for
 *     each 512 records                    1           1           1
 * One more for each 512 records among which a list heals something; and a delete whose
 * answer was cut off is sent again.
 *
 * timeout_ms: the whole call, as in net.h; 0 takes call_timeout of the config. REEF_OK,
 * else `error` (may be NULL) holds the code and one plain sentence. Not-found is
 * REEF_NOT_FOUND and means that the server said so; what can't be told is another
 * code. */
#ifndef REEF_SESSION_H
#define REEF_SESSION_H
#include "net/net.h"

enum {
    REEF_SESSION_TTL_S = 7200, /* both keys, from each save or touch */
    REEF_SESSION_ID_LEN = 44,  /* URL-safe base64 with its "=" of 16 random bytes and a
                                * UUIDv7 (RFC 9562) */
    REEF_LIST_MAX = 1048576,   /* records of one list; more is REEF_LIMIT */
    REEF_RECORD_MAX = 1048576, /* bytes of one record */
    REEF_INDEX_EXTRA_S = 10 /* an index that may be on another server than its record,
                                * and is written before it, lives so much longer */
};

/* A session. Texts are UTF-8; bytes that are not are written as U+FFFD, the way knot
 * writes them. expires_after_ns: Unix nanoseconds, UTC; INT64_MIN is the zero time of
 * Go ("0001-01-01T00:00:00Z"), both ways, and what a record without the field has;
 * times outside of int64 are read as INT64_MIN or INT64_MAX. updated_at: hybrid logical
 * clock, (Unix µs - 1735689600000000) << 10 | n. */
typedef struct reef_session {
    reef_str id, ip, user_id, user_agent;
    int64_t expires_after_ns;
    uint64_t updated_at;
    bool is_deleted;
} reef_session;

/* ---- ids and the clock -------------------------------------------------------- */

/* A new id from the system's random source and wall clock. */
reef_code reef_session_new_id(char out[REEF_SESSION_ID_LEN + 1], reef_error *error);
/* The same, from bytes and a time of the caller's: 32 random bytes, Unix ms. Pure. */
void reef_session_make_id(const uint8_t random[32], int64_t unix_ms,
                          char out[REEF_SESSION_ID_LEN + 1]);
bool reef_session_id_valid(reef_str id); /* the form alone; no round trip */

/* The next value of knot's hybrid logical clock: later than `last` and than every value
 * merged into it, and not before `unix_ns` in whole microseconds. Pure: the caller
 * keeps `last`. At the end of 64 bits it stands still. */
uint64_t reef_clock_next(uint64_t last, int64_t unix_ns);
int64_t reef_clock_unix_ns(uint64_t updated_at); /* INT64_MAX where it does not fit */

/* ---- records: what any kind of knot's is made of ------------------------------ */

/* One write: `blob` under `key`, and `index_count` index keys whose value is `id`.
 * ttl_s 0: no expiry. All keys are full keys without prefix; the store puts it before
 * them. Indexes are written first, in one of the three ways above, so that a crash in
 * between leaves an index too many, and never a record that no list finds. */
typedef struct reef_record {
    reef_str key, blob, id;
    const reef_str *indexes;
    size_t index_count;
    int64_t ttl_s;
} reef_record;

/* May be sent again until the deadline. When one key was written and another was not,
 * the code is REEF_UNSURE or what the server answered, and the error names the key. In
 * steps: the record is not sent unless all indexes were acknowledged; where that leaves
 * it no five seconds, or they are over without an answer, all keys are written
 * again. */
reef_code reef_record_put(reef_client *, const reef_record *, int64_t timeout_ms,
                          reef_error *error);
/* Deletes the record, then its indexes. REEF_NOT_FOUND: the record was not there. Where
 * the connection broke before the answer, it is sent once more; then REEF_OK says that
 * the record is not there now, not that it was. Only `key` and `indexes` count. */
reef_code reef_record_del(reef_client *, const reef_record *, int64_t timeout_ms,
                          reef_error *error);
/* `*out` is the reply whose root is the blob; caller frees. REEF_CORRUPT: it is over
 * REEF_RECORD_MAX, or the key holds no string. */
reef_code reef_record_get(reef_client *, reef_str key, int64_t timeout_ms,
                          reef_reply **out, reef_error *error);

/* ---- sessions ----------------------------------------------------------------- */

/* The record as knot writes it: a new buffer of `*len` bytes, NUL behind; caller frees
 * with free(). NULL: out of memory, or it would be far over REEF_RECORD_MAX. */
char *reef_session_encode(const reef_session *, size_t *len);

/* Results that own their memory. */
typedef struct reef_sessions reef_sessions;

/* One record's text as knot's Go reader would take it: field names in any case, unknown
 * ones skipped, the last of two counts, null leaves what was there. REEF_CORRUPT: what
 * and where; a record that is null as a whole is corrupt, too. `*out` holds one. */
reef_code reef_session_decode(reef_str json, reef_sessions **out, reef_error *error);

/* id and user_id must be valid and not empty. Always lives REEF_SESSION_TTL_S from
 * now. */
reef_code reef_session_save(reef_client *, const reef_session *, int64_t timeout_ms,
                            reef_error *error);
/* One session; a tombstone is given with is_deleted set. REEF_CORRUPT names the key. */
reef_code reef_session_get(reef_client *, reef_str id, int64_t timeout_ms,
                           reef_sessions **out, reef_error *error);
/* Slides the expiry of a live session, writing it anew as given: one script that
 * decides on the server. Never revives a tombstone, never goes back in updated_at:
 * REEF_CONFLICT. The same updated_at is no conflict. A session with is_deleted set is
 * REEF_BADARG: save it. A missing index of a live session is written, too. In steps the
 * index's expiry slides first, also for what then turns out to be a tombstone, a newer
 * session or none: it does no harm there, since an index keeps no record alive and no
 * tombstone from being one; a list deletes it once its record is gone. */
reef_code reef_session_touch(reef_client *, const reef_session *, int64_t timeout_ms,
                             reef_error *error);
/* Removes both keys. REEF_NOT_FOUND: there was no record. */
reef_code reef_session_delete(reef_client *, reef_str id, reef_str user_id,
                              int64_t timeout_ms, reef_error *error);
/* All sessions of a user (tombstones with is_deleted), or everyone's where user_id is
 * empty; each once, in no order. Looks at every key of every master, by a reef_scan,
 * with all that this promises. Records that name another user are left out. Of a user's
 * list, an index whose record is gone is deleted when it is older than ten seconds
 * (twenty, where it was written in steps). */
reef_code reef_session_list(reef_client *, reef_str user_id, int64_t timeout_ms,
                            reef_sessions **out, reef_error *error);
/* Turns every live session of a user into a tombstone; `*revoked` counts them. When it
 * fails part-way it says how many were done, and can simply be called again. Records
 * that can't be read become tombstones, too, and count. In steps the indexes of a round
 * come first; the records follow whatever became of these, since a session that goes on
 * living would be the greater harm. */
reef_code reef_session_revoke_user(reef_client *, reef_str user_id, size_t *revoked,
                                   int64_t timeout_ms, reef_error *error);

/* The next session; false at the end. A record that could not be read is given, too:
 * error code REEF_CORRUPT with its key in the text, `out->id` set and the rest zero; it
 * does not spoil the others. Otherwise error->code is REEF_OK. Words in `out` live as
 * long as the list. */
bool reef_sessions_next(reef_sessions *, reef_session *out, reef_error *error);
size_t reef_sessions_count(const reef_sessions *);
void reef_sessions_free(reef_sessions *); /* NULL is fine */

#endif
