/* clock.h - monotonic time. */
#ifndef GRT_BASE_CLOCK_H
#define GRT_BASE_CLOCK_H

#include <stdint.h>

/* Nanoseconds since some fixed moment; never goes back.  Thread safe. */
uint64_t grt_clock_ns(void);

#endif /* GRT_BASE_CLOCK_H */
