/* clock.c - see clock.h. */
#include "base/clock.h"

#include "os/os.h"

uint64_t grt_clock_ns(void)
{
    return grt_os_clock_ns();
}
