/* SPDX-License-Identifier: Apache-2.0
 *
 * One line of RESP: where it ends, and whether it may be that long. `scan` remembers
 * what was looked at, so that no byte is looked at twice, however the line comes. What
 * is wrong first in the stream is told, whatever the pieces: a bare LF or CR, or the
 * byte that is one too many. */
#include "resp/parse.h"

#include "resp/number.h"

#include <string.h>

enum { LINE_LENGTH_MAX = 20 /* digits of a length */ };

reef_step reef_machine_bad(reef_parser *p, reef_code code, const char *text, size_t at)
{
    p->error = code;
    p->error_text = text;
    p->error_at = p->origin + p->start + at;
    return STEP_BAD;
}

/* Bytes of content that a line of this type may have. */
static size_t line_max(const reef_parser *p, const char *line, size_t have)
{
    switch (line[-1]) {
    case ':':
        return REEF_DIGITS_MAX +
               (have > 0 && (line[0] == '-' || line[0] == '+') ? (size_t)1 : 0);
    case '#':
        return 1;
    case '$':
    case '!':
    case '=':
    case '*':
    case '%':
    case '~':
    case '>':
    case '|':
    case ';':
        return LINE_LENGTH_MAX;
    default:
        return p->limits.line;
    }
}

/* What may not be longer by its grammar is wrong; what passed a budget is too much. */
static reef_step line_over(reef_parser *p, bool all, char type, size_t at)
{
    if (all) {
        return reef_machine_bad(p, REEF_LIMIT, "reply too large", at);
    }
    bool budget = strchr("+-_,(.", type) != NULL;
    return reef_machine_bad(p, budget ? REEF_LIMIT : REEF_PROTOCOL, "line too long",
                            at);
}

/* The line behind the type byte at `pos`; moves `pos` behind its CR LF. No byte is
 * looked at twice, however the line comes. */
reef_step reef_machine_line(reef_parser *p, reef_line *out)
{
    const char *line = p->wire.data + p->start + p->pos + 1;
    size_t at = p->pos + 1;
    size_t have = p->wire.len - p->start - at;
    size_t max = line_max(p, line, have);
    size_t left = p->limits.reply_bytes - at - 2;
    bool all = left < max;
    max = all ? left : max;
    size_t end = have <= max ? have : max + 1;
    const char *cr = memchr(line + p->scan, '\r', end - p->scan);
    size_t len = cr == NULL ? end : (size_t)(cr - line);
    const char *lf = memchr(line + p->scan, '\n', len - p->scan);
    if (lf != NULL) {
        return reef_machine_bad(p, REEF_PROTOCOL, "bare LF", at + (size_t)(lf - line));
    }
    if (cr == NULL && len > max) {
        return line_over(p, all, line[-1], at + max);
    }
    if (cr == NULL || len + 1 == have) {
        p->scan = len;
        return STEP_MORE;
    }
    if (line[len + 1] != '\n') {
        return reef_machine_bad(p, REEF_PROTOCOL, "bare CR", at + len);
    }
    *out = (reef_line){line, len, at};
    p->scan = 0;
    p->pos = at + len + 2;
    return STEP_ON;
}

/* Canonical digits; "-1" is left to the callers that have a null. */
reef_step reef_machine_length(reef_parser *p, const reef_line *line, uint64_t *value)
{
    uint64_t n = 0;
    for (size_t i = 0; i < line->len; i++) {
        unsigned digit = (unsigned)(unsigned char)line->text[i] - '0';
        if (digit > 9 || (i == 1 && line->text[0] == '0')) {
            return reef_machine_bad(p, REEF_PROTOCOL, "bad length", line->at + i);
        }
        n = n > (UINT64_MAX - digit) / 10 ? UINT64_MAX : n * 10 + digit;
    }
    *value = n;
    return line->len > 0 ? STEP_ON
                         : reef_machine_bad(p, REEF_PROTOCOL, "bad length", line->at);
}
