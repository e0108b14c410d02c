/* queue.c - requests on their way. */
#include "serve/queue.h"

#include "serve/clock.h"

void serve_queue_init(serve_queue *queue, size_t limit)
{
    *queue = (serve_queue){.limit = limit};
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&queue->lock, NULL);
    pthread_cond_init(&queue->has_unread, NULL);
    pthread_cond_init(&queue->has_waiting, NULL);
    pthread_cond_init(&queue->has_ended, &monotonic);
    pthread_cond_init(&queue->has_deadline, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

void serve_queue_release(serve_queue *queue)
{
    pthread_cond_destroy(&queue->has_deadline);
    pthread_cond_destroy(&queue->has_ended);
    pthread_cond_destroy(&queue->has_waiting);
    pthread_cond_destroy(&queue->has_unread);
    pthread_mutex_destroy(&queue->lock);
}

void serve_queue_close(serve_queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    queue->is_closed = 1;
    pthread_cond_broadcast(&queue->has_unread);
    pthread_cond_broadcast(&queue->has_waiting);
    pthread_cond_broadcast(&queue->has_ended);
    pthread_cond_broadcast(&queue->has_deadline);
    pthread_mutex_unlock(&queue->lock);
}

/* The lock is held. */
static void set_state(serve_queue *queue, serve_job *job, serve_job_state state)
{
    queue->counts[job->state]--;
    queue->counts[state]++;
    job->state = state;
}

void serve_queue_add(serve_queue *queue, serve_job *job)
{
    pthread_mutex_lock(&queue->lock);
    job->number = ++queue->n_arrived;
    job->state = SERVE_JOB_UNREAD;
    queue->counts[SERVE_JOB_UNREAD]++;
    job->before = queue->last;
    job->after = NULL;
    if (queue->last)
        queue->last->after = job;
    else
        queue->first = job;
    queue->last = job;
    pthread_cond_signal(&queue->has_unread);
    pthread_mutex_unlock(&queue->lock);
}

serve_job *serve_queue_next_unread(serve_queue *queue)
{
    serve_job *job = NULL;
    pthread_mutex_lock(&queue->lock);
    for (;;) {
        for (job = queue->first; job && job->state != SERVE_JOB_UNREAD;)
            job = job->after;
        if (job || queue->is_closed) break;
        pthread_cond_wait(&queue->has_unread, &queue->lock);
    }
    if (job) set_state(queue, job, SERVE_JOB_READING);
    pthread_mutex_unlock(&queue->lock);
    return job;
}

static serve_job *most_urgent(const serve_queue *queue)
{
    serve_job *best = NULL;
    for (serve_job *job = queue->first; job; job = job->after) {
        if (job->state != SERVE_JOB_WAITING) continue;
        if (!best || job->request.priority < best->request.priority) best = job;
    }
    return best;
}

serve_job *serve_queue_next(serve_queue *queue)
{
    serve_job *job = NULL;
    pthread_mutex_lock(&queue->lock);
    while (!(job = most_urgent(queue)) && !queue->is_closed)
        pthread_cond_wait(&queue->has_waiting, &queue->lock);
    if (job) set_state(queue, job, SERVE_JOB_RUNNING);
    pthread_mutex_unlock(&queue->lock);
    return job;
}

static serve_job *most_due(const serve_queue *queue)
{
    serve_job *best = NULL;
    for (serve_job *job = queue->first; job; job = job->after) {
        if (job->state != SERVE_JOB_WAITING || !job->deadline_ns) continue;
        if (!best || job->deadline_ns < best->deadline_ns) best = job;
    }
    return best;
}

serve_job *serve_queue_next_late(serve_queue *queue)
{
    serve_job *job = NULL;
    pthread_mutex_lock(&queue->lock);
    for (;;) {
        job = most_due(queue);
        if (queue->is_closed || (job && job->deadline_ns <= serve_now_ns())) break;
        if (job) {
            struct timespec until = serve_timespec(job->deadline_ns);
            (void)pthread_cond_timedwait(&queue->has_deadline, &queue->lock, &until);
        } else {
            (void)pthread_cond_wait(&queue->has_deadline, &queue->lock);
        }
    }
    if (queue->is_closed) job = NULL; /* workers see to what is left */
    if (job) set_state(queue, job, SERVE_JOB_RUNNING);
    pthread_mutex_unlock(&queue->lock);
    return job;
}

int serve_queue_fits(serve_queue *queue)
{
    return serve_queue_count(queue, SERVE_JOB_WAITING) < queue->limit;
}

void serve_queue_put(serve_queue *queue, serve_job *job)
{
    pthread_mutex_lock(&queue->lock);
    set_state(queue, job, SERVE_JOB_WAITING);
    pthread_cond_signal(&queue->has_waiting);
    if (job->deadline_ns) pthread_cond_signal(&queue->has_deadline);
    pthread_mutex_unlock(&queue->lock);
}

void serve_queue_remove(serve_queue *queue, serve_job *job)
{
    pthread_mutex_lock(&queue->lock);
    if (job->before)
        job->before->after = job->after;
    else
        queue->first = job->after;
    if (job->after)
        job->after->before = job->before;
    else
        queue->last = job->before;
    queue->counts[job->state]--;
    queue->n_ended++;
    pthread_cond_broadcast(&queue->has_ended);
    pthread_mutex_unlock(&queue->lock);
}

void serve_queue_wait_ended(serve_queue *queue, uint64_t n_ended, uint64_t most_ns)
{
    struct timespec until = serve_timespec(serve_now_ns() + most_ns);
    pthread_mutex_lock(&queue->lock);
    while (queue->n_ended == n_ended && !queue->is_closed) {
        if (pthread_cond_timedwait(&queue->has_ended, &queue->lock, &until)) break;
    }
    pthread_mutex_unlock(&queue->lock);
}

size_t serve_queue_count(serve_queue *queue, serve_job_state state)
{
    pthread_mutex_lock(&queue->lock);
    size_t n = queue->counts[state];
    pthread_mutex_unlock(&queue->lock);
    return n;
}

size_t serve_queue_total(serve_queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    size_t n =
        queue->counts[0] + queue->counts[1] + queue->counts[2] + queue->counts[3];
    pthread_mutex_unlock(&queue->lock);
    return n;
}
