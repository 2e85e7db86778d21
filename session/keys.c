/* SPDX-License-Identifier: Apache-2.0
 *
 * Purpose: the one place that knows how knot names its session keys. */
#include "session/keys.h"
#include "session/job.h"
#include "session/session.h"
#include <string.h>

reef_str reef_keys_record(reef_draft *draft, reef_str id)
{
    reef_keys_stem(draft, (reef_str){NULL, 0});
    reef_draft_add(draft, id);
    return reef_draft_str(draft);
}

reef_str reef_keys_index(reef_draft *draft, reef_str user_id, reef_str id)
{
    reef_keys_stem(draft, user_id);
    reef_draft_add(draft, id);
    return reef_draft_str(draft);
}

reef_str reef_keys_stem(reef_draft *draft, reef_str user_id)
{
    reef_draft_clear(draft);
    if (user_id.len == 0) {
        reef_draft_text(draft, "Sessions:");
    } else {
        reef_draft_text(draft, "SessionsByUserId:");
        reef_draft_add(draft, user_id);
        reef_draft_byte(draft, ':');
    }
    return reef_draft_str(draft);
}

static void keys_literal(reef_draft *draft, reef_str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (memchr("*?[]\\^-", text.ptr[i], 7) != NULL)
            reef_draft_byte(draft, '\\');
        reef_draft_byte(draft, text.ptr[i]);
    }
}

reef_str reef_keys_pattern(reef_draft *draft, reef_str prefix, reef_str stem)
{
    reef_draft_clear(draft);
    keys_literal(draft, prefix);
    keys_literal(draft, stem);
    reef_draft_byte(draft, '*');
    return reef_draft_str(draft);
}

static bool keys_skip(reef_str *key, reef_str start)
{
    if (key->len < start.len ||
        (start.len > 0 && memcmp(key->ptr, start.ptr, start.len) != 0))
        return false;
    key->ptr += start.len;
    key->len -= start.len;
    return true;
}

reef_str reef_keys_id(reef_str key, reef_str prefix, reef_str stem)
{
    if (keys_skip(&key, prefix) && keys_skip(&key, stem) && reef_session_id_valid(key))
        return key;
    return (reef_str){NULL, 0};
}

/* A user id that is no UTF-8 would stand in the key otherwise than in the record. */
reef_code reef_keys_check_user(reef_str user_id, reef_error *error)
{
    const reef_str none = {NULL, 0};
    if (user_id.len == 0)
        return reef_tell(error, REEF_BADARG, "the user id is empty", none, NULL);
    if (user_id.len > REEF_KEY_MAX)
        return reef_tell(error, REEF_LIMIT, "the user id is too long", user_id, NULL);
    if (!reef_utf8_valid(user_id))
        return reef_tell(error, REEF_BADARG, "the user id is no UTF-8", user_id, NULL);
    return REEF_OK;
}
