/* SPDX-License-Identifier: Apache-2.0
 *
 * Purpose: the seven fields of a session record. They are written in knot's order and
 * read in any. Each text field has a draft of its own, so that the last of two
 * counts. */
#include "session/codec.h"
#include "session/json.h"
#include "session/time.h"
#include <stdlib.h>
#include <string.h>

enum codec_field {
    CODEC_ID,
    CODEC_IP,
    CODEC_USER_ID,
    CODEC_USER_AGENT,
    CODEC_EXPIRES_AFTER,
    CODEC_UPDATED_AT,
    CODEC_IS_DELETED,
    CODEC_UNKNOWN
};

static const char *const codec_names[CODEC_UNKNOWN] = {
    "session_id",    "ip",         "user_id",   "user_agent",
    "expires_after", "updated_at", "is_deleted"};

/* ---- writing ------------------------------------------------------------------ */

static void codec_open(reef_draft *draft, enum codec_field field)
{
    reef_draft_text(draft, field == CODEC_ID ? "{\"" : ",\"");
    reef_draft_text(draft, codec_names[field]);
    reef_draft_text(draft, "\":");
}

static void codec_write_text(reef_draft *draft, enum codec_field field, reef_str text)
{
    codec_open(draft, field);
    reef_json_write(draft, text);
}

void reef_codec_write(reef_draft *draft, const reef_session *session)
{
    char time[REEF_TIME_TEXT];
    reef_time_write(session->expires_after_ns, time);
    codec_write_text(draft, CODEC_ID, session->id);
    codec_write_text(draft, CODEC_IP, session->ip);
    codec_write_text(draft, CODEC_USER_ID, session->user_id);
    codec_write_text(draft, CODEC_USER_AGENT, session->user_agent);
    codec_write_text(draft, CODEC_EXPIRES_AFTER, reef_str_of(time));
    codec_open(draft, CODEC_UPDATED_AT);
    reef_draft_uint(draft, session->updated_at);
    codec_open(draft, CODEC_IS_DELETED);
    reef_draft_text(draft, session->is_deleted ? "true}" : "false}");
}

char *reef_session_encode(const reef_session *session, size_t *len)
{
    reef_draft draft = {0};
    reef_codec_write(&draft, session);
    *len = draft.len;
    reef_draft_byte(&draft, 0);
    if (draft.code == REEF_OK)
        return draft.ptr;
    *len = 0;
    reef_draft_free(&draft);
    return NULL;
}

/* ---- reading ------------------------------------------------------------------ */

/* Go compares names without regard to case, and to it U+017F is a small s. */
static bool codec_same_name(reef_str name, const char *field)
{
    size_t at = 0;
    for (; *field != 0; field++) {
        if (at >= name.len)
            return false;
        char byte = name.ptr[at++];
        if (*field == 's' && byte == '\xC5' && at < name.len &&
            name.ptr[at] == '\xBF') {
            at++;
            continue;
        }
        if (byte >= 'A' && byte <= 'Z')
            byte = (char)(byte - 'A' + 'a');
        if (byte != *field)
            return false;
    }
    return at == name.len;
}

static enum codec_field codec_field_of(reef_str name)
{
    size_t field = 0;
    while (field < CODEC_UNKNOWN && !codec_same_name(name, codec_names[field]))
        field++;
    return (enum codec_field)field;
}

/* Go takes the bytes between the quotes as they stand, so an escape is no time. */
static void codec_read_time(reef_json *json, int64_t *unix_ns)
{
    reef_str text = reef_json_quoted(json);
    if (json->why == NULL && !reef_time_read(text, unix_ns))
        reef_json_fail(json, "no time as RFC 3339 has it", json->at - text.len - 2);
}

static void codec_read_value(reef_codec *codec, reef_json *json, reef_session *out)
{
    enum codec_field field = codec_field_of(reef_draft_str(&codec->name));
    if (field != CODEC_UNKNOWN && reef_json_null(json))
        return; /* leaves what an earlier one of that name said */
    switch (field) {
    case CODEC_ID:
    case CODEC_IP:
    case CODEC_USER_ID:
    case CODEC_USER_AGENT:
        reef_json_string(json, &codec->texts[field]);
        break;
    case CODEC_EXPIRES_AFTER:
        codec_read_time(json, &out->expires_after_ns);
        break;
    case CODEC_UPDATED_AT:
        out->updated_at = reef_json_uint(json);
        break;
    case CODEC_IS_DELETED:
        out->is_deleted = reef_json_bool(json);
        break;
    case CODEC_UNKNOWN:
        reef_json_skip(json);
        break;
    }
}

/* REEF_OK, or what stuck in one of the drafts. */
static reef_code codec_memory(const reef_codec *codec)
{
    reef_code code = codec->name.code;
    for (size_t i = 0; i < REEF_CODEC_TEXTS && code == REEF_OK; i++)
        code = codec->texts[i].code;
    return code;
}

static void codec_reset(reef_codec *codec)
{
    for (size_t i = 0; i < REEF_CODEC_TEXTS; i++)
        reef_draft_clear(&codec->texts[i]);
    reef_draft_clear(&codec->name);
    codec->why = NULL;
    codec->at = 0;
}

reef_code reef_codec_read(reef_codec *codec, reef_str text, reef_session *out)
{
    reef_json json;
    codec_reset(codec);
    *out = (reef_session){0};
    out->expires_after_ns = REEF_TIME_ZERO;
    reef_json_open(&json, text);
    while (codec_memory(codec) == REEF_OK && reef_json_member(&json, &codec->name)) {
        if (codec->name.code == REEF_OK)
            codec_read_value(codec, &json, out);
    }
    codec->why = json.why;
    codec->at = json.at;
    out->id = reef_draft_str(&codec->texts[CODEC_ID]);
    out->ip = reef_draft_str(&codec->texts[CODEC_IP]);
    out->user_id = reef_draft_str(&codec->texts[CODEC_USER_ID]);
    out->user_agent = reef_draft_str(&codec->texts[CODEC_USER_AGENT]);
    if (codec_memory(codec) != REEF_OK)
        return codec_memory(codec);
    return json.why == NULL ? REEF_OK : REEF_CORRUPT;
}

void reef_codec_free(reef_codec *codec)
{
    for (size_t i = 0; i < REEF_CODEC_TEXTS; i++)
        reef_draft_free(&codec->texts[i]);
    reef_draft_free(&codec->name);
}
