/* SPDX-License-Identifier: Apache-2.0
 *
 * A server in memory behind session.h and reef_call, which lies when it is told to.
 * What includes it names __wrap_reef_session_save, __wrap_reef_session_get,
 * __wrap_reef_session_touch, __wrap_reef_session_delete, __wrap_reef_call,
 * __wrap_reef_server_info and __wrap_reef_client_next_event, so that they are linked in
 * their place. Any number of threads. */
#ifndef REEF_TEST_UNIT_CLI_SOAK_FAKE_H
#define REEF_TEST_UNIT_CLI_SOAK_FAKE_H
#include "test/unit/cli_capture.h"

#include <inttypes.h>
#include <stdlib.h>

#include "session/cli/soak.h"

reef_code __wrap_reef_session_save(reef_client *client, const reef_session *s,
                                   int64_t timeout_ms, reef_error *error);
reef_code __wrap_reef_session_get(reef_client *client, reef_str id, int64_t timeout_ms,
                                  reef_sessions **out, reef_error *error);
reef_code __wrap_reef_session_touch(reef_client *client, const reef_session *s,
                                    int64_t timeout_ms, reef_error *error);
reef_code __wrap_reef_session_delete(reef_client *client, reef_str id, reef_str user,
                                     int64_t timeout_ms, reef_error *error);
reef_reply *__wrap_reef_call(reef_client *client, const reef_cmd *cmd,
                             int64_t timeout_ms);
reef_code __wrap_reef_server_info(reef_client *client, int64_t timeout_ms,
                                  reef_server *out, reef_error *error);
bool __wrap_reef_client_next_event(reef_client *client, reef_event *out);

enum { FAKE_SESSIONS = 4096, FAKE_COUNTERS = 64 };

typedef enum fake_lie {
    FAKE_HONEST,
    FAKE_SWAP,       /* a read is answered with another session */
    FAKE_CORRUPT,    /* a read is answered with what is no session */
    FAKE_LOSE,       /* a write is acknowledged and not kept */
    FAKE_FORGET,     /* a session is forgotten */
    FAKE_REVIVE,     /* a deletion is acknowledged and not done */
    FAKE_LIE_UNSENT, /* a write is done and said not to have been sent */
    FAKE_UNSURE,     /* a write is done and not answered */
    FAKE_UNSURE_NOT, /* a write is neither done nor answered */
    FAKE_REFUSE,     /* nothing is done, with an error */
    FAKE_TWICE,      /* INCR adds two */
    FAKE_FALL,       /* a counter falls by three before INCR */
    FAKE_VANISH,     /* a counter is gone before INCR */
    FAKE_STRANGER    /* INCR is answered with another's value */
} fake_lie;

typedef struct fake_session {
    char id[REEF_SESSION_ID_LEN + 1], user[32], agent[SOAK_STAMP_TEXT];
    bool there;
} fake_session;

static struct {
    pthread_mutex_t lock;
    fake_session sessions[FAKE_SESSIONS];
    size_t count;
    struct {
        bool there;
        int64_t value;
    } counters[FAKE_COUNTERS];
    fake_lie lie;    /* told … */
    unsigned one_in; /* … once in so many commands that can be lied to */
    unsigned commands, lies;
    reef_code met; /* of reef_server_info */
    reef_event events[8];
    size_t event_count;
    char key[128]; /* of the last counter */
} fake = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void fake_begin(fake_lie lie, unsigned one_in)
{
    memset(fake.sessions, 0, sizeof fake.sessions);
    memset(fake.counters, 0, sizeof fake.counters);
    fake.count = fake.event_count = 0;
    fake.lie = lie;
    fake.one_in = one_in;
    fake.commands = fake.lies = 0;
    fake.met = REEF_OK;
}

/* Whether this command is lied to. */
static bool fake_lies(fake_lie lie)
{
    if (fake.lie != lie || ++fake.commands % fake.one_in != 0)
        return false;
    fake.lies++;
    return true;
}

static reef_code fake_ends(reef_code code, reef_error *error)
{
    reef_error unused;
    error = error != NULL ? error : &unused;
    *error = (reef_error){code, 0, ""};
    if (code != REEF_OK)
        (void)snprintf(error->text, sizeof error->text, "said the fake");
    (void)pthread_mutex_unlock(&fake.lock);
    return code;
}

static fake_session *fake_find(reef_str id)
{
    for (size_t i = 0; i < fake.count; i++) {
        if (reef_str_equal(id, reef_str_of(fake.sessions[i].id)))
            return &fake.sessions[i];
    }
    return NULL;
}

/* How a write ends; false: it is not done. */
static bool fake_write_runs(reef_code *code)
{
    *code = REEF_OK;
    if (fake_lies(FAKE_LOSE))
        return false;
    if (fake_lies(FAKE_UNSURE_NOT)) {
        *code = REEF_UNSURE;
        return false;
    }
    if (fake_lies(FAKE_REFUSE)) {
        *code = REEF_REFUSED;
        return false;
    }
    if (fake_lies(FAKE_UNSURE))
        *code = REEF_UNSURE;
    else if (fake_lies(FAKE_LIE_UNSENT))
        *code = REEF_UNSENT;
    return true;
}

static void fake_keep(fake_session *to, const reef_session *s)
{
    to->there = true;
    (void)snprintf(to->id, sizeof to->id, "%.*s", (int)s->id.len, s->id.ptr);
    (void)snprintf(to->user, sizeof to->user, "%.*s", (int)s->user_id.len,
                   s->user_id.ptr);
    (void)snprintf(to->agent, sizeof to->agent, "%.*s", (int)s->user_agent.len,
                   s->user_agent.ptr);
}

reef_code __wrap_reef_session_save(reef_client *client, const reef_session *s,
                                   int64_t timeout_ms, reef_error *error)
{
    (void)client;
    (void)timeout_ms;
    reef_code code;
    (void)pthread_mutex_lock(&fake.lock);
    fake_session *to = fake_find(s->id);
    if (to == NULL) {
        to = &fake.sessions[fake.count++];
        assert_true(fake.count < FAKE_SESSIONS);
        (void)snprintf(to->id, sizeof to->id, "%.*s", (int)s->id.len, s->id.ptr);
    }
    if (fake_write_runs(&code))
        fake_keep(to, s);
    return fake_ends(code, error);
}

reef_code __wrap_reef_session_touch(reef_client *client, const reef_session *s,
                                    int64_t timeout_ms, reef_error *error)
{
    (void)client;
    (void)timeout_ms;
    reef_code code;
    (void)pthread_mutex_lock(&fake.lock);
    fake_session *to = fake_find(s->id);
    if (to == NULL || !to->there)
        return fake_ends(REEF_NOT_FOUND, error);
    if (fake_write_runs(&code))
        fake_keep(to, s);
    return fake_ends(code, error);
}

reef_code __wrap_reef_session_delete(reef_client *client, reef_str id, reef_str user,
                                     int64_t timeout_ms, reef_error *error)
{
    (void)client;
    (void)user;
    (void)timeout_ms;
    (void)pthread_mutex_lock(&fake.lock);
    fake_session *s = fake_find(id);
    if (s == NULL || !s->there)
        return fake_ends(REEF_NOT_FOUND, error);
    s->there = fake_lies(FAKE_REVIVE);
    return fake_ends(fake_lies(FAKE_UNSURE) ? REEF_UNSURE : REEF_OK, error);
}

static reef_sessions *fake_give(const fake_session *s)
{
    reef_session out = {0};
    reef_sessions *list = NULL;
    size_t len;
    out.id = reef_str_of(s->id);
    out.user_id = reef_str_of(s->user);
    out.user_agent = reef_str_of(s->agent);
    char *json = reef_session_encode(&out, &len);
    assert_non_null(json);
    assert_int_equal(reef_session_decode((reef_str){json, len}, &list, NULL), REEF_OK);
    free(json);
    return list;
}

reef_code __wrap_reef_session_get(reef_client *client, reef_str id, int64_t timeout_ms,
                                  reef_sessions **out, reef_error *error)
{
    (void)client;
    (void)timeout_ms;
    *out = NULL;
    (void)pthread_mutex_lock(&fake.lock);
    fake_session *s = fake_find(id);
    if (s != NULL && s->there && fake_lies(FAKE_FORGET))
        s->there = false;
    if (s == NULL || !s->there)
        return fake_ends(REEF_NOT_FOUND, error);
    if (fake_lies(FAKE_CORRUPT))
        return fake_ends(REEF_CORRUPT, error);
    bool swapped = fake_lies(FAKE_SWAP);
    fake_session other = *s;
    for (size_t i = 0; swapped && i < fake.count; i++) {
        if (fake.sessions[i].there && &fake.sessions[i] != s)
            (void)memcpy(other.agent, fake.sessions[i].agent, sizeof other.agent);
    }
    fake.lies -= swapped && strcmp(other.agent, s->agent) == 0; /* the only one */
    *out = fake_give(&other);
    return fake_ends(REEF_OK, error);
}

/* ---- counters ----------------------------------------------------------------- */

static reef_reply *fake_number(char type, int64_t value)
{
    char digits[32], wire[96];
    (void)snprintf(digits, sizeof digits, "%" PRId64, value);
    if (type == ':')
        (void)snprintf(wire, sizeof wire, ":%s\r\n", digits);
    else
        (void)snprintf(wire, sizeof wire, "$%zu\r\n%s\r\n", strlen(digits), digits);
    return cap_reply(wire);
}

static reef_reply *fake_incr(size_t at)
{
    int64_t *value = &fake.counters[at].value;
    if (fake_lies(FAKE_REFUSE))
        return cap_reply("-READONLY no\r\n");
    if (fake_lies(FAKE_VANISH))
        *value = 0;
    if (fake_lies(FAKE_FALL))
        *value -= 3;
    if (fake_lies(FAKE_UNSURE_NOT))
        return reef_reply_failed(REEF_UNSURE, "said the fake");
    *value += fake_lies(FAKE_TWICE) ? 2 : 1;
    if (fake_lies(FAKE_STRANGER))
        return fake_number(':', *value + (INT64_C(1) << 40));
    if (fake_lies(FAKE_UNSURE))
        return reef_reply_failed(REEF_UNSURE, "said the fake");
    if (fake_lies(FAKE_LIE_UNSENT))
        return reef_reply_failed(REEF_UNSENT, "said the fake");
    return fake_number(':', *value);
}

static reef_reply *fake_counter(const reef_cmd *cmd, size_t at)
{
    uint64_t value = 0;
    reef_str name = reef_cmd_at(cmd, 0);
    assert_int_equal(reef_cmd_is_repeatable(cmd), !reef_str_is(name, "INCR"));
    if (reef_str_is(name, "INCR"))
        return fake_incr(at);
    if (reef_str_is(name, "GET"))
        return fake_number('$', fake.counters[at].value);
    if (reef_str_is(name, "SET")) {
        assert_true(cli_number(reef_cmd_at(cmd, 2), INT64_MAX, &value));
        assert_true(reef_str_is(reef_cmd_at(cmd, 3), "EX"));
    } else {
        assert_true(reef_str_is(name, "DEL"));
    }
    fake.counters[at].value = (int64_t)value;
    fake.counters[at].there = value > 0;
    return cap_reply("+OK\r\n");
}

reef_reply *__wrap_reef_call(reef_client *client, const reef_cmd *cmd,
                             int64_t timeout_ms)
{
    reef_str key;
    uint64_t at = 0;
    (void)client;
    assert_true(timeout_ms > 0);
    assert_true(reef_cmd_slot_key(cmd, &key));
    const char *last = key.ptr + key.len;
    while (last[-1] != ':')
        last--;
    reef_str digits = {last, (size_t)(key.ptr + key.len - last)};
    assert_true(cli_number(digits, FAKE_COUNTERS - 1, &at));
    (void)pthread_mutex_lock(&fake.lock);
    (void)snprintf(fake.key, sizeof fake.key, "%.*s", (int)key.len, key.ptr);
    reef_reply *reply = fake_counter(cmd, (size_t)at);
    (void)pthread_mutex_unlock(&fake.lock);
    return reply;
}

/* ---- who answers, and what happened ------------------------------------------- */

reef_code __wrap_reef_server_info(reef_client *client, int64_t timeout_ms,
                                  reef_server *out, reef_error *error)
{
    (void)client;
    (void)timeout_ms;
    memset(out, 0, sizeof *out);
    (void)snprintf(out->peer, sizeof out->peer, "the\033peer");
    (void)pthread_mutex_lock(&fake.lock);
    return fake_ends(fake.met, error);
}

bool __wrap_reef_client_next_event(reef_client *client, reef_event *out)
{
    (void)client;
    (void)pthread_mutex_lock(&fake.lock);
    bool found = fake.event_count > 0;
    if (found) {
        *out = fake.events[0];
        memmove(&fake.events[0], &fake.events[1], --fake.event_count * sizeof *out);
    }
    (void)pthread_mutex_unlock(&fake.lock);
    return found;
}

#endif
