/* SPDX-License-Identifier: Apache-2.0
 *
 * config_judge: settings held against each other: what is said, where the caret stands,
 * and what is not said for the sake of a setting that has no good value. */
#include "config/intake.h"
#include "config_help.h"

static void check_conflict(const char *toml, const char *want)
{
    reef_config config;
    reef_error error;
    if (help_parse(&config, toml, &error) != REEF_OK)
        fail_msg("%s", error.text);
    memset(&error, 0, sizeof error);
    reef_code code = reef_config_check(&config, NULL, &error);
    if (want == NULL) {
        if (code != REEF_OK)
            fail_msg("%s: %s", toml, error.text);
        return;
    }
    assert_int_equal(code, REEF_BADCONFIG);
    assert_int_equal(error.code, REEF_BADCONFIG);
    if (strncmp(error.text, want, strlen(want)) != 0)
        fail_msg("want %s, got %s", want, error.text);
}

static void conflicts(void **state)
{
    (void)state;
    check_conflict("server.redis.db = 3\nserver.redis.hosts = ['a', 'b']",
                   "knot.toml:1:19: server.redis.db is not 0");
    check_conflict("server.redis.db = 0\nserver.redis.hosts = ['a', 'b']", NULL);
    check_conflict("server.redis.db = 3\nserver.redis.hosts = ['a']", NULL);
    check_conflict("server.redis.db = 3\nserver.redis.hosts = ['a', 'b']\n"
                   "server.redis.master_name = 'm'",
                   NULL);
    check_conflict("[server.redis]\nsentinel_username = 'u'",
                   "knot.toml:2:21: server.redis.sentinel_username is set");
    check_conflict("[server.redis]\n\nsentinel_password = 'hunter2'",
                   "knot.toml:3:21: server.redis.sentinel_password is set");
    check_conflict("[server.redis]\nsentinel_password = 'p'\nmaster_name = 'm'", NULL);
    check_conflict("[server.redis]\nfailover = 'announced'",
                   "knot.toml:2:12: server.redis.failover is set, but master_name is");
    check_conflict("[server.redis]\nfailover = 'early'", NULL); /* as by default */
    check_conflict("[server.redis]\nfailover = 'announced'\nmaster_name = 'm'", NULL);
    check_conflict("[server.redis]\nmaster_name = 'm'\nhosts = ['a',\n'unix:/b']",
                   "knot.toml:4:1: server.redis.hosts: found a socket path; Sentinels "
                   "are reached over TCP; write \"host:port\", or leave out "
                   "master_name");
    check_conflict("[server.redis]\nmaster_name = ''\nhosts = ['unix:/b']", NULL);
    check_conflict("server.redis.hosts = ['a',\n 'unix:/b']",
                   "knot.toml:2:2: server.redis.hosts: found a socket path");
    check_conflict("server.redis.hosts = ['unix:/b']", NULL);
    check_conflict("server.redis.hosts = ['unix:/b']\nserver.redis.db = 3", NULL);
}

static void conflicts_of_variables(void **state)
{
    static const char *const list[] = {"KNOT_REDIS_DB=3", "KNOT_REDIS_HOSTS=a,b", NULL};
    reef_config config;
    reef_error error;
    (void)state;
    reef_config_init(&config);
    assert_int_equal(reef_config_env(&config, list, NULL, &error), REEF_OK);
    assert_int_equal(reef_config_check(&config, NULL, &error), REEF_BADCONFIG);
    assert_memory_equal(error.text, "KNOT_REDIS_DB: ", 15);
    config.origins[REEF_SET_DB].source = REEF_FROM_DEFAULT; /* set by hand */
    assert_int_equal(reef_config_check(&config, NULL, &error), REEF_BADCONFIG);
    assert_memory_equal(error.text, "config: server.redis.db is not 0", 32);
}

/* The findings of a text and an environment, each as "PLACE: sentence" with its span
 * and, behind " < ", the line and column of the other place. */
static void check_findings(const char *toml, const char *const environ[],
                           const char *want)
{
    static reef_report report;
    static char got[4096];
    reef_config config;
    reef_error error = {0};
    reef_intake reading = {
        &config, {"k", reef_str_of(toml)}, &report, &error, REEF_OK, 0, false};
    size_t len = 0;
    memset(&report, 0, sizeof report);
    reef_config_init(&config);
    reef_read_file(&reading);
    reef_read_env(&reading, environ);
    reef_read_check(&reading);
    got[0] = 0;
    for (uint32_t i = 0; i < report.count; i++) {
        const reef_finding *f = &report.findings[i];
        len +=
            (size_t)snprintf(got + len, sizeof got - len, "%s%s [%u]",
                             f->warning ? "~" : "", f->text, (unsigned)f->here.width);
        if (f->first.line > 0)
            len += (size_t)snprintf(got + len, sizeof got - len, " < %u:%u",
                                    (unsigned)f->first.line, (unsigned)f->first.column);
        len += (size_t)snprintf(got + len, sizeof got - len, "\n");
    }
    if (strcmp(got, want) != 0)
        fail_msg("%s\nwant %s\ngot  %s", toml, want, got);
    assert_int_equal(reading.code == REEF_OK, report.errors == 0);
    reef_config_wipe(&config);
}

/* ENABLED in front of a text, so that only what is asked for is found. */
#define ON "server.redis.enabled = true\n"

static void carets(void **state)
{
    static const char *const none[] = {NULL};
    (void)state;
    check_findings(ON "server.redis.sentinel_username = \"u\\\"x y\"", none,
                   "k:2:34: server.redis.sentinel_username is set, but master_name is "
                   "not [8]\n");
    check_findings(ON "server.redis.sentinel_username = '''u'''", none,
                   "k:2:34: server.redis.sentinel_username is set, but master_name is "
                   "not [7]\n");
    check_findings(ON "server.redis.sentinel_password = 'x'", none,
                   "k:2:34: server.redis.sentinel_password is set, but master_name is "
                   "not [3]\n");
    check_findings("\xEF\xBB\xBFserver.redis = {enabled=true,hosts=['a','b'],db=31}",
                   none,
                   "k:1:49: server.redis.db is not 0, but several hosts are a cluster, "
                   "which has db 0 alone [2] < 1:36\n");
    check_findings(ON "server.redis.hosts = [\n'\xC3\xA4',\n 'unix:/b']", none,
                   "k:3:1: server.redis.hosts: found \"\xC3\xA4\"; a name is made of "
                   "letters, digits, \"-\", \"_\" and dots [3]\n");
    check_findings(ON "server.redis.master_name = 'm'\n"
                      "server.redis.hosts = [\n'a',\n 'unix:/b']",
                   none,
                   "k:5:2: server.redis.hosts: found a socket path; Sentinels are "
                   "reached over TCP [9] < 2:28\n");
    check_findings(ON "server.redis.failover = 'announced'", none,
                   "k:2:25: server.redis.failover is set, but master_name is not "
                   "[11]\n");
    check_findings(ON "server.redis.hosts = [\n'a',\n 'unix:/b']", none,
                   "k:4:2: server.redis.hosts: found a socket path among several hosts "
                   "[9]\n");
}

/* The cause may be in the file, the effect in the environment, and the other way. */
static void file_and_environment(void **state)
{
    static const char *const hosts[] = {"KNOT_REDIS_HOSTS=a,b", NULL};
    static const char *const db[] = {"KNOT_REDIS_DB=3", NULL};
    static const char *const off[] = {"KNOT_REDIS_ENABLED=false", NULL};
    (void)state;
    check_findings(ON "server.redis.hosts = ['a']\nserver.redis.db = 3", hosts,
                   "k:3:19: server.redis.db is not 0, but the hosts of "
                   "KNOT_REDIS_HOSTS are a cluster, which has db 0 alone [1]\n");
    check_findings(ON "server.redis.hosts = ['a','b']", db,
                   "KNOT_REDIS_DB: server.redis.db is not 0, but the hosts on line 2 "
                   "of the file are a cluster, which has db 0 alone [0]\n");
    check_findings(ON, off,
                   "~KNOT_REDIS_ENABLED: server.redis.enabled is false, so knot uses "
                   "neither Redis nor Valkey [0]\n");
}

static void switched_off(void **state)
{
    static const char *const none[] = {NULL};
    (void)state;
    check_findings("", none, "");
    check_findings("server.redis.db = 1", none, "");
    check_findings("server.redis.enabled = false", none,
                   "~k:1:24: server.redis.enabled is false, so knot uses neither Redis "
                   "nor Valkey [5]\n");
    check_findings("server.redis.hosts = ['a']", none,
                   "~k:1:22: server.redis.hosts are set, but enabled is not, so knot "
                   "does not use them [5]\n");
    check_findings("server.redis.hosts = [ ]", none,
                   "~k:1:22: server.redis.hosts is empty, so localhost:6379 is used "
                   "[3]\n");
    check_findings(ON "server.redis.hosts = []", none,
                   "~k:2:22: server.redis.hosts is empty, so localhost:6379 is used "
                   "[2]\n");
}

/* All in one go, and nothing that a bad value alone would cause. */
static void one_go(void **state)
{
    static const char *const list[] = {"KNOT_REDIS_LANES=0", NULL};
    static const char *const good[] = {"KNOT_REDIS_DB=0", NULL};
    (void)state;
    check_findings(
        ON "server.redis.hosts = ['a','b']\nserver.redis.db = 3\n"
           "server.redis.protocol = 7\nserver.redis.sentinel_username = 'u'",
        list,
        "k:4:25: server.redis.protocol: found 7; allowed: \"auto\", 2 or 3 "
        "[1]\n"
        "KNOT_REDIS_LANES: server.redis.lanes: found \"0\"; allowed: a whole "
        "number from 1 to 64 [0]\n"
        "k:3:19: server.redis.db is not 0, but several hosts are a cluster, "
        "which has db 0 alone [1] < 2:22\n"
        "k:5:34: server.redis.sentinel_username is set, but master_name is "
        "not [3]\n");
    check_findings(ON "server.redis.master_name = 5\nserver.redis.db = 3\n"
                      "server.redis.hosts = ['a','b']\n"
                      "server.redis.sentinel_username = 'u'",
                   good,
                   "k:2:28: server.redis.master_name: found 5; allowed: a text of at "
                   "most 255 bytes [1]\n");
    check_findings("server.redis = 5\n", good,
                   "k:1:16: server.redis: found 5; allowed: a table of settings [1]\n");
}

/* What is said beside a password, in front of it or behind, has no byte of it. */
static const char *const spoiled[] = {
    "server.redis = { enabled = true, password = \"\"\"\nMARKER\"\"\", db = 3, "
    "hosts = "
    "[\"a\", \"b\"] }\n",
    "server.redis = { password = '''\nMARKER''', enabled = false }\n",
    "server.redis = { enabled = true, sentinel_password = '''\nMARKER''', "
    "sentinel_username = \"joe\", hosts = [\"unix:/a\", \"b\"] }\n",
    "server.redis = { password = '''\nMARKER''', master_name = \"m\", "
    "hosts = [\"unix:/a\"] }\n",
    "server.redis = { password = '''\nMARKER''', master_name = \"m\",\n"
    "hosts = [\"unix:/a\"] }\n",
    "server.redis = { password = '''\nMARKER''', hosts = [\"a\", \"b\"],\n"
    "db = 3 }\n",
    "server.redis = { password = '''\nMARKER''', failover = \"announced\" }\n",
    "[server.redis]\npassword = \"\"\nMARKER==\"\"\"\n",
    "[server.redis]\npassword = \"\"\nMARKER.S3cret\"\"\"\n",
    "# password = \"QUJDREVG\nMARKERo=\"\n",
    "server.redis = { enabled = true, \"redis://bob:MARKER@h:1\" = 1 }\n",
    "[server.redis]\npasswordMARKERxkey\"\n",
    "[server.redis]\npasswordMARKER-key\n",
    "[server]\nredis = { tokens = [\n  \"MARKER\" ], enabled = false }\n",
    "[server]\nredis = { auth = ['ada',\n 'MARKER'], db = 3, hosts = [\"a\", "
    "\"b\"] }\n",
    "[server.redis]\nusername = \"\"\"ada\nMARKER\"\"\"\n",
    "[server.redis]\nhosts = [\"ada:}MARKER\"]\n",
    "[server.redis]\nhosts = [\"ada: MARKER\"]\n",
    "[server.redis]\nhosts = [\"ada :MARKER\"]\n",
    "[server.redis]\nhosts = [\"ada:12/MARKER\"]\n",
    "[server.redis]\nhosts = [\"ada:,MARKER\"]\n",
    "[server.redis]\nhosts = [\"ada:'MARKER\"]\n",
    "[server.redis]\nhosts = [\"${U}:MARKER\"]\n",
    "[server.redis]\nhosts = [\"jos\xC3\xA9:MARKER\"]\n",
    "[server.redis]\npa\xC3\x9Fwort = \"MARKER\"\n",
    "[server.redis]\nkennwort = \"MARKER\n",
    "[server.redis]\np\xD0\xB0ssw\xD0\xBErd = \"MARKER\"\n",
    "[server.x]\napi_key MARKER\n",
    "[server.x]\nkey1 = \"MARKER\n",
    "[server.redis]\npasswordMARKERkey=\n",
    "[server.redis]\nsentinel_passwordMARKERx= \"u\"\n",
    "[server.redis]\npasswordMARKERster_name = \"x\"\n\n]\n",
    "[server.redis]\npassword = \"\"\nMARKERx = 0\n",
    "[server.redis]\nsentinel_password = ''\nMARKERx= \"u\"\nx\n",
    "[server.redis]\nhosts = \"redis://bob:\nMARKERx=@h:1\"]\n",
    "[server.redis]\npasswordMARKERQUJD=\"\n",
    "[server.redis]\nhosts = [\"default:MARKERxredis.local:6379\"]\n",
    "[server.redis]\nhosts = [\"default:MARKERx\"]\n",
    "[server.redis]\nhosts = [\":MARKERx\"]\n",
    "[server.redis]\nhosts = [\n  \"default:MARKERx\n",
    "[server.redis]\nhosts = [\n  default:MARKERx\n]\n",
    "[server.redis]\nhosts = \"default:MARKERx\"\n",
    "[server.redis]\n\"default:MARKERx\" = 1\n",
    "[resolver]\nconsul = [\"default:MARKERx\"]\n",
    "[server.cluster]\nkey = \"MARKERx\n",
    "[server.cluster]\napi_keys = [\"MARKERx\n",
    "[server.redis]\ncreds = \"MARKERx\"\ncreds = 1\n",
    "[server.redis]\nkey_prefix = \"\"\"x\"\npassword = \"MARKERx\"\"\"\n",
    "[server.redis]\nusername = '''x'\npassword = \"MARKERx'''\n",
    "[server.redis]\npassword = '''\na\nb'''\nMARKERx'''\n",
    "[server.redis]\npassword = '''\na\nb'''\n\"MARKERx\"\n",
};

static void passwords_stay_hidden(void **state)
{
    static const char *const list[] = {
        "KNOT_REDIS_HOSTS=default:MARKER,Pass@redis.local:6379",
        "KNOT_REDIS_USERNAME=ada\nMARKER", "KNOT_NAMESERVERS=10.0.0.1\nMARKER", NULL};
    static reef_report report;
    (void)state;
    for (size_t i = 0; i < sizeof spoiled / sizeof spoiled[0]; i++) {
        reef_config config;
        reef_error error = {0};
        reef_intake intake = {
            &config, {"k", reef_str_of(spoiled[i])}, &report, &error, REEF_OK, 0,
            false};
        memset(&report, 0, sizeof report);
        reef_config_init(&config);
        reef_read_file(&intake);
        reef_read_env(&intake, list);
        reef_read_check(&intake);
        assert_true(report.count > 0);
        help_lacks(error.text, "MARKER");
        for (uint32_t j = 0; j < report.count; j++) {
            char text[REEF_FINDING_TEXT];
            reef_finding_text(&report.findings[j], text, sizeof text);
            help_lacks(text, "MARKER");
        }
        reef_config_wipe(&config);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(conflicts),
        cmocka_unit_test(conflicts_of_variables),
        cmocka_unit_test(carets),
        cmocka_unit_test(file_and_environment),
        cmocka_unit_test(switched_off),
        cmocka_unit_test(one_go),
        cmocka_unit_test(passwords_stay_hidden),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
