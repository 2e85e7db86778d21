/* SPDX-License-Identifier: Apache-2.0
 *
 * Mistakes that people make in a knot.toml, and all that `reef config` says about each:
 * test/vectors/mistakes/NAME.toml and NAME.txt. With REEF_BLESS=1 in the environment
 * the texts are written anew, to be read before they are kept. */
#include "test/unit/cli_capture.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#define MISTAKES_FOLDER "test/vectors/mistakes"
enum { MISTAKES_LEAST = 40, MISTAKES_WIDEST = 320 };

static int mistakes_home; /* the folder that this began in */

static int mistakes_begin(void **state)
{
    mistakes_home = open(".", O_RDONLY);
    assert_true(mistakes_home >= 0);
    return cap_begin(state);
}

static int mistakes_end(void **state)
{
    assert_int_equal(fchdir(mistakes_home), 0);
    close(mistakes_home);
    return cap_end(state);
}

static int mistakes_is_toml(const struct dirent *entry)
{
    const char *dot = strrchr(entry->d_name, '.');
    return dot != NULL && strcmp(dot, ".toml") == 0 ? 1 : 0;
}

static void mistakes_write(const char *name, const char *text)
{
    FILE *out = fopen(name, "w");
    assert_non_null(out);
    assert_true(fputs(text, out) >= 0);
    assert_int_equal(fclose(out), 0);
}

static const char *mistakes_text(const char *name)
{
    FILE *text = fopen(name, "r");
    if (text == NULL)
        fail_msg("%s is not there", name);
    return cap_file(text);
}

/* However wrong it is: no password, nothing that a terminal obeys, lines that fit. */
static void mistakes_is_safe(const char *text)
{
    size_t width = 0;
    cap_has_not(text, "hunter");
    assert_true(reef_utf8_valid(reef_str_of(text)));
    for (; *text != '\0'; text++) {
        assert_true(*text == '\n' || (unsigned char)*text >= 0x20);
        width = *text == '\n' ? 0 : width + 1;
        assert_true(width < MISTAKES_WIDEST);
    }
}

/* One file, by its bare name in the folder that this runs in. False: other words came
 * out. */
static bool mistakes_one(cap *c, const char *file)
{
    char name[64];
    cap_set(c, CLI_OPT_CONFIG, file);
    int code = cap_run(c, cli_config_run);
    (void)snprintf(name, sizeof name, "%.*s.txt", (int)(strlen(file) - 5), file);
    if (getenv("REEF_BLESS") != NULL)
        mistakes_write(name, c->err);
    mistakes_is_safe(c->err);
    bool error = strstr(c->err, ": error: ") != NULL;
    assert_int_equal(code, error ? CLI_USAGE : CLI_DONE);
    assert_true(error == (c->out[0] == '\0'));
    assert_int_equal(strncmp(c->err, file, strlen(file)), 0);
    bool same = strcmp(c->err, mistakes_text(name)) == 0;
    if (!same)
        print_error("%s:\n%s-- and not:\n%s", file, c->err, mistakes_text(name));
    cap_again(c);
    return same;
}

static void mistakes_told(void **state)
{
    struct dirent **entries = NULL;
    int count = scandir(MISTAKES_FOLDER, &entries, mistakes_is_toml, alphasort);
    int same = 0;
    assert_true(count >= MISTAKES_LEAST);
    assert_int_equal(chdir(MISTAKES_FOLDER), 0);
    for (int i = 0; i < count; i++) {
        same += mistakes_one(*state, entries[i]->d_name) ? 1 : 0;
        free(entries[i]);
    }
    free(entries);
    assert_int_equal(same, count);
}

/* README shows one of them, of a file that is named as it should be. */
static void mistakes_in_readme(void **state)
{
    static const char own[] = "11-key-twice.toml";
    cap *c = *state;
    size_t len = 0;
    for (const char *at = mistakes_text(MISTAKES_FOLDER "/11-key-twice.txt");
         *at != '\0';) {
        bool named = strncmp(at, own, strlen(own)) == 0;
        len += (size_t)snprintf(c->out + len, sizeof c->out - len, "%.*s",
                                named ? 9 : 1, named ? "knot.toml" : at);
        at += named ? strlen(own) : 1;
    }
    cap_has(mistakes_text("README.md"), c->out);
}

#define MISTAKES(test)                                                                 \
    cmocka_unit_test_setup_teardown(test, mistakes_begin, mistakes_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        MISTAKES(mistakes_told),
        MISTAKES(mistakes_in_readme),
    };
    return cmocka_run_group_tests_name("cli_mistakes", tests, NULL, NULL);
}
