/* SPDX-License-Identifier: Apache-2.0
 *
 * The reader of session records. Whatever the bytes: an answer and no step behind their
 * end; and what was read, written and read again is the same. */
#include "session/session.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool good)
{
    if (!good)
        abort();
}

static bool same(const reef_session *a, const reef_session *b)
{
    return reef_str_equal(a->id, b->id) && reef_str_equal(a->ip, b->ip) &&
           reef_str_equal(a->user_id, b->user_id) &&
           reef_str_equal(a->user_agent, b->user_agent) &&
           a->expires_after_ns == b->expires_after_ns &&
           a->updated_at == b->updated_at && a->is_deleted == b->is_deleted;
}

/* The one session of a list that was just read. */
static reef_session only(reef_sessions *list)
{
    reef_session session, none;
    reef_error error;
    demand(reef_sessions_count(list) == 1);
    demand(reef_sessions_next(list, &session, &error));
    demand(error.code == REEF_OK && error.text[0] == 0);
    demand(!reef_sessions_next(list, &none, &error));
    return session;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    reef_sessions *list = NULL, *again = NULL;
    reef_error error;
    char *exact = malloc(size > 0 ? size : 1);
    demand(exact != NULL);
    memcpy(exact, data, size);
    reef_code code = reef_session_decode((reef_str){exact, size}, &list, &error);
    free(exact);
    demand(code == error.code);
    demand(code == REEF_OK || code == REEF_CORRUPT || code == REEF_LIMIT);
    demand((list != NULL) == (code == REEF_OK));
    if (code != REEF_OK) {
        demand(error.text[0] != 0 && strlen(error.text) < REEF_ERROR_TEXT);
        return 0;
    }
    reef_session first = only(list);
    size_t len;
    char *text = reef_session_encode(&first, &len);
    demand(text != NULL && strlen(text) == len);
    demand(reef_session_decode((reef_str){text, len}, &again, &error) == REEF_OK);
    reef_session second = only(again);
    demand(same(&first, &second));
    free(text);
    reef_sessions_free(list);
    reef_sessions_free(again);
    return 0;
}
