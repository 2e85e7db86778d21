/* SPDX-License-Identifier: Apache-2.0
 *
 * net/scan_cover.c: small stories of one slot, and then thousands of Clusters that move
 * while they are walked: no key that is there all the time is missed, and the walk
 * comes to its end once the Cluster has come to rest. */
#include "net/scan_cover.h"
#include "test/unit/scan_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum {
    COVER_SEEDS = 400,
    COVER_STIRS = 25, /* rounds in which things happen */
    COVER_ROUNDS = 40 /* in which a walk has to end */
};

/* ---- stories ------------------------------------------------------------------ */

/* Nodes are letters; their ids are that letter forty times. */
static const char *cover_id(char letter)
{
    static char ids[4][REEF_NODE_ID + 1];
    static unsigned turn;
    char *id = ids[turn++ % 4];
    memset(id, letter, REEF_NODE_ID);
    id[REEF_NODE_ID] = '\0';
    return id;
}

/* Lines of "A 3 0-99 [5->-B]" (a master: letter, epoch, slots), "A? 3 …" (suspected),
 * "A! 3 …" (failed) or "B A" (a replica of A), parted by "|"; `teller` is the node that
 * says so. */
static bool cover_says(reef_cover *c, char teller, const char *lines)
{
    char text[4096], words[1024], *rest = words;
    size_t len = 0;
    snprintf(words, sizeof words, "%s", lines);
    for (const char *line; (line = strtok_r(rest, "|", &rest)) != NULL;) {
        bool marked = line[1] != ' ';
        const char *tail = line + 2 + marked;
        bool replica = tail[0] >= 'a' && tail[0] <= 'f';
        unsigned epoch = replica ? 0 : (unsigned)strtoul(tail, NULL, 10);
        const char *slots = strchr(tail, ' ');
        len += (size_t)snprintf(text + len, sizeof text - len,
                                "%s 127.0.0.1:7000@17000 %s%s%s %s 0 0 %u connected",
                                cover_id(line[0]), line[0] == teller ? "myself," : "",
                                replica ? "slave" : "master",
                                !marked          ? ""
                                : line[1] == '?' ? ",fail?"
                                                 : ",fail",
                                replica ? cover_id(tail[0]) : "-", epoch);
        for (; slots != NULL && *slots != '\0'; slots++)
            if (slots[0] == '-' && slots[1] >= 'a')
                len += (size_t)snprintf(text + len, sizeof text - len, "-%s",
                                        cover_id(*++slots));
            else
                text[len++] = *slots;
        text[len++] = '\n';
    }
    return reef_cover_heard(c, cover_id(teller), (reef_str){text, len});
}

/* "abc": who is wanted, in the order in which they were met. */
static void cover_wants(const reef_cover *c, const char *want)
{
    char got[32] = "";
    size_t at = 0, len = 0;
    for (const char *id; (id = reef_cover_next(c, &at)) != NULL;)
        got[len++] = id[0];
    assert_string_equal(got, want);
    assert_true(want[0] == '\0' || !reef_cover_done(c));
}

/* A look in which a and b speak, after `walked` were walked; NULL: it is silent. */
static void cover_look(reef_cover *c, const char *walked, const char *a, const char *b)
{
    reef_cover_begin(c);
    for (; *walked != '\0'; walked++)
        reef_cover_walked(c, cover_id(*walked));
    if (a != NULL)
        assert_true(cover_says(c, 'a', a));
    if (b != NULL)
        assert_true(cover_says(c, 'b', b));
    reef_cover_end(c);
}

static const char *const cover_calm = "a 1 0-99 101-8000|b 2 100 8001-16383";

static reef_cover *cover_story(const char *a, const char *b)
{
    reef_cover *c = reef_cover_new();
    assert_non_null(c);
    assert_false(reef_cover_done(c));
    cover_look(c, "", a, b);
    return c;
}

static void who_was_walked_is_done(void **state)
{
    char why[REEF_ERROR_TEXT];
    (void)state;
    reef_cover *c = cover_story(cover_calm, cover_calm);
    cover_wants(c, "ab");
    reef_cover_why(c, why);
    assert_non_null(strstr(why, "16384 of 16384 slots"));
    cover_look(c, "a", cover_calm, cover_calm);
    cover_wants(c, "b");
    reef_cover_why(c, why);
    assert_non_null(strstr(why, "slot 100, for one, belongs to bbbbbbbb..."));
    cover_look(c, "b", cover_calm, NULL); /* b does not say that it still has them */
    cover_wants(c, "");
    cover_look(c, "", cover_calm, cover_calm);
    cover_wants(c, "b");
    cover_look(c, "b", cover_calm, cover_calm);
    cover_wants(c, "");
    assert_true(reef_cover_done(c));
    reef_cover_free(c);
    reef_cover_free(NULL);
}

static void a_slot_on_its_way_is_walked_where_it_goes(void **state)
{
    static const char *const going = "a 1 0-8000 [7->-b]|b 2 8001-16383";
    static const char *const coming = "a 1 0-8000|b 2 8001-16383 [7-<-a]";
    static const char *const gone = "a 1 0-6 8-8000|b 3 7 8001-16383";
    static const char *const stays = "a 1 0-8000|b 2 8001-16383";
    static const char *const anew = "a 3 0-8000 [7->-b]|b 2 8001-16383";
    char why[REEF_ERROR_TEXT];
    (void)state;
    for (int end = 0; end < 7; end++) {
        reef_cover *c = cover_story(going, coming);
        cover_look(c, "ab", going, coming);
        cover_wants(c, "b");
        reef_cover_why(c, why);
        assert_non_null(strstr(why, "1 of 16384 slots"));
        assert_non_null(strstr(why, "slot 7, for one, is on its way to bbbbbbbb..."));
        if (end == 0) { /* and is still on its way */
            cover_look(c, "b", going, coming);
            assert_true(reef_cover_done(c));
        } else if (end == 1) { /* it has arrived: when, nobody can tell */
            cover_look(c, "b", gone, gone);
            cover_wants(c, "b");
            cover_look(c, "b", gone, gone);
            assert_true(reef_cover_done(c));
        } else if (end == 2) { /* it was taken back, and its keys with it */
            cover_look(c, "b", stays, stays);
            cover_wants(c, "a");
            cover_look(c, "a", stays, stays);
            assert_true(reef_cover_done(c));
        } else if (end == 3) { /* the owner was not there to say so … */
            cover_look(c, "b", NULL, coming);
            cover_wants(c, "");
            cover_look(c, "", going, coming);
            cover_wants(c, "a");
        } else if (end == 4) { /* … in one look or the other */
            cover_look(c, "", NULL, coming);
            cover_look(c, "b", going, coming);
            cover_wants(c, "a");
        } else if (end == 5) { /* it was taken back before anybody looked there */
            cover_look(c, "", stays, stays);
            cover_wants(c, "a");
        } else { /* meanwhile it was somebody else's, who gave it back */
            cover_look(c, "b", anew, coming);
            cover_wants(c, "a");
        }
        reef_cover_free(c);
    }
}

/* The node that the slot goes to was replaced: its keys are where its place was
 * taken. */
static void who_takes_a_place_is_walked_for_it(void **state)
{
    static const char *const going = "a 1 0-8000 [7->-b]|b 2 8001-16383|c b";
    static const char *const after = "a 1 0-8000 [7->-b]|b c|c 5 8001-16383";
    (void)state;
    reef_cover *c = cover_story(going, going);
    cover_look(c, "ab", going, going);
    cover_wants(c, "b");
    for (int round = 0; round < 2; round++) {
        reef_cover_begin(c);
        if (round == 1)
            reef_cover_walked(c, cover_id('c'));
        assert_true(cover_says(c, 'a', after));
        assert_true(cover_says(c, 'c', after));
        reef_cover_end(c);
        cover_wants(c, round == 0 ? "c" : "");
    }
    assert_true(reef_cover_done(c));
    reef_cover_free(c);
}

static void what_went_and_came_back_is_walked_again(void **state)
{
    static const char *const again = "a 3 0-99 101-8000|b 2 100 8001-16383";
    static const char *const briefly = "a 1 0-99 101-8000 [4->-b]|b 2 100 8001-16383";
    (void)state;
    reef_cover *c = cover_story(cover_calm, cover_calm);
    cover_look(c, "ab", again, again);
    cover_wants(c, "a");
    reef_cover_free(c);
    c = cover_story(briefly, cover_calm);
    cover_look(c, "ab", cover_calm, cover_calm);
    cover_wants(c, "a"); /* for slot 4: some of its keys were at b */
    cover_look(c, "a", cover_calm, cover_calm);
    assert_true(reef_cover_done(c));
    reef_cover_free(c);
}

static void who_is_cut_off_is_not_believed(void **state)
{
    static const char *const lonely = "a 1 0-8000|b? 2 8001-9000|d? 3 9001-16383";
    static const char *const most = "a? 1 0-8000|b 2 8001-9000|d 3 9001-16383";
    (void)state;
    reef_cover *c = cover_story(lonely, most);
    cover_wants(c, "b");
    cover_look(c, "ab", lonely, most);
    cover_wants(c, "");
    reef_cover_free(c);
    c = cover_story(most, most);
    cover_look(c, "a", lonely, most); /* it may have been cut off all the time */
    cover_look(c, "", most, most);
    cover_wants(c, "ab");
    reef_cover_free(c);
}

static void the_higher_claim_wins(void **state)
{
    static const char *const mine = "a 3 0-8000|b 2 8001-16383";
    static const char *const news = "a 3 1-8000|b 4 0 8001-16383";
    char why[REEF_ERROR_TEXT];
    (void)state;
    reef_cover *c = cover_story(mine, mine);
    cover_look(c, "ab", mine, news);
    cover_wants(c, "b");
    reef_cover_free(c);
    c = cover_story(mine, NULL); /* another one knows what b has not said yet */
    reef_cover_begin(c);
    reef_cover_walked(c, cover_id('a'));
    assert_true(cover_says(c, 'a', mine));
    assert_true(cover_says(c, 'd', "a 3|b 4 0-16383|d 1"));
    reef_cover_end(c);
    cover_wants(c, "");
    reef_cover_why(c, why);
    assert_non_null(strstr(why, "16384 of 16384"));
    reef_cover_free(c);
    c = cover_story(mine, NULL);
    /* b has not spoken, but who has says that it owns all of it */
    cover_look(c, "a", "a 3|b 9 0-16383", NULL);
    cover_wants(c, "");
    cover_look(c, "", mine, "a 3|b 9 0-16383");
    cover_wants(c, "b");
    reef_cover_free(c);
}

static void what_nobody_owns_is_waited_for_twice(void **state)
{
    static const char *const hole = "a 1 0-8000|b 2 8001-16000";
    char why[REEF_ERROR_TEXT];
    (void)state;
    reef_cover *c = cover_story(hole, hole);
    cover_wants(c, "ab");
    reef_cover_why(c, why);
    assert_non_null(strstr(why, "16384 of 16384"));
    cover_look(c, "ab", hole, hole);
    assert_true(reef_cover_done(c));
    cover_look(c, "", "a 1 0-8000|b 2 8001-16383", "a 1 0-8000|b 2 8001-16383");
    cover_wants(c, "b");
    reef_cover_free(c);
    c = cover_story(NULL, NULL);
    cover_look(c, "", NULL, NULL);
    cover_look(c, "", NULL, NULL);
    assert_false(reef_cover_done(c)); /* nobody has said that they are nobody's */
    reef_cover_free(c);
    c = cover_story("a 1", NULL); /* a Cluster that has no slots yet */
    cover_look(c, "", "a 1", NULL);
    assert_true(reef_cover_done(c));
    reef_cover_free(c);
}

static void who_is_down_is_not_asked(void **state)
{
    static const char *const down = "a 1 0-5000|b! 2 5001-9000|d 3 9001-16383|e b";
    size_t at = 0;
    (void)state;
    reef_cover *c = reef_cover_new();
    assert_true(reef_cover_expect(c, cover_id('b')));
    assert_string_equal(reef_cover_ask(c, &at), cover_id('b'));
    assert_null(reef_cover_ask(c, &at));
    cover_look(c, "", down, NULL);
    at = 0;
    assert_true(reef_cover_expect(c, cover_id('b')));
    assert_string_equal(reef_cover_ask(c, &at), cover_id('a'));
    assert_string_equal(reef_cover_ask(c, &at), cover_id('d'));
    assert_null(reef_cover_ask(c, &at));
    cover_look(c, "a", down, NULL);
    assert_false(reef_cover_done(c));
    reef_cover_free(c);
}

static void what_is_told_by_slots_is_enough(void **state)
{
    (void)state;
    reef_cover *c = reef_cover_new();
    for (int look = 0; look < 2; look++) {
        reef_cover_begin(c);
        if (look == 1)
            reef_cover_walked(c, cover_id('a'));
        assert_true(reef_cover_told(c, cover_id('a'), cover_id('a'), 0, 9));
        assert_true(reef_cover_told(c, cover_id('a'), cover_id('b'), 10, 16383));
        reef_cover_end(c);
        cover_wants(c, look == 0 ? "a" : "");
    }
    reef_cover_begin(c);
    assert_true(reef_cover_told(c, cover_id('b'), cover_id('b'), 10, 16383));
    assert_false(reef_cover_told(c, cover_id('b'), cover_id('b'), 10, 16384));
    assert_false(reef_cover_told(c, "", cover_id('b'), 10, 11));
    reef_cover_end(c);
    cover_wants(c, "b");
    reef_cover_free(c);
}

static void what_can_not_be_is_refused(void **state)
{
    char id[REEF_NODE_ID + 1];
    (void)state;
    reef_cover *c = reef_cover_new();
    reef_cover_begin(c);
    assert_false(
        cover_says(c, 'c', "a 1 0-8000|b 2 8001-16383")); /* no line of its own */
    assert_false(cover_says(c, 'a', "a 1 0-8000|b 2 8000-16383"));
    assert_false(cover_says(c, 'a', "a 1 0-16383 0-16383 0-16383"));
    assert_false(reef_cover_heard(c, cover_id('a'), reef_str_of("hello")));
    assert_false(reef_cover_expect(c, ""));
    reef_cover_end(c);
    cover_wants(c, "");
    size_t room = 0;
    do
        snprintf(id, sizeof id, "%040zx", room++);
    while (reef_cover_expect(c, id));
    assert_in_range(room, REEF_NODES_MAX - 3, REEF_NODES_MAX + 1);
    assert_true(reef_cover_expect(c, cover_id('a')));
    reef_cover_free(c);
}

/* ---- Clusters that move ------------------------------------------------------- */

typedef struct cover_pass {
    int node;
    uint32_t page, process;
    bool ended, broken;
} cover_pass;

typedef struct cover_walk {
    world w;
    reef_cover *cover;
    uint32_t stir; /* percent: how much happens */
    cover_pass passes[WORLD_NODES];
    size_t count;
    bool given[WORLD_KEYS];
} cover_walk;

static void walk_stir(cover_walk *walk)
{
    while (world_below(&walk->w, 100) < walk->stir)
        world_event(&walk->w);
}

static void walk_look(cover_walk *walk)
{
    static char text[WORLD_TEXT];
    int asked[WORLD_NODES];
    size_t count = 0, at = 0;
    int teller = (int)world_below(&walk->w, WORLD_NODES);
    for (int i = 0; i < WORLD_NODES; i++)
        if (world_lists(&walk->w, teller, i))
            assert_true(reef_cover_expect(walk->cover, walk->w.nodes[i].id));
    for (const char *id; (id = reef_cover_ask(walk->cover, &at)) != NULL;)
        asked[count++] = world_find(&walk->w, id);
    reef_cover_begin(walk->cover);
    for (size_t i = 0; i < walk->count; i++)
        if (walk->passes[i].ended)
            reef_cover_walked(walk->cover, walk->w.nodes[walk->passes[i].node].id);
    for (size_t i = 0; i < count; i++) {
        walk_stir(walk);
        if (world_says(&walk->w, asked[i], text))
            assert_true(reef_cover_heard(walk->cover, walk->w.nodes[asked[i]].id,
                                         reef_str_of(text)));
    }
    reef_cover_end(walk->cover);
}

static void walk_page(cover_walk *walk, cover_pass *pass)
{
    const world_node *node = &walk->w.nodes[pass->node];
    pass->broken = !node->up;
    if (pass->broken)
        return;
    if (pass->process != node->process)
        pass->page = 0;
    pass->process = node->process;
    for (int key = 0; key < WORLD_KEYS; key++)
        if (world_shows(&walk->w, pass->node, pass->page, key))
            walk->given[key] = true;
    pass->page++;
    pass->ended = pass->page == WORLD_BUCKETS;
}

static void walk_round(cover_walk *walk)
{
    size_t at = 0, left;
    walk->count = 0;
    for (const char *id; (id = reef_cover_next(walk->cover, &at)) != NULL;)
        walk->passes[walk->count++] =
            (cover_pass){.node = world_find(&walk->w, id), .process = UINT32_MAX};
    do {
        left = 0;
        for (size_t i = 0; i < walk->count; i++) {
            walk_stir(walk);
            if (!walk->passes[i].ended && !walk->passes[i].broken) {
                walk_page(walk, &walk->passes[i]);
                left++;
            }
        }
    } while (left > 0);
}

static void walk_world(uint64_t seed)
{
    static cover_walk walk;
    char why[REEF_ERROR_TEXT];
    int round = 0;
    memset(&walk, 0, sizeof walk);
    world_begin(&walk.w, seed);
    walk.stir = 50 + world_below(&walk.w, 50);
    for (int i = 0; i < 200; i++)
        world_event(&walk.w);
    world_watch(&walk.w);
    walk.cover = reef_cover_new();
    assert_non_null(walk.cover);
    for (walk_look(&walk); !reef_cover_done(walk.cover) && round < COVER_ROUNDS;
         round++) {
        if (round == COVER_STIRS) {
            world_calm(&walk.w);
            walk.stir = 0;
        }
        walk_round(&walk);
        walk_look(&walk);
    }
    reef_cover_why(walk.cover, why);
    if (!reef_cover_done(walk.cover))
        fail_msg("seed %u: not done: %s", (unsigned)seed, why);
    assert_string_equal(why, "");
    for (int key = 0; key < WORLD_KEYS; key++)
        if (walk.w.lasting[key] && !walk.given[key])
            fail_msg("seed %u: key %d of slot %u is missing after %d rounds",
                     (unsigned)seed, key, (unsigned)world_slot(key), round);
    reef_cover_free(walk.cover);
}

static void no_key_is_missed(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= COVER_SEEDS; seed++)
        walk_world(seed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_was_walked_is_done),
        cmocka_unit_test(a_slot_on_its_way_is_walked_where_it_goes),
        cmocka_unit_test(who_takes_a_place_is_walked_for_it),
        cmocka_unit_test(what_went_and_came_back_is_walked_again),
        cmocka_unit_test(who_is_cut_off_is_not_believed),
        cmocka_unit_test(the_higher_claim_wins),
        cmocka_unit_test(what_nobody_owns_is_waited_for_twice),
        cmocka_unit_test(who_is_down_is_not_asked),
        cmocka_unit_test(what_is_told_by_slots_is_enough),
        cmocka_unit_test(what_can_not_be_is_refused),
        cmocka_unit_test(no_key_is_missed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
