/* SPDX-License-Identifier: Apache-2.0
 *
 * A reef_client_topology of the test's own under session/cli/: the test says what the
 * Sentinels believe. What includes it names __wrap_reef_client_topology, so that it is
 * linked in place of the real one. */
#ifndef REEF_TEST_UNIT_CLI_SENTINELS_H
#define REEF_TEST_UNIT_CLI_SENTINELS_H
#include "test/unit/cli_capture.h"

reef_code __wrap_reef_client_topology(reef_client *client, int64_t timeout_ms,
                                      reef_topology *out, reef_error *error);

static reef_topology sentinels;
static reef_code sentinels_code;
static int sentinels_asked;

reef_code __wrap_reef_client_topology(reef_client *client, int64_t timeout_ms,
                                      reef_topology *out, reef_error *error)
{
    (void)client;
    (void)timeout_ms;
    sentinels_asked++;
    *out = sentinels;
    *error = (reef_error){sentinels_code, 0, "asked in vain"};
    return sentinels_code;
}

/* No Sentinels: a single server. */
static inline void sentinels_none(void)
{
    memset(&sentinels, 0, sizeof sentinels);
    sentinels_code = REEF_OK;
    sentinels_asked = 0;
}

/* One more that knows the master as it is; what is otherwise can be set. */
static inline reef_sentinel_view *sentinels_add(const char *peer)
{
    assert_true(sentinels.sentinel_count < REEF_SENTINELS_MAX);
    reef_sentinel_view *view = &sentinels.sentinels[sentinels.sentinel_count++];
    memset(view, 0, sizeof *view);
    view->state = REEF_SENTINEL_KNOWS;
    (void)snprintf(view->peer, sizeof view->peer, "%s", peer);
    (void)snprintf(view->id, sizeof view->id, "%040u", sentinels.sentinel_count);
    (void)snprintf(view->master, sizeof view->master, "10.0.0.1:6379");
    (void)snprintf(view->flags, sizeof view->flags, "master");
    view->configured = view->watched = true;
    view->took_ms = 1;
    view->epoch = 7;
    view->quorum = 2;
    view->others = 2;
    view->replicas = 2;
    return view;
}

/* Three on three hosts, of one mind. */
static inline void sentinels_three(void)
{
    sentinels_none();
    sentinels.sentinel = true;
    sentinels.epoch = 7;
    (void)snprintf(sentinels.master, sizeof sentinels.master, "10.0.0.1:6379");
    sentinels_add("10.0.0.1:26379");
    sentinels_add("10.0.0.2:26379");
    sentinels_add("10.0.0.3:26379");
}

/* The index-th has nothing to tell. */
static inline void sentinels_mute(uint32_t index, reef_sentinel_state state,
                                  const char *why)
{
    reef_sentinel_view *view = &sentinels.sentinels[index];
    view->state = state;
    (void)snprintf(view->why, sizeof view->why, "%s", why);
    view->id[0] = view->master[0] = view->flags[0] = '\0';
    view->epoch = view->quorum = view->others = view->replicas = 0;
    view->watched = false;
}

#endif
