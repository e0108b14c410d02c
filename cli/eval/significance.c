/* significance.c - the bootstrap and the paired randomisation test. */
#include "eval/significance.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

uint64_t cli_random_next(cli_random *random)
{
    uint64_t z = random->state += 0x9E3779B97F4A7C15ULL;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ z >> 27) * 0x94D049BB133111EBULL;
    return z ^ z >> 31;
}

/* Numbers from the incomplete last run of n are drawn again. */
uint64_t cli_random_below(cli_random *random, uint64_t n)
{
    uint64_t incomplete = (0 - n) % n, value; /* 2^64 mod n */
    do {
        value = cli_random_next(random);
    } while (value < incomplete);
    return value % n;
}

/* ---- Bootstrap ---- */

static int compare(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return a < b ? -1 : a > b;
}

/* Between the two nearest of the sorted values. */
static double quantile(const double *sorted, size_t n, double share)
{
    double place = share * (double)(n - 1);
    size_t below = (size_t)place;
    double part = place - (double)below;
    if (below + 1 >= n) return sorted[n - 1];
    return sorted[below] + part * (sorted[below + 1] - sorted[below]);
}

/* Columns that are drawn together: 640 KB of means. */
enum { TOGETHER = 8 };

/* Means of columns first to first + n_columns of one sample of rows. */
static void draw_means(const double *values, size_t n, size_t m, size_t first,
                       size_t n_columns, cli_random *random, double *means)
{
    memset(means, 0, n_columns * sizeof *means);
    for (size_t i = 0; i < n; i++) {
        const double *row = values + cli_random_below(random, n) * m + first;
        for (size_t j = 0; j < n_columns; j++)
            means[j] += row[j];
    }
    for (size_t j = 0; j < n_columns; j++)
        means[j] /= (double)n;
}

/* All columns see the same samples: each time numbers are drawn anew from the seed,
 * which costs time and not memory. */
int cli_bootstrap(const double *values, size_t n, size_t m, uint64_t seed, double *low,
                  double *high)
{
    double sample[TOGETHER];
    double *means = calloc(TOGETHER, CLI_RESAMPLES * sizeof *means);
    for (size_t first = 0; means && first < m; first += TOGETHER) {
        cli_random random = {seed};
        size_t n_columns = m - first < TOGETHER ? m - first : TOGETHER;
        for (size_t r = 0; r < CLI_RESAMPLES; r++) {
            draw_means(values, n, m, first, n_columns, &random, sample);
            for (size_t j = 0; j < n_columns; j++)
                means[j * CLI_RESAMPLES + r] = sample[j];
        }
        for (size_t j = 0; j < n_columns; j++) {
            double *column = means + j * CLI_RESAMPLES;
            qsort(column, CLI_RESAMPLES, sizeof *column, compare);
            low[first + j] = quantile(column, CLI_RESAMPLES, 0.025);
            high[first + j] = quantile(column, CLI_RESAMPLES, 0.975);
        }
    }
    int has_memory = means != NULL;
    free(means);
    return has_memory;
}

/* ---- Randomisation ---- */

/* The sum with a random sign for each difference; 64 signs from each number. */
static double flipped_sum(const double *differences, size_t n, cli_random *random)
{
    double sum = 0;
    uint64_t signs = 0;
    for (size_t i = 0; i < n; i++) {
        if (i % 64 == 0) signs = cli_random_next(random);
        sum += signs & 1 ? differences[i] : -differences[i];
        signs >>= 1;
    }
    return sum;
}

double cli_paired_p(const double *differences, size_t n, uint64_t seed)
{
    cli_random random = {seed};
    double sum = 0, sum_of_sizes = 0;
    for (size_t i = 0; i < n; i++) {
        sum += differences[i];
        sum_of_sizes += fabs(differences[i]);
    }
    if (!(sum_of_sizes > 0)) return 1;
    /* Other signs can give the same sum but for the rounding. */
    double least = fabs(sum) - 1e-12 * sum_of_sizes;
    size_t as_large = 1;
    for (size_t r = 0; r < CLI_RESAMPLES; r++)
        as_large += fabs(flipped_sum(differences, n, &random)) >= least;
    return (double)as_large / (CLI_RESAMPLES + 1);
}
