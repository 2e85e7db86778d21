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
 * last part of a key and its value. A value that does not fit is reported and the
 * reading goes on; a text that is no TOML ends it. */
#include "config/hint.h"
#include "config/host.h"
#include "config/intake.h"
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
    reef_intake *reading;
    read_path table, key;
    bool header, keyed, tables;    /* tables: the header has two brackets */
    reef_str names[REEF_SETTINGS]; /* of the table */
    reef_str parts[REEF_SETTINGS]; /* the parts that may stand below a path, */
    size_t part_count;             /* each once, */
    read_path parts_of;            /* and that path; 0: none was asked for */
    reef_toml_mark seen;           /* where a column was counted last, and the count */
    uint32_t seen_column;
    bool listed; /* the known keys were named */
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

/* One part below `path` in one name of the table; where it ends, or 0. Most parts are
 * not there, which their first byte and their length tell. */
static size_t read_below(reef_str name, reef_str above, reef_str part)
{
    size_t at = above.len > 0 ? above.len + 1 : 0, end = at + part.len;
    if (name.len < end || name.ptr[at] != part.ptr[0])
        return 0;
    if (name.len > end && name.ptr[end] != '.')
        return 0;
    if (at > 0 && name.ptr[above.len] != '.')
        return 0;
    if (memcmp(name.ptr + at, part.ptr, part.len) != 0 ||
        memcmp(name.ptr, above.ptr, above.len) != 0)
        return 0;
    return end;
}

/* The name of a part. One with escapes that is longer than the room has its first bytes
 * there: it is longer than any name of the table. */
static reef_str read_part(const reef_toml_event *event, char room[READ_PART_MAX])
{
    if (event->form != REEF_TOML_BASIC)
        return event->text;
    return (reef_str){room, reef_toml_decode(event, room, READ_PART_MAX)};
}

static read_path read_step(const read_state *s, read_path path,
                           const reef_toml_event *event)
{
    char room[READ_PART_MAX];
    read_path other = {0, READ_OTHER};
    reef_str part = read_part(event, room);
    if (part.len == 0 || part.len > sizeof room)
        return other;
    if (event->form != REEF_TOML_BARE && reef_str_find(part, '.', 0) < part.len)
        return other;
    reef_str above = {read_name(path), path.len};
    for (size_t i = 0; i < REEF_SETTINGS; i++) {
        size_t len = read_below(s->names[i], above, part);
        if (len > 0)
            return (read_path){(unsigned char)i, (unsigned char)len};
    }
    return other;
}

/* ---- what is wrong ------------------------------------------------------------ */

static bool read_is_secret(read_path path)
{
    return read_is_setting(path) && reef_setting_is_secret((reef_setting)path.row);
}

static reef_str read_words(const reef_message *message)
{
    return (reef_str){message->text, message->len};
}

/* Reports an error. Whether to go on: while there is somebody to tell. */
static bool read_error(read_state *s, read_path path, reef_finding_draft *draft,
                       const reef_message *sentence)
{
    draft->sentence = read_words(sentence);
    reef_intake_bad(s->reading, read_is_setting(path) ? (int)path.row : REEF_SETTINGS,
                    draft->code);
    reef_report_put(s->reading->report, s->reading->error, &s->reading->document,
                    draft);
    return s->reading->report != NULL && s->reading->report->errors < REEF_FINDINGS_MAX;
}

/* A key that nobody reads. The value is nobody's business and not judged. */
static void read_warn(read_state *s, const reef_toml_event *event, reef_str hint,
                      const reef_message *sentence)
{
    reef_finding_draft draft =
        reef_report_draft(&s->toml, &event->mark, event->size, false);
    draft.warning = true;
    draft.hint = hint;
    draft.sentence = read_words(sentence);
    reef_report_put(s->reading->report, s->reading->error, &s->reading->document,
                    &draft);
}

static void read_bad(read_state *s)
{
    bool known = read_is_setting(s->key);
    reef_code code = reef_report_reader(
        s->reading->report, s->reading->error, &s->reading->document, &s->toml,
        known ? reef_setting_at((reef_setting)s->key.row) : NULL);
    s->reading->broken = true;
    reef_intake_bad(s->reading, -1, code);
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

/* "found …": the value, or its kind where the value is nobody's business or may be
 * a URL with a password. */
static void read_add_found(reef_message *message, const reef_toml_event *event,
                           bool hidden)
{
    char room[REEF_INPUT_MAX];
    reef_str text = event->text;
    reef_message_add(message, "found ");
    if (event->kind < REEF_TOML_STRING || hidden) {
        reef_message_add(message, reef_toml_kind_name(event->kind));
        return;
    }
    if (event->kind != REEF_TOML_STRING) {
        reef_message_value(message, text);
        return;
    }
    reef_message_quoted(message, read_text(event, room));
}

/* A value that does not fit: "server.redis.db: found "x"; allowed: …". */
static bool read_misfit(read_state *s, read_path path, const reef_toml_event *event,
                        const char *why, reef_str hint)
{
    reef_message message = {0};
    reef_finding_draft draft =
        reef_report_draft(&s->toml, &event->mark, event->size, read_is_secret(path));
    /* What has several lines may have swallowed those of a password. */
    if (event->kind == REEF_TOML_STRING &&
        reef_str_find(event->text, '\n', 0) < event->text.len)
        draft.secret = true;
    bool hidden = reef_report_masks(&s->reading->document, &draft);
    if (!hidden)
        draft.hint = hint;
    read_add_path(&message, path);
    reef_message_add(&message, ": ");
    read_add_found(&message, event, hidden);
    reef_message_add(&message, "; ");
    reef_message_add(&message, why);
    return read_error(s, path, &draft, &message);
}

/* Why a text can't be an element of a list; NULL: it can. */
static const char *read_element(reef_setting setting, reef_str text)
{
    reef_host host;
    reef_nameserver server;
    if (setting == REEF_SET_HOSTS)
        return reef_host_parse(&host, text);
    return setting == REEF_SET_CONSUL ? reef_consul_parse(&server, text)
                                      : reef_nameserver_parse(&server, text);
}

/* hosts = "x": knot would ignore that without a word. */
static bool read_no_list(read_state *s, read_path path, const reef_toml_event *event)
{
    char room[REEF_INPUT_MAX];
    reef_message hint = {0};
    reef_str text = read_text(event, room);
    const char *why = NULL;
    if (event->kind == REEF_TOML_STRING)
        why = read_element((reef_setting)path.row, text);
    size_t end = event->mark.at + event->size;
    reef_str rest = reef_str_trim(reef_str_from(s->toml.text, end));
    if (rest.len > 0 && rest.ptr[0] == ',') {
        reef_message_add(&hint, "a list is written [\"a\", \"b\"]");
    } else if (why != NULL) {
        reef_message_add(&hint, why);
    } else if (event->kind == REEF_TOML_STRING) {
        reef_message_add(&hint, "write [");
        reef_message_quoted(&hint, text);
        reef_message_add(&hint, "]");
    }
    return read_misfit(s, path, event, reef_setting_at((reef_setting)path.row)->allowed,
                       read_words(&hint));
}

/* Settings come in the order of the text, so each column is counted on from the one
 * before. */
static uint32_t read_column(read_state *s, const reef_toml_mark *mark)
{
    if (s->seen_column == 0 || s->seen.line_at != mark->line_at ||
        s->seen.at > mark->at) {
        s->seen = (reef_toml_mark){mark->line_at, mark->line_at, mark->line};
        s->seen_column = 1;
    }
    reef_toml_mark rest = {mark->at, s->seen.at, mark->line};
    s->seen_column += reef_toml_column(&s->toml, &rest) - 1;
    s->seen = *mark;
    return s->seen_column;
}

static reef_origin read_origin(read_state *s, const reef_toml_mark *mark)
{
    return (reef_origin){REEF_FROM_FILE, mark->line, read_column(s, mark)};
}

/* What stands without quotes and is wanted with them, or the other way round. */
static void read_add_quotes(reef_message *hint, reef_setting setting,
                            const reef_toml_event *event)
{
    reef_setting_kind kind = reef_setting_at(setting)->kind;
    bool number = event->kind == REEF_TOML_INTEGER || event->kind == REEF_TOML_FLOAT;
    if (kind == REEF_KIND_FLAG && event->kind == REEF_TOML_STRING &&
        (reef_str_is(event->text, "true") || reef_str_is(event->text, "false")))
        reef_message_add(hint, "write it without quotes");
    else if (kind == REEF_KIND_TIME && number)
        reef_message_add(hint, "write a unit, and all in quotes, as in \"5s\"");
    else if (kind > REEF_KIND_FAILOVER && event->kind > REEF_TOML_STRING)
        reef_message_add(hint, "write it in quotes");
}

/* What was probably meant: the nearest word, or how it is quoted. */
static void read_add_hint(reef_message *hint, reef_setting setting,
                          const reef_toml_event *event, reef_str text)
{
    if (event->kind != REEF_TOML_STRING || !reef_setting_meant(setting, text, hint))
        read_add_quotes(hint, setting, event);
}

static bool read_put(read_state *s, read_path path, const reef_toml_event *event)
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
    const char *why =
        reef_setting_put(s->reading->config, (reef_setting)path.row, &input);
    reef_message hint = {0};
    if (why != NULL)
        read_add_hint(&hint, (reef_setting)path.row, event, input.text);
    reef_forget(room, sizeof room);
    if (why == NULL)
        return true;
    return read_misfit(s, path, event, why, read_words(&hint));
}

/* The value of a setting's key. */
static bool read_setting(read_state *s, read_path path, const reef_toml_event *event)
{
    reef_setting setting = (reef_setting)path.row;
    if (!reef_setting_is_list(setting))
        return read_put(s, path, event);
    if (event->kind != REEF_TOML_ARRAY)
        return read_no_list(s, path, event);
    reef_setting_begin(s->reading->config, setting, read_origin(s, &event->mark));
    return true;
}

/* What is below a bracket. Where that bracket did not fit, it was said once. */
static read_path read_inside(read_path path, const reef_toml_event *event)
{
    read_path other = {0, READ_OTHER};
    bool fits = event->kind == REEF_TOML_INLINE;
    if (read_is_setting(path))
        fits = event->kind == REEF_TOML_ARRAY &&
               reef_setting_is_list((reef_setting)path.row);
    return fits ? path : other;
}

/* A value: a scalar, or a bracket that opens. */
static bool read_value(read_state *s, const reef_toml_event *event)
{
    bool keyed = s->keyed, on = true;
    read_path path = keyed ? s->key : s->stack[s->depth - 1];
    s->keyed = false;
    if (path.len == READ_OTHER)
        on = true;
    else if (!keyed && event->kind < REEF_TOML_STRING)
        on = read_misfit(s, path, event,
                         reef_setting_at((reef_setting)path.row)->allowed,
                         (reef_str){0});
    else if (read_is_setting(path))
        on = keyed ? read_setting(s, path, event) : read_put(s, path, event);
    else if (event->kind != REEF_TOML_INLINE)
        on = read_misfit(s, path, event, "allowed: a table of settings", (reef_str){0});
    if (event->kind < REEF_TOML_STRING)
        s->stack[s->depth++] =
            keyed ? read_inside(path, event) : (read_path){0, READ_OTHER};
    return on;
}

/* A setting that is used as a table. */
static bool read_no_table(read_state *s, const reef_toml_event *event)
{
    reef_message message = {0};
    reef_finding_draft draft =
        reef_report_draft(&s->toml, &event->mark, event->size, read_is_secret(s->key));
    read_add_path(&message, s->key);
    reef_message_add(&message, ": found a table; ");
    reef_message_add(&message, reef_setting_at((reef_setting)s->key.row)->allowed);
    read_path path = s->key;
    s->key.len = READ_OTHER;
    return read_error(s, path, &draft, &message);
}

/* [[server.redis]]: there is one such table. */
static bool read_one_table(read_state *s, const reef_toml_event *event)
{
    reef_message message = {0}, hint = {0};
    reef_finding_draft draft =
        reef_report_draft(&s->toml, &event->mark, event->size, false);
    read_add_path(&message, s->key);
    reef_message_add(&message, " is one table, not a list of them");
    reef_message_add(&hint, "write [");
    read_add_path(&hint, s->key);
    reef_message_add(&hint, "]");
    draft.hint = read_words(&hint);
    s->table.len = READ_OTHER;
    return read_error(s, s->key, &draft, &message);
}

/* The header's last part was read. */
static bool read_header(read_state *s, const reef_toml_event *event)
{
    s->header = false;
    s->table = s->key;
    return !s->tables || s->key.len == READ_OTHER || read_one_table(s, event);
}

/* Where a key's first part is looked for. */
static read_path read_base(const read_state *s)
{
    read_path top = {0, 0};
    if (s->header)
        return top;
    return s->depth > 0 ? s->stack[s->depth - 1] : s->table;
}

/* ---- keys that nobody reads --------------------------------------------------- */

/* Finds the parts that may stand below a path, if they are not those of last time. */
static void read_parts(read_state *s, read_path path)
{
    size_t count = 0, at = path.len > 0 ? path.len + 1u : 0;
    if (s->part_count > 0 && s->parts_of.row == path.row && s->parts_of.len == path.len)
        return;
    for (size_t i = 0; i < REEF_SETTINGS; i++) {
        reef_str name = s->names[i];
        if (name.len < at || memcmp(name.ptr, read_name(path), at) != 0)
            continue;
        reef_str part = reef_str_part(name, at, reef_str_find(name, '.', at) - at);
        if (count == 0 || !reef_str_equal(s->parts[count - 1], part))
            s->parts[count++] = part;
    }
    s->part_count = count;
    s->parts_of = path;
}

/* Whether all that is below a path is the table's, so that what is not in the table is
 * a mistake. */
static bool read_owns(read_path path)
{
    return path.len == strlen("server.redis") &&
           strncmp(read_name(path), "server.redis", path.len) == 0;
}

/* One letter more, less, other or swapped, which leaves the first letter or the last as
 * it is: nearly no part passes that. */
static bool read_nearly(reef_str part, reef_str name)
{
    size_t end = part.len - 1, name_end = name.len - 1;
    if (part.len < 3 || part.len > name.len + 1 || name.len > part.len + 1)
        return false;
    if (((part.ptr[0] ^ name.ptr[0]) & 0x5F) != 0 &&
        ((part.ptr[end] ^ name.ptr[name_end]) & 0x5F) != 0)
        return false;
    return reef_str_distance(part, name) <= 1;
}

/* Which of the parts was meant; their count: none. What is below "server" or at the top
 * is others' as a rule, so there a name has to be nearly ours. */
static size_t read_meant(const read_state *s, bool owns, reef_str part)
{
    size_t i = 0;
    if (owns)
        return reef_nearest(part, s->parts, s->part_count);
    while (i < s->part_count && !read_nearly(part, s->parts[i]))
        i++;
    return i;
}

/* All that are known, once: twenty such lists would hide the rest. */
static void read_add_known(reef_message *hint, read_state *s)
{
    if (s->listed)
        return;
    s->listed = true;
    for (size_t i = 0; i < s->part_count; i++) {
        reef_message_add(hint, i == 0 ? "known are " : ", ");
        reef_message_value(hint, s->parts[i]);
    }
}

/* Says that a part below `path` is not in the table. `near`: of the parts that are. */
static void read_not_known(read_state *s, read_path path, const reef_toml_event *event,
                           reef_str part, size_t near, const reef_message *moved)
{
    reef_message message = {0}, hint = *moved;
    reef_finding_draft draft =
        reef_report_draft(&s->toml, &event->mark, event->size, false);
    bool meant =
        hint.len > 0 || (near < s->part_count && part.len <= s->parts[near].len + 2);
    bool hidden = !meant && reef_report_masks(&s->reading->document, &draft);
    if (read_owns(path)) {
        read_add_path(&message, path);
        reef_message_add(&message, " has no setting ");
    } else {
        reef_message_add(&message, "nothing is read from ");
    }
    if (hidden)
        reef_message_add(&message, "of this name");
    else
        reef_message_quoted(&message, part);
    if (hint.len == 0 && near < s->part_count) {
        reef_message_add(&hint, "did you mean ");
        reef_message_value(&hint, s->parts[near]);
        reef_message_add(&hint, "?");
    } else if (hint.len == 0) {
        read_add_known(&hint, s);
    }
    read_warn(s, event, read_words(&hint), &message);
}

/* One part below `path` that is not in the table. Where the report is full, it is only
 * counted: its line, which may be very long, is not looked at. */
static void read_unknown(read_state *s, read_path path, const reef_toml_event *event)
{
    char room[READ_PART_MAX];
    bool owns = read_owns(path), full = s->reading->report->count == REEF_FINDINGS_MAX;
    reef_str part = read_part(event, room);
    if (part.len > sizeof room)
        part.len = sizeof room;
    read_parts(s, path);
    size_t near = owns && full ? 0 : read_meant(s, owns, part);
    reef_message moved = {0};
    bool known =
        reef_setting_moved((reef_str){read_name(path), path.len}, part, &moved);
    if (!owns && near == s->part_count && !known)
        return;
    if (full)
        s->reading->report->warnings++;
    else
        read_not_known(s, path, event, part, near, &moved);
}

static bool read_key(read_state *s, const reef_toml_event *event)
{
    if (event->first)
        s->key = read_base(s);
    bool on = true;
    if (read_is_setting(s->key)) {
        on = read_no_table(s, event);
    } else if (s->key.len != READ_OTHER) {
        read_path above = s->key;
        s->key = read_step(s, above, event);
        if (s->key.len == READ_OTHER && s->reading->report != NULL)
            read_unknown(s, above, event);
    }
    if (!event->last)
        return on;
    s->keyed = !s->header;
    if (!s->header)
        return on;
    if (read_is_setting(s->key))
        on = read_no_table(s, event);
    return read_header(s, event) && on;
}

/* Whether to read on. */
static bool read_event(read_state *s, const reef_toml_event *event)
{
    switch (event->kind) {
    case REEF_TOML_END:
        return false;
    case REEF_TOML_BAD:
        read_bad(s);
        return false;
    case REEF_TOML_TABLE:
    case REEF_TOML_TABLES:
        s->header = true;
        s->tables = event->kind == REEF_TOML_TABLES;
        return true;
    case REEF_TOML_KEY:
        return read_key(s, event);
    case REEF_TOML_ARRAY_END:
    case REEF_TOML_INLINE_END:
        s->depth--;
        return true;
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
    return false;
}

static void read_all(read_state *s)
{
    reef_toml_event event;
    do {
        reef_toml_next(&s->toml, &event);
    } while (read_event(s, &event));
    if (event.kind != REEF_TOML_END)
        s->reading->broken = true;
}

void reef_read_file(reef_intake *reading)
{
    static const reef_toml_limits limits = {.text = REEF_FILE_MAX,
                                            .names = REEF_KEYS_MAX};
    read_state state;
    memset(&state, 0, offsetof(read_state, stack));
    state.reading = reading;
    for (size_t i = 0; i < REEF_SETTINGS; i++)
        state.names[i] = reef_str_of(reef_setting_name((reef_setting)i));
    reef_toml_init(&state.toml, reading->document.text, &limits);
    read_all(&state);
    reef_toml_free(&state.toml);
    reef_config_settle(reading->config);
}
