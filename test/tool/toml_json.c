/* SPDX-License-Identifier: Apache-2.0
 *
 * toml-json: standard input, output and error around tagged.c. */
#include "test/tool/tagged.h"

#include "config/names.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { JSON_DONE, JSON_INVALID, JSON_FAILED };

static const char json_help[] =
    "usage: toml-json <FILE\n"
    "\n"
    "Reads a TOML 1.1 document on standard input and writes it to standard output as\n"
    "JSON in which each value carries its type: "
    "{\"type\":\"integer\",\"value\":\"3\"}.\n"
    "\n"
    "  -h, --help   this text\n"
    "\n"
    "Exit status: 0 written; 1 the document is not valid, and standard error says why\n"
    "and where; 2 anything else.\n";

static int json_failed(const char *what, int number)
{
    fprintf(stderr, "toml-json: %s: %s\n", what, strerror(number));
    return JSON_FAILED;
}

/* All of a stream, in memory of its very size; one byte more than the reader takes is
 * enough for it to say so. 0 or an errno; the caller frees. */
static int json_slurp(FILE *in, char **bytes, size_t *len)
{
    const size_t most = (size_t)REEF_NAMES_TEXT + 1;
    size_t cap = 0;
    for (*len = 0; *len == cap && cap < most;) {
        cap = cap == 0 ? 65536 : cap * 2 < most ? cap * 2 : most;
        char *more = realloc(*bytes, cap);
        if (more == NULL)
            return ENOMEM;
        *bytes = more;
        *len += fread(*bytes + *len, 1, cap - *len, in);
    }
    if (ferror(in))
        return errno;
    char *exact = realloc(*bytes, *len > 0 ? *len : 1);
    *bytes = exact != NULL ? exact : *bytes;
    return 0;
}

static int json_convert(reef_str toml)
{
    static reef_report report;
    static char text[REEF_FINDING_TEXT];
    reef_code code = tagged_write(stdout, toml, "<stdin>", &report);
    if (code == REEF_NOMEM)
        return json_failed("standard input", ENOMEM);
    if (code != REEF_OK) {
        reef_finding_text(&report.findings[0], text, sizeof text);
        fputs(text, stderr);
        return JSON_INVALID;
    }
    if (ferror(stdout) || fflush(stdout) != 0)
        return json_failed("standard output", errno);
    return JSON_DONE;
}

int main(int argc, char **argv)
{
    char *bytes = NULL;
    size_t len = 0;
    if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
        fputs(json_help, stdout);
        return fflush(stdout) == 0 ? JSON_DONE : json_failed("standard output", errno);
    }
    if (argc > 1) {
        fprintf(stderr,
                "toml-json: \"%s\" is not known: it reads standard input, and takes "
                "nothing but --help\n",
                argv[1]);
        return JSON_FAILED;
    }
    int number = json_slurp(stdin, &bytes, &len);
    int status = number != 0 ? json_failed("standard input", number)
                             : json_convert((reef_str){bytes, len});
    free(bytes);
    return status;
}
