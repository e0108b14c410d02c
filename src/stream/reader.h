/* reader.h - one thread that does input and output in the background.
 *
 *     grt_job job = {.run = read_layer, .payload = slot, .priority = 3};
 *     grt_reader_submit(reader, &job);            idle or done -> queued
 *     ...                                         queued -> running -> done
 *     grt_reader_wait(reader, &job);              job.status, job.error
 *
 * Jobs run one after another, the smallest priority first, equal ones in the order of
 * their submission; a running job is never set aside for a more urgent one.  A job
 * belongs to its owner, who must neither change nor free it from submit until wait or
 * cancel.  All functions are thread safe, but one job has one owner at a time. */
#ifndef GRT_STREAM_READER_H
#define GRT_STREAM_READER_H

#include "base/error.h"

#include <stdatomic.h>
#include <stdbool.h>

typedef enum grt_job_state {
    GRT_JOB_IDLE, /* never submitted; zeros are an idle job */
    GRT_JOB_QUEUED,
    GRT_JOB_RUNNING,
    GRT_JOB_DONE /* `status` is set */
} grt_job_state;

typedef struct grt_job grt_job;

/* Runs on the reader's thread.  A long one asks grt_job_is_cancelled now and then, and
 * stops with GRT_E_CANCELLED. */
typedef grt_status grt_job_fn(grt_job *job, grt_error *err);

struct grt_job {
    /* the owner's, set before submit */
    grt_job_fn *run;
    void *payload;
    uint64_t priority;
    /* what came of it: the owner's to read after wait or cancel */
    grt_status status;
    grt_error error; /* filled when status is not GRT_OK, except by a cancel */
    /* the reader's */
    grt_job_state state;
    grt_job *next;
    atomic_bool is_cancelled;
};

typedef struct grt_reader grt_reader;

/* Starts the thread. */
GRT_NODISCARD grt_status grt_reader_create(grt_reader **out, grt_error *err);

/* The job must be idle or done. */
void grt_reader_submit(grt_reader *reader, grt_job *job);

/* Returns the job's status when it is done (at once when idle: GRT_OK). */
grt_status grt_reader_wait(grt_reader *reader, grt_job *job);

/* Waits so long at most; whether the job is done (or idle). */
bool grt_reader_wait_for(grt_reader *reader, grt_job *job, uint64_t ns);

/* Takes a queued job from the queue; has a running one stop and waits until it has.
 * The status is GRT_E_CANCELLED then, or what the job gave if it ended first.  Idle and
 * done jobs stay as they are. */
void grt_reader_cancel(grt_reader *reader, grt_job *job);

/* Has the job stop soon, without waiting: before a series of grt_reader_cancel, so that
 * no job of the series starts while an earlier one stops. */
void grt_job_ask_cancel(grt_job *job);

/* For run functions. */
bool grt_job_is_cancelled(const grt_job *job);

/* Queued or running now. */
bool grt_reader_is_pending(grt_reader *reader, const grt_job *job);

/* True in a child of fork: the thread stayed behind in the parent.  What was pending is
 * never done there: wait and cancel make it GRT_E_CANCELLED; nothing may be submitted.
 */
bool grt_reader_is_foreign(const grt_reader *reader);

/* Cancels what is queued and running, and joins the thread; of a foreign reader only
 * its memory is freed, and jobs stay as they are.  Accepts NULL. */
void grt_reader_free(grt_reader *reader);

#endif /* GRT_STREAM_READER_H */
