/* SPDX-License-Identifier: Apache-2.0
 *
 * A reef_look_up of the test's own under session/cli/: what was looked up is written
 * down, what came of it is put together by the test, one for hosts and one for SRV
 * records. What includes it names __wrap_reef_look_up and __wrap_reef_look_free, so
 * that they are linked in place of the real ones. */
#ifndef REEF_TEST_UNIT_CLI_LOOK_H
#define REEF_TEST_UNIT_CLI_LOOK_H
#include "test/unit/cli_capture.h"

#include "session/json.h"

#include <stdlib.h>

reef_look *__wrap_reef_look_up(const reef_config *config, const reef_host *host,
                               int64_t timeout_ms);
void __wrap_reef_look_free(reef_look *look);

static reef_look look_host, look_srv; /* what a look at each kind gives */
static int look_live;                 /* given and not yet freed */
static int look_left;                 /* from here on memory is out */
static int64_t look_timeout;          /* of the last one */
static char look_log[4096]; /* "name:port" or "srv+name", then "@address:port" of each
                             * nameserver, "consul" for those of Consul */

static void look_note(const char *format, const char *text, unsigned number)
{
    size_t len = strlen(look_log);
    if (strcmp(format, "@") == 0)
        (void)snprintf(look_log + len, sizeof look_log - len, "@%s:%u", text, number);
    else
        (void)snprintf(look_log + len, sizeof look_log - len, "%s%s", format, text);
}

reef_look *__wrap_reef_look_up(const reef_config *config, const reef_host *host,
                               int64_t timeout_ms)
{
    bool srv = host->kind == REEF_HOST_SRV;
    look_note(srv ? "srv+" : "", host->name, 0);
    for (uint32_t i = 0; i < config->nameserver_count; i++)
        look_note("@", config->nameservers[i].address, config->nameservers[i].port);
    look_note(config->consul_count > 0 ? " consul" : "", "\n", 0);
    look_timeout = timeout_ms;
    reef_look *look = look_left-- > 0 ? malloc(sizeof *look) : NULL;
    if (look == NULL)
        return NULL;
    *look = srv ? look_srv : look_host;
    look_live++;
    return look;
}

void __wrap_reef_look_free(reef_look *look)
{
    look_live -= look != NULL;
    free(look);
}

static inline void look_begin(reef_look *look, reef_code code, const char *why)
{
    memset(look, 0, sizeof *look);
    look->code = code;
    (void)snprintf(look->why, sizeof look->why, "%s", why);
    (void)snprintf(look->source, sizeof look->source, "dns");
}

/* A test's first words: both find nothing, no memory is short. */
static inline void look_reset(void)
{
    look_begin(&look_host, REEF_DNS, "no such name: said the fake");
    look_begin(&look_srv, REEF_DNS, "no such name: said the fake");
    look_live = 0;
    look_left = 1000;
    look_log[0] = '\0';
}

/* One step; what is not given can be set in what comes back. */
static inline reef_look_step *look_step(reef_look *look, const char *server,
                                        const char *type, const char *outcome)
{
    assert_true(look->step_count < REEF_LOOK_STEPS_MAX);
    reef_look_step *step = &look->steps[look->step_count++];
    memset(step, 0, sizeof *step);
    (void)snprintf(step->server, sizeof step->server, "%s", server);
    (void)snprintf(step->name, sizeof step->name, "redis.example");
    (void)snprintf(step->type, sizeof step->type, "%s", type);
    (void)snprintf(step->outcome, sizeof step->outcome, "%s", outcome);
    step->took_ms = 1;
    return step;
}

/* One target with an address, or with none and why. */
static inline reef_look_target *look_target(reef_look *look, const char *name,
                                            const char *address, const char *why)
{
    assert_true(look->target_count < REEF_LOOK_TARGETS_MAX);
    reef_look_target *t = &look->targets[look->target_count++];
    memset(t, 0, sizeof *t);
    (void)snprintf(t->name, sizeof t->name, "%s", name);
    (void)snprintf(t->addresses[0], sizeof t->addresses[0], "%s", address);
    (void)snprintf(t->why, sizeof t->why, "%s", why);
    t->address_count = address[0] != '\0' ? 1 : 0;
    t->priority = 10;
    t->weight = 60;
    t->port = 6379;
    t->ttl = 30;
    return t;
}

/* Fails the test unless the text is one object of JSON, a line long. */
static inline void look_is_json(const char *text)
{
    reef_json json;
    reef_draft name = {0};
    reef_json_open(&json, reef_str_of(text));
    while (reef_json_member(&json, &name))
        reef_json_skip(&json);
    reef_draft_free(&name);
    if (json.why != NULL)
        fail_msg("%s at byte %zu of %s", json.why, json.at, text);
    const char *end = strchr(text, '\n');
    assert_true(end != NULL && end[1] == '\0');
}

/* Fails the test unless these are the members of the object, in this order, each with
 * a space behind it. */
static inline void look_has_members(const char *text, const char *names)
{
    char found[512] = "";
    reef_json json;
    reef_draft name = {0};
    look_is_json(text);
    reef_json_open(&json, reef_str_of(text));
    while (reef_json_member(&json, &name)) {
        size_t len = strlen(found);
        (void)snprintf(found + len, sizeof found - len, "%.*s ", (int)name.len,
                       name.ptr);
        reef_json_skip(&json);
    }
    reef_draft_free(&name);
    assert_string_equal(found, names);
}

#endif
