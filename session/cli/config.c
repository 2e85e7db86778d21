/* SPDX-License-Identifier: Apache-2.0
 *
 * reef config: the settings in force and where each came from. Secrets never pass
 * through here: reef_setting_text has put "***" in their place. */
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

static void config_json(const reef_config *config)
{
    char value[CONFIG_TEXT_MAX];
    fputs("{\"file\":", stdout);
    if (config->file[0] != '\0')
        cli_put_json(stdout, reef_str_of(config->file));
    else
        fputs("null", stdout);
    fputs(",\"settings\":[", stdout);
    for (int i = 0; i < REEF_SETTINGS; i++) {
        (void)reef_setting_text(config, (reef_setting)i, value, sizeof value);
        if (i > 0)
            fputc(',', stdout);
        config_put_json(config, (reef_setting)i, value);
    }
    fputs("]}\n", stdout);
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
        size_t width = reef_str_of(value).len;
        if (width == 0) {
            fputs("\"\"", stdout);
            width = 2;
        }
        cli_put_text(stdout, reef_str_of(value));
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

int cli_config_run(cli_context *ctx)
{
    int code = cli_load(ctx);
    if (code != CLI_DONE)
        return code;
    if (cli_has(ctx, CLI_OPT_JSON))
        config_json(&ctx->config);
    else
        config_text(ctx);
    return CLI_DONE;
}

void cli_config_help(FILE *out)
{
    for (int i = 0; i < REEF_SETTINGS; i++) {
        reef_setting setting = (reef_setting)i;
        fprintf(out, "  %-32s%s\n", reef_setting_name(setting),
                reef_setting_env(setting));
        fprintf(out, "      %s\n", reef_setting_help(setting));
    }
}
