/* SPDX-License-Identifier: Apache-2.0
 *
 * See scan.h. A page that did not come leaves its pass where it was, at the same
 * cursor; while there are others to walk, that pass is broken for this round. */
#include "net/scan.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    PAGE_CURSOR = 20, /* digits of 64 bits */
    PAGE_SCAN = 1,    /* which of the step's replies answers what */
    PAGE_EXEC = REEF_SCAN_STEP_COMMANDS - 1
};

/* ---- passes ------------------------------------------------------------------- */

static void page_restart(reef_scan_pass *pass)
{
    snprintf(pass->cursor, sizeof pass->cursor, "0");
    pass->begun = pass->ended = pass->broken = false;
    pass->process[0] = '\0';
}

static bool page_room(reef_scan *scan, size_t count)
{
    if (count <= scan->pass_cap)
        return true;
    reef_scan_pass *passes = realloc(scan->passes, count * sizeof *passes);
    if (passes == NULL)
        return false;
    memset(passes + scan->pass_cap, 0, (count - scan->pass_cap) * sizeof *passes);
    scan->passes = passes;
    scan->pass_cap = count;
    return true;
}

bool reef_scan_passes(reef_scan *scan, const reef_scan_ids *ids)
{
    if (!page_room(scan, ids->count))
        return false;
    for (size_t i = 0; i < ids->count; i++) {
        reef_scan_pass *pass = &scan->passes[i];
        if (pass->cmd == NULL)
            pass->cmd = reef_cmd_new();
        if (pass->cmd == NULL)
            return false;
        memcpy(pass->id, ids->ids[i], sizeof pass->id);
        pass->pages = 0;
        page_restart(pass);
    }
    scan->pass_count = ids->count;
    scan->turn = 0;
    return true;
}

void reef_scan_passes_free(reef_scan *scan)
{
    for (size_t i = 0; i < scan->pass_cap; i++) {
        reef_cmd_free(scan->passes[i].cmd);
        reef_reply_free(scan->passes[i].page);
    }
    free(scan->passes);
    scan->passes = NULL;
    scan->pass_count = scan->pass_cap = 0;
}

/* ---- commands ----------------------------------------------------------------- */

static void page_build(const reef_scan *scan, const reef_scan_pass *pass)
{
    reef_cmd *cmd = pass->cmd;
    reef_cmd_begin(cmd, "SCAN");
    reef_cmd_text(cmd, pass->cursor);
    if (scan->match != NULL) {
        reef_cmd_text(cmd, "MATCH");
        reef_cmd_arg(cmd, (reef_str){scan->match, scan->match_len});
    }
    reef_cmd_text(cmd, "COUNT");
    reef_cmd_int(cmd, scan->count);
    if (scan->type != NULL) {
        reef_cmd_text(cmd, "TYPE");
        reef_cmd_arg(cmd, (reef_str){scan->type, scan->type_len});
    }
    reef_cmd_repeatable(cmd);
}

typedef struct page_step {
    size_t passes[REEF_SCAN_WIDTH]; /* whose */
    size_t count, each;             /* passes, and commands of each */
    const reef_cmd *cmds[REEF_SCAN_WIDTH * REEF_SCAN_STEP_COMMANDS];
    const char *ids[REEF_SCAN_WIDTH * REEF_SCAN_STEP_COMMANDS];
    reef_reply *replies[REEF_SCAN_WIDTH * REEF_SCAN_STEP_COMMANDS];
} page_step;

static void page_put(const reef_scan *scan, page_step *step, size_t index)
{
    const reef_scan_pass *pass = &scan->passes[index];
    size_t at = step->count * step->each;
    page_build(scan, pass);
    step->cmds[at] = scan->bare ? pass->cmd : scan->multi;
    if (!scan->bare) {
        step->cmds[at + PAGE_SCAN] = pass->cmd;
        step->cmds[at + PAGE_SCAN + 1] = scan->info;
        step->cmds[at + PAGE_EXEC] = scan->exec;
    }
    for (size_t i = 0; i < step->each; i++)
        step->ids[at + i] = pass->id;
    step->passes[step->count++] = index;
}

/* Those that go on, beginning with the one whose turn it is. */
static void page_choose(reef_scan *scan, page_step *step)
{
    size_t i = 0;
    step->count = 0;
    step->each = scan->bare ? 1 : REEF_SCAN_STEP_COMMANDS;
    for (; i < scan->pass_count && step->count < REEF_SCAN_WIDTH; i++) {
        size_t at = (scan->turn + i) % scan->pass_count;
        if (!scan->passes[at].ended && !scan->passes[at].broken)
            page_put(scan, step, at);
    }
    scan->turn = scan->pass_count > 0 ? (scan->turn + i) % scan->pass_count : 0;
}

/* ---- replies ------------------------------------------------------------------ */

/* Without zeros in front: whatever is 0 is the end. */
static bool page_cursor(reef_str text, char out[REEF_SCAN_WORD])
{
    for (; text.len > 1 && text.ptr[0] == '0'; text.len--)
        text.ptr++;
    if (text.len == 0 || text.len > PAGE_CURSOR)
        return false;
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] < '0' || text.ptr[i] > '9')
            return false;
    memcpy(out, text.ptr, text.len);
    out[text.len] = '\0';
    return true;
}

/* "run_id:" of INFO, at the beginning of a line; "" where there is none. */
static void page_process(reef_str info, char out[REEF_SCAN_WORD])
{
    static const char name[] = "run_id:";
    const size_t skip = sizeof name - 1;
    size_t at = 0, len = 0;
    while (at + skip < info.len && memcmp(info.ptr + at, name, skip) != 0) {
        const char *end = memchr(info.ptr + at, '\n', info.len - at);
        at = end != NULL ? (size_t)(end - info.ptr) + 1 : info.len;
    }
    for (at += skip; at < info.len && len < REEF_SCAN_WORD - 1 && info.ptr[at] > ' ';
         at++)
        out[len++] = info.ptr[at];
    out[len] = '\0';
}

static const reef_node *page_of(const reef_scan_pass *pass)
{
    const reef_node *root = reef_reply_root(pass->page);
    const reef_node *first = reef_at(root, 0);
    return reef_node_kind(first) == REEF_ARRAY ? first : root;
}

const reef_node *reef_scan_keys(const reef_scan_pass *pass)
{
    return reef_at(page_of(pass), 1);
}

/* The pages that a pass may have: an endless one is stopped some time. */
static uint64_t page_limit(const reef_scan *scan)
{
    return REEF_SCAN_PAGES_MIN + REEF_SCAN_STEPS_MAX / scan->count;
}

/* Takes the page over. Another process than the one before makes the pass begin anew;
 * what the page shows is there all the same. */
static reef_code page_take(const reef_scan *scan, reef_scan_pass *pass,
                           reef_reply *reply, reef_error *error)
{
    char process[REEF_SCAN_WORD] = "", cursor[REEF_SCAN_WORD];
    pass->page = reply;
    const reef_node *page = page_of(pass);
    if (page != reef_reply_root(reply))
        page_process(reef_text(reply, reef_at(reef_reply_root(reply), 1)), process);
    if (reef_count(page) != 2 || reef_node_kind(reef_at(page, 1)) != REEF_ARRAY ||
        !page_cursor(reef_text(reply, reef_at(page, 0)), cursor))
        return reef_client_fail(error, REEF_PROTOCOL,
                                "the answer to SCAN has another form");
    bool other = pass->begun && strcmp(pass->process, process) != 0;
    if (other)
        page_restart(pass);
    if (++pass->pages > page_limit(scan))
        return reef_client_fail(error, REEF_LIMIT, "SCAN does not come to an end");
    memcpy(pass->process, process, sizeof process);
    pass->begun = true;
    if (other)
        return REEF_OK;
    memcpy(pass->cursor, cursor, sizeof cursor);
    pass->ended = strcmp(cursor, "0") == 0;
    return REEF_OK;
}

/* A server that is full takes a SCAN, but puts nothing into a queue: what it refuses so
 * is the MULTI and not the SCAN. */
static bool page_no_queue(const reef_reply *reply)
{
    return strncmp(reef_reply_text(reply), "OOM ", 4) == 0;
}

/* Which of the step's replies says what went wrong; NULL: nothing did. `*bare` says
 * that it is not SCAN that is refused. */
static const reef_reply *page_trouble(reef_reply *const replies[], size_t each,
                                      bool *bare)
{
    *bare = false;
    if (each == 1)
        return reef_reply_code(replies[0]) == REEF_OK ? NULL : replies[0];
    if (reef_reply_code(replies[PAGE_EXEC]) == REEF_OK)
        return NULL;
    if (reef_reply_code(replies[PAGE_EXEC]) != REEF_REFUSED)
        return replies[PAGE_EXEC];
    for (size_t i = 0; i < each; i++) {
        if (reef_reply_code(replies[i]) == REEF_OK)
            continue;
        *bare = (i != PAGE_SCAN || page_no_queue(replies[i])) &&
                !reef_scan_may_mend(replies[i]);
        return replies[i];
    }
    return replies[PAGE_EXEC];
}

/* Errors within an EXEC that was carried out are values of its reply. */
static reef_code page_inner(const reef_reply *reply, reef_error *error)
{
    const reef_node *first = reef_at(reef_reply_root(reply), 0);
    reef_str text = reef_text(reply, first);
    if (reef_node_kind(first) != REEF_ERR)
        return REEF_OK;
    reef_client_fail(error, REEF_REFUSED, "");
    snprintf(error->text, sizeof error->text, "%.*s",
             (int)(text.len < REEF_ERROR_TEXT ? text.len : REEF_ERROR_TEXT), text.ptr);
    return REEF_REFUSED;
}

/* The page that a step got for a pass. `*later`: what failed may go well later. */
static reef_code page_read(reef_scan *scan, reef_scan_pass *pass, reef_reply *replies[],
                           size_t each, reef_error *error, bool *later)
{
    bool bare;
    const reef_reply *trouble = page_trouble(replies, each, &bare);
    *later = trouble != NULL && reef_scan_may_mend(trouble);
    if (trouble != NULL && bare) {
        scan->bare = true;
        return REEF_OK;
    }
    if (trouble != NULL)
        return reef_client_explain(trouble, error);
    reef_reply *reply = replies[each - 1];
    reef_code code = each > 1 ? page_inner(reply, error) : REEF_OK;
    if (code != REEF_OK)
        return code;
    replies[each - 1] = NULL;
    return page_take(scan, pass, reply, error);
}

void reef_scan_drop_pages(reef_scan *scan)
{
    for (size_t i = 0; i < scan->pass_count; i++) {
        reef_reply_free(scan->passes[i].page);
        scan->passes[i].page = NULL;
    }
    scan->given = 0;
    scan->key = NULL;
    scan->keys_left = 0;
}

/* What a step brought: the first thing that ends the walk, if there is one. */
static reef_code page_read_all(reef_scan *scan, page_step *step, const reef_term *term,
                               reef_error *error, bool *mends)
{
    reef_code worst = REEF_OK;
    for (size_t i = 0; i < step->count; i++) {
        reef_error why;
        reef_scan_pass *pass = &scan->passes[step->passes[i]];
        reef_reply **replies = step->replies + i * step->each;
        bool later;
        reef_code code = page_read(scan, pass, replies, step->each, &why, &later);
        if (code == REEF_OK)
            continue;
        pass->broken =
            later && scan->cover != NULL && reef_scan_over(term) != REEF_OVER_CALL;
        if (later)
            scan->trouble = why;
        if (worst == REEF_OK || !later) {
            worst = code;
            *error = why;
            *mends = later;
        }
    }
    return worst;
}

reef_code reef_scan_pages(reef_scan *scan, int64_t deadline_ms, reef_error *error,
                          bool *mends)
{
    page_step step;
    reef_term term = reef_scan_term(scan, deadline_ms);
    reef_scan_drop_pages(scan);
    page_choose(scan, &step);
    if (step.count == 0)
        return REEF_OK;
    const reef_flow flow = {.cmds = step.cmds,
                            .node_ids = step.ids,
                            .count = step.count * step.each,
                            .deadline_ms = term.until_ms,
                            .replies = step.replies};
    reef_client_flow(scan->client, scan->lane, &flow);
    reef_code code = page_read_all(scan, &step, &term, error, mends);
    if (code != REEF_OK && *mends && reef_scan_over(&term) == REEF_OVER_PATIENCE)
        reef_scan_impatient(scan);
    for (size_t i = 0; i < flow.count; i++)
        reef_reply_free(step.replies[i]);
    return code;
}
