/* SPDX-License-Identifier: Apache-2.0
 *
 * config_load: finding and reading the file, in a folder of the test's own. */
#include "config/config.h"
#include "config_help.h"
#include "test/tool/temporary.h"
#include <errno.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static reef_config config;
static reef_error error;
static char root[TEMPORARY_PATH];
static char home[TEMPORARY_INSIDE];

static void write_bytes(const char *path, const char *bytes, size_t len)
{
    FILE *stream = fopen(path, "wb");
    assert_non_null(stream);
    assert_int_equal(fwrite(bytes, 1, len, stream), len);
    assert_int_equal(fclose(stream), 0);
}

static void write_text(const char *path, const char *text)
{
    write_bytes(path, text, strlen(text));
}

/* root is the current folder; root/home is HOME. TMPDIR may be closed to others than
 * its owner, and a child without rights must get here. */
static int set_up(void **state)
{
    (void)state;
    if (!temporary_folder_in(root, P_tmpdir, "config") || chdir(root) != 0)
        return -1;
    snprintf(home, sizeof home, "HOME=%s/home", root);
    if (mkdir("home", 0755) != 0 || mkdir("home/.config", 0755) != 0)
        return -1;
    return mkdir("home/.config/knot", 0755);
}

static int tear_down(void **state)
{
    static const char *const files[] = {"knot.toml",
                                        ".knot.toml",
                                        "home/knot.toml",
                                        "home/.knot.toml",
                                        "home/.config/knot/knot.toml",
                                        "home/.config/knot/.knot.toml",
                                        "other.toml"};
    (void)state;
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        unlink(files[i]);
    return rmdir("home/.config/knot") + rmdir("home/.config") + rmdir("home") +
           chdir("/") + rmdir(root);
}

static reef_code load(const char *path, const char *first, const char *second)
{
    const char *const list[] = {home, first, second, NULL};
    memset(&config, 'x', sizeof config);
    memset(&error, 0, sizeof error);
    return reef_config_load(&config, path, list, NULL, &error);
}

/* From the last place of the order to the first: each one found goes before. */
static void search_order(void **state)
{
    static const char *const places[] = {"home/.config/knot/.knot.toml",
                                         "home/.config/knot/knot.toml",
                                         "home/.knot.toml",
                                         "home/knot.toml",
                                         ".knot.toml",
                                         "knot.toml"};
    (void)state;
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        char text[64], want[128];
        snprintf(text, sizeof text, "server.redis.db = %zu", i + 1);
        write_text(places[i], text);
        assert_int_equal(load(NULL, NULL, NULL), REEF_OK);
        assert_int_equal(config.db, i + 1);
        bool in_home = i < 4;
        snprintf(want, sizeof want, "%s%s%s", in_home ? root : "", in_home ? "/" : "",
                 places[i]);
        assert_string_equal(config.file, want);
    }
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++)
        unlink(places[i]);
}

static void no_file(void **state)
{
    (void)state;
    if (access("/etc/knot/knot.toml", F_OK) == 0)
        skip();
    assert_int_equal(load(NULL, "KNOT_REDIS_DB=9", NULL), REEF_OK);
    assert_int_equal(config.db, 9);
    assert_string_equal(config.file, "");
    assert_int_equal(reef_config_load(&config, NULL, NULL, NULL, &error), REEF_OK);
    assert_int_equal(config.db, 0);
    assert_int_equal(config.hosts[0].port, 6379);
}

static void named_files(void **state)
{
    (void)state;
    write_text("knot.toml", "server.redis.db = 1");
    write_text("other.toml", "server.redis.db = 2");
    write_text("home/knot.toml", "server.redis.db = 3");
    assert_int_equal(load("other.toml", "KNOT_CONFIG=home/knot.toml", NULL), REEF_OK);
    assert_int_equal(config.db, 2);
    assert_int_equal(load(NULL, "KNOT_CONFIG=home/knot.toml", NULL), REEF_OK);
    assert_int_equal(config.db, 3);
    assert_string_equal(config.file, "home/knot.toml");
    assert_int_equal(load(NULL, "KNOT_CONFIG=", NULL), REEF_OK);
    assert_int_equal(config.db, 1);
    assert_int_equal(load(NULL, "KNOT_CONFIG=nowhere.toml", NULL), REEF_BADCONFIG);
    help_contains(error.text, "nowhere.toml: there is no such file");
    assert_int_equal(error.sys_errno, ENOENT);
}

static void environment_over_file(void **state)
{
    (void)state;
    write_text("other.toml", "[server.redis]\ndb = 2\nhosts = ['a']\npassword = 'p'");
    assert_int_equal(load("other.toml", "KNOT_REDIS_DB=7", "KNOT_REDIS_MASTER_NAME=m"),
                     REEF_OK);
    assert_int_equal(config.db, 7);
    assert_string_equal(config.password, "p");
    assert_int_equal(config.hosts[0].port, 26379);
    assert_int_equal(load("other.toml", "KNOT_REDIS_DB=x", NULL), REEF_BADCONFIG);
    assert_string_equal(config.password, ""); /* the defaults, not half a file */
    assert_int_equal(config.host_count, 1);
    assert_string_equal(config.hosts[0].name, "localhost");
    assert_int_equal(load("other.toml", "KNOT_REDIS_SENTINEL_PASSWORD=hunter2", NULL),
                     REEF_BADCONFIG);
    help_contains(error.text, "KNOT_REDIS_SENTINEL_PASSWORD: ");
    help_lacks(error.text, "hunter2");
}

static void files_that_are_none(void **state)
{
    (void)state;
    assert_int_equal(load("home", NULL, NULL), REEF_BADCONFIG);
    assert_string_equal(error.text, "home: this is a directory, not a file");
    assert_int_equal(error.sys_errno, EISDIR);
    assert_int_equal(load("home/no.toml", NULL, NULL), REEF_BADCONFIG);
    assert_string_equal(error.text, "home/no.toml: there is no such file");
    assert_int_equal(load("", NULL, NULL), REEF_BADCONFIG);
    assert_string_equal(error.text, "\"\": there is no such file");
    write_text("other.toml", "");
    assert_int_equal(load("other.toml/x", NULL, NULL), REEF_BADCONFIG);
    help_contains(error.text, "other.toml/x: ");
    assert_int_equal(load("other.toml", NULL, NULL), REEF_OK);
    write_bytes("other.toml", "a = 1\nb\0 = 2", 12);
    assert_int_equal(load("other.toml", NULL, NULL), REEF_BADCONFIG);
    help_contains(error.text, "other.toml:2:2: ");
    write_bytes("other.toml", "\0", 1);
    assert_int_equal(load("other.toml", NULL, NULL), REEF_BADCONFIG);
    help_contains(error.text, "other.toml:1:1: ");
    write_text("other.toml", "[server.redis]\n db = x");
    assert_int_equal(load("other.toml", NULL, NULL), REEF_BADCONFIG);
    help_contains(error.text, "other.toml:2:7: ");
}

/* Root may read everything, so a child of it that is not root looks. */
static void unreadable_file(void **state)
{
    int status = 0;
    (void)state;
    write_text("other.toml", "");
    assert_int_equal(chmod("other.toml", 0), 0);
    assert_int_equal(chmod(".", 0755), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        if (geteuid() == 0 && setuid(65534) != 0)
            _exit(2);
        bool good = load("other.toml", NULL, NULL) == REEF_BADCONFIG &&
                    error.sys_errno == EACCES &&
                    strcmp(error.text, "other.toml: there is no permission to read the "
                                       "file") == 0;
        _exit(good ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

/* At the maximum and one byte over it, and sizes around those of the blocks. */
static void sizes(void **state)
{
    static const size_t at[] = {
        16383, 16384,  16385,         32768,
        32769, 100000, REEF_FILE_MAX, (size_t)REEF_FILE_MAX + 1};
    static const char tail[] = "\nserver.redis.db = 5";
    char *text = malloc((size_t)REEF_FILE_MAX + 1);
    (void)state;
    assert_non_null(text);
    for (size_t i = 0; i < sizeof at / sizeof at[0]; i++) {
        memset(text, '#', at[i]);
        memcpy(text + at[i] - strlen(tail), tail, strlen(tail));
        chmod("other.toml", 0644);
        write_bytes("other.toml", text, at[i]);
        if (at[i] <= REEF_FILE_MAX) {
            assert_int_equal(load("other.toml", NULL, NULL), REEF_OK);
            assert_int_equal(config.db, 5);
        } else {
            assert_int_equal(load("other.toml", NULL, NULL), REEF_BADCONFIG);
            assert_string_equal(
                error.text,
                "other.toml: the file is too long: at most 16777216 bytes are read");
        }
    }
    free(text);
}

static void long_names(void **state)
{
    static char path[2000], big[2000];
    const char *const list[] = {big, NULL};
    (void)state;
    memset(path, 'p', sizeof path - 1);
    assert_int_equal(load(path, NULL, NULL), REEF_BADCONFIG);
    assert_true(strlen(error.text) < REEF_ERROR_TEXT);
    help_contains(error.text, "name is too long");
    memset(big, 'h', sizeof big - 1);
    memcpy(big, "HOME=/", 6);
    unlink("knot.toml");
    assert_int_equal(reef_config_load(&config, NULL, list, NULL, &error), REEF_OK);
    /* "./././…/other.toml": the system would read it, the name does not fit */
    for (size_t i = 0; i < 1100; i += 2)
        memcpy(path + i, "./", 2);
    memcpy(path + 1100, "other.toml", 11);
    write_text("other.toml", "");
    assert_int_equal(load(path, NULL, NULL), REEF_BADCONFIG);
    help_contains(error.text, "1023");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(search_order),
        cmocka_unit_test(no_file),
        cmocka_unit_test(named_files),
        cmocka_unit_test(environment_over_file),
        cmocka_unit_test(files_that_are_none),
        cmocka_unit_test(unreadable_file),
        cmocka_unit_test(sizes),
        cmocka_unit_test(long_names),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
