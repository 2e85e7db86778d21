/* SPDX-License-Identifier: Apache-2.0
 *
 * load: finds knot.toml, reads it, and puts the environment over it. The one file of
 * this folder that does I/O.
 *
 * Invariant: the file's bytes are in one block of ours, which is overwritten before it
 * is freed: a password may stand in it. So the file is read without a stream and its
 * buffer, and the block grows by hand. */
#include "config/env.h"
#include "config/intake.h"
#include "config/text.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LOAD_FIRST = 16384 }; /* bytes of the first block; a knot.toml fits */

typedef struct load_block {
    char *bytes;
    size_t len, cap;
} load_block;

static void load_drop(load_block *block)
{
    if (block->bytes != NULL)
        reef_forget(block->bytes, block->cap);
    free(block->bytes);
    *block = (load_block){0};
}

/* Twice the room, up to one byte over the maximum: that one shows that it is passed. */
static bool load_grow(load_block *block)
{
    size_t cap = block->cap == 0 ? LOAD_FIRST : block->cap * 2;
    cap = cap > REEF_FILE_MAX + 1 ? REEF_FILE_MAX + 1 : cap;
    char *bytes = malloc(cap);
    if (bytes == NULL)
        return false;
    size_t len = block->len;
    if (len > 0)
        memcpy(bytes, block->bytes, len);
    load_drop(block);
    block->bytes = bytes;
    block->len = len;
    block->cap = cap;
    return true;
}

static const char *load_reason(int number)
{
    switch (number) {
    case ENOENT:
    case ENOTDIR:
        return "there is no such file";
    case EACCES:
    case EPERM:
        return "there is no permission to read the file";
    case EISDIR:
        return "this is a directory, not a file";
    case EFBIG:
        return "the file is too long";
    case ENOMEM:
        return "memory is out";
    case ENAMETOOLONG:
        return "the file's name is too long";
    default:
        return "the system could not read the file";
    }
}

static reef_code load_fail(const char *path, int number, reef_report *report,
                           reef_error *error)
{
    reef_message message = {0};
    reef_message_add(&message, load_reason(number));
    if (number == EFBIG) {
        reef_message_add(&message, ": at most ");
        reef_message_number(&message, REEF_FILE_MAX);
        reef_message_add(&message, " bytes are read");
    }
    if (strcmp(message.text, load_reason(0)) == 0) {
        reef_message_add(&message, " (errno ");
        reef_message_number(&message, (uint64_t)number);
        reef_message_add(&message, ")");
    }
    reef_code code = number == ENOMEM ? REEF_NOMEM : REEF_BADCONFIG;
    const char *name = path[0] != 0 ? path : "\"\"";
    code = reef_report_fail(report, error, code, name, &message);
    if (error != NULL)
        error->sys_errno = number;
    return code;
}

/* The whole file into the block; 0 or an errno. */
static int load_stream(load_block *block, int fd)
{
    while (block->len <= REEF_FILE_MAX) {
        if (block->len == block->cap && !load_grow(block))
            return ENOMEM;
        ssize_t len = read(fd, block->bytes + block->len, block->cap - block->len);
        if (len == 0)
            return 0;
        if (len < 0 && errno != EINTR)
            return errno;
        block->len += len > 0 ? (size_t)len : 0;
    }
    return EFBIG;
}

static int load_bytes(load_block *block, const char *path)
{
    struct stat status;
    if (stat(path, &status) != 0)
        return errno;
    if (S_ISDIR(status.st_mode))
        return EISDIR;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno;
    int number = load_stream(block, fd);
    close(fd);
    return number;
}

/* Joins folder, rest and name. False: too long, so no file of that name can be used. */
static bool load_join(char path[REEF_FILE_NAME_MAX + 1], const char *const parts[3])
{
    size_t len = 0;
    for (size_t i = 0; i < 3; i++) {
        size_t more = strlen(parts[i]);
        if (more > REEF_FILE_NAME_MAX - len)
            return false;
        memcpy(path + len, parts[i], more);
        len += more;
    }
    path[len] = 0;
    return true;
}

/* A folder that may not be searched counts as one without the file, as in knot. */
static bool load_exists(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0;
}

/* The first file of the search order into `path`. False: there is none. */
static bool load_search(char path[REEF_FILE_NAME_MAX + 1], const char *home)
{
    const char *const folders[][2] = {
        {"", ""}, {home, "/"}, {home, "/.config/knot/"}, {"/etc/knot/", ""}};
    static const char *const names[] = {"knot.toml", ".knot.toml"};
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        if (folders[i][0] == NULL)
            continue;
        for (size_t j = 0; j < 2; j++) {
            const char *const parts[3] = {folders[i][0], folders[i][1], names[j]};
            if (load_join(path, parts) && load_exists(path))
                return true;
        }
    }
    return false;
}

/* The values of `environ` are NUL-terminated texts, so a word of them is one, too. */
static const char *load_variable(const char *const environ[], const char *name)
{
    reef_str value = reef_env_find(environ, name);
    return value.len > 0 ? value.ptr : NULL;
}

/* The file that is to be read; NULL: there is none. */
static const char *load_path(const char *path, const char *const environ[],
                             char found[REEF_FILE_NAME_MAX + 1])
{
    if (path == NULL)
        path = load_variable(environ, "KNOT_CONFIG");
    if (path == NULL && load_search(found, load_variable(environ, "HOME")))
        path = found;
    return path;
}

static bool load_fits(reef_intake *r)
{
    reef_message message = {0};
    const char *name = r->document.name;
    if (strlen(name) > REEF_FILE_NAME_MAX)
        reef_message_add(&message, "the file's name has more than 1023 bytes");
    if (message.len > 0)
        reef_intake_bad(
            r, -1,
            reef_report_fail(r->report, r->error, REEF_BADCONFIG, name, &message));
    return message.len == 0;
}

/* The file into the reading; what can't be read is an error. */
static void load_file(reef_intake *r, load_block *block)
{
    const char *name = r->document.name;
    int number = load_bytes(block, name);
    r->document.text = (reef_str){block->bytes, block->len};
    r->broken = true;
    if (number != 0) {
        reef_intake_bad(r, -1, load_fail(name, number, r->report, r->error));
        return;
    }
    r->broken = false;
    if (!load_fits(r))
        return;
    memcpy(r->config->file, name, strlen(name) + 1);
    reef_read_file(r);
}

/* All steps, also when one found an error: so all errors are found in one go. Only a
 * text that was not read to its end is not judged. */
static reef_code load_all(reef_intake *r, const char *path, const char *const environ[])
{
    char found[REEF_FILE_NAME_MAX + 1];
    load_block block = {0};
    reef_error_clear(r->error);
    r->document.name = load_path(path, environ, found);
    if (r->document.name != NULL)
        load_file(r, &block);
    if (environ != NULL && r->code != REEF_NOMEM)
        reef_read_env(r, environ);
    if (!r->broken)
        reef_read_check(r);
    load_drop(&block);
    return r->code;
}

reef_code reef_config_load(reef_config *config, const char *path,
                           const char *const environ[], reef_report *report,
                           reef_error *error)
{
    char file[REEF_FILE_NAME_MAX + 1];
    reef_intake reading = {config, {0}, report, error, REEF_OK, 0, false};
    reef_config_init(config);
    reef_code code = load_all(&reading, path, environ);
    if (code != REEF_OK) {
        memcpy(file, config->file, sizeof file);
        reef_config_wipe(config);
        reef_config_init(config);
        memcpy(config->file, file, sizeof file);
    }
    return code;
}
