/*
 * process.h - what the system says about the memory of this process.
 *
 * Apart from host.c so that tests can put fixed numbers in its place.
 */
#ifndef CLI_PROCESS_H
#define CLI_PROCESS_H

#include <stdint.h>

/* Resident bytes now; where the system tells only their peak, that.  0: not known. */
uint64_t cli_process_resident(void);
/* The most that was resident so far; 0: not known. */
uint64_t cli_process_peak(void);
/* Counts the peak anew from what is resident now, where the system can. */
void cli_process_forget_peak(void);
/* Gives pages that were freed back to the system, where the allocator can. */
void cli_process_trim(void);

enum { CLI_MAPPED_BYTES = 128 << 10 };
/* From here on blocks of so many bytes have pages of their own, where the allocator
 * can: they grow without being there twice, and go back to the system when they are
 * freed. */
void cli_process_map_large_blocks(void);

#endif
