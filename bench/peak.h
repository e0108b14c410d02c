/* peak.h - what this CPU's units can do: one instruction over and over, on registers.
 */
#ifndef GRT_BENCH_PEAK_H
#define GRT_BENCH_PEAK_H

#include "base/pool.h"
#include "grating.h"

#include <stddef.h>

/* GFLOP/s (a product and its sum count as two) of n threads, with the instruction that
 * a matrix kernel of this instruction set and arithmetic is made of, for some 10 ms.  0
 * where none is known. */
double peak_gflops(const char *isa, grt_arithmetic arithmetic, grt_pool *pool);

#endif /* GRT_BENCH_PEAK_H */
