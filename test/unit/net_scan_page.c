/* SPDX-License-Identifier: Apache-2.0
 *
 * net/scan_page.c against a scripted server: pages with the process that gave them, a
 * server that restarts or lets nobody ask who it is, answers of other forms, and one
 * that never comes to an end. */
#include "net/scan.h"
#include "test/tool/temporary.h"
#include "test/unit/net_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

enum { PAGE_OUT = 4096 };

/* ---- a server with pages ------------------------------------------------------ */

typedef struct page_book {
    const char *const *pages; /* "cursor key key"; a page's number is its cursor */
    size_t count;
    const char *refuses; /* this command is not permitted */
    bool full;           /* nothing is put into a queue: there is no memory */
    size_t restarts;     /* after so many pages another process answers; 0: never */
    bool endless;        /* "0" is never said */
    size_t given;
    char last[256]; /* the arguments of the last SCAN, but its cursor */
} page_book;

static size_t page_text(page_book *book, const peer_link *link, char *out, size_t cap)
{
    size_t number = strtoul(link->args[1], NULL, 10), keys = 0, len = 0;
    char copy[256], *rest = copy, body[512] = "";
    snprintf(copy, sizeof copy, "%s", book->pages[number % book->count]);
    const char *cursor = strtok_r(copy, " ", &rest);
    for (const char *key; (key = strtok_r(NULL, " ", &rest)) != NULL; keys++)
        len += (size_t)snprintf(body + len, sizeof body - len, "$%zu\r\n%s\r\n",
                                strlen(key), key);
    book->last[0] = '\0';
    for (size_t i = 2; i < link->count; i++)
        snprintf(book->last + strlen(book->last),
                 sizeof book->last - strlen(book->last), "%s ", link->args[i]);
    book->given++;
    return (size_t)snprintf(out, cap, "*2\r\n$%zu\r\n%s\r\n*%zu\r\n%s", strlen(cursor),
                            cursor, keys, body);
}

/* The process's id as INFO tells it, with decoys. */
static void page_info(const page_book *book, char *out, size_t cap)
{
    char text[128];
    bool other = book->restarts > 0 && book->given > book->restarts;
    snprintf(text, sizeof text, "# Server\r\nnot_run_id:x\r\nrun_id:%s\r\nport:1\r\n",
             other ? "bbbb" : "aaaa");
    snprintf(out, cap, "$%zu\r\n%s\r\n", strlen(text), text);
}

/* The answer to one command. Those of a MULTI go out together with its EXEC's. */
static void page_answer(page_book *book, const peer_link *link, bool *inside,
                        bool *spoiled, char *out)
{
    static char page[2048];
    char info[256];
    out[0] = '\0';
    if (peer_is(link, "SCAN"))
        page_text(book, link, page, sizeof page);
    if (book->refuses != NULL && peer_is(link, book->refuses)) {
        *spoiled = true;
        snprintf(out, PAGE_OUT, "-NOPERM this user has no permissions\r\n");
    } else if (book->full && *inside && !peer_is(link, "EXEC")) {
        *spoiled = true;
        snprintf(out, PAGE_OUT, "-OOM command not allowed when used memory > 'x'\r\n");
    } else if (peer_is(link, "MULTI")) {
        *inside = true;
        snprintf(out, PAGE_OUT, "+OK\r\n");
    } else if (peer_is(link, "EXEC") && *spoiled) {
        snprintf(out, PAGE_OUT, "-EXECABORT Transaction discarded\r\n");
        *inside = *spoiled = false;
    } else if (peer_is(link, "EXEC")) {
        page_info(book, info, sizeof info);
        snprintf(out, PAGE_OUT, "*2\r\n%s%s", page, info);
        *inside = false;
    } else if (*inside) {
        snprintf(out, PAGE_OUT, "+QUEUED\r\n");
    } else if (peer_is(link, "SCAN")) {
        snprintf(out, PAGE_OUT, "%s", page);
    }
}

static void page_serve(peer_link *link)
{
    char out[PAGE_OUT], all[2 * PAGE_OUT] = "";
    bool inside = false, spoiled = false;
    while (peer_next(link)) {
        page_answer(link->argument, link, &inside, &spoiled, out);
        snprintf(all + strlen(all), sizeof all - strlen(all), "%s", out);
        if (all[0] == '\0') {
            answer(link);
        } else if (!inside) {
            peer_write(link, all);
            all[0] = '\0';
        }
    }
}

/* What the walk gives, "a b c", and how it ends. */
static reef_code page_walk(reef_client *client, const reef_scan_options *options,
                           char *out, size_t cap, reef_error *error)
{
    reef_str key;
    reef_code code;
    size_t len = 0;
    reef_scan *scan = reef_scan_new(client, options, error);
    assert_non_null(scan);
    out[0] = '\0';
    while ((code = reef_scan_next(scan, LONG_MS, &key, error)) == REEF_OK)
        len += (size_t)snprintf(out + len, cap - len, "%.*s ", (int)key.len, key.ptr);
    reef_scan_free(scan);
    return code;
}

static void page_gives(page_book *book, const reef_scan_options *options,
                       reef_code want_code, const char *want)
{
    char out[1024];
    reef_error error;
    peer *p = peer_start(page_serve, book, NULL);
    reef_client *client = open_peer(p);
    assert_int_equal(page_walk(client, options, out, sizeof out, &error), want_code);
    assert_string_equal(out, want);
    assert_int_equal(error.code, want_code);
    assert_true(strlen(error.text) > 0);
    reef_close(client);
    peer_stop(p);
}

/* ---- tests -------------------------------------------------------------------- */

static void pages_follow_their_cursors(void **state)
{
    const char *const pages[] = {"2 a b", "0 e a", "3", "1 c d b"};
    page_book book = {.pages = pages, .count = 4};
    const reef_scan_options options = {
        .match = {"x*\0y", 4}, .type = {"string", 6}, .count = 7};
    (void)state;
    page_gives(&book, NULL, REEF_NOT_FOUND, "a b c d e ");
    assert_string_equal(book.last, "COUNT 1000 ");
    assert_int_equal(book.given, 4);
    page_gives(&book, &options, REEF_NOT_FOUND, "a b c d e ");
    const char *const zero[] = {"01 a", "000 b"};
    page_gives(&(page_book){.pages = zero, .count = 2}, NULL, REEF_NOT_FOUND, "a b ");
    assert_string_equal(book.last, "MATCH x* COUNT 7 TYPE string ");
}

static void a_server_that_restarts_is_walked_again(void **state)
{
    const char *const pages[] = {"1 a", "2 b", "3 c", "0 d"};
    (void)state;
    for (size_t after = 1; after <= 4; after++) {
        page_book book = {.pages = pages, .count = 4, .restarts = after};
        page_gives(&book, NULL, REEF_NOT_FOUND, "a b c d ");
        assert_int_equal(book.given, after < 4 ? after + 1 + 4 : 4);
    }
}

/* Whoever may not ask for more gets the pages alone. */
static void what_is_refused_beside_scan_is_left_out(void **state)
{
    const char *const names[] = {"INFO", "MULTI"};
    const char *const pages[] = {"1 a", "0 b"};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        page_book book = {.pages = pages, .count = 2, .refuses = names[i]};
        page_gives(&book, NULL, REEF_NOT_FOUND, "a b ");
    }
    page_book book = {.pages = pages, .count = 2, .refuses = "SCAN"};
    page_gives(&book, NULL, REEF_REFUSED, "");
}

/* A server that is full queues nothing, and yet shows its keys. */
static void a_server_that_is_full_is_walked(void **state)
{
    const char *const pages[] = {"1 a", "2 b", "0 c"};
    (void)state;
    page_book book = {.pages = pages, .count = 3, .full = true};
    page_gives(&book, NULL, REEF_NOT_FOUND, "a b c ");
    page_book denied = {.pages = pages, .count = 3, .full = true, .refuses = "SCAN"};
    page_gives(&denied, NULL, REEF_REFUSED, "");
}

static void what_is_no_page_is_refused(void **state)
{
    const char *const bad[] = {"x a", "-1 a", "123456789012345678901 a", "1x a"};
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        page_book book = {.pages = &bad[i], .count = 1};
        page_gives(&book, NULL, REEF_PROTOCOL, "");
    }
}

/* With nothing asked for at once, the keys of one page stay until the next one. */
static void a_walk_that_never_ends_is_stopped(void **state)
{
    const char *const pages[] = {"1 a", "1 b"};
    page_book book = {.pages = pages, .count = 2};
    reef_error error;
    reef_str key;
    (void)state;
    peer *p = peer_start(page_serve, &book, NULL);
    reef_client *client = open_peer(p);
    reef_scan *scan =
        reef_scan_new(client, &(reef_scan_options){.count = UINT32_MAX}, &error);
    assert_int_equal(reef_scan_next(scan, LONG_MS, &key, &error), REEF_OK);
    assert_int_equal(reef_scan_next(scan, LONG_MS, &key, &error), REEF_OK);
    reef_code code = reef_scan_next(scan, SHORT_MS, &key, &error);
    assert_true(code == REEF_UNSENT || code == REEF_UNSURE);
    assert_true(strlen(error.text) > 0);
    scan->passes[0].pages = UINT64_MAX / 2;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(reef_scan_next(scan, LONG_MS, &key, &error), REEF_LIMIT);
        assert_non_null(strstr(error.text, "end"));
    }
    assert_int_equal(reef_scan_next(scan, -1, &key, &error), REEF_BADARG);
    reef_scan_free(scan);
    reef_close(client);
    peer_stop(p);
}

static void nobody_there_is_told_and_can_be_tried_again(void **state)
{
    const char *const pages[] = {"1 a", "0 b"};
    page_book book = {.pages = pages, .count = 2};
    char path[TEMPORARY_PATH], socket[TEMPORARY_INSIDE];
    reef_error error;
    reef_str key;
    (void)state;
    assert_true(temporary_folder(path, "scan"));
    snprintf(socket, sizeof socket, "%s/socket", path);
    reef_config config = config_for(socket, 0);
    reef_client *client = open_config(&config);
    reef_scan *scan = reef_scan_new(client, NULL, &error);
    assert_int_equal(reef_scan_next(scan, SHORT_MS, &key, &error), REEF_CONNECT);
    peer *p = peer_start(page_serve, &book, socket);
    assert_int_equal(reef_scan_next(scan, LONG_MS, &key, &error), REEF_OK);
    peer_stop(p);
    assert_int_equal(reef_scan_next(scan, SHORT_MS, &key, &error), REEF_CONNECT);
    p = peer_start(page_serve, &book, socket);
    assert_int_equal(reef_scan_next(scan, LONG_MS, &key, &error), REEF_OK);
    assert_memory_equal(key.ptr, "b", 1);
    assert_int_equal(reef_scan_next(scan, LONG_MS, &key, &error), REEF_NOT_FOUND);
    assert_int_equal(reef_scan_next(scan, LONG_MS, &key, &error), REEF_NOT_FOUND);
    reef_scan_free(scan);
    reef_close(client);
    peer_stop(p);
    assert_int_equal(rmdir(path), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pages_follow_their_cursors),
        cmocka_unit_test(a_server_that_restarts_is_walked_again),
        cmocka_unit_test(what_is_refused_beside_scan_is_left_out),
        cmocka_unit_test(a_server_that_is_full_is_walked),
        cmocka_unit_test(what_is_no_page_is_refused),
        cmocka_unit_test(a_walk_that_never_ends_is_stopped),
        cmocka_unit_test(nobody_there_is_told_and_can_be_tried_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
