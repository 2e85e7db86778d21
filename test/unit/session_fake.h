/* SPDX-License-Identifier: Apache-2.0
 *
 * A net/ of the test's own under session/: commands are written down, answers come from
 * a script. What links it names __wrap_malloc, __wrap_calloc and __wrap_realloc, and
 * can let an allocation of session/ fail. One fake at a time. */
#ifndef REEF_TEST_UNIT_SESSION_FAKE_H
#define REEF_TEST_UNIT_SESSION_FAKE_H
#include "net/net.h"
#include "session/draft.h"
#include "session/session.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* Forgets everything: no answers, an empty log, the clock at 1000 ms. */
reef_client *fake_open(const char *prefix);
/* Frees; fails the test unless all answers were used. */
void fake_close(reef_client *);

/* The answers to the next commands, in order: wire form, one or several. */
void fake_say(const char *wire);
/* The next answer is a bulk string. */
void fake_bulk(reef_str text);
/* The next command ends without an answer. */
void fake_fail(reef_code, const char *text);
/* Answers that were not asked for are dropped. */
void fake_drop(void);
/* Each round takes that long, and each look at the clock, too. */
void fake_pace(int64_t round_ms);
/* Keys of different slots are on different servers, from now on. */
void fake_spread(bool spread);
/* The wall clock. */
void fake_wall(int64_t unix_ns);
/* Random bytes fail from now on. */
void fake_no_random(void);

/* A scan asks for page by page: each is one answer, an array of an integer (1: another
 * page follows) and of keys. */

/* All commands so far: "~" before one that may be repeated, its arguments divided by
 * spaces, a script as "(script)", much as "(long)"; each on a line, "--" after each
 * round. A page of a scan is "SCAN" and its pattern. */
const char *fake_log(void);
void fake_forget(void); /* empties the log */
/* The time that the last round was given. */
int64_t fake_timeout_ms(void);
size_t fake_rounds(void);
/* It ended so, with that part in its text; REEF_OK without any text. */
void fake_ended(reef_code, reef_code expected, const reef_error *, const char *part);
/* "Things:1" with so many indexes, two at most. */
reef_record fake_record(size_t indexes, int64_t ttl_s);

/* Of the next allocations, lets the one of that number (1: the first) fail, and those
 * after it where `on` says so; 0: none. */
void fake_starve(size_t number, bool on);
/* True once an allocation failed. */
bool fake_starved(void);

void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *ptr, size_t size);

/* ---- all of it ---- */

enum { FAKE_ANSWERS = 4096, FAKE_LOG = 1 << 20, FAKE_SCRIPT = 120, FAKE_LONG = 4096 };

struct reef_client {
    reef_config config;
};

struct fake {
    reef_client client;
    reef_reply *answers[FAKE_ANSWERS];
    size_t count, next;
    char log[FAKE_LOG];
    size_t log_len, rounds;
    int64_t now_ms, pace_ms, timeout_ms, unix_ns;
    bool no_random, spread;
    size_t starve_at; /* counts down */
    bool starve_on, starved, feeding;
};

static struct fake fake;

/* ---- memory ------------------------------------------------------------------- */

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *ptr, size_t size);

static bool fake_refuses(void)
{
    if (fake.feeding || fake.starve_at == 0)
        return false;
    if (fake.starve_at > 1) {
        fake.starve_at--;
        return false;
    }
    if (!fake.starve_on)
        fake.starve_at = 0;
    fake.starved = true;
    return true;
}

void *__wrap_malloc(size_t size)
{
    return fake_refuses() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fake_refuses() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *ptr, size_t size)
{
    return fake_refuses() ? NULL : __real_realloc(ptr, size);
}

void fake_starve(size_t number, bool on)
{
    fake.starve_at = number;
    fake.starve_on = on;
    fake.starved = false;
}

bool fake_starved(void)
{
    return fake.starved;
}

/* ---- the script --------------------------------------------------------------- */

reef_client *fake_open(const char *prefix)
{
    fake_drop();
    memset(&fake, 0, sizeof fake);
    memcpy(fake.client.config.key_prefix, prefix, strlen(prefix) + 1);
    fake.client.config.call_timeout_ms = 5000;
    fake.now_ms = 1000;
    return &fake.client;
}

void fake_drop(void)
{
    for (; fake.next < fake.count; fake.next++)
        reef_reply_free(fake.answers[fake.next]);
    fake.next = fake.count = 0;
}

void fake_close(reef_client *client)
{
    assert_ptr_equal(client, &fake.client);
    size_t left = fake.count - fake.next;
    fake_starve(0, false);
    fake_drop();
    assert_int_equal(left, 0);
}

static void fake_push(reef_reply *reply)
{
    assert_non_null(reply);
    assert_true(fake.count < FAKE_ANSWERS);
    fake.answers[fake.count++] = reply;
}

static void fake_parse(reef_str wire)
{
    reef_parser *parser = reef_parser_new(NULL, 3);
    assert_non_null(parser);
    assert_int_equal(reef_parser_feed(parser, wire), REEF_OK);
    while (reef_parser_next(parser) == REEF_PARSE_REPLY)
        fake_push(reef_parser_take(parser));
    assert_false(reef_parser_inside(parser));
    assert_int_equal(reef_parser_consumed(parser), wire.len);
    reef_parser_free(parser);
}

void fake_say(const char *wire)
{
    fake_parse(reef_str_of(wire));
}

void fake_bulk(reef_str text)
{
    reef_cmd *cmd = reef_cmd_new(); /* its wire form is "*1\r\n" and the string */
    assert_non_null(cmd);
    reef_cmd_begin_str(cmd, text);
    reef_str wire = reef_cmd_wire(cmd);
    fake_parse((reef_str){wire.ptr + 4, wire.len - 4});
    reef_cmd_free(cmd);
}

void fake_fail(reef_code code, const char *text)
{
    fake_push(reef_reply_failed(code, text));
}

void fake_pace(int64_t round_ms)
{
    fake.pace_ms = round_ms;
}

void fake_spread(bool spread)
{
    fake.spread = spread;
}

void fake_wall(int64_t unix_ns)
{
    fake.unix_ns = unix_ns;
}

void fake_no_random(void)
{
    fake.no_random = true;
}

/* ---- the log ------------------------------------------------------------------ */

static void fake_note(reef_str text)
{
    assert_true(text.len < FAKE_LOG - fake.log_len);
    if (text.len > 0)
        memcpy(fake.log + fake.log_len, text.ptr, text.len);
    fake.log_len += text.len;
    fake.log[fake.log_len] = 0;
}

static void fake_note_command(const reef_cmd *cmd)
{
    if (reef_cmd_is_repeatable(cmd))
        fake_note(reef_str_of("~"));
    for (size_t i = 0; i < reef_cmd_count(cmd); i++) {
        reef_str word = reef_cmd_at(cmd, i);
        bool script =
            word.len > FAKE_SCRIPT && memchr(word.ptr, '\n', word.len) != NULL;
        if (i > 0)
            fake_note(reef_str_of(" "));
        if (word.len > FAKE_LONG)
            word = reef_str_of("(long)");
        fake_note(script ? reef_str_of("(script)") : word);
    }
    fake_note(reef_str_of("\n"));
}

const char *fake_log(void)
{
    return fake.log;
}

void fake_forget(void)
{
    fake.log_len = 0;
    fake.log[0] = 0;
}

int64_t fake_timeout_ms(void)
{
    return fake.timeout_ms;
}

size_t fake_rounds(void)
{
    return fake.rounds;
}

/* ---- what session/ calls ------------------------------------------------------ */

static reef_reply *fake_answer(void)
{
    if (fake.next < fake.count)
        return fake.answers[fake.next++];
    return reef_reply_failed(REEF_CONNECT, "the script is at its end");
}

static void fake_round(int64_t timeout_ms)
{
    fake_note(reef_str_of("--\n"));
    fake.timeout_ms = timeout_ms;
    fake.now_ms += fake.pace_ms;
    fake.rounds++;
}

void reef_pipeline(reef_client *client, const reef_cmd *const cmds[], size_t count,
                   int64_t timeout_ms, reef_reply *replies[])
{
    assert_ptr_equal(client, &fake.client);
    assert_true(timeout_ms > 0);
    fake.feeding = true;
    for (size_t i = 0; i < count; i++) {
        reef_str name = reef_cmd_at(cmds[i], 0);
        bool bare = reef_str_is(name, "MULTI") || reef_str_is(name, "EXEC");
        assert_int_equal(reef_cmd_code(cmds[i]), REEF_OK);
        assert_int_equal(reef_cmd_keys(cmds[i]) > 0, !bare);
        fake_note_command(cmds[i]);
        replies[i] = fake_answer();
    }
    fake.feeding = false;
    fake_round(timeout_ms);
}

/* A page is an array of an integer (1: more will come) and the keys. */
struct reef_scan {
    reef_draft match;
    reef_reply *page;
    size_t next;
};

reef_scan *reef_scan_new(reef_client *client, const reef_scan_options *options,
                         reef_error *error)
{
    assert_ptr_equal(client, &fake.client);
    assert_int_equal(options->type.len, 0);
    assert_int_equal(options->count, 0);
    reef_scan *scan = calloc(1, sizeof *scan);
    if (scan != NULL)
        reef_draft_add(&scan->match, options->match);
    if (scan != NULL && scan->match.code == REEF_OK)
        return scan;
    reef_scan_free(scan);
    *error = (reef_error){.code = REEF_NOMEM, .text = "out of memory"};
    return NULL;
}

void reef_scan_free(reef_scan *scan)
{
    if (scan == NULL)
        return;
    reef_reply_free(scan->page);
    reef_draft_free(&scan->match);
    free(scan);
}

static reef_code fake_page(reef_scan *scan, int64_t timeout_ms, reef_error *error)
{
    reef_reply_free(scan->page);
    fake_note(reef_str_of("SCAN "));
    fake_note(reef_draft_str(&scan->match));
    fake_note(reef_str_of("\n"));
    scan->page = fake_answer();
    scan->next = 1;
    fake_round(timeout_ms);
    reef_code code = reef_reply_code(scan->page);
    if (code == REEF_OK)
        return REEF_OK;
    *error = (reef_error){.code = code};
    snprintf(error->text, sizeof error->text, "%s", reef_reply_text(scan->page));
    reef_reply_free(scan->page);
    scan->page = NULL;
    return code;
}

reef_code reef_scan_next(reef_scan *scan, int64_t timeout_ms, reef_str *key,
                         reef_error *error)
{
    assert_true(timeout_ms > 0);
    for (;;) {
        const reef_node *root = reef_reply_root(scan->page);
        if (scan->page != NULL && scan->next < reef_count(root)) {
            *key = reef_text(scan->page, reef_at(root, scan->next++));
            return REEF_OK;
        }
        if (scan->page != NULL && reef_int(reef_at(root, 0), 0) == 0)
            return REEF_NOT_FOUND;
        reef_code code = fake_page(scan, timeout_ms, error);
        if (code != REEF_OK)
            return code;
    }
}

bool reef_client_is_spread(reef_client *client)
{
    assert_ptr_equal(client, &fake.client);
    return fake.spread;
}

const reef_config *reef_client_config(const reef_client *client)
{
    return &client->config;
}

int64_t reef_now_ms(void)
{
    return fake.now_ms;
}

int64_t reef_unix_ns(void)
{
    return fake.unix_ns;
}

reef_code reef_random_bytes(void *out, size_t len)
{
    memset(out, 0, len);
    return fake.no_random ? REEF_REFUSED : REEF_OK;
}

/* ---- what comes out ----------------------------------------------------------- */

void fake_ended(reef_code code, reef_code expected, const reef_error *error,
                const char *part)
{
    if (code != expected || strstr(error->text, part) == NULL)
        print_error("%s: %s\n", reef_code_name(code), error->text);
    assert_int_equal(code, expected);
    assert_int_equal(error->code, expected);
    assert_non_null(strstr(error->text, part));
    if (code == REEF_OK)
        assert_string_equal(error->text, "");
}

static const reef_str fake_indexes[] = {{"ByA:1", 5}, {"ByB:1", 5}};

reef_record fake_record(size_t indexes, int64_t ttl_s)
{
    reef_record record = {0};
    record.key = reef_str_of("Things:1");
    record.blob = reef_str_of("{}");
    record.id = reef_str_of("1");
    record.indexes = fake_indexes;
    record.index_count = indexes;
    record.ttl_s = ttl_s;
    return record;
}

#endif
