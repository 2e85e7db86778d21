/* SPDX-License-Identifier: Apache-2.0
 *
 * Names in real DNS servers: what a look-up finds, what it says when it finds nothing,
 * and what it asks. With each server that is there the same names give the same. */
#include "test/live/check.h"
#include "test/live/dns_server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

enum {
    NAMES_MANY = 40,      /* SRV records: more than 512 bytes */
    NAMES_HUGE = 230,     /* more than any datagram that is asked for */
    NAMES_QUICK_MS = 2000 /* for what takes one or two round trips: a slow machine's */
};

static const char names_records[] = "one SRV 10 20 6379 node1\n"
                                    "several SRV 20 0 6383 node1\n"
                                    "several SRV 10 60 6381 node1\n"
                                    "several SRV 10 0 6382 node2\n"
                                    "several SRV 65535 65535 65535 node2\n"
                                    "several SRV 0 1 6380 node2\n"
                                    "alias CNAME one\n"
                                    "alias2 CNAME alias\n"
                                    "away CNAME redis.service.consul.\n"
                                    "redis.service.consul. SRV 1 2 6390 node1.consul.\n"
                                    "node1.consul. A 127.0.0.1\n"
                                    "gone SRV 0 0 0 .\n"
                                    "portless SRV 0 0 0 node1\n"
                                    "half SRV 0 0 0 node1\n"
                                    "half SRV 5 0 6379 node2\n"
                                    "six SRV 0 0 6379 node6\n"
                                    "both SRV 0 0 6379 node46\n"
                                    "bare SRV 0 0 6379 node1.consul.\n"
                                    "lost SRV 0 0 6379 nowhere\n"
                                    "node1 A 127.0.0.1\n"
                                    "node2 A 127.0.0.2\n"
                                    "node6 AAAA ::1\n"
                                    "node46 A 127.0.0.1\n"
                                    "node46 AAAA ::1\n"
                                    "node3 A 127.0.0.1\n"
                                    "node3 A 127.0.0.2\n"
                                    "node3 A 127.0.0.3\n"
                                    "plain CNAME node1\n";

static char names_text[64 * 1024];

/* The records above, and many and huge ones. */
static const char *names_all(void)
{
    size_t len = (size_t)snprintf(names_text, sizeof names_text, "%s", names_records);
    for (unsigned i = 0; i < NAMES_HUGE; i++) {
        len += (size_t)snprintf(names_text + len, sizeof names_text - len,
                                "huge SRV %u %u %u the-target-of-record-%03u\n"
                                "the-target-of-record-%03u A 127.0.0.%u\n",
                                i / 50, i % 7, 7000 + i, i, i, i + 1);
    }
    for (unsigned i = 0; i < NAMES_MANY; i++) {
        len += (size_t)snprintf(names_text + len, sizeof names_text - len,
                                "many SRV 0 1 %u m%02u\nm%02u A 127.0.0.1\n", 7000 + i,
                                i, i);
    }
    return names_text;
}

/* ---- looking up --------------------------------------------------------------- */

static reef_look *names_look_by(const reef_config *config)
{
    reef_look *look = reef_look_up(config, &config->hosts[0], 0);
    assert_non_null(look);
    return look;
}

static reef_look *names_look(const reef_live_dns *dns, const char *host)
{
    static reef_config config;
    reef_live_dns_config(host, &config);
    reef_live_dns_use(&config, "", "127.0.0.1", dns->port);
    return names_look_by(&config);
}

/* Everything that a failed test should show. */
static void names_show(const reef_look *look)
{
    print_error("%s: %s (%s), %u targets, %u ms\n", reef_code_name(look->code),
                look->why, look->source, look->target_count, look->took_ms);
    for (uint32_t i = 0; i < look->step_count; i++) {
        const reef_look_step *step = &look->steps[i];
        print_error("  %s%s %s %s: %s %s, %u records, %u bytes, %u ignored, %u ms\n",
                    step->server, step->tcp ? " tcp" : "", step->type, step->name,
                    step->outcome, step->text, step->records, step->bytes,
                    step->ignored, step->took_ms);
    }
    for (uint32_t i = 0; i < look->target_count && i < 8; i++) {
        const reef_look_target *t = &look->targets[i];
        print_error("  %u %u %u %s: %u addresses, %s %s\n", t->priority, t->weight,
                    t->port, t->name, t->address_count,
                    t->address_count ? t->addresses[0] : "", t->why);
    }
}

static void names_judge(const reef_look *look, bool good, const char *what)
{
    if (!good) {
        names_show(look);
        fail_msg("%s", what);
    }
}

/* It was found, with so many targets, and in a moment. */
static void names_found(const reef_look *look, uint32_t targets)
{
    names_judge(look, look->code == REEF_OK, "not found");
    names_judge(look, !look->why[0], "found, and yet a reason why not");
    names_judge(look, strcmp(look->source, "dns") == 0, "not from DNS");
    names_judge(look, look->target_count == targets, "not as many targets");
    names_judge(look, look->took_ms < NAMES_QUICK_MS, "slow");
    names_judge(look, look->ignored == 0 && !look->partial, "strange messages");
}

/* It was not found, and in a moment: the reason names `part`. */
static void names_not_found(const reef_look *look, const char *part)
{
    names_judge(look, look->code == REEF_DNS, "another code");
    names_judge(look, strstr(look->why, part) != NULL, part);
    names_judge(look, look->took_ms < NAMES_QUICK_MS, "slow");
}

/* One of its steps came to this. */
static const reef_look_step *names_step(const reef_look *look, const char *outcome)
{
    for (uint32_t i = 0; i < look->step_count; i++) {
        if (strcmp(look->steps[i].outcome, outcome) == 0) {
            return &look->steps[i];
        }
    }
    names_judge(look, false, outcome);
    return NULL;
}

static void names_target(const reef_look *look, uint32_t at, const char *name,
                         unsigned port)
{
    names_judge(look, at < look->target_count, "too few targets");
    names_judge(look, strcmp(look->targets[at].name, name) == 0, name);
    names_judge(look, look->targets[at].port == port, "another port");
}

static void names_address(const reef_look *look, uint32_t at, const char *address)
{
    const reef_look_target *target = &look->targets[at];
    for (uint32_t i = 0; i < target->address_count; i++) {
        if (strcmp(target->addresses[i], address) == 0) {
            return;
        }
    }
    names_judge(look, false, address);
}

/* ---- what is found ------------------------------------------------------------ */

static void names_find_one(const reef_live_dns *dns)
{
    reef_look *look = names_look(dns, "srv+one.test");
    names_found(look, 1);
    names_target(look, 0, "node1.test", 6379);
    names_address(look, 0, "127.0.0.1");
    names_judge(look, look->targets[0].priority == 10, "priority");
    names_judge(look, look->targets[0].weight == 20, "weight");
    names_judge(look, look->targets[0].ttl <= 30, "TTL");
    names_judge(look, look->targets[0].glue, "no glue");
    names_judge(look, look->step_count == 1, "more than one question");
    reef_look_free(look);
}

/* By priority; which of those with equal ones is first, chance decides. Weight 0 is
 * last among its equals. */
static void names_find_several(const reef_live_dns *dns)
{
    reef_look *look = names_look(dns, "srv+several.test");
    names_found(look, 5);
    names_target(look, 0, "node2.test", 6380);
    names_target(look, 1, "node1.test", 6381);
    names_target(look, 2, "node2.test", 6382);
    names_target(look, 3, "node1.test", 6383);
    names_target(look, 4, "node2.test", 65535);
    names_judge(look, look->targets[4].weight == 65535, "weight");
    reef_look_free(look);
}

static void names_find_alias(const reef_live_dns *dns)
{
    static const char *const hosts[] = {"srv+alias.test", "srv+alias2.test",
                                        "srv+ALIAS.Test", "srv+one.test."};
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++) {
        reef_look *look = names_look(dns, hosts[i]);
        names_found(look, 1);
        names_target(look, 0, "node1.test", 6379);
        names_address(look, 0, "127.0.0.1");
        reef_look_free(look);
    }
}

/* Into another zone: knotd says no more than where to ask. */
static void names_find_away(const reef_live_dns *dns)
{
    reef_look *look = names_look(dns, "srv+away.test");
    names_found(look, 1);
    names_target(look, 0, "node1.consul", 6390);
    names_address(look, 0, "127.0.0.1");
    if (dns->kind.brand == REEF_LIVE_KNOTD) {
        names_judge(
            look, strcmp(names_step(look, "cname")->text, "redis.service.consul") == 0,
            "another alias");
    }
    reef_look_free(look);
}

/* Each target once, by priority. */
static void names_find_all(const reef_live_dns *dns, const char *host, unsigned count)
{
    bool seen[NAMES_HUGE] = {false};
    reef_look *look = names_look(dns, host);
    uint16_t priority = 0;
    names_found(look, count);
    for (uint32_t i = 0; i < look->target_count; i++) {
        unsigned at = look->targets[i].port - 7000u;
        names_judge(look, at < count && !seen[at], "a target twice, or none of ours");
        names_judge(look, look->targets[i].priority >= priority, "out of order");
        priority = look->targets[i].priority;
        seen[at] = true;
    }
    reef_look_free(look);
}

static void names_find_huge(const reef_live_dns *dns)
{
    static reef_config config;
    reef_look *look = names_look(dns, "srv+huge.test");
    bool tcp = false;
    names_step(look, "truncated");
    for (uint32_t i = 0; i < look->step_count; i++) {
        tcp = tcp || (look->steps[i].tcp && strcmp(look->steps[i].outcome, "ok") == 0 &&
                      look->steps[i].bytes > 1232);
    }
    names_judge(look, tcp, "no answer over TCP");
    reef_look_free(look);
    names_find_all(dns, "srv+huge.test", NAMES_HUGE);
    names_find_all(dns, "srv+many.test", NAMES_MANY);
    /* Over IPv6 as well. */
    if (reef_live_has_ipv6()) {
        reef_live_dns_config("srv+huge.test", &config);
        reef_live_dns_use(&config, "", "::1", dns->port);
        look = names_look_by(&config);
        names_found(look, NAMES_HUGE);
        reef_look_free(look);
    }
}

/* Records that say that there is no service here are no targets. */
static void names_find_half(const reef_live_dns *dns)
{
    reef_look *look = names_look(dns, "srv+half.test");
    names_found(look, 1);
    names_target(look, 0, "node2.test", 6379);
    names_address(look, 0, "127.0.0.2");
    reef_look_free(look);
}

static void names_find_addresses(const reef_live_dns *dns)
{
    reef_look *look = names_look(dns, "srv+six.test");
    names_found(look, 1);
    names_judge(look, look->targets[0].address_count == 1, "one address");
    names_address(look, 0, "::1");
    reef_look_free(look);
    look = names_look(dns, "srv+both.test");
    names_found(look, 1);
    names_judge(look, look->targets[0].address_count == 2, "two addresses");
    names_address(look, 0, "::1");
    names_address(look, 0, "127.0.0.1");
    reef_look_free(look);
    look = names_look(dns, "srv+bare.test");
    names_found(look, 1);
    names_target(look, 0, "node1.consul", 6379);
    names_address(look, 0, "127.0.0.1");
    reef_look_free(look);
}

static void names_find_plain(const reef_live_dns *dns)
{
    reef_look *look = names_look(dns, "node3.test:7777");
    names_found(look, 1);
    names_target(look, 0, "node3.test", 7777);
    names_judge(look, look->targets[0].address_count == 3, "three addresses");
    names_address(look, 0, "127.0.0.1");
    names_address(look, 0, "127.0.0.2");
    names_address(look, 0, "127.0.0.3");
    reef_look_free(look);
    look = names_look(dns, "plain.test");
    names_found(look, 1);
    names_address(look, 0, "127.0.0.1");
    reef_look_free(look);
    look = names_look(dns, "NODE6.TEST");
    names_found(look, 1);
    names_address(look, 0, "::1");
    reef_look_free(look);
}

static void names_find(const reef_live_dns_kind *kind)
{
    reef_live_dns *dns = reef_live_dns_start(kind, names_all(), 30);
    names_find_one(dns);
    names_find_several(dns);
    names_find_alias(dns);
    names_find_away(dns);
    names_find_huge(dns);
    names_find_half(dns);
    names_find_addresses(dns);
    names_find_plain(dns);
    reef_live_dns_change(dns, names_records, 0);
    names_find_one(dns);
    reef_live_dns_free(dns);
}

static void test_find(void **state)
{
    (void)state;
    reef_live_dns_each(names_find);
}

/* ---- what is not -------------------------------------------------------------- */

static void names_miss_one(const reef_live_dns *dns, const char *host,
                           const char *outcome, const char *part)
{
    reef_look *look = names_look(dns, host);
    names_not_found(look, part);
    names_step(look, outcome);
    reef_look_free(look);
}

static void names_miss(const reef_live_dns_kind *kind)
{
    reef_live_dns *dns = reef_live_dns_start(kind, names_records, 30);
    char server[32];
    snprintf(server, sizeof server, "127.0.0.1:%u", (unsigned)dns->port);
    names_miss_one(dns, "srv+nothing.test", "nxdomain", "nothing.test");
    names_miss_one(dns, "srv+nothing.test", "nxdomain", server);
    names_miss_one(dns, "nothing.test", "nxdomain", "nothing.test");
    names_miss_one(dns, "srv+node1.test", "nodata", "node1.test");
    names_miss_one(dns, "one.test", "nodata", "one.test");
    names_miss_one(dns, "srv+gone.test", "unavailable", "gone.test");
    names_miss_one(dns, "srv+portless.test", "unavailable", "portless.test");
    names_miss_one(dns, "srv+lost.test", "nxdomain", "nowhere.test");
    names_miss_one(dns, "srv+one.elsewhere", "refused", server);
    reef_live_dns_free(dns);
}

static void test_miss(void **state)
{
    (void)state;
    reef_live_dns_each(names_miss);
}

/* NSD and knotd serve a circle of aliases; dnsmasq refuses to start with one. */
static void names_circle(const reef_live_dns_kind *kind)
{
    reef_live_dns *dns;
    if (kind->brand == REEF_LIVE_DNSMASQ) {
        return;
    }
    dns = reef_live_dns_start(kind, "loop1 CNAME loop2\nloop2 CNAME loop1\n", 30);
    names_miss_one(dns, "srv+loop1.test", "cname_loop", "loop1.test");
    names_miss_one(dns, "loop2.test", "cname_loop", "loop2.test");
    /* Round by way of another zone, which knotd does not follow by itself. */
    reef_live_dns_change(
        dns,
        "loop1 CNAME loop.service.consul.\nloop.service.consul. CNAME loop1.test.\n",
        30);
    names_miss_one(dns, "srv+loop1.test",
                   kind->brand == REEF_LIVE_KNOTD ? "cname" : "cname_loop", "circle");
    reef_live_dns_free(dns);
}

static void test_circle(void **state)
{
    (void)state;
    reef_live_dns_each(names_circle);
}

/* ---- several servers ---------------------------------------------------------- */

/* A first server that says nothing, or is not there, does not stop the second one. */
static void names_second(const reef_live_dns_kind *kind)
{
    static reef_config config;
    reef_live_dns *dns = reef_live_dns_start(kind, names_records, 30);
    uint16_t silent_port, closed_port = reef_live_dns_port();
    int silent = reef_live_dns_silent(&silent_port);
    const uint16_t firsts[] = {closed_port, silent_port};
    for (size_t i = 0; i < 2; i++) {
        reef_look *look;
        reef_live_dns_config("srv+one.test", &config);
        reef_live_dns_use(&config, "", "127.0.0.1", firsts[i]);
        reef_live_dns_use(&config, "", "127.0.0.1", dns->port);
        look = names_look_by(&config);
        names_found(look, 1);
        names_target(look, 0, "node1.test", 6379);
        print_message("    with a %s first server: %u ms\n", i ? "silent" : "closed",
                      look->took_ms);
        names_step(look, i ? "dropped" : "unreachable");
        reef_look_free(look);
    }
    close(silent);
    reef_live_dns_free(dns);
}

static void test_second(void **state)
{
    (void)state;
    reef_live_dns_each(names_second);
}

/* Servers that all say nothing: the deadline ends it. Those that are not there end it
 * at once. */
static void test_nobody(void **state)
{
    static reef_config config;
    uint16_t port;
    int silent = reef_live_dns_silent(&port);
    int64_t start_ms = reef_live_now_ms(), took_ms;
    reef_look *look;
    (void)state;
    reef_live_dns_config("srv+one.test", &config);
    reef_live_dns_use(&config, "", "127.0.0.1", port);
    look = reef_look_up(&config, &config.hosts[0], 500);
    took_ms = reef_live_now_ms() - start_ms;
    assert_non_null(look);
    names_not_found(look, "one.test");
    names_judge(look, took_ms >= 450 && took_ms < NAMES_QUICK_MS, "not the deadline");
    names_step(look, "silent");
    reef_look_free(look);
    close(silent);
    reef_live_dns_config("srv+one.test", &config);
    reef_live_dns_use(&config, "", "127.0.0.1", reef_live_dns_port());
    look = names_look_by(&config);
    names_not_found(look, "127.0.0.1:");
    names_step(look, "unreachable");
    reef_look_free(look);
}

/* A server for a domain is asked for its names and no others, Consul's for its own. */
static void names_domains(const reef_live_dns_kind *kind)
{
    static reef_config config;
    reef_live_dns *dns = reef_live_dns_start(kind, names_records, 30);
    uint16_t closed = reef_live_dns_port();
    reef_look *look;
    reef_live_dns_config("srv+redis.service.CONSUL", &config);
    reef_live_dns_use(&config, "", "127.0.0.1", closed);
    reef_live_dns_use(&config, "service.consul", "127.0.0.1", dns->port);
    reef_live_dns_use(&config, "consul", "127.0.0.1", dns->port);
    look = names_look_by(&config);
    names_found(look, 1);
    names_target(look, 0, "node1.consul", 6390);
    reef_look_free(look);
    config.nameserver_count = 1;
    config.consul[0] = config.nameservers[1];
    config.consul[0].domain[0] = '\0';
    snprintf(config.consul[0].domain, sizeof config.consul[0].domain, "consul");
    config.consul_count = 1;
    look = names_look_by(&config);
    names_found(look, 1);
    reef_look_free(look);
    reef_live_dns_config("srv+redis.notservice.consul", &config);
    reef_live_dns_use(&config, "", "127.0.0.1", dns->port);
    reef_live_dns_use(&config, "service.consul", "127.0.0.1", closed);
    look = names_look_by(&config);
    names_not_found(look, "redis.notservice.consul");
    names_step(look, "nxdomain");
    reef_look_free(look);
    reef_live_dns_free(dns);
}

static void test_domains(void **state)
{
    (void)state;
    reef_live_dns_each(names_domains);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_find),   cmocka_unit_test(test_miss),
        cmocka_unit_test(test_circle), cmocka_unit_test(test_second),
        cmocka_unit_test(test_nobody), cmocka_unit_test(test_domains),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
