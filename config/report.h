/* SPDX-License-Identifier: Apache-2.0
 *
 * report: how a finding is made. One draft says what is wrong and where; here it
 * becomes the line of a reef_error and the full finding of a reef_report, with the line
 * of the file under it. What of a file may be shown is judged in mask.h. */
#ifndef REEF_CONFIG_REPORT_H
#define REEF_CONFIG_REPORT_H
#include "config/config.h"
#include "config/mask.h"
#include "config/setting.h"
#include "config/text.h"
#include "config/toml.h"

/* A document that findings speak of; `text` may be empty: then no line is shown. */
typedef struct reef_document {
    const char *name;
    reef_str text;
} reef_document;

typedef struct reef_finding_draft {
    bool warning;
    reef_code code;          /* of the error */
    reef_str sentence, hint; /* hint may be empty */
    const char *name;        /* a variable, or the file itself; NULL: a place in it */
    reef_toml_mark mark;     /* the place */
    size_t size;             /* its bytes, 0 for one character */
    size_t entry;            /* where the key or header begins that it is part of */
    size_t entry_end;        /* and where the last line of it that was read ends */
    size_t before;           /* where the key or header in front of it begins */
    bool secret;             /* a secret stands there, whatever it looks like */
    uint32_t column;         /* of the place, where the document's text is empty */
    bool has_first;
    const char *note;     /* what the other place is: "it was set here first" */
    reef_toml_mark first; /* where it is */
    size_t first_size;
} reef_finding_draft;

/* Adds the finding to `report`, and puts it into `error` when it is an error and
 * `error` has none yet; each may be NULL. A report that is full only counts, but that
 * an error takes the place of the last warning. `document` may be NULL where the draft
 * has a name. */
void reef_report_put(reef_report *report, reef_error *error, const reef_document *,
                     const reef_finding_draft *);

/* An error that is no place in a document: `name` is a variable or a file. Returns
 * `code`. */
reef_code reef_report_fail(reef_report *report, reef_error *error, reef_code code,
                           const char *name, const reef_message *sentence);
/* Makes the caller's error the empty one; NULL is fine. */
void reef_error_clear(reef_error *);

/* Whether the line of the draft's place is shown with "***" in it. Then neither its
 * sentence nor its hint may quote what stands there. */
bool reef_report_masks(const reef_document *, const reef_finding_draft *);

/* A draft of what is said of a place in the key, header or value that a reader is at.
 * `secret`: it is that of a secret. */
reef_finding_draft reef_report_draft(const reef_toml *, const reef_toml_mark *,
                                     size_t size, bool secret);
/* The reader has stopped: what was expected, what stands there, where the other place
 * is, and a hint. `setting`: whose key was read last; NULL: none of reef's. Returns
 * the code of it. */
reef_code reef_report_reader(reef_report *report, reef_error *error,
                             const reef_document *, const reef_toml *,
                             const reef_setting_row *setting);

#endif
