/* test_operations.c - every operation of every device that runs here against plain
 * loops in double: one test for each, on rows that lie apart in wider ones, whose other
 * values must stay as they were. */
#include "test.h"

#include "base/cpu.h"
#include "compute/on_device.h"
#include "compute/unpack.h"

#include <math.h>

/* A device, and how far results may be from those in double: relative to the sum of
 * what they are made of for matrices, absolute (inputs are within -1..1) for attention,
 * and for all else. */
typedef struct device_case {
    const char *name;
    uint32_t features;
    grt_arithmetic arithmetic;
    double matrix_error, attention_error, error;
} device_case;

enum {
    AVX512 = GRT_CPU_AVX2 | GRT_CPU_AVX512,
    BF16 = AVX512 | GRT_CPU_AVX512_BF16,
    VNNI = AVX512 | GRT_CPU_AVX512_VNNI
};

static const device_case cases[] = {
    {"cpu scalar", 0, GRT_ARITHMETIC_F32, 1e-6, 1e-6, 4e-6},
    {"cpu avx2", GRT_CPU_AVX2, GRT_ARITHMETIC_F32, 1e-6, 1e-6, 4e-6},
    {"cpu avx512", AVX512, GRT_ARITHMETIC_F32, 1e-6, 1e-6, 4e-6},
    {"cpu neon", GRT_CPU_NEON, GRT_ARITHMETIC_F32, 1e-6, 1e-6, 4e-6},
    {"cpu avx512 bf16", BF16, GRT_ARITHMETIC_BF16, 8e-3, 8e-3, 4e-6},
    {"cpu avx2 int8", GRT_CPU_AVX2, GRT_ARITHMETIC_INT8, 5e-2, 1e-6, 4e-6},
    {"cpu avx512 int8", VNNI, GRT_ARITHMETIC_INT8, 3e-2, 1e-6, 4e-6},
};
enum { N_CASES = sizeof(cases) / sizeof(cases[0]), N_THREADS = 3 };

static const size_t widths[] = {1, 24, 67};
static const size_t row_counts[] = {0, 1, 33, 70};
enum { N_WIDTHS = 3, N_ROW_COUNTS = 4, MAX_ROWS = 70 };

static uint32_t seed = 1;

static size_t below(size_t n)
{
    seed = seed * 1664525u + 1013904223u;
    return (seed >> 8) % n;
}

static float random_float(void)
{
    return (float)below(2001) / 1000.0f - 1.0f;
}

/* Runs `check` on every device of the list that this machine is. */
typedef void check_fn(grt_device *device, const device_case *with);

static void on_all_devices(check_fn *check)
{
    grt_device_load load = {.n_rows = 512,
                            .most_inputs = 512,
                            .n_longest = 512,
                            .n_sharing = 2,
                            .head_size = 32};
    size_t n_run = 0;
    for (size_t i = 0; i < N_CASES; i++) {
        if (cases[i].features & ~grt_cpu_features()) continue;
        on_device on;
        on_device_open(&on, N_THREADS, cases[i].features, cases[i].arithmetic, &load);
        if (grt_device_arithmetic(on.device) == cases[i].arithmetic) {
            check(on.device, &cases[i]);
            n_run++;
        }
        on_device_close(&on);
    }
    assert_true(n_run > 0);
}

/* ---- Rows in wider rows ---- */

enum { LEFT = 3, RIGHT = 2 }; /* values beside those of a row */

typedef struct block {
    grt_device *device;
    grt_memory *memory;
    grt_rows all, rows;
    float *before, *after; /* [n_rows][stride] */
    size_t n_rows, width, stride;
} block;

static block make_block(grt_device *device, size_t n_rows, size_t width, int is_apart)
{
    block b = {.device = device, .n_rows = n_rows, .width = width, .stride = width};
    if (is_apart) b.stride += LEFT + RIGHT;
    size_t n = n_rows * b.stride;
    b.all = device_rows(device, &b.memory, n_rows, b.stride);
    b.rows = grt_rows_columns(b.all, is_apart ? LEFT : 0, width);
    b.before = malloc(2 * n * sizeof(float) + 1);
    assert_non_null(b.before);
    b.after = b.before + n;
    for (size_t i = 0; i < n; i++)
        b.before[i] = random_float();
    to_device(device, b.all, b.before, n_rows);
    return b;
}

static void free_block(block *b)
{
    grt_device_release(b->device, b->memory);
    free(b->before);
}

static size_t place_in(const block *b, size_t row, size_t i)
{
    return row * b->stride + (b->stride > b->width ? LEFT : 0) + i;
}

static double at(const block *b, size_t row, size_t i)
{
    return (double)b->before[place_in(b, row, i)];
}

/* What is on the device now, against wanted(row, i); beside it nothing has changed. */
typedef double wanted_fn(const void *of, size_t row, size_t i);

static void check_block(block *b, size_t n_rows, double error, wanted_fn *wanted,
                        const void *of)
{
    from_device(b->device, b->all, b->after, b->n_rows);
    for (size_t row = 0; row < b->n_rows; row++)
        for (size_t i = 0; i < b->width; i++) {
            size_t j = place_in(b, row, i);
            double found = (double)b->after[j];
            if (row < n_rows)
                assert_true(fabs(found - wanted(of, row, i)) <= error);
            else
                assert_true(b->after[j] == b->before[j]);
        }
    for (size_t row = 0; row < b->n_rows; row++)
        for (size_t i = 0; i < b->stride; i++) {
            size_t first = place_in(b, row, 0), j = row * b->stride + i;
            if (j < first || j >= first + b->width)
                assert_true(b->after[j] == b->before[j]);
        }
}

/* Two blocks, and what an operation on them is told. */
typedef struct pair {
    block y, x;
    float factor;
    grt_activation activation;
    double eps;
    const float *weight, *bias;
    const size_t *rows;
    const grt_span *spans;
} pair;

typedef void pair_fn(pair *p, const device_case *with, size_t n_rows);

/* Over all sizes, side by side and apart; blocks have one row that is not asked for. */
static void over_sizes(grt_device *device, const device_case *with, pair_fn *fn)
{
    for (size_t w = 0; w < N_WIDTHS; w++)
        for (size_t r = 0; r < N_ROW_COUNTS; r++)
            for (int is_apart = 0; is_apart < 2; is_apart++) {
                size_t n = row_counts[r];
                pair p = {.y = make_block(device, n + 1, widths[w], is_apart),
                          .x = make_block(device, n + 1, widths[w], is_apart)};
                fn(&p, with, n);
                free_block(&p.y);
                free_block(&p.x);
            }
}

/* ---- Value by value ---- */

static double sum(const void *of, size_t row, size_t i)
{
    const pair *p = of;
    return at(&p->y, row, i) + at(&p->x, row, i);
}

static void add_pair(pair *p, const device_case *with, size_t n)
{
    grt_op_add(p->y.device, p->y.rows, p->x.rows, n);
    check_block(&p->y, n, with->error, sum, p);
}

static void check_add(grt_device *device, const device_case *with)
{
    over_sizes(device, with, add_pair);
}

static void test_add(void **state)
{
    (void)state;
    on_all_devices(check_add);
}

static double scaled(const void *of, size_t row, size_t i)
{
    const pair *p = of;
    return at(&p->y, row, i) * (double)p->factor;
}

static void scale_pair(pair *p, const device_case *with, size_t n)
{
    p->factor = -0.37f;
    grt_op_scale(p->y.device, p->y.rows, p->factor, n);
    check_block(&p->y, n, with->error, scaled, p);
}

static void check_scale(grt_device *device, const device_case *with)
{
    over_sizes(device, with, scale_pair);
}

static void test_scale(void **state)
{
    (void)state;
    on_all_devices(check_scale);
}

static double activation_of(grt_activation activation, double x)
{
    switch (activation) {
    case GRT_ACTIVATION_GELU: return 0.5 * x * (1.0 + erf(x / sqrt(2.0)));
    case GRT_ACTIVATION_GELU_TANH:
        return 0.5 * x *
               (1.0 + tanh(sqrt(2.0 / acos(-1.0)) * (x + 0.044715 * x * x * x)));
    case GRT_ACTIVATION_SILU: return x / (1.0 + exp(-x));
    case GRT_ACTIVATION_TANH: return tanh(x);
    }
    return 0.0;
}

static double activated(const void *of, size_t row, size_t i)
{
    const pair *p = of;
    return activation_of(p->activation, at(&p->y, row, i));
}

static void activate_pair(pair *p, const device_case *with, size_t n)
{
    static const grt_activation kinds[] = {GRT_ACTIVATION_GELU, GRT_ACTIVATION_TANH};
    for (size_t k = 0; k < 2; k++) {
        p->activation = kinds[k];
        to_device(p->y.device, p->y.all, p->y.before, p->y.n_rows);
        grt_op_activate(p->y.device, kinds[k], p->y.rows, n);
        check_block(&p->y, n, with->error, activated, p);
    }
}

static void check_activate(grt_device *device, const device_case *with)
{
    over_sizes(device, with, activate_pair);
}

static void test_activate(void **state)
{
    (void)state;
    on_all_devices(check_activate);
}

static double gated(const void *of, size_t row, size_t i)
{
    const pair *p = of;
    return activated(of, row, i) * at(&p->x, row, i);
}

static void gate_pair(pair *p, const device_case *with, size_t n)
{
    static const grt_activation kinds[] = {
        GRT_ACTIVATION_GELU, GRT_ACTIVATION_GELU_TANH, GRT_ACTIVATION_SILU};
    for (size_t k = 0; k < 3; k++) {
        p->activation = kinds[k];
        to_device(p->y.device, p->y.all, p->y.before, p->y.n_rows);
        grt_op_gate(p->y.device, kinds[k], p->y.rows, p->x.rows, n);
        check_block(&p->y, n, with->error, gated, p);
    }
}

static void check_gate(grt_device *device, const device_case *with)
{
    over_sizes(device, with, gate_pair);
}

static void test_gate(void **state)
{
    (void)state;
    on_all_devices(check_gate);
}

/* ---- Norms ---- */

static grt_weight place_one(grt_device *device, grt_memory **memory, const void *data,
                            grt_weight_shape shape)
{
    grt_weight weight;
    size_t n_bytes = grt_device_place_bytes(device, &shape, 1);
    *memory = device_floats(device, n_bytes / sizeof(float));
    grt_op_place(device, *memory, &shape, &data, 1, &weight);
    return weight;
}

static double moment(const pair *p, size_t row, double mean, int power)
{
    double total = 0.0;
    for (size_t i = 0; i < p->x.width; i++)
        total += pow(at(&p->x, row, i) - mean, power);
    return total / (double)p->x.width;
}

static double rms_normed(const void *of, size_t row, size_t i)
{
    const pair *p = of;
    return at(&p->x, row, i) / sqrt(moment(p, row, 0.0, 2) + p->eps) *
           (double)p->weight[i];
}

static double layer_normed(const void *of, size_t row, size_t i)
{
    const pair *p = of;
    double mean = moment(p, row, 0.0, 1);
    return (at(&p->x, row, i) - mean) / sqrt(moment(p, row, mean, 2) + p->eps) *
               (double)p->weight[i] +
           (double)p->bias[i];
}

static void norm_pair(pair *p, const device_case *with, size_t n)
{
    grt_device *device = p->y.device;
    grt_memory *memory[2];
    float values[2][128];
    grt_weight_shape shape = {GRT_DTYPE_F32, p->x.width, 0, 0.0f};
    for (size_t i = 0; i < 2 * p->x.width; i++)
        values[i % 2][i / 2] = random_float();
    p->weight = values[0];
    p->bias = values[1];
    p->eps = (double)1e-2f;
    grt_weight weight = place_one(device, &memory[0], values[0], shape);
    grt_weight bias = place_one(device, &memory[1], values[1], shape);
    grt_op_rms_norm(device, p->y.rows, p->x.rows, n, &weight, 1e-2f);
    check_block(&p->y, n, with->error * 4, rms_normed, p);
    grt_op_layer_norm(device, p->y.rows, p->x.rows, n, &weight, &bias, 1e-2f);
    check_block(&p->y, n, with->error * 4, layer_normed, p);
    grt_op_layer_norm(device, p->x.rows, p->x.rows, n, &weight, &bias, 1e-2f);
    check_block(&p->x, n, with->error * 4, layer_normed, p); /* in place */
    grt_device_release(device, memory[0]);
    grt_device_release(device, memory[1]);
}

static void check_norms(grt_device *device, const device_case *with)
{
    over_sizes(device, with, norm_pair);
}

static void test_norms(void **state)
{
    (void)state;
    on_all_devices(check_norms);
}

/* ---- Rows from one place to another ---- */

static double copied(const void *of, size_t row, size_t i)
{
    const pair *p = of;
    return at(&p->x, p->rows ? p->rows[row] : row, i);
}

static double gathered_in_place(const void *of, size_t row, size_t i)
{
    const pair *p = of;
    return at(&p->y, p->rows[row], i);
}

static void move_pair(pair *p, const device_case *with, size_t n)
{
    (void)with;
    size_t rows[MAX_ROWS + 1], n_gathered = 0;
    grt_device *device = p->y.device;
    grt_op_copy(device, p->y.rows, p->x.rows, n);
    check_block(&p->y, n, 0.0, copied, p);
    to_device(device, p->y.all, p->y.before, p->y.n_rows);
    for (size_t i = 0; i < n; i++)
        if (below(3)) rows[n_gathered++] = i;
    p->rows = rows;
    grt_op_gather(device, p->y.rows, p->x.rows, rows, n_gathered);
    check_block(&p->y, n_gathered, 0.0, copied, p);
    to_device(device, p->y.all, p->y.before, p->y.n_rows);
    grt_op_gather(device, p->y.rows, p->y.rows, rows, n_gathered);
    from_device(device, p->y.all, p->y.after, p->y.n_rows);
    for (size_t row = 0; row < n_gathered; row++) /* what is behind them is free */
        for (size_t i = 0; i < p->y.width; i++)
            assert_true((double)p->y.after[place_in(&p->y, row, i)] ==
                        gathered_in_place(p, row, i));
}

static void check_moves(grt_device *device, const device_case *with)
{
    over_sizes(device, with, move_pair);
}

static void test_copy_and_gather(void **state)
{
    (void)state;
    on_all_devices(check_moves);
}

static double mean_of_span(const void *of, size_t row, size_t i)
{
    const pair *p = of;
    double total = 0.0;
    for (size_t r = 0; r < p->spans[row].n; r++)
        total += at(&p->x, p->spans[row].first + r, i);
    return p->spans[row].n ? total / (double)p->spans[row].n : 0.0;
}

static void mean_pair(pair *p, const device_case *with, size_t n)
{
    grt_span spans[MAX_ROWS];
    for (size_t i = 0; i < n; i++) {
        spans[i].first = below(n);
        spans[i].n = below(n + 1 - spans[i].first);
    }
    p->spans = spans;
    grt_op_mean(p->y.device, p->y.rows, p->x.rows, spans, n);
    check_block(&p->y, n, with->error, mean_of_span, p);
}

static void check_mean(grt_device *device, const device_case *with)
{
    over_sizes(device, with, mean_pair);
}

static void test_mean(void **state)
{
    (void)state;
    on_all_devices(check_mean);
}

/* Rows of the host: f32 as they are, halfs as the host unpacks them. */
static void upload_pair(pair *p, const device_case *with, size_t n)
{
    (void)with;
    static const grt_dtype dtypes[] = {GRT_DTYPE_F32, GRT_DTYPE_F16, GRT_DTYPE_BF16};
    for (size_t d = 0; d < 3; d++) {
        uint64_t n_bytes = 0;
        size_t n_values = n * p->x.width;
        assert_true(grt_dtype_bytes(&n_bytes, dtypes[d], n_values));
        unsigned char *data = malloc(n_bytes + 1);
        float *wanted = malloc(n_values * sizeof(*wanted) + 1);
        assert_non_null(data);
        assert_non_null(wanted);
        for (size_t i = 0; i < n_bytes; i++) /* 0x3C.. and below: finite */
            data[i] = (unsigned char)below(0x3C);
        if (n > 0) grt_unpack(wanted, data, dtypes[d], n_values);
        grt_op_upload(p->y.device, p->y.rows, data, dtypes[d], n);
        from_device(p->y.device, p->y.rows, p->y.after, n);
        assert_memory_equal(p->y.after, wanted, n_values * sizeof(*wanted));
        free(data);
        free(wanted);
    }
}

static void check_upload(grt_device *device, const device_case *with)
{
    over_sizes(device, with, upload_pair);
}

static void test_upload_and_download(void **state)
{
    (void)state;
    on_all_devices(check_upload);
}

static void check_borrow(grt_device *device, const device_case *with)
{
    (void)with;
    enum { N = 9, WIDTH = 5 };
    float stored[N * WIDTH];
    for (size_t i = 0; i < N * WIDTH; i++)
        stored[i] = (float)i;
    grt_error err;
    grt_rows rows = grt_op_borrow(device, stored, N, WIDTH);
    grt_op_scale(device, rows, 2.0f, N - 1);
    assert_ok(grt_op_give_back(device, rows, N, stored, &err), &err);
    for (size_t i = 0; i < N * WIDTH; i++)
        assert_true(stored[i] == (float)(i < (N - 1) * WIDTH ? 2 * i : i));
}

static void test_borrow_and_give_back(void **state)
{
    (void)state;
    on_all_devices(check_borrow);
}

/* ---- Weights ---- */

/* A matrix, a vector with an offset, nothing, a vector of halfs: each is found where it
 * was said to be. */
static void check_place(grt_device *device, const device_case *with)
{
    enum { N = 6, N_WEIGHTS = 4 };
    const float matrix[N] = {1, 2, 3, 4, 5, 6}, vector[2] = {0.5f, -0.25f};
    const uint16_t halfs[3] = {0x3C00, 0xC000, 0x3800}; /* 1, -2, 0.5 */
    const grt_weight_shape shapes[N_WEIGHTS] = {{GRT_DTYPE_F32, 2, 3, 0.0f},
                                                {GRT_DTYPE_F32, 2, 0, 1.0f},
                                                {GRT_DTYPE_F32, 0, 0, 0.0f},
                                                {GRT_DTYPE_F16, 3, 0, 0.0f}};
    const void *data[N_WEIGHTS] = {matrix, vector, NULL, halfs};
    grt_weight placed[N_WEIGHTS];
    size_t n_bytes = grt_device_place_bytes(device, shapes, N_WEIGHTS);
    grt_memory *memory = device_floats(device, n_bytes / sizeof(float));
    grt_op_place(device, memory, shapes, data, N_WEIGHTS, placed);
    assert_false(grt_weight_is_there(&placed[2]));
    assert_false(grt_weight_is_there(NULL));
    /* x = halfs through the norm's weight, y = matrix * x + vector + 1, last row only
     */
    block x = make_block(device, 1, 3, 1), y = make_block(device, 1, 2, 1);
    block last = make_block(device, 1, 1, 0);
    const float ones[3] = {1, 1, 1};
    to_device(device, x.rows, ones, 1);
    grt_op_rms_norm(device, x.rows, x.rows, 1, &placed[3], 0.0f);
    grt_op_linear(device, GRT_LINEAR_PRECISE, y.rows, x.rows, 1, &placed[0],
                  &placed[1]);
    grt_weight second = grt_weight_rows(&placed[0], 1, 1);
    grt_op_linear(device, GRT_LINEAR_PRECISE, last.rows, x.rows, 1, &second, NULL);
    from_device(device, y.rows, y.after, 1);
    from_device(device, last.rows, last.after, 1);
    assert_true(fabs((double)y.after[0] - (1 - 4 + 1.5 + 1.5)) < with->error);
    assert_true(fabs((double)y.after[1] - (4 - 10 + 3 + 0.75)) < with->error);
    assert_true(fabs((double)last.after[0] - (4 - 10 + 3)) < with->error);
    grt_device_release(device, memory);
    free_block(&x);
    free_block(&y);
    free_block(&last);
}

static void test_place(void **state)
{
    (void)state;
    on_all_devices(check_place);
}

/* A table in a block type, read from row 2 on. */
static void check_embed(grt_device *device, const device_case *with)
{
    enum { N = 11, WIDTH = 64, ROW_BYTES = 2 * 34, N_ROWS = 5 };
    unsigned char table[N * ROW_BYTES];
    float values[N * WIDTH];
    uint32_t ids[N_ROWS];
    for (size_t i = 0; i < sizeof(table); i++) /* upper bytes of a half: about 0.01 */
        table[i] = i % 34 == 1 ? 0x20 : (unsigned char)below(256);
    grt_unpack(values, table, GRT_DTYPE_Q8_0, N * WIDTH);
    grt_memory *memory;
    grt_weight all = place_one(device, &memory, table,
                               (grt_weight_shape){GRT_DTYPE_Q8_0, N, WIDTH, 0});
    grt_weight some = grt_weight_rows(&all, 2, N - 2);
    block x = make_block(device, N_ROWS, WIDTH, 1);
    for (size_t i = 0; i < N_ROWS; i++)
        ids[i] = (uint32_t)below(N - 2);
    grt_op_embed(device, x.rows, &some, ids, N_ROWS);
    from_device(device, x.rows, x.after, N_ROWS);
    for (size_t i = 0; i < N_ROWS * WIDTH; i++) {
        double wanted = at(&x, i / WIDTH, i % WIDTH) +
                        (double)values[(ids[i / WIDTH] + 2) * WIDTH + i % WIDTH];
        assert_true(fabs((double)x.after[i] - wanted) <= with->error);
    }
    free_block(&x);
    grt_device_release(device, memory);
}

static void test_embed(void **state)
{
    (void)state;
    on_all_devices(check_embed);
}

/* ---- Matrices ---- */

typedef struct linear_case {
    const block *y, *x;
    const float *weight, *bias;
    double before; /* share of y that stays */
} linear_case;

static double multiplied(const void *of, size_t row, size_t i)
{
    const linear_case *c = of;
    double total = c->before * at(c->y, row, i) + (double)c->bias[i];
    for (size_t j = 0; j < c->x->width; j++)
        total += at(c->x, row, j) * (double)c->weight[i * c->x->width + j];
    return total;
}

static void check_linear_size(grt_device *device, const device_case *with, size_t n,
                              size_t n_in, size_t n_out)
{
    float *weight = malloc(n_in * n_out * sizeof(*weight)), bias[128];
    assert_non_null(weight);
    for (size_t i = 0; i < n_in * n_out; i++)
        weight[i] = random_float();
    for (size_t i = 0; i < n_out; i++)
        bias[i] = random_float();
    grt_memory *memory[2];
    grt_weight w = place_one(device, &memory[0], weight,
                             (grt_weight_shape){GRT_DTYPE_F32, n_out, n_in, 0});
    grt_weight b = place_one(device, &memory[1], bias,
                             (grt_weight_shape){GRT_DTYPE_F32, n_out, 0, 0});
    block x = make_block(device, n, n_in, 1), y = make_block(device, n + 1, n_out, 1);
    linear_case c = {&y, &x, weight, bias, 0.0};
    double size = (double)n_in / 4.0 + 1.0; /* of what is summed, about */
    grt_op_linear(device, GRT_LINEAR_SET, y.rows, x.rows, n, &w, &b);
    check_block(&y, n, with->matrix_error * size, multiplied, &c);
    grt_op_linear(device, GRT_LINEAR_PRECISE, y.rows, x.rows, n, &w, &b);
    check_block(&y, n, 1e-6 * size, multiplied, &c);
    to_device(device, y.all, y.before, y.n_rows);
    c.before = 1.0;
    grt_op_linear(device, GRT_LINEAR_ADD, y.rows, x.rows, n, &w, &b);
    check_block(&y, n, with->matrix_error * size, multiplied, &c);
    grt_device_release(device, memory[0]);
    grt_device_release(device, memory[1]);
    free_block(&x);
    free_block(&y);
    free(weight);
}

static void check_linear(grt_device *device, const device_case *with)
{
    static const size_t inputs[] = {1, 50, 300};
    for (size_t r = 0; r < N_ROW_COUNTS; r++)
        for (size_t w = 0; w < N_WIDTHS; w++)
            for (size_t i = 0; i < 3; i++)
                check_linear_size(device, with, row_counts[r], inputs[i], widths[w]);
}

static void test_linear(void **state)
{
    (void)state;
    on_all_devices(check_linear);
}

/* ---- Rotary positions ---- */

typedef struct rope_case {
    const block *x;
    const float *cosines, *sines; /* [positions][half] */
    const grt_rope_op *op;
    const float *norm; /* NULL: none */
} rope_case;

/* Value i of a head, normed. */
static double of_head(const rope_case *c, size_t row, size_t head, size_t i)
{
    size_t first = head * c->op->head_size;
    double squares = 0.0;
    if (!c->norm) return at(c->x, row, first + i);
    for (size_t j = 0; j < c->op->head_size; j++)
        squares += pow(at(c->x, row, first + j), 2);
    return at(c->x, row, first + i) /
           sqrt(squares / (double)c->op->head_size + (double)c->op->eps) *
           (double)c->norm[i];
}

static double turned(const void *of, size_t row, size_t i)
{
    const rope_case *c = of;
    size_t size = c->op->head_size, half = size / 2, head = i / size, j = i % size;
    size_t k = j % half, position = c->op->positions[row];
    size_t low = c->op->is_interleaved ? 2 * k : k;
    size_t high = c->op->is_interleaved ? 2 * k + 1 : k + half;
    double cosine = (double)c->cosines[position * half + k];
    double sine = (double)c->sines[position * half + k];
    double a = of_head(c, row, head, low), b = of_head(c, row, head, high);
    return j < half ? a * cosine - b * sine : b * cosine + a * sine;
}

static void check_rope(grt_device *device, const device_case *with)
{
    enum { HEADS = 3, SIZE = 12, HALF = SIZE / 2, POSITIONS = 20, N = 35 };
    float tables[2][POSITIONS * HALF], norm[SIZE];
    uint32_t positions[N];
    grt_memory *memory, *norm_memory;
    grt_rows rows = device_rows(device, &memory, 2 * POSITIONS, HALF);
    for (size_t i = 0; i < POSITIONS * HALF; i++) {
        double angle = (double)below(628) / 100.0;
        tables[0][i] = (float)cos(angle);
        tables[1][i] = (float)sin(angle);
    }
    to_device(device, rows, tables[0], POSITIONS);
    to_device(device, grt_rows_from(rows, POSITIONS), tables[1], POSITIONS);
    for (size_t i = 0; i < SIZE; i++)
        norm[i] = random_float();
    for (size_t i = 0; i < N; i++)
        positions[i] = (uint32_t)below(POSITIONS);
    grt_weight weight = place_one(device, &norm_memory, norm,
                                  (grt_weight_shape){GRT_DTYPE_F32, SIZE, 0, 0});
    for (int variant = 0; variant < 4; variant++) {
        block x = make_block(device, N + 1, HEADS * SIZE, 1);
        grt_rope_op op = {.positions = positions,
                          .cosines = rows,
                          .sines = grt_rows_from(rows, POSITIONS),
                          .n_heads = HEADS,
                          .head_size = SIZE,
                          .norm = variant & 1 ? &weight : NULL,
                          .eps = 1e-2f,
                          .is_interleaved = variant & 2};
        rope_case c = {&x, tables[0], tables[1], &op, variant & 1 ? norm : NULL};
        grt_op_rope(device, x.rows, N, &op);
        check_block(&x, N, with->error, turned, &c);
        free_block(&x);
    }
    grt_device_release(device, memory);
    grt_device_release(device, norm_memory);
}

static void test_rope(void **state)
{
    (void)state;
    on_all_devices(check_rope);
}

/* ---- Attention ---- */

enum { HEADS = 4, KV_HEADS = 2, HEAD = 12, PREFIX = 7, SEQUENCES = 5 };

typedef struct attention_case {
    const grt_attention_op *op;
    block q, k, v, prefix_k, prefix_v, out;
} attention_case;

/* Key or value j of a sequence, counted from the first of the prefix where it is seen.
 */
static double key_at(const attention_case *c, const block *own, const block *prefix,
                     size_t sequence, size_t j, size_t i)
{
    size_t n_prefix = sequence < c->op->n_alone ? 0 : c->op->n_prefix;
    if (j < n_prefix) return at(prefix, j, i);
    return at(own, c->op->offsets[sequence] + j - n_prefix, i);
}

static double attended(const void *of, size_t row, size_t column)
{
    const attention_case *c = of;
    const grt_attention_op *op = c->op;
    size_t s = row;
    for (s = 0; !op->places && row >= op->offsets[s + 1];)
        s++;
    if (op->places) s = row;
    size_t n_prefix = s < op->n_alone ? 0 : op->n_prefix;
    size_t place = (op->places ? op->places[s] : row) - op->offsets[s] + n_prefix;
    size_t n = n_prefix + op->offsets[s + 1] - op->offsets[s];
    size_t head = column / HEAD, kv = head / (HEADS / KV_HEADS) * HEAD;
    double weights = 0.0, total = 0.0;
    for (size_t j = 0; j < n; j++) {
        size_t apart = j > place ? j - place : place - j;
        if ((op->is_causal && j > place) || (op->window && apart > op->window))
            continue;
        double score = 0.0;
        for (size_t i = 0; i < HEAD; i++)
            score += at(&c->q, row, head * HEAD + i) *
                     key_at(c, &c->k, &c->prefix_k, s, j, kv + i);
        double weight = exp(score * (double)op->scale);
        weights += weight;
        total += weight * key_at(c, &c->v, &c->prefix_v, s, j, kv + column % HEAD);
    }
    return total / weights;
}

/* bits of `variant`: causal, window, prefix, one query of each sequence. */
static void check_attention_variant(grt_device *device, const device_case *with,
                                    int variant)
{
    static const size_t offsets[SEQUENCES + 1] = {0, PREFIX, PREFIX + 1, 40, 41, 70};
    static const size_t places[SEQUENCES] = {0, PREFIX, 20, 40, 69};
    size_t n = offsets[SEQUENCES], n_queries = variant & 8 ? SEQUENCES : n;
    attention_case c = {.q = make_block(device, n_queries, HEADS * HEAD, 1),
                        .k = make_block(device, n, KV_HEADS * HEAD, 1),
                        .v = make_block(device, n, KV_HEADS * HEAD, 1),
                        .prefix_k = make_block(device, PREFIX, KV_HEADS * HEAD, 1),
                        .prefix_v = make_block(device, PREFIX, KV_HEADS * HEAD, 1),
                        .out = make_block(device, n_queries + 1, HEADS * HEAD, 1)};
    grt_attention_op op = {.queries = c.q.rows,
                           .out = c.out.rows,
                           .keys = c.k.rows,
                           .values = c.v.rows,
                           .offsets = offsets,
                           .n_sequences = SEQUENCES,
                           .n_heads = HEADS,
                           .n_kv_heads = KV_HEADS,
                           .head_size = HEAD,
                           .scale = 0.4f,
                           .is_causal = variant & 1,
                           .window = variant & 2 ? 3 : 0,
                           .places = variant & 8 ? places : NULL};
    if (variant & 4) {
        op.prefix_keys = c.prefix_k.rows;
        op.prefix_values = c.prefix_v.rows;
        op.n_prefix = PREFIX;
        op.n_alone = 1;
    }
    c.op = &op;
    grt_op_attention(device, &op);
    check_block(&c.out, n_queries, with->attention_error, attended, &c);
    free_block(&c.q);
    free_block(&c.k);
    free_block(&c.v);
    free_block(&c.prefix_k);
    free_block(&c.prefix_v);
    free_block(&c.out);
}

static void check_attention(grt_device *device, const device_case *with)
{
    for (int variant = 0; variant < 16; variant++)
        check_attention_variant(device, with, variant);
}

static void test_attention(void **state)
{
    (void)state;
    on_all_devices(check_attention);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_add),
        cmocka_unit_test(test_scale),
        cmocka_unit_test(test_activate),
        cmocka_unit_test(test_gate),
        cmocka_unit_test(test_norms),
        cmocka_unit_test(test_copy_and_gather),
        cmocka_unit_test(test_mean),
        cmocka_unit_test(test_upload_and_download),
        cmocka_unit_test(test_borrow_and_give_back),
        cmocka_unit_test(test_place),
        cmocka_unit_test(test_embed),
        cmocka_unit_test(test_linear),
        cmocka_unit_test(test_rope),
        cmocka_unit_test(test_attention),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
