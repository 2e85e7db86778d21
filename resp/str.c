/* SPDX-License-Identifier: Apache-2.0
 *
 * Words and the names of codes. Pure: no locale, so letters are ASCII letters. */
#include "resp/resp.h"

#include <string.h>

reef_str reef_str_of(const char *text)
{
    return (reef_str){text, text == NULL ? 0 : strlen(text)};
}

bool reef_str_equal(reef_str a, reef_str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

static char word_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

bool reef_str_is(reef_str word, const char *text)
{
    for (size_t i = 0; i < word.len; i++) {
        if (text[i] == '\0' || word_lower(word.ptr[i]) != word_lower(text[i])) {
            return false;
        }
    }
    return text[word.len] == '\0';
}

static size_t word_least(size_t a, size_t b, size_t c)
{
    size_t least = a < b ? a : b;
    return least < c ? least : c;
}

/* Row by row: rows[i % 3][j] is the distance of the first i letters of `a` from the
 * first j of `b`. */
size_t reef_str_distance(reef_str a, reef_str b)
{
    size_t rows[3][REEF_NEAR_MAX + 1];
    if (a.len > REEF_NEAR_MAX || b.len > REEF_NEAR_MAX)
        return SIZE_MAX;
    for (size_t j = 0; j <= b.len; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= a.len; i++) {
        size_t *row = rows[i % 3], *up = rows[(i + 2) % 3], *up2 = rows[(i + 1) % 3];
        char c = word_lower(a.ptr[i - 1]);
        row[0] = i;
        for (size_t j = 1; j <= b.len; j++) {
            size_t change = up[j - 1] + (c == word_lower(b.ptr[j - 1]) ? 0 : 1);
            row[j] = word_least(up[j] + 1, row[j - 1] + 1, change);
            bool swapped = i > 1 && j > 1 && c == word_lower(b.ptr[j - 2]) &&
                           word_lower(a.ptr[i - 2]) == word_lower(b.ptr[j - 1]);
            if (swapped && up2[j - 2] + 1 < row[j])
                row[j] = up2[j - 2] + 1;
        }
    }
    return rows[a.len % 3][b.len];
}

const char *reef_code_name(reef_code code)
{
    switch (code) {
    case REEF_OK:
        return "ok";
    case REEF_NOT_FOUND:
        return "not found";
    case REEF_CONFLICT:
        return "conflict";
    case REEF_NOMEM:
        return "out of memory";
    case REEF_BADARG:
        return "bad argument";
    case REEF_BADCONFIG:
        return "bad configuration";
    case REEF_LIMIT:
        return "limit passed";
    case REEF_DNS:
        return "name not resolved";
    case REEF_CONNECT:
        return "no connection";
    case REEF_AUTH:
        return "not authorized";
    case REEF_NOROUTE:
        return "no route";
    case REEF_UNSENT:
        return "unsent";
    case REEF_UNSURE:
        return "unsure";
    case REEF_PROTOCOL:
        return "protocol error";
    case REEF_REFUSED:
        return "refused";
    case REEF_CORRUPT:
        return "corrupt";
    }
    return "unknown code";
}
