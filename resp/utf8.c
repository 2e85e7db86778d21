/* SPDX-License-Identifier: Apache-2.0
 *
 * UTF-8 as RFC 3629 has it, the only reading of it in the tree: no overlong form, no
 * surrogate, nothing above U+10FFFF. Where two readers differ, what one checked another
 * would print. */
#include "resp/resp.h"

/* Bytes that a first byte announces, and what its second byte may be; 0: it is no first
 * byte. The bounds keep out overlong forms (E0, F0), surrogates (ED) and the rest. */
static size_t utf8_announced(unsigned first, unsigned *low, unsigned *high)
{
    *low = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
    *high = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
    if (first < 0x80)
        return 1;
    if (first >= 0xC2 && first <= 0xDF)
        return 2;
    if (first >= 0xE0 && first <= 0xEF)
        return 3;
    return first >= 0xF0 && first <= 0xF4 ? 4 : 0;
}

size_t reef_utf8_size(reef_str text, size_t at)
{
    unsigned low, high;
    if (at >= text.len)
        return 0;
    size_t size = utf8_announced((unsigned char)text.ptr[at], &low, &high);
    if (size > text.len - at)
        return 0;
    for (size_t i = 1; i < size; i++) {
        unsigned byte = (unsigned char)text.ptr[at + i];
        if (byte < low || byte > high)
            return 0;
        low = 0x80;
        high = 0xBF;
    }
    return size;
}

size_t reef_utf8_get(reef_str text, size_t at, uint32_t *point)
{
    size_t size = reef_utf8_size(text, at);
    *point = 0;
    if (size == 0)
        return 0;
    uint32_t value = (unsigned char)text.ptr[at];
    if (size > 1)
        value &= 0x7Fu >> size;
    for (size_t i = 1; i < size; i++)
        value = value << 6 | ((unsigned char)text.ptr[at + i] & 0x3Fu);
    *point = value;
    return size;
}

size_t reef_utf8_put(uint32_t point, char out[4])
{
    if (point < 0x80) {
        out[0] = (char)point;
        return 1;
    }
    size_t size = point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    for (size_t i = size - 1; i > 0; i--) {
        out[i] = (char)(0x80 | (point & 0x3F));
        point >>= 6;
    }
    uint32_t first = size == 2 ? 0xC0 : size == 3 ? 0xE0 : 0xF0;
    out[0] = (char)(first | point);
    return size;
}

bool reef_utf8_valid(reef_str text)
{
    for (size_t at = 0; at < text.len;) {
        size_t size = reef_utf8_size(text, at);
        if (size == 0)
            return false;
        at += size;
    }
    return true;
}

/* Controls first; then what is invisible, sets the direction of text, or ends a line:
 * Unicode's "default ignorable" characters but for the selectors of emoji, and its line
 * separators, interlinear marks and last non-characters. */
bool reef_utf8_shown(uint32_t point)
{
    static const uint32_t unsafe[][2] = {
        {0x0000, 0x001F},   {0x007F, 0x009F},   {0x00AD, 0x00AD}, {0x061C, 0x061C},
        {0x115F, 0x1160},   {0x17B4, 0x17B5},   {0x180B, 0x180F}, {0x200B, 0x200F},
        {0x2028, 0x202E},   {0x2060, 0x206F},   {0x3164, 0x3164}, {0xFEFF, 0xFEFF},
        {0xFFA0, 0xFFA0},   {0xFFF0, 0xFFFB},   {0xFFFE, 0xFFFF}, {0x1BCA0, 0x1BCA3},
        {0x1D173, 0x1D17A}, {0xE0000, 0xE0FFF},
    };
    size_t i = 0;
    while (i < sizeof unsafe / sizeof unsafe[0] && point > unsafe[i][1])
        i++;
    return i == sizeof unsafe / sizeof unsafe[0] || point < unsafe[i][0];
}
