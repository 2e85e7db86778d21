/* SPDX-License-Identifier: Apache-2.0
 *
 * read: the settings out of a knot.toml's events.
 *
 * A path is a beginning of a name in the table of settings ("", "server",
 * "server.redis", "server.redis.db"), or OTHER, and stays OTHER. So it makes no
 * difference whether a block is written with a header, dotted keys or inline tables,
 * and what is not in the table costs nothing.
 *
 * Invariants: `stack` holds the path of each open bracket; `keyed` is true between the
 * last part of a key and its value; what fails first is reported and ends the
 * reading. */
#include "config/setting.h"
#include "config/toml.h"
#include <string.h>

enum { READ_OTHER = 255, READ_PART_MAX = 32 };

typedef struct read_path {
    unsigned char row; /* of the table: a setting whose name begins so */
    unsigned char len; /* bytes of that name; READ_OTHER: no setting is below */
} read_path;

typedef struct read_state {
    reef_toml toml;
    reef_config *config;
    const char *file;
    reef_error *error;
    read_path table, key;
    bool header, keyed, tables; /* tables: the header has two brackets */
    reef_toml_mark key_mark;
    uint32_t seen[REEF_SETTINGS]; /* the line where a setting was set */
    uint32_t depth;
    read_path stack[REEF_TOML_DEPTH];
} read_state;

static const char *read_name(read_path path)
{
    return reef_setting_name((reef_setting)path.row);
}

static bool read_is_setting(read_path path)
{
    return path.len != READ_OTHER && read_name(path)[path.len] == 0;
}

/* One part below `path` in one name of the table; where it ends, or 0. */
static size_t read_below(const char *name, read_path path, reef_str part)
{
    size_t at = path.len;
    if (strncmp(name, read_name(path), at) != 0)
        return 0;
    if (at > 0 && name[at++] != '.')
        return 0;
    reef_str rest = reef_str_from(reef_str_of(name), at);
    if (rest.len < part.len || memcmp(rest.ptr, part.ptr, part.len) != 0)
        return 0;
    char behind = name[at + part.len];
    return behind == 0 || behind == '.' ? at + part.len : 0;
}

static read_path read_step(read_path path, const reef_toml_event *event)
{
    char bytes[READ_PART_MAX];
    read_path other = {0, READ_OTHER};
    if (path.len == READ_OTHER)
        return other;
    reef_str part = {bytes, reef_toml_decode(event, bytes, sizeof bytes)};
    if (part.len == 0 || part.len > sizeof bytes)
        return other;
    if (reef_str_find(part, '.', 0) < part.len)
        return other;
    for (size_t i = 0; i < REEF_SETTINGS; i++) {
        size_t len = read_below(reef_setting_name((reef_setting)i), path, part);
        if (len > 0)
            return (read_path){(unsigned char)i, (unsigned char)len};
    }
    return other;
}

static reef_code read_fail(const read_state *s, const reef_toml_mark *mark,
                           const reef_message *message)
{
    reef_place place = {s->file, mark->line, reef_toml_column(&s->toml, mark)};
    return reef_config_fail(s->error, REEF_BADCONFIG, place, message);
}

/* A line where a secret might stand is never quoted, nor one whose key is written with
 * escapes. */
static bool read_hides(const read_state *s)
{
    static const char *const words[] = {"pas", "pwd", "psw", "pw", "secret", "token"};
    reef_str entry = reef_toml_entry(&s->toml);
    bool hides = reef_str_find(entry, '\\', 0) < entry.len;
    for (size_t i = 0; i < sizeof words / sizeof words[0] && !hides; i++)
        hides = reef_str_mentions(entry, words[i]);
    return hides;
}

static reef_code read_bad(const read_state *s)
{
    reef_message message = {0};
    reef_toml_mark mark;
    reef_str found;
    reef_message_add(&message, reef_toml_why(&s->toml, &mark, &found));
    if (s->toml.why_shows && mark.at == s->toml.text.len)
        reef_message_add(&message, "; found the end of the text");
    if (found.len > 0 && (found.ptr[0] == '\n' || found.ptr[0] == '\r')) {
        reef_message_add(&message, "; found the end of the line");
    } else if (found.len > 0 && !read_hides(s)) {
        reef_message_add(&message, "; found ");
        reef_message_quoted(&message, found);
    }
    return read_fail(s, &mark, &message);
}

static void read_add_path(reef_message *message, read_path path)
{
    reef_message_value(message,
                       reef_str_part(reef_str_of(read_name(path)), 0, path.len));
}

/* A text that is longer than any setting is cut to what is still too long for all. */
static reef_str read_text(const reef_toml_event *event, char room[REEF_INPUT_MAX])
{
    size_t len = reef_toml_decode(event, room, REEF_INPUT_MAX);
    return (reef_str){room, len < REEF_INPUT_MAX ? len : REEF_INPUT_MAX};
}

/* "found …": the value, or its kind where the value is nobody's business. What has an
 * "@" may be a URL with a password. */
static void read_add_found(reef_message *message, const reef_toml_event *event,
                           bool secret)
{
    char room[REEF_INPUT_MAX];
    reef_str text = event->text;
    reef_message_add(message, "found ");
    if (event->kind < REEF_TOML_STRING || secret) {
        reef_message_add(message, reef_toml_kind_name(event->kind));
        return;
    }
    if (event->kind != REEF_TOML_STRING) {
        reef_message_value(message, text);
        return;
    }
    text = read_text(event, room);
    if (reef_str_find(text, '@', 0) < text.len)
        reef_message_add(message, "a text that is not shown");
    else
        reef_message_quoted(message, text);
}

/* A value that does not fit: "server.redis.db: found "x"; allowed: …". */
static reef_code read_misfit(const read_state *s, read_path path,
                             const reef_toml_event *event, const char *why)
{
    reef_message message = {0};
    bool secret =
        read_is_setting(path) && reef_setting_is_secret((reef_setting)path.row);
    read_add_path(&message, path);
    reef_message_add(&message, ": ");
    read_add_found(&message, event, secret);
    reef_message_add(&message, "; ");
    reef_message_add(&message, why);
    return read_fail(s, &event->mark, &message);
}

/* hosts = "x": knot would ignore that without a word. */
static reef_code read_no_list(const read_state *s, read_path path,
                              const reef_toml_event *event)
{
    char room[REEF_INPUT_MAX];
    reef_message why = {0};
    reef_str text = read_text(event, room);
    if (event->kind != REEF_TOML_STRING || reef_str_find(text, '@', 0) < text.len)
        return read_misfit(s, path, event,
                           reef_setting_at((reef_setting)path.row)->allowed);
    reef_message_add(&why, "this is a list: write [");
    reef_message_quoted(&why, text);
    reef_message_add(&why, "]");
    return read_misfit(s, path, event, why.text);
}

static reef_origin read_origin(const read_state *s, const reef_toml_mark *mark)
{
    return (reef_origin){REEF_FROM_FILE, mark->line, reef_toml_column(&s->toml, mark)};
}

static reef_code read_put(read_state *s, read_path path, const reef_toml_event *event)
{
    char room[REEF_INPUT_MAX];
    reef_input input = {.kind = REEF_INPUT_OTHER, .text = event->text};
    input.origin = read_origin(s, &event->mark);
    if (event->kind == REEF_TOML_STRING) {
        input.kind = REEF_INPUT_TEXT;
        input.text = read_text(event, room);
    } else if (event->kind == REEF_TOML_BOOL) {
        input.kind = REEF_INPUT_FLAG;
    } else if (reef_toml_integer(event, &input.number)) {
        input.kind = REEF_INPUT_INTEGER;
    }
    const char *why = reef_setting_put(s->config, (reef_setting)path.row, &input);
    reef_forget(room, sizeof room);
    return why == NULL ? REEF_OK : read_misfit(s, path, event, why);
}

static reef_code read_twice(const read_state *s, read_path path)
{
    reef_message message = {0};
    read_add_path(&message, path);
    reef_message_add(&message, " is set a second time; line ");
    reef_message_number(&message, s->seen[path.row]);
    reef_message_add(&message, " has set it before");
    return read_fail(s, &s->key_mark, &message);
}

/* The value of a setting's key. */
static reef_code read_setting(read_state *s, read_path path,
                              const reef_toml_event *event)
{
    reef_setting setting = (reef_setting)path.row;
    bool array = event->kind == REEF_TOML_ARRAY;
    if (s->seen[setting] > 0)
        return read_twice(s, path);
    s->seen[setting] = s->key_mark.line;
    if (!reef_setting_is_list(setting))
        return read_put(s, path, event);
    if (!array)
        return read_no_list(s, path, event);
    reef_setting_begin(s->config, setting, read_origin(s, &event->mark));
    return REEF_OK;
}

/* A value: a scalar, or a bracket that opens. */
static reef_code read_value(read_state *s, const reef_toml_event *event)
{
    bool keyed = s->keyed, opens = event->kind < REEF_TOML_STRING;
    read_path path = keyed ? s->key : s->stack[s->depth - 1];
    reef_code code = REEF_OK;
    s->keyed = false;
    if (path.len == READ_OTHER)
        code = REEF_OK;
    else if (read_is_setting(path))
        code = keyed ? read_setting(s, path, event) : read_put(s, path, event);
    else if (event->kind != REEF_TOML_INLINE)
        code = read_misfit(s, path, event, "allowed: a table of settings");
    if (opens && code == REEF_OK)
        s->stack[s->depth++] = path;
    return code;
}

static reef_code read_no_table(const read_state *s, const reef_toml_event *event)
{
    reef_message message = {0};
    read_add_path(&message, s->key);
    reef_message_add(&message, ": found a table; ");
    reef_message_add(&message, reef_setting_at((reef_setting)s->key.row)->allowed);
    return read_fail(s, &event->mark, &message);
}

/* The header's last part was read. */
static reef_code read_header(read_state *s, const reef_toml_event *event)
{
    reef_message message = {0};
    s->header = false;
    s->table = s->key;
    if (!s->tables || s->key.len == READ_OTHER)
        return REEF_OK;
    read_add_path(&message, s->key);
    reef_message_add(&message, " is one table, not a list of them: write [");
    read_add_path(&message, s->key);
    reef_message_add(&message, "]");
    return read_fail(s, &event->mark, &message);
}

/* Where a key's first part is looked for. */
static read_path read_base(const read_state *s)
{
    read_path top = {0, 0};
    if (s->header)
        return top;
    return s->depth > 0 ? s->stack[s->depth - 1] : s->table;
}

static reef_code read_key(read_state *s, const reef_toml_event *event)
{
    if (event->first) {
        s->key_mark = event->mark;
        s->key = read_base(s);
    }
    if (read_is_setting(s->key))
        return read_no_table(s, event);
    s->key = read_step(s->key, event);
    if (!event->last)
        return REEF_OK;
    s->keyed = !s->header;
    if (!s->header)
        return REEF_OK;
    return read_is_setting(s->key) ? read_no_table(s, event) : read_header(s, event);
}

static reef_code read_event(read_state *s, const reef_toml_event *event)
{
    switch (event->kind) {
    case REEF_TOML_END:
        return REEF_OK;
    case REEF_TOML_BAD:
        return read_bad(s);
    case REEF_TOML_TABLE:
    case REEF_TOML_TABLES:
        s->header = true;
        s->tables = event->kind == REEF_TOML_TABLES;
        return REEF_OK;
    case REEF_TOML_KEY:
        return read_key(s, event);
    case REEF_TOML_ARRAY_END:
    case REEF_TOML_INLINE_END:
        s->depth--;
        return REEF_OK;
    case REEF_TOML_ARRAY:
    case REEF_TOML_INLINE:
    case REEF_TOML_STRING:
    case REEF_TOML_INTEGER:
    case REEF_TOML_FLOAT:
    case REEF_TOML_BOOL:
    case REEF_TOML_DATE_TIME:
    case REEF_TOML_LOCAL_DATE_TIME:
    case REEF_TOML_LOCAL_DATE:
    case REEF_TOML_LOCAL_TIME:
        return read_value(s, event);
    }
    return REEF_OK;
}

static reef_code read_all(reef_config *config, const char *file, reef_str toml,
                          reef_error *error)
{
    read_state state;
    reef_toml_event event;
    memset(&state, 0, sizeof state);
    state.config = config;
    state.file = file;
    state.error = error;
    reef_toml_init(&state.toml, toml, NULL);
    do {
        reef_toml_next(&state.toml, &event);
        reef_code code = read_event(&state, &event);
        if (code != REEF_OK) {
            reef_toml_free(&state.toml);
            return code;
        }
    } while (event.kind != REEF_TOML_END);
    return REEF_OK;
}

reef_code reef_config_parse(reef_config *config, const char *file, reef_str toml,
                            reef_error *error)
{
    reef_config next = *config;
    reef_message message = {0};
    const char *name = file != NULL ? file : "knot.toml";
    size_t len = strlen(name);
    if (toml.len > REEF_FILE_MAX)
        reef_message_add(&message, "the file has more than 16777216 bytes");
    if (len > REEF_FILE_NAME_MAX)
        reef_message_add(&message, "the file's name has more than 1023 bytes");
    if (message.len > 0)
        return reef_config_fail(error, REEF_BADCONFIG, (reef_place){name, 0, 0},
                                &message);
    reef_code code = read_all(&next, name, toml, error);
    if (code == REEF_OK) {
        memset(next.file, 0, sizeof next.file);
        memcpy(next.file, name, len);
        reef_config_settle(&next);
        *config = next;
    }
    reef_config_wipe(&next);
    return code;
}
