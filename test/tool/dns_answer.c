/* SPDX-License-Identifier: Apache-2.0
 *
 * dns-answer: arguments and standard input around dns_json.c. */
#include "test/tool/dns_json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { ANSWER_DONE, ANSWER_FAILED = 2 };

static const char answer_help[] =
    "usage: dns-answer QID QNAME QTYPE [tcp] <MESSAGE\n"
    "\n"
    "Reads one DNS message on standard input, without the length that TCP puts before\n"
    "it, as the answer to a question, and prints what it is worth as one line of "
    "JSON.\n"
    "\n"
    "  QID          the question's id, 0 to 65535\n"
    "  QNAME        its name; \"\\.\" is a dot inside a label, \"\\DDD\" any byte\n"
    "  QTYPE        SRV, A or AAAA, or 33, 1 or 28\n"
    "  tcp          the message came over TCP: it can't be asked for in full\n"
    "  -h, --help   this text\n"
    "\n"
    "Example:\n"
    "  printf "
    "'\\22\\64\\201\\203\\0\\1\\0\\0\\0\\0\\0\\0\\4knot\\4test\\0\\0\\41\\0\\1' |\n"
    "      dns-answer 4660 knot.test SRV\n"
    "  {\"outcome\": \"nxdomain\", \"neg_ttl\": null}\n"
    "\n"
    "Exit status: 0 printed, whatever it is worth; 2 anything else.\n";

static int answer_failed(const char *what, const char *why)
{
    fprintf(stderr, "dns-answer: %s: %s\n", what, why);
    return ANSWER_FAILED;
}

static bool answer_id(const char *text, uint16_t *id)
{
    uint32_t value = 0;
    size_t len = strspn(text, "0123456789");
    if (len == 0 || len > 5 || text[len] != '\0')
        return false;
    for (; *text != '\0'; text++)
        value = value * 10 + (uint32_t)(*text - '0');
    *id = (uint16_t)value;
    return value <= UINT16_MAX;
}

/* What is wrong with the arguments; NULL: nothing. */
static const char *answer_question(int argc, char **argv, reef_dns_question *question,
                                   const char **which)
{
    *which = argc > 1 ? argv[1] : "nothing";
    if (argc < 4 || argc > 5)
        return "it takes QID, QNAME and QTYPE, and perhaps \"tcp\"; --help says more";
    if (!answer_id(argv[1], &question->id))
        return "the question's id is a number from 0 to 65535";
    *which = argv[2];
    if (!reef_dns_name_parse(&question->name, reef_str_of(argv[2])))
        return "this is no DNS name";
    *which = argv[3];
    question->type = dns_json_type(reef_str_of(argv[3]));
    if (question->type == 0)
        return "the type is SRV, A or AAAA, or 33, 1 or 28";
    *which = argv[argc - 1];
    if (argc == 5 && strcmp(argv[4], "tcp") != 0)
        return "the fourth argument can be nothing but \"tcp\"";
    return NULL;
}

/* The message in memory of its very size, so that a reader that goes too far is found
 * out. */
static int answer_print(const reef_dns_question *question, bool tcp)
{
    static char bytes[REEF_DNS_MESSAGE_MAX + 1];
    size_t len = fread(bytes, 1, sizeof bytes, stdin);
    if (ferror(stdin))
        return answer_failed("standard input", strerror(errno));
    if (len > REEF_DNS_MESSAGE_MAX)
        return answer_failed("standard input",
                             "no DNS message has more than 65535 bytes");
    char *exact = malloc(len > 0 ? len : 1);
    bool done = exact != NULL;
    if (done) {
        memcpy(exact, bytes, len);
        done = dns_json(stdout, (reef_str){exact, len}, tcp, question);
    }
    free(exact);
    if (!done)
        return answer_failed("standard input", strerror(ENOMEM));
    if (ferror(stdout) || fflush(stdout) != 0)
        return answer_failed("standard output", strerror(errno));
    return ANSWER_DONE;
}

int main(int argc, char **argv)
{
    reef_dns_question question;
    const char *which = NULL;
    if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
        fputs(answer_help, stdout);
        return fflush(stdout) == 0 ? ANSWER_DONE
                                   : answer_failed("standard output", strerror(errno));
    }
    const char *wrong = answer_question(argc, argv, &question, &which);
    return wrong != NULL ? answer_failed(which, wrong)
                         : answer_print(&question, argc == 5);
}
