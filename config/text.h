/* SPDX-License-Identifier: Apache-2.0
 *
 * text: what the files of this folder share about characters: classes without a locale,
 * and error sentences that are built into a fixed room and never overflow it. */
#ifndef REEF_CONFIG_TEXT_H
#define REEF_CONFIG_TEXT_H
#include "resp/resp.h"

enum {
    REEF_SHOWN_CHAR = 10,     /* bytes of one character as it is shown */
    REEF_SHOWN_MAX = 56,      /* bytes of a value that an error shows */
    REEF_SHOWN_FILE_MIN = 48, /* bytes of a file name that an error shows at least */
    REEF_MESSAGE_MAX = 512    /* a sentence before it is fitted into reef_error */
};

static inline bool reef_is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static inline bool reef_is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* What a byte of TOML may be part of. */
enum {
    REEF_CHAR_BLANK = 1, /* space and tab */
    REEF_CHAR_BARE = 2,  /* a key without quotes */
    REEF_CHAR_WORD = 4,  /* a value without quotes, but for the space in a date */
    REEF_CHAR_PLAIN = 8  /* a string or comment, where it means itself and no more */
};
extern const unsigned char reef_char_classes[256];

static inline bool reef_char_is(char c, unsigned classes)
{
    return (reef_char_classes[(unsigned char)c] & classes) != 0;
}

/* The value of a digit in bases up to 16; 16 where it is none. */
unsigned reef_digit_value(char);

/* The rest of a word from `at` on. */
reef_str reef_str_from(reef_str, size_t at);
/* `len` bytes from `at` on; both lie inside. */
reef_str reef_str_part(reef_str, size_t at, size_t len);
reef_str reef_str_trim(reef_str); /* without spaces and tabs at both ends */
bool reef_str_starts(reef_str, const char *prefix);
/* The place of a byte from `at` on, or the length. */
size_t reef_str_find(reef_str, char, size_t at);
/* A text occurs inside, ASCII letters in any case; `lower` is in lower case. */
bool reef_str_mentions(reef_str, const char *lower);
/* The first place from `at` on where a byte is of no such class, or the length. */
static inline size_t reef_str_over(reef_str text, size_t at, unsigned classes)
{
    while (at < text.len && reef_char_is(text.ptr[at], classes))
        at++;
    return at;
}
/* Digits alone, at most `max`. */
bool reef_str_number(reef_str, uint64_t max, uint64_t *out);

/* Overwrites memory in a way that the compiler can't leave out. */
void reef_forget(void *memory, size_t len);

/* A sentence under construction. Zero is the empty one; what does not fit is dropped at
 * a character's edge. */
typedef struct reef_message {
    size_t len;
    char text[REEF_MESSAGE_MAX];
} reef_message;

void reef_message_add(reef_message *, const char *text);
void reef_message_number(reef_message *, uint64_t);
/* The value safe to show (see reef_shown), its end cut to REEF_SHOWN_MAX with "..."
 * behind. */
void reef_message_value(reef_message *, reef_str value);
void reef_message_quoted(reef_message *, reef_str value); /* the same in quotes */
/* The same, as far as there is room. */
void reef_message_text(reef_message *, reef_str text);
/* What fits of it into `cap` bytes, NUL included, cut at a character's edge. */
void reef_message_copy(const reef_message *, char *out, size_t cap);

/* The character at `at`, inside the text, safe to show: as it is; or as \xNN, where it
 * is a control character or a byte that is no UTF-8; or as \u{NNNN}, where it would
 * reorder or hide text. Bytes written; `*size`: bytes of the text. */
size_t reef_shown(reef_str text, size_t at, char out[REEF_SHOWN_CHAR], size_t *size);

/* Where an error is: a file with line and column, or (line 0) a name alone. */
typedef struct reef_config_place {
    const char *name;
    uint32_t line;
    uint32_t column;
} reef_config_place;

/* "NAME:LINE:COLUMN: sentence". A long name loses its beginning, so that the end of the
 * sentence still fits. Returns the bytes before the sentence. */
size_t reef_config_place_text(char out[REEF_ERROR_TEXT], reef_config_place,
                              const reef_message *);
/* Fills `error` (NULL is fine) with that and returns the code. */
reef_code reef_config_fail(reef_error *error, reef_code code, reef_config_place place,
                           const reef_message *);

#endif
