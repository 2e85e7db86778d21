/* SPDX-License-Identifier: Apache-2.0
 *
 * The judgement of reef soak: what can be true is let through, and each kind of lie is
 * counted as what it is: another one's answer, a write lost, a command run twice. */
#include "test/unit/cli_capture.h"

#include "session/cli/soak.h"

static void is(const soak_verdicts *v, uint64_t wrong, uint64_t missing, uint64_t twice)
{
    assert_int_equal(v->wrong_caller, wrong);
    assert_int_equal(v->missing, missing);
    assert_int_equal(v->twice, twice);
    assert_int_equal(v->first[0] != '\0', wrong + missing + twice > 0);
}

/* ---- stamps ------------------------------------------------------------------- */

static void stamps(void **state)
{
    const soak_stamp mine = {0xc0ffee, 3, 0x123456789abcdef0};
    soak_stamp other = mine;
    char text[SOAK_STAMP_TEXT];
    uint64_t version = 0;
    (void)state;
    soak_stamp_write(&mine, 17, text);
    assert_string_equal(text, "reef-soak 00c0ffee 3 123456789abcdef0 17");
    assert_true(soak_stamp_read(&mine, reef_str_of(text), &version));
    assert_int_equal(version, 17);
    soak_stamp_write(&mine, UINT64_MAX, text);
    assert_true(soak_stamp_read(&mine, reef_str_of(text), &version));
    assert_true(version == UINT64_MAX);
    other.thread = 4;
    assert_false(soak_stamp_read(&other, reef_str_of(text), &version));
    other = mine;
    other.token++;
    assert_false(soak_stamp_read(&other, reef_str_of(text), &version));
    other = mine;
    other.run++;
    assert_false(soak_stamp_read(&other, reef_str_of(text), &version));
    const char *const bad[] = {
        "",
        "reef-soak",
        "reef-soak 00c0ffee 3 123456789abcdef0 ",
        "reef-soak 00c0ffee 3 123456789abcdef0 1x",
        "reef-soak 00c0ffee 3 123456789abcdef0 -1",
        "reef-soak 00c0ffee 3 123456789abcdef0 99999999999999999999",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(soak_stamp_read(&mine, reef_str_of(bad[i]), &version));
}

static void fates(void **state)
{
    (void)state;
    assert_int_equal(soak_fate_of(REEF_OK), SOAK_DONE);
    assert_int_equal(soak_fate_of(REEF_UNSENT), SOAK_NOT_RUN);
    assert_int_equal(soak_fate_of(REEF_CONNECT), SOAK_NOT_RUN);
    assert_int_equal(soak_fate_of(REEF_NOT_FOUND), SOAK_NOT_RUN);
    assert_int_equal(soak_fate_of(REEF_UNSURE), SOAK_MAYBE);
    assert_int_equal(soak_fate_of(REEF_REFUSED), SOAK_MAYBE);
    assert_int_equal(soak_fate_of((reef_code)99), SOAK_MAYBE);
}

/* ---- sessions ----------------------------------------------------------------- */

/* `w` acknowledged, `u` unsure, `n` never sent. */
static soak_track written(const char *how)
{
    soak_track t = {.gone = true};
    for (; *how != '\0'; how++) {
        (void)soak_track_next(&t);
        soak_track_wrote(&t, *how == 'w'   ? SOAK_DONE
                             : *how == 'u' ? SOAK_MAYBE
                                           : SOAK_NOT_RUN);
    }
    return t;
}

/* A read that finds `version` (0: nothing) after these writes. */
static soak_verdicts read_after(const char *how, uint64_t version)
{
    soak_verdicts v = {0};
    soak_track t = written(how);
    if (version > 0)
        soak_track_found(&t, version, &v);
    else
        soak_track_absent(&t, &v);
    return v;
}

typedef struct track_case {
    const char *how;
    uint64_t version;
    uint64_t wrong, missing, twice;
} track_case;

static void track_reads(void **state)
{
    static const track_case cases[] = {
        {"w", 1, 0, 0, 0},
        {"www", 3, 0, 0, 0},
        {"n", 0, 0, 0, 0},
        {"u", 0, 0, 0, 0},
        {"u", 1, 0, 0, 0},
        {"wu", 1, 0, 0, 0},
        {"wu", 2, 0, 0, 0},
        {"wuu", 2, 0, 0, 0},
        {"wun", 2, 0, 0, 0},
        /* a lost write, and several */
        {"ww", 1, 0, 1, 0},
        {"wwwww", 2, 0, 3, 0},
        {"wwuww", 2, 0, 2, 0},
        {"w", 0, 0, 1, 0},
        {"wnwu", 0, 0, 2, 0},
        {"uw", 1, 0, 1, 0},
        /* what was never sent is there */
        {"wn", 2, 0, 0, 1},
        {"n", 1, 0, 0, 1},
        /* what nobody wrote is there */
        {"w", 2, 1, 0, 0},
        {"wu", 9, 1, 0, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const track_case *c = &cases[i];
        soak_verdicts v = read_after(c->how, c->version);
        if (v.wrong_caller != c->wrong || v.missing != c->missing ||
            v.twice != c->twice)
            fail_msg("%s, read %d: %d wrong, %d missing, %d twice", c->how,
                     (int)c->version, (int)v.wrong_caller, (int)v.missing,
                     (int)v.twice);
        is(&v, c->wrong, c->missing, c->twice);
    }
}

/* Each loss counts once, whatever is read afterwards. */
static void track_counts_once(void **state)
{
    soak_verdicts v = {0};
    soak_track t = written("wwwn");
    (void)state;
    soak_track_found(&t, 2, &v);
    soak_track_found(&t, 2, &v);
    is(&v, 0, 1, 0);
    soak_track_found(&t, 4, &v);
    soak_track_found(&t, 4, &v);
    is(&v, 0, 1, 1);
    assert_non_null(strstr(v.first, "older than it was: 1 acknowledged write lost"));
    soak_track_absent(&t, &v);
    soak_track_absent(&t, &v);
    assert_int_equal(v.missing, 1 + 4); /* 4 ran, and so did the three before it */
}

static void track_deletes(void **state)
{
    soak_verdicts v = {0};
    soak_track t = written("ww");
    (void)state;
    soak_track_deleted(&t, SOAK_NOT_RUN);
    soak_track_found(&t, 2, &v);
    soak_track_deleted(&t, SOAK_MAYBE);
    soak_track_found(&t, 2, &v);
    soak_track_deleted(&t, SOAK_MAYBE);
    soak_track_absent(&t, &v);
    is(&v, 0, 0, 0);
    t = written("ww");
    soak_track_deleted(&t, SOAK_DONE);
    soak_track_absent(&t, &v);
    is(&v, 0, 0, 0);
    soak_track_found(&t, 2, &v); /* the deletion was lost */
    is(&v, 0, 1, 0);
}

/* More writes than are remembered. */
static void track_long(void **state)
{
    soak_verdicts v = {0};
    soak_track t = written("");
    (void)state;
    for (unsigned i = 0; i < 3 * SOAK_FATES; i++) {
        (void)soak_track_next(&t);
        soak_track_wrote(&t, i % 2 == 0 ? SOAK_DONE : SOAK_MAYBE);
    }
    soak_track_found(&t, t.last, &v);
    is(&v, 0, 0, 0);
    soak_track_absent(&t, &v); /* the older two thirds count as done */
    is(&v, 0, 2 * SOAK_FATES + SOAK_FATES / 2, 0);
}

/* ---- counters ----------------------------------------------------------------- */

static soak_counter counter_at(uint64_t known)
{
    soak_counter c;
    soak_counter_begin(&c, 5);
    soak_counter_set(&c);
    c.known += known;
    return c;
}

static void counter_sound(void **state)
{
    soak_verdicts v = {0};
    soak_counter c = counter_at(0);
    (void)state;
    soak_counter_saw(&c, c.base + 1, true, &v);
    soak_counter_saw(&c, c.base + 2, true, &v);
    soak_counter_saw(&c, c.base + 2, false, &v);
    is(&v, 0, 0, 0);
    assert_int_equal(c.known - c.base, 2);
}

/* After an unsure INCR: it ran, it did not, it does so later. */
static void counter_unsure(void **state)
{
    soak_verdicts v = {0};
    soak_counter c = counter_at(7);
    (void)state;
    c.pending = 1;
    soak_counter_saw(&c, c.base + 8, false, &v);
    assert_int_equal(v.settled, 1);
    assert_int_equal(c.pending + c.late, 0);
    c.pending = 1;
    soak_counter_saw(&c, c.base + 8, false, &v);
    assert_int_equal(v.settled, 2);
    assert_int_equal(c.late, 1);
    soak_counter_saw(&c, c.base + 9, true, &v);
    soak_counter_saw(&c, c.base + 11, true, &v); /* it was in a buffer until now */
    assert_int_equal(c.late, 0);
    c.pending = 3; /* settled by an INCR's own answer */
    soak_counter_saw(&c, c.base + 14, true, &v);
    assert_int_equal(v.settled, 5);
    assert_int_equal(c.late, 1);
    is(&v, 0, 0, 0);
}

static void counter_twice(void **state)
{
    soak_verdicts v = {0};
    soak_counter c = counter_at(0);
    (void)state;
    soak_counter_saw(&c, c.base + 2, true, &v);
    is(&v, 0, 0, 1);
    c.pending = 1;
    soak_counter_saw(&c, c.base + 4, false, &v);
    is(&v, 0, 0, 2);
    soak_counter_saw(&c, c.base + 5, true, &v); /* once is once */
    is(&v, 0, 0, 2);
    assert_non_null(strstr(v.first, "higher than"));
}

/* What a fail-over takes is a loss, and hides no more than it must. */
static void counter_missing(void **state)
{
    soak_verdicts v = {0};
    soak_counter c = counter_at(10);
    (void)state;
    soak_counter_saw(&c, c.base + 8, true, &v); /* 7, and this one */
    is(&v, 0, 3, 0);
    soak_counter_saw(&c, c.base + 6, false, &v);
    is(&v, 0, 5, 0);
    c.pending = 1;
    soak_counter_saw(&c, c.base + 5, false, &v);
    is(&v, 0, 6, 0);
    assert_int_equal(v.settled, 1);
    soak_counter_saw(&c, c.base + 8, true, &v); /* the late one, and one too many */
    is(&v, 0, 6, 1);
}

static void counter_gone(void **state)
{
    soak_verdicts v = {0};
    soak_counter c = counter_at(10);
    uint64_t old = c.base;
    (void)state;
    soak_counter_absent(&c, &v);
    is(&v, 0, 11, 0); /* and its SET */
    assert_false(c.set);
    assert_true(c.base > old);
    soak_counter_set(&c);
    soak_counter_saw(&c, c.base + 1, true, &v);
    is(&v, 0, 11, 0);
    soak_counter_saw(&c, 1, true, &v); /* INCR where no key was */
    is(&v, 0, 13, 0);
    soak_counter_set(&c);
    soak_counter_saw(&c, old + 4, false, &v); /* the old value came back */
    is(&v, 0, 14, 0);
}

static void counter_wrong_caller(void **state)
{
    soak_verdicts v = {0};
    soak_counter c = counter_at(0), other;
    (void)state;
    soak_counter_begin(&other, 6);
    soak_counter_saw(&c, other.base + 1, true, &v);
    is(&v, 1, 0, 0);
    soak_counter_begin(&other, 4);
    soak_counter_saw(&c, other.base + 1, false, &v);
    is(&v, 2, 0, 0);
    soak_counter_saw(&c, c.base + 1, true, &v);
    is(&v, 2, 0, 0);
    assert_non_null(strstr(v.first, "a counter was answered with \""));
}

/* Words of a stranger are cut, and need no NUL. */
static void wrong_words(void **state)
{
    static char much[4096];
    soak_verdicts v = {0};
    (void)state;
    memset(much, 'x', sizeof much);
    soak_verdict_wrong(&v, "it", (reef_str){much, sizeof much});
    assert_int_equal(strlen(v.first), strlen("it was answered with \"\"") + 100);
    soak_verdict_wrong(&v, "it", (reef_str){NULL, 0});
    assert_int_equal(v.wrong_caller, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stamps),        cmocka_unit_test(fates),
        cmocka_unit_test(track_reads),   cmocka_unit_test(track_counts_once),
        cmocka_unit_test(track_deletes), cmocka_unit_test(track_long),
        cmocka_unit_test(counter_sound), cmocka_unit_test(counter_unsure),
        cmocka_unit_test(counter_twice), cmocka_unit_test(counter_missing),
        cmocka_unit_test(counter_gone),  cmocka_unit_test(counter_wrong_caller),
        cmocka_unit_test(wrong_words),
    };
    return cmocka_run_group_tests_name("cli_soak_check", tests, NULL, NULL);
}
