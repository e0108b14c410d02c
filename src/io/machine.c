/* machine.c - see machine.h. */
#include "io/machine.h"

#include "os/os.h"

uint64_t grt_resident_bytes(void)
{
    return grt_os_resident_bytes();
}

uint64_t grt_resident_peak_bytes(void)
{
    return grt_os_resident_peak_bytes();
}

uint64_t grt_available_bytes(void)
{
    return grt_os_available_bytes();
}

void grt_release_freed(void)
{
    grt_os_release_freed();
}
