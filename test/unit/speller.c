/* SPDX-License-Identifier: Apache-2.0
 *
 * speller: how it is made.
 *
 * A block such as server.redis is a path of names. Some of its first names go into a
 * header, some more may stand before an inline table, the others before each key; so
 * two numbers tell where a block is spread. The pieces of a table (a setting, a whole
 * block, somebody else's key) come in a random order, and so do the tables. */
#include "test/unit/speller.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

enum { BLOCK_NAMES = 2, BLOCKS = 2, PIECES = 48 };

/* Where the settings of one block stand. */
typedef struct block {
    const char *path; /* "server.redis" */
    const char *names[BLOCK_NAMES];
    size_t count;
    size_t header;  /* names in the header */
    size_t inlined; /* names before the inline table; 0: there is none */
    bool nested;    /* in the inline table stands another one */
} block;

static void spell_shuffle(spelled *s, size_t order[PIECES], size_t count)
{
    for (size_t i = 0; i < count; i++) {
        size_t j = spell_pick(s, i + 1);
        order[i] = i;
        order[i] = order[j];
        order[j] = i;
    }
}

/* ---- keys and tables ---------------------------------------------------------- */

/* The names of a block in from..to, then `key`, which may be NULL. */
static void spell_path(spelled *s, const block *b, size_t from, size_t to,
                       const char *key)
{
    for (size_t i = from; i < to; i++) {
        if (i > from)
            spell_add(s, ".");
        spell_blanks(s);
        spell_part(s, b->names[i]);
        spell_blanks(s);
    }
    if (key == NULL)
        return;
    if (to > from)
        spell_add(s, ".");
    spell_blanks(s);
    spell_part(s, key);
    spell_blanks(s);
}

static void spell_is(spelled *s)
{
    spell_add(s, "=");
    spell_blanks(s);
}

/* What a table holds: settings of blocks, whole blocks, and other people's keys. */
typedef struct piece {
    const block *block;
    size_t setting;    /* REEF_SETTINGS: the whole block */
    const char *other; /* "key = value"; the block, if there is one, goes before it */
} piece;

typedef struct pieces {
    size_t count;
    piece of[PIECES];
} pieces;

static void piece_add(pieces *p, piece one)
{
    assert(p->count < PIECES);
    p->of[p->count++] = one;
}

static bool block_has(const block *b, const wishes *w, size_t setting)
{
    const char *name = reef_setting_name((reef_setting)setting);
    size_t len = strlen(b->path);
    return w->of[setting].set && strncmp(name, b->path, len) == 0 && name[len] == '.';
}

static void piece_add_settings(pieces *p, const block *b, const wishes *w)
{
    for (size_t i = 0; i < REEF_SETTINGS; i++)
        if (block_has(b, w, i))
            piece_add(p, (piece){b, i, NULL});
}

static const char *const other_in_server[] = {
    "listen = ':3000'", "chat.prompt = '''\n[server.redis]\ndb = 99\n'''",
    "'redis.db' = 99", "tls = { redis.db = 99, redis.hosts = [] }"};

/* Some of other people's keys; below the block's first name where they stand outside of
 * it. */
static void piece_add_others(pieces *p, spelled *s, const block *below,
                             const char *const others[], size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (spell_once_in(s, 3))
            piece_add(p, (piece){below, 0, others[i]});
}

/* A setting whose block's first `from` names are where it stands. */
static void spell_setting(spelled *s, const wishes *w, const block *b, size_t from,
                          size_t setting)
{
    const char *key = strrchr(reef_setting_name((reef_setting)setting), '.') + 1;
    spell_path(s, b, from, b->count, key);
    spell_is(s);
    spell_value(s, &w->of[setting]);
}

/* { ... } with the pieces, all of one block, in any order. */
static void spell_inline(spelled *s, const wishes *w, const pieces *p, size_t from)
{
    size_t order[PIECES];
    spell_shuffle(s, order, p->count);
    spell_add(s, "{");
    for (size_t i = 0; i < p->count; i++) {
        const piece *one = &p->of[order[i]];
        spell_gap(s);
        if (one->other != NULL)
            spell_add(s, one->other);
        else
            spell_setting(s, w, one->block, from, one->setting);
        spell_gap(s);
        if (i + 1 < p->count || spell_once_in(s, 2))
            spell_add(s, ",");
    }
    if (p->count > 0)
        spell_gap(s);
    else
        spell_blanks(s);
    spell_add(s, "}");
}

/* A block with an inline table, and perhaps one more in that. */
static void spell_block(spelled *s, const wishes *w, const block *b)
{
    pieces inside = {0};
    size_t at = b->inlined;
    piece_add_settings(&inside, b, w);
    spell_path(s, b, b->header, at, NULL);
    spell_is(s);
    if (at < b->count && b->nested) {
        spell_add(s, "{");
        spell_gap(s);
        spell_path(s, b, at, b->count, NULL);
        spell_is(s);
        spell_inline(s, w, &inside, b->count);
        spell_gap(s);
        spell_add(s, "}");
        return;
    }
    if (at < b->count)
        piece_add_others(&inside, s, NULL, other_in_server,
                         SPELL_COUNT(other_in_server));
    spell_inline(s, w, &inside, at);
}

static void spell_pieces(spelled *s, const wishes *w, const pieces *p)
{
    size_t order[PIECES];
    spell_shuffle(s, order, p->count);
    for (size_t i = 0; i < p->count; i++) {
        const piece *one = &p->of[order[i]];
        s->lines = spell_once_in(s, 2);
        if (one->other != NULL) {
            if (one->block != NULL) {
                spell_part(s, one->block->names[0]);
                spell_add(s, ".");
            }
            spell_add(s, one->other);
        } else if (one->setting == REEF_SETTINGS) {
            spell_block(s, w, one->block);
        } else {
            spell_setting(s, w, one->block, one->block->header, one->setting);
        }
        spell_line_end(s);
    }
}

/* ---- documents ---------------------------------------------------------------- */

static const char *const other_keys[] = {
    "hosts = ['decoy:1', 1.5, 07:32]",
    "'server.redis' = { db = 99 }",
    "\"server.redis.password\" = 'decoy'",
    "deep.server.redis.db = 99",
    "raw = '''\n[server.redis]\ndb = 99\n'''",
    "joined = \"\"\"\\\n  [server.redis]\n  password = \\\"decoy\\\" \"\"\"",
    "list = [ { server.redis.db = 99 }, [ { server = { redis = {} } } ] ]",
    "\"server \".redis.db = 99"};

static const char *const other_tables[] = {
    "[other.server.redis]\nhosts = 'decoy'\npassword = 99\n",
    "[other]\nredis.db = 99\n",
    "['server.redis.db']\ndb = 99\n",
    "[[fleet]]\nserver.redis.db = 99\n",
    ("[[fleet]]\n[fleet.server.redis]\ndb = 99\n"
     "[fleet.server]\nlisten = 1979-05-27 07:32:00Z\n"),
    "[Server.Redis]\ndb = 99\n",
    "[redis]\nhosts = nan\n",
    "[''.server.redis]\ndb = 99\n",
    "[text]\ns = \"\"\"\n[server.redis]\ndb = 99\n\"\"\"\nt = '''\n]]\n'''\n",
    "[a.b]\nresolver.nameservers = ['decoy']\n[a]\n[a.c]\n"};

static const char *const other_tables_in_server[] = {
    "[server.agent]\nredis.db = 99\n", "[server.mysql.redis]\ndb = 99\n",
    "[[server.peers]]\nredis = { db = 99 }\n",
    "[[server.peers]]\n[server.peers.redis.server]\n"};

/* A part of the document behind its first keys. */
typedef struct section {
    const block *block; /* the header has the first names of it */
    pieces pieces;
    const char *other; /* somebody else's; as it stands */
} section;

typedef struct sections {
    size_t count;
    section of[PIECES];
} sections;

static void section_add_others(sections *all, spelled *s, const char *const others[],
                               size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (spell_once_in(s, 3))
            all->of[all->count++].other = others[i];
}

/* Where a block is spread. */
static block block_any(spelled *s, const char *path, const char *first,
                       const char *second)
{
    block b = {.path = path, .names = {first, second}, .count = second ? 2 : 1};
    b.header = spell_pick(s, b.count + 1);
    if (b.header < b.count && spell_once_in(s, 2))
        b.inlined = b.header + 1 + spell_pick(s, b.count - b.header);
    b.nested = spell_once_in(s, 2);
    return b;
}

static void block_put(pieces *p, const block *b, const wishes *w)
{
    if (b->inlined > 0)
        piece_add(p, (piece){b, REEF_SETTINGS, NULL});
    else
        piece_add_settings(p, b, w);
}

/* Other people's keys and tables in [server], where it is open to them. */
static void server_put_others(pieces *top, sections *all, spelled *s, const block *b)
{
    if (b->header == 0 && b->inlined == 1)
        return;
    section_add_others(all, s, other_tables_in_server,
                       SPELL_COUNT(other_tables_in_server));
    if (b->header == 0) {
        piece_add_others(top, s, b, other_in_server, SPELL_COUNT(other_in_server));
        return;
    }
    section *own = &all->of[0]; /* the block's */
    if (b->header == b->count) {
        if (spell_once_in(s, 2))
            return;
        static const block server = {"server", {"server"}, 1, 1, 0, false};
        own = &all->of[all->count++];
        own->block = &server;
    }
    piece_add_others(&own->pieces, s, NULL, other_in_server,
                     SPELL_COUNT(other_in_server));
}

static void spell_section(spelled *s, const wishes *w, const section *one)
{
    spell_blanks(s);
    if (one->other != NULL) {
        spell_add(s, one->other);
        return;
    }
    spell_add(s, "[");
    spell_path(s, one->block, 0, one->block->header, NULL);
    spell_add(s, "]");
    spell_line_end(s);
    spell_pieces(s, w, &one->pieces);
}

static void spell_all(spelled *s, const wishes *w, const pieces *top,
                      const sections *all)
{
    size_t order[PIECES];
    if (spell_once_in(s, 8))
        spell_bytes(s, "\xEF\xBB\xBF", 3);
    if (spell_once_in(s, 2))
        spell_line_end(s);
    spell_pieces(s, w, top);
    spell_shuffle(s, order, all->count);
    for (size_t i = 0; i < all->count; i++)
        spell_section(s, w, &all->of[order[i]]);
    if (spell_once_in(s, 4))
        spell_comment(s);
}

void spell_any(spelled *s, const wishes *w, uint64_t seed, bool alone)
{
    static sections all;
    pieces top = {0};
    s->random = seed;
    s->len = 0;
    s->crlf = spell_once_in(s, 3);
    memset(&all, 0, sizeof all);
    block blocks[BLOCKS];
    blocks[0] = block_any(s, "server.redis", "server", "redis");
    blocks[1] = block_any(s, "resolver", "resolver", NULL);
    for (size_t i = 0; i < BLOCKS; i++) {
        section *own = &all.of[all.count];
        if (blocks[i].header > 0) {
            own->block = &blocks[i];
            all.count++;
        }
        block_put(own->block != NULL ? &own->pieces : &top, &blocks[i], w);
    }
    if (!alone) {
        server_put_others(&top, &all, s, &blocks[0]);
        piece_add_others(&top, s, NULL, other_keys, SPELL_COUNT(other_keys));
        section_add_others(&all, s, other_tables, SPELL_COUNT(other_tables));
    }
    spell_all(s, w, &top, &all);
}

/* ---- the plain one ------------------------------------------------------------ */

static void plain_text(spelled *s, const char *text)
{
    char escape[8];
    spell_add(s, "\"");
    for (; *text != 0; text++) {
        unsigned char c = (unsigned char)*text;
        snprintf(escape, sizeof escape, "\\u%04X", c);
        if (c < 0x20 || c == 0x7F || c == '"' || c == '\\')
            spell_add(s, escape);
        else
            spell_bytes(s, text, 1);
    }
    spell_add(s, "\"");
}

static void plain_value(spelled *s, const wish *w)
{
    char number[24];
    snprintf(number, sizeof number, "%llu", (unsigned long long)w->number);
    if (w->kind == REEF_KIND_FLAG)
        spell_add(s, w->number > 0 ? "true" : "false");
    else if (w->is_number)
        spell_add(s, number);
    else if (!w->is_list)
        plain_text(s, w->texts[0]);
    for (size_t i = 0; w->is_list && i < w->count; i++) {
        spell_add(s, i == 0 ? "[" : ", ");
        plain_text(s, w->texts[i]);
    }
    spell_add(s, w->is_list ? "]\n" : "\n");
}

void spell_plain(spelled *s, const wishes *w)
{
    static const block blocks[BLOCKS] = {{.path = "server.redis"},
                                         {.path = "resolver"}};
    s->crlf = false;
    s->len = 0;
    for (size_t b = 0; b < BLOCKS; b++) {
        spell_add(s, "[");
        spell_add(s, blocks[b].path);
        spell_add(s, "]\n");
        for (size_t i = 0; i < REEF_SETTINGS; i++) {
            if (!block_has(&blocks[b], w, i))
                continue;
            spell_add(s, strrchr(reef_setting_name((reef_setting)i), '.') + 1);
            spell_add(s, " = ");
            plain_value(s, &w->of[i]);
        }
    }
}
