/* SPDX-License-Identifier: Apache-2.0
 *
 * lane: where threads, an engine and sockets meet.
 *
 * A call that enters a lane submits its commands and sends what it can by itself. Then
 * one thread drives: it polls with the lock released, feeds the engine, and gives out
 * what is done. The others sleep, each on a condition of its own.
 *
 * Invariants:
 *   - Whenever the lock is free and a call sleeps, somebody drives, or the oldest
 *     sleeper has been signalled and will. A thread that comes by before it wakes may
 *     take the role first; it signals again when it leaves. So the role costs no
 *     context switch where there is none to spare, and is never lost.
 *   - A driver stops as soon as its own call is done.
 *   - A sleeper whose deadline passes moves the engine's clock itself, so that a driver
 *     which the system does not run can't hold up others.
 *   - A call leaves when the engine owes it nothing: a tag never outlives its berth.
 *   - No wait but poll's, and only for as long as the engine's next deadline. Work
 *     under the lock comes in bounded portions, with the deadlines looked at in
 *     between. */
#include "net/lane.h"
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    LANE_READS = 32, /* receives from one socket before others have their turn */
    LANE_NEWS = 64,  /* sockets of the crowd that are served in one go … */
    LANE_GOES = REEF_TRANSPORTS_MAX / LANE_NEWS + 1, /* … and how many that takes */
    LANE_OPS = 256,         /* operations before the deadlines are looked at again */
    LANE_TEND_SOON_MS = 20, /* tend: when something is under way */
    LANE_BLIND_MS = 10,     /* a driver may not have looked for so long, at most */
    LANE_OVERDUE_MS = 10    /* a sleeper past its deadline looks again that often */
};

/* ---- receiving ---------------------------------------------------------------- */

static void lane_lost(reef_lane *lane, reef_socket *gone, int error, int64_t now_ms)
{
    uint32_t link = gone->link;
    reef_sockets_close(&lane->sockets, gone);
    reef_engine_closed(lane->engine, link, error, now_ms);
}

/* Of datagrams each receive is one. `whole`: until nothing is left, so that an end of
 * stream behind the data is seen as well. Otherwise a receive that did not fill its
 * room is taken for the last; poll tells when there is more. */
static void lane_read(reef_lane *lane, reef_socket *from, bool whole, int64_t now_ms)
{
    for (int i = 0; i < LANE_READS; i++) {
        size_t cap = 0;
        int error = ENOMEM;
        void *room = reef_engine_room(lane->engine, from->link, &cap);
        size_t len = room != NULL ? reef_os_recv(from->fd, room, cap, &error) : 0;
        bool empty = room != NULL && from->datagram && len == 0 && error == 0;
        if (len == 0 && error != EAGAIN && !empty) {
            lane_lost(lane, from, error, now_ms);
            return;
        }
        if (len == 0 && !empty)
            return;
        reef_engine_received(lane->engine, from->link, len, now_ms);
        if (!whole && !from->datagram && len < cap)
            return;
    }
}

/* ---- the engine's operations -------------------------------------------------- */

static void lane_open(reef_lane *lane, const reef_op *op, int64_t now_ms)
{
    int error = reef_sockets_open(&lane->sockets, op, lane->stall_ms);
    if (error == 0)
        reef_engine_opened(lane->engine, op->link, now_ms);
    else if (error != EINPROGRESS)
        reef_engine_closed(lane->engine, op->link, error, now_ms);
}

/* A peer that closes on us often says why first ("max number of clients reached"). */
static void lane_last_words(reef_lane *lane, reef_socket *from, int error,
                            int64_t now_ms)
{
    lane_read(lane, from, true, now_ms);
    if (from->state == REEF_SOCKET_OPEN)
        lane_lost(lane, from, error, now_ms);
}

static void lane_send(reef_lane *lane, const reef_op *op, int64_t now_ms)
{
    int error = 0;
    reef_socket *to = reef_sockets_find(&lane->sockets, op->link);
    if (to == NULL) {
        reef_engine_closed(lane->engine, op->link, ENOTCONN, now_ms);
        return;
    }
    size_t len = reef_os_send(to->fd, op->bytes, &error);
    if (error == EAGAIN) {
        reef_sockets_set_full(&lane->sockets, to, true);
    } else if (error != 0) {
        lane_last_words(lane, to, error, now_ms);
    } else {
        reef_engine_sent(lane->engine, op->link, len, now_ms);
    }
}

/* The file's text, if it is another than the engine has; NULL: it is the same, or can't
 * be read just now (no descriptor is free, say): then what is known stays. A file that
 * is not there, or is none that can be read, has the empty text. */
static char *lane_file_text(const reef_lane_file *file, reef_os_stamp *stamp,
                            reef_str *text)
{
    int error = 0;
    *stamp = file->seen;
    if (!reef_os_file_changed(file->path, stamp))
        return NULL;
    char *bytes = reef_os_read_file(file->path, &text->len, &error);
    bool passing = error == EMFILE || error == ENFILE || error == ENOMEM ||
                   error == EIO || error == EAGAIN;
    if (bytes == NULL && !passing) {
        text->len = 0;
        bytes = calloc(1, 1);
    }
    text->ptr = bytes;
    return bytes;
}

static void lane_files(reef_lane *lane)
{
    char name[REEF_NAME_MAX + 1];
    reef_os_stamp stamp;
    reef_str text = {NULL, 0};
    char *bytes = lane_file_text(&lane->hosts, &stamp, &text);
    if (bytes != NULL && reef_engine_hosts(lane->engine, text) == REEF_OK)
        lane->hosts.seen = stamp;
    free(bytes);
    bytes = lane_file_text(&lane->resolv_conf, &stamp, &text);
    if (bytes != NULL) {
        reef_os_host_name(name, sizeof name);
        if (reef_engine_resolv_conf(lane->engine, text, reef_str_of(name)) == REEF_OK)
            lane->resolv_conf.seen = stamp;
    }
    free(bytes);
}

static void lane_do(reef_lane *lane, const reef_op *op, int64_t now_ms)
{
    reef_socket *gone;
    switch (op->kind) {
    case REEF_OP_NONE:
        break;
    case REEF_OP_OPEN:
        lane_open(lane, op, now_ms);
        break;
    case REEF_OP_FILES:
        lane_files(lane);
        break;
    case REEF_OP_SEND:
        lane_send(lane, op, now_ms);
        break;
    case REEF_OP_CLOSE:
        gone = reef_sockets_find(&lane->sockets, op->link);
        if (gone != NULL)
            reef_sockets_close(&lane->sockets, gone);
        break;
    }
}

static void lane_give_out(reef_lane *lane)
{
    reef_done done;
    while (reef_engine_next_done(lane->engine, &done)) {
        reef_berth *berth = (reef_berth *)(uintptr_t)done.tag;
        reef_waiter *waiter = berth->waiter;
        assert(waiter->left > 0 && lane->pending > 0);
        waiter->replies[(size_t)(berth - waiter->berths) + done.index] = done.reply;
        waiter->left--;
        lane->pending--;
        if (waiter->left == 0 && waiter->asleep)
            pthread_cond_signal(&waiter->wakes);
    }
}

/* Does what the engine wants and gives out what is done. A poller is woken only when
 * it polls for the wrong things or for too long. */
static void lane_pump(reef_lane *lane, int64_t now_ms)
{
    reef_op op;
    int left = LANE_OPS;
    while (left > 0 && reef_engine_next_op(lane->engine, &op)) {
        lane_do(lane, &op, now_ms);
        left--;
    }
    lane->more = left == 0;
    lane_give_out(lane);
    if (lane->sockets.polling && !lane->woken &&
        (lane->sockets.changed || lane->more ||
         reef_engine_deadline_ms(lane->engine) < lane->polls_till_ms)) {
        lane->woken = true;
        reef_os_wake(lane->wake_in);
    }
}

/* ---- driving ------------------------------------------------------------------ */

static void lane_connected(reef_lane *lane, reef_socket *at, int64_t now_ms)
{
    int error = reef_os_connected(at->fd);
    if (error != 0) {
        lane_lost(lane, at, error, now_ms);
        return;
    }
    reef_sockets_set_open(&lane->sockets, at);
    reef_engine_opened(lane->engine, at->link, now_ms);
}

static void lane_happened(reef_lane *lane, reef_socket *at, int events, bool whole,
                          int64_t now_ms)
{
    if (at->state == REEF_SOCKET_CONNECTING) {
        lane_connected(lane, at, now_ms);
        return;
    }
    if (at->full && (events & POLLOUT) != 0) {
        reef_sockets_set_full(&lane->sockets, at, false);
        reef_engine_sent(lane->engine, at->link, 0, now_ms);
    }
    if ((events & ~POLLOUT) != 0)
        lane_read(lane, at, whole, now_ms);
}

static void lane_feed_crowd(reef_lane *lane, bool whole, int64_t now_ms)
{
    reef_os_news news[LANE_NEWS];
    size_t count = LANE_NEWS;
    for (int go = 0; go < LANE_GOES && count == LANE_NEWS; go++) {
        count = reef_os_crowd_news(lane->sockets.crowd, news, LANE_NEWS);
        for (size_t i = 0; i < count; i++) {
            reef_socket *at = reef_sockets_find(&lane->sockets, news[i].who);
            if (at != NULL)
                lane_happened(lane, at, news[i].events, whole, now_ms);
        }
    }
}

static void lane_feed(reef_lane *lane, const reef_watch *watch, bool whole)
{
    int64_t now_ms = reef_now_ms();
    lane->fed_ms = now_ms;
    if (watch->fds[0].revents != 0) {
        reef_os_drain(lane->wake_out);
        lane->woken = false;
    }
    for (uint32_t i = 1; i < watch->count; i++) {
        if (watch->fds[i].revents == 0)
            continue;
        if (watch->links[i] == REEF_SOCKET_CROWD)
            lane_feed_crowd(lane, whole, now_ms);
        reef_socket *at = reef_sockets_find(&lane->sockets, watch->links[i]);
        if (at != NULL)
            lane_happened(lane, at, watch->fds[i].revents, whole, now_ms);
    }
    reef_engine_tick(lane->engine, now_ms);
    lane_pump(lane, now_ms);
}

/* What came while nobody called, or while the system did not run the driver: an end of
 * stream that is seen now costs a reconnect; seen after the command was sent, it would
 * leave the command in doubt. A fail-over that was announced is known before anything
 * goes to the old master. */
static void lane_look(reef_lane *lane)
{
    reef_watch *watch = &lane->sockets.now;
    if (lane->driven)
        watch = reef_sockets_view(&lane->sockets);
    else
        reef_sockets_settle(&lane->sockets);
    if (watch == NULL || watch->count == 1)
        return;
    reef_os_poll(watch->fds, watch->count, 0);
    if (lane->driven) /* the byte that wakes the poller is for the poller */
        watch->fds[0].revents = 0;
    lane_feed(lane, watch, true);
}

static void lane_round(reef_lane *lane)
{
    reef_sockets *sockets = &lane->sockets;
    reef_sockets_settle(sockets);
    int64_t now_ms = reef_now_ms();
    int64_t till_ms = lane->more ? now_ms : reef_engine_deadline_ms(lane->engine);
    sockets->polling = true;
    lane->polls_till_ms = till_ms;
    pthread_mutex_unlock(&lane->lock);
    reef_os_poll(sockets->now.fds, sockets->now.count,
                 till_ms > now_ms ? till_ms - now_ms : 0);
    pthread_mutex_lock(&lane->lock);
    reef_sockets_polled(sockets);
    lane_feed(lane, &sockets->now, false);
}

static void lane_drive(reef_lane *lane, const reef_waiter *waiter)
{
    lane->driven = true;
    while (waiter->left > 0)
        lane_round(lane);
    lane->driven = false;
}

/* ---- sleeping ----------------------------------------------------------------- */

static void lane_sleepers_push(reef_lane *lane, reef_waiter *waiter)
{
    waiter->next = NULL;
    waiter->prev = lane->last;
    if (lane->last != NULL)
        lane->last->next = waiter;
    else
        lane->first = waiter;
    lane->last = waiter;
    waiter->asleep = true;
}

static void lane_sleepers_remove(reef_lane *lane, reef_waiter *waiter)
{
    if (waiter->prev != NULL)
        waiter->prev->next = waiter->next;
    else
        lane->first = waiter->next;
    if (waiter->next != NULL)
        waiter->next->prev = waiter->prev;
    else
        lane->last = waiter->prev;
    waiter->asleep = false;
}

static void lane_doze(reef_lane *lane, reef_waiter *waiter, int64_t till_ms)
{
    struct timespec till;
    till.tv_sec = (time_t)(till_ms / 1000);
    till.tv_nsec = (long)(till_ms % 1000) * 1000000;
    (void)pthread_cond_timedwait(&waiter->wakes, &lane->lock, &till);
}

/* Until the call is done or nobody drives. */
static void lane_sleep(reef_lane *lane, reef_waiter *waiter)
{
    int64_t till_ms = waiter->deadline_ms;
    lane_sleepers_push(lane, waiter);
    while (waiter->left > 0 && lane->driven) {
        lane_doze(lane, waiter, till_ms);
        int64_t now_ms = reef_now_ms();
        if (waiter->left > 0 && lane->driven && now_ms >= till_ms) {
            reef_engine_tick(lane->engine, now_ms);
            lane_pump(lane, now_ms);
            till_ms = now_ms + LANE_OVERDUE_MS;
        }
    }
    lane_sleepers_remove(lane, waiter);
}

/* A system that has no condition to give: its thread looks again every millisecond. */
static void lane_nap(reef_lane *lane)
{
    pthread_mutex_unlock(&lane->lock);
    reef_os_poll(NULL, 0, 1);
    pthread_mutex_lock(&lane->lock);
}

static void lane_follow(reef_lane *lane, reef_waiter *waiter,
                        const pthread_condattr_t *monotonic)
{
    if (pthread_cond_init(&waiter->wakes, monotonic) != 0) {
        lane_nap(lane);
        return;
    }
    lane_sleep(lane, waiter);
    pthread_cond_destroy(&waiter->wakes);
}

/* ---- a call ------------------------------------------------------------------- */

/* A thread that is cancelled inside would take the lock and the role with it, and leave
 * the engine the address of its stack. */
int reef_lane_enter(reef_lane *lane)
{
    int cancel_state = PTHREAD_CANCEL_ENABLE;
    (void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_state);
    atomic_fetch_add_explicit(&lane->load, 1, memory_order_relaxed);
    pthread_mutex_lock(&lane->lock);
    if (!lane->driven || reef_now_ms() - lane->fed_ms >= LANE_BLIND_MS)
        lane_look(lane);
    return cancel_state;
}

void reef_lane_leave(reef_lane *lane, int cancel_state)
{
    if (!lane->driven && lane->first != NULL)
        pthread_cond_signal(&lane->first->wakes);
    pthread_mutex_unlock(&lane->lock);
    atomic_fetch_sub_explicit(&lane->load, 1, memory_order_relaxed);
    (void)pthread_setcancelstate(cancel_state, &cancel_state);
}

void reef_lane_submit(reef_lane *lane, reef_waiter *waiter,
                      const reef_cmd *const cmds[], size_t at)
{
    reef_berth *berth = &waiter->berths[at];
    const reef_order order = {cmds + at, berth->count, (uint64_t)(uintptr_t)berth,
                              waiter->deadline_ms,
                              berth->node_id != NULL ? berth->node_id : ""};
    berth->waiter = waiter;
    if (reef_engine_order(lane->engine, &order, reef_now_ms()) != 0) {
        waiter->left += berth->count;
        lane->pending += berth->count;
        return;
    }
    bool many = lane->pending + berth->count > REEF_PENDING_MAX;
    for (size_t i = 0; i < berth->count; i++) {
        waiter->replies[at + i] =
            many ? reef_reply_failed(REEF_LIMIT, "too many commands are waiting")
                 : reef_reply_failed(REEF_NOMEM,
                                     "out of memory for what waits to be sent");
    }
}

void reef_lane_run(reef_lane *lane, reef_waiter *waiter,
                   const pthread_condattr_t *monotonic)
{
    lane_pump(lane, reef_now_ms());
    while (waiter->left > 0)
        if (lane->driven)
            lane_follow(lane, waiter, monotonic);
        else
            lane_drive(lane, waiter);
}

void reef_lane_survey(reef_lane *lane, int64_t until_ms)
{
    int64_t now_ms = reef_now_ms();
    reef_engine_survey(lane->engine, until_ms, now_ms);
    lane_pump(lane, now_ms);
    while (!reef_engine_surveyed(lane->engine) && reef_now_ms() < until_ms) {
        if (lane->driven) {
            lane_nap(lane);
            continue;
        }
        lane->driven = true;
        lane_round(lane);
        lane->driven = false;
    }
}

int64_t reef_lane_tend(reef_lane *lane)
{
    int64_t now_ms = reef_now_ms();
    reef_engine_tick(lane->engine, now_ms);
    reef_engine_tend(lane->engine, now_ms);
    lane_pump(lane, now_ms);
    if (lane->driven)
        return REEF_IDLE_PING_MS;
    int64_t wish_ms = reef_engine_deadline_ms(lane->engine) - now_ms;
    if (wish_ms > LANE_TEND_SOON_MS && reef_engine_busy(lane->engine))
        return LANE_TEND_SOON_MS;
    if (wish_ms < 1)
        return 1;
    return wish_ms < REEF_IDLE_PING_MS ? wish_ms : REEF_IDLE_PING_MS;
}

/* ---- making and ending -------------------------------------------------------- */

/* The seed only spreads reconnects; a clock will do where random bytes are out. */
static uint64_t lane_seed(void)
{
    uint64_t seed = 0;
    return reef_random_bytes(&seed, sizeof seed) == REEF_OK ? seed
                                                            : (uint64_t)reef_unix_ns();
}

static reef_code lane_failed(reef_error *error, reef_code code, int sys_errno,
                             const char *text)
{
    error->code = code;
    error->sys_errno = sys_errno;
    memcpy(error->text, text, strlen(text) + 1);
    return code;
}

/* Without random bytes the engine has no key, and asks for no name. */
static void lane_key(reef_engine *engine)
{
    unsigned char key[REEF_SECRET_KEY];
    if (reef_random_bytes(key, sizeof key) == REEF_OK)
        reef_engine_key(engine, key);
    memset(key, 0, sizeof key);
}

reef_code reef_lane_init(reef_lane *lane, const reef_config *config, reef_error *error)
{
    lane->hosts.path = "/etc/hosts";
    lane->resolv_conf.path = "/etc/resolv.conf";
    lane->wake_in = lane->wake_out = -1;
    (void)pthread_mutex_init(&lane->lock, NULL);
    atomic_init(&lane->load, 0);
    lane->stall_ms = config->call_timeout_ms;
    lane->engine = reef_engine_new(config, lane_seed(), reef_now_ms());
    if (lane->engine == NULL)
        return lane_failed(error, REEF_NOMEM, ENOMEM, "out of memory");
    lane_key(lane->engine);
    int failed = reef_os_channel(&lane->wake_in, &lane->wake_out);
    if (failed != 0) {
        return lane_failed(error, REEF_NOMEM, failed,
                           "the system has no file descriptors left");
    }
    if (!reef_sockets_init(&lane->sockets, lane->wake_out))
        return lane_failed(error, REEF_NOMEM, ENOMEM, "out of memory");
    return REEF_OK;
}

void reef_lane_free(reef_lane *lane)
{
    reef_sockets_free(&lane->sockets);
    reef_os_close(lane->wake_in);
    reef_os_close(lane->wake_out);
    reef_engine_free(lane->engine);
    pthread_mutex_destroy(&lane->lock);
}
