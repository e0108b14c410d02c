/* attention_scalar.c - attention row by row, with a running maximum.
 *
 * Milakov & Gimelshein 2018 (arXiv 1805.02867): keys are taken one at a time; when a
 * larger score appears, what was summed so far is scaled down. */
#include "kernels/kernels.h"

#include <math.h>

static void attend_row(const grt_attention_args *args, size_t row)
{
    const float *q = args->q + row * args->ld_q;
    float *out = args->out + row * args->ld_out;
    size_t n_own = args->is_causal ? row + 1 : args->n_keys;
    size_t n_keys = args->n_prefix + n_own, position = args->n_prefix + row;
    float most = -INFINITY, sum = 0.0f;
    for (size_t d = 0; d < args->head_size; d++)
        out[d] = 0.0f;
    for (size_t j = 0; j < n_keys; j++) {
        size_t distance = j < position ? position - j : j - position;
        if (args->window && distance > args->window) continue;
        int is_own = j >= args->n_prefix;
        size_t at = (is_own ? j - args->n_prefix : j) * args->ld_kv;
        const float *k = (is_own ? args->k : args->prefix_k) + at;
        const float *v = (is_own ? args->v : args->prefix_v) + at;
        float score = 0.0f;
        for (size_t d = 0; d < args->head_size; d++)
            score += q[d] * k[d];
        score *= args->scale;
        if (score > most) {
            float shrink = expf(most - score);
            for (size_t d = 0; d < args->head_size; d++)
                out[d] *= shrink;
            sum *= shrink;
            most = score;
        }
        float p = expf(score - most);
        sum += p;
        for (size_t d = 0; d < args->head_size; d++)
            out[d] += p * v[d];
    }
    for (size_t d = 0; d < args->head_size; d++)
        out[d] /= sum;
}

void grt_attention_scalar(const grt_attention_args *args, void *scratch)
{
    (void)scratch;
    for (size_t row = 0; row < args->n_queries; row++)
        attend_row(args, row);
}
