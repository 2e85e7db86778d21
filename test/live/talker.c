/* SPDX-License-Identifier: Apache-2.0
 *
 * Expectations tried on a real server; see talker.h. */
#include "test/live/talker.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

enum { TALKER_TEXT_MAX = 32768 };

const char *reef_talker_text(const char *path)
{
    static char text[TALKER_TEXT_MAX];
    FILE *file = fopen(path, "rb");
    size_t len;
    assert_non_null(file);
    len = fread(text, 1, sizeof text - 1, file);
    assert_true(len < sizeof text - 1);
    text[len] = '\0';
    fclose(file);
    return text;
}

void reef_talker_part(reef_talker *talker)
{
    if (talker->met) {
        close(talker->fd);
    }
    talker->met = false;
    reef_parser_free(talker->parser);
    talker->parser = NULL;
}

void reef_talker_meet(reef_talker *talker, int protocol)
{
    if (talker->met && talker->protocol == protocol) {
        return;
    }
    reef_talker_part(talker);
    talker->fd = reef_live_dial(talker->server);
    talker->met = true;
    talker->protocol = protocol;
    talker->parser = reef_parser_new(NULL, protocol);
    assert_non_null(talker->parser);
}

const reef_reply *reef_talker_hear(reef_talker *talker)
{
    reef_parse state;
    while ((state = reef_parser_next(talker->parser)) == REEF_PARSE_MORE) {
        struct pollfd wait = {.fd = talker->fd, .events = POLLIN, .revents = 0};
        char bytes[4096];
        ssize_t len;
        if (poll(&wait, 1, REEF_LIVE_WAIT_MS) <= 0) {
            fail_msg("no answer for %d ms", REEF_LIVE_WAIT_MS);
        }
        len = recv(talker->fd, bytes, sizeof bytes, 0);
        assert_true(len > 0);
        assert_int_equal(
            reef_parser_feed(talker->parser, (reef_str){bytes, (size_t)len}), REEF_OK);
    }
    assert_true(state == REEF_PARSE_REPLY || state == REEF_PARSE_PUSH);
    return reef_parser_peek(talker->parser);
}

void reef_talker_say(reef_talker *talker, const talk_case *one)
{
    reef_cmd *cmd = talk_command(one);
    reef_str wire;
    assert_non_null(cmd);
    wire = reef_cmd_wire(cmd);
    assert_int_equal(send(talker->fd, wire.ptr, wire.len, MSG_NOSIGNAL),
                     (ssize_t)wire.len);
    reef_cmd_free(cmd);
}

void reef_talker_expect(reef_talker *talker, const talk_case *one)
{
    char why[300];
    for (uint32_t i = 0; i < one->shape_count; i++) {
        if (!talk_fits(one->shapes[i], reef_talker_hear(talker), one->protocol, why,
                       sizeof why)) {
            fail_msg("line %d, %s: %s", one->line, one->command, why);
        }
    }
}
