/* scoring.c - see scoring.h. */
#include "rank/scoring.h"

#include <math.h>
#include <string.h>

enum { HEAD_ROWS = 32 }; /* sequences that the head reads in one go */

/* The last sequence first, so that none is overwritten before it was read. */
void grt_derive_features(const grt_network *network, const float *pooled, size_t n,
                         float *features)
{
    size_t d = network->hidden_size, size = grt_pooled_size(network);
    for (size_t i = n; i-- > 0;) {
        float *own = features + i * grt_features_size(network);
        memmove(own, pooled + i * size, size * sizeof(float));
        for (size_t j = 0; j < d && grt_pools_query(network); j++)
            own[3 * d + j] = fabsf(own[d + j] - own[2 * d + j]);
    }
}

float grt_read_out(const grt_readout *readout, const float *features)
{
    double sum = 0.0;
    for (size_t i = 0; i < readout->n_features; i++)
        sum += (double)features[i] * (double)readout->weights[i];
    return (float)(sum + (double)readout->bias);
}

size_t grt_scoring_bytes(const grt_network *network, size_t n_threads)
{
    size_t d = network->hidden_size;
    size_t head = (2 * HEAD_ROWS + n_threads) * d;
    size_t readout = n_threads * grt_features_size(network);
    return (head > readout ? head : readout) * sizeof(float);
}

/* What the head reads of a row. */
static void read_row(const grt_network *network, const grt_kernels *kernels, float *dst,
                     const float *row)
{
    if (network->architecture->head_row)
        network->architecture->head_row(network, kernels, dst, row);
    else
        memcpy(dst, row, network->hidden_size * sizeof(float));
}

/* What the head reads of sequence i; scratch: [hidden_size]. */
static void scored_state(const grt_network *network, const grt_kernels *kernels,
                         const grt_scored *scored, size_t i, float *state,
                         float *scratch)
{
    const grt_scored_sequence *sequence = &scored->sequences[i];
    size_t d = network->hidden_size, n = sequence->n_rows;
    const float *rows = scored->hidden + sequence->first_row * d;
    grt_span span = grt_scored_rows(network, n);
    if (span.n == 1) {
        read_row(network, kernels, state, rows + span.first * d);
        return;
    }
    memset(state, 0, d * sizeof(float));
    for (size_t row = span.first; row < span.first + span.n; row++) {
        read_row(network, kernels, scratch, rows + row * d);
        kernels->add(state, scratch, d);
    }
    float scale = 1.0f / (float)span.n;
    for (size_t j = 0; j < d; j++)
        state[j] *= scale;
}

typedef struct state_job {
    const grt_network *network;
    const grt_kernels *kernels;
    const grt_scored *scored;
    size_t first;  /* sequence */
    float *states; /* [tasks][hidden_size] */
    float *rows;   /* [n_threads][hidden_size] */
} state_job;

static void state_task(size_t task, size_t worker, void *payload)
{
    const state_job *job = payload;
    size_t d = job->network->hidden_size;
    scored_state(job->network, job->kernels, job->scored, job->first + task,
                 job->states + task * d, job->rows + worker * d);
}

void grt_score_by_head(const grt_network *network, const grt_workspace *workspace,
                       const grt_scored *scored, float *scores, void *scratch)
{
    size_t d = network->hidden_size;
    float *states = scratch, *rest = states + HEAD_ROWS * d;
    state_job job = {network, workspace->kernels,  scored, 0,
                     states,  rest + HEAD_ROWS * d};
    for (size_t first = 0; first < scored->n; first += HEAD_ROWS) {
        size_t n = scored->n - first < HEAD_ROWS ? scored->n - first : HEAD_ROWS;
        job.first = first;
        grt_pool_run(workspace->pool, n, state_task, &job);
        network->architecture->logits(network, workspace, scored->layer, states, n,
                                      scores + first, rest);
    }
}

/* The mean over rows first..first+n-1 of the pair, those in the chunk. */
static void mean_of(const grt_network *network, const grt_kernels *kernels,
                    const grt_scored *scored, size_t i, size_t first, size_t n,
                    float *mean)
{
    size_t d = network->hidden_size;
    memset(mean, 0, d * sizeof(float));
    if (n == 0) return;
    size_t row = scored->sequences[i].first_row + first - scored->n_prefix;
    for (size_t j = 0; j < n; j++)
        kernels->add(mean, scored->hidden + (row + j) * d, d);
    float scale = 1.0f / (float)n;
    for (size_t j = 0; j < d; j++)
        mean[j] *= scale;
}

static void pool_one(const grt_network *network, const grt_kernels *kernels,
                     const grt_scored *scored, size_t i, float *pooled)
{
    size_t d = network->hidden_size;
    const grt_pair_spans *spans = scored->sequences[i].spans;
    scored_state(network, kernels, scored, i, pooled, pooled + d);
    mean_of(network, kernels, scored, i, spans->first_document, spans->n_document,
            pooled + d);
    if (grt_pools_query(network))
        mean_of(network, kernels, scored, i, spans->first_query, spans->n_query,
                pooled + 2 * d);
}

typedef struct pool_job {
    const grt_network *network;
    const grt_kernels *kernels;
    const grt_scored *scored;
    const grt_readout *readout;
    float *pooled; /* [n][pooled size], or with a readout [n_threads][features size] */
    float *scores;
} pool_job;

static void pool_task(size_t task, size_t worker, void *payload)
{
    (void)worker;
    const pool_job *job = payload;
    pool_one(job->network, job->kernels, job->scored, task,
             job->pooled + task * grt_pooled_size(job->network));
}

void grt_pool_states(const grt_network *network, const grt_workspace *workspace,
                     const grt_scored *scored, float *pooled)
{
    pool_job job = {network, workspace->kernels, scored, NULL, pooled, NULL};
    grt_pool_run(workspace->pool, scored->n, pool_task, &job);
}

static void readout_task(size_t task, size_t worker, void *payload)
{
    const pool_job *job = payload;
    float *features = job->pooled + worker * grt_features_size(job->network);
    pool_one(job->network, job->kernels, job->scored, task, features);
    grt_derive_features(job->network, features, 1, features);
    job->scores[task] = grt_read_out(job->readout, features);
}

void grt_score_by_readout(const grt_network *network, const grt_workspace *workspace,
                          const grt_scored *scored, const grt_readout *readout,
                          float *scores, void *scratch)
{
    pool_job job = {network, workspace->kernels, scored, readout, scratch, scores};
    grt_pool_run(workspace->pool, scored->n, readout_task, &job);
}
