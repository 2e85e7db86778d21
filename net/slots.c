/* SPDX-License-Identifier: Apache-2.0
 *
 * Which of the 16,384 hash slots a key lives in: CRC16 of the key, or of the part
 * between its first "{" and the first "}" after it, where that part is not empty
 * (cluster specification, "Key distribution model" and "Hash tags"). Pure. */
#include "net/net.h"

#include <string.h>

enum { SLOTS_COUNT = 16384 };

/* CRC16/XMODEM (polynomial 0x1021, start 0, not reflected), four bits at a time: entry
 * n is the remainder of n shifted to the top. */
static uint32_t slots_crc16(reef_str text)
{
    static const uint16_t table[16] = {
        0x0000, 0x1021, 0x2042, 0x3063, 0x4084, 0x50A5, 0x60C6, 0x70E7,
        0x8108, 0x9129, 0xA14A, 0xB16B, 0xC18C, 0xD1AD, 0xE1CE, 0xF1EF,
    };
    uint32_t crc = 0;
    for (size_t i = 0; i < text.len; i++) {
        uint32_t byte = (unsigned char)text.ptr[i];
        crc = ((crc << 4) & 0xFFFF) ^ table[(crc >> 12) ^ (byte >> 4)];
        crc = ((crc << 4) & 0xFFFF) ^ table[(crc >> 12) ^ (byte & 15)];
    }
    return crc;
}

static reef_str slots_tag(reef_str key)
{
    const char *open = key.len ? memchr(key.ptr, '{', key.len) : NULL;
    if (!open)
        return key;
    const char *from = open + 1;
    size_t rest = key.len - (size_t)(from - key.ptr);
    const char *close = rest ? memchr(from, '}', rest) : NULL;
    return close && close > from ? (reef_str){from, (size_t)(close - from)} : key;
}

uint32_t reef_key_slot(reef_str key)
{
    return slots_crc16(slots_tag(key)) % SLOTS_COUNT;
}
