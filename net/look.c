/* SPDX-License-Identifier: Apache-2.0
 *
 * reef_look_up: one resolver, one look-up and the sockets for it, driven from here
 * until every endpoint is known. The one other place where a resolver meets sockets is
 * the lane. */
#include "net/resolve_in.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "net/os.h"

enum {
    LOOK_LINKS = REEF_EXCHANGES_MAX,
    LOOK_TIMEOUT_MAX_MS = 1 << 30 /* twelve days: longer ones are cut to this */
};

typedef enum look_state { LOOK_FREE, LOOK_CONNECTING, LOOK_OPEN } look_state;

typedef struct look_socket {
    look_state state;
    bool datagram;
    bool full; /* a SEND waits until the socket takes more */
    int fd;
} look_socket;

typedef struct look_run {
    reef_look *look;
    reef_resolver *resolver;
    reef_lookup *lookup;
    look_socket sockets[LOOK_LINKS]; /* by link */
} look_run;

/* ---- ops ---------------------------------------------------------------------- */

static void look_close(look_socket *s)
{
    if (s->state != LOOK_FREE)
        reef_os_close(s->fd);
    s->state = LOOK_FREE;
}

static void look_lost(look_run *run, uint32_t link, int error)
{
    look_close(&run->sockets[link]);
    reef_resolver_closed(run->resolver, link, error, reef_now_ms());
}

static void look_open(look_run *run, const reef_op *op)
{
    look_socket *s = &run->sockets[op->link];
    int error = reef_os_connect(op, 0, &s->fd);
    if (error != 0 && error != EINPROGRESS) {
        reef_resolver_closed(run->resolver, op->link, error, reef_now_ms());
        return;
    }
    s->state = error == 0 ? LOOK_OPEN : LOOK_CONNECTING;
    s->datagram = op->datagram;
    s->full = false;
    if (error == 0)
        reef_resolver_opened(run->resolver, op->link, reef_now_ms());
}

static void look_send(look_run *run, const reef_op *op)
{
    look_socket *s = &run->sockets[op->link];
    int error = 0;
    size_t len = reef_os_send(s->fd, op->bytes, &error);
    s->full = len == 0 && error == EAGAIN;
    if (error != 0 && !s->full)
        look_lost(run, op->link, error);
    else if (!s->full)
        reef_resolver_sent(run->resolver, op->link, len, reef_now_ms());
}

/* What can't be read counts as empty. */
static reef_code look_files(look_run *run)
{
    char name[REEF_NAME_MAX + 1];
    int error = 0;
    reef_str text = {NULL, 0};
    char *bytes = reef_os_read_file("/etc/hosts", &text.len, &error);
    text.ptr = bytes;
    text.len = bytes != NULL ? text.len : 0;
    reef_code code = reef_resolver_hosts(run->resolver, text);
    free(bytes);
    bytes = reef_os_read_file("/etc/resolv.conf", &text.len, &error);
    text.ptr = bytes;
    text.len = bytes != NULL ? text.len : 0;
    reef_os_host_name(name, sizeof name);
    if (code == REEF_OK)
        code = reef_resolver_conf(run->resolver, text, reef_str_of(name));
    free(bytes);
    return code;
}

static reef_code look_ops(look_run *run)
{
    reef_op op;
    bool moved = false;
    reef_code code = REEF_OK;
    while (code == REEF_OK &&
           reef_resolver_next_op(run->resolver, &op, &moved, reef_now_ms())) {
        switch (op.kind) {
        case REEF_OP_OPEN:
            look_open(run, &op);
            break;
        case REEF_OP_SEND:
            look_send(run, &op);
            break;
        case REEF_OP_CLOSE:
            look_close(&run->sockets[op.link]);
            break;
        case REEF_OP_FILES:
            code = look_files(run);
            break;
        case REEF_OP_NONE:
            break;
        }
    }
    return code;
}

/* ---- inputs ------------------------------------------------------------------- */

static void look_connected(look_run *run, uint32_t link)
{
    int error = reef_os_connected(run->sockets[link].fd);
    if (error != 0) {
        look_lost(run, link, error);
        return;
    }
    run->sockets[link].state = LOOK_OPEN;
    reef_resolver_opened(run->resolver, link, reef_now_ms());
}

/* Once: poll tells if there is more. A datagram without bytes is one all the same. */
static void look_receive(look_run *run, uint32_t link)
{
    look_socket *s = &run->sockets[link];
    size_t cap = 0;
    int error = ENOMEM;
    void *room = reef_resolver_room(run->resolver, link, &cap);
    size_t len = room != NULL ? reef_os_recv(s->fd, room, cap, &error) : 0;
    if (error == EAGAIN)
        return;
    if (error != 0 || (len == 0 && !s->datagram))
        look_lost(run, link, error);
    else
        reef_resolver_received(run->resolver, link, len, reef_now_ms());
}

static void look_event(look_run *run, uint32_t link, int events)
{
    look_socket *s = &run->sockets[link];
    if (s->state == LOOK_CONNECTING) {
        look_connected(run, link);
        return;
    }
    if (s->full && (events & POLLOUT) != 0) {
        s->full = false;
        reef_resolver_sent(run->resolver, link, 0, reef_now_ms());
    }
    if ((events & ~POLLOUT) != 0)
        look_receive(run, link);
}

static void look_wait(look_run *run)
{
    struct pollfd polled[LOOK_LINKS];
    uint32_t links[LOOK_LINKS];
    nfds_t count = 0;
    for (uint32_t i = 0; i < LOOK_LINKS; i++) {
        const look_socket *s = &run->sockets[i];
        if (s->state == LOOK_FREE)
            continue;
        bool writes = s->state == LOOK_CONNECTING || s->full;
        links[count] = i;
        polled[count].fd = s->fd;
        polled[count].revents = 0;
        polled[count++].events = (short)(POLLIN | (writes ? POLLOUT : 0));
    }
    int64_t wait_ms = reef_resolver_deadline_ms(run->resolver) - reef_now_ms();
    reef_os_poll(polled, count, wait_ms);
    for (nfds_t i = 0; i < count; i++)
        if (polled[i].revents != 0 && run->sockets[links[i]].state != LOOK_FREE)
            look_event(run, links[i], polled[i].revents);
    reef_resolver_tick(run->resolver, reef_now_ms());
}

/* ---- what is found ------------------------------------------------------------ */

static void look_note(look_run *run, const reef_endpoint *endpoint)
{
    reef_look_target *target = &run->look->targets[0];
    run->look->code = REEF_OK;
    if (run->lookup->srv || target->address_count == REEF_LOOK_ADDRESSES_MAX)
        return;
    char *to = target->addresses[target->address_count++];
    snprintf(to, sizeof target->addresses[0], "%.*s",
             (int)sizeof target->addresses[0] - 1, endpoint->address);
}

/* What comes now has no place left. */
static bool look_full(const look_run *run)
{
    return run->look->code == REEF_OK && run->lookup->turn >= REEF_LOOK_TARGETS_MAX;
}

static reef_code look_all(look_run *run)
{
    reef_endpoint endpoint;
    reef_code code = REEF_OK;
    while (code == REEF_OK && (code = look_ops(run)) == REEF_OK && !look_full(run)) {
        switch (reef_lookup_next(run->lookup, &endpoint)) {
        case REEF_LOOKUP_READY:
            look_note(run, &endpoint);
            break;
        case REEF_LOOKUP_END:
            return REEF_OK;
        case REEF_LOOKUP_WAIT:
            code = look_ops(run);
            look_wait(run);
            break;
        }
    }
    return code;
}

static void look_service(look_run *run)
{
    reef_look *look = run->look;
    reef_look_target target;
    const reef_lookup *l = run->lookup;
    uint32_t count = l->records != NULL ? l->turn_count : 0;
    while (look->target_count < REEF_LOOK_TARGETS_MAX &&
           reef_lookup_target(l, look->target_count, &target))
        look->targets[look->target_count++] = target;
    look->targets_dropped = count - look->target_count;
}

static void look_plain(look_run *run, const reef_host *host)
{
    reef_look *look = run->look;
    reef_look_target *target = &look->targets[0];
    look->target_count = 1;
    memcpy(target->name, host->name, sizeof target->name);
    target->port = host->port;
    target->ttl = run->lookup->dns ? run->lookup->ttl : 0;
    if (target->address_count == 0)
        memcpy(target->why, look->why, sizeof target->why);
}

static void look_finish(look_run *run, const reef_host *host)
{
    reef_look *look = run->look;
    const reef_lookup *l = run->lookup;
    const char *source = "dns";
    reef_error why;
    if (look->code != REEF_OK) {
        reef_lookup_why(l, &why);
        look->code = why.code == REEF_OK ? REEF_DNS : why.code;
        memcpy(look->why, why.text, sizeof look->why);
    }
    if (l->srv)
        look_service(run);
    else
        look_plain(run, host);
    if (!l->srv && l->hosts)
        source = "hosts file";
    else if (!l->srv && look->code == REEF_OK && !l->dns)
        source = "address";
    snprintf(look->source, sizeof look->source, "%s", source);
}

/* ---- the whole ---------------------------------------------------------------- */

static reef_code look_begin(look_run *run, const reef_config *config,
                            const reef_host *host, int64_t deadline_ms)
{
    unsigned char key[REEF_RANDOM_KEY];
    reef_lookup_wish wish = {.name = host->name,
                             .srv = host->kind == REEF_HOST_SRV,
                             .port = host->port,
                             .fresh = true,
                             .deadline_ms = deadline_ms};
    run->resolver = reef_resolver_new(config, 0);
    if (run->resolver == NULL)
        return REEF_NOMEM;
    if (reef_random_bytes(key, sizeof key) == REEF_OK)
        reef_resolver_key(run->resolver, key);
    memset(key, 0, sizeof key);
    reef_resolver_trace(run->resolver, run->look);
    run->lookup = reef_lookup_new(run->resolver, &wish);
    return run->lookup != NULL ? REEF_OK : REEF_NOMEM;
}

static reef_code look_run_all(reef_look *look, const reef_config *config,
                              const reef_host *host, int64_t deadline_ms)
{
    look_run run = {.look = look};
    reef_code code = look_begin(&run, config, host, deadline_ms);
    if (code == REEF_OK)
        code = look_all(&run);
    if (code == REEF_OK)
        look_finish(&run, host);
    /* What is still out was for nothing: its steps are written down by this. */
    if (run.resolver != NULL)
        reef_lookup_free(run.resolver, run.lookup);
    reef_resolver_free(run.resolver);
    for (size_t i = 0; i < LOOK_LINKS; i++)
        look_close(&run.sockets[i]);
    return code;
}

/* A socket's path is no name: there is nothing to look up. */
static void look_local(reef_look *look, const reef_host *host)
{
    look->code = REEF_OK;
    look->target_count = 1;
    snprintf(look->source, sizeof look->source, "address");
    memcpy(look->targets[0].name, host->name, sizeof look->targets[0].name);
}

reef_look *reef_look_up(const reef_config *config, const reef_host *host,
                        int64_t timeout_ms)
{
    int64_t began_ms = reef_now_ms();
    int64_t whole_ms = timeout_ms > 0 ? timeout_ms : config->connect_timeout_ms;
    if (whole_ms > LOOK_TIMEOUT_MAX_MS)
        whole_ms = LOOK_TIMEOUT_MAX_MS;
    reef_look *look = calloc(1, sizeof *look);
    if (look == NULL)
        return NULL;
    look->code = REEF_DNS;
    reef_code code = REEF_OK;
    if (host->kind == REEF_HOST_UNIX)
        look_local(look, host);
    else
        code = look_run_all(look, config, host, began_ms + whole_ms);
    if (code != REEF_OK) {
        reef_look_free(look);
        return NULL;
    }
    look->took_ms = (uint32_t)(reef_now_ms() - began_ms);
    return look;
}

void reef_look_free(reef_look *look)
{
    free(look);
}
