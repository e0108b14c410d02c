/* reader.c - see reader.h.
 *
 * The queue is a list through the jobs themselves, in the order in which they will run:
 * it holds a few dozen jobs, and submitting cannot fail.
 *
 * Invariants (under the lock):
 *   1. The list holds exactly the jobs whose state is queued, by rising priority.
 *   2. At most one job is running; only the thread starts and ends it.
 *   3. The thread touches a job only while that is queued or running. */
#include "stream/reader.h"

#include "base/memory.h"
#include "os/os.h"

#include <assert.h>

struct grt_reader {
    grt_os_thread thread;
    bool is_started;
    uint64_t process; /* in which the thread runs */
    /* guarded by lock */
    grt_os_mutex lock;
    grt_os_condition work_ready;
    grt_os_condition job_done;
    grt_job *first;
    grt_job *running; /* NULL: none */
    bool is_stopping;
};

static void job_finish(grt_reader *reader, grt_job *job, grt_status status)
{
    job->status = status;
    job->state = GRT_JOB_DONE;
    grt_os_wake_all(&reader->job_done);
}

/* Called under the lock, which is let go while the job runs. */
static void run_first(grt_reader *reader)
{
    grt_job *job = reader->first;
    reader->first = job->next;
    assert(job->state == GRT_JOB_QUEUED && !reader->running);
    job->state = GRT_JOB_RUNNING;
    reader->running = job;
    grt_os_unlock(&reader->lock);
    grt_status status =
        grt_job_is_cancelled(job) ? GRT_E_CANCELLED : job->run(job, &job->error);
    grt_os_lock(&reader->lock);
    reader->running = NULL;
    job_finish(reader, job, status);
}

static void *reader_main(void *argument)
{
    grt_reader *reader = argument;
    grt_os_lock(&reader->lock);
    for (;;) {
        while (!reader->first && !reader->is_stopping)
            grt_os_wait(&reader->work_ready, &reader->lock);
        if (reader->is_stopping) break;
        run_first(reader);
    }
    grt_os_unlock(&reader->lock);
    return NULL;
}

grt_status grt_reader_create(grt_reader **out, grt_error *err)
{
    grt_reader *reader;
    GRT_TRY(grt_alloc_array(&reader, 1, sizeof(*reader), "the reader", err));
    reader->process = grt_os_process_id();
    grt_os_mutex_init(&reader->lock);
    grt_os_condition_init(&reader->work_ready);
    grt_os_condition_init(&reader->job_done);
    int code = grt_os_thread_start(&reader->thread, reader_main, reader);
    if (code != 0) {
        grt_reader_free(reader);
        GRT_FAIL(err, GRT_E_NO_MEMORY, "cannot start the reader thread: error %d",
                 code);
    }
    reader->is_started = true;
    *out = reader;
    return GRT_OK;
}

void grt_reader_submit(grt_reader *reader, grt_job *job)
{
    grt_os_lock(&reader->lock);
    assert(job->state == GRT_JOB_IDLE || job->state == GRT_JOB_DONE);
    assert(!reader->is_stopping);
    atomic_store(&job->is_cancelled, false);
    job->state = GRT_JOB_QUEUED;
    grt_job **link = &reader->first;
    while (*link && (*link)->priority <= job->priority)
        link = &(*link)->next;
    job->next = *link;
    *link = job;
    grt_os_wake_one(&reader->work_ready);
    grt_os_unlock(&reader->lock);
}

static bool is_pending(const grt_job *job)
{
    return job->state == GRT_JOB_QUEUED || job->state == GRT_JOB_RUNNING;
}

bool grt_reader_is_foreign(const grt_reader *reader)
{
    return reader->process != grt_os_process_id();
}

/* In a child the lock stays as the fork left it: the thread may have held it. */
static grt_status abandon(grt_job *job)
{
    if (is_pending(job)) {
        job->status = GRT_E_CANCELLED;
        job->state = GRT_JOB_DONE;
    }
    return job->state == GRT_JOB_IDLE ? GRT_OK : job->status;
}

grt_status grt_reader_wait(grt_reader *reader, grt_job *job)
{
    if (grt_reader_is_foreign(reader)) return abandon(job);
    grt_os_lock(&reader->lock);
    while (is_pending(job))
        grt_os_wait(&reader->job_done, &reader->lock);
    grt_status status = job->state == GRT_JOB_IDLE ? GRT_OK : job->status;
    grt_os_unlock(&reader->lock);
    return status;
}

bool grt_reader_wait_for(grt_reader *reader, grt_job *job, uint64_t ns)
{
    grt_os_lock(&reader->lock);
    bool is_in_time = true;
    while (is_pending(job) && is_in_time)
        is_in_time = grt_os_wait_for(&reader->job_done, &reader->lock, ns);
    bool is_done = !is_pending(job);
    grt_os_unlock(&reader->lock);
    return is_done;
}

static void take_out(grt_reader *reader, grt_job *job)
{
    grt_job **link = &reader->first;
    while (*link != job)
        link = &(*link)->next;
    *link = job->next;
}

void grt_reader_cancel(grt_reader *reader, grt_job *job)
{
    if (grt_reader_is_foreign(reader)) {
        (void)abandon(job);
        return;
    }
    grt_os_lock(&reader->lock);
    if (job->state == GRT_JOB_QUEUED) {
        take_out(reader, job);
        job_finish(reader, job, GRT_E_CANCELLED);
    }
    if (job->state == GRT_JOB_RUNNING) grt_job_ask_cancel(job);
    while (job->state == GRT_JOB_RUNNING)
        grt_os_wait(&reader->job_done, &reader->lock);
    grt_os_unlock(&reader->lock);
}

void grt_job_ask_cancel(grt_job *job)
{
    atomic_store(&job->is_cancelled, true);
}

bool grt_job_is_cancelled(const grt_job *job)
{
    return atomic_load(&job->is_cancelled);
}

bool grt_reader_is_pending(grt_reader *reader, const grt_job *job)
{
    grt_os_lock(&reader->lock);
    bool result = is_pending(job);
    grt_os_unlock(&reader->lock);
    return result;
}

static void stop_thread(grt_reader *reader)
{
    grt_os_lock(&reader->lock);
    reader->is_stopping = true;
    while (reader->first) {
        grt_job *job = reader->first;
        reader->first = job->next;
        job_finish(reader, job, GRT_E_CANCELLED);
    }
    if (reader->running) grt_job_ask_cancel(reader->running);
    grt_os_wake_one(&reader->work_ready);
    grt_os_unlock(&reader->lock);
    if (reader->is_started) grt_os_thread_join(&reader->thread);
    grt_os_condition_destroy(&reader->job_done);
    grt_os_condition_destroy(&reader->work_ready);
    grt_os_mutex_destroy(&reader->lock);
}

void grt_reader_free(grt_reader *reader)
{
    if (!reader) return;
    if (!grt_reader_is_foreign(reader)) stop_thread(reader);
    grt_free(reader);
}
