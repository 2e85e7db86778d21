/* SPDX-License-Identifier: Apache-2.0
 *
 * lane_sockets: the sockets of one lane, and what is polled of them.
 *
 * Invariants:
 *   - A descriptor is never closed while a thread polls it: it is shut down, buried in
 *     its seat, and closed by the poller. So its number can't come to mean another file
 *     in between. The link's number is free at once, and what becomes of it has nothing
 *     to do with the seat.
 *   - `now` is neither moved nor written to while it is polled, but for the owners of
 *     its seats, which the poll does not see.
 *   - `now` or `spare` has room for all that is seated, the channel and the crowd:
 *     whoever opens a socket sees to it, in the one that nobody polls. So there is
 *     nothing to fail where the sockets are about to be polled.
 *   - The system does the bookkeeping of the crowd, also while it is polled: what joins
 *     and leaves it is no change of what is polled, and it buries nobody. */
#include "net/lane_sockets.h"
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

enum { SOCKETS_FEW = 4 /* room to begin with */ };

_Static_assert((int)REEF_TRANSPORTS_MAX < (int)REEF_SOCKET_CROWD,
               "a link and a seat fit 16 bits");

/* ---- memory ------------------------------------------------------------------- */

static uint32_t sockets_more(uint32_t cap, uint32_t least)
{
    uint32_t more = cap < SOCKETS_FEW ? SOCKETS_FEW : cap;
    while (more < least)
        more *= 2;
    return more;
}

static bool sockets_widen(reef_watch *watch, uint32_t least)
{
    if (least <= watch->cap)
        return true;
    uint32_t cap = sockets_more(watch->cap, least);
    struct pollfd *fds = realloc(watch->fds, cap * sizeof *fds);
    if (fds == NULL)
        return false;
    watch->fds = fds;
    uint16_t *links = realloc(watch->links, cap * sizeof *links);
    if (links == NULL)
        return false;
    watch->links = links;
    watch->cap = cap;
    return true;
}

static void sockets_free_watch(reef_watch *watch)
{
    free(watch->fds);
    free(watch->links);
}

static bool sockets_widen_seated(reef_sockets *s)
{
    if (s->seated_count < s->seated_cap)
        return true;
    uint32_t cap = sockets_more(s->seated_cap, s->seated_count + 1);
    uint16_t *seated = realloc(s->seated, cap * sizeof *seated);
    if (seated == NULL)
        return false;
    s->seated = seated;
    s->seated_cap = cap;
    return true;
}

/* Of a link whose page is there. */
static reef_socket *sockets_at(const reef_sockets *s, uint32_t link)
{
    return s->pages[link / REEF_SOCKET_PAGE] + link % REEF_SOCKET_PAGE;
}

/* The place of a link that has none, with all that it takes to be polled. */
static reef_socket *sockets_room(reef_sockets *s, uint32_t link)
{
    reef_socket **page = &s->pages[link / REEF_SOCKET_PAGE];
    if (*page == NULL)
        *page = calloc(REEF_SOCKET_PAGE, sizeof **page);
    uint32_t seats = s->seated_count + 3; /* with the channel and the crowd */
    bool wide =
        s->polling ? sockets_widen(&s->spare, seats) : sockets_widen(&s->now, seats);
    if (*page == NULL || !wide || !sockets_widen_seated(s))
        return NULL;
    return sockets_at(s, link);
}

/* ---- opening and closing ------------------------------------------------------ */

reef_socket *reef_sockets_find(const reef_sockets *s, uint32_t link)
{
    if (link >= REEF_TRANSPORTS_MAX || s->pages[link / REEF_SOCKET_PAGE] == NULL)
        return NULL;
    reef_socket *at = sockets_at(s, link);
    return at->state != REEF_SOCKET_FREE ? at : NULL;
}

static int sockets_wants(const reef_socket *at)
{
    if (at->state == REEF_SOCKET_CONNECTING)
        return POLLOUT;
    return at->full ? POLLIN | POLLOUT : POLLIN;
}

static bool sockets_joins(reef_sockets *s, const reef_socket *made)
{
    if (s->seated_count < REEF_SOCKET_SEATS)
        return false;
    if (!s->has_crowd) {
        s->crowd = reef_os_crowd();
        s->has_crowd = s->crowd >= 0;
        s->changed = s->changed || s->has_crowd;
    }
    return s->has_crowd &&
           reef_os_crowd_join(s->crowd, made->fd, made->link, sockets_wants(made));
}

int reef_sockets_open(reef_sockets *s, const reef_op *op, uint32_t stall_ms)
{
    assert(op->link < REEF_TRANSPORTS_MAX && reef_sockets_find(s, op->link) == NULL);
    reef_socket *made = sockets_room(s, op->link);
    int error = made != NULL ? reef_os_connect(op, stall_ms, &made->fd) : ENOMEM;
    if (error != 0 && error != EINPROGRESS)
        return error;
    made->state = error == 0 ? REEF_SOCKET_OPEN : REEF_SOCKET_CONNECTING;
    made->link = (uint16_t)op->link;
    made->datagram = op->datagram;
    made->full = false;
    made->seat = 0;
    made->crowded = sockets_joins(s, made);
    if (!made->crowded) {
        made->place = (uint16_t)s->seated_count;
        s->seated[s->seated_count++] = made->link;
        s->changed = true;
    }
    return error;
}

static void sockets_rise(reef_sockets *s, const reef_socket *gone)
{
    uint16_t last = s->seated[--s->seated_count];
    s->seated[gone->place] = last;
    sockets_at(s, last)->place = gone->place;
    s->changed = true;
}

void reef_sockets_close(reef_sockets *s, reef_socket *gone)
{
    if (gone->crowded)
        reef_os_crowd_leave(s->crowd, gone->fd);
    else
        sockets_rise(s, gone);
    gone->state = REEF_SOCKET_FREE;
    if (gone->seat != 0)
        s->now.links[gone->seat] = REEF_SOCKET_NONE;
    if (gone->seat != 0 && s->polling) {
        reef_os_shutdown(gone->fd);
        s->buried = true;
        return;
    }
    reef_os_close(gone->fd);
}

static void sockets_want_other(reef_sockets *s, const reef_socket *at)
{
    if (at->crowded)
        reef_os_crowd_change(s->crowd, at->fd, at->link, sockets_wants(at));
    else
        s->changed = true;
}

void reef_sockets_set_open(reef_sockets *s, reef_socket *at)
{
    at->state = REEF_SOCKET_OPEN;
    sockets_want_other(s, at);
}

void reef_sockets_set_full(reef_sockets *s, reef_socket *at, bool full)
{
    at->full = full;
    sockets_want_other(s, at);
}

/* ---- polling ------------------------------------------------------------------ */

static uint32_t sockets_seats(const reef_sockets *s)
{
    return s->seated_count + (s->has_crowd ? 2 : 1);
}

static void sockets_seat(reef_watch *watch, int fd, uint16_t link, int events)
{
    struct pollfd *seat = &watch->fds[watch->count];
    seat->fd = fd;
    seat->events = (short)events;
    seat->revents = 0;
    watch->links[watch->count++] = link;
}

static void sockets_fill(const reef_sockets *s, int channel, reef_watch *watch)
{
    watch->count = 0;
    sockets_seat(watch, channel, REEF_SOCKET_NONE, POLLIN);
    if (s->has_crowd)
        sockets_seat(watch, s->crowd, REEF_SOCKET_CROWD, POLLIN);
    for (uint32_t i = 0; i < s->seated_count; i++) {
        const reef_socket *at = sockets_at(s, s->seated[i]);
        sockets_seat(watch, at->fd, at->link, sockets_wants(at));
    }
}

void reef_sockets_settle(reef_sockets *s)
{
    int channel = s->now.fds[0].fd;
    if (!s->changed)
        return;
    if (s->now.cap < sockets_seats(s)) {
        reef_watch wide = s->spare;
        s->spare = s->now;
        s->now = wide;
    }
    assert(s->now.cap >= sockets_seats(s));
    sockets_fill(s, channel, &s->now);
    uint32_t first = s->now.count - s->seated_count;
    for (uint32_t i = first; i < s->now.count; i++)
        sockets_at(s, s->now.links[i])->seat = (uint16_t)i;
    s->changed = false;
}

void reef_sockets_polled(reef_sockets *s)
{
    s->polling = false;
    for (uint32_t i = 1; i < s->now.count && s->buried; i++)
        if (s->now.links[i] == REEF_SOCKET_NONE)
            reef_os_close(s->now.fds[i].fd);
    s->buried = false;
}

reef_watch *reef_sockets_view(reef_sockets *s)
{
    if (!sockets_widen(&s->spare, sockets_seats(s)))
        return NULL;
    sockets_fill(s, s->now.fds[0].fd, &s->spare);
    return &s->spare;
}

/* ---- making and ending -------------------------------------------------------- */

bool reef_sockets_init(reef_sockets *s, int channel)
{
    if (!sockets_widen(&s->now, 1))
        return false;
    sockets_fill(s, channel, &s->now);
    return true;
}

static void sockets_free_page(reef_socket *page)
{
    for (size_t i = 0; page != NULL && i < REEF_SOCKET_PAGE; i++)
        if (page[i].state != REEF_SOCKET_FREE)
            reef_os_close(page[i].fd);
    free(page);
}

void reef_sockets_free(reef_sockets *s)
{
    for (size_t i = 0; i < REEF_SOCKET_PAGES; i++)
        sockets_free_page(s->pages[i]);
    if (s->has_crowd)
        reef_os_close(s->crowd);
    free(s->seated);
    sockets_free_watch(&s->now);
    sockets_free_watch(&s->spare);
}
