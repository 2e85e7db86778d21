/* SPDX-License-Identifier: Apache-2.0
 *
 * However a knot.toml is written, it sets the same: many spellings of the same wishes
 * against the plain document, spellings of other wishes, which must differ, and every
 * beginning of some of them.
 *
 * Each case follows from a number; SEED is the number of the only one that is run. */
#include "test/unit/config_help.h"

#include "test/unit/speller.h"

enum { SPELL_CASES = 5000, SPELL_CUT = 200 };

static uint64_t spell_first = 1;
static uint64_t spell_cases = SPELL_CASES;
static uint64_t spell_cut = SPELL_CUT;

/* What the document sets over the defaults; the code. */
static reef_code spell_read(const spelled *s, size_t len, reef_config *config,
                            reef_report *report)
{
    reef_str copy = help_copy(s->text, len);
    memset(report, 0, sizeof *report);
    reef_config_init(config);
    reef_code code = reef_config_parse(config, NULL, copy, report, NULL);
    help_free(copy);
    return code;
}

static void spell_failed(const spelled *s, uint64_t seed, const char *why)
{
    print_error("%s\n%.*s\n", why, (int)s->len, s->text);
    print_error("# again:  make test ONLY=config_spell SEED=0x%llx\n",
                (unsigned long long)seed);
    fail();
}

/* What a good document sets, but for the places where it does. */
static void spell_settings(const spelled *s, uint64_t seed, reef_config *config)
{
    static reef_report report;
    reef_code code = spell_read(s, s->len, config, &report);
    if (code != REEF_OK || report.errors > 0)
        spell_failed(s, seed, report.findings[0].text);
    memset(config->origins, 0, sizeof config->origins);
    memset(config->file, 0, sizeof config->file);
    for (uint32_t i = 0; i < REEF_HOSTS_MAX; i++)
        memset(&config->hosts[i].origin, 0, sizeof config->hosts[i].origin);
}

static bool spell_sets_same(const reef_config *a, const reef_config *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

static void test_spellings_agree(void **state)
{
    (void)state;
    static spelled plain, other;
    static reef_config expected, got;
    wishes w;
    for (uint64_t seed = spell_first; seed < spell_first + spell_cases; seed++) {
        wish_any(&w, seed);
        spell_plain(&plain, &w);
        spell_any(&other, &w, seed, seed % 4 == 0);
        spell_settings(&plain, seed, &expected);
        spell_settings(&other, seed, &got);
        if (!spell_sets_same(&expected, &got))
            spell_failed(&other, seed, "sets something else than the plain one");
        wish_other(&w, seed);
        spell_any(&other, &w, seed, seed % 4 == 0);
        spell_settings(&other, seed, &got);
        if (spell_sets_same(&expected, &got))
            spell_failed(&other, seed, "sets the same in spite of another value");
    }
}

/* Each gets an answer; what is refused has set nothing. */
static void test_spellings_cut(void **state)
{
    (void)state;
    static spelled whole;
    static reef_config before, after;
    static reef_report report;
    wishes w;
    reef_config_init(&before);
    for (uint64_t seed = spell_first; seed < spell_first + spell_cut; seed++) {
        wish_any(&w, seed);
        spell_any(&whole, &w, seed, seed % 8 != 0);
        for (size_t len = 0; len < whole.len; len++) {
            reef_code code = spell_read(&whole, len, &after, &report);
            if ((code == REEF_OK) != (report.errors == 0))
                spell_failed(&whole, seed, "the code is not what the report says");
            if (code != REEF_OK && memcmp(&before, &after, sizeof before) != 0)
                spell_failed(&whole, seed, "its beginning is refused, and set a value");
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_spellings_agree),
        cmocka_unit_test(test_spellings_cut),
    };
    const char *seed = getenv("SEED");
    if (seed != NULL && seed[0] != 0) {
        spell_first = strtoull(seed, NULL, 0);
        spell_cases = spell_cut = 1;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
