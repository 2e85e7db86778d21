/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzzes the command encoder. Input: arguments, each two bytes of length (least first)
 * and as many bytes as there are. What must hold: the wire form, parsed, is an array of
 * exactly these strings, and the command gives them back, too. */
#include "resp/resp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void encode_check(bool good, const char *what)
{
    if (!good) {
        fprintf(stderr, "%s\n", what);
        abort();
    }
}

/* The argument at `*at`, which moves behind it. */
static reef_str encode_argument(const uint8_t *data, size_t size, size_t *at)
{
    size_t len = data[*at] | (size_t)(*at + 1 < size ? data[*at + 1] : 0) << 8;
    size_t begin = *at + 2 < size ? *at + 2 : size;
    len = len < size - begin ? len : size - begin;
    *at = begin + len;
    return (reef_str){(const char *)data + begin, len};
}

static void encode_compare(const reef_cmd *cmd, const uint8_t *data, size_t size)
{
    static reef_parser *p;
    p = p == NULL ? reef_parser_new(NULL, 2) : p;
    encode_check(p != NULL, "out of memory");
    reef_parser_reset(p, 2);
    encode_check(reef_parser_feed(p, reef_cmd_wire(cmd)) == REEF_OK, "out of memory");
    encode_check(reef_parser_next(p) == REEF_PARSE_REPLY, "the wire form is a value");
    const reef_reply *reply = reef_parser_peek(p);
    const reef_node *root = reef_reply_root(reply);
    encode_check(reef_node_kind(root) == REEF_ARRAY, "the wire form is an array");
    encode_check(reef_count(root) == reef_cmd_count(cmd), "as many arguments");
    size_t index = 0;
    for (size_t at = 0; at < size; index++) {
        reef_str argument = encode_argument(data, size, &at);
        const reef_node *node = reef_at(root, index);
        encode_check(reef_node_kind(node) == REEF_STRING, "an argument is a string");
        encode_check(reef_str_equal(reef_text(reply, node), argument), "parsed back");
        if (index < 64) {
            encode_check(reef_str_equal(reef_cmd_at(cmd, index), argument),
                         "read back");
        }
    }
    encode_check(index == reef_cmd_count(cmd), "all arguments");
    encode_check(reef_parser_next(p) == REEF_PARSE_MORE, "nothing behind it");
    encode_check(reef_parser_consumed(p) == reef_cmd_wire(cmd).len, "all of it");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static reef_cmd *cmd; /* kept: a begin must leave nothing of the command before */
    if (size == 0 || cmd == NULL) {
        reef_cmd_free(cmd);
        cmd = reef_cmd_new();
    }
    encode_check(cmd != NULL, "out of memory");
    reef_str key = {NULL, 0};
    reef_str first = {NULL, 0};
    for (size_t at = 0, index = 0; at < size; index++) {
        reef_str argument = encode_argument(data, size, &at);
        if (index == 0) {
            reef_cmd_begin_str(cmd, argument);
        } else if (index % 2 == 1) {
            reef_cmd_key(cmd, argument);
            first = index == 1 ? argument : first;
        } else {
            reef_cmd_arg(cmd, argument);
        }
    }
    if (size == 0) {
        encode_check(reef_cmd_code(cmd) == REEF_BADARG, "an empty command is refused");
        encode_check(reef_cmd_wire(cmd).len == 0, "an empty command has no bytes");
    } else {
        encode_check(reef_cmd_code(cmd) == REEF_OK, "a command is good");
        encode_compare(cmd, data, size);
        bool marked = reef_cmd_slot_key(cmd, &key);
        encode_check(marked == (reef_cmd_count(cmd) > 1), "the key is marked");
        encode_check(!marked || reef_str_equal(key, first), "the first key counts");
    }
    return 0;
}
