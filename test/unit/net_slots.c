/* SPDX-License-Identifier: Apache-2.0
 *
 * net/slots.c: CRC16 and the hash-tag rule, against values worked out apart from the
 * code (a bitwise CRC below) and known answers of the cluster specification. */
#include "net/net.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static uint32_t slow_crc16(const unsigned char *at, size_t len)
{
    uint32_t crc = 0;
    for (size_t i = 0; i < len; i++) {
        crc ^= (uint32_t)at[i] << 8;
        for (int bit = 0; bit < 8; bit++)
            crc = (crc & 0x8000) ? ((crc << 1) ^ 0x1021) & 0xFFFF : (crc << 1) & 0xFFFF;
    }
    return crc;
}

static void test_known(void **state)
{
    (void)state;
    static const struct {
        const char *key;
        uint32_t slot;
    } cases[] = {
        {"", 0},
        {"123456789", 12739},
        {"foo", 12182},
        {"{", 4092},
        {"foo{}{bar}", 8363},
        {"foo{{bar}}zap", 4015},
        {"foo{bar}{zap}", 5061},
        {"{bar", 4015},
        {"bar", 5061},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(reef_key_slot(reef_str_of(cases[i].key)), cases[i].slot);
}

static void test_tag_rule(void **state)
{
    (void)state;
    static const char *const same[][2] = {
        {"{user1000}.following", "{user1000}.followers"},
        {"a{tag}b", "tag"},
        {"a{tag}b}c", "tag"},
        {"a{{tag}b", "{tag"},
    };
    for (size_t i = 0; i < sizeof same / sizeof same[0]; i++)
        assert_int_equal(reef_key_slot(reef_str_of(same[i][0])),
                         reef_key_slot(reef_str_of(same[i][1])));
    /* No tag: the whole key counts. */
    static const char *const whole[] = {"a{", "a{b", "a}b{", "{}b", "}{"};
    for (size_t i = 0; i < sizeof whole / sizeof whole[0]; i++) {
        reef_str key = reef_str_of(whole[i]);
        assert_int_equal(reef_key_slot(key),
                         slow_crc16((const unsigned char *)key.ptr, key.len) % 16384);
    }
}

static void test_every_byte_and_length(void **state)
{
    (void)state;
    unsigned char key[300];
    for (size_t i = 0; i < sizeof key; i++)
        key[i] = (unsigned char)(i * 7 + i / 13);
    for (size_t i = 0; i < sizeof key; i++)
        if (key[i] == '{')
            key[i] = 'x';
    for (size_t len = 0; len <= sizeof key; len++)
        assert_int_equal(reef_key_slot((reef_str){(const char *)key, len}),
                         slow_crc16(key, len) % 16384);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known),
        cmocka_unit_test(test_tag_rule),
        cmocka_unit_test(test_every_byte_and_length),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
