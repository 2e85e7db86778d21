/* SPDX-License-Identifier: Apache-2.0
 *
 * reef config: the settings in force and where each came from, what is wrong with
 * them, and the settings there are. Secrets never pass through here: reef_setting_text
 * has put "***" in their place. */
#include "session/cli/cli.h"

#include <inttypes.h>

enum { CONFIG_TEXT_MAX = 16384 };

/* --timeout goes over what the settings say. */
static bool config_is_option(const cli_context *ctx, reef_setting setting)
{
    return setting == REEF_SET_CALL_TIMEOUT && ctx->timeout_ms > 0;
}

static void config_put_origin(const cli_context *ctx, reef_setting setting)
{
    static const char *const sources[] = {[REEF_FROM_DEFAULT] = "default",
                                          [REEF_FROM_FILE] = "file",
                                          [REEF_FROM_ENV] = "environment"};
    const reef_origin *origin = &ctx->config.origins[setting];
    if (config_is_option(ctx, setting)) {
        fputs(",\"source\":\"option\",\"option\":\"--timeout\"", stdout);
        return;
    }
    printf(",\"source\":\"%s\"", sources[origin->source]);
    if (origin->source == REEF_FROM_FILE)
        printf(",\"line\":%" PRIu32 ",\"column\":%" PRIu32, origin->line,
               origin->column);
    if (origin->source == REEF_FROM_ENV) {
        fputs(",\"variable\":", stdout);
        cli_put_json(stdout, reef_str_of(reef_setting_env(setting)));
    }
}

static void config_json_settings(const cli_context *ctx)
{
    char value[CONFIG_TEXT_MAX];
    fputc('[', stdout);
    for (int i = 0; i < REEF_SETTINGS; i++) {
        reef_setting setting = (reef_setting)i;
        (void)reef_setting_text(&ctx->config, setting, value, sizeof value);
        fputs(i > 0 ? ",{\"name\":" : "{\"name\":", stdout);
        cli_put_json(stdout, reef_str_of(reef_setting_name(setting)));
        fputs(",\"value\":", stdout);
        cli_put_json(stdout, reef_str_of(value));
        config_put_origin(ctx, setting);
        fputc('}', stdout);
    }
    fputc(']', stdout);
}

static void config_json(const cli_context *ctx, bool good)
{
    const char *file = ctx->config.file;
    fputs("{\"file\":", stdout);
    if (file[0] != '\0')
        cli_put_json(stdout, reef_str_of(file));
    else
        fputs("null", stdout);
    fputs(",\"settings\":", stdout);
    if (good)
        config_json_settings(ctx);
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
        if (config_is_option(ctx, setting))
            cli_join(origin, sizeof origin, "--timeout", "", "");
        else
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
    if (ctx->timeout_ms > 0) /* a day at most */
        ctx->config.call_timeout_ms = (uint32_t)ctx->timeout_ms;
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
