/* SPDX-License-Identifier: Apache-2.0
 *
 * What is said of a name that was looked up: each outcome, each oddity, and what is not
 * said twice. Linked with the __wrap_reef_look_up and __wrap_reef_look_free of
 * cli_look.h. */
#include "test/unit/cli_look.h"

#include "session/cli/check.h"

static cli_check found;
static reef_host host;

static int blame_begin(void **state)
{
    int code = cap_begin(state);
    look_reset();
    memset(&host, 0, sizeof host);
    host.kind = REEF_HOST_SRV;
    (void)snprintf(host.name, sizeof host.name, "redis.example");
    return code;
}

/* Looks the host up and finds what is wrong with it. */
static void find(cap *c)
{
    cli_name name;
    memset(&found, 0, sizeof found);
    found.ctx = &c->ctx;
    assert_true(cli_name_ask(&found, &name, &host, reef_now_ms() + 1000));
    cli_name_find(&found, &name, CLI_DNS);
    cli_name_free(&name);
    assert_int_equal(look_live, 0);
}

/* The only finding, its exit code and its text. */
static void only(cap *c, int exit_code, const char *text)
{
    find(c);
    assert_int_equal(found.count, 1);
    assert_string_equal(found.findings[0].text, text);
    assert_int_equal(found.findings[0].exit_code, exit_code);
}

static void nothing(cap *c)
{
    find(c);
    if (found.count > 0)
        fail_msg("found: %s", found.findings[0].text);
}

/* Finding number `at` holds these words, and is a problem or a note. */
static void among(size_t at, int exit_code, const char *part)
{
    assert_true(at < found.count);
    cap_has(found.findings[at].text, part);
    assert_int_equal(found.findings[at].exit_code, exit_code);
}

/* Every outcome that ends a look-up, alone: one problem, which says what to do. */
static void blame_outcomes_alone(void **state)
{
    static const struct {
        const char *outcome, *part;
    } cases[] = {
        {"nxdomain", "10.0.0.1:53 knows no such name: correct it, or add it there"},
        {"nodata",
         "10.0.0.1:53 knows the name, but no SRV record of it: add one there"},
        {"unavailable", "10.0.0.1:53 has it that this service is not available"},
        {"badname", "10.0.0.1:53 names targets that are no names of hosts"},
        {"cname_loop", "10.0.0.1:53 has aliases (CNAME) for it that lead back"},
        {"silent", "10.0.0.1:53 does not answer: see that it runs"},
        {"dropped", "10.0.0.1:53 does not answer: see that it runs"},
        {"unreachable", "10.0.0.1:53 can't be reached: see that it runs"},
        {"refused", "10.0.0.1:53 refuses to answer: have it serve this machine"},
        {"servfail", "10.0.0.1:53 fails at it (SERVFAIL): its log says why"},
        {"notimp", "10.0.0.1:53 can't answer such a question"},
        {"formerr", "10.0.0.1:53 does not understand the question"},
        {"lame", "10.0.0.1:53 only points to other servers"},
        {"malformed", "10.0.0.1:53 gives a broken answer"},
        {"rcode", "10.0.0.1:53 answers with an error: its log says why"},
    };
    cap *c = *state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        look_begin(&look_srv, REEF_DNS, "why");
        look_step(&look_srv, "10.0.0.1:53", "SRV", cases[i].outcome);
        find(c);
        assert_int_equal(found.count, 1);
        among(0, CLI_DNS, "srv+redis.example: ");
        among(0, CLI_DNS, cases[i].part);
    }
    static const char *const others[] = {"ok", "cname", "surprise", ""};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        look_begin(&look_srv, REEF_DNS, "why");
        look_step(&look_srv, "10.0.0.1:53", "SRV", others[i]);
        nothing(c);
    }
}

/* The words of a step. */
static void blame_words(void **state)
{
    (void)state;
    reef_look_step step;
    char out[64];
    memset(&step, 0, sizeof step);
    cli_name_outcome(&step, out, sizeof out);
    assert_string_equal(out, "");
    (void)snprintf(step.outcome, sizeof step.outcome, "ok");
    step.records = 1;
    step.bytes = 61;
    cli_name_outcome(&step, out, sizeof out);
    assert_string_equal(out, "1 record in 61 bytes");
    (void)snprintf(step.outcome, sizeof step.outcome, "unreachable");
    (void)snprintf(step.text, sizeof step.text, "connection refused");
    cli_name_outcome(&step, out, sizeof out);
    assert_string_equal(out, "unreachable: connection refused");
    cli_name_outcome(&step, out, 8);
    assert_string_equal(out, "unreach");
    (void)snprintf(step.outcome, sizeof step.outcome, "rcode");
    (void)snprintf(step.text, sizeof step.text, "error 9");
    cli_name_outcome(&step, out, sizeof out);
    assert_string_equal(out, "error 9 (NOTAUTH, not authoritative, or not authorized)");
    (void)snprintf(step.text, sizeof step.text, "error 12");
    cli_name_outcome(&step, out, sizeof out);
    assert_string_equal(out, "error 12");
}

/* A name without the record that was asked for may have one of the other kind. */
static void blame_other_kind(void **state)
{
    cap *c = *state;
    look_step(&look_srv, "10.0.0.1:53", "SRV", "nodata");
    look_begin(&look_host, REEF_OK, "");
    look_target(&look_host, "redis.example", "10.0.0.7", "");
    only(c, CLI_DNS,
         "srv+redis.example: 10.0.0.1:53 has no SRV record of it, but its address, "
         "10.0.0.7: leave out \"srv+\", and write the server's port behind the name");
    host.kind = REEF_HOST_TCP;
    look_begin(&look_host, REEF_DNS, "why");
    look_step(&look_host, "10.0.0.1:53", "A", "nodata");
    look_step(&look_host, "10.0.0.1:53", "AAAA", "nodata");
    look_begin(&look_srv, REEF_OK, "");
    look_target(&look_srv, "redis-0.example", "10.0.0.7", "");
    look_log[0] = '\0';
    only(c, CLI_DNS,
         "redis.example: 10.0.0.1:53 has no address of it, but an SRV record: write "
         "\"srv+redis.example\"");
    assert_string_equal(look_log, "redis.example\nsrv+redis.example\n");
    look_begin(&look_srv, REEF_DNS, "why");
    only(c, CLI_DNS,
         "redis.example: 10.0.0.1:53 knows the name, but no address of it: add one "
         "there, or correct the name");
    /* Of a name that is found nothing else is asked. */
    look_begin(&look_host, REEF_OK, "");
    look_step(&look_host, "10.0.0.1:53", "AAAA", "nodata");
    look_log[0] = '\0';
    nothing(c);
    assert_string_equal(look_log, "redis.example\n");
}

/* A search list: that a name is there says more than that another is not. */
static void blame_search(void **state)
{
    cap *c = *state;
    look_step(&look_srv, "10.0.0.1:53", "SRV", "nxdomain");
    look_step(&look_srv, "10.0.0.2:53", "SRV", "unavailable");
    look_step(&look_srv, "10.0.0.3:53", "SRV", "nxdomain");
    find(c);
    assert_int_equal(found.count, 1);
    among(0, CLI_DNS, "10.0.0.2:53 has it that");
    /* An address of a target that is not there settles nothing of the service. */
    look_begin(&look_srv, REEF_DNS, "why");
    look_step(&look_srv, "10.0.0.1:53", "SRV", "ok");
    look_step(&look_srv, "10.0.0.1:53", "A", "nxdomain");
    look_target(&look_srv, "redis-0.example", "", "no such name");
    look_target(&look_srv, "redis-1.example", "", "no address");
    only(c, CLI_DNS,
         "srv+redis.example: 2 of 2 targets have no address, such as "
         "redis-0.example: correct the SRV record, or add an address");
}

/* A target whose address a server does not tell: it is the server that is at fault, and
 * it alone is named. */
static void blame_targets(void **state)
{
    cap *c = *state;
    look_step(&look_srv, "10.0.0.1:53", "SRV", "ok");
    reef_look_step *step = look_step(&look_srv, "10.0.0.1:53", "A", "refused");
    (void)snprintf(step->name, sizeof step->name, "redis-0.example");
    look_target(&look_srv, "redis-0.example", "", "refused");
    only(c, CLI_DNS,
         "srv+redis.example: 10.0.0.1:53 refuses to answer: have it serve this "
         "machine, or name another in resolver.nameservers");
    (void)snprintf(step->outcome, sizeof step->outcome, "rcode");
    (void)snprintf(step->text, sizeof step->text, "error 9");
    only(c, CLI_DNS,
         "srv+redis.example: 10.0.0.1:53 answers with error 9 (NOTAUTH, not "
         "authoritative, or not authorized): its log says why; or name another in "
         "resolver.nameservers");
    (void)snprintf(step->outcome, sizeof step->outcome, "nxdomain");
    only(c, CLI_DNS,
         "srv+redis.example: its only target has no address, redis-0.example: correct "
         "the SRV record, or add an address");
    /* What tells nothing of a server excuses no target. */
    (void)snprintf(step->outcome, sizeof step->outcome, "dropped");
    find(c);
    assert_int_equal(found.count, 1);
    among(0, CLI_DNS, "its only target has no address");
    look_begin(&look_srv, REEF_OK, "");
    look_target(&look_srv, "10.0.0.7", "10.0.0.7", "");
    look_target(&look_srv, "10.0.0.8", "10.0.0.8", "");
    only(c, CLI_DONE,
         "srv+redis.example: its target 10.0.0.7 is an address, where an SRV record "
         "must have a name: other clients will not find it");
    host.kind = REEF_HOST_TCP;
    look_host = look_srv;
    nothing(c);
}

/* The nameserver that is why nothing was found. */
static const char *unserved(cap *c)
{
    static char server[REEF_PEER_TEXT];
    cli_name name;
    found.ctx = &c->ctx;
    assert_true(cli_name_ask(&found, &name, &host, reef_now_ms() + 1000));
    const reef_look_step *step = cli_name_unserved(&name);
    (void)snprintf(server, sizeof server, "%s", step != NULL ? step->server : "none");
    cli_name_free(&name);
    return server;
}

static void blame_unserved(void **state)
{
    cap *c = *state;
    assert_string_equal(unserved(c), "none");
    look_step(&look_srv, "10.0.0.1:53", "SRV", "ok");
    assert_string_equal(unserved(c), "none");
    look_step(&look_srv, "10.0.0.2:53", "A", "refused");
    assert_string_equal(unserved(c), "10.0.0.2:53");
    look_target(&look_srv, "redis-0.example", "", "no address");
    assert_string_equal(unserved(c), "none");
    look_srv.target_count = 0;
    look_step(&look_srv, "10.0.0.1:53", "SRV", "nxdomain");
    assert_string_equal(unserved(c), "none");
    look_begin(&look_srv, REEF_OK, "");
    look_step(&look_srv, "10.0.0.1:53", "SRV", "silent");
    assert_string_equal(unserved(c), "none");
}

/* The sentence for stderr is about the name that was given. */
static void blame_headline(void **state)
{
    static const struct {
        const char *why;
        bool kept;
    } cases[] = {
        {"no answer about redis.example", true},
        {"redis.example: refused", true},
        {"no answer about my.redis.example. or redis.example.", true},
        {"no answer about redis.example.lan", false},
        {"no answer about my.redis.example", false},
        {"no answer about my-redis.example", false},
        {"no answer about redis.examples", false},
        {"out of time", false},
    };
    cap *c = *state;
    cli_name name;
    look_step(&look_srv, "10.0.0.1:53", "SRV", "refused");
    find(c);
    assert_true(cli_name_ask(&found, &name, &host, reef_now_ms() + 1000));
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        (void)snprintf(name.look->why, sizeof name.look->why, "%s", cases[i].why);
        assert_string_equal(cli_name_headline(&found, &name),
                            cases[i].kept ? cases[i].why : found.findings[0].text);
    }
    found.findings[0].exit_code = CLI_DONE;
    assert_string_equal(cli_name_headline(&found, &name), "out of time");
    cli_name_free(&name);
}

/* Servers that fail while another answers are notes, each said once. */
static void blame_servers(void **state)
{
    cap *c = *state;
    look_begin(&look_srv, REEF_OK, "");
    look_step(&look_srv, "10.0.0.1:53", "SRV", "silent");
    look_step(&look_srv, "10.0.0.2:53", "SRV", "refused");
    look_step(&look_srv, "10.0.0.1:53", "SRV", "silent");
    look_step(&look_srv, "10.0.0.3:53", "SRV", "ok");
    find(c);
    assert_int_equal(found.count, 2);
    among(0, CLI_DONE, "10.0.0.1:53 does not answer");
    among(1, CLI_DONE, "10.0.0.2:53 refuses");
    /* So they are where another server settled it. */
    look_begin(&look_srv, REEF_DNS, "why");
    look_step(&look_srv, "10.0.0.1:53", "SRV", "silent");
    look_step(&look_srv, "10.0.0.2:53", "SRV", "nxdomain");
    find(c);
    assert_int_equal(found.count, 2);
    among(0, CLI_DNS, "10.0.0.2:53 knows no such name");
    among(1, CLI_DONE, "10.0.0.1:53 does not answer");
    /* One that answers now and then; one that only has no EDNS; one that is slow. */
    look_begin(&look_srv, REEF_OK, "");
    look_step(&look_srv, "10.0.0.1:53", "SRV", "formerr");
    look_step(&look_srv, "10.0.0.1:53", "SRV", "silent");
    look_step(&look_srv, "10.0.0.1:53", "SRV", "ok");
    look_step(&look_srv, "10.0.0.2:53", "SRV", "dropped");
    look_step(&look_srv, "10.0.0.3:53", "SRV", "dropped")->took_ms = 251;
    find(c);
    assert_int_equal(found.count, 2);
    among(0, CLI_DONE, "10.0.0.1:53 answered some questions and others not");
    among(1, CLI_DONE, "10.0.0.3:53 had not answered when another did");
}

/* What was still waited for when the time was over, as far as it means anything. */
static void blame_given_up(void **state)
{
    cap *c = *state;
    look_step(&look_srv, "10.0.0.1:53", "SRV", "ok");
    look_step(&look_srv, "10.0.0.1:53", "A", "dropped");
    look_step(&look_srv, "10.0.0.1:53", "AAAA", "dropped")->took_ms = 900;
    only(c, CLI_DNS,
         "srv+redis.example: 10.0.0.1:53 answered some questions and others not: "
         "datagrams get lost on the way, or it is slow");
    /* The second datagram got through. */
    look_begin(&look_srv, REEF_OK, "");
    look_step(&look_srv, "10.0.0.1:53", "SRV", "dropped")->took_ms = 2001;
    look_step(&look_srv, "10.0.0.1:53", "SRV", "ok");
    find(c);
    assert_int_equal(found.count, 1);
    among(0, CLI_DONE, "answered some questions and others not");
    /* The other server was quick; nothing is known of this one. */
    look_begin(&look_srv, REEF_OK, "");
    look_step(&look_srv, "10.0.0.1:53", "AAAA", "dropped");
    look_step(&look_srv, "10.0.0.2:53", "SRV", "ok");
    nothing(c);
    /* One sentence about a server, whichever way its steps ended. */
    look_step(&look_srv, "10.0.0.1:53", "SRV", "dropped")->took_ms = 251;
    look_step(&look_srv, "10.0.0.1:53", "AAAA", "dropped")->took_ms = 900;
    only(
        c, CLI_DONE,
        "srv+redis.example: 10.0.0.1:53 had not answered when another did: see that it "
        "runs, or name the quicker one first");
    look_step(&look_srv, "10.0.0.1:53", "SRV", "silent");
    find(c);
    assert_int_equal(found.count, 1);
    among(0, CLI_DONE, "10.0.0.1:53 does not answer");
}

static void blame_truncated(void **state)
{
    cap *c = *state;
    look_begin(&look_srv, REEF_OK, "");
    look_step(&look_srv, "10.0.0.1:53", "SRV", "truncated");
    look_step(&look_srv, "10.0.0.1:53", "SRV", "ok")->tcp = true;
    only(
        c, CLI_DONE,
        "srv+redis.example: an answer of 10.0.0.1:53 was too long for a datagram; over "
        "TCP it came whole");
    look_begin(&look_srv, REEF_DNS, "why");
    look_step(&look_srv, "10.0.0.1:53", "SRV", "truncated");
    look_step(&look_srv, "10.0.0.1:53", "SRV", "unreachable")->tcp = true;
    only(c, CLI_DNS,
         "srv+redis.example: an answer of 10.0.0.1:53 was too long for a datagram, and "
         "over TCP it can't be had: let TCP through to it");
}

static void blame_rest(void **state)
{
    cap *c = *state;
    look_begin(&look_srv, REEF_OK, "");
    nothing(c);
    look_srv.ignored = 1;
    only(c, CLI_DONE,
         "srv+redis.example: 1 message was ignored that did not answer the question: "
         "late, broken, or forged by somebody");
    look_srv.ignored = 10000;
    look_srv.partial = true;
    look_target(&look_srv, "redis-0.example", "10.0.0.7", "");
    look_target(&look_srv, "redis-1.example", "", "");
    look_target(&look_srv, "redis-2.example", "", "server silent");
    look_srv.targets_dropped = 4;
    find(c);
    assert_int_equal(found.count, 3);
    among(0, CLI_DONE, "1 of 7 targets has no address, redis-2.example: ");
    among(0, CLI_DONE, "or add an address");
    among(1, CLI_DONE, "the server has more records than it can send");
    among(2, CLI_DONE, "10000 messages were ignored");
    assert_int_equal(found.exit_code, CLI_DONE);
}

/* However much goes wrong, there is an end to what is said. */
static void blame_bounds(void **state)
{
    cap *c = *state;
    char server[32];
    look_begin(&look_srv, REEF_DNS, "why");
    for (unsigned i = 0; i < REEF_LOOK_STEPS_MAX; i++) {
        (void)snprintf(server, sizeof server, "10.0.0.%u:53", i);
        look_step(&look_srv, server, "SRV", "refused");
    }
    for (int i = 0; i < REEF_LOOK_TARGETS_MAX; i++)
        look_target(&look_srv, "redis-0.example", "", "no such name");
    find(c);
    assert_int_equal(found.count, 4);
    among(0, CLI_DNS, "256 of 256 targets");
}

#define BLAME_TEST(test) cmocka_unit_test_setup_teardown(test, blame_begin, cap_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        BLAME_TEST(blame_outcomes_alone), BLAME_TEST(blame_words),
        BLAME_TEST(blame_other_kind),     BLAME_TEST(blame_search),
        BLAME_TEST(blame_servers),        BLAME_TEST(blame_truncated),
        BLAME_TEST(blame_rest),           BLAME_TEST(blame_bounds),
        BLAME_TEST(blame_given_up),       BLAME_TEST(blame_targets),
        BLAME_TEST(blame_unserved),       BLAME_TEST(blame_headline),
    };
    return cmocka_run_group_tests_name("cli_blame", tests, NULL, NULL);
}
