/* test_reader.c - jobs in order, waited for, cancelled, and failing. */
#include "child.h"

#include "base/memory.h"
#include "stream/reader.h"

#include <sched.h>

enum { N_JOBS = 6 };

/* What the reader's thread did, in order. */
typedef struct journal {
    atomic_int n_runs;
    uint64_t priorities[64];
} journal;

static grt_status note_run(grt_job *job, grt_error *err)
{
    journal *seen = job->payload;
    (void)err;
    seen->priorities[atomic_fetch_add(&seen->n_runs, 1)] = job->priority;
    return GRT_OK;
}

/* Holds the reader up until the flag is set or the job is cancelled. */
typedef struct gate {
    atomic_bool is_entered;
    atomic_bool is_open;
} gate;

static grt_status wait_at_gate(grt_job *job, grt_error *err)
{
    gate *g = job->payload;
    (void)err;
    atomic_store(&g->is_entered, true);
    while (!atomic_load(&g->is_open)) {
        if (grt_job_is_cancelled(job)) return GRT_E_CANCELLED;
        sched_yield();
    }
    return GRT_OK;
}

static grt_status fail_job(grt_job *job, grt_error *err)
{
    GRT_FAIL(err, GRT_E_IO, "disk %d is on fire", *(const int *)job->payload);
}

static grt_reader *start(void)
{
    grt_error err;
    grt_reader *reader = NULL;
    assert_ok(grt_reader_create(&reader, &err), &err);
    return reader;
}

/* Submits a job at a closed gate and waits until the reader stands there. */
static void block(grt_reader *reader, gate *g, grt_job *job)
{
    *job = (grt_job){.run = wait_at_gate, .payload = g};
    grt_reader_submit(reader, job);
    while (!atomic_load(&g->is_entered))
        sched_yield();
}

static void test_the_smallest_priority_runs_first(void **state)
{
    (void)state;
    static const uint64_t priorities[N_JOBS] = {5, 1, 3, 1, 9, 0};
    static const uint64_t sorted[N_JOBS] = {0, 1, 1, 3, 5, 9};
    grt_reader *reader = start();
    gate g = {0};
    journal seen = {0};
    grt_job blocker, jobs[N_JOBS];
    block(reader, &g, &blocker);
    for (size_t i = 0; i < N_JOBS; i++) {
        jobs[i] =
            (grt_job){.run = note_run, .payload = &seen, .priority = priorities[i]};
        grt_reader_submit(reader, &jobs[i]);
        assert_true(grt_reader_is_pending(reader, &jobs[i]));
    }
    atomic_store(&g.is_open, true);
    for (size_t i = 0; i < N_JOBS; i++)
        assert_int_equal(grt_reader_wait(reader, &jobs[i]), GRT_OK);
    assert_int_equal(atomic_load(&seen.n_runs), N_JOBS);
    for (size_t i = 0; i < N_JOBS; i++)
        assert_int_equal(seen.priorities[i], sorted[i]);
    assert_int_equal(jobs[0].state, GRT_JOB_DONE);
    grt_reader_free(reader);
}

static void test_a_job_runs_as_often_as_it_is_submitted(void **state)
{
    (void)state;
    grt_reader *reader = start();
    journal seen = {0};
    grt_job job = {.run = note_run, .payload = &seen};
    assert_int_equal(grt_reader_wait(reader, &job), GRT_OK); /* idle */
    grt_reader_cancel(reader, &job);
    assert_int_equal(job.state, GRT_JOB_IDLE);
    for (int i = 0; i < 50; i++) {
        grt_reader_submit(reader, &job);
        assert_int_equal(grt_reader_wait(reader, &job), GRT_OK);
        assert_false(grt_reader_is_pending(reader, &job));
    }
    assert_int_equal(atomic_load(&seen.n_runs), 50);
    grt_reader_free(reader);
}

static void test_an_error_stays_with_its_job(void **state)
{
    (void)state;
    grt_reader *reader = start();
    int disks[2] = {3, 4};
    grt_job first = {.run = fail_job, .payload = &disks[0]};
    grt_job second = {.run = fail_job, .payload = &disks[1]};
    grt_reader_submit(reader, &first);
    grt_reader_submit(reader, &second);
    assert_refused(grt_reader_wait(reader, &first), GRT_E_IO, &first.error, "disk 3");
    assert_refused(grt_reader_wait(reader, &second), GRT_E_IO, &second.error, "disk 4");
    grt_reader_free(reader);
}

static void test_cancel_takes_queued_jobs_and_stops_a_running_one(void **state)
{
    (void)state;
    grt_reader *reader = start();
    gate g = {0};
    journal seen = {0};
    grt_job blocker, jobs[3];
    block(reader, &g, &blocker);
    for (size_t i = 0; i < 3; i++) {
        jobs[i] = (grt_job){.run = note_run, .payload = &seen, .priority = i};
        grt_reader_submit(reader, &jobs[i]);
    }
    grt_reader_cancel(reader, &jobs[1]);
    assert_int_equal(jobs[1].status, GRT_E_CANCELLED);
    grt_job_ask_cancel(&jobs[2]);
    grt_reader_cancel(reader, &blocker);
    assert_int_equal(blocker.status, GRT_E_CANCELLED);
    assert_int_equal(grt_reader_wait(reader, &jobs[0]), GRT_OK);
    assert_int_equal(grt_reader_wait(reader, &jobs[1]), GRT_E_CANCELLED);
    assert_int_equal(grt_reader_wait(reader, &jobs[2]), GRT_E_CANCELLED);
    grt_reader_cancel(reader, &jobs[0]); /* done already */
    assert_int_equal(jobs[0].status, GRT_OK);
    assert_int_equal(atomic_load(&seen.n_runs), 1);
    grt_reader_submit(reader, &jobs[1]); /* what was cancelled may come again */
    assert_int_equal(grt_reader_wait(reader, &jobs[1]), GRT_OK);
    grt_reader_free(reader);
}

static void test_free_cancels_what_is_left(void **state)
{
    (void)state;
    grt_reader *reader = start();
    gate g = {0};
    journal seen = {0};
    grt_job blocker, queued = {.run = note_run, .payload = &seen};
    block(reader, &g, &blocker);
    grt_reader_submit(reader, &queued);
    grt_reader_free(reader);
    grt_reader_free(NULL);
    assert_int_equal(blocker.status, GRT_E_CANCELLED);
    assert_int_equal(queued.status, GRT_E_CANCELLED);
    assert_int_equal(atomic_load(&seen.n_runs), 0);
}

static void test_a_failing_allocation_is_reported(void **state)
{
    (void)state;
    grt_error err;
    grt_reader *reader = NULL;
    uint64_t before = grt_memory_now();
    grt_memory_fail_nth(1);
    assert_refused(grt_reader_create(&reader, &err), GRT_E_NO_MEMORY, &err, "reader");
    grt_memory_fail_nth(0);
    assert_null(reader);
    assert_int_equal(grt_memory_now(), before);
}

typedef struct forked {
    grt_reader *reader;
    grt_job *blocker, *queued, *idle;
} forked;

/* 0 when no call waits for the thread that a child does not have. */
static int leave_foreign_reader(void *payload)
{
    const forked *f = payload;
    if (!grt_reader_is_foreign(f->reader)) return 1;
    grt_reader_cancel(f->reader, f->blocker);
    if (f->blocker->status != GRT_E_CANCELLED) return 2;
    if (grt_reader_wait(f->reader, f->queued) != GRT_E_CANCELLED) return 3;
    if (grt_reader_wait(f->reader, f->idle) != GRT_OK) return 4;
    grt_reader_free(f->reader);
    return 0;
}

static void test_a_child_does_not_wait_for_the_thread(void **state)
{
    (void)state;
    grt_reader *reader = start();
    gate g = {0};
    journal seen = {0};
    grt_job blocker, queued = {.run = note_run, .payload = &seen};
    grt_job idle = {.run = note_run, .payload = &seen};
    block(reader, &g, &blocker);
    grt_reader_submit(reader, &queued);
    assert_false(grt_reader_is_foreign(reader));
    forked f = {reader, &blocker, &queued, &idle};
    assert_int_equal(in_child(leave_foreign_reader, &f), 0);
    atomic_store(&g.is_open, true); /* the parent's goes on */
    assert_int_equal(grt_reader_wait(reader, &queued), GRT_OK);
    assert_int_equal(atomic_load(&seen.n_runs), 1);
    grt_reader_free(reader);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_smallest_priority_runs_first),
        cmocka_unit_test(test_a_job_runs_as_often_as_it_is_submitted),
        cmocka_unit_test(test_an_error_stays_with_its_job),
        cmocka_unit_test(test_cancel_takes_queued_jobs_and_stops_a_running_one),
        cmocka_unit_test(test_free_cancels_what_is_left),
        cmocka_unit_test(test_a_failing_allocation_is_reported),
        cmocka_unit_test(test_a_child_does_not_wait_for_the_thread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
