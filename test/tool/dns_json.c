/* SPDX-License-Identifier: Apache-2.0
 *
 * The decoder's answer as JSON. */
#include "test/tool/dns_json.h"

#include <arpa/inet.h>
#include <stdlib.h>

static void json_text(FILE *out, const char *text)
{
    putc('"', out);
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\')
            putc('\\', out);
        putc(*text, out);
    }
    putc('"', out);
}

static void json_target(FILE *out, const reef_dns_answer *answer, reef_str message,
                        uint32_t target)
{
    char name[REEF_NAME_MAX + 1];
    reef_dns_target_name(answer, message, target, name);
    json_text(out, name);
}

static void json_srv(FILE *out, const reef_dns_answer *answer, reef_str message)
{
    fputs(", \"srv\": [", out);
    for (uint32_t i = 0; i < answer->srv_count; i++) {
        const reef_dns_srv *srv = &answer->srv[i];
        fprintf(out, "%s{\"priority\": %d, \"weight\": %d, \"port\": %d, \"target\": ",
                i > 0 ? ", " : "", srv->priority, srv->weight, srv->port);
        json_target(out, answer, message, srv->target);
        fprintf(out, ", \"ttl\": %lu}", (unsigned long)srv->ttl);
    }
    putc(']', out);
}

/* Of one target; of an answer that is no SRV, all are target 0's. */
static void json_addresses(FILE *out, const reef_dns_answer *answer, uint32_t target)
{
    const char *comma = "";
    putc('[', out);
    for (uint32_t i = 0; i < answer->address_count; i++) {
        const reef_dns_address *address = &answer->addresses[i];
        char text[INET6_ADDRSTRLEN] = "";
        if (address->target != target)
            continue;
        inet_ntop(address->len == 4 ? AF_INET : AF_INET6, address->bytes, text,
                  sizeof text);
        fprintf(out, "%s\"%s\"", comma, text);
        comma = ", ";
    }
    putc(']', out);
}

/* No earlier address has the same target. */
static bool json_first(const reef_dns_answer *answer, uint32_t i)
{
    uint32_t before = 0;
    while (answer->addresses[before].target != answer->addresses[i].target)
        before++;
    return before == i;
}

static void json_glue(FILE *out, const reef_dns_answer *answer, reef_str message)
{
    const char *comma = "";
    fputs(", \"glue\": {", out);
    for (uint32_t i = 0; i < answer->address_count; i++) {
        uint32_t target = answer->addresses[i].target;
        if (!json_first(answer, i))
            continue;
        fputs(comma, out);
        json_target(out, answer, message, target);
        fputs(": ", out);
        json_addresses(out, answer, target);
        comma = ", ";
    }
    putc('}', out);
}

static void json_ok(FILE *out, const reef_dns_answer *answer, reef_str message,
                    uint16_t type)
{
    if (type == REEF_DNS_SRV) {
        json_srv(out, answer, message);
        json_glue(out, answer, message);
    } else {
        fputs(", \"addrs\": ", out);
        json_addresses(out, answer, 0);
    }
    fprintf(out, ", \"ttl\": %lu", (unsigned long)answer->bare_ttl);
    if (type == REEF_DNS_SRV)
        fprintf(out, ", \"partial\": %s", answer->partial ? "true" : "false");
}

static void json_negative(FILE *out, const reef_dns_answer *answer)
{
    if (answer->negative)
        fprintf(out, ", \"neg_ttl\": %lu", (unsigned long)answer->negative_ttl);
    else
        fputs(", \"neg_ttl\": null", out);
}

static void json_alias(FILE *out, const reef_dns_answer *answer)
{
    char text[REEF_DNS_TEXT_MAX];
    reef_dns_name_text(&answer->alias, text);
    fputs(", \"target\": ", out);
    json_text(out, text);
}

bool dns_json(FILE *out, reef_str message, bool tcp, const reef_dns_question *question)
{
    reef_dns_answer answer;
    void *room = malloc(reef_dns_room(message.len));
    if (room == NULL)
        return false;
    reef_dns_decode(&answer, message, tcp, question, room);
    fprintf(out, "{\"outcome\": \"%s\"", reef_dns_outcome_name(answer.outcome));
    if (answer.outcome == REEF_DNS_OK)
        json_ok(out, &answer, message, question->type);
    else if (answer.outcome == REEF_DNS_NODATA || answer.outcome == REEF_DNS_NXDOMAIN)
        json_negative(out, &answer);
    else if (answer.outcome == REEF_DNS_CNAME)
        json_alias(out, &answer);
    else if (answer.has_rcode && answer.outcome >= REEF_DNS_SERVFAIL &&
             answer.outcome != REEF_DNS_LAME)
        fprintf(out, ", \"rcode\": %d", answer.rcode);
    fputs("}\n", out);
    free(room);
    return true;
}

uint16_t dns_json_type(reef_str text)
{
    if (reef_str_is(text, "SRV") || reef_str_is(text, "33"))
        return REEF_DNS_SRV;
    if (reef_str_is(text, "AAAA") || reef_str_is(text, "28"))
        return REEF_DNS_AAAA;
    return reef_str_is(text, "A") || reef_str_is(text, "1") ? REEF_DNS_A : 0;
}
