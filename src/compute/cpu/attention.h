/* attention.h - attention of one sequence, by means of the matrix kernels. */
#ifndef GRT_COMPUTE_CPU_ATTENTION_H
#define GRT_COMPUTE_CPU_ATTENTION_H

#include "compute/cpu/kernels/kernels.h"
#include "compute/rows.h"

/* Attention of query heads that share keys and values over one sequence, whose keys and
 * values lie in two pieces: the n_prefix that it shares with others, then its own
 * n_keys.  For each head
 * out[i] = softmax(scale * q[i] . key[j]) value[j] over all j or, when is_causal, over
 * the prefix and the own keys 0..first_query + i.  With a window, query i, which stands
 * at key n_prefix + first_query + i, sees of these only the `window` keys on each side
 * of its own (Longformer, Beltagy et al. 2020, arXiv 2004.05150).  With either,
 * first_query + n_queries <= n_keys.  Where there is no key to see, out is zero.
 * Blockwise with a running maximum (Milakov & Gimelshein 2018; FlashAttention), never a
 * full score matrix.  The product with the values is in bf16 where the kernels'
 * matrices are; scores, softmax and all sums are in f32.  No bit of a result depends on
 * where the pieces meet, nor on the other queries and heads in the call. */
typedef struct grt_attention_args {
    const float *q;        /* [n_queries][ld_q], rows of [n_heads][head_size] */
    const float *prefix_k; /* [n_prefix][ld_kv] */
    const float *prefix_v; /* [n_prefix][ld_kv] */
    const float *k;        /* [n_keys][ld_kv] */
    const float *v;        /* [n_keys][ld_kv] */
    float *out;            /* [n_queries][ld_out], rows as in q */
    size_t ld_q, ld_kv, ld_out;
    size_t n_queries, n_prefix, n_keys;
    size_t first_query; /* own key at which query 0 stands */
    size_t n_heads;
    size_t head_size; /* any, at most GRT_MAX_HEAD_SIZE */
    float scale;      /* >= 0 */
    int is_causal;
    size_t window; /* keys seen on each side; 0: all */
} grt_attention_args;
enum {
    GRT_ATTENTION_KEYS = 256 /* of a block */
};

/* scratch: grt_attention_scratch_bytes(n_queries, n_heads, head_size), 64-byte aligned.
 */
void grt_attention(const grt_kernels *kernels, const grt_attention_args *args,
                   void *scratch);
size_t grt_attention_scratch_bytes(size_t n_queries, size_t n_heads, size_t head_size);

#endif /* GRT_COMPUTE_CPU_ATTENTION_H */
