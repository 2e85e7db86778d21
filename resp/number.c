/* SPDX-License-Identifier: Apache-2.0
 *
 * Decimal text to numbers. A double is w * 10^e with w of few digits in most replies,
 * and then one multiplication or division of exact doubles rounds right (Clinger).
 * Everything else goes through exact big integers: the quotient is taken bit by bit,
 * so that the rounding is plain to see; some hundred nanoseconds for 17 digits.
 *
 * Invariant: a big integer has no leading zero word, so zero has length 0. */
#include "resp/number.h"

#include <assert.h>
#include <float.h>
#include <stdbool.h>
#include <string.h>

_Static_assert(sizeof(double) == 8 && DBL_MANT_DIG == 53, "IEEE 754 double");

enum {
    NUMBER_DIGITS = 800,    /* 768 decide any rounding; what follows is one digit */
    NUMBER_EXP_HIGH = 310,  /* 10^310 is above every double */
    NUMBER_EXP_LOW = -400,  /* 10^-400 rounds to 0 */
    NUMBER_BIG_WORDS = 144, /* 10^(801 + 400) << 64 has 4,054 bits */
    NUMBER_MANTISSA = 53,   /* bits, the hidden one counted */
    NUMBER_EXPONENT_MIN = -1022,
    NUMBER_BIAS = 1023
};

/* An exponent as written saturates here: far above any line's length, far below
 * wrap. */
static const int64_t number_exp_cap = INT64_C(1000000000000000);

typedef struct number_big {
    uint32_t word[NUMBER_BIG_WORDS]; /* least first */
    size_t len;
} number_big;

/* The parts of a decimal: all its digits, dot included, and the exponent after "e". */
typedef struct number_decimal {
    const char *digits;
    size_t len;       /* of digits, dot counted */
    uint64_t leading; /* the first 19 significant digits */
    int64_t exponent; /* of the last digit in `leading` */
    int64_t kept;     /* significant digits in `leading` */
    bool exact;       /* no digit but zeros was left out of `leading` */
} number_decimal;

static bool number_is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static size_t number_digits(const char *text, size_t len, size_t at)
{
    while (at < len && number_is_digit(text[at])) {
        at++;
    }
    return at;
}

static bool number_signed(const char *text, size_t len)
{
    return len > 0 && (text[0] == '-' || text[0] == '+');
}

reef_number reef_number_big(const char *text, size_t len, size_t *bad)
{
    size_t first = number_signed(text, len) ? 1 : 0;
    *bad = number_digits(text, len, first);
    return *bad == len && len > first ? REEF_NUMBER_OK : REEF_NUMBER_BAD;
}

reef_number reef_number_int(const char *text, size_t len, int64_t *value, size_t *bad)
{
    reef_number form = reef_number_big(text, len, bad);
    if (form != REEF_NUMBER_OK) {
        return form;
    }
    bool negative = text[0] == '-';
    uint64_t limit = (uint64_t)INT64_MAX + (negative ? 1 : 0);
    uint64_t n = 0;
    for (size_t i = number_signed(text, len) ? 1 : 0; i < len; i++) {
        uint64_t digit = (uint64_t)(text[i] - '0');
        if (n > (limit - digit) / 10) {
            return REEF_NUMBER_RANGE;
        }
        n = n * 10 + digit;
    }
    *value = negative ? (n == 0 ? 0 : -1 - (int64_t)(n - 1)) : (int64_t)n;
    return REEF_NUMBER_OK;
}

char *reef_number_write(char *end, uint64_t n)
{
    do {
        *--end = (char)('0' + n % 10);
        n /= 10;
    } while (n != 0);
    return end;
}

/* ---- big integers ------------------------------------------------------------- */

static void number_big_multiply(number_big *big, uint32_t factor, uint32_t add)
{
    uint64_t carry = add;
    for (size_t i = 0; i < big->len; i++) {
        carry += (uint64_t)big->word[i] * factor;
        big->word[i] = (uint32_t)carry;
        carry >>= 32;
    }
    if (carry != 0) {
        assert(big->len < NUMBER_BIG_WORDS);
        big->word[big->len++] = (uint32_t)carry;
    }
}

static void number_big_power(number_big *big, int64_t exponent)
{
    for (; exponent >= 9; exponent -= 9) {
        number_big_multiply(big, 1000000000, 0);
    }
    for (; exponent > 0; exponent--) {
        number_big_multiply(big, 10, 0);
    }
}

static int64_t number_big_bits(const number_big *big)
{
    assert(big->len > 0);
    int64_t bits = (int64_t)big->len * 32;
    for (uint32_t top = big->word[big->len - 1]; (top & 0x80000000u) == 0; top <<= 1) {
        bits--;
    }
    return bits;
}

static void number_big_double(number_big *big)
{
    uint32_t carry = 0;
    for (size_t i = 0; i < big->len; i++) {
        uint32_t word = big->word[i];
        big->word[i] = (word << 1) | carry;
        carry = word >> 31;
    }
    if (carry != 0) {
        assert(big->len < NUMBER_BIG_WORDS);
        big->word[big->len++] = carry;
    }
}

static void number_big_shift(number_big *big, int64_t bits)
{
    size_t words = (size_t)bits / 32;
    assert(big->len + words <= NUMBER_BIG_WORDS);
    memmove(big->word + words, big->word, big->len * sizeof big->word[0]);
    memset(big->word, 0, words * sizeof big->word[0]);
    big->len += words;
    for (int64_t rest = bits % 32; rest > 0; rest--) {
        number_big_double(big);
    }
}

static int number_big_compare(const number_big *a, const number_big *b)
{
    if (a->len != b->len) {
        return a->len < b->len ? -1 : 1;
    }
    for (size_t i = a->len; i-- > 0;) {
        if (a->word[i] != b->word[i]) {
            return a->word[i] < b->word[i] ? -1 : 1;
        }
    }
    return 0;
}

/* a -= b, where a >= b. */
static void number_big_subtract(number_big *a, const number_big *b)
{
    uint64_t borrow = 0;
    for (size_t i = 0; i < a->len; i++) {
        uint64_t take = borrow + (i < b->len ? b->word[i] : 0);
        uint64_t from = a->word[i];
        borrow = from < take ? 1 : 0;
        a->word[i] = (uint32_t)(from - take);
    }
    assert(borrow == 0);
    while (a->len > 0 && a->word[a->len - 1] == 0) {
        a->len--;
    }
}

/* ---- doubles ------------------------------------------------------------------ */

static double number_from_bits(uint64_t bits)
{
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* top / bottom to the nearest double. Both are scaled until the quotient is in [1, 2);
 * then each step of long division in base 2 gives one bit of the mantissa, and what
 * is left against the divisor tells below, at or above the half. */
static bool number_divide(number_big *top, number_big *bottom, double *value)
{
    int64_t scale = number_big_bits(top) - number_big_bits(bottom);
    number_big_shift(scale < 0 ? top : bottom, scale < 0 ? -scale : scale);
    if (number_big_compare(top, bottom) < 0) {
        number_big_double(top);
        scale--;
    }
    int64_t bits = NUMBER_MANTISSA;
    if (scale < NUMBER_EXPONENT_MIN) {
        bits -= NUMBER_EXPONENT_MIN - scale;
    }
    uint64_t mantissa = 0;
    for (int64_t i = 0; i < bits; i++) {
        mantissa <<= 1;
        if (number_big_compare(top, bottom) >= 0) {
            number_big_subtract(top, bottom);
            mantissa |= 1;
        }
        number_big_double(top);
    }
    int half = bits < 0 ? -1 : number_big_compare(top, bottom);
    if (half > 0 || (half == 0 && (mantissa & 1) != 0)) {
        mantissa++;
    }
    /* The hidden bit, and a carry out of the mantissa, add one to the exponent. */
    if (scale >= NUMBER_EXPONENT_MIN) {
        mantissa += (uint64_t)(scale + NUMBER_BIAS - 1) << (NUMBER_MANTISSA - 1);
    }
    *value = number_from_bits(mantissa);
    return mantissa < UINT64_C(0x7FF) << (NUMBER_MANTISSA - 1);
}

/* All significant digits into `big`, at most NUMBER_DIGITS; a longer tail that is not
 * zero counts as one digit 1. Gives the exponent of the last digit taken. */
static int64_t number_collect(const number_decimal *in, int64_t exponent,
                              number_big *big)
{
    size_t kept = 0;
    bool fraction = false;
    bool tail = false;
    for (size_t i = 0; i < in->len; i++) {
        char c = in->digits[i];
        if (c == '.') {
            fraction = true;
            continue;
        }
        exponent -= fraction ? 1 : 0;
        if (kept >= NUMBER_DIGITS) {
            tail = tail || c != '0';
            exponent++;
            continue;
        }
        kept += kept > 0 || c != '0' ? 1 : 0;
        number_big_multiply(big, 10, (uint32_t)(c - '0'));
    }
    if (tail) {
        number_big_multiply(big, 10, 1);
        exponent--;
    }
    return exponent;
}

static bool number_slow(const number_decimal *in, int64_t written, double *value)
{
    number_big top = {{0}, 0};
    number_big bottom = {{1}, 1};
    int64_t exponent = number_collect(in, written, &top);
    if (exponent >= 0) {
        number_big_power(&top, exponent);
    } else {
        number_big_power(&bottom, -exponent);
    }
    return number_divide(&top, &bottom, value);
}

/* One rounding of two exact doubles, where the compiler keeps doubles as doubles. */
static bool number_fast(const number_decimal *in, double *value)
{
    static const double power[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                   1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                   1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    if (FLT_EVAL_METHOD != 0 || !in->exact || in->leading > UINT64_C(1) << 53 ||
        in->exponent < -22 || in->exponent > 22) {
        return false;
    }
    double leading = (double)in->leading;
    *value = in->exponent < 0 ? leading / power[-in->exponent]
                              : leading * power[in->exponent];
    return true;
}

/* Reads the digits around the dot into `in`; `exponent` is the one written. */
static void number_lead(number_decimal *in, int64_t exponent)
{
    bool fraction = false;
    in->exact = true;
    for (size_t i = 0; i < in->len; i++) {
        char c = in->digits[i];
        if (c == '.') {
            fraction = true;
            continue;
        }
        exponent -= fraction ? 1 : 0;
        if (in->kept == 19) {
            in->exact = in->exact && c == '0';
            exponent++;
            continue;
        }
        in->kept += in->leading > 0 || c != '0' ? 1 : 0;
        in->leading = in->leading * 10 + (uint64_t)(c - '0');
    }
    in->exponent = exponent;
}

static reef_number number_convert(number_decimal *in, int64_t exponent, double *value)
{
    number_lead(in, exponent);
    int64_t high = in->exponent + in->kept; /* the value is below 10^high */
    if (in->leading == 0 || high < NUMBER_EXP_LOW) {
        *value = 0;
        return REEF_NUMBER_OK;
    }
    if (high > NUMBER_EXP_HIGH) {
        return REEF_NUMBER_RANGE;
    }
    if (number_fast(in, value) || number_slow(in, exponent, value)) {
        return REEF_NUMBER_OK;
    }
    return REEF_NUMBER_RANGE;
}

/* The exponent behind "e" at `at`, which moves to where the form ends. */
static bool number_exponent(const char *text, size_t len, size_t *at, int64_t *exponent)
{
    size_t first = *at + 1;
    bool negative = first < len && text[first] == '-';
    first += number_signed(text + first, len - first) ? 1 : 0;
    *at = number_digits(text, len, first);
    int64_t n = 0;
    for (size_t i = first; i < *at; i++) {
        n = n * 10 + (text[i] - '0');
        n = n > number_exp_cap ? number_exp_cap : n;
    }
    *exponent = negative ? -n : n;
    return *at > first;
}

/* inf, -inf, nan, -nan; Redis 7 prints the sign of a NaN. */
static bool number_word(const char *text, size_t len, double *value)
{
    size_t sign = len == 4 && text[0] == '-' ? 1 : 0;
    if (len - sign != 3) {
        return false;
    }
    if (memcmp(text + sign, "inf", 3) == 0) {
        *value = number_from_bits(UINT64_C(0x7FF0000000000000) | (uint64_t)sign << 63);
        return true;
    }
    *value = number_from_bits(UINT64_C(0x7FF8000000000000));
    return memcmp(text + sign, "nan", 3) == 0;
}

reef_number reef_number_double(const char *text, size_t len, double *value, size_t *bad)
{
    if (number_word(text, len, value)) {
        return REEF_NUMBER_OK;
    }
    size_t first = number_signed(text, len) ? 1 : 0;
    size_t at = number_digits(text, len, first);
    bool good = at > first;
    if (good && at < len && text[at] == '.') {
        size_t dot = at;
        at = number_digits(text, len, at + 1);
        good = at > dot + 1;
    }
    number_decimal in = {text + first, at - first, 0, 0, 0, false};
    int64_t exponent = 0;
    if (good && at < len && (text[at] == 'e' || text[at] == 'E')) {
        good = number_exponent(text, len, &at, &exponent);
    }
    *bad = at;
    if (!good || at < len) {
        return REEF_NUMBER_BAD;
    }
    reef_number end = number_convert(&in, exponent, value);
    if (end == REEF_NUMBER_OK && text[0] == '-') {
        *value = -*value;
    }
    return end;
}
