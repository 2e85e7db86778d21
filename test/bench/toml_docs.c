/* SPDX-License-Identifier: Apache-2.0 */
#include "test/bench/toml_docs.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *docs_room(toml_doc *doc, size_t len)
{
    if (doc->len + len > doc->cap) {
        size_t cap = 2 * doc->cap + len;
        char *more = realloc(doc->ptr, cap);
        if (more == NULL) {
            doc->failed = true;
            return NULL;
        }
        doc->ptr = more;
        doc->cap = cap;
    }
    return doc->ptr + doc->len;
}

static void docs_add(toml_doc *doc, const char *text)
{
    size_t len = strlen(text);
    char *room = docs_room(doc, len);
    if (room != NULL) {
        memcpy(room, text, len);
        doc->len += len;
    }
}

/* `count` times the same. */
static void docs_times(toml_doc *doc, const char *text, size_t count)
{
    while (count-- > 0 && !doc->failed)
        docs_add(doc, text);
}

__attribute__((format(printf, 2, 3))) static void docs_print(toml_doc *doc,
                                                             const char *format, ...)
{
    char line[256];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    docs_add(doc, line);
}

/* ---- as people write it ------------------------------------------------------- */

/* What is there once, with the blocks that reef reads. */
static void docs_head(toml_doc *doc)
{
    docs_add(doc,
             "# knot.toml of a test: the server, and every zone that it looks after\n"
             "license.name = \"Example Ltd.\"\n"
             "license.key = 'ZXhhbXBsZQ=='\n"
             "\n"
             "[log]\n"
             "  level = \"info\"      # debug, info, warn, error\n"
             "\n"
             "[resolver]\n"
             "  nameservers = [\"192.168.0.4:53\", \"consul/192.168.0.4:8600\"]\n"
             "\n"
             "[server]\n"
             "  listen = \"0.0.0.0:3000\"\n"
             "  url = \"https://knot.example.net\"\n"
             "  wildcard_domain = \"*.knot.example.net\"\n"
             "  timezone = \"Europe/Vienna\"\n"
             "\n"
             "  [server.redis]\n"
             "    enabled = true\n"
             "    hosts = [\n"
             "      \"192.168.0.10:6379\",   # the rack on the left\n"
             "      \"192.168.0.11:6379\",\n"
             "      \"192.168.0.12:6379\",   # the one on the right\n"
             "    ]\n"
             "    password = \"\"\n"
             "    db = 0\n");
}

static void docs_zone_server(toml_doc *doc, unsigned zone)
{
    docs_print(doc, "\n# ---- zone %u ----\n[server.zone_%05u]\n", zone, zone);
    docs_print(doc, "  listen = \"0.0.0.0:%u\"\n", 3000 + zone % 1000);
    docs_print(doc, "  listen_agent = \":%u\"\n", 4000 + zone % 1000);
    docs_print(doc, "  url = \"https://z%u.example.net\"\n", zone);
    docs_print(doc, "  wildcard_domain = \"*.z%u.example.net\"\n", zone);
    docs_add(doc, "  # the key that spaces are encrypted with\n");
    docs_print(doc, "  encrypt = 'kQz+%08x/6yV0p3mWc9'\n", zone * 2654435761u);
    docs_add(doc, "  # false where the browsers have no graphics card\n"
                  "  terminal_webgl = true\n"
                  "  html_path = \"\"\n");
    docs_print(doc, "  location = \"rack %u, row %u\"\n", zone % 42, zone % 7);
}

static void docs_zone_stores(toml_doc *doc, unsigned zone)
{
    docs_add(
        doc,
        "\n  # MariaDB, where it is the main storage; its name is looked up as SRV\n");
    docs_print(doc, "  [server.zone_%05u.mysql]\n", zone);
    docs_add(doc, "    enabled = false\n"
                  "    host = \"srv+mysql.service.consul\"\n"
                  "    port = 3306\n"
                  "    user = \"knot\"\n"
                  "    password = \"\"\n"
                  "    database = \"knot\"\n"
                  "    connection_max_idle = 10\n"
                  "    connection_max_open = 100\n");
    docs_print(doc, "\n  [server.zone_%05u.redis]   # sessions, and nothing else\n",
               zone);
    docs_add(doc, "    enabled = true\n"
                  "    hosts = [\n");
    for (unsigned i = 0; i < 1 + zone % 3; i++)
        docs_print(doc, "      \"10.%u.%u.%u:6379\",\n", zone % 250, i, 10 + i);
    docs_add(doc, "    ]\n"
                  "    password = \"\"   # none inside of the zone\n"
                  "    db = 0\n"
                  "    master_name = \"mymaster\"\n");
    docs_print(doc, "    key_prefix = 'z%u:'\n", zone);
    docs_print(doc, "\n  [server.zone_%05u.badgerdb]\n", zone);
    docs_print(doc, "    path = \"/var/lib/knot/z%u\"\n", zone);
}

static void docs_zone_peers(toml_doc *doc, unsigned zone)
{
    docs_print(doc, "\n  [server.zone_%05u.cluster]\n", zone);
    docs_add(doc,
             "    # the same key on every server of the cluster, 32 bytes of base64\n");
    docs_print(doc, "    key = 'c%08x'\n", zone * 2246822519u);
    docs_print(doc,
               "    peers = [\"wss://z%u.example.net\", \"wss://z%u.example.net\"]\n",
               zone + 1, zone + 2);
    docs_add(doc,
             "    # compression = false      # saves a core where the network is fast\n"
             "    bearer_token_rounds = 3\n");
    for (unsigned i = 0; i < zone % 3; i++) {
        docs_print(doc, "\n  [[server.zone_%05u.mcp.remote_servers]]\n", zone);
        docs_print(doc, "    namespace = \"tools%u\"\n", i);
        docs_print(doc, "    url = \"https://mcp%u.example.net/z%u\"\n", i, zone);
        docs_add(doc, "    token = ''\n"
                      "    hidden = false\n");
    }
}

/* What is left of the size, as comments. */
static void docs_fill(toml_doc *doc, size_t size)
{
    while (!doc->failed && doc->len < size) {
        size_t line = size - doc->len < 40 ? size - doc->len : 40;
        char *room = docs_room(doc, line);
        if (room == NULL)
            return;
        memset(room, '-', line);
        room[0] = line == 1 ? '\n' : '#';
        room[line - 1] = '\n';
        doc->len += line;
    }
}

void toml_doc_knot(toml_doc *doc, size_t size)
{
    docs_head(doc);
    size_t good = doc->len;
    for (unsigned zone = 1; !doc->failed && doc->len <= size; zone++) {
        good = doc->len;
        docs_zone_server(doc, zone);
        docs_zone_stores(doc, zone);
        docs_zone_peers(doc, zone);
    }
    doc->len = good;
    docs_fill(doc, size);
}

/* ---- as nobody writes it ------------------------------------------------------ */

void toml_doc_keys(toml_doc *doc, size_t count)
{
    for (size_t i = 0; i < count; i++)
        docs_print(doc, "key_%05zu = 1\n", i);
}

void toml_doc_tables(toml_doc *doc, size_t count)
{
    for (size_t i = 0; i < count; i++)
        docs_print(doc, "[table_%05zu]\n", i);
}

void toml_doc_elements(toml_doc *doc, size_t count)
{
    docs_times(doc, "[[t]]\n", count);
}

void toml_doc_parts(toml_doc *doc, size_t count)
{
    docs_times(doc, "a.", count - 1);
    docs_add(doc, "a = 1\n");
}

void toml_doc_brackets(toml_doc *doc, size_t count)
{
    docs_add(doc, "a = ");
    docs_times(doc, "[", count);
}

void toml_doc_array(toml_doc *doc, size_t count)
{
    docs_add(doc, "a = [");
    docs_times(doc, "'a',", (count - 8) / 4);
    docs_add(doc, "]\n");
}

void toml_doc_text(toml_doc *doc, size_t count)
{
    docs_add(doc, "a = \"");
    docs_times(doc, "aaaaaaaa", (count - 8) / 8);
    docs_add(doc, "\"\n");
}
