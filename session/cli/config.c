/* SPDX-License-Identifier: Apache-2.0
 *
 * reef config: the settings in force and where each came from, what is wrong with
 * them, and the settings there are. Secrets never pass through here: reef_setting_text
 * has put "***" in their place. */
#include "session/cli/cli.h"

#include <inttypes.h>

enum { CONFIG_TEXT_MAX = 16384 };

static void config_put_json(const reef_config *config, reef_setting setting,
                            const char *value)
{
    static const char *const sources[] = {[REEF_FROM_DEFAULT] = "default",
                                          [REEF_FROM_FILE] = "file",
                                          [REEF_FROM_ENV] = "environment"};
    const reef_origin *origin = &config->origins[setting];
    fputs("{\"name\":", stdout);
    cli_put_json(stdout, reef_str_of(reef_setting_name(setting)));
    fputs(",\"value\":", stdout);
    cli_put_json(stdout, reef_str_of(value));
    printf(",\"source\":\"%s\"", sources[origin->source]);
    if (origin->source == REEF_FROM_FILE)
        printf(",\"line\":%" PRIu32 ",\"column\":%" PRIu32, origin->line,
               origin->column);
    if (origin->source == REEF_FROM_ENV) {
        fputs(",\"variable\":", stdout);
        cli_put_json(stdout, reef_str_of(reef_setting_env(setting)));
    }
    fputc('}', stdout);
}

static void config_json_settings(const reef_config *config)
{
    char value[CONFIG_TEXT_MAX];
    fputc('[', stdout);
    for (int i = 0; i < REEF_SETTINGS; i++) {
        (void)reef_setting_text(config, (reef_setting)i, value, sizeof value);
        if (i > 0)
            fputc(',', stdout);
        config_put_json(config, (reef_setting)i, value);
    }
    fputc(']', stdout);
}

/* Without settings that can be used, neither they nor their file are named; the
 * findings name theirs. */
static void config_json(const cli_context *ctx, bool good)
{
    const reef_config *config = &ctx->config;
    fputs("{\"file\":", stdout);
    if (good && config->file[0] != '\0')
        cli_put_json(stdout, reef_str_of(config->file));
    else
        fputs("null", stdout);
    fputs(",\"settings\":", stdout);
    if (good)
        config_json_settings(config);
    else
        fputs("null", stdout);
    fputs(",\"findings\":", stdout);
    cli_findings_json(&ctx->report);
    fputs("}\n", stdout);
}

static void config_text(const cli_context *ctx)
{
    const reef_config *config = &ctx->config;
    char value[CONFIG_TEXT_MAX], origin[REEF_FILE_NAME_MAX + 64], name[64];
    for (int i = 0; i < REEF_SETTINGS; i++) {
        reef_setting setting = (reef_setting)i;
        (void)reef_setting_text(config, setting, value, sizeof value);
        cli_origin_text(config, setting, origin, sizeof origin);
        (void)snprintf(name, sizeof name, "%-32s", reef_setting_name(setting));
        cli_put_colored(stdout, ctx->color_out, CLI_BOLD, name);
        /* What can be empty is so by default: "" or []. */
        reef_str shown =
            reef_str_of(value[0] != '\0' ? value : reef_setting_default(setting));
        size_t width = shown.len;
        cli_put_text(stdout, shown);
        for (; width < 22; width++)
            fputc(' ', stdout);
        fputs("  ", stdout);
        cli_put_text(stdout, reef_str_of(origin));
        fputc('\n', stdout);
    }
    if (config->file[0] == '\0')
        fputs("\nNo knot.toml was found; looked in ., $HOME, $HOME/.config/knot and "
              "/etc/knot.\n",
              stdout);
}

static int config_show(cli_context *ctx)
{
    reef_error error;
    reef_code code = cli_load_quietly(ctx, &error);
    if (cli_has(ctx, CLI_OPT_JSON))
        config_json(ctx, code == REEF_OK);
    else if (code == REEF_OK)
        config_text(ctx);
    cli_findings_print(ctx);
    return cli_exit_of(code);
}

int cli_config_run(cli_context *ctx)
{
    if (!cli_has(ctx, CLI_OPT_TABLE))
        return config_show(ctx);
    if (cli_has(ctx, CLI_OPT_JSON))
        return cli_usage(ctx, "the table of settings has no --json form", NULL, NULL);
    cli_config_table(stdout);
    return CLI_DONE;
}

/* ---- the settings there are --------------------------------------------------- */

void cli_config_help(FILE *out)
{
    for (int i = 0; i < REEF_SETTINGS; i++) {
        reef_setting setting = (reef_setting)i;
        fprintf(out, "  %-32s%-32s%s\n", reef_setting_name(setting),
                reef_setting_env(setting), reef_setting_default(setting));
        fprintf(out, "      %s\n", reef_setting_help(setting));
    }
}

void cli_config_table(FILE *out)
{
    fputs("| setting | environment | default | what it is |\n"
          "| --- | --- | --- | --- |\n",
          out);
    for (int i = 0; i < REEF_SETTINGS; i++) {
        reef_setting setting = (reef_setting)i;
        fprintf(out, "| `%s` | `%s` | `%s` | %s |\n", reef_setting_name(setting),
                reef_setting_env(setting), reef_setting_default(setting),
                reef_setting_help(setting));
    }
}
