/* SPDX-License-Identifier: Apache-2.0
 *
 * says_kit: replies made of a line of text, and places held against one. */
#include "test/unit/says_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { WIRE_MAX = 65536 };

static size_t wire_part(char *out, const char *part, size_t len)
{
    bool number = len > 1 && part[0] == ':' && part[1] != ':';
    bool line = number || (len > 0 && strchr("*%>~_$", part[0]) != NULL);
    size_t at = line ? 0 : (size_t)sprintf(out, "$%zu\r\n", len);
    for (size_t i = 0; i < len; i++)
        out[at++] = (char)(part[i] == '^' ? 0 : part[i]);
    return at + (size_t)sprintf(out + at, "\r\n");
}

static reef_reply *parsed(const char *bytes, size_t len, int proto)
{
    reef_parser *parser = reef_parser_new(NULL, proto);
    assert_non_null(parser);
    assert_int_equal(reef_parser_feed(parser, (reef_str){bytes, len}), REEF_OK);
    reef_parse step = reef_parser_next(parser);
    if (step != REEF_PARSE_REPLY && step != REEF_PARSE_PUSH)
        fail_msg("no reply: %s", bytes);
    reef_reply *reply = reef_parser_take(parser);
    assert_non_null(reply);
    assert_int_equal(reef_parser_next(parser), REEF_PARSE_MORE);
    assert_false(reef_parser_inside(parser));
    reef_parser_free(parser);
    return reply;
}

reef_reply *made(int proto, const char *parts)
{
    static char wire[WIRE_MAX];
    size_t len = 0;
    const char *bar;
    do {
        bar = strchr(parts, '|');
        size_t size = bar != NULL ? (size_t)(bar - parts) : strlen(parts);
        assert_true(len + size + 32 < sizeof wire);
        len += wire_part(wire + len, parts, size);
        parts += size + 1;
    } while (bar != NULL);
    return parsed(wire, len, proto);
}

reef_reply *raw(int proto, const char *bytes)
{
    return parsed(bytes, strlen(bytes), proto);
}

void spoil(void *memory, size_t size)
{
    memset(memory, 'x', size);
}

void check_place(const char *what, const reef_place *place, const char *want)
{
    char text[REEF_PEER_TEXT] = "";
    if (place->port != 0)
        reef_place_text(place, text);
    else
        assert_string_equal(place->host, "");
    if (strcmp(text, want) != 0)
        fail_msg("%s: want %s, got %s", what, want, text);
}
