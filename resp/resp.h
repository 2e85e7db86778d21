/* SPDX-License-Identifier: Apache-2.0
 *
 * resp: words, errors, replies, the incremental RESP2/RESP3 parser and the command
 * encoder. The leftmost layer: it includes nothing of reef's and does no I/O.
 *
 * Conventions of all reef headers. Sizes are bytes; `count` counts items; names that
 * end in _ms are milliseconds. Pointers returned without the words "caller frees" are
 * borrowed and die with what they came from. Every function takes NULL where "NULL is
 * fine" is said, and nowhere else. No function prints, exits, raises a signal or
 * touches a global. */
#ifndef REEF_RESP_H
#define REEF_RESP_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* reef's version, of the library and the command. */
#define REEF_VERSION "0.1.0"

/* ---- words -------------------------------------------------------------------- */

/* A run of any bytes, NUL included; no terminator is promised. {NULL, 0} is the empty
 * one. */
typedef struct reef_str {
    const char *ptr;
    size_t len;
} reef_str;

/* The bytes of a NUL-terminated text, borrowed. NULL gives the empty word. */
reef_str reef_str_of(const char *text);
bool reef_str_equal(reef_str a, reef_str b);
/* Equal to a literal, ASCII letters in any case: for command names and protocol
 * words. */
bool reef_str_is(reef_str word, const char *text);
/* How far two words are apart: letters to add, drop, change or swap with their
 * neighbour (each once at most), ASCII letters in any case. SIZE_MAX: one is longer
 * than REEF_NEAR_MAX, which makes it near to nothing. */
enum { REEF_NEAR_MAX = 32 };
size_t reef_str_distance(reef_str a, reef_str b);

/* UTF-8, RFC 3629. Bytes of the well-formed character at `at`, 1 to 4; 0: none stands
 * there (overlong, a surrogate, above U+10FFFF, cut off, the end). */
size_t reef_utf8_size(reef_str text, size_t at);
/* The same, and which character it is; 0 where there is none. */
size_t reef_utf8_get(reef_str text, size_t at, uint32_t *point);
/* A character, at most U+10FFFF, as bytes into `out`; how many. */
size_t reef_utf8_put(uint32_t point, char out[4]);
bool reef_utf8_valid(reef_str text);
/* Whether a terminal may be given a character as it is: no control, and no mark that
 * reorders or hides the text around it. */
bool reef_utf8_shown(uint32_t point);

/* ---- errors ------------------------------------------------------------------- */

/* How a call ended. The order is part of the ABI: new codes go at the end. */
typedef enum reef_code {
    REEF_OK = 0,
    REEF_NOT_FOUND, /* the server answered: it is not there */
    REEF_CONFLICT,  /* unique index taken, a tombstone, or a newer record won */
    REEF_NOMEM,     /* an allocation failed; nothing was sent on this call's behalf */
    REEF_BADARG,    /* the caller's argument can't be used; nothing was sent */
    REEF_BADCONFIG, /* knot.toml or the environment contradicts itself or the server */
    REEF_LIMIT,     /* a named limit of reef's would have been passed */
    REEF_DNS,       /* a name did not resolve; nothing was sent */
    REEF_CONNECT,   /* no connection could be made; nothing was sent */
    REEF_AUTH,      /* the server refused the credentials; nothing was sent */
    REEF_NOROUTE,   /* no node serves this command; nothing was sent */
    REEF_UNSENT,    /* the deadline passed and nothing was sent */
    REEF_UNSURE,    /* sent, and no answer: it may have run */
    REEF_PROTOCOL,  /* the peer does not speak RESP; the connection was dropped */
    REEF_REFUSED,   /* the server answered with an error; its words are the text */
    REEF_CORRUPT    /* a stored record is not what knot or reef writes */
} reef_code;

/* The code in lower case words ("not found", "unsure"): for people and logs. Never
 * NULL. */
const char *reef_code_name(reef_code);

enum { REEF_ERROR_TEXT = 240 };

/* Why a call failed: one plain sentence, NUL-terminated, cut at a character's edge. */
typedef struct reef_error {
    reef_code code;
    int sys_errno; /* 0 where the system was not the cause */
    char text[REEF_ERROR_TEXT];
} reef_error;

/* ---- replies ------------------------------------------------------------------ */

typedef enum reef_kind {
    REEF_NIL,      /* _  $-1  *-1 */
    REEF_BOOL,     /* #t #f */
    REEF_INT,      /* :  */
    REEF_DOUBLE,   /* ,  */
    REEF_STRING,   /* $, streamed strings too, joined */
    REEF_STATUS,   /* +  */
    REEF_ERR,      /* -  and ! */
    REEF_BIGNUM,   /* (  */
    REEF_VERBATIM, /* =  */
    REEF_ARRAY,    /* *  */
    REEF_MAP,      /* %  */
    REEF_SET,      /* ~  */
    REEF_PUSH      /* >, never inside a reply */
} reef_kind;

/* One value of a reply: 16 bytes. A reply's nodes stand depth-first in one array,
 * children right after their parent, so a reply is walked without a stack or a
 * pointer. */
typedef struct reef_node reef_node;

/* One whole reply: it owns its nodes and their bytes. One allocation when small (to
 * REEF_REPLY_SMALL bytes in all), three when larger. Immutable once made, so threads
 * may read one reply together. */
typedef struct reef_reply reef_reply;

/* Replies up to this size (header, nodes and bytes) are one exact allocation; larger
 * ones take over the parser's own buffers instead of being copied. */
enum { REEF_REPLY_SMALL = 65536 };

/* A reply that stands for a failure on our side: no server words, a nil root. Text is
 * cut to REEF_ERROR_TEXT. Never NULL: when memory is out it is a constant reply: UNSURE
 * for UNSURE and PROTOCOL, which may have been sent, else NOMEM. */
reef_reply *reef_reply_failed(reef_code, const char *text);
/* REEF_OK; REEF_REFUSED when the root is an error; or the code of the failure. */
reef_code reef_reply_code(const reef_reply *);
/* Why, when the code is not OK, NUL-terminated: the server's words or ours. "" when
 * OK. */
const char *reef_reply_text(const reef_reply *);
const reef_node *reef_reply_root(const reef_reply *);
/* Bytes of memory that this reply holds, its own header included. */
size_t reef_reply_size(const reef_reply *);
void reef_reply_free(reef_reply *); /* NULL is fine */

/* Accessors are total: a wrong kind, a wrong index or NULL yields the nil node, the
 * empty word or the fallback, so that chains need no checks. */
reef_kind reef_node_kind(const reef_node *);
/* Child values. A map of n pairs counts 2n, key and value in turn, so that RESP3's map
 * and RESP2's flat array read alike. 0 for what has no children. */
size_t reef_count(const reef_node *);
/* The child at `index`. Constant time while the children before it are leaves without
 * attributes; else one step a child. */
const reef_node *reef_at(const reef_node *, size_t index);
/* The sibling after this one; the caller counts, the last has none that may be read. */
const reef_node *reef_next(const reef_node *);
/* The value whose key is this text, in a map or a flat array of pairs; first match. */
const reef_node *reef_get(const reef_reply *, const reef_node *, const char *key);
/* Bytes of a string, status, error, bignum or verbatim (without its "txt:"); else
 * empty. */
reef_str reef_text(const reef_reply *, const reef_node *);
/* The three letters before a verbatim string's colon; else empty. */
reef_str reef_format(const reef_reply *, const reef_node *);
int64_t reef_int(const reef_node *, int64_t fallback);
double reef_double(const reef_node *, double fallback); /* an integer is read, too */
bool reef_bool(const reef_node *, bool fallback);
/* True for an error that came as "!" (RESP3's blob error) rather than "-". */
bool reef_is_blob_error(const reef_node *);
/* The attributes sent ahead of this value: `*count` maps, the first returned, the
 * others by reef_next. Attributes never shift a reply: no other accessor shows them. */
const reef_node *reef_attributes(const reef_node *, size_t *count);

/* ---- parser ------------------------------------------------------------------- */

/* Budgets, each spent before memory is reserved; a header alone allocates nothing. A
 * field that is 0 takes the default. */
typedef struct reef_limits {
    size_t reply_bytes; /* wire bytes of one top-level value, 1 GiB */
    size_t bulk;        /* one string, 512 MiB */
    size_t line;        /* one line without its CR LF, 64 KiB */
    uint32_t nodes; /* elements announced in one top-level value, 2^20; cap 2^24-2 */
    uint32_t depth; /* aggregates inside each other, 32; cap REEF_DEPTH_MAX */
} reef_limits;

enum { REEF_DEPTH_MAX = 128 };

typedef enum reef_parse {
    REEF_PARSE_MORE,  /* all whole values were given out; receive some more */
    REEF_PARSE_REPLY, /* a reply: peek at it or take it */
    REEF_PARSE_PUSH,  /* a push: out of band, answers nobody; peek or take */
    REEF_PARSE_ERROR  /* the stream is lost, for good: see reef_parser_error */
} reef_parse;

/* One incoming stream. One pass, no recursion, resumable at any byte: the values given
 * out, the outcome and the offset of an error do not depend on how the bytes were
 * cut. */
typedef struct reef_parser reef_parser;

/* proto is 2 or 3: a RESP3 type on a RESP2 stream proves that the stream is lost, and
 * is an error. limits NULL: defaults. Caller frees; NULL: out of memory. */
reef_parser *reef_parser_new(const reef_limits *, int proto);
void reef_parser_free(
    reef_parser *); /* NULL is fine; wipes nothing: replies hold no secret */
/* A new stream: forgets bytes, state and error; keeps the buffer for reuse. */
void reef_parser_reset(reef_parser *, int proto);
/* The protocol from the next value on (HELLO arms 3 before it is sent). */
void reef_parser_set_proto(reef_parser *, int proto);

/* Where to receive: at least one byte, `*cap` at most. While a large string is on its
 * way this is the reply's own memory. NULL: out of memory. Valid until the next call
 * here. */
char *reef_parser_room(reef_parser *, size_t *cap);
/* `len` bytes now stand in the room. */
void reef_parser_received(reef_parser *, size_t len);
/* Room, copy and received in one, for bytes that are elsewhere. REEF_OK or
 * REEF_NOMEM. */
reef_code reef_parser_feed(reef_parser *, reef_str);
/* On to the next whole value; the value before it is dropped unless it was taken. */
reef_parse reef_parser_next(reef_parser *);
/* The value just found, borrowed until the next call on this parser but `take`. */
const reef_reply *reef_parser_peek(const reef_parser *);
/* The value just found, the caller's from now on (frees or recycles). NULL: no value,
 * or out of memory (then it can be tried again). */
reef_reply *reef_parser_take(reef_parser *);
/* Gives a reply's memory back for the next take; frees it where it does not fit. */
void reef_parser_recycle(reef_parser *, reef_reply *); /* NULL reply is fine */

/* The end of the last whole value, counted from the start of the stream: where a stream
 * that turned out bad was last known to be good. */
uint64_t reef_parser_consumed(const reef_parser *);
/* True while the bytes held stop inside a value. */
bool reef_parser_inside(const reef_parser *);
/* After REEF_PARSE_ERROR: REEF_PROTOCOL, REEF_LIMIT or REEF_NOMEM, one phrase naming
 * what was wrong ("bad length", "too deep"), and the offset of the byte that showed
 * it. */
reef_code reef_parser_error(const reef_parser *, const char **text, uint64_t *at);

/* ---- commands ----------------------------------------------------------------- */

/* One command, encoded into its wire form as it is built. The first failure (out of
 * memory, REEF_CMD_MAX passed) sticks until the next begin and surfaces in
 * reef_cmd_code. */
typedef struct reef_cmd reef_cmd;

/* Ceilings of one command: its wire bytes, and its arguments with the name counted. */
#define REEF_CMD_MAX ((size_t)512 * 1024 * 1024)
#define REEF_CMD_ARGS ((size_t)1024 * 1024)

reef_cmd *reef_cmd_new(void);   /* caller frees; NULL: out of memory */
void reef_cmd_free(reef_cmd *); /* NULL is fine; wipes the bytes */
void reef_cmd_begin(reef_cmd *, const char *name); /* forgets the previous command */
void reef_cmd_begin_str(reef_cmd *, reef_str name);
/* An argument that is a key: the first one picks the slot, and on a Cluster the others
 * must be of the same. */
void reef_cmd_key(reef_cmd *, reef_str);
void reef_cmd_arg(reef_cmd *, reef_str);
void reef_cmd_text(reef_cmd *, const char *text);
void reef_cmd_int(reef_cmd *, int64_t);
void reef_cmd_repeatable(
    reef_cmd *); /* running it twice does no harm: may be sent again */

/* REEF_OK; REEF_BADARG for a command without a name (servers leave "*0" unanswered,
 * which would shift every later reply); or what stuck. */
reef_code reef_cmd_code(const reef_cmd *);
/* The wire form, borrowed until the next change; empty unless reef_cmd_code is OK. */
reef_str reef_cmd_wire(const reef_cmd *);
size_t reef_cmd_count(const reef_cmd *); /* arguments, the name counted */
/* Argument `index` (0 is the name), found by walking the wire form; empty past the
 * end. */
reef_str reef_cmd_at(const reef_cmd *, size_t index);
bool reef_cmd_slot_key(const reef_cmd *, reef_str *key); /* false: no key was marked */
/* The arguments that are keys, in their order: how many (0 unless reef_cmd_code is OK),
 * and each of them, borrowed until the next change; empty past the end. Constant
 * time. */
size_t reef_cmd_keys(const reef_cmd *);
/* Where there is one key alone: it, and where it begins in the wire form. False: there
 * is none, or there are several. */
bool reef_cmd_only_key(const reef_cmd *, reef_str *key, size_t *at);
reef_str reef_cmd_key_at(const reef_cmd *, size_t index);
bool reef_cmd_is_repeatable(const reef_cmd *);

#endif
