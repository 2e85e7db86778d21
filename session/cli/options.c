/* SPDX-License-Identifier: Apache-2.0
 *
 * The command line: options may stand anywhere, "--" ends them, and so does the first
 * argument of a command that passes its arguments on. What is left is the command's one
 * or two words and its arguments, moved to the front of argv.
 *
 * States: words (no command yet) -> command known -> options ended. */
#include "session/cli/cli.h"

#include <string.h>

enum {
    OPTIONS_NAME_MAX = 64,         /* "group word" with its NUL */
    OPTIONS_TIMEOUT_MAX_S = 86400, /* --timeout */
    OPTIONS_KEY_MAX = 1024 * 1024  /* --key: as many arguments as a command has */
};

const cli_option cli_options[CLI_OPTS] = {
    [CLI_OPT_CONFIG] = {'c', "config", "FILE", "the knot.toml to read"},
    [CLI_OPT_JSON] = {'\0', "json", NULL, "machine-readable output"},
    [CLI_OPT_TIMEOUT] = {'\0', "timeout", "T",
                         "deadline of each call (srv: of it all): 500ms, 2s"},
    [CLI_OPT_NO_COLOR] = {'\0', "no-color", NULL, "no colour, even on a terminal"},
    [CLI_OPT_HELP] = {'h', "help", NULL, "this help"},
    [CLI_OPT_VERSION] = {'\0', "version", NULL, "print reef's version"},
    [CLI_OPT_KEY] = {'\0', "key", "N",
                     "argument N is a key (1 is the one after the name); also 1,2"},
    [CLI_OPT_REPEATABLE] = {'\0', "repeatable", NULL,
                            "running it twice does no harm: may be sent again"},
    [CLI_OPT_RAW] = {'\0', "raw", NULL, "print strings as they are, unquoted"},
    [CLI_OPT_PROTO] = {'\0', "proto", "2|3", "the protocol of the bytes (default 3)"},
    [CLI_OPT_ID] = {'\0', "id", "ID", "the session's id, 44 characters"},
    [CLI_OPT_USER] = {'\0', "user", "U", "the id of the user"},
    [CLI_OPT_IP] = {'\0', "ip", "IP", "the address that the user came from"},
    [CLI_OPT_AGENT] = {'\0', "agent", "TEXT", "the browser's user agent"},
    [CLI_OPT_ALL] = {'\0', "all", NULL, "everyone's sessions; every node"},
    [CLI_OPT_TABLE] = {'\0', "table", NULL, "the settings there are, in Markdown"},
    [CLI_OPT_NAMESERVER] = {'\0', "nameserver", "IP",
                            "ask it: ip, ip:port, domain/ip:port; may be repeated"},
    [CLI_OPT_SECONDS] = {'\0', "seconds", "N", "how long, 1 to 86400 (default 10)"},
    [CLI_OPT_THREADS] = {'\0', "threads", "T", "how many, 1 to 256 (default 8)"},
    [CLI_OPT_RATE] = {'\0', "rate", "R",
                      "calls a second over all threads (default 0: no limit)"},
    [CLI_OPT_MASTERS] = {'\0', "masters", NULL, "every node that serves slots"},
    [CLI_OPT_OWNER] = {'\0', "owner", NULL, "ask the server which node has it"},
};

typedef struct options_scan {
    cli_context *ctx;
    char **argv;
    int argc;
    int at;
    bool ended;
    bool known; /* the command was found: words are arguments from here on */
    char group[OPTIONS_NAME_MAX];
} options_scan;

bool cli_has(const cli_context *ctx, cli_opt opt)
{
    return ctx->values[opt] != NULL;
}

uint32_t cli_common_options(void)
{
    return (UINT32_C(1) << (CLI_OPT_VERSION + 1)) - 1;
}

bool cli_number(reef_str digits, uint64_t max, uint64_t *out)
{
    uint64_t value = 0;
    for (size_t i = 0; i < digits.len; i++) {
        if (digits.ptr[i] < '0' || digits.ptr[i] > '9')
            return false;
        uint64_t digit = (uint64_t)(digits.ptr[i] - '0');
        if (value > (max - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    *out = value;
    return digits.len > 0;
}

bool cli_next_number(const char **text, uint64_t max, uint64_t *out)
{
    size_t len = strcspn(*text, ",");
    bool last = (*text)[len] == '\0';
    if (!cli_number((reef_str){*text, len}, max, out) ||
        (!last && (*text)[len + 1] == '\0'))
        return false;
    *text += len + !last;
    return true;
}

/* Options that may be given several times. */
static int options_key(cli_context *ctx, const char *value)
{
    if (ctx->key_count == CLI_KEYS_MAX)
        return cli_usage(ctx, "--key ", value,
                         " is one too many; write several as --key 1,2,3");
    ctx->keys[ctx->key_count++] = value;
    return CLI_DONE;
}

static int options_nameserver(cli_context *ctx, const char *value)
{
    if (ctx->nameserver_count == REEF_NAMESERVERS_MAX)
        return cli_usage(ctx, "--nameserver ", value,
                         " is one too many; 8 can be asked");
    ctx->nameservers[ctx->nameserver_count++] = value;
    return CLI_DONE;
}

static int options_store(options_scan *s, int opt, const char *inline_value)
{
    if (cli_options[opt].value == NULL) {
        if (inline_value != NULL)
            return cli_usage(s->ctx, "the option ", s->argv[s->at], " takes no value");
        s->ctx->values[opt] = "";
        return CLI_DONE;
    }
    if (inline_value == NULL && s->at + 1 >= s->argc)
        return cli_usage(s->ctx, "the option ", s->argv[s->at], " needs a value");
    s->ctx->values[opt] = inline_value != NULL ? inline_value : s->argv[++s->at];
    if (opt == CLI_OPT_NAMESERVER)
        return options_nameserver(s->ctx, s->ctx->values[opt]);
    if (opt == CLI_OPT_KEY)
        return options_key(s->ctx, s->ctx->values[opt]);
    return CLI_DONE;
}

static int options_unknown(options_scan *s, const char *word)
{
    const char *near = cli_nearest_option(word);
    if (near == NULL)
        return cli_usage(s->ctx, "there is no option ", word, "; see reef --help");
    char after[OPTIONS_NAME_MAX + 32];
    (void)snprintf(after, sizeof after, "; did you mean --%s?", near);
    return cli_usage(s->ctx, "there is no option ", word, after);
}

/* "--name", "--name=value" */
static int options_long(options_scan *s, const char *word)
{
    const char *equals = strchr(word, '=');
    size_t len = equals != NULL ? (size_t)(equals - word) : strlen(word);
    for (int opt = 0; opt < CLI_OPTS; opt++) {
        if (strlen(cli_options[opt].name) == len &&
            memcmp(cli_options[opt].name, word, len) == 0)
            return options_store(s, opt, equals != NULL ? equals + 1 : NULL);
    }
    return options_unknown(s, s->argv[s->at]);
}

/* "-c FILE", "-cFILE", "-h" */
static int options_short(options_scan *s, const char *word)
{
    for (int opt = 0; opt < CLI_OPTS; opt++) {
        if (cli_options[opt].letter == word[1] && word[1] != '\0')
            return options_store(s, opt, word[2] != '\0' ? word + 2 : NULL);
    }
    return options_unknown(s, word);
}

static bool options_is_group(const char *word)
{
    size_t len = strlen(word);
    for (size_t i = 0; i < cli_command_count; i++) {
        if (strncmp(cli_commands[i].name, word, len) == 0 &&
            cli_commands[i].name[len] == ' ')
            return true;
    }
    return false;
}

static int options_no_command(options_scan *s, const char *word)
{
    bool in_group = s->group[0] != '\0';
    const char *near = cli_nearest_command(in_group ? s->group : NULL, word);
    char before[OPTIONS_NAME_MAX + 32], after[OPTIONS_NAME_MAX + 32];
    (void)snprintf(before, sizeof before, "there is no command %s%s", s->group,
                   in_group ? " " : "");
    if (near != NULL)
        (void)snprintf(after, sizeof after, "; did you mean %s?", near);
    else
        (void)snprintf(after, sizeof after, "; see reef %s%s--help", s->group,
                       in_group ? " " : "");
    return cli_usage(s->ctx, before, word, after);
}

/* A word while no command is known: the command, or the group before it. */
static int options_word(options_scan *s, const char *word)
{
    char name[2 * OPTIONS_NAME_MAX];
    bool in_group = s->group[0] != '\0';
    if (strlen(word) >= OPTIONS_NAME_MAX)
        return cli_usage(s->ctx, "that command has too long a name; see reef --help",
                         NULL, NULL);
    (void)snprintf(name, sizeof name, "%s%s%s", s->group, in_group ? " " : "", word);
    s->ctx->command = cli_command_find(name);
    s->known = s->ctx->command != NULL;
    if (s->known) {
        s->ctx->arg_count = 0;
        return CLI_DONE;
    }
    if (in_group || !options_is_group(word))
        return options_no_command(s, word);
    (void)snprintf(s->group, sizeof s->group, "%s", word);
    s->ctx->args[s->ctx->arg_count++] = s->argv[s->at];
    return CLI_DONE;
}

static int options_next(options_scan *s)
{
    char *word = s->argv[s->at];
    if (!s->ended && strcmp(word, "--") == 0) {
        s->ended = true;
        return CLI_DONE;
    }
    /* An id may begin with "-", and no option looks like one. */
    bool option = !s->ended && word[0] == '-' && word[1] != '\0' &&
                  !(s->known && reef_session_id_valid(reef_str_of(word)));
    if (option && word[1] == '-')
        return options_long(s, word + 2);
    if (option)
        return options_short(s, word);
    if (!s->known)
        return options_word(s, word);
    s->ctx->args[s->ctx->arg_count++] = word;
    s->ended = s->ended || s->ctx->command->verbatim;
    return CLI_DONE;
}

/* Digits with a unit. */
static bool options_duration(const char *text, int64_t *ms)
{
    static const struct {
        const char *unit;
        uint64_t ms;
    } units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}};
    size_t digits = strspn(text, "0123456789");
    uint64_t count;
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (strcmp(text + digits, units[i].unit) != 0)
            continue;
        uint64_t max = (uint64_t)OPTIONS_TIMEOUT_MAX_S * 1000 / units[i].ms;
        if (!cli_number((reef_str){text, digits}, max, &count) || count == 0)
            return false;
        *ms = (int64_t)(count * units[i].ms);
        return true;
    }
    return false;
}

/* One or several numbers of arguments. */
static bool options_keys_good(const char *text)
{
    uint64_t n = 0;
    bool good = true;
    do
        good = cli_next_number(&text, OPTIONS_KEY_MAX, &n) && n > 0;
    while (good && *text != '\0');
    return good;
}

static int options_values(cli_context *ctx)
{
    const char *timeout = ctx->values[CLI_OPT_TIMEOUT];
    if (timeout != NULL && !options_duration(timeout, &ctx->timeout_ms))
        return cli_usage(ctx, "--timeout ", timeout,
                         " is no time; write it like 500ms, 2s or 1m, up to a day");
    for (uint32_t i = 0; i < ctx->key_count; i++) {
        if (!options_keys_good(ctx->keys[i]))
            return cli_usage(ctx, "--key ", ctx->keys[i],
                             " is no argument's number; 1 is the one after the name");
    }
    const char *proto = ctx->values[CLI_OPT_PROTO];
    if (proto != NULL && strcmp(proto, "2") != 0 && strcmp(proto, "3") != 0)
        return cli_usage(ctx, "--proto ", proto, " is not 2 or 3");
    return CLI_DONE;
}

static int options_fit(cli_context *ctx)
{
    const cli_command *cmd = ctx->command;
    char text[OPTIONS_NAME_MAX + 96];
    for (int opt = 0; opt < CLI_OPTS; opt++) {
        if (!cli_has(ctx, (cli_opt)opt) ||
            ((cmd->options | cli_common_options()) >> opt & 1) != 0)
            continue;
        (void)snprintf(text, sizeof text,
                       "reef %s takes no option --%s; see reef %s --help", cmd->name,
                       cli_options[opt].name, cmd->name);
        return cli_usage(ctx, text, NULL, NULL);
    }
    if (ctx->arg_count > cmd->max_args) {
        (void)snprintf(text, sizeof text,
                       " is one argument too many; see reef %s --help", cmd->name);
        return cli_usage(ctx, "", ctx->args[cmd->max_args], text);
    }
    if (ctx->arg_count < cmd->min_args) {
        (void)snprintf(text, sizeof text, "reef %s needs %s; see reef %s --help",
                       cmd->name, cmd->args, cmd->name);
        return cli_usage(ctx, text, NULL, NULL);
    }
    return options_values(ctx);
}

static int options_no_word(options_scan *s)
{
    cli_context *ctx = s->ctx;
    if (s->group[0] == '\0')
        return cli_usage(ctx, "no command was given; see reef --help", NULL, NULL);
    return cli_usage(ctx, "a word is missing after ", s->group,
                     "; see reef session --help");
}

int cli_options_read(cli_context *ctx, int argc, char *argv[])
{
    options_scan s = {ctx, argv, argc, 1, false, false, ""};
    ctx->args = argv + (argc > 0 ? 1 : 0);
    for (; s.at < argc; s.at++) {
        int code = options_next(&s);
        if (code != CLI_DONE)
            return code;
    }
    if (cli_has(ctx, CLI_OPT_HELP) || cli_has(ctx, CLI_OPT_VERSION))
        return CLI_DONE;
    return s.known ? options_fit(ctx) : options_no_word(&s);
}
