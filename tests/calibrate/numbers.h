/* numbers.h - the same random numbers in every run, and doubles that must be near. */
#ifndef GRT_TESTS_CALIBRATE_NUMBERS_H
#define GRT_TESTS_CALIBRATE_NUMBERS_H

#include <math.h>
#include <stdint.h>

#define assert_near(found, wanted, tolerance)                          \
    do {                                                               \
        double found_ = (found), wanted_ = (wanted);                   \
        if (!(fabs(found_ - wanted_) <= (tolerance)))                  \
            fail_msg("%s is %.9g, not %.9g", #found, found_, wanted_); \
    } while (0)

static uint64_t random_state = 1;

/* 0 <= x < 1 */
static inline double uniform(void)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (double)(random_state >> 40) / 16777216.0;
}

static inline double normal(void)
{
    double radius = sqrt(-2 * log(1 - uniform()));
    return radius * cos(6.283185307179586 * uniform());
}

#endif /* GRT_TESTS_CALIBRATE_NUMBERS_H */
