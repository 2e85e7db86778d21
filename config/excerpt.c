/* SPDX-License-Identifier: Apache-2.0
 *
 * excerpt: a line cut to what fits, with a caret under the place.
 *
 * A line is a row of units, each a character or a byte that is none, drawn one after
 * the other. Where a unit begins can be told from the bytes around it, so that the cut
 * in front of the place is found by walking back from there.
 *
 * Invariants: `text` is never fuller than its room and whole UTF-8; caret and width lie
 * within what is drawn, or one column behind its end. */
#include "config/excerpt.h"
#include "config/text.h"
#include <string.h>

static const char excerpt_cut[] = "...";
static const char excerpt_stars[] = "***";

enum { EXCERPT_CUT = 3, EXCERPT_STARS = 3 };

/* What is drawn, or what there is room for. */
typedef struct excerpt_room {
    size_t bytes, columns;
} excerpt_room;

/* The line: its start, the place, and where what can be shown of it ends. */
typedef struct excerpt_line {
    reef_str text;
    size_t start, at, place_end, end;
    bool stars; /* behind the end */
} excerpt_line;

/* ---- characters --------------------------------------------------------------- */

static bool excerpt_within(const uint32_t ranges[][2], size_t count, uint32_t point)
{
    for (size_t i = 0; i < count && point >= ranges[i][0]; i++)
        if (point <= ranges[i][1])
            return true;
    return false;
}

/* Columns of a terminal. The marks are those of the scripts that one meets. */
static size_t excerpt_width(uint32_t point)
{
    static const uint32_t marks[][2] = {
        {0x0300, 0x036F}, {0x0483, 0x0489}, {0x0591, 0x05BD}, {0x05BF, 0x05C7},
        {0x0610, 0x061A}, {0x064B, 0x065F}, {0x0670, 0x0670}, {0x06D6, 0x06DC},
        {0x06DF, 0x06E4}, {0x0900, 0x0902}, {0x093C, 0x093C}, {0x0941, 0x0948},
        {0x094D, 0x094D}, {0x0E31, 0x0E31}, {0x0E34, 0x0E3A}, {0x0E47, 0x0E4E},
        {0x1161, 0x11FF}, {0x1AB0, 0x1AFF}, {0x1DC0, 0x1DFF}, {0x20D0, 0x20F0},
        {0x302A, 0x302D}, {0x3099, 0x309A}, {0xFE00, 0xFE0F}, {0xFE20, 0xFE2F}};
    static const uint32_t wide[][2] = {
        {0x1100, 0x115F},   {0x231A, 0x231B},   {0x2329, 0x232A},   {0x23E9, 0x23EC},
        {0x23F0, 0x23F0},   {0x23F3, 0x23F3},   {0x25FD, 0x25FE},   {0x2614, 0x2615},
        {0x2648, 0x2653},   {0x267F, 0x267F},   {0x2693, 0x2693},   {0x26A1, 0x26A1},
        {0x26AA, 0x26AB},   {0x26BD, 0x26BE},   {0x26C4, 0x26C5},   {0x26CE, 0x26CE},
        {0x26D4, 0x26D4},   {0x26EA, 0x26EA},   {0x26F2, 0x26F3},   {0x26F5, 0x26F5},
        {0x26FA, 0x26FA},   {0x26FD, 0x26FD},   {0x2705, 0x2705},   {0x270A, 0x270B},
        {0x2728, 0x2728},   {0x274C, 0x274C},   {0x274E, 0x274E},   {0x2753, 0x2755},
        {0x2757, 0x2757},   {0x2795, 0x2797},   {0x27B0, 0x27B0},   {0x27BF, 0x27BF},
        {0x2B1B, 0x2B1C},   {0x2B50, 0x2B50},   {0x2B55, 0x2B55},   {0x2E80, 0x303E},
        {0x3041, 0x3247},   {0x3250, 0x4DBF},   {0x4E00, 0xA4CF},   {0xA960, 0xA97F},
        {0xAC00, 0xD7A3},   {0xF900, 0xFAFF},   {0xFE10, 0xFE19},   {0xFE30, 0xFE6F},
        {0xFF01, 0xFF60},   {0xFFE0, 0xFFE6},   {0x16FE0, 0x18CFF}, {0x1AFF0, 0x1B2FF},
        {0x1F004, 0x1F004}, {0x1F0CF, 0x1F0CF}, {0x1F18E, 0x1F18E}, {0x1F191, 0x1F19A},
        {0x1F200, 0x1F320}, {0x1F32D, 0x1F335}, {0x1F337, 0x1F37C}, {0x1F37E, 0x1F393},
        {0x1F3A0, 0x1F3CA}, {0x1F3CF, 0x1F3D3}, {0x1F3E0, 0x1F3F0}, {0x1F3F4, 0x1F3F4},
        {0x1F3F8, 0x1F43E}, {0x1F440, 0x1F440}, {0x1F442, 0x1F4FC}, {0x1F4FF, 0x1F53D},
        {0x1F54B, 0x1F54E}, {0x1F550, 0x1F567}, {0x1F57A, 0x1F57A}, {0x1F595, 0x1F596},
        {0x1F5A4, 0x1F5A4}, {0x1F5FB, 0x1F64F}, {0x1F680, 0x1F6C5}, {0x1F6CC, 0x1F6CC},
        {0x1F6D0, 0x1F6D2}, {0x1F6D5, 0x1F6DF}, {0x1F6EB, 0x1F6EC}, {0x1F6F4, 0x1F6FC},
        {0x1F7E0, 0x1F7F0}, {0x1F90C, 0x1F93A}, {0x1F93C, 0x1F945}, {0x1F947, 0x1F9FF},
        {0x1FA70, 0x1FAFF}, {0x20000, 0x3FFFD}};
    if (point < marks[0][0])
        return 1;
    if (excerpt_within(marks, sizeof marks / sizeof marks[0], point))
        return 0;
    return excerpt_within(wide, sizeof wide / sizeof wide[0], point) ? 2 : 1;
}

/* One unit at `at`, drawn from `column` on. Its bytes of the text are returned. */
static size_t excerpt_unit(reef_str text, size_t at, size_t column,
                           char out[REEF_SHOWN_CHAR], excerpt_room *need)
{
    size_t size;
    uint32_t point;
    if (text.ptr[at] == '\t') {
        need->columns = need->bytes = REEF_EXCERPT_TAB - column % REEF_EXCERPT_TAB;
        memset(out, ' ', need->bytes);
        return 1;
    }
    need->columns = need->bytes = reef_shown(text, at, out, &size);
    if (need->bytes == size) { /* as it is: every escape is longer */
        reef_utf8_get(text, at, &point);
        need->columns = excerpt_width(point);
    }
    return size;
}

static size_t excerpt_unit_before(const excerpt_line *line, size_t at)
{
    for (size_t size = 1; size <= 4 && size <= at - line->start; size++)
        if (reef_utf8_size(line->text, at - size) == size)
            return at - size;
    return at - 1;
}

/* ---- the cut ------------------------------------------------------------------ */

static bool excerpt_fits(excerpt_room used, excerpt_room need, excerpt_room room)
{
    return used.bytes + need.bytes <= room.bytes &&
           used.columns + need.columns <= room.columns;
}

static void excerpt_grow(excerpt_room *used, excerpt_room more)
{
    used->bytes += more.bytes;
    used->columns += more.columns;
}

static excerpt_room excerpt_less(excerpt_room room, excerpt_room used)
{
    return (excerpt_room){room.bytes - used.bytes, room.columns - used.columns};
}

static const excerpt_room excerpt_all = {REEF_EXCERPT_TEXT - 1, REEF_EXCERPT_COLUMNS};
static const excerpt_room excerpt_dots = {EXCERPT_CUT, EXCERPT_CUT};

/* How far units from `at` on fit. `exact`: a line starts there; else a tab may have to
 * be drawn at its widest. */
static size_t excerpt_forth(const excerpt_line *line, size_t at, excerpt_room room,
                            bool exact, excerpt_room *used)
{
    char unit[REEF_SHOWN_CHAR];
    excerpt_room need;
    *used = (excerpt_room){0, 0};
    while (at < line->end) {
        size_t size =
            excerpt_unit(line->text, at, exact ? used->columns : 0, unit, &need);
        if (!excerpt_fits(*used, need, room))
            break;
        excerpt_grow(used, need);
        at += size;
    }
    return at;
}

/* How far back from the place units fit. */
static size_t excerpt_back(const excerpt_line *line, excerpt_room room)
{
    char unit[REEF_SHOWN_CHAR];
    excerpt_room used = {0, 0}, need;
    size_t at = line->at;
    while (at > line->start) {
        size_t before = excerpt_unit_before(line, at);
        excerpt_unit(line->text, before, 0, unit, &need);
        if (!excerpt_fits(used, need, room))
            break;
        excerpt_grow(&used, need);
        at = before;
    }
    return at;
}

/* Where the drawing starts: with the line if all of it fits, or all in front of the
 * place; else what follows the place gets half of the room, if it needs so much. */
static size_t excerpt_from(const excerpt_line *line, excerpt_room room)
{
    excerpt_room half = {room.bytes / 2, room.columns / 2}, used, need;
    char unit[REEF_SHOWN_CHAR];
    if (excerpt_forth(line, line->start, room, true, &used) == line->end)
        return line->start;
    size_t end = excerpt_forth(line, line->at, half, false, &used);
    room = excerpt_less(room, used);
    if (end < line->end)
        room = excerpt_less(room, excerpt_dots);
    size_t from = excerpt_back(line, room);
    if (from == line->start)
        return from;
    from = excerpt_back(line, excerpt_less(room, excerpt_dots));
    while (from < line->at) { /* no mark on top of the dots */
        size_t size = excerpt_unit(line->text, from, 0, unit, &need);
        if (need.columns > 0)
            break;
        from += size;
    }
    return from;
}

/* ---- drawing ------------------------------------------------------------------ */

typedef struct excerpt_pen {
    reef_excerpt *out;
    excerpt_room used, safe; /* so far; the last one with room for dots behind */
    bool placed;             /* the place has begun, `to` is its last column */
    size_t from, to;
} excerpt_pen;

static void excerpt_put(excerpt_pen *pen, const char *bytes, excerpt_room need)
{
    memcpy(pen->out->text + pen->used.bytes, bytes, need.bytes);
    excerpt_grow(&pen->used, need);
    pen->out->text[pen->used.bytes] = 0;
}

/* Takes back what is drawn until dots fit. */
static void excerpt_put_cut(excerpt_pen *pen)
{
    pen->used = pen->safe;
    if (pen->to > pen->used.columns)
        pen->to = pen->used.columns;
    excerpt_put(pen, excerpt_cut, excerpt_dots);
}

static void excerpt_put_stars(excerpt_pen *pen, const excerpt_line *line)
{
    static const excerpt_room stars = {EXCERPT_STARS, EXCERPT_STARS};
    if (!pen->placed)
        pen->from = pen->used.columns;
    excerpt_put(pen, excerpt_stars, stars);
    if (!pen->placed || line->place_end > line->end)
        pen->to = pen->used.columns;
    pen->placed = true;
}

/* The units from `at` on; false: they were cut. */
static bool excerpt_put_units(excerpt_pen *pen, const excerpt_line *line, size_t at,
                              excerpt_room room)
{
    char unit[REEF_SHOWN_CHAR];
    excerpt_room need;
    while (at < line->end) {
        size_t size = excerpt_unit(line->text, at, pen->used.columns, unit, &need);
        if (!excerpt_fits(pen->used, need, room))
            return false;
        if (!pen->placed && line->at < at + size) {
            pen->placed = true;
            pen->from = pen->to = pen->used.columns;
        }
        excerpt_put(pen, unit, need);
        if (pen->placed && (at < line->place_end || at <= line->at))
            pen->to = pen->used.columns;
        if (excerpt_fits(pen->used, excerpt_dots, room))
            pen->safe = pen->used;
        at += size;
    }
    return true;
}

static void excerpt_draw_line(reef_excerpt *out, const excerpt_line *line)
{
    excerpt_room room = excerpt_all;
    excerpt_pen pen = {.out = out};
    if (line->stars)
        room = (excerpt_room){room.bytes - EXCERPT_STARS, room.columns - EXCERPT_STARS};
    size_t from = excerpt_from(line, room);
    if (from > line->start)
        excerpt_put(&pen, excerpt_cut, excerpt_dots);
    pen.safe = pen.used;
    if (!excerpt_put_units(&pen, line, from, room))
        excerpt_put_cut(&pen);
    else if (line->stars)
        excerpt_put_stars(&pen, line);
    if (!pen.placed)
        pen.from = pen.to = pen.used.columns;
    out->caret = (uint32_t)pen.from;
    out->width = pen.to > pen.from ? (uint32_t)(pen.to - pen.from) : 1;
}

/* ---- the line ----------------------------------------------------------------- */

static bool excerpt_ends(reef_str text, size_t at)
{
    if (at >= text.len || text.ptr[at] == '\n')
        return true;
    return text.ptr[at] == '\r' && at + 1 < text.len && text.ptr[at + 1] == '\n';
}

/* The beginning of the unit or line's end that a place is in the middle of. */
static size_t excerpt_snap(reef_str text, size_t start, size_t at)
{
    if (at > start && at < text.len && text.ptr[at] == '\n' && text.ptr[at - 1] == '\r')
        return at - 1;
    for (size_t back = 1; back <= 3 && back <= at - start; back++)
        if (reef_utf8_size(text, at - back) > back)
            return at - back;
    return at;
}

static size_t excerpt_starts(const char *bytes, size_t len)
{
    size_t count = 0;
    for (size_t i = 0; i < len; i++)
        count += ((unsigned char)bytes[i] & 0xC0) != 0x80;
    return count;
}

/* Counted as reef_toml_column does, in blocks of a size that the compiler knows, which
 * is several times as fast: a line may have 16 MiB. */
static uint32_t excerpt_column(reef_str text, size_t start, size_t at)
{
    enum { BLOCK = 128 };
    size_t count = 1;
    if (start == at)
        return 1;
    for (; at - start >= BLOCK; start += BLOCK)
        count += excerpt_starts(text.ptr + start, BLOCK);
    return (uint32_t)(count + excerpt_starts(text.ptr + start, at - start));
}

void reef_excerpt_draw(reef_excerpt *out, reef_str text, const reef_toml_mark *mark,
                       size_t size, size_t shown)
{
    size_t at = mark->at < text.len ? mark->at : text.len;
    excerpt_line line = {.text = text, .stars = shown != REEF_EXCERPT_ALL};
    memset(out, 0, sizeof *out);
    line.start = mark->line_at < at ? mark->line_at : at;
    out->line = mark->line;
    out->column = excerpt_column(text, line.start, at);
    at = excerpt_snap(text, line.start, at);
    line.place_end = size < text.len - at ? at + size : text.len;
    line.at = at < shown ? at : shown;
    line.end = line.at; /* never looked for farther than can be shown */
    while (line.end < shown && line.end - line.at < REEF_EXCERPT_TEXT &&
           !excerpt_ends(text, line.end))
        line.end++;
    excerpt_draw_line(out, &line);
}
