/* SPDX-License-Identifier: Apache-2.0
 *
 * reef srv: its command line, what it shows, how it ends. Linked with the
 * __wrap_reef_look_up and __wrap_reef_look_free of cli_look.h. */
#include "test/unit/cli_look.h"

static int srv_begin(void **state)
{
    int code = cap_begin(state);
    cap_settings(*state, "[server.redis]\npassword = \"hunter2\"\n"
                         "[resolver]\nnameservers = [\"10.9.9.9\"]\n"
                         "consul = [\"10.8.8.8\"]\n");
    look_reset();
    return code;
}

/* Whatever comes of it, nothing stays behind and JSON is whole. */
static int looks_up(cap *c, const char *words)
{
    cap_args(c, words);
    look_log[0] = '\0';
    int code = cap_run(c, cli_srv_run);
    assert_int_equal(look_live, 0);
    if (cli_has(&c->ctx, CLI_OPT_JSON) && c->out[0] != '\0')
        look_is_json(c->out);
    cap_has_not(c->out, "hunter2");
    cap_has_not(c->err, "hunter2");
    return code;
}

static void finds_two(void)
{
    look_begin(&look_srv, REEF_OK, "");
    look_srv.took_ms = 3;
    reef_look_step *step = look_step(&look_srv, "127.0.0.1:53", "SRV", "ok");
    step->records = 2;
    step->bytes = 307;
    step = look_step(&look_srv, "127.0.0.1:53", "A", "ok");
    (void)snprintf(step->name, sizeof step->name, "redis-1.example");
    step->records = 1;
    step->bytes = 60;
    step->took_ms = 2;
    reef_look_target *t = look_target(&look_srv, "redis-0.example", "10.0.0.7", "");
    t->glue = true;
    t->address_count = 2;
    (void)snprintf(t->addresses[1], sizeof t->addresses[1], "fd00::7");
    t = look_target(&look_srv, "redis-1.example", "10.0.0.8", "");
    t->weight = 0;
    t->port = 6380;
    t->ttl = UINT32_MAX;
}

static void srv_found(void **state)
{
    cap *c = *state;
    finds_two();
    assert_int_equal(looks_up(c, "redis.example"), CLI_DONE);
    assert_string_equal(c->err, "");
    assert_string_equal(
        c->out,
        "asked     127.0.0.1:53 for SRV of redis.example: 2 records in 307 bytes, 1 "
        "ms\n"
        "          127.0.0.1:53 for A of redis-1.example: 1 record in 60 bytes, 2 ms\n"
        "order     turn  priority  weight  ttl (s)  target\n"
        "             1        10      60       30  redis-0.example:6379 at 10.0.0.7, "
        "fd00::7 (came along)\n"
        "             2        10       0  4294967295  redis-1.example:6380 at "
        "10.0.0.8 "
        "(asked for)\n"
        "turns     lower priority first; of equal ones drawn anew each time, by "
        "weight\n"
        "good      found in 3 ms\n");
    look_srv.targets[1].priority = 11;
    assert_int_equal(looks_up(c, "srv+redis.example"), CLI_DONE);
    cap_has_not(c->out, "turns ");
    c->ctx.color_out = true;
    look_srv.partial = true;
    assert_int_equal(looks_up(c, "redis.example"), CLI_DONE);
    cap_has(c->out, "\033[1masked     \033[0m127.0.0.1:53 ");
    cap_has(c->out, "\033[33mnote      \033[0msrv+redis.example: the server has more ");
    cap_has(c->out, "\033[32mgood\033[0m      found");
}

static void srv_found_json(void **state)
{
    cap *c = *state;
    finds_two();
    look_srv.ignored = look_srv.steps[0].ignored = 7;
    cap_set(c, CLI_OPT_JSON, "");
    assert_int_equal(looks_up(c, "redis.example"), CLI_DONE);
    assert_string_equal(c->err, "");
    cap_has(c->out, "{\"name\":\"redis.example\",\"srv\":true,\"result\":\"ok\","
                    "\"why\":null,\"source\":\"dns\",\"took_ms\":3,\"partial\":false,"
                    "\"ignored\":7,\"steps\":[{\"server\":\"127.0.0.1:53\",");
    cap_has(c->out,
            "\"tcp\":false,\"outcome\":\"ok\",\"text\":null,\"records\":2,"
            "\"bytes\":307,\"ignored\":7,\"start_ms\":0,\"took_ms\":1},{\"server\"");
    cap_has(c->out, "],\"steps_dropped\":0,\"targets\":[{\"name\":\"redis-0.example\","
                    "\"priority\":10,\"weight\":60,\"ttl\":30,\"glue\":true,"
                    "\"port\":6379,\"addresses\":[\"10.0.0.7\",\"fd00::7\"],"
                    "\"why\":null},{");
    cap_has(
        c->out,
        "],\"targets_dropped\":0,\"other\":null,\"findings\":[{\"severity\":\"note\",");
    cap_has(c->out, "],\"exit\":0}\n");
}

/* The sentence on stderr, between what was asked and what to do. */
static void srv_failed(void **state)
{
    cap *c = *state;
    look_begin(&look_srv, REEF_DNS, "no redis.example: said the fake");
    look_step(&look_srv, "127.0.0.1:53", "SRV", "nxdomain");
    assert_int_equal(looks_up(c, "redis.example"), CLI_DNS);
    assert_string_equal(c->err, "reef: no redis.example: said the fake\n");
    assert_string_equal(
        c->out,
        "asked     127.0.0.1:53 for SRV of redis.example: there is no such name, 1 ms\n"
        "problem   srv+redis.example: 127.0.0.1:53 knows no such name: correct it, or "
        "add it there\n");
    cap_set(c, CLI_OPT_JSON, "");
    assert_int_equal(looks_up(c, "redis.example"), CLI_DNS);
    cap_has(c->out, "{\"error\":\"no redis.example: said the fake\",\"code\":"
                    "\"name not resolved\","
                    "\"name\":\"redis.example\",\"srv\":true,"
                    "\"result\":\"name not resolved\","
                    "\"why\":\"no redis.example: said the fake\",");
    cap_has(c->out, "\"targets\":[],\"targets_dropped\":0,\"other\":null,\"findings\":["
                    "{\"severity\":"
                    "\"problem\",\"exit\":3,\"text\":\"srv+redis.example: ");
    cap_has(c->out, "\"exit\":3}\n");
    cap_again(c);
    /* What was asked for last is not what was typed. */
    (void)snprintf(look_srv.why, sizeof look_srv.why, "no redis.example.lan");
    assert_int_equal(looks_up(c, "redis.example"), CLI_DNS);
    assert_string_equal(c->err, "reef: srv+redis.example: 127.0.0.1:53 knows no such "
                                "name: correct it, or add it there\n");
    look_left = 0;
    assert_int_equal(looks_up(c, "redis.example"), CLI_INCOMPLETE);
    assert_string_equal(c->err, "reef: out of memory\n");
}

/* A name without SRV is looked up as a host, too, within the same time. */
static void srv_without(void **state)
{
    cap *c = *state;
    look_step(&look_srv, "127.0.0.1:53", "SRV", "nodata");
    look_begin(&look_host, REEF_OK, "");
    look_target(&look_host, "redis.example", "10.0.0.7", "");
    reef_look_step *step = look_step(&look_host, "127.0.0.1:53", "A", "ok");
    step->records = 1;
    step->bytes = 60;
    c->ctx.timeout_ms = 3000;
    assert_int_equal(looks_up(c, "redis.example"), CLI_DNS);
    assert_string_equal(look_log, "srv+redis.example@10.9.9.9:53 consul\n"
                                  "redis.example@10.9.9.9:53 consul\n");
    assert_true(look_timeout > 0 && look_timeout <= 3000);
    cap_has(c->out, "such a record is not, 1 ms\n"
                    "then      127.0.0.1:53 for A of redis.example: 1 record in 60 ");
    cap_has(c->out,
            "srv+redis.example: 127.0.0.1:53 has no SRV record of it, but its "
            "address, 10.0.0.7: leave out \"srv+\", and write the server's port "
            "behind the name\n");
    cap_set(c, CLI_OPT_JSON, "");
    assert_int_equal(looks_up(c, "redis.example"), CLI_DNS);
    cap_has(c->out, ",\"targets\":[],\"targets_dropped\":0,\"other\":{\"srv\":false,"
                    "\"result\":\"ok\",");
    cap_has(c->out, "\"port\":6379,\"addresses\":[\"10.0.0.7\"],\"why\":null}],"
                    "\"targets_dropped\":0},\"findings\":[{");
    look_left = 1; /* not enough for the second look */
    assert_int_equal(looks_up(c, "redis.example"), CLI_INCOMPLETE);
}

/* All kinds of lines: TCP, what was ignored, what belongs to an outcome, one that has
 * no words of its own, and how many are not shown. */
static void srv_lines(void **state)
{
    cap *c = *state;
    look_begin(&look_srv, REEF_OK, "");
    reef_look_step *step = look_step(&look_srv, "[::1]:53", "SRV", "cname");
    (void)snprintf(step->text, sizeof step->text, "other.example");
    step->tcp = true;
    step->ignored = 12;
    step->start_ms = 1;
    look_step(&look_srv, "[::1]:53", "SRV", "surprise")->start_ms = 2;
    look_step(&look_srv, "[::1]:53", "SRV", "silent")->start_ms = 0;
    look_srv.steps_dropped = 9;
    look_srv.targets_dropped = 40;
    look_target(&look_srv, "redis-2.example", "", "no such name");
    look_target(&look_srv, "redis-3.example", "", "");
    assert_int_equal(looks_up(c, "redis.example"), CLI_DONE);
    cap_has(c->out, "asked     [::1]:53 for SRV of redis.example: no answer, 1 ms\n"
                    "          [::1]:53 over TCP for SRV of redis.example: an alias: "
                    "other.example, 1 ms, 12 ignored\n"
                    "          [::1]:53 for SRV of redis.example: surprise, 1 ms\n"
                    "          and 9 times more\n");
    cap_has(c->out, "  redis-2.example:6379, no address: no such name\n");
    cap_has(c->out, "  redis-3.example:6379, not asked for\n"
                    "          and 40 more\n");
}

static void srv_nameservers(void **state)
{
    cap *c = *state;
    finds_two();
    assert_int_equal(looks_up(c, "srv+redis.example"), CLI_DONE);
    assert_string_equal(look_log, "srv+redis.example@10.9.9.9:53 consul\n");
    assert_int_equal(look_timeout > 4000 && look_timeout <= 5000, 1);
    c->ctx.nameservers[0] = "10.0.0.1";
    c->ctx.nameservers[1] = "[::1]:5353";
    c->ctx.nameservers[2] = "Example.COM/10.0.0.3:54";
    c->ctx.nameserver_count = 3;
    assert_int_equal(looks_up(c, "redis.example"), CLI_DONE);
    assert_string_equal(look_log,
                        "srv+redis.example@10.0.0.1:53@::1:5353@10.0.0.3:54\n");
}

/* All of the most that can be given, each as long as can be. */
static void srv_many_nameservers(void **state)
{
    cap *c = *state;
    char label[64], word[320], name[256];
    memset(label, 'd', sizeof label - 1);
    label[63] = '\0';
    (void)snprintf(word, sizeof word,
                   "%s.%s.%s.%.61s/[1111:2222:3333:4444:5555:6666:7777:8888]:65535",
                   label, label, label, label);
    finds_two();
    for (int i = 0; i < REEF_NAMESERVERS_MAX; i++)
        c->ctx.nameservers[i] = word;
    (void)snprintf(name, sizeof name, "%.*s", (int)(strchr(word, '/') - word), word);
    c->ctx.nameserver_count = REEF_NAMESERVERS_MAX;
    assert_int_equal(looks_up(c, name), CLI_DONE);
    const char *at = look_log;
    for (int i = 0; i < REEF_NAMESERVERS_MAX; i++) {
        at = strstr(at, "@1111:2222:3333:4444:5555:6666:7777:8888:65535");
        assert_non_null(at);
        at++;
    }
}

static void refuses(cap *c, const char *words, const char *part)
{
    assert_int_equal(looks_up(c, words), CLI_USAGE);
    assert_string_equal(look_log, "");
    cap_has(c->err, part);
}

static void srv_usage(void **state)
{
    cap *c = *state;
    char longer[REEF_NAME_MAX + 8];
    static const struct {
        const char *word, *part;
    } cases[] = {
        {"redis.example:6379", "reef: 'redis.example:6379' is not the name of a "
                               "service: a name stands alone"},
        {"redis..example", "'redis..example' is not the name of a service: a name has "
                           "no empty part"},
        {"srv+", "'srv+' is not the name of a service: it is missing"},
        {"srv+srv+a", "stands before it once"},
        {"SRV+a", "\"srv+\" is written in lower case"},
        {"\033[2Ja", "'\\x1b[2Ja' is not the name of a service: a name is made of"},
        {"a,b", "'a,b' is not the name of a service: one name"},
        {"unix:/tmp/x", "'unix:/tmp/x' is not the name of a service: a socket has"},
        {"/tmp/x", "a socket has no SRV record"},
        {"redis://a", "no URL"},
        {"user@a", "'user@a' is not the name of a service: user and password"},
        {"127.0.0.1", "an address has no SRV record"},
        {"srv+127.0.0.1.", "an address has no SRV record"},
        {"[fd00::7]", "an address has no SRV record"},
        {"::1", "an address has no SRV record"},
        {"1.2.3", "this is not an IPv4 address"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        refuses(c, cases[i].word, cases[i].part);
    memset(longer, 'a', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    refuses(c, longer, "is not the name of a service: a name has at most 253 bytes");
    cap_set(c, CLI_OPT_JSON, "");
    refuses(c, "a:0", "a name stands alone");
    cap_has(c->out, "\"code\":\"usage\",\"exit\":2}");
}

static void srv_usage_nameserver(void **state)
{
    cap *c = *state;
    char longer[REEF_NAME_MAX + 80];
    memset(longer, 'a', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    c->ctx.nameserver_count = 2;
    c->ctx.nameservers[0] = "10.0.0.1";
    c->ctx.nameservers[1] = "dns.example";
    refuses(c, "a",
            "reef: --nameserver 'dns.example' is no address of a nameserver: a "
            "nameserver is an IP");
    c->ctx.nameservers[1] = "";
    refuses(c, "a", "--nameserver '' is no address of a nameserver: it is empty");
    c->ctx.nameservers[1] = longer;
    refuses(c, "a", "is no address of a nameserver: it is too long");
    c->ctx.nameservers[1] = "user:pass@10.0.0.1"; /* a text that files would hide */
    refuses(c, "a",
            "--nameserver 'user:pass@10.0.0.1' is no address of a nameserver: ");
    cap_has_not(c->err, "not shown");
    c->ctx.nameservers[1] = "127.0.0.1:abc";
    refuses(c, "a", "'127.0.0.1:abc' is no address of a nameserver: a port is a");
    /* Nobody is asked but who was named. */
    c->ctx.nameservers[0] = "other/10.0.0.1";
    c->ctx.nameservers[1] = "edis.example/10.0.0.2";
    refuses(c, "redis.example", "no --nameserver is for 'redis.example': ");
    finds_two();
    assert_int_equal(looks_up(c, "a.OTHER."), CLI_DONE);
    assert_int_equal(looks_up(c, "edis.example"), CLI_DONE);
    c->ctx.nameservers[1] = "10.0.0.1:0";
    cap_set(c, CLI_OPT_JSON, "");
    refuses(c, "a", "a port is a number");
    cap_has(c->out, "\"code\":\"usage\",\"exit\":2}");
}

/* What names and servers hold is shown, and does not steer the terminal. */
static void srv_hostile(void **state)
{
    static const char evil[] = "\033]0;x\007\xE2\x80\xAEtxt\xFF\"\n";
    cap *c = *state;
    finds_two();
    for (uint32_t i = 0; i < 2; i++) {
        (void)snprintf(look_srv.steps[i].server, REEF_PEER_TEXT, "%s", evil);
        (void)snprintf(look_srv.steps[i].name, REEF_NAME_MAX, "%s", evil);
        (void)snprintf(look_srv.steps[i].type, sizeof look_srv.steps[i].type, "\r\n");
        (void)snprintf(look_srv.steps[i].text, REEF_NAME_MAX, "%s", evil);
        (void)snprintf(look_srv.steps[i].outcome, 16, "%.14s", evil);
        (void)snprintf(look_srv.targets[i].name, REEF_NAME_MAX, "%s", evil);
        (void)snprintf(look_srv.targets[i].addresses[0], 64, "%s", evil);
    }
    (void)snprintf(look_srv.targets[1].why, REEF_ERROR_TEXT, "%s", evil);
    look_srv.targets[1].address_count = 0;
    for (int json = 0; json < 2; json++) {
        cap_set(c, CLI_OPT_JSON, json == 0 ? NULL : "");
        look_srv.code = REEF_OK;
        assert_int_equal(looks_up(c, "redis.example"), CLI_DONE);
        cap_has_not(c->out, "\033");
        cap_has_not(c->out, "\xE2\x80\xAE");
        cap_has_not(c->out, "\xFF");
        cap_has_not(c->out, "\r");
        look_srv.code = REEF_DNS;
        (void)snprintf(look_srv.why, sizeof look_srv.why, "%s", evil);
        assert_int_equal(looks_up(c, "redis.example"), CLI_DNS);
        cap_has_not(c->out, "\033");
        cap_has_not(c->err, "\033");
        cap_has_not(c->err, "\xFF");
    }
}

/* As many and as long as there can be: nothing is cut off in its lines. */
static void srv_wide(void **state)
{
    cap *c = *state;
    char name[REEF_NAME_MAX + 1];
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    look_begin(&look_srv, REEF_OK, "");
    for (int i = 0; i < 8; i++) {
        reef_look_step *step = look_step(&look_srv, "", "AAAA", "unreachable");
        memset(step->server, 's', sizeof step->server - 1);
        memcpy(step->name, name, sizeof name);
        memcpy(step->text, name, sizeof name);
        step->took_ms = step->ignored = UINT32_MAX;
    }
    reef_look_target *t = look_target(&look_srv, name, "", "");
    t->address_count = REEF_LOOK_ADDRESSES_MAX;
    for (int i = 0; i < REEF_LOOK_ADDRESSES_MAX; i++)
        memset(t->addresses[i], 'a', sizeof t->addresses[i] - 1);
    look_target(&look_srv, name, "", "")->port = UINT16_MAX;
    memset(look_srv.targets[1].name, 'm', sizeof name - 1); /* nobody was asked */
    memset(look_srv.targets[1].why, 'w', sizeof look_srv.targets[1].why - 1);
    assert_int_equal(looks_up(c, "redis.example"), CLI_DONE);
    cap_has(c->out, "n: unreachable: n");
    cap_has(c->out, ", 4294967295 ms, 4294967295 ignored\n");
    cap_has(c->out, "a (asked for)\n");
    cap_has(c->out, "w\nturns ");
    cap_has(c->out, "or add an address\n");
}

#define SRV_TEST(test) cmocka_unit_test_setup_teardown(test, srv_begin, cap_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SRV_TEST(srv_found),
        SRV_TEST(srv_found_json),
        SRV_TEST(srv_failed),
        SRV_TEST(srv_without),
        SRV_TEST(srv_lines),
        SRV_TEST(srv_nameservers),
        SRV_TEST(srv_usage),
        SRV_TEST(srv_many_nameservers),
        SRV_TEST(srv_hostile),
        SRV_TEST(srv_wide),
        SRV_TEST(srv_usage_nameserver),
    };
    return cmocka_run_group_tests_name("cli_srv", tests, NULL, NULL);
}
