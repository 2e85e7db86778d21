/* SPDX-License-Identifier: Apache-2.0
 *
 * What the tests of a Cluster say often. See fleet_use.h. */
#include "test/live/fleet_use.h"
#include "test/live/check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { USE_STEP = 341, USE_LINE = 64 };

void reef_fleet_line(char out[USE_LINE], const char *verb, uint32_t slot,
                     const char *value)
{
    char key[REEF_FLEET_KEY];
    reef_fleet_key(slot, "use", key);
    snprintf(out, USE_LINE, "%s %s%s%s", verb, key, value ? " " : "",
             value ? value : "");
}

void reef_fleet_serves(const reef_fleet *fleet, reef_client *client)
{
    int owners[REEF_FLEET_SLOTS];
    static unsigned turn;
    reef_fleet_owners(fleet, owners);
    for (uint32_t slot = 0; slot < REEF_FLEET_SLOTS; slot += USE_STEP) {
        char line[USE_LINE], value[16], *reply;
        snprintf(value, sizeof value, "%u", ++turn);
        reef_fleet_line(line, "SET", slot, value);
        reef_live_says(client, line, "OK");
        reef_fleet_line(line, "GET", slot, NULL);
        reef_live_says(client, line, value);
        assert_true(owners[slot] >= 0);
        reply = reef_live_ask(fleet->nodes[owners[slot]], line);
        assert_string_equal(reply, value);
        free(reply);
        reef_fleet_line(line, "DEL", slot, NULL);
        reef_live_says(client, line, "1");
    }
}

void reef_fleet_serves_config(const reef_fleet *fleet, const reef_config *config)
{
    reef_client *client = reef_live_client(config);
    reef_fleet_serves(fleet, client);
    reef_close(client);
}

void reef_fleet_refuses(const reef_config *config, const char *line, int64_t timeout_ms,
                        reef_code code, const char *const parts[])
{
    reef_client *client = reef_live_client(config);
    reef_reply *reply = reef_live_call(client, line, timeout_ms);
    const char *text = reef_reply_text(reply);
    print_message("    %s: %s\n", reef_code_name(reef_reply_code(reply)), text);
    for (; *parts; parts++) {
        if (!strstr(text, *parts)) {
            fail_msg("no \"%s\" in \"%s\"", *parts, text);
        }
    }
    reef_live_fails(reply, code, NULL);
    reef_close(client);
}

void reef_fleet_says_why(reef_client *client, const char *line, int64_t timeout_ms,
                         reef_code code, const char *part)
{
    int64_t limit = reef_live_now_ms() + REEF_LIVE_WAIT_MS;
    bool good = false;
    while (!good) {
        reef_reply *reply = reef_live_call(client, line, timeout_ms);
        const char *text = reef_reply_text(reply);
        good = reef_reply_code(reply) == code && strstr(text, part);
        assert_int_not_equal(reef_reply_code(reply), REEF_OK);
        if (!good && reef_live_now_ms() > limit) {
            fail_msg("no \"%s\" in \"%s\"", part, text);
        }
        reef_reply_free(reply);
    }
}
