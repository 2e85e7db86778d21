/* SPDX-License-Identifier: Apache-2.0
 *
 * Commands on their way in: what callers order, what is refused before it is sent, and
 * the engine's own errands. */
#include "net/cluster.h"

#include <string.h>

/* ---- errands ------------------------------------------------------------------ */

static reef_ticket *order_new_ticket(reef_engine *e, const reef_cmd *const cmds[],
                                     size_t count, int64_t deadline_ms)
{
    if (count == 0 || count > REEF_GROUP_MAX)
        return NULL;
    reef_ticket *t = reef_ticket_new(e, cmds, count);
    if (!t)
        return NULL;
    t->submitted_ms = e->now_ms;
    t->deadline_ms = deadline_ms;
    if (reef_ticket_track(e, t) != REEF_OK) {
        reef_ticket_free(e, t);
        return NULL;
    }
    return t;
}

bool reef_engine_errand(reef_engine *e, reef_link *l, const reef_errand_order *order)
{
    /* One that memory was short for has no bytes: nothing would answer it. */
    for (size_t i = 0; i < order->count; i++)
        if (reef_cmd_code(order->cmds[i]) != REEF_OK)
            return false;
    reef_ticket *t = order_new_ticket(e, order->cmds, order->count, order->deadline_ms);
    if (!t)
        return false;
    t->errand = order->errand;
    t->tag = order->tag;
    e->errands++;
    reef_link_submit(e, l, t);
    return true;
}

bool reef_engine_called(const reef_engine *e)
{
    return e->heap_count > e->errands;
}

/* ---- commands ----------------------------------------------------------------- */

static reef_code order_check_group(const reef_cmd *const cmds[], size_t count,
                                   reef_error *why)
{
    bool in_multi = false;
    for (size_t i = 0; i < count; i++) {
        reef_code code = reef_cmd_code(cmds[i]);
        if (code != REEF_OK) {
            reef_error_put(why, code, 0, NULL,
                           code == REEF_BADARG  ? "the command is empty"
                           : code == REEF_LIMIT ? "the command is too large"
                                                : "out of memory for the command");
            return code;
        }
        code = reef_cmd_shareable(cmds[i], in_multi, why);
        if (code != REEF_OK)
            return code;
        reef_str name = reef_cmd_at(cmds[i], 0);
        in_multi =
            reef_str_is(name, "MULTI") ||
            (in_multi && !reef_str_is(name, "EXEC") && !reef_str_is(name, "DISCARD"));
    }
    if (in_multi)
        reef_error_put(
            why, REEF_BADARG, 0, NULL,
            "MULTI is refused: its EXEC does not follow in the same pipeline");
    return in_multi ? REEF_BADARG : REEF_OK;
}

/* Its slot, unless it is for a node. A server that was met and is no Cluster has none.
 * This comes before the checks, which don't need it: so the processor does both at
 * once. */
static void order_slot(const reef_engine *e, reef_ticket *t, const reef_order *order)
{
    bool plain = e->sentinels || (!e->cluster && e->direct.met);
    if (!plain && (!order->node_id || !order->node_id[0]))
        reef_ticket_place(t, order->cmds, order->count);
}

/* Where it is to go. */
static reef_code order_place(reef_engine *e, reef_ticket *t, const reef_order *order,
                             reef_error *why)
{
    const char *id = order->node_id ? order->node_id : "";
    if (e->cluster && id[0]) {
        t->bound = reef_cluster_serial_of(e, id);
        if (t->bound)
            return REEF_OK;
    }
    if (id[0]) {
        if (e->cluster)
            reef_cluster_want_map(e, true);
        reef_error_put(why, REEF_NOROUTE, 0, id,
                       "no node of that id is known; nothing was sent: "
                       "reef_client_members and reef topology tell who there is");
        return REEF_NOROUTE;
    }
    if (!e->cluster || !t->crossed)
        return REEF_OK;
    reef_ticket_crossed(t, why);
    return why->code;
}

uint64_t reef_engine_submit(reef_engine *e, const reef_cmd *const cmds[], size_t count,
                            uint64_t tag, int64_t deadline_ms, int64_t now_ms)
{
    const reef_order order = {cmds, count, tag, deadline_ms, ""};
    return reef_engine_order(e, &order, now_ms);
}

uint64_t reef_engine_order(reef_engine *e, const reef_order *order, int64_t now_ms)
{
    reef_error why;
    reef_engine_advance(e, now_ms);
    reef_ticket *t = order_new_ticket(e, order->cmds, order->count, order->deadline_ms);
    if (!t)
        return 0;
    t->tag = order->tag;
    e->totals.calls += order->count;
    uint64_t id = t->id;
    order_slot(e, t, order);
    reef_code code = order_check_group(order->cmds, order->count, &why);
    if (code != REEF_OK) {
        reef_ticket_end(e, t, code, why.text);
        return id;
    }
    if (order->deadline_ms <= e->now_ms) {
        reef_ticket_end(e, t, REEF_UNSENT, "the deadline had passed; nothing was sent");
        return id;
    }
    code = order_place(e, t, order, &why);
    if (code != REEF_OK) {
        reef_ticket_end(e, t, code, why.text);
        return id;
    }
    /* Most go out at once: nobody waits, and where to is known. */
    if (!e->waiting.head && e->router->take && e->router->take(e, t))
        return id;
    t->home = &e->waiting;
    reef_list_push(&e->waiting, t);
    e->router->wake(e);
    return id;
}
