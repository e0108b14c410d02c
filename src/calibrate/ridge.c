/* ridge.c - see ridge.h.
 *
 * Samples are kept in the order of their folds, so that a fold is a run of rows.  With
 * Z the centred and scaled features [n][p], the fit of a fold solves over its training
 * rows either  (Z'Z + penalty) w = Z'y  (p x p) or  (ZZ' + penalty) a = y, w = Z'a
 * (n x n).  The Gram matrix is formed once: a fold's Z'Z is the total less the part of
 * its held-out rows, a fold's ZZ' is the total without its held-out rows and columns.
 *
 * Only the lower triangles of matrices mean something.  Almost all time goes into
 * C += A A' (the Gram matrix and the trailing part of Cholesky), which works on A
 * packed into panels of PANEL rows. */
#include "calibrate/ridge.h"

#include "base/checked.h"
#include "base/memory.h"

#include <float.h>
#include <math.h>
#include <string.h>

enum {
    PANEL = 4,      /* rows of A packed side by side; C is worked on in 4 x 4 tiles */
    DEPTH = 256,    /* columns of A packed at once for a Gram matrix */
    BLOCK = 64,     /* columns that Cholesky takes at once */
    NEAR_ROWS = 128 /* rows of A that stay in the cache close by */
};

/* Penalties relative to the mean of the Gram matrix's eigenvalues that are not 0. */
static const double PENALTIES[] = {1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0};
enum { N_PENALTIES = sizeof(PENALTIES) / sizeof(PENALTIES[0]) };

/* A feature whose spread within groups is below this part of its root mean square holds
 * little but the rounding of its floats. */
static const double SPREAD_MIN = 1e-6;

/* Groups are centred but for this part of their distance from the mean of their fold's.
 * An order within groups needs none of it, but without it a readout may be off by
 * hundreds in one group or another, and what it says of a candidate is shown as its
 * logit. */
static const double BETWEEN = 0.1;

typedef struct ridge {
    const grt_ridge_samples *samples;
    size_t n_folds;
    size_t n;               /* samples */
    size_t p;               /* features that vary within groups */
    size_t order;           /* of the Gram matrix */
    bool is_dual;           /* it is samples x samples */
    double scale;           /* mean of its eigenvalues that are not 0 */
    size_t *kept;           /* [p] their indices */
    double *inverse_spread; /* [p] */
    size_t *rows;           /* [n] sample that stands in each row */
    size_t *fold_begins;    /* [n_folds + 1] row */
    double *z;              /* [n][p] features, centred and scaled */
    double *y;              /* [n] targets, centred */
    double *gram;           /* [order][order] */
    double *fold_gram;      /* [order][order], a fold's, when not is_dual */
    double *factor;         /* [order][order] */
    double *packed;         /* [order rounded up to PANEL][DEPTH] */
    double *seen;           /* [n] a number for each row that is not held out */
    double *weights;        /* [p] of unscaled features */
    double *means;          /* [n_features] of a group */
    double *centre;         /* [n_features] mean over a fold's groups */
    double *spreads;        /* [n_features] */
    double *sizes;          /* [n_features] */
    double *predictions;    /* [N_PENALTIES][n] by sample */
} ridge;

/* ---- dense linear algebra ---- */

/* A column of a panel; gcc and clang map it to the registers that there are. */
typedef double lanes __attribute__((vector_size(PANEL * sizeof(double)), may_alias));

static size_t at_most(size_t n, size_t limit)
{
    return n < limit ? n : limit;
}

/* Element (i, k) of A is a[i * row_step + k * column_step]; rows that fill the last
 * panel are 0. */
static void pack(double *packed, const double *a, size_t row_step, size_t column_step,
                 size_t n_rows, size_t depth)
{
    for (size_t i0 = 0; i0 < n_rows; i0 += PANEL) {
        size_t n = at_most(n_rows - i0, PANEL);
        for (size_t k = 0; k < depth; k++) {
            const double *from = a + i0 * row_step + k * column_step;
            for (size_t i = 0; i < PANEL; i++)
                packed[k * PANEL + i] = i < n ? from[i * row_step] : 0.0;
        }
        packed += PANEL * depth;
    }
}

static bool is_stopped(const grt_stop *stop)
{
    return grt_stop_asked(stop) != GRT_STOP_NONE;
}

/* c[i][j] += sign * sum over k of a[k][i] * b[k][j] for n_rows x n_columns elements. */
static void add_tile(double *c, size_t stride, size_t n_rows, size_t n_columns,
                     const double *a, const double *b, size_t depth, double sign)
{
    const lanes *right = (const lanes *)b;
    lanes sum[PANEL] = {{0.0}};
    for (size_t k = 0; k < depth; k++, a += PANEL) {
        lanes r = right[k];
        sum[0] += a[0] * r;
        sum[1] += a[1] * r;
        sum[2] += a[2] * r;
        sum[3] += a[3] * r;
    }
    for (size_t i = 0; i < n_rows; i++)
        for (size_t j = 0; j < n_columns; j++)
            c[i * stride + j] += sign * sum[i][j];
}

/* C += sign * A A' on the lower triangle of C [n][n] (and some elements above it).
 * Almost all time goes by in here, so a stop is asked about; C is of no use then. */
static void add_square(double *c, size_t stride, size_t n, const double *packed,
                       size_t depth, double sign, const grt_stop *stop)
{
    for (size_t near = 0; near < n && !is_stopped(stop); near += NEAR_ROWS) {
        size_t near_end = near + at_most(n - near, NEAR_ROWS);
        for (size_t i = near; i < n; i += PANEL)
            for (size_t j = near; j < near_end && j <= i; j += PANEL)
                add_tile(c + i * stride + j, stride, at_most(n - i, PANEL),
                         at_most(n - j, PANEL), packed + i * depth, packed + j * depth,
                         depth, sign);
    }
}

/* The same from A [n][n_columns] itself. */
static void add_gram(double *c, size_t n, const double *a, size_t row_step,
                     size_t column_step, size_t n_columns, double sign, double *packed,
                     const grt_stop *stop)
{
    for (size_t k = 0; k < n_columns && !is_stopped(stop); k += DEPTH) {
        size_t depth = at_most(n_columns - k, DEPTH);
        pack(packed, a + k * column_step, row_step, column_step, n, depth);
        add_square(c, n, n, packed, depth, sign, stop);
    }
}

/* Cholesky of a block on the diagonal.  In exact numbers no pivot of G + penalty is
 * below the penalty, as G has no negative eigenvalue. */
static void factor_block(double *l, size_t stride, size_t n, double penalty)
{
    for (size_t j = 0; j < n; j++) {
        double *row = l + j * stride;
        for (size_t i = 0; i < j; i++) {
            const double *above = l + i * stride;
            double sum = row[i];
            for (size_t k = 0; k < i; k++)
                sum -= row[k] * above[k];
            row[i] = sum / above[i];
        }
        double pivot = row[j];
        for (size_t k = 0; k < j; k++)
            pivot -= row[k] * row[k];
        row[j] = sqrt(pivot > penalty ? pivot : penalty);
    }
}

/* One packed panel of rows below the block L: panel = panel L'^-1, also written back to
 * its n_rows rows of the matrix. */
static void solve_panel(double *packed, const double *l, double *rows, size_t stride,
                        size_t n_rows, size_t depth)
{
    lanes *panel = (lanes *)packed;
    for (size_t j = 0; j < depth; j++) {
        lanes sum = panel[j];
        for (size_t k = 0; k < j; k++)
            sum -= panel[k] * l[j * stride + k];
        panel[j] = sum / l[j * stride + j];
    }
    for (size_t i = 0; i < n_rows; i++)
        for (size_t k = 0; k < depth; k++)
            rows[i * stride + k] = packed[k * PANEL + i];
}

/* In place, a [n][n] with stride n. */
static void factorise(double *a, size_t n, double penalty, double *packed,
                      const grt_stop *stop)
{
    for (size_t k = 0; k < n && !is_stopped(stop); k += BLOCK) {
        size_t depth = at_most(n - k, BLOCK), rest = n - k - depth;
        double *block = a + k * n + k, *below = block + depth * n;
        factor_block(block, n, depth, penalty);
        pack(packed, below, n, 1, rest, depth);
        for (size_t i = 0; i < rest; i += PANEL)
            solve_panel(packed + i * depth, block, below + i * n, n,
                        at_most(rest - i, PANEL), depth);
        add_square(below + depth, n, rest, packed, depth, -1.0, stop);
    }
}

/* x = (L L')^-1 x */
static void solve(double *x, const double *l, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        double sum = x[i];
        for (size_t k = 0; k < i; k++)
            sum -= l[i * n + k] * x[k];
        x[i] = sum / l[i * n + i];
    }
    for (size_t i = n; i-- > 0;) {
        x[i] /= l[i * n + i];
        for (size_t k = 0; k < i; k++)
            x[k] -= l[i * n + k] * x[i];
    }
}

/* ---- samples ---- */

static grt_status check(const grt_ridge_samples *s, size_t n_folds, grt_error *err)
{
    if (n_folds < 2)
        GRT_FAIL(err, GRT_E_INVALID_ARG,
                 "a readout is fitted in 2 folds or more, not %zu", n_folds);
    if (s->n_groups < n_folds)
        GRT_FAIL(err, GRT_E_INVALID_ARG,
                 "%zu groups of samples are too few for %zu folds", s->n_groups,
                 n_folds);
    size_t begin = 0;
    for (size_t g = 0; g < s->n_groups; g++) {
        if (s->group_ends[g] <= begin)
            GRT_FAIL(err, GRT_E_INVALID_ARG, "group %zu of the samples is empty", g);
        begin = s->group_ends[g];
    }
    if (begin != s->n_samples)
        GRT_FAIL(err, GRT_E_INVALID_ARG, "the groups end at sample %zu of %zu", begin,
                 s->n_samples);
    for (size_t i = 0; i < s->n_samples; i++) {
        if (!isfinite(s->targets[i]))
            GRT_FAIL(err, GRT_E_INVALID_ARG, "the target of sample %zu is not finite",
                     i);
        for (size_t j = 0; j < s->n_features; j++)
            if (!isfinite(s->features[i * s->n_features + j]))
                GRT_FAIL(err, GRT_E_INVALID_ARG,
                         "feature %zu of sample %zu is not finite", j, i);
    }
    return GRT_OK;
}

static size_t group_begin(const grt_ridge_samples *s, size_t group)
{
    return group ? s->group_ends[group - 1] : 0;
}

static void group_means(double *means, const grt_ridge_samples *s, size_t begin,
                        size_t end)
{
    memset(means, 0, s->n_features * sizeof(*means));
    for (size_t i = begin; i < end; i++)
        for (size_t j = 0; j < s->n_features; j++)
            means[j] += (double)s->features[i * s->n_features + j];
    for (size_t j = 0; j < s->n_features; j++)
        means[j] /= (double)(end - begin);
}

/* Finds the features that vary within groups.  The spread is that of all samples, held
 * out or not: it knows nothing of targets. */
static void measure_features(ridge *r)
{
    const grt_ridge_samples *s = r->samples;
    for (size_t g = 0; g < s->n_groups; g++) {
        size_t begin = group_begin(s, g), end = s->group_ends[g];
        group_means(r->means, s, begin, end);
        for (size_t i = begin; i < end; i++) {
            for (size_t j = 0; j < s->n_features; j++) {
                double x = (double)s->features[i * s->n_features + j];
                double centred = x - r->means[j];
                r->sizes[j] += x * x;
                r->spreads[j] += centred * centred;
            }
        }
    }
    for (size_t j = 0; j < s->n_features; j++) {
        if (r->spreads[j] <= SPREAD_MIN * SPREAD_MIN * r->sizes[j]) continue;
        r->inverse_spread[r->p] = 1.0 / sqrt(r->spreads[j] / (double)r->n);
        r->kept[r->p++] = j;
    }
}

static double target_mean(const grt_ridge_samples *s, size_t begin, size_t end)
{
    double sum = 0.0;
    for (size_t i = begin; i < end; i++)
        sum += (double)s->targets[i];
    return sum / (double)(end - begin);
}

static double between(double group, double all)
{
    return group - BETWEEN * (group - all);
}

/* Fills `centre` with the mean of the means of a fold's groups; returns that of
 * targets. */
static double measure_fold(ridge *r, size_t fold)
{
    const grt_ridge_samples *s = r->samples;
    double target = 0.0;
    size_t count = 0;
    memset(r->centre, 0, s->n_features * sizeof(*r->centre));
    for (size_t g = fold; g < s->n_groups; g += r->n_folds, count++) {
        size_t begin = group_begin(s, g), end = s->group_ends[g];
        group_means(r->means, s, begin, end);
        for (size_t j = 0; j < s->n_features; j++)
            r->centre[j] += r->means[j];
        target += target_mean(s, begin, end);
    }
    for (size_t j = 0; j < s->n_features; j++)
        r->centre[j] /= (double)count;
    return target / (double)count;
}

/* Fills z, y and what tells which row is which sample.  Rows of a fold depend on the
 * fold alone. */
static void lay_out_rows(ridge *r)
{
    const grt_ridge_samples *s = r->samples;
    size_t row = 0;
    for (size_t fold = 0; fold < r->n_folds; fold++) {
        double all = measure_fold(r, fold);
        r->fold_begins[fold] = row;
        for (size_t g = fold; g < s->n_groups; g += r->n_folds) {
            size_t begin = group_begin(s, g), end = s->group_ends[g];
            double target = between(target_mean(s, begin, end), all);
            group_means(r->means, s, begin, end);
            for (size_t j = 0; j < s->n_features; j++)
                r->means[j] = between(r->means[j], r->centre[j]);
            for (size_t i = begin; i < end; i++, row++) {
                const float *x = s->features + i * s->n_features;
                for (size_t j = 0; j < r->p; j++) {
                    size_t from = r->kept[j];
                    r->z[row * r->p + j] =
                        ((double)x[from] - r->means[from]) * r->inverse_spread[j];
                }
                r->rows[row] = i;
                r->y[row] = (double)s->targets[i] - target;
            }
        }
    }
    r->fold_begins[r->n_folds] = row;
}

static grt_status alloc_matrix(double **out, size_t n_rows, size_t n_columns,
                               const char *what, grt_error *err)
{
    size_t count;
    if (!grt_mul_size(&count, n_rows, n_columns))
        GRT_FAIL(err, GRT_E_NO_MEMORY, "no memory for %s of %zu x %zu numbers", what,
                 n_rows, n_columns);
    return grt_alloc_array(out, count, sizeof(**out), what, err);
}

static grt_status set_up(ridge *r, grt_error *err)
{
    const grt_ridge_samples *s = r->samples;
    const char *what = "the samples of a readout";
    GRT_TRY(grt_alloc_array(&r->kept, s->n_features, sizeof(*r->kept), what, err));
    GRT_TRY(alloc_matrix(&r->inverse_spread, s->n_features, 1, what, err));
    GRT_TRY(alloc_matrix(&r->means, s->n_features, 1, what, err));
    GRT_TRY(alloc_matrix(&r->centre, s->n_features, 1, what, err));
    GRT_TRY(alloc_matrix(&r->spreads, s->n_features, 1, what, err));
    GRT_TRY(alloc_matrix(&r->sizes, s->n_features, 1, what, err));
    measure_features(r);
    GRT_TRY(grt_alloc_array(&r->rows, r->n, sizeof(*r->rows), what, err));
    /* n_folds is at most n_groups, so the sum fits */
    GRT_TRY(grt_alloc_array(&r->fold_begins, r->n_folds + 1, sizeof(*r->fold_begins),
                            what, err));
    GRT_TRY(alloc_matrix(&r->y, r->n, 1, what, err));
    GRT_TRY(alloc_matrix(&r->z, r->n, r->p, what, err));
    lay_out_rows(r);
    r->is_dual = r->n < r->p;
    r->order = r->is_dual ? r->n : r->p;
    what = "the equations of a readout";
    size_t panel_rows = (r->order / PANEL + 1) * PANEL;
    GRT_TRY(alloc_matrix(&r->gram, r->order, r->order, what, err));
    if (!r->is_dual)
        GRT_TRY(alloc_matrix(&r->fold_gram, r->order, r->order, what, err));
    GRT_TRY(alloc_matrix(&r->factor, r->order, r->order, what, err));
    GRT_TRY(alloc_matrix(&r->packed, panel_rows, DEPTH, what, err));
    GRT_TRY(alloc_matrix(&r->seen, r->n, 1, what, err));
    GRT_TRY(alloc_matrix(&r->weights, r->p, 1, what, err));
    return alloc_matrix(&r->predictions, N_PENALTIES, r->n, what, err);
}

/* The sizes of set_up, with every feature kept. */
uint64_t grt_ridge_bytes(uint64_t n_samples, uint64_t n_features)
{
    uint64_t order = n_samples < n_features ? n_samples : n_features;
    uint64_t per_sample = 0, all = 0, square = 0, total = 0;
    bool fits = grt_add_u64(&per_sample, n_features, N_PENALTIES + 3) &&
                grt_mul_u64(&all, n_samples, per_sample) &&
                grt_mul_u64(&square, order, 3 * order) &&
                grt_add_u64(&all, all, square) &&
                grt_add_u64(&all, all, (order + PANEL) * DEPTH + 7 * n_features) &&
                grt_mul_u64(&total, all, sizeof(double));
    return fits ? total : UINT64_MAX;
}

static void release(ridge *r)
{
    grt_free(r->kept);
    grt_free(r->inverse_spread);
    grt_free(r->rows);
    grt_free(r->fold_begins);
    grt_free(r->z);
    grt_free(r->y);
    grt_free(r->gram);
    grt_free(r->fold_gram);
    grt_free(r->factor);
    grt_free(r->packed);
    grt_free(r->seen);
    grt_free(r->weights);
    grt_free(r->means);
    grt_free(r->centre);
    grt_free(r->spreads);
    grt_free(r->sizes);
    grt_free(r->predictions);
}

/* ---- fits ---- */

/* The centred rows of a group span one dimension less than it has samples, so this many
 * eigenvalues at most are not 0, in either form. */
static void form_gram(ridge *r)
{
    const grt_stop *stop = r->samples->stop;
    double trace = 0.0;
    if (r->is_dual)
        add_gram(r->gram, r->n, r->z, r->p, 1, r->p, 1.0, r->packed, stop);
    else
        add_gram(r->gram, r->p, r->z, 1, r->p, r->n, 1.0, r->packed, stop);
    for (size_t i = 0; i < r->order; i++)
        trace += r->gram[i * r->order + i];
    size_t rank = at_most(r->p, r->n - r->samples->n_groups);
    r->scale = rank ? trace / (double)rank : 1.0;
}

/* The left side of the fit that does not see rows held..held_end, less the penalty. */
static void copy_gram(const ridge *r, const double *gram, size_t held, size_t held_end)
{
    double *out = r->factor;
    if (!r->is_dual) {
        memcpy(out, gram, r->order * r->order * sizeof(*out));
        return;
    }
    size_t seen = r->n - (held_end - held);
    for (size_t i = 0; i < seen; i++) {
        const double *row = gram + (i < held ? i : i + held_end - held) * r->n;
        memcpy(out + i * seen, row, held * sizeof(*out));
        memcpy(out + i * seen + held, row + held_end, (r->n - held_end) * sizeof(*out));
    }
}

/* weights (of unscaled features) of the fit that does not see rows held..held_end. */
static void fit(const ridge *r, const double *gram, size_t held, size_t held_end,
                double penalty)
{
    size_t n_held = held_end - held, n_seen = r->n - n_held;
    size_t order = r->is_dual ? n_seen : r->p;
    copy_gram(r, gram, held, held_end);
    for (size_t i = 0; i < order; i++)
        r->factor[i * order + i] += penalty;
    factorise(r->factor, order, penalty, r->packed, r->samples->stop);
    for (size_t i = 0; i < n_seen; i++)
        r->seen[i] = r->y[i < held ? i : i + n_held];
    if (r->is_dual) solve(r->seen, r->factor, order);
    memset(r->weights, 0, r->p * sizeof(*r->weights));
    for (size_t i = 0; i < n_seen; i++) {
        const double *z = r->z + (i < held ? i : i + n_held) * r->p;
        for (size_t j = 0; j < r->p; j++)
            r->weights[j] += r->seen[i] * z[j];
    }
    if (!r->is_dual) solve(r->weights, r->factor, order);
    for (size_t j = 0; j < r->p; j++)
        r->weights[j] *= r->inverse_spread[j];
}

static double predict(const ridge *r, size_t sample)
{
    const float *x = r->samples->features + sample * r->samples->n_features;
    double sum = 0.0;
    for (size_t j = 0; j < r->p; j++)
        sum += (double)x[r->kept[j]] * r->weights[j];
    return sum;
}

/* Mean of target - features . weights over the rows that are not held out. */
static double fit_bias(const ridge *r, size_t held, size_t held_end)
{
    double sum = 0.0;
    for (size_t row = 0; row < r->n; row++)
        if (row < held || row >= held_end)
            sum += (double)r->samples->targets[r->rows[row]] - predict(r, r->rows[row]);
    return sum / (double)(r->n - (held_end - held));
}

static void fit_fold(ridge *r, size_t fold)
{
    size_t held = r->fold_begins[fold], held_end = r->fold_begins[fold + 1];
    const double *gram = r->gram;
    if (!r->is_dual) {
        memcpy(r->fold_gram, gram, r->order * r->order * sizeof(*gram));
        add_gram(r->fold_gram, r->order, r->z + held * r->p, 1, r->p, held_end - held,
                 -1.0, r->packed, r->samples->stop);
        gram = r->fold_gram;
    }
    for (size_t i = 0; i < N_PENALTIES && !is_stopped(r->samples->stop); i++) {
        fit(r, gram, held, held_end, PENALTIES[i] * r->scale);
        double bias = fit_bias(r, held, held_end);
        for (size_t row = held; row < held_end; row++)
            r->predictions[i * r->n + r->rows[row]] = predict(r, r->rows[row]) + bias;
    }
}

/* Squared error of predictions [n], both sides centred by group. */
static double centred_error(const ridge *r, const double *predictions)
{
    const grt_ridge_samples *s = r->samples;
    double error = 0.0;
    for (size_t g = 0; g < s->n_groups; g++) {
        size_t begin = group_begin(s, g), end = s->group_ends[g];
        double mean = 0.0;
        for (size_t i = begin; i < end; i++)
            mean += predictions[i] - (double)s->targets[i];
        mean /= (double)(end - begin);
        for (size_t i = begin; i < end; i++) {
            double off = predictions[i] - (double)s->targets[i] - mean;
            error += off * off;
        }
    }
    return error;
}

/* Of penalties that predict alike, the largest. */
static size_t best_penalty(const ridge *r)
{
    size_t best = N_PENALTIES - 1;
    double best_error = centred_error(r, r->predictions + best * r->n);
    for (size_t i = best; i-- > 0;) {
        double error = centred_error(r, r->predictions + i * r->n);
        if (error >= best_error) continue;
        best = i;
        best_error = error;
    }
    return best;
}

static grt_status narrow(float *out, double value, const char *what, grt_error *err)
{
    if (!(fabs(value) <= (double)FLT_MAX))
        GRT_FAIL(err, GRT_E_INVALID_ARG, "%s of the readout does not fit a float",
                 what);
    *out = (float)value;
    return GRT_OK;
}

/* What was computed while it was asked to stop is of no use. */
static grt_status check_stop(const ridge *r, grt_error *err)
{
    if (!is_stopped(r->samples->stop)) return GRT_OK;
    GRT_FAIL(err, GRT_E_CANCELLED,
             "cancelled by the caller while a readout was fitted");
}

static grt_status run(ridge *r, float *weights, float *bias, float *out_of_fold,
                      grt_error *err)
{
    GRT_TRY(set_up(r, err));
    form_gram(r);
    for (size_t fold = 0; fold < r->n_folds && !is_stopped(r->samples->stop); fold++)
        fit_fold(r, fold);
    GRT_TRY(check_stop(r, err));
    size_t best = best_penalty(r);
    for (size_t i = 0; i < r->n; i++)
        GRT_TRY(narrow(&out_of_fold[i], r->predictions[best * r->n + i], "a prediction",
                       err));
    fit(r, r->gram, r->n, r->n, PENALTIES[best] * r->scale);
    GRT_TRY(check_stop(r, err));
    for (size_t j = 0; j < r->samples->n_features; j++)
        weights[j] = 0.0f;
    for (size_t j = 0; j < r->p; j++) {
        float *weight = &weights[r->kept[j]];
        GRT_TRY(narrow(weight, r->weights[j], "a weight", err));
        r->weights[j] = (double)*weight; /* the bias belongs to what the caller gets */
    }
    return narrow(bias, fit_bias(r, r->n, r->n), "the bias", err);
}

grt_status grt_ridge_fit(const grt_ridge_samples *samples, size_t n_folds,
                         float *weights, float *bias, float *out_of_fold,
                         grt_error *err)
{
    GRT_TRY(check(samples, n_folds, err));
    ridge r = {.samples = samples, .n_folds = n_folds, .n = samples->n_samples};
    grt_status status = run(&r, weights, bias, out_of_fold, err);
    release(&r);
    return status;
}
