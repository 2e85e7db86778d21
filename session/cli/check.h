/* SPDX-License-Identifier: Apache-2.0
 *
 * What `reef check`, `reef srv` and `reef topology` share: what was found, looks at
 * names, at Sentinels, at replicas and at the nodes of a Cluster. */
#ifndef REEF_SESSION_CLI_CHECK_H
#define REEF_SESSION_CLI_CHECK_H
#include "session/cli/cli.h"

enum {
    CLI_NAME_FINDINGS = 8, /* about one name, at most */
    CLI_CHECK_NAMES = 40,  /* findings about names, at most; then those of the rest */
    CLI_BELIEF_FINDINGS = 48, /* about Sentinels and replicas, or nodes, at most */
    CLI_CHECK_FINDINGS = REEF_FINDINGS_MAX + CLI_CHECK_NAMES + CLI_BELIEF_FINDINGS + 24,
    CLI_REPLICAS = 32 /* kept, of one master */
};

/* One sentence; exit_code CLI_DONE: a note, all works nevertheless. */
typedef struct cli_finding {
    int exit_code;
    const reef_finding *setting; /* what it says of a setting; NULL: it is our own */
    char text[REEF_FILE_NAME_MAX + 2 * REEF_ERROR_TEXT];
} cli_finding;

/* A host as a name, looked up. `other` is the same name as that of a host where it has
 * no SRV record, and the other way round where it has no address; NULL: that was not
 * asked for. */
typedef struct cli_name {
    const reef_host *host;
    reef_look *look;
    reef_look *other;
} cli_name;

typedef struct cli_replica {
    char peer[REEF_PEER_TEXT];
    char state[24];  /* "online", "wait_bgsave", "send_bulk" */
    uint64_t at;     /* how far it last said that it is, once a second */
    uint64_t behind; /* bytes of the master's that it has not confirmed */
    uint64_t lag_s;  /* since it last said how far it is */
    bool late;       /* far behind what the master had over a second ago */
} cli_replica;

/* What a server says of its replication. */
typedef struct cli_replication {
    bool known;     /* it said anything */
    bool replica;   /* it follows another server, `master` */
    bool link_up;   /* to that */
    bool limited;   /* it takes writes while enough replicas are in time alone … */
    uint64_t wants; /* … so many; 0: not known */
    uint64_t in_time;
    uint64_t offset; /* of its own writes, bytes */
    char master[REEF_PEER_TEXT];
    uint32_t all, count; /* that there are; that are kept */
    cli_replica replicas[CLI_REPLICAS];
} cli_replication;

typedef struct cli_census cli_census; /* census.h */

typedef struct cli_check {
    cli_context *ctx;
    reef_server server;
    cli_census *census; /* of a Cluster; NULL: it is none, or was not asked yet */
    reef_topology topology;
    cli_replication replication;
    bool has_latency, has_clock;
    int64_t best_us, median_us, clock_ms;
    char eviction[32]; /* maxmemory_policy, "" where not known */
    int exit_code;     /* of the first problem */
    int failed;        /* there is no connection: the exit code; else CLI_DONE */
    char why[REEF_ERROR_TEXT]; /* the same, in words */
    size_t count;
    cli_finding findings[CLI_CHECK_FINDINGS];
    size_t name_count;
    cli_name names[REEF_HOSTS_MAX];
} cli_check;

/* The three texts are one sentence. */
void cli_check_find(cli_check *, int exit_code, const char *a, const char *b,
                    const char *c);
/* A line for a person; nothing with --json. */
void cli_check_fact(const cli_check *, const char *name, const char *text);
/* The findings for a person, in lines. */
void cli_check_text(const cli_check *);
/* Who answers, in lines; and a replica where the master should be. */
void cli_check_server(const cli_check *);
void cli_check_role(cli_check *);

/* ---- probe.c ------------------------------------------------------------------ */
/* The value of "name:value" on a line of its own, cut to fit. */
bool cli_info_field(reef_str info, const char *name, char *out, size_t cap);
/* INFO: fills in what an old server's handshake left out, reads of its replicas, and
 * finds what is odd. */
void cli_check_info(cli_check *, reef_cmd *);
/* Tries each command that sessions need, where it has no effect. */
void cli_check_rights(cli_check *, reef_cmd *);
/* The members as JSON, without the brace before them; null is what is not known. */
void cli_check_json(const cli_check *, int exit_code);
/* The end of the object: the findings and the exit code. */
void cli_check_json_end(const cli_check *, int exit_code);

/* ---- names.c ------------------------------------------------------------------ */
/* Looks up the host, and again in the other way where that may explain it, until then
 * at the latest. False: out of memory. */
bool cli_name_ask(cli_check *, cli_name *, const reef_host *, int64_t until_ms);
void cli_name_free(cli_name *);
bool cli_name_is_srv(const cli_name *);
/* As a host of the settings: "srv+redis.example". */
void cli_name_text(const cli_name *, char *out, size_t cap);
/* "redis-0.example:6379 at 10.0.0.7 (came along)", a target of that look. */
void cli_name_target(const reef_look *, const reef_look_target *, char *out,
                     size_t cap);
/* Some of the targets have the same priority, so that chance has part in the order. */
bool cli_name_is_drawn(const reef_look *);
/* Where each step of the look stands in the order in which they began. */
void cli_name_order(const reef_look *, uint32_t order[REEF_LOOK_STEPS_MAX]);
/* The members of one as JSON, without the braces. */
void cli_name_json(const cli_name *);
/* Looks at the hosts that are names, a line or some for each. */
void cli_names_look(cli_check *);
/* What is wrong with them. exit_code: what it means where nothing was found. */
void cli_names_find(cli_check *, int exit_code);
/* Why no host can be connected to: each is a name of which a server says that there is
 * no such name, or no such record. Connecting would ask again and again until its
 * deadline. NULL: it is worth a try. */
const reef_look *cli_names_hopeless(const cli_check *);
void cli_names_json(const cli_check *); /* ,"names":[…] */
void cli_names_free(cli_check *);

/* ---- topology.c --------------------------------------------------------------- */
/* Asks every Sentinel, and shows the answers in lines. On a single server nothing. */
reef_code cli_topology_ask(cli_check *, reef_error *);
/* Connects to the master: for the whole timeout where a Sentinel knows it, else just
 * long enough to hear why not. */
reef_code cli_topology_meet(cli_check *, reef_error *);
/* The members as JSON, without the braces. */
void cli_topology_json(const cli_check *);

/* ---- census.c ----------------------------------------------------------------- */
/* Who answers is a node of a Cluster. */
bool cli_check_is_cluster(const cli_check *);
/* Asks all nodes, and shows what they say in lines. */
void cli_census_look(cli_check *);
void cli_census_end(cli_check *);

/* ---- census_find.c ------------------------------------------------------------ */
/* What is wrong with the Cluster, worst first. */
void cli_census_find(cli_check *);
/* Calls for some keys of the Cluster would wait for their deadline now. */
bool cli_check_is_torn(const cli_check *);

/* ---- census_seeds.c ----------------------------------------------------------- */
/* Hosts of the settings that lead nowhere, or elsewhere than to this Cluster. Asks
 * those that are not known to be nodes of it. */
void cli_census_seeds(cli_check *);

/* ---- belief.c ----------------------------------------------------------------- */
/* The Sentinels that know the master by its name. */
uint32_t cli_belief_knowing(const reef_topology *);
/* Of these, those that are not in TILT and so can find the master down. */
uint32_t cli_belief_able(const reef_topology *);
/* How many of them have to agree on a fail-over; 0: none knows. */
uint32_t cli_belief_needed(const reef_topology *);
/* The view with the newest word on the master; NULL: none knows it. */
const reef_sentinel_view *cli_belief_newest(const reef_topology *);
/* Why it is of no use, without its name before that; "" where that is not known. */
const char *cli_belief_why(const reef_sentinel_view *);
/* What is wrong with the Sentinels, and between them. */
void cli_belief_find(cli_check *);
/* The same where there is no connection to a master, and that, too. */
void cli_belief_failed(cli_check *, int exit_code, const char *why);

/* ---- replicas.c --------------------------------------------------------------- */
/* From the text of INFO. */
void cli_replicas_read(cli_replication *, reef_str info);
/* Asks the server itself, where `known` is not yet set; and again for a second where a
 * replica seems to be far behind, which one always does after heavy traffic. */
void cli_replicas_ask(cli_check *, reef_cmd *);
uint32_t cli_replicas_online(const cli_replication *);
void cli_replicas_show(const cli_check *);
/* What is wrong with them; worse where a fail-over is to promote one. */
void cli_replicas_find(cli_check *);
void cli_replicas_json(const cli_replication *); /* an object */

/* ---- blame.c ------------------------------------------------------------------ */
/* How a step ended, in words. */
void cli_name_outcome(const reef_look_step *step, char *out, size_t cap);
/* The step that settled the question; that the name has no such record says more than
 * that a name of the search list is not there. NULL: none did. */
const reef_look_step *cli_name_settled(const cli_name *);
/* What is wrong, or worth knowing, in at most CLI_NAME_FINDINGS. exit_code: what it
 * means when nothing was found; the rest are notes. */
void cli_name_find(cli_check *, const cli_name *, int exit_code);
/* The step of a nameserver whose failure is why nothing was found; NULL: it is not why,
 * or the look was good. */
const reef_look_step *cli_name_unserved(const cli_name *);
/* Why nothing was found, in one sentence about the name as it was given: the look's, or
 * where that is about another name (of the search list, of a target), what was found
 * first. */
const char *cli_name_headline(const cli_check *, const cli_name *);
/* The target of an SRV record is an address, which is against its rules. */
bool cli_name_is_literal(const reef_look_target *);

#endif
