/* scoring.c - see scoring.h. */
#include "rank/scoring.h"

#include <math.h>
#include <string.h>

/* Sequences that a head reads, and of which states are pooled, in one go. */
enum { HEAD_ROWS = 32, POOL_ROWS = 16 };

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

/* The same from pooled states. */
static float read_pooled(const grt_network *network, const grt_readout *readout,
                         const float *pooled)
{
    size_t d = network->hidden_size, n_pooled = grt_pooled_size(network);
    double sum = 0.0;
    for (size_t i = 0; i < readout->n_features; i++) {
        float value =
            i < n_pooled
                ? pooled[i]
                : fabsf(pooled[d + i - n_pooled] - pooled[2 * d + i - n_pooled]);
        sum += (double)value * (double)readout->weights[i];
    }
    return (float)(sum + (double)readout->bias);
}

size_t grt_scoring_floats(const grt_network *network)
{
    size_t head =
        HEAD_ROWS * network->hidden_size + grt_logits_floats(network, HEAD_ROWS);
    size_t pooled = POOL_ROWS * grt_pooled_size(network);
    return head > pooled ? head : pooled;
}

size_t grt_readout_floats(const grt_network *network)
{
    return POOL_ROWS * grt_pooled_size(network);
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* ---- States ---- */

/* The rows of which means are taken: where the head reads the mean of a sequence, what
 * it reads of every row; else the hidden states. */
static grt_rows head_rows(const grt_network *network, const grt_workspace *workspace,
                          const grt_scored *scored)
{
    const grt_architecture *architecture = network->architecture;
    if (!network->reads_mean || !architecture->head_rows) return scored->hidden;
    grt_space space = grt_space_of(workspace->memory);
    grt_rows rows = grt_space_take(&space, scored->n_rows, network->hidden_size);
    architecture->head_rows(network, workspace->device, rows, scored->hidden,
                            scored->n_rows);
    return rows;
}

/* states[n] = what the head reads of sequences first..; rows: head_rows. */
static void take_states(const grt_network *network, const grt_workspace *workspace,
                        const grt_scored *scored, grt_rows rows, size_t first, size_t n,
                        grt_rows states)
{
    const grt_architecture *architecture = network->architecture;
    grt_device *device = workspace->device;
    grt_span spans[HEAD_ROWS];
    size_t at[HEAD_ROWS];
    for (size_t i = 0; i < n; i++) {
        const grt_scored_sequence *sequence = &scored->sequences[first + i];
        spans[i] = grt_scored_rows(network, sequence->n_rows);
        spans[i].first += sequence->first_row;
        at[i] = spans[i].first;
    }
    if (network->reads_mean) {
        grt_op_mean(device, states, rows, spans, n);
        return;
    }
    grt_op_gather(device, states, rows, at, n);
    if (architecture->head_rows)
        architecture->head_rows(network, device, states, states, n);
}

grt_status grt_score_by_head(const grt_network *network, const grt_workspace *workspace,
                             const grt_scored *scored, float *scores,
                             grt_memory *scratch, grt_error *err)
{
    grt_space space = grt_space_of(scratch);
    grt_rows states = grt_space_take(&space, HEAD_ROWS, network->hidden_size);
    grt_rows rows = head_rows(network, workspace, scored);
    for (size_t first = 0; first < scored->n; first += HEAD_ROWS) {
        size_t n = least(HEAD_ROWS, scored->n - first);
        take_states(network, workspace, scored, rows, first, n, states);
        GRT_TRY(network->architecture->logits(network, workspace->device, scored->layer,
                                              states, n, scores + first, space, err));
    }
    return GRT_OK;
}

/* ---- Pooled states ---- */

/* The means over documents, or over queries, of sequences first.. */
static void take_means(const grt_workspace *workspace, const grt_scored *scored,
                       bool is_query, size_t first, size_t n, grt_rows means)
{
    grt_span spans[POOL_ROWS];
    for (size_t i = 0; i < n; i++) {
        const grt_scored_sequence *sequence = &scored->sequences[first + i];
        const grt_pair_spans *pair = sequence->spans;
        spans[i] = is_query ? (grt_span){pair->first_query, pair->n_query}
                            : (grt_span){pair->first_document, pair->n_document};
        spans[i].first += sequence->first_row - scored->n_prefix;
    }
    grt_op_mean(workspace->device, means, scored->hidden, spans, n);
}

/* Of sequences first..first+n-1, n <= POOL_ROWS. */
static grt_status pool_some(const grt_network *network, const grt_workspace *workspace,
                            const grt_scored *scored, grt_rows rows, size_t first,
                            size_t n, float *pooled, grt_memory *scratch,
                            grt_error *err)
{
    size_t d = network->hidden_size;
    grt_space space = grt_space_of(scratch);
    grt_rows all = grt_space_take(&space, n, grt_pooled_size(network));
    take_states(network, workspace, scored, rows, first, n,
                grt_rows_columns(all, 0, d));
    take_means(workspace, scored, false, first, n, grt_rows_columns(all, d, d));
    if (grt_pools_query(network))
        take_means(workspace, scored, true, first, n, grt_rows_columns(all, 2 * d, d));
    return grt_op_download(workspace->device, all, n, pooled, err);
}

grt_status grt_pool_states(const grt_network *network, const grt_workspace *workspace,
                           const grt_scored *scored, float *pooled, grt_memory *scratch,
                           grt_error *err)
{
    grt_rows rows = head_rows(network, workspace, scored);
    for (size_t first = 0; first < scored->n; first += POOL_ROWS)
        GRT_TRY(pool_some(network, workspace, scored, rows, first,
                          least(POOL_ROWS, scored->n - first),
                          pooled + first * grt_pooled_size(network), scratch, err));
    return GRT_OK;
}

typedef struct readout_job {
    const grt_network *network;
    const grt_readout *readout;
    const float *pooled; /* [n][pooled size] */
    float *scores;       /* [n] */
} readout_job;

static void readout_task(size_t task, size_t worker, void *payload)
{
    (void)worker;
    const readout_job *job = payload;
    const float *pooled = job->pooled + task * grt_pooled_size(job->network);
    job->scores[task] = read_pooled(job->network, job->readout, pooled);
}

grt_status grt_score_by_readout(const grt_network *network,
                                const grt_workspace *workspace,
                                const grt_scored *scored, const grt_readout *readout,
                                float *scores, grt_memory *scratch, float *pooled,
                                grt_pool *pool, grt_error *err)
{
    grt_rows rows = head_rows(network, workspace, scored);
    for (size_t first = 0; first < scored->n; first += POOL_ROWS) {
        size_t n = least(POOL_ROWS, scored->n - first);
        GRT_TRY(pool_some(network, workspace, scored, rows, first, n, pooled, scratch,
                          err));
        readout_job job = {network, readout, pooled, scores + first};
        grt_pool_run(pool, n, readout_task, &job);
    }
    return GRT_OK;
}
