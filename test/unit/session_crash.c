/* SPDX-License-Identifier: Apache-2.0
 *
 * What a call leaves behind when it ends half-way: every call, on every topology, cut
 * off at every point, over the servers of session_model.h. Then, whatever happened:
 * each live session has an index that lives as long, at least; "revoke all" leaves none
 * alive; no tombstone came to life; and a later list leaves no index without a
 * record. */
#include "session/session.h"
#include "test/unit/session_model.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* ---- calls -------------------------------------------------------------------- */

static const char *id_of(unsigned which)
{
    static char id[REEF_SESSION_ID_LEN + 1];
    const uint8_t random[32] = {(uint8_t)which};
    reef_session_make_id(random, 1, id);
    return id;
}

static const char *key_of(unsigned which, bool index)
{
    static char key[2][KEY_TEXT];
    snprintf(key[index], KEY_TEXT, "%.9s%s%s", model.client.config.key_prefix,
             index ? "SessionsByUserId:ann:" : "Sessions:", id_of(which));
    return key[index];
}

static reef_session session_of(unsigned which, uint64_t updated_at)
{
    reef_session session = {0};
    session.id = reef_str_of(id_of(which));
    session.user_id = reef_str_of("ann");
    session.updated_at = updated_at;
    return session;
}

/* The state before: sessions are a minute old. */
static void keep(unsigned which, bool record, bool index, bool dead)
{
    reef_session session = session_of(which, 5);
    session.is_deleted = dead;
    size_t len;
    char *json = reef_session_encode(&session, &len);
    assert_non_null(json);
    if (record)
        model_put(key_of(which, false), json, REEF_SESSION_TTL_S - 60);
    if (index)
        model_put(key_of(which, true), id_of(which), REEF_SESSION_TTL_S - 60);
    free(json);
}

static reef_code act_save(void)
{
    reef_session session = session_of(1, 7);
    return reef_session_save(&model.client, &session, 60000, NULL);
}

static reef_code act_touch(void)
{
    reef_session session = session_of(1, 7);
    return reef_session_touch(&model.client, &session, 60000, NULL);
}

static reef_code act_delete(void)
{
    return reef_session_delete(&model.client, reef_str_of(id_of(1)), reef_str_of("ann"),
                               60000, NULL);
}

static reef_code act_revoke(void)
{
    size_t revoked;
    return reef_session_revoke_user(&model.client, reef_str_of("ann"), &revoked, 60000,
                                    NULL);
}

static reef_code act_list(void)
{
    reef_sessions *list = NULL;
    reef_code code =
        reef_session_list(&model.client, reef_str_of("ann"), 60000, &list, NULL);
    reef_sessions_free(list);
    return code;
}

struct scene {
    const char *name;
    reef_code (*act)(void);
    bool record, index, dead; /* what there is of session 1 */
    reef_code code;           /* how it ends when nothing happens */
};

static const struct scene scenes[] = {
    {"save, new", act_save, false, false, false, REEF_OK},
    {"save, again", act_save, true, true, false, REEF_OK},
    {"save, without index", act_save, true, false, false, REEF_OK},
    {"touch", act_touch, true, true, false, REEF_OK},
    {"touch, without index", act_touch, true, false, false, REEF_OK},
    {"touch, without record", act_touch, false, true, false, REEF_NOT_FOUND},
    {"touch, of nothing", act_touch, false, false, false, REEF_NOT_FOUND},
    {"touch, revoked", act_touch, true, true, true, REEF_CONFLICT},
    {"delete", act_delete, true, true, false, REEF_OK},
    {"delete, of nothing", act_delete, false, false, false, REEF_NOT_FOUND},
    {"revoke", act_revoke, true, true, false, REEF_OK},
    {"list, without record", act_list, false, true, false, REEF_OK},
};

struct world {
    const char *name, *prefix;
    bool spread;
};

static const struct world worlds[] = {
    {"one server", "p:", false},
    {"several servers", "p:", true},
    {"one slot of several", "{p}:", true},
    {"one slot of one", "{p}:", false},
};

/* ---- what must hold ----------------------------------------------------------- */

/* A session that had no index may stay as it was; but it may not be given more time. */
static bool is_findable(unsigned which, bool lost, int64_t before_ms)
{
    const struct entry *record = model_find(key_of(which, false));
    const struct entry *index = model_find(key_of(which, true));
    if (record == NULL || model_is_dead(record))
        return true;
    if (index == NULL)
        return lost && record->end_ms <= before_ms;
    return index->end_ms >= record->end_ms;
}

static void check_end(const struct scene *scene, reef_code code)
{
    const struct entry *record = model_find(key_of(1, false));
    bool index = model_find(key_of(1, true)) != NULL;
    if (code != REEF_OK)
        return;
    if (scene->act == act_save || scene->act == act_touch)
        assert_true(record != NULL && index &&
                    strstr(record->value, "updated_at\":7,"));
    if (scene->act == act_delete)
        assert_true(record == NULL && !index);
    if (scene->act == act_revoke)
        assert_true(record != NULL && model_is_dead(record) && index);
}

static void check_after(const struct scene *scene, int64_t before_ms)
{
    bool lost = scene->record && !scene->index;
    model.dead = false;
    model.plan.mode = MODE_NONE;
    round_late(true);
    for (unsigned which = 1; which <= 3; which++)
        assert_true(is_findable(which, lost && which == 1, before_ms));
    bool hidden = lost && model_find(key_of(1, true)) == NULL;
    assert_true(model_is_dead(model_find(key_of(3, false))));
    assert_int_equal(act_revoke(), REEF_OK);
    for (unsigned which = 1; which <= 3; which++) {
        const struct entry *record = model_find(key_of(which, false));
        assert_true(record == NULL || model_is_dead(record) || (which == 1 && hidden));
    }
    model.now_ms += 25000;
    assert_int_equal(act_list(), REEF_OK);
    for (unsigned which = 1; which <= 3; which++)
        assert_true(model_find(key_of(which, true)) == NULL ||
                    model_find(key_of(which, false)) != NULL);
}

/* Sessions 2 and 3 are bystanders, 3 is dead. False: the round never came. */
static bool play(const struct world *world, const struct scene *scene,
                 const struct plan *plan)
{
    memset(&model, 0, sizeof model);
    snprintf(model.client.config.key_prefix, sizeof model.client.config.key_prefix,
             "%s", world->prefix);
    model.client.config.call_timeout_ms = 5000;
    model.spread = world->spread;
    model.now_ms = 1000000;
    keep(1, scene->record, scene->index, scene->dead);
    keep(2, true, true, false);
    keep(3, true, true, true);
    const struct entry *record = model_find(key_of(1, false));
    int64_t before_ms = record != NULL ? record->end_ms : 0;
    model.plan = *plan;
    reef_code code = scene->act();
    bool struck = model.struck;
    if (model.odd)
        return true;
    if (!struck)
        assert_int_equal(code, scene->code);
    if (plan->mode != MODE_STALL)
        check_end(scene, code);
    check_after(scene, before_ms);
    return struck;
}

static size_t play_rounds(const struct world *world, const struct scene *scene,
                          struct plan plan)
{
    size_t played = 0;
    for (plan.round = 0; play(world, scene, &plan); plan.round++) {
        assert_true(plan.round < 100);
        played++;
    }
    return played;
}

static void play_all(enum mode mode, unsigned masks, const int64_t stalls_ms[])
{
    size_t played = 0;
    for (size_t w = 0; w < sizeof worlds / sizeof *worlds; w++) {
        for (size_t s = 0; s < sizeof scenes / sizeof *scenes; s++) {
            for (unsigned mask = 0; mask < masks; mask++) {
                struct plan plan = {.mode = mode, .mask = mask};
                plan.stall_ms = stalls_ms != NULL ? stalls_ms[mask] : 0;
                size_t count = play_rounds(&worlds[w], &scenes[s], plan);
                played += count;
                if (count == 0)
                    print_error("%s, %s: nothing\n", worlds[w].name, scenes[s].name);
                assert_true(count > 0);
            }
        }
    }
    assert_true(played > 100);
}

static void test_crash(void **state)
{
    (void)state;
    play_all(MODE_CRASH, 16, NULL);
}

static void test_fail(void **state)
{
    (void)state;
    play_all(MODE_FAIL, 16, NULL);
}

static void test_stall(void **state)
{
    (void)state;
    static const int64_t stalls_ms[] = {4000, 6000, 9000, 12000};
    play_all(MODE_STALL, 4, stalls_ms);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_crash),
        cmocka_unit_test(test_fail),
        cmocka_unit_test(test_stall),
    };
    return cmocka_run_group_tests_name("session_crash", tests, NULL, NULL);
}
