/* SPDX-License-Identifier: Apache-2.0
 *
 * Help, printed from the tables of commands and options, and the nearest name for a
 * word that is none. */
#include "session/cli/cli.h"

#include <string.h>

enum { HELP_COLUMN = 17 }; /* where summaries begin */

static void help_title(FILE *out, const cli_context *ctx, const char *text)
{
    bool color = out == stdout ? ctx->color_out : ctx->color_err;
    cli_put_colored(out, color, CLI_BOLD, text);
    fputc('\n', out);
}

static void help_options(FILE *out, uint32_t bits)
{
    for (int i = 0; i < CLI_OPTS; i++) {
        const cli_option *o = &cli_options[i];
        if ((bits >> i & 1) == 0)
            continue;
        char left[32];
        (void)snprintf(left, sizeof left, "--%s%s%s", o->name,
                       o->value != NULL ? " " : "", o->value != NULL ? o->value : "");
        if (o->letter != '\0')
            fprintf(out, "  -%c, %-15s %s\n", o->letter, left, o->help);
        else
            fprintf(out, "      %-15s %s\n", left, o->help);
    }
}

static void help_line(FILE *out, const cli_command *cmd)
{
    fprintf(out, "  %-*s%s\n", HELP_COLUMN, cmd->name, cmd->summary);
}

int cli_help_main(FILE *out, const cli_context *ctx)
{
    fputs("reef keeps knot's sessions in Redis or Valkey, as knot's knot.toml says.\n\n"
          "Usage: reef [-c FILE] [--json] COMMAND [ARG...]\n\n",
          out);
    help_title(out, ctx, "Commands");
    for (size_t i = 0; i < cli_command_count; i++)
        help_line(out, &cli_commands[i]);
    fputc('\n', out);
    help_title(out, ctx, "Options, before or after the command");
    help_options(out, cli_common_options());
    fputc('\n', out);
    help_title(out, ctx, "Exit codes");
    fputs("  0 done              1 not found            2 usage or settings\n"
          "  3 DNS               4 can't reach          5 credentials refused\n"
          "  6 refused           7 unsure if it ran     8 protocol, corrupt data\n"
          "  9 incomplete: input cut off, output not written, out of memory\n"
          " 10 it works, but no fail-over would\n\n",
          out);
    help_title(out, ctx, "Examples");
    fputs("  reef -c knot.toml check\n"
          "  reef session new --user alice\n"
          "  reef session list --user alice --json\n"
          "  reef call GET Sessions:xyz\n\n"
          "Settings come from knot.toml (-c, KNOT_CONFIG, or knot's places), with the\n"
          "environment over it: see reef config --help. More: reef COMMAND --help,\n"
          "man reef.\n",
          out);
    return CLI_DONE;
}

int cli_help_command(FILE *out, const cli_context *ctx, const cli_command *cmd)
{
    fprintf(out, "reef %s: %s\n\n", cmd->name, cmd->summary);
    fprintf(out, "Usage: reef %s%s%s\n\n", cmd->name, cmd->args[0] != '\0' ? " " : "",
            cmd->args);
    fputs(cmd->help, out);
    if (cmd->run == cli_config_run) {
        fputc('\n', out);
        help_title(out, ctx, "Settings: in the file, in the environment, by default");
        cli_config_help(out);
    }
    fputc('\n', out);
    help_title(out, ctx, "Options");
    help_options(out, cmd->options | cli_common_options());
    return CLI_DONE;
}

bool cli_help_group(FILE *out, const cli_context *ctx, const char *word)
{
    size_t len = strlen(word);
    bool found = false;
    for (size_t i = 0; i < cli_command_count; i++) {
        const cli_command *cmd = &cli_commands[i];
        if (strncmp(cmd->name, word, len) != 0 || cmd->name[len] != ' ')
            continue;
        if (!found) {
            fprintf(out, "Usage: reef %s COMMAND [ARG...]\n\n", word);
            help_title(out, ctx, "Commands");
        }
        found = true;
        help_line(out, cmd);
        fprintf(out, "  %*sreef %s %s\n", HELP_COLUMN, "", cmd->name, cmd->args);
    }
    if (found)
        fprintf(out, "\nMore, with examples: reef %s COMMAND --help\n", word);
    return found;
}

int cli_help_run(cli_context *ctx)
{
    if (ctx->arg_count == 0)
        return cli_help_main(stdout, ctx);
    char name[64];
    (void)snprintf(name, sizeof name, "%s%s%s", ctx->args[0],
                   ctx->arg_count > 1 ? " " : "",
                   ctx->arg_count > 1 ? ctx->args[1] : "");
    const cli_command *cmd = cli_command_find(name);
    if (cmd != NULL)
        return cli_help_command(stdout, ctx, cmd);
    if (ctx->arg_count == 1 && cli_help_group(stdout, ctx, name))
        return CLI_DONE;
    return cli_usage(ctx, "there is no command ", name, "; see reef --help");
}

/* ---- the nearest name --------------------------------------------------------- */

/* Keeps `name` when it is nearer than what was kept, and near enough to be meant. */
static void help_consider(const char *word, const char *name, const char *shown,
                          size_t *best, const char **out)
{
    size_t len = strlen(word);
    size_t distance = reef_str_distance(reef_str_of(word), reef_str_of(name));
    bool begins = len >= 2 && strncmp(name, word, len) == 0;
    if (begins)
        distance = 1;
    if (distance >= *best || (!begins && (distance > 2 || distance >= strlen(name))))
        return;
    *best = distance;
    *out = shown;
}

const char *cli_nearest_command(const char *group, const char *word)
{
    const char *out = NULL;
    size_t best = SIZE_MAX;
    size_t skip = group != NULL ? strlen(group) + 1 : 0;
    for (size_t i = 0; i < cli_command_count; i++) {
        const char *name = cli_commands[i].name;
        if (group != NULL ? strncmp(name, group, skip - 1) == 0
                          : strchr(name, ' ') == NULL)
            help_consider(word, name + skip, name, &best, &out);
    }
    if (group != NULL)
        return out;
    help_consider(word, "session", "session", &best, &out);
    /* "reef list" means the one command whose second word is that. */
    for (size_t i = 0; i < cli_command_count && out == NULL; i++) {
        const char *space = strchr(cli_commands[i].name, ' ');
        if (space != NULL && strcmp(space + 1, word) == 0)
            out = cli_commands[i].name;
    }
    return out;
}

const char *cli_nearest_option(const char *word)
{
    const char *out = NULL;
    size_t best = SIZE_MAX;
    word += strspn(word, "-");
    for (int i = 0; i < CLI_OPTS && word[0] != '\0'; i++)
        help_consider(word, cli_options[i].name, cli_options[i].name, &best, &out);
    return out;
}
