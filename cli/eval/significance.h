/*
 * significance.h - how far a mean over queries, and a difference of two, can be
 * trusted.
 *
 * Both methods draw random numbers from a seed, so that the same values give the same
 * figures on every machine.
 */
#ifndef CLI_SIGNIFICANCE_H
#define CLI_SIGNIFICANCE_H

#include <stddef.h>
#include <stdint.h>

enum { CLI_RESAMPLES = 10000 };

/* SplitMix64 (Steele, Lea and Flood 2014). */
typedef struct cli_random {
    uint64_t state; /* any seed */
} cli_random;

uint64_t cli_random_next(cli_random *random);
/* 0 to n - 1, each equally likely; n is not 0. */
uint64_t cli_random_below(cli_random *random, uint64_t n);

/* 95 % intervals of the means of `m` columns over `n` rows (queries): percentiles of
 * the means of CLI_RESAMPLES samples of n rows with replacement (Efron 1979).  All
 * columns see the same samples.  0 when memory is out. */
int cli_bootstrap(const double *values,                           /* [n][m] */
                  size_t n, size_t m, uint64_t seed, double *low, /* [m] */
                  double *high);                                  /* [m] */

/* Two-sided p of the mean of paired differences, by randomisation: how often a random
 * choice of their signs makes the mean at least as large, the observed choice counted
 * in (Fisher 1935; Smucker, Allan and Carterette 2007).  1 when all are 0. */
double cli_paired_p(const double *differences, size_t n, uint64_t seed);

#endif
