/* SPDX-License-Identifier: Apache-2.0
 *
 * Purpose: session ids and knot's hybrid logical clock. Pure, but for
 * reef_session_new_id, which asks the system through net/. */
#include "session/session.h"
#include <string.h>

enum {
    ID_RANDOM = 16,     /* random bytes ahead of the UUID */
    ID_BYTES = 32,      /* random bytes and UUID */
    CLOCK_COUNTER = 10, /* low bits that count within one microsecond */
    CLOCK_US_NS = 1000
};
#define CLOCK_EPOCH_US INT64_C(1735689600000000) /* 2025-01-01T00:00:00Z */

static const char id_alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* RFC 9562, version 7: 48 bits of time, then the version and the variant over random
 * bits. */
static void id_stamp(uint8_t uuid[16], int64_t unix_ms)
{
    uint64_t time = unix_ms > 0 ? (uint64_t)unix_ms : 0;
    for (size_t i = 0; i < 6; i++)
        uuid[i] = (uint8_t)(time >> (40 - 8 * i) & 0xFF);
    uuid[6] = (uint8_t)(0x70 | (uuid[6] & 0x0F));
    uuid[8] = (uint8_t)(0x80 | (uuid[8] & 0x3F));
}

void reef_session_make_id(const uint8_t random[32], int64_t unix_ms,
                          char out[REEF_SESSION_ID_LEN + 1])
{
    uint8_t bytes[ID_BYTES + 1]; /* the last one, 0, fills the last group */
    memcpy(bytes, random, ID_BYTES);
    bytes[ID_BYTES] = 0;
    id_stamp(bytes + ID_RANDOM, unix_ms);
    char *at = out;
    for (size_t i = 0; i < ID_BYTES; i += 3) {
        uint32_t group = (uint32_t)bytes[i] << 16 | (uint32_t)bytes[i + 1] << 8;
        group |= i + 2 < ID_BYTES ? bytes[i + 2] : 0u;
        for (int shift = 18; shift >= 0; shift -= 6)
            *at++ = id_alphabet[group >> shift & 63];
    }
    out[REEF_SESSION_ID_LEN - 1] = '=';
    out[REEF_SESSION_ID_LEN] = 0;
}

reef_code reef_session_new_id(char out[REEF_SESSION_ID_LEN + 1], reef_error *error)
{
    uint8_t random[ID_BYTES];
    static const char why[] = "the system has no random bytes for a session id";
    reef_code code = reef_random_bytes(random, sizeof random);
    out[0] = 0;
    if (error != NULL) {
        error->code = code;
        error->sys_errno = 0;
        memcpy(error->text, code == REEF_OK ? "" : why,
               code == REEF_OK ? 1 : sizeof why);
    }
    if (code == REEF_OK)
        reef_session_make_id(random, reef_unix_ns() / 1000000, out);
    return code;
}

bool reef_session_id_valid(reef_str id)
{
    if (id.len != REEF_SESSION_ID_LEN || id.ptr[REEF_SESSION_ID_LEN - 1] != '=')
        return false;
    for (size_t i = 0; i + 1 < REEF_SESSION_ID_LEN; i++) {
        if (memchr(id_alphabet, id.ptr[i], sizeof id_alphabet - 1) == NULL)
            return false;
    }
    return true;
}

uint64_t reef_clock_next(uint64_t last, int64_t unix_ns)
{
    int64_t elapsed_us = unix_ns / CLOCK_US_NS - CLOCK_EPOCH_US;
    uint64_t now = elapsed_us > 0 ? (uint64_t)elapsed_us << CLOCK_COUNTER : 0;
    if (now > last)
        return now;
    return last < UINT64_MAX ? last + 1 : last;
}

int64_t reef_clock_unix_ns(uint64_t updated_at)
{
    uint64_t elapsed_us = updated_at >> CLOCK_COUNTER;
    uint64_t room_us = (uint64_t)(INT64_MAX / CLOCK_US_NS - CLOCK_EPOCH_US);
    if (elapsed_us > room_us)
        return INT64_MAX;
    return ((int64_t)elapsed_us + CLOCK_EPOCH_US) * CLOCK_US_NS;
}
