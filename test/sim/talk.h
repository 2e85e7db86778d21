/* SPDX-License-Identifier: Apache-2.0
 *
 * talk: what Sentinels, servers and nodes of a Cluster are expected to answer, as a
 * text that the simulated ones and real ones are both held to
 * (test/vectors/sentinel_talk.txt, cluster_talk.txt). Pure: whoever uses it sends the
 * commands.
 *
 * The text, line by line:
 *   # a remark
 *   resp 2 | resp 3           the protocol of what follows
 *   to sentinel | to master | to replica | to other | to lone
 *   > COMMAND ARG ...         words of one command
 *   < SHAPE                   of its reply
 *   + SHAPE                   of a reply or push that comes after it, any number
 *   ! BLOW                    nothing is said, but done; + lines follow; talk_blow
 * In commands and shapes $name is the master's name, $host and $port its address. In a
 * Cluster the name is its id; "other" is another master, with $else as its id and $gate
 * as its port at the same host; "lone" is a node that knows nobody.
 *
 * Shapes:
 *   any   nil   int   text    text: a string of any kind or a status, not empty
 *   digits                    a string of decimal digits
 *   id                        40 hexadecimal digits
 *   "words"                   just these
 *   ~"words"                  a string that holds these
 *   error"words"              an error that begins with these
 *   words[ A B C ]            a string of just these, with a space between each two
 *   [ A B C ]                 an array of just these
 *   each[ A ]                 an array of any length, all of them like that
 *   push[ A B C ]             a push: in RESP2 an array
 *   { key=A key=B }           a map that has at least these: in RESP2 flat pairs */
#ifndef REEF_SIM_TALK_H
#define REEF_SIM_TALK_H
#include "resp/resp.h"

enum { TALK_TEXT = 1200, TALK_MORE = 4 };

/* What is done to those who are spoken to; the partner leads the fail-over. */
typedef enum talk_blow {
    TALK_NO_BLOW,
    TALK_FAIL_OVER, /* "fail over": it is asked to, and all goes well */
    TALK_GIVE_UP    /* "give up": it is asked to while no replica answers any more */
} talk_blow;

typedef enum talk_to {
    TALK_SENTINEL,
    TALK_MASTER,
    TALK_REPLICA,
    TALK_OTHER,
    TALK_LONE
} talk_to;

typedef struct talk_names {
    const char *name, *host, *port;
    const char *other_id, *other_port; /* of a Cluster; else NULL */
} talk_names;

typedef struct talk_case {
    int line, protocol; /* line: of the command */
    talk_to to;
    talk_blow blow; /* then there is no command */
    char command[TALK_TEXT];
    uint32_t shape_count; /* replies and pushes that are owed, at least one */
    char shapes[TALK_MORE][TALK_TEXT];
} talk_case;

/* The state of a reader. Set text to the whole text, the rest to zero. */
typedef struct talk_reader {
    const char *text;
    int line, protocol;
    talk_to to;
    bool wrong; /* a line that means nothing: `line` says which */
} talk_reader;

/* The next case; false: there is none, or `wrong` is set. */
bool talk_next(talk_reader *, const talk_names *, talk_case *out);
/* The command in its wire form; the caller frees it. */
reef_cmd *talk_command(const talk_case *);
/* True when the reply has that shape; else `why` says what is different. */
bool talk_fits(const char *shape, const reef_reply *, int protocol, char *why,
               size_t cap);

#endif
