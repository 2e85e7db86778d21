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
