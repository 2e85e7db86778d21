/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of commands. Dispatch, help and "did you mean" all follow from it. */
#include "session/cli/cli.h"

#include <limits.h>
#include <string.h>

#define CLI_BIT(opt) (UINT32_C(1) << (opt))

const cli_command cli_commands[] = {
    {.name = "check",
     .args = "",
     .summary = "connect, and say in plain words what is wrong",
     .help =
         "Reads the settings, connects, and says who answers: server, version,\n"
         "protocol, mode, role, latency, the difference of the clocks, and what the\n"
         "user may do. It writes nothing. Each problem comes with what to do. What\n"
         "the names among the hosts lead to is shown first; more of that: reef srv.\n"
         "\n"
         "Examples:\n"
         "  reef check\n"
         "  reef -c /etc/knot/knot.toml check\n"
         "  reef --json check --timeout 2s\n",
     .run = cli_check_run},
    {.name = "srv",
     .args = "NAME [--nameserver IP]...",
     .summary = "look up srv+NAME, and show what comes of it",
     .help =
         "Shows what was asked of whom and what came back, then the targets in the\n"
         "order in which they would be tried, then what is wrong and what to do. Of\n"
         "equal priority the order is drawn anew each time, by weight. NAME may\n"
         "begin with \"srv+\". --nameserver takes the place of resolver.nameservers\n"
         "and resolver.consul: \"ip\", \"ip:port\", \"[v6]:port\", or "
         "\"domain/ip:port\"\n"
         "for the names below a domain; nobody else is asked. --timeout is for all of\n"
         "it. No endpoint: exit code 3.\n"
         "\n"
         "Examples:\n"
         "  reef srv redis.service.consul\n"
         "  reef srv redis.service.consul --nameserver 127.0.0.1:8600\n"
         "  reef srv _redis._tcp.example.com --json --timeout 2s\n",
     .options = CLI_BIT(CLI_OPT_NAMESERVER),
     .min_args = 1,
     .max_args = 1,
     .run = cli_srv_run},
    {.name = "topology",
     .args = "",
     .summary = "who serves what, and whether a fail-over could be",
     .help =
         "Asks every Sentinel what it believes, the master for its replicas, and says\n"
         "in plain words what stands in the way of a fail-over: who is silent, cut\n"
         "off or of another mind, too few for a vote, nobody to promote. \"how\" says\n"
         "whether a Sentinel stands in the settings or was learnt from another, and\n"
         "whether its announcements are heard (watched) or it is asked once a second\n"
         "(polled). \"behind\" is what a replica has not confirmed, which it does "
         "once\n"
         "a second; \"silent\" are the seconds since. A Sentinel in TILT (its clock\n"
         "jumped) votes, but finds no master down. On a single server: its role and\n"
         "its replicas. It changes nothing. Exit code 10: all works now, but no\n"
         "fail-over would.\n"
         "\n"
         "On a Cluster every node is asked what it knows of the others: who serves\n"
         "which slots, with how many keys and which epoch (of two claims the higher\n"
         "one counts), each master's replicas below it, and how they are; then what\n"
         "is wrong: slots that nobody serves or two nodes claim, masters that failed\n"
         "or have no replica, nodes that are silent or of another mind than most,\n"
         "slots on the move.\n"
         "\n"
         "Examples:\n"
         "  reef topology\n"
         "  reef topology --json --timeout 2s\n"
         "  reef -c /etc/knot/knot.toml topology || alert\n",
     .run = cli_topology_run},
    {.name = "config",
     .args = "[--table]",
     .summary = "show the settings in force, and where each came from",
     .help =
         "Environment goes over file, file over default. Secrets are shown as ***.\n"
         "Mistakes are shown in one go, each with its line and, where it is known,\n"
         "what to write instead: exit code 2. Warnings, with exit code 0: a key that\n"
         "nobody reads or that is nearly a setting, enabled = false, hosts without\n"
         "enabled, no hosts in the list.\n"
         "\n"
         "Examples:\n"
         "  reef config\n"
         "  KNOT_REDIS_DB=2 reef -c knot.toml config\n"
         "  reef config --table\n",
     .options = CLI_BIT(CLI_OPT_TABLE),
     .run = cli_config_run},
    {.name = "call",
     .args = "ARG...",
     .summary = "send one command, print the reply",
     .help =
         "Options stand before the first ARG; from there on all is sent, so that no\n"
         "argument of the command is taken for one of reef's. A reply of nil is a\n"
         "reply: exit code 0. An error reply goes to stderr: exit code 6.\n"
         "\n"
         "On a Cluster --key says which arguments are keys, several as 1,2 or one\n"
         "after the other: the command goes to the node that has them, and is not\n"
         "sent where they are in different slots. Without --key it goes to any\n"
         "master; with --masters to each of them, with --all to replicas, too, and\n"
         "each answer is shown under its node's name.\n"
         "\n"
         "Examples:\n"
         "  reef call PING\n"
         "  reef call --timeout 1s PING\n"
         "  reef call --key 1 GET Sessions:xyz\n"
         "  reef call --json --repeatable HGETALL h\n"
         "  reef call --key 1,2 MGET {ada}a {ada}b\n"
         "  reef call --masters DBSIZE\n"
         "  reef call --raw INFO server\n",
     .options = CLI_BIT(CLI_OPT_KEY) | CLI_BIT(CLI_OPT_REPEATABLE) |
                CLI_BIT(CLI_OPT_RAW) | CLI_BIT(CLI_OPT_ALL) | CLI_BIT(CLI_OPT_MASTERS),
     .min_args = 1,
     .max_args = INT_MAX,
     .verbatim = true,
     .run = cli_call_run},
    {.name = "session new",
     .args = "--user U [--ip IP] [--agent TEXT]",
     .summary = "make an id, save a session under it, print the id",
     .help = "Examples:\n"
             "  reef session new --user 0190d1a5-0000-7000-8000-000000000001\n"
             "  id=$(reef session new --user alice --ip 192.0.2.7)\n",
     .options = CLI_BIT(CLI_OPT_USER) | CLI_BIT(CLI_OPT_IP) | CLI_BIT(CLI_OPT_AGENT),
     .run = cli_session_new_run},
    {.name = "session save",
     .args = "[--id ID --user U [--ip IP] [--agent TEXT]]",
     .summary = "save a session, from options or from JSON on stdin",
     .help =
         "Without options the session is read from standard input, as one record in\n"
         "knot's form; updated_at and expires_after are filled in where absent.\n"
         "\n"
         "Examples:\n"
         "  reef session save --id \"$id\" --user alice\n"
         "  reef --json session get \"$id\" | reef -c other.toml session save\n",
     .options = CLI_BIT(CLI_OPT_ID) | CLI_BIT(CLI_OPT_USER) | CLI_BIT(CLI_OPT_IP) |
                CLI_BIT(CLI_OPT_AGENT),
     .run = cli_session_save_run},
    {.name = "session get",
     .args = "ID",
     .summary = "print a session",
     .help = "With --json: the record as knot writes it. A tombstone is printed, too.\n"
             "Not there: exit code 1.\n"
             "\n"
             "Examples:\n"
             "  reef session get \"$id\"\n"
             "  reef session get \"$id\" --json\n",
     .options = CLI_BIT(CLI_OPT_ID),
     .max_args = 1,
     .run = cli_session_get_run},
    {.name = "session touch",
     .args = "ID",
     .summary = "let a session live for another two hours",
     .help = "A session that was revoked stays revoked: exit code 6.\n"
             "\n"
             "Examples:\n"
             "  reef session touch \"$id\"\n",
     .options = CLI_BIT(CLI_OPT_ID),
     .max_args = 1,
     .run = cli_session_touch_run},
    {.name = "session delete",
     .args = "ID [--user U]",
     .summary = "remove a session and its index key",
     .help =
         "Without --user the record is read first, to learn whose it is. To end a\n"
         "session for good, revoke it: a tombstone keeps a late save from bringing\n"
         "it back.\n"
         "\n"
         "Examples:\n"
         "  reef session delete \"$id\"\n"
         "  reef session delete \"$id\" --user alice\n",
     .options = CLI_BIT(CLI_OPT_ID) | CLI_BIT(CLI_OPT_USER),
     .max_args = 1,
     .run = cli_session_delete_run},
    {.name = "session list",
     .args = "--user U | --all",
     .summary = "list the sessions of a user, or everyone's",
     .help = "In no order. With --json: one record a line. Records that can't be read\n"
             "are named on stderr and do not spoil the list: exit code 8.\n"
             "\n"
             "Examples:\n"
             "  reef session list --user alice\n"
             "  reef session list --all --json | wc -l\n",
     .options = CLI_BIT(CLI_OPT_USER) | CLI_BIT(CLI_OPT_ALL),
     .run = cli_session_list_run},
    {.name = "session revoke",
     .args = "--user U",
     .summary = "end all sessions of a user",
     .help = "Each live session becomes a tombstone. When it fails part-way it can\n"
             "simply be run again.\n"
             "\n"
             "Examples:\n"
             "  reef session revoke --user alice\n",
     .options = CLI_BIT(CLI_OPT_USER),
     .run = cli_session_revoke_run},
    {.name = "resp",
     .args = "[--proto 2|3]",
     .summary = "decode RESP from stdin to a line of JSON a value",
     .help = "Needs no server. On a byte that can't be, what was good stands printed,\n"
             "then {\"t\":\"!\",\"error\":...,\"offset\":N,\"at\":M}: N is the end of "
             "the last\n"
             "whole value, M the byte that was wrong; exit code 8. Input that stops\n"
             "inside a value: exit code 9.\n"
             "\n"
             "Examples:\n"
             "  printf '*2\\r\\n:1\\r\\n$2\\r\\nhi\\r\\n' | reef resp\n"
             "  reef resp --proto 2 < capture.bin\n",
     .options = CLI_BIT(CLI_OPT_PROTO),
     .run = cli_resp_run},
    {.name = "slot",
     .args = "KEY... [--owner]",
     .summary = "the hash slot of each key, and which node has it",
     .help = "One key: its slot. Several: a line each, the slot, then the key. That\n"
             "needs no server and no settings.\n"
             "\n"
             "With --owner, or with -c, the Cluster of the settings is asked: behind\n"
             "slot and key stand the node that serves it, its replicas, and where it\n"
             "is on its way to. A slot that no node serves: exit code 4.\n"
             "\n"
             "Examples:\n"
             "  reef slot foo\n"
             "  reef slot '{user1000}.following' '{user1000}.followers'\n"
             "  reef slot --owner Sessions:xyz\n"
             "  reef -c /etc/knot/knot.toml slot Sessions:xyz --json\n",
     .options = CLI_BIT(CLI_OPT_OWNER),
     .min_args = 1,
     .max_args = INT_MAX,
     .run = cli_slot_run},
    {.name = "demo",
     .args = "",
     .summary = "a quick tour on your server, which it leaves clean",
     .help =
         "Makes a session, shows the two keys as knot sees them, reads, touches,\n"
         "lists and revokes it; all under a key prefix of its own, \"reef-demo:\",\n"
         "which it removes at the end.\n"
         "\n"
         "Examples:\n"
         "  reef demo\n"
         "  reef -c knot.toml demo\n",
     .run = cli_demo_run},
    {.name = "soak",
     .args = "[--seconds N] [--threads T] [--rate R]",
     .summary = "use sessions from many threads, and verify every answer",
     .help =
         "For a fail-over drill: start it, break something, read the summary. Threads\n"
         "that share one client save, read, touch and delete sessions of their own,\n"
         "each with a mark and a number in it, and count with INCR, which is never\n"
         "sent twice. Told are calls, errors by class, latencies, the longest time\n"
         "without a success, answers to the wrong caller, acknowledged writes that\n"
         "were missing later (replication is asynchronous) and commands that ran\n"
         "twice. An INCR whose answer was lost is looked up, and is no error then.\n"
         "Events are shown on stderr as they happen; with --json only where that is\n"
         "a terminal, and as counts in any case. When the time is over, all that\n"
         "should be there is looked at once more: these calls are counted apart and\n"
         "are no part of the rate. Ctrl-C ends it early, with the summary. All keys\n"
         "begin with \"reef-soak:\" behind the configured prefix, are removed at the\n"
         "end, and expire in any case.\n"
         "\n"
         "Exit code 0: nothing was wrong. 8: an answer was wrong, a write was\n"
         "missing, or a command ran twice. 9: not all could be looked at in the end.\n"
         "Else: that of the first error.\n"
         "\n"
         "Examples:\n"
         "  reef soak\n"
         "  reef soak --seconds 60 --threads 64 --timeout 15s\n"
         "  reef soak --rate 200 --seconds 3600 --json\n",
     .options =
         CLI_BIT(CLI_OPT_SECONDS) | CLI_BIT(CLI_OPT_THREADS) | CLI_BIT(CLI_OPT_RATE),
     .run = cli_soak_run},
    {.name = "help",
     .args = "[COMMAND]",
     .summary = "this overview, or the help of a command",
     .help = "Examples:\n"
             "  reef help\n"
             "  reef help session list\n",
     .max_args = 2,
     .run = cli_help_run},
};

const size_t cli_command_count = sizeof cli_commands / sizeof cli_commands[0];

const cli_command *cli_command_find(const char *name)
{
    for (size_t i = 0; i < cli_command_count; i++) {
        if (strcmp(cli_commands[i].name, name) == 0)
            return &cli_commands[i];
    }
    return NULL;
}
