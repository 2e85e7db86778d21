/* SPDX-License-Identifier: Apache-2.0
 *
 * Purpose: lists of sessions that own every byte they give out.
 * Invariant: items[0 .. count) are whole blocks, each freed once, by the list. */
#include "session/sessions.h"
#include "session/job.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

reef_sessions *reef_sessions_new(void)
{
    return calloc(1, sizeof(reef_sessions));
}

void reef_sessions_free(reef_sessions *list)
{
    if (list == NULL)
        return;
    for (size_t i = 0; i < list->count; i++)
        free(list->items[i]);
    free(list->items);
    reef_codec_free(&list->codec);
    free(list);
}

size_t reef_sessions_count(const reef_sessions *list)
{
    return list->count;
}

bool reef_sessions_next(reef_sessions *list, reef_session *out, reef_error *error)
{
    if (list->next >= list->count)
        return false;
    const reef_kept *kept = list->items[list->next++];
    *out = kept->session;
    if (error == NULL)
        return true;
    *error = (reef_error){0};
    if (kept->code != REEF_OK) {
        error->code = kept->code;
        memcpy(error->text, kept->why.ptr, kept->why.len);
    }
    return true;
}

/* ---- adding ------------------------------------------------------------------- */

static reef_code sessions_room(reef_sessions *list)
{
    if (list->count < list->cap)
        return REEF_OK;
    if (list->count >= REEF_LIST_MAX)
        return REEF_LIMIT;
    size_t cap = list->cap > 0 ? list->cap * 2 : 1;
    reef_kept **items = realloc(list->items, cap * sizeof(reef_kept *));
    if (items == NULL)
        return REEF_NOMEM;
    list->items = items;
    list->cap = cap;
    return REEF_OK;
}

/* Copies a word behind what is already in the block. */
static reef_str sessions_copy(reef_kept *kept, size_t *used, reef_str word)
{
    reef_str copy = {kept->bytes + *used, word.len};
    if (word.len > 0)
        memcpy(kept->bytes + *used, word.ptr, word.len);
    *used += word.len;
    return copy;
}

static reef_kept *sessions_make(const reef_session *session, reef_code code,
                                reef_str why)
{
    size_t len = session->id.len + session->ip.len + session->user_id.len +
                 session->user_agent.len + why.len; /* each at most REEF_DRAFT_MAX */
    reef_kept *kept = malloc(sizeof *kept + len);
    if (kept == NULL)
        return NULL;
    size_t used = 0;
    kept->code = code;
    kept->why = sessions_copy(kept, &used, why);
    kept->session.id = sessions_copy(kept, &used, session->id);
    kept->session.ip = sessions_copy(kept, &used, session->ip);
    kept->session.user_id = sessions_copy(kept, &used, session->user_id);
    kept->session.user_agent = sessions_copy(kept, &used, session->user_agent);
    kept->session.expires_after_ns = session->expires_after_ns;
    kept->session.updated_at = session->updated_at;
    kept->session.is_deleted = session->is_deleted;
    return kept;
}

static reef_code sessions_add(reef_sessions *list, const reef_session *session,
                              reef_code code, reef_str why)
{
    reef_code room = sessions_room(list);
    if (room != REEF_OK)
        return room;
    reef_kept *kept = sessions_make(session, code, why);
    if (kept == NULL)
        return REEF_NOMEM;
    list->items[list->count] = kept;
    list->count++;
    return REEF_OK;
}

reef_code reef_sessions_spoilt(reef_sessions *list, const reef_asked *asked,
                               const char *why)
{
    reef_error error;
    const reef_session session = {.id = asked->id};
    reef_tell(&error, REEF_CORRUPT, "the record", asked->key, why);
    reef_code code =
        sessions_add(list, &session, REEF_CORRUPT, reef_str_of(error.text));
    return code == REEF_OK ? REEF_CORRUPT : code;
}

static reef_code sessions_corrupt(reef_sessions *list, const reef_asked *asked)
{
    char why[REEF_ERROR_TEXT];
    snprintf(why, sizeof why, "not what knot writes, at byte %zu: %s", list->codec.at,
             list->codec.why);
    return reef_sessions_spoilt(list, asked, why);
}

reef_code reef_sessions_read(reef_sessions *list, const reef_asked *asked,
                             reef_str json)
{
    reef_session session;
    reef_code code = reef_codec_read(&list->codec, json, &session);
    if (code == REEF_CORRUPT)
        return sessions_corrupt(list, asked);
    if (code != REEF_OK)
        return code;
    if (asked->id.len > 0 && !reef_str_equal(asked->id, session.id))
        return reef_sessions_spoilt(list, asked,
                                    "its session_id is not that of its key");
    if (asked->user_id.len > 0 && !reef_str_equal(asked->user_id, session.user_id))
        return REEF_NOT_FOUND;
    return sessions_add(list, &session, REEF_OK, (reef_str){NULL, 0});
}

/* ---- a call that reads sessions ----------------------------------------------- */

reef_code reef_reading_begin(reef_reading *reading, reef_client *client,
                             int64_t timeout_ms, reef_error *error)
{
    reef_code code = reef_job_begin(&reading->job, client, timeout_ms, error);
    if (code != REEF_OK)
        return code;
    reading->batch = reef_batch_new();
    reading->list = reef_sessions_new();
    if (reading->batch != NULL && reading->list != NULL)
        return REEF_OK;
    code = reef_tell(error, REEF_NOMEM, "out of memory", (reef_str){NULL, 0}, NULL);
    return reef_reading_end(reading, code, NULL);
}

reef_code reef_reading_end(reef_reading *reading, reef_code code, reef_sessions **out)
{
    reef_batch_free(reading->batch);
    reef_job_end(&reading->job);
    if (code == REEF_OK && out != NULL)
        *out = reading->list;
    else
        reef_sessions_free(reading->list);
    return code;
}
