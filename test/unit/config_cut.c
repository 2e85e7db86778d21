/* SPDX-License-Identifier: Apache-2.0
 *
 * Every beginning of every document that the fuzzer starts from: read or refused; and
 * up to its last event it has the events of the whole. */
#include "config/toml.h"
#include "config_help.h"
#include <dirent.h>

enum { CUT_MAX = 4096, CUT_HEAD = 3 }; /* bytes of a seed; those for the fuzzer */

typedef struct cut_events {
    size_t count;
    reef_toml_kind end;
    reef_toml_event events[CUT_MAX];
} cut_events;

static void cut_read(cut_events *out, reef_str text)
{
    reef_toml reader;
    reef_toml_event event;
    out->count = 0;
    reef_toml_init(&reader, text, NULL);
    while (reef_toml_next(&reader, &event) > REEF_TOML_BAD) {
        assert_true(out->count < CUT_MAX);
        out->events[out->count++] = event;
    }
    out->end = event.kind;
    reef_toml_free(&reader);
}

/* All but the last one are those of the whole. */
static void assert_begins(const cut_events *part, const cut_events *whole)
{
    for (size_t i = 0; i + 1 < part->count; i++) {
        const reef_toml_event *a = &part->events[i], *b = &whole->events[i];
        assert_true(i < whole->count);
        assert_int_equal(a->kind, b->kind);
        assert_int_equal(a->mark.at, b->mark.at);
        assert_int_equal(a->mark.line, b->mark.line);
        assert_int_equal(a->size, b->size);
        assert_int_equal(a->text.len, b->text.len);
    }
}

static void assert_settings(reef_str text, reef_toml_kind end)
{
    static reef_config config, before;
    static reef_report report;
    reef_error error;
    memset(&report, 0, sizeof report);
    reef_config_init(&config);
    before = config;
    reef_code code = reef_config_parse(&config, NULL, text, &report, &error);
    assert_true(code == REEF_OK || code == REEF_BADCONFIG);
    assert_int_equal(code == REEF_OK, report.errors == 0);
    if (code == REEF_OK) {
        assert_int_equal(end, REEF_TOML_END);
        return;
    }
    assert_memory_equal(error.text, "knot.toml:", 10);
    assert_memory_equal(&config, &before, sizeof config);
}

static void cut_everywhere(const char *path)
{
    static char bytes[CUT_MAX];
    static cut_events whole, part;
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t size = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    assert_in_range(size, CUT_HEAD, sizeof bytes - 1);
    reef_str text = {bytes + CUT_HEAD, size - CUT_HEAD};
    cut_read(&whole, text);
    for (size_t len = 0; len <= text.len; len++) {
        reef_str copy = help_copy(text.ptr, len);
        cut_read(&part, copy);
        assert_begins(&part, &whole);
        assert_settings(copy, part.end);
        help_free(copy);
    }
}

static void test_every_seed(void **state)
{
    (void)state;
    static const char folder[] = "fuzz/seeds/toml";
    size_t seeds = 0;
    DIR *open = opendir(folder);
    assert_non_null(open);
    for (const struct dirent *entry; (entry = readdir(open)) != NULL;) {
        char path[512];
        if (entry->d_name[0] == '.')
            continue;
        int len = snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        assert_in_range(len, 1, sizeof path - 1);
        cut_everywhere(path);
        seeds++;
    }
    closedir(open);
    assert_true(seeds > 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_seed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
