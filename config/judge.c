/* SPDX-License-Identifier: Apache-2.0
 *
 * judge: settings held against each other, once the file and the environment are read.
 *
 * Invariant: nothing is said of a setting that has no good value, or for its sake. */
#include "config/intake.h"
#include "config/setting.h"
#include "config/text.h"
#include <string.h>

static bool judge_is_good(const reef_intake *r, reef_setting setting)
{
    return (r->bad >> setting & 1) == 0;
}

/* The end of the value that begins at `at`. */
static size_t judge_value_end(reef_str text, size_t at)
{
    static const char behind[] = " \t\r\n,]}#";
    char quote = text.ptr[at];
    bool lines = false;
    if (quote == '[') { /* of a list over lines its first */
        size_t end = reef_str_find(text, '\n', at);
        size_t close = reef_str_find(text, ']', at);
        return close < end ? close + 1 : end;
    }
    if (quote != '"' && quote != '\'') {
        while (at < text.len && memchr(behind, text.ptr[at], sizeof behind - 1) == NULL)
            at++;
        return at;
    }
    lines =
        text.len - at >= 3 && text.ptr[at + 1] == quote && text.ptr[at + 2] == quote;
    for (at += lines ? 3 : 1; at < text.len && text.ptr[at] != quote; at++)
        if (text.ptr[at] == '\\' && quote == '"')
            at++;
    at += lines ? 3 : 1;
    return at < text.len ? at : text.len;
}

/* A setting's place in the text, and its bytes; of a file whose text is not at hand
 * only the line. */
static void judge_place(const reef_intake *r, const reef_origin *origin,
                        reef_toml_mark *mark, size_t *size)
{
    reef_str text = r->document.text;
    size_t bom = reef_str_starts(text, "\xEF\xBB\xBF") ? 3 : 0;
    *size = 0;
    *mark = (reef_toml_mark){bom, bom, 1};
    while (mark->line < origin->line && mark->at < text.len) {
        mark->at = mark->line_at = reef_str_find(text, '\n', mark->at) + 1;
        mark->line++;
    }
    for (uint32_t column = 1; column < origin->column && mark->at < text.len; column++)
        mark->at += reef_utf8_size(text, mark->at);
    if (mark->at < text.len)
        *size = judge_value_end(text, mark->at) - mark->at;
    else
        *mark = (reef_toml_mark){0, 0, origin->line};
}

/* Before the place its line has quotes that open or end a text over lines: it may be
 * the rest of a password. */
static bool judge_is_behind(reef_str text, const reef_toml_mark *mark)
{
    size_t count[2] = {0, 0}, run = 0;
    for (size_t at = mark->line_at; at < mark->at && at < text.len; at++) {
        char c = text.ptr[at];
        bool quote = c == '"' || c == '\'';
        run = !quote ? 0 : at > mark->line_at && text.ptr[at - 1] == c ? run + 1 : 1;
        if (quote)
            count[c == '"']++;
        if (run >= 3)
            return true;
    }
    return count[0] % 2 != 0 || count[1] % 2 != 0;
}

/* The line begins with the place itself, a key or a header, and so with nothing of
 * another value that began above it. */
static bool judge_leads(reef_str text, const reef_toml_mark *mark)
{
    size_t at = reef_str_over(text, mark->line_at, REEF_CHAR_BLANK);
    return at >= text.len || at == mark->at || text.ptr[at] == '[' ||
           reef_toml_bare(text.ptr[at]);
}

static void judge_say(reef_intake *r, reef_setting setting, const reef_origin *origin,
                      const char *why, reef_finding_draft *draft)
{
    reef_message message = {0};
    reef_document document = r->document;
    if (document.name == NULL)
        document.name = r->config->file[0] != 0 ? r->config->file : "knot.toml";
    draft->code = REEF_BADCONFIG;
    reef_message_add(&message, reef_setting_name(setting));
    reef_message_add(&message, why);
    draft->sentence = (reef_str){message.text, message.len};
    draft->secret = reef_setting_is_secret(setting);
    draft->column = origin->column;
    if (origin->source == REEF_FROM_ENV)
        draft->name = reef_setting_env(setting);
    else if (origin->source == REEF_FROM_DEFAULT) /* set by the caller's own hand */
        draft->name = "config";
    else
        judge_place(r, origin, &draft->mark, &draft->size);
    if (judge_is_behind(document.text, &draft->mark) ||
        !judge_leads(document.text, &draft->mark))
        draft->secret = true;
    draft->entry = draft->before = draft->mark.line_at;
    draft->entry_end = reef_str_find(document.text, '\n', draft->mark.at);
    reef_report_put(r->report, r->error, &document, draft);
    if (!draft->warning)
        reef_intake_bad(r, -1, REEF_BADCONFIG);
}

/* ---- hosts -------------------------------------------------------------------- */

/* Where another setting was set that is part of what is wrong. */
static void judge_add_first(const reef_intake *r, const reef_origin *first,
                            const char *note, reef_finding_draft *draft)
{
    if (first->source != REEF_FROM_FILE || r->document.text.len == 0)
        return;
    judge_place(r, first, &draft->first, &draft->first_size);
    draft->has_first = true;
    draft->note = note;
}

/* A Sentinel is reached over TCP alone; so is whatever it tells of. */
static void judge_local_sentinel(reef_intake *r, const reef_origin *host)
{
    reef_finding_draft draft = {
        .hint = reef_str_of("write \"host:port\", or leave out master_name")};
    if (host->source == REEF_FROM_FILE)
        judge_add_first(r, &r->config->origins[REEF_SET_MASTER_NAME],
                        "the master is named here", &draft);
    judge_say(r, REEF_SET_HOSTS, host,
              ": found a socket path; Sentinels are reached over TCP", &draft);
}

static void judge_sockets(reef_intake *r)
{
    const reef_config *config = r->config;
    reef_finding_draft draft = {
        .hint = reef_str_of("a socket path stands alone: write one host")};
    uint32_t i = 0;
    while (i < config->host_count && config->hosts[i].kind != REEF_HOST_UNIX)
        i++;
    if (i == config->host_count)
        return;
    if (judge_is_good(r, REEF_SET_MASTER_NAME) && config->master_name[0] != 0)
        judge_local_sentinel(r, &config->hosts[i].origin);
    else if (config->host_count > 1)
        judge_say(r, REEF_SET_HOSTS, &config->hosts[i].origin,
                  ": found a socket path among several hosts", &draft);
}

/* Several hosts without a master are a cluster. The db may be in the file and the hosts
 * in the environment, or the other way round: both are named. */
static void judge_db(reef_intake *r)
{
    const reef_config *config = r->config;
    const reef_origin *db = &config->origins[REEF_SET_DB];
    const reef_origin *hosts = &config->origins[REEF_SET_HOSTS];
    reef_finding_draft draft = {
        .hint = reef_str_of(db->source == REEF_FROM_ENV
                                ? "set KNOT_REDIS_DB=0, or one host, or a master_name"
                                : "write db = 0, or one host, or set master_name")};
    if (config->host_count < 2 || config->master_name[0] != 0 || config->db == 0)
        return;
    if (db->source == REEF_FROM_FILE)
        judge_add_first(r, hosts, "the hosts are set here", &draft);
    reef_message why = {0};
    reef_message_add(&why, " is not 0, but ");
    if (hosts->source == REEF_FROM_ENV) {
        reef_message_add(&why, "the hosts of KNOT_REDIS_HOSTS");
    } else if (db->source == REEF_FROM_ENV && hosts->source == REEF_FROM_FILE) {
        reef_message_add(&why, "the hosts on line ");
        reef_message_number(&why, hosts->line);
        reef_message_add(&why, " of the file");
    } else {
        reef_message_add(&why, "several hosts");
    }
    reef_message_add(&why, " are a cluster, which has db 0 alone");
    judge_say(r, REEF_SET_DB, db, why.text, &draft);
}

/* hosts = []: then the one host is the default, told by its origin. */
static bool judge_is_empty(const reef_intake *r)
{
    const reef_origin *list = &r->config->origins[REEF_SET_HOSTS];
    const reef_origin *first = &r->config->hosts[0].origin;
    return list->source == REEF_FROM_FILE && first->source == REEF_FROM_FILE &&
           list->line == first->line && list->column == first->column;
}

/* As in knot the default comes in its place, which is rarely what was meant. */
static void judge_empty(reef_intake *r)
{
    reef_finding_draft draft = {
        .warning = true, .hint = reef_str_of("write hosts = [\"localhost:6379\"]")};
    if (judge_is_empty(r))
        judge_say(r, REEF_SET_HOSTS, &r->config->origins[REEF_SET_HOSTS],
                  " is empty, so localhost:6379 is used", &draft);
}

/* ---- the rest ----------------------------------------------------------------- */

/* Sentinel's settings are of no use without the name of the master. */
static void judge_sentinel(reef_intake *r, reef_setting setting, bool set)
{
    reef_finding_draft draft = {.hint =
                                    reef_str_of("set master_name, or leave this out")};
    if (r->config->master_name[0] == 0 && set && judge_is_good(r, setting))
        judge_say(r, setting, &r->config->origins[setting],
                  " is set, but master_name is not", &draft);
}

/* Switched off by hand, or hosts are named and switched on is nothing. */
static void judge_enabled(reef_intake *r)
{
    const reef_origin *enabled = &r->config->origins[REEF_SET_ENABLED];
    const reef_origin *hosts = &r->config->origins[REEF_SET_HOSTS];
    reef_finding_draft draft = {.warning = true,
                                .hint = reef_str_of("write enabled = true")};
    if (enabled->source == REEF_FROM_ENV)
        draft.hint = reef_str_of("set KNOT_REDIS_ENABLED=true");
    if (enabled->source != REEF_FROM_DEFAULT) {
        judge_say(r, REEF_SET_ENABLED, enabled,
                  " is false, so knot uses neither Redis nor Valkey", &draft);
        return;
    }
    draft.hint = reef_str_of("add enabled = true");
    if (hosts->source != REEF_FROM_DEFAULT && judge_is_good(r, REEF_SET_HOSTS) &&
        !judge_is_empty(r))
        judge_say(r, REEF_SET_HOSTS, hosts,
                  " are set, but enabled is not, so knot does not use them", &draft);
}

void reef_read_check(reef_intake *r)
{
    bool hosts = judge_is_good(r, REEF_SET_HOSTS);
    bool master = judge_is_good(r, REEF_SET_MASTER_NAME);
    if (hosts)
        judge_sockets(r);
    if (hosts && master && judge_is_good(r, REEF_SET_DB))
        judge_db(r);
    if (hosts)
        judge_empty(r);
    if (master) {
        const reef_config *config = r->config;
        judge_sentinel(r, REEF_SET_SENTINEL_USERNAME,
                       config->sentinel_username[0] != 0);
        judge_sentinel(r, REEF_SET_SENTINEL_PASSWORD,
                       config->sentinel_password[0] != 0);
        judge_sentinel(r, REEF_SET_FAILOVER, config->failover_announced);
    }
    if (!r->config->enabled && judge_is_good(r, REEF_SET_ENABLED))
        judge_enabled(r);
}
