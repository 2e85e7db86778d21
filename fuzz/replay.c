/* SPDX-License-Identifier: Apache-2.0
 *
 * Runs a fuzz harness once on each file given, and on each file of each folder given:
 * what a fuzzer found is a test from then on, with any compiler, without a fuzzer. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t replay_files;

static int replay_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        fprintf(stderr, "can't open %s\n", path);
        return 1;
    }
    uint8_t *bytes = NULL;
    size_t cap = 0;
    size_t len = 0;
    do {
        cap = cap * 2 + 4096;
        uint8_t *more = realloc(bytes, cap);
        if (more == NULL) {
            fprintf(stderr, "out of memory\n");
            exit(1);
        }
        bytes = more;
        len += fread(bytes + len, 1, cap - len, file);
    } while (len == cap);
    fclose(file);
    /* A block of the very size, so that a sanitizer sees a read past it. */
    uint8_t *exact = malloc(len > 0 ? len : 1);
    if (exact == NULL) {
        fprintf(stderr, "out of memory\n");
        exit(1);
    }
    memcpy(exact, bytes, len);
    free(bytes);
    LLVMFuzzerTestOneInput(exact, len);
    free(exact);
    replay_files++;
    return 0;
}

static int replay_folder(const char *path)
{
    DIR *folder = opendir(path);
    if (folder == NULL) {
        fprintf(stderr, "can't open %s\n", path);
        return 1;
    }
    int bad = 0;
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        char name[1024];
        struct stat info;
        int len = snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
        if (len > 0 && (size_t)len < sizeof name && stat(name, &info) == 0 &&
            S_ISREG(info.st_mode)) {
            bad |= replay_file(name);
        }
    }
    closedir(folder);
    return bad;
}

int main(int argc, char **argv)
{
    int bad = 0;
    for (int i = 1; i < argc; i++) {
        struct stat info;
        if (stat(argv[i], &info) == 0 && S_ISDIR(info.st_mode)) {
            bad |= replay_folder(argv[i]);
        } else {
            bad |= replay_file(argv[i]);
        }
    }
    printf("%zu inputs replayed\n", replay_files);
    return bad;
}
