/* attention_shapes.h - attention by a choice of kernels against the formula in double,
 * at awkward sizes, on heap blocks of exact size. */
#ifndef GRT_TESTS_ATTENTION_SHAPES_H
#define GRT_TESTS_ATTENTION_SHAPES_H

#include "gemm_shapes.h"

#include "compute/cpu/attention.h"

/* n tokens with two query heads that share keys and values. */
typedef struct attention_shape {
    size_t n, head_size;
    int is_causal;
    size_t window;
} attention_shape;

enum { SHARING_HEADS = 2 };

/* Values that bf16 holds: what is left to differ is the rounding of weights. */
static float *random_bf16_block(size_t n)
{
    float *block = random_block(n);
    for (size_t i = 0; i < n; i++) {
        uint16_t rounded;
        grt_round_bf16_scalar(&rounded, &block[i], 1);
        grt_unpack_bf16_scalar(&block[i], &rounded, 1);
    }
    return block;
}

static bool sees(const grt_attention_args *args, size_t i, size_t j)
{
    if (args->is_causal && j > i) return false;
    return args->window == 0 || (j <= i + args->window && i <= j + args->window);
}

/* softmax in double, straight from the formula; out [n_queries][head_size]. */
static void reference_attention(const grt_attention_args *args, size_t head,
                                double *out)
{
    double *p = malloc(args->n_keys * sizeof(*p));
    assert_non_null(p);
    for (size_t i = 0; i < args->n_queries; i++, out += args->head_size) {
        const float *q = args->q + i * args->ld_q + head * args->head_size;
        double most = -HUGE_VAL, sum = 0.0;
        for (size_t j = 0; j < args->n_keys; j++) {
            p[j] = -HUGE_VAL;
            if (!sees(args, i, j)) continue;
            p[j] = 0.0;
            for (size_t d = 0; d < args->head_size; d++)
                p[j] += (double)q[d] * (double)args->k[j * args->ld_kv + d];
            p[j] *= (double)args->scale;
            most = fmax(most, p[j]);
        }
        for (size_t j = 0; j < args->n_keys; j++)
            sum += p[j] = exp(p[j] - most);
        for (size_t d = 0; d < args->head_size; d++) {
            out[d] = 0.0;
            for (size_t j = 0; j < args->n_keys; j++)
                out[d] += p[j] / sum * (double)args->v[j * args->ld_kv + d];
        }
    }
    free(p);
}

/* Bit-equality is asked of results that were computed each with its own scratch. */
static void attend(const grt_kernels *kernels, const grt_attention_args *args)
{
    size_t n =
        grt_attention_scratch_bytes(args->n_queries, args->n_heads, args->head_size);
    float *scratch = aligned_block(n / sizeof(float));
    memset(scratch, 0xFF, n); /* NaN: nothing may be read before it is written */
    grt_attention(kernels, args, scratch);
    free(scratch);
}

/* The queries from the first-th on, alone. */
static void attend_from(const grt_kernels *kernels, grt_attention_args args,
                        size_t first)
{
    args.q += first * args.ld_q;
    args.out += first * args.ld_out;
    args.n_queries -= first;
    args.first_query = first;
    attend(kernels, &args);
}

/* Head by head, in pieces: the first third of the sequence on its own, the other
 * queries with the keys of that third as prefix; then those of the second half, and the
 * last query, alone; and where there is no window the last one without a mask, since it
 * sees all keys. */
static void attend_in_pieces(const grt_kernels *kernels, grt_attention_args args)
{
    size_t n = args.n_keys, n_prefix = n / 3;
    /* without a mask the first third sees all keys; with a window query i stands at key
     * n_prefix + i, so that it can't see them through `rest` */
    size_t skip = args.is_causal || args.window ? n_prefix : 0;
    for (size_t head = 0; head < SHARING_HEADS; head++) {
        args.n_heads = 1;
        grt_attention_args first = args, rest = args, last = args;
        first.n_queries = n_prefix;
        if (args.is_causal) first.n_keys = n_prefix;
        attend(kernels, &first);
        rest.prefix_k = args.k;
        rest.prefix_v = args.v;
        rest.n_prefix = n_prefix;
        rest.k += n_prefix * args.ld_kv;
        rest.v += n_prefix * args.ld_kv;
        rest.n_keys = n - n_prefix;
        rest.q += skip * args.ld_q;
        rest.out += skip * args.ld_out;
        rest.n_queries = n - skip;
        attend(kernels, &rest);
        last.q += (n - 1) * args.ld_q;
        last.out += (n - 1) * args.ld_out;
        last.n_queries = 1;
        last.is_causal = 0;
        attend_from(kernels, args, n / 2);
        if (n) attend_from(kernels, args, n - 1);
        if (!args.window) attend(kernels, &last);
        args.q += args.head_size;
        args.out += args.head_size;
    }
}

static void check_attention_shape(const grt_kernels *kernels, attention_shape shape)
{
    size_t n = shape.n, head = shape.head_size, width = SHARING_HEADS * head;
    size_t ld_q = width + 1, ld_kv = head + 3;
    size_t q_size = (n - 1) * ld_q + width, kv_size = (n - 1) * ld_kv + head;
    float *q = random_bf16_block(q_size), *k = random_bf16_block(kv_size),
          *v = random_bf16_block(kv_size);
    float *out = random_block(q_size), *pieces = copy_block(out, q_size);
    double *wanted = malloc(n * head * sizeof(*wanted));
    assert_non_null(wanted);
    grt_attention_args args = {.q = q,
                               .k = k,
                               .v = v,
                               .out = out,
                               .ld_q = ld_q,
                               .ld_kv = ld_kv,
                               .ld_out = ld_q,
                               .n_queries = n,
                               .n_keys = n,
                               .n_heads = SHARING_HEADS,
                               .head_size = head,
                               .scale = 0.37f,
                               .is_causal = shape.is_causal,
                               .window = shape.window};
    /* a weight is rounded by 2^-8 of itself at most, and values are below 2 */
    double tolerance = 2e-5 + (kernels->gemm_bf16 ? 1.0 / 128.0 : 0.0);
    attend(kernels, &args);
    for (size_t h = 0; h < SHARING_HEADS; h++) {
        reference_attention(&args, h, wanted);
        for (size_t i = 0; i < n; i++)
            for (size_t d = 0; d < head; d++) {
                double found = (double)out[i * ld_q + h * head + d];
                if (!(fabs(found - wanted[i * head + d]) < tolerance))
                    fail_msg("%s: %zu x %zu, causal %d, window %zu: row %zu is %g, not "
                             "%g",
                             kernels->isa, n, head, shape.is_causal, shape.window, i,
                             found, wanted[i * head + d]);
            }
    }
    args.out = pieces;
    attend_in_pieces(kernels, args);
    assert_memory_equal(pieces, out, q_size * sizeof(*out));
    free(q);
    free(k);
    free(v);
    free(out);
    free(pieces);
    free(wanted);
}

/* No queries, and no keys for a query. */
static void check_empty_attention(const grt_kernels *kernels)
{
    float q[2] = {1.0f, 2.0f}, out[2] = {3.0f, 4.0f};
    grt_attention_args args = {.q = q, .out = out, .head_size = 2, .n_heads = 1};
    args.scale = 1.0f;
    attend(kernels, &args);
    assert_true(out[0] == 3.0f && out[1] == 4.0f);
    args.n_queries = 1;
    attend(kernels, &args);
    assert_true(out[0] == 0.0f && out[1] == 0.0f);
}

/* most: keys of the longest sequence, so that emulated kernels end in time. */
static void check_attention(const grt_kernels *kernels, size_t most)
{
    const size_t heads[] = {1, 26, 64, 128};
    const size_t rows[] = {1, 2, 16, 25, 33, 65};
    const size_t windows[] = {1, 16, 65, 300};
    const size_t long_rows[] = {256, 257, 531};
    check_empty_attention(kernels);
    for (int is_causal = 0; is_causal < 2; is_causal++) {
        for (size_t h = 0; h < 4; h++)
            for (size_t r = 0; r < 6; r++)
                check_attention_shape(
                    kernels, (attention_shape){rows[r], heads[h], is_causal, 0});
        check_attention_shape(kernels, (attention_shape){37, 512, is_causal, 0});
        /* windows within a block, over one end, and so narrow that whole blocks are
         * unseen */
        for (size_t w = 0; w < 4; w++) {
            const size_t n[] = {17, 131, 531};
            for (size_t i = 0; i < 3 && n[i] <= most; i++)
                check_attention_shape(
                    kernels, (attention_shape){n[i], 26, is_causal, windows[w]});
        }
        for (size_t r = 0; r < 3 && long_rows[r] <= most; r++)
            check_attention_shape(kernels,
                                  (attention_shape){long_rows[r], 26, is_causal, 0});
    }
}

#endif /* GRT_TESTS_ATTENTION_SHAPES_H */
