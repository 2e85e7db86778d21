/* SPDX-License-Identifier: Apache-2.0
 *
 * The sockets of a lane against a model, with a system that only keeps the books: which
 * descriptors are open, which are polled, and whether there is memory. */
#include "net/lane_sockets.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum {
    CHANNEL = 3,
    FDS = 4096,   /* descriptors that the system has */
    STEPS = 20000 /* in each world of the model */
};

/* ---- the system, kept by the books -------------------------------------------- */

static struct {
    bool open[FDS], shut[FDS];
    bool polled[FDS]; /* a poll is under way that has it */
    int answer;       /* what connect gives */
    size_t opened, closed;
    bool no_memory, ending;
    int crowd;          /* the descriptor of the crowd; 0: none */
    bool crowds;        /* the system has such a thing, and takes more */
    uint32_t told[FDS]; /* of a descriptor in the crowd: its link + 1 … */
    int wants[FDS];     /* … and what it waits for */
} sys;

int __wrap_reef_os_connect(const reef_op *, uint32_t, int *);
void __wrap_reef_os_close(int);
void __wrap_reef_os_shutdown(int);
void *__real_calloc(size_t, size_t);
void *__wrap_calloc(size_t, size_t);
void *__real_realloc(void *, size_t);
void *__wrap_realloc(void *, size_t);

int __wrap_reef_os_connect(const reef_op *op, uint32_t stall_ms, int *fd)
{
    int next = CHANNEL + 1;
    assert_int_equal(stall_ms, 77);
    assert_int_equal(op->kind, REEF_OP_OPEN);
    if (sys.answer != 0 && sys.answer != EINPROGRESS)
        return sys.answer;
    while (sys.open[next])
        next++;
    sys.open[next] = true;
    sys.shut[next] = false;
    sys.opened++;
    *fd = next;
    return sys.answer;
}

void __wrap_reef_os_close(int fd)
{
    if (fd < 0)
        return;
    assert_true(sys.open[fd] && !sys.polled[fd] && fd != CHANNEL);
    assert_true(sys.told[fd] == 0 || sys.ending);
    sys.open[fd] = false;
    sys.closed++;
}

void __wrap_reef_os_shutdown(int fd)
{
    assert_true(sys.open[fd] && sys.polled[fd]);
    sys.shut[fd] = true;
}

int __wrap_reef_os_crowd(void);
bool __wrap_reef_os_crowd_join(int, int, uint32_t, int);
void __wrap_reef_os_crowd_change(int, int, uint32_t, int);
void __wrap_reef_os_crowd_leave(int, int);

int __wrap_reef_os_crowd(void)
{
    assert_int_equal(sys.crowd, 0);
    if (!sys.crowds)
        return -1;
    sys.crowd = FDS - 1;
    sys.open[sys.crowd] = true;
    sys.opened++;
    return sys.crowd;
}

bool __wrap_reef_os_crowd_join(int crowd, int fd, uint32_t who, int events)
{
    assert_int_equal(crowd, sys.crowd);
    assert_true(sys.open[fd] && sys.told[fd] == 0);
    if (sys.crowds) {
        sys.told[fd] = who + 1;
        sys.wants[fd] = events;
    }
    return sys.crowds;
}

void __wrap_reef_os_crowd_change(int crowd, int fd, uint32_t who, int events)
{
    assert_int_equal(crowd, sys.crowd);
    assert_true(sys.open[fd] && sys.told[fd] == who + 1);
    sys.wants[fd] = events;
}

void __wrap_reef_os_crowd_leave(int crowd, int fd)
{
    assert_int_equal(crowd, sys.crowd);
    assert_true(sys.open[fd] && sys.told[fd] != 0);
    sys.told[fd] = 0;
}

void *__wrap_calloc(size_t count, size_t size)
{
    return sys.no_memory ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
    return sys.no_memory ? NULL : __real_realloc(old, size);
}

static int setup(void **state)
{
    reef_sockets *s = __real_calloc(1, sizeof *s);
    memset(&sys, 0, sizeof sys);
    *state = s;
    return s != NULL && reef_sockets_init(s, CHANNEL) ? 0 : -1;
}

static int teardown(void **state)
{
    sys.ending = true;
    reef_sockets_free(*state);
    free(*state);
    return sys.opened == sys.closed ? 0 : -1;
}

static int open_link(reef_sockets *s, uint32_t link)
{
    reef_op op;
    memset(&op, 0, sizeof op);
    op.kind = REEF_OP_OPEN;
    op.link = link;
    op.datagram = link % 2 == 1;
    return reef_sockets_open(s, &op, 77);
}

static void poll_begins(reef_sockets *s)
{
    reef_sockets_settle(s);
    s->polling = true;
    for (uint32_t i = 0; i < s->now.count; i++)
        sys.polled[s->now.fds[i].fd] = true;
}

static void poll_ends(reef_sockets *s)
{
    memset(sys.polled, 0, sizeof sys.polled);
    reef_sockets_polled(s);
}

/* ---- one thing at a time ------------------------------------------------------ */

static void a_socket_is_found_by_its_link(void **state)
{
    reef_sockets *s = *state;
    const uint32_t far = REEF_TRANSPORTS_MAX - 1;
    assert_null(reef_sockets_find(s, 5));
    assert_int_equal(open_link(s, 5), 0);
    sys.answer = EINPROGRESS;
    assert_int_equal(open_link(s, far), EINPROGRESS);
    const reef_socket *first = reef_sockets_find(s, 5);
    const reef_socket *second = reef_sockets_find(s, far);
    assert_int_equal(first->state, REEF_SOCKET_OPEN);
    assert_int_equal(second->state, REEF_SOCKET_CONNECTING);
    assert_int_equal(first->link, 5);
    assert_int_equal(second->link, far);
    assert_true(first->datagram && !first->full);
    assert_null(reef_sockets_find(s, 4));
    assert_null(reef_sockets_find(s, far + 1));
    assert_null(reef_sockets_find(s, REEF_SOCKET_NONE));
    assert_null(reef_sockets_find(s, UINT32_MAX));
}

static void a_refused_socket_leaves_nothing(void **state)
{
    reef_sockets *s = *state;
    sys.answer = ECONNREFUSED;
    assert_int_equal(open_link(s, 0), ECONNREFUSED);
    assert_null(reef_sockets_find(s, 0));
    assert_false(s->changed);
    sys.answer = 0;
    assert_int_equal(open_link(s, 0), 0);
}

static void what_is_polled_follows_the_state(void **state)
{
    reef_sockets *s = *state;
    sys.answer = EINPROGRESS;
    open_link(s, 2);
    reef_socket *at = reef_sockets_find(s, 2);
    reef_sockets_settle(s);
    assert_int_equal(s->now.count, 2);
    assert_int_equal(s->now.fds[0].fd, CHANNEL);
    assert_int_equal(s->now.fds[0].events, POLLIN);
    assert_int_equal(s->now.fds[1].events, POLLOUT);
    assert_int_equal(s->now.links[1], 2);
    reef_sockets_set_open(s, at);
    reef_sockets_settle(s);
    assert_int_equal(s->now.fds[1].events, POLLIN);
    reef_sockets_set_full(s, at, true);
    reef_sockets_settle(s);
    assert_int_equal(s->now.fds[1].events, POLLIN | POLLOUT);
    reef_sockets_set_full(s, at, false);
    reef_sockets_settle(s);
    assert_int_equal(s->now.fds[1].events, POLLIN);
}

static void nothing_is_rebuilt_without_need(void **state)
{
    reef_sockets *s = *state;
    open_link(s, 2);
    reef_sockets_settle(s);
    s->now.fds[1].revents = POLLIN;
    reef_sockets_settle(s);
    assert_int_equal(s->now.fds[1].revents, POLLIN);
    assert_null(s->spare.fds);
}

/* The link's number is used again while the poll still has the old descriptor. */
static void what_is_polled_is_buried(void **state)
{
    reef_sockets *s = *state;
    open_link(s, 1);
    poll_begins(s);
    int old = reef_sockets_find(s, 1)->fd;
    reef_sockets_close(s, reef_sockets_find(s, 1));
    assert_null(reef_sockets_find(s, 1));
    assert_true(sys.open[old] && sys.shut[old]);
    open_link(s, 1);
    int next = reef_sockets_find(s, 1)->fd;
    assert_int_not_equal(next, old);
    assert_int_equal(s->now.links[1], REEF_SOCKET_NONE);
    reef_sockets_close(s, reef_sockets_find(s, 1));
    assert_false(sys.open[next]); /* nobody polls it */
    assert_true(sys.open[old]);
    poll_ends(s);
    assert_false(sys.open[old]);
    assert_int_equal(s->now.links[1], REEF_SOCKET_NONE);
    reef_sockets_settle(s);
    assert_int_equal(s->now.count, 1);
}

static void a_view_is_no_part_of_the_poll(void **state)
{
    reef_sockets *s = *state;
    open_link(s, 1);
    poll_begins(s);
    open_link(s, 2);
    const reef_watch *view = reef_sockets_view(s);
    assert_int_equal(view->count, 3);
    assert_int_equal(view->fds[0].fd, CHANNEL);
    assert_int_equal(s->now.count, 2);
    assert_true(s->changed);
    int second = reef_sockets_find(s, 2)->fd;
    reef_sockets_close(s, reef_sockets_find(s, 2));
    assert_false(sys.open[second]);
    poll_ends(s);
}

/* ---- memory ------------------------------------------------------------------- */

static void out_of_memory_is_said_at_once(void **state)
{
    reef_sockets *s = *state, none;
    memset(&none, 0, sizeof none);
    sys.no_memory = true;
    assert_int_equal(open_link(s, 0), ENOMEM);
    assert_false(reef_sockets_init(&none, CHANNEL));
    reef_sockets_free(&none);
    assert_int_equal(sys.opened, 0);
    sys.no_memory = false;
    for (uint32_t link = 0; link < 4; link++)
        assert_int_equal(open_link(s, link), 0);
    sys.no_memory = true;
    assert_int_equal(open_link(s, 4), ENOMEM);
    assert_null(reef_sockets_find(s, 4));
    reef_sockets_settle(s);
    assert_int_equal(s->now.count, 5);
}

/* What was opened while a poll had the small array can be polled, come what may. */
static void what_could_be_opened_can_be_polled(void **state)
{
    reef_sockets *s = *state;
    open_link(s, 0);
    poll_begins(s);
    for (uint32_t link = 1; link < 40; link++)
        assert_int_equal(open_link(s, link), 0);
    poll_ends(s);
    sys.no_memory = true;
    poll_begins(s);
    assert_int_equal(s->now.count, 41);
    assert_null(reef_sockets_view(s)); /* a look is all that is lost */
    poll_ends(s);
}

/* Closes every second link, and what is polled is the others. */
static void thin_out(reef_sockets *s)
{
    for (uint32_t link = 0; link < REEF_TRANSPORTS_MAX; link += 2)
        reef_sockets_close(s, reef_sockets_find(s, link));
    reef_sockets_settle(s);
    for (uint32_t i = 1; i < s->now.count; i++)
        assert_true(s->now.links[i] == REEF_SOCKET_CROWD || s->now.links[i] % 2 == 1);
}

static void all_links_at_once(void **state)
{
    reef_sockets *s = *state;
    for (uint32_t link = 0; link < REEF_TRANSPORTS_MAX; link++)
        assert_int_equal(open_link(s, link), 0);
    reef_sockets_settle(s);
    assert_int_equal(s->now.count, REEF_TRANSPORTS_MAX + 1);
    thin_out(s);
    assert_int_equal(s->now.count, REEF_TRANSPORTS_MAX / 2 + 1);
}

/* ---- the crowd ---------------------------------------------------------------- */

static void a_crowd_takes_one_seat(void **state)
{
    reef_sockets *s = *state;
    sys.crowds = true;
    for (uint32_t link = 0; link < REEF_SOCKET_SEATS; link++)
        open_link(s, link);
    reef_sockets_settle(s);
    assert_true(sys.crowd == 0 && !s->changed);
    open_link(s, REEF_SOCKET_SEATS);
    assert_true(s->changed); /* the poller has to hear of the crowd itself */
    for (uint32_t link = REEF_SOCKET_SEATS + 1; link < REEF_TRANSPORTS_MAX; link++)
        open_link(s, link);
    reef_sockets_settle(s);
    assert_int_equal(s->now.count, REEF_SOCKET_SEATS + 2);
    assert_int_equal(s->now.fds[1].fd, sys.crowd);
    assert_int_equal(s->now.links[1], REEF_SOCKET_CROWD);
    assert_int_equal(s->now.cap, 32);
    thin_out(s);
    assert_int_equal(s->now.count, REEF_SOCKET_SEATS / 2 + 2);
}

/* Also while it is polled: nothing is buried, and no poller has to know. */
static void the_crowd_comes_and_goes(void **state)
{
    reef_sockets *s = *state;
    sys.crowds = true;
    for (uint32_t link = 0; link <= REEF_SOCKET_SEATS; link++)
        open_link(s, link);
    poll_begins(s);
    sys.answer = EINPROGRESS;
    open_link(s, 900);
    reef_socket *at = reef_sockets_find(s, 900);
    int fd = at->fd;
    assert_int_equal(sys.told[fd], 901);
    assert_int_equal(sys.wants[fd], POLLOUT);
    reef_sockets_set_open(s, at);
    assert_int_equal(sys.wants[fd], POLLIN);
    reef_sockets_set_full(s, at, true);
    assert_int_equal(sys.wants[fd], POLLIN | POLLOUT);
    reef_sockets_close(s, at);
    assert_false(sys.open[fd] || s->changed || s->buried);
    poll_ends(s);
}

/* Whoever is not taken in gets a seat. */
static void a_full_crowd_is_no_loss(void **state)
{
    reef_sockets *s = *state;
    sys.crowds = true;
    for (uint32_t link = 0; link < 20; link++)
        open_link(s, link);
    sys.crowds = false;
    for (uint32_t link = 20; link < 40; link++)
        assert_int_equal(open_link(s, link), 0);
    reef_sockets_settle(s);
    assert_int_equal(s->now.count, 2 + REEF_SOCKET_SEATS + 20);
}

/* ---- against a model ---------------------------------------------------------- */

static uint32_t dice_state;

static uint32_t dice(uint32_t sides)
{
    dice_state = dice_state * 1664525u + 1013904223u;
    return (dice_state >> 8) % sides;
}

static void check_wants(const reef_socket *at, int events)
{
    int wants = at->state == REEF_SOCKET_CONNECTING ? POLLOUT : POLLIN;
    assert_int_equal(events, wants | (at->full ? POLLOUT : 0));
    assert_true(sys.open[at->fd]);
}

/* Every socket outside the crowd once, with what it waits for, and nothing else. */
static void check_watch(const reef_sockets *s, const reef_watch *watch)
{
    static bool seen[REEF_TRANSPORTS_MAX];
    uint32_t others = sys.crowd != 0 ? 2 : 1;
    memset(seen, 0, sizeof seen);
    assert_int_equal(watch->fds[0].fd, CHANNEL);
    if (sys.crowd != 0) {
        assert_int_equal(watch->links[1], REEF_SOCKET_CROWD);
        assert_int_equal(watch->fds[1].fd, sys.crowd);
    }
    for (uint32_t i = others; i < watch->count; i++) {
        const reef_socket *at = reef_sockets_find(s, watch->links[i]);
        assert_non_null(at);
        assert_false(seen[at->link] || at->crowded);
        seen[at->link] = true;
        assert_int_equal(watch->fds[i].fd, at->fd);
        check_wants(at, watch->fds[i].events);
    }
    for (uint32_t link = 0; link < REEF_TRANSPORTS_MAX; link++) {
        const reef_socket *at = reef_sockets_find(s, link);
        if (at == NULL || seen[link])
            continue;
        assert_int_equal(sys.told[at->fd], link + 1);
        check_wants(at, sys.wants[at->fd]);
    }
}

/* A seat whose link is told belongs to that link's descriptor. */
static void check_poll(const reef_sockets *s)
{
    for (uint32_t i = 1; i < s->now.count; i++) {
        const reef_socket *at = reef_sockets_find(s, s->now.links[i]);
        if (at != NULL)
            assert_int_equal(s->now.fds[i].fd, at->fd);
    }
}

static void change(reef_sockets *s, uint32_t link)
{
    reef_socket *at = reef_sockets_find(s, link);
    if (at == NULL) {
        sys.answer = dice(3) == 0 ? 0 : dice(8) == 0 ? EACCES : EINPROGRESS;
        int error = open_link(s, link);
        assert_true(error == sys.answer || (error == ENOMEM && sys.no_memory));
        at = reef_sockets_find(s, link);
        assert_true(at == NULL || !at->full);
    } else if (dice(2) == 0) {
        reef_sockets_close(s, at);
    } else if (at->state == REEF_SOCKET_CONNECTING) {
        reef_sockets_set_open(s, at);
    } else {
        reef_sockets_set_full(s, at, !at->full);
    }
}

static void step(reef_sockets *s, uint32_t links)
{
    uint32_t kind = dice(20);
    sys.no_memory = dice(3) == 0;
    sys.crowds = dice(3) == 0;
    if (kind > 3) {
        change(s, dice(links));
    } else if (kind == 0 && s->polling) {
        const reef_watch *view = reef_sockets_view(s);
        assert_true(view != NULL || sys.no_memory);
        if (view != NULL)
            check_watch(s, view);
    } else if (s->polling) {
        poll_ends(s);
        check_poll(s);
    } else {
        poll_begins(s);
        check_watch(s, &s->now);
    }
    check_poll(s);
}

static void whatever_happens_the_books_agree(void **state)
{
    static const uint32_t worlds[] = {2, 17, 300, REEF_TRANSPORTS_MAX};
    reef_sockets *s = *state;
    dice_state = 20261123;
    for (size_t i = 0; i < sizeof worlds / sizeof worlds[0]; i++)
        for (int j = 0; j < STEPS; j++)
            step(s, worlds[i]);
    sys.no_memory = false;
    if (s->polling)
        poll_ends(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_socket_is_found_by_its_link, setup, teardown),
        cmocka_unit_test_setup_teardown(a_refused_socket_leaves_nothing, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(what_is_polled_follows_the_state, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(nothing_is_rebuilt_without_need, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(what_is_polled_is_buried, setup, teardown),
        cmocka_unit_test_setup_teardown(a_view_is_no_part_of_the_poll, setup, teardown),
        cmocka_unit_test_setup_teardown(out_of_memory_is_said_at_once, setup, teardown),
        cmocka_unit_test_setup_teardown(what_could_be_opened_can_be_polled, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(all_links_at_once, setup, teardown),
        cmocka_unit_test_setup_teardown(a_crowd_takes_one_seat, setup, teardown),
        cmocka_unit_test_setup_teardown(the_crowd_comes_and_goes, setup, teardown),
        cmocka_unit_test_setup_teardown(a_full_crowd_is_no_loss, setup, teardown),
        cmocka_unit_test_setup_teardown(whatever_happens_the_books_agree, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
