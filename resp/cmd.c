/* SPDX-License-Identifier: Apache-2.0
 *
 * Commands, encoded as they are built. The wire form begins inside a gap at the front,
 * because the count of arguments, which comes first, is known last: each argument
 * rewrites those few bytes, right-aligned before the first "$". So the wire form is
 * always ready and nothing moves.
 * Keys are remembered by their places, the first one in the command itself: what has
 * one key, or none, needs no more memory for it.
 *
 * Invariant: while the command is good and count > 0, wire.data[start..len) is its wire
 * form. Bytes may be a password: they are wiped before their memory goes back. */
#include "resp/resp.h"

#include "resp/buf.h"
#include "resp/number.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
    CMD_GAP = 16,         /* "*1048576\r\n" is 10 bytes */
    CMD_HEAD = 24,        /* "$", the digits of a length, and two CR LF, and some */
    CMD_CAP_MIN = 512,    /* first reservation */
    CMD_CAP_IDLE = 16384, /* a larger buffer goes back at the next begin */
    CMD_KEYS_MIN = 8      /* places of keys in the first reservation */
};

/* Where a key's bytes stand: a command has less than 4 GiB. */
typedef struct cmd_place {
    uint32_t at, len;
} cmd_place;

struct reef_cmd {
    reef_buf wire;
    size_t start;
    size_t count;
    size_t key_at; /* where the first key's bytes begin; 0: none was marked */
    size_t key_len;
    reef_buf more; /* a cmd_place for each key after the first */
    reef_code code;
    bool repeatable;
};

reef_cmd *reef_cmd_new(void)
{
    reef_cmd *cmd = malloc(sizeof *cmd);
    if (cmd != NULL) {
        *cmd = (reef_cmd){.code = REEF_OK};
    }
    return cmd;
}

void reef_cmd_free(reef_cmd *cmd)
{
    if (cmd == NULL) {
        return;
    }
    reef_wipe(cmd->wire.data, cmd->wire.cap);
    reef_buf_free(&cmd->wire);
    reef_buf_free(&cmd->more);
    free(cmd);
}

/* ---- building ----------------------------------------------------------------- */

static bool cmd_fail(reef_cmd *cmd, reef_code code)
{
    cmd->code = code;
    return false;
}

/* A larger buffer, up to what a command may have. */
static bool cmd_grow(reef_cmd *cmd, size_t len)
{
    size_t used = cmd->wire.len < CMD_GAP ? CMD_GAP : cmd->wire.len;
    if (len > REEF_CMD_MAX - used) {
        return cmd_fail(cmd, REEF_LIMIT);
    }
    size_t cap = used + len + CMD_HEAD;
    cap = cap < used * 2 ? used * 2 : cap;
    cap = cap < CMD_CAP_MIN ? CMD_CAP_MIN : cap;
    return reef_buf_resize_secret(&cmd->wire, cap) || cmd_fail(cmd, REEF_NOMEM);
}

/* May an argument be added, and is there room for it? */
static bool cmd_reserve(reef_cmd *cmd, size_t len)
{
    if (cmd->code != REEF_OK) {
        return false;
    }
    if (cmd->count == REEF_CMD_ARGS) {
        return cmd_fail(cmd, REEF_LIMIT);
    }
    size_t room = cmd->wire.cap - cmd->wire.len;
    return (room >= CMD_HEAD && len <= room - CMD_HEAD) || cmd_grow(cmd, len);
}

/* A number of up to two digits by hand: most are. Gives the end. */
static inline char *cmd_digits(char *at, size_t n)
{
    if (n < 10) {
        *at = (char)('0' + n);
        return at + 1;
    }
    if (n < 100) {
        at[0] = (char)('0' + n / 10);
        at[1] = (char)('0' + n % 10);
        return at + 2;
    }
    char digits[REEF_DIGITS_MAX];
    char *end = digits + sizeof digits;
    const char *first = reef_number_write(end, n);
    size_t len = (size_t)(end - first);
    memcpy(at, first, len);
    return at + len;
}

/* The head of the wire form, for the count that now holds. */
static inline void cmd_head(reef_cmd *cmd)
{
    char *end = cmd->wire.data + CMD_GAP;
    char *at = end - 4;
    if (cmd->count < 10) {
        at[1] = (char)('0' + cmd->count);
    } else {
        at = reef_number_write(end - 2, cmd->count) - 1;
    }
    *at = '*';
    end[-2] = '\r';
    end[-1] = '\n';
    cmd->start = (size_t)(at - cmd->wire.data);
}

/* Appends an argument; gives where its bytes begin, 0 when it could not be. */
static size_t cmd_append(reef_cmd *cmd, const char *bytes, size_t len)
{
    if (!cmd_reserve(cmd, len)) {
        return 0;
    }
    char *at = cmd->wire.data + cmd->wire.len;
    *at = '$';
    at = cmd_digits(at + 1, len);
    at[0] = '\r';
    at[1] = '\n';
    at += 2;
    if (len > 0) {
        memcpy(at, bytes, len);
    }
    at[len] = '\r';
    at[len + 1] = '\n';
    size_t begin = (size_t)(at - cmd->wire.data);
    cmd->wire.len = begin + len + 2;
    cmd->count++;
    cmd_head(cmd);
    if (cmd->wire.len - cmd->start > REEF_CMD_MAX) {
        cmd_fail(cmd, REEF_LIMIT);
        return 0;
    }
    return begin;
}

/* A first argument before any name would become the name. */
static size_t cmd_add(reef_cmd *cmd, const char *bytes, size_t len)
{
    if (cmd->count == 0 && cmd->code == REEF_OK) {
        cmd_fail(cmd, REEF_BADARG);
    }
    return cmd_append(cmd, bytes, len);
}

/* Wipes the command before: the next one may not cover its bytes. */
static void cmd_forget(reef_cmd *cmd)
{
    if (cmd->wire.cap > CMD_CAP_IDLE) {
        reef_wipe(cmd->wire.data, cmd->wire.len);
        reef_buf_free(&cmd->wire);
    } else if (cmd->wire.len > 0) {
        memset(cmd->wire.data, 0, cmd->wire.len); /* still the command's: no call to
                                                     reef_wipe is needed */
    }
    if (cmd->more.cap > CMD_CAP_IDLE) {
        reef_buf_free(&cmd->more);
    }
    cmd->more.len = 0;
}

void reef_cmd_begin_str(reef_cmd *cmd, reef_str name)
{
    cmd_forget(cmd);
    cmd->wire.len = 0;
    cmd->count = 0;
    cmd->key_at = 0;
    cmd->code = REEF_OK;
    cmd->repeatable = false;
    if (name.ptr == NULL) {
        cmd_fail(cmd, REEF_BADARG);
        return;
    }
    if (cmd->wire.cap == 0 && !cmd_grow(cmd, 0)) {
        return;
    }
    cmd->wire.len = CMD_GAP;
    cmd_append(cmd, name.ptr, name.len);
}

void reef_cmd_begin(reef_cmd *cmd, const char *name)
{
    reef_cmd_begin_str(cmd, reef_str_of(name));
}

void reef_cmd_arg(reef_cmd *cmd, reef_str arg)
{
    cmd_add(cmd, arg.ptr, arg.len);
}

/* Another key than the first. Without its place the command could go to a node that has
 * not all of its keys, so being out of memory ends the command. */
static void cmd_mark(reef_cmd *cmd, size_t at, size_t len)
{
    const cmd_place place = {(uint32_t)at, (uint32_t)len};
    size_t used = cmd->more.len;
    if (cmd->more.cap - used < sizeof place) {
        size_t cap = used == 0 ? CMD_KEYS_MIN * sizeof place : used * 2;
        if (!reef_buf_resize(&cmd->more, cap)) {
            cmd_fail(cmd, REEF_NOMEM);
            return;
        }
    }
    memcpy(cmd->more.data + used, &place, sizeof place);
    cmd->more.len = used + sizeof place;
}

void reef_cmd_key(reef_cmd *cmd, reef_str key)
{
    size_t at = cmd_add(cmd, key.ptr, key.len);
    if (at == 0) {
        return;
    }
    if (cmd->key_at != 0) {
        cmd_mark(cmd, at, key.len);
        return;
    }
    cmd->key_at = at;
    cmd->key_len = key.len;
}

void reef_cmd_text(reef_cmd *cmd, const char *text)
{
    reef_cmd_arg(cmd, reef_str_of(text));
}

void reef_cmd_int(reef_cmd *cmd, int64_t n)
{
    char digits[REEF_DIGITS_MAX + 1];
    char *end = digits + sizeof digits;
    uint64_t size = n < 0 ? 0 - (uint64_t)n : (uint64_t)n;
    char *first = reef_number_write(end, size);
    if (n < 0) {
        *--first = '-';
    }
    cmd_add(cmd, first, (size_t)(end - first));
}

void reef_cmd_repeatable(reef_cmd *cmd)
{
    cmd->repeatable = true;
}

/* ---- reading back ------------------------------------------------------------- */

reef_code reef_cmd_code(const reef_cmd *cmd)
{
    return cmd->code == REEF_OK && cmd->count == 0 ? REEF_BADARG : cmd->code;
}

reef_str reef_cmd_wire(const reef_cmd *cmd)
{
    if (reef_cmd_code(cmd) != REEF_OK) {
        return (reef_str){NULL, 0};
    }
    return (reef_str){cmd->wire.data + cmd->start, cmd->wire.len - cmd->start};
}

size_t reef_cmd_count(const reef_cmd *cmd)
{
    return cmd->count;
}

/* Our own bytes: well formed by construction. */
reef_str reef_cmd_at(const reef_cmd *cmd, size_t index)
{
    if (index >= cmd->count || reef_cmd_code(cmd) != REEF_OK) {
        return (reef_str){NULL, 0};
    }
    const char *at = cmd->wire.data + CMD_GAP;
    for (;; index--) {
        size_t len = 0;
        for (at++; *at != '\r'; at++) {
            len = len * 10 + (size_t)(*at - '0');
        }
        at += 2;
        if (index == 0) {
            return (reef_str){at, len};
        }
        at += len + 2;
    }
}

bool reef_cmd_slot_key(const reef_cmd *cmd, reef_str *key)
{
    if (cmd->key_at == 0 || reef_cmd_code(cmd) != REEF_OK) {
        return false;
    }
    *key = (reef_str){cmd->wire.data + cmd->key_at, cmd->key_len};
    return true;
}

bool reef_cmd_only_key(const reef_cmd *cmd, reef_str *key, size_t *at)
{
    if (cmd->key_at == 0 || cmd->more.len > 0 || reef_cmd_code(cmd) != REEF_OK) {
        return false;
    }
    *key = (reef_str){cmd->wire.data + cmd->key_at, cmd->key_len};
    *at = cmd->key_at - cmd->start;
    return true;
}

size_t reef_cmd_keys(const reef_cmd *cmd)
{
    if (cmd->key_at == 0 || reef_cmd_code(cmd) != REEF_OK) {
        return 0;
    }
    return 1 + cmd->more.len / sizeof(cmd_place);
}

reef_str reef_cmd_key_at(const reef_cmd *cmd, size_t index)
{
    cmd_place place = {(uint32_t)cmd->key_at, (uint32_t)cmd->key_len};
    if (index >= reef_cmd_keys(cmd)) {
        return (reef_str){NULL, 0};
    }
    if (index > 0) {
        memcpy(&place, cmd->more.data + (index - 1) * sizeof place, sizeof place);
    }
    return (reef_str){cmd->wire.data + place.at, place.len};
}

bool reef_cmd_is_repeatable(const reef_cmd *cmd)
{
    return cmd->repeatable;
}
