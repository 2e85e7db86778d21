/* SPDX-License-Identifier: Apache-2.0
 *
 * list: all sessions of a user, or of everyone, under the deadline of a job. */
#ifndef REEF_SESSION_LIST_H
#define REEF_SESSION_LIST_H
#include "session/job.h"
#include "session/sessions.h"

/* user_id empty: everyone's. `batch` is scratch. REEF_OK, or the job's error says why;
 * then `list` holds a part that counts for nothing. */
reef_code reef_list_collect(reef_job *, reef_batch *, reef_str user_id,
                            reef_sessions *list);

#endif
