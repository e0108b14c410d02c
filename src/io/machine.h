/* machine.h - memory of the process and of the machine, as the system counts it. */
#ifndef GRT_IO_MACHINE_H
#define GRT_IO_MACHINE_H

#include <stdint.h>

/* Bytes of the process that are resident now; 0 when the system does not tell. */
uint64_t grt_resident_bytes(void);

/* Most that was resident so far; 0 when the system does not tell. */
uint64_t grt_resident_peak_bytes(void);

/* Bytes that new allocations can use without swapping: the least of what the machine,
 * the control groups of a container and the limits of the process leave; 0 when not
 * known. */
uint64_t grt_available_bytes(void);

/* Hands memory that was freed back to the system, where the allocator can. */
void grt_release_freed(void);

#endif /* GRT_IO_MACHINE_H */
