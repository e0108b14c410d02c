/* machine.h - the machine: harts, memory and devices, as the command and the tests use
 * it.
 *
 * Deterministic: equal images, options and input give equal runs, to the bit.  One
 * thread at a time. */
#ifndef DV_MACHINE_MACHINE_H
#define DV_MACHINE_MACHINE_H

#include "base/error.h"
#include "machine/counters.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct dv_machine dv_machine;
typedef struct dv_hart dv_hart;

enum { DV_MAX_HARTS = 8 };
#define DV_MAX_RAM_BYTES (UINT64_C(16) << 30)

typedef struct dv_machine_options {
    unsigned n_harts;   /* 1 to DV_MAX_HARTS */
    uint64_t ram_bytes; /* a multiple of 2 MiB, at most DV_MAX_RAM_BYTES */
    uint64_t quantum;   /* instructions a hart may be ahead of the next one; 0: 1,000 */
    bool is_plain;      /* run by step_plain.c */
    void (*console_put)(void *payload, uint8_t c); /* may be NULL */
    void *payload;
} dv_machine_options;

/* One change of mode, told after it happened. */
typedef struct dv_event {
    uint64_t ns;
    unsigned hart;
    dv_where from, to;
    bool is_return;
    uint64_t cause, tval, tval2; /* of a trap */
    uint64_t pc;                 /* of the instruction that trapped or returned */
    uint64_t target;             /* where it goes on */
} dv_event;

typedef enum dv_stop_reason {
    DV_STOP_LIMIT,    /* as many instructions were attempted as asked for */
    DV_STOP_FINISHED, /* by the finisher: `code` 0 is success */
    DV_STOP_RESET,    /* the software asked for a reset */
    DV_STOP_IDLE,     /* every hart waits, and no timer will wake one */
} dv_stop_reason;

typedef struct dv_stop {
    dv_stop_reason reason;
    uint32_t code;
} dv_stop;

/* Memory is zero, and all harts stand at the boot ROM.  GRT_E_INVALID_ARG,
 * GRT_E_NO_MEMORY. */
GRT_NODISCARD grt_status dv_machine_create(dv_machine **out,
                                           const dv_machine_options *options,
                                           grt_error *err);

/* Accepts NULL. */
void dv_machine_free(dv_machine *m);

/* Copies n bytes to physical memory.  GRT_E_INVALID_ARG: not wholly RAM. */
GRT_NODISCARD grt_status dv_machine_put(dv_machine *m, uint64_t pa, const void *bytes,
                                        uint64_t n_bytes, grt_error *err);

/* Loads the segments of an ELF file at their physical addresses.  GRT_E_FORMAT (no
 * 64-bit RISC-V executable), GRT_E_INVALID_ARG (a segment outside RAM). */
GRT_NODISCARD grt_status dv_machine_load_elf(dv_machine *m, const void *file,
                                             size_t n_bytes, grt_error *err);

/* Writes the boot ROM, which jumps to the start of RAM with a0 = hart, a1 = device tree
 * and a2 = what firmware of OpenSBI's "dynamic" kind reads, and puts the device tree
 * near the end of RAM.  kernel_address 0: none. */
typedef struct dv_boot {
    uint64_t kernel_address;
    uint64_t initrd_address, initrd_bytes;
    const char *arguments; /* of the kernel; NULL: none */
} dv_boot;
GRT_NODISCARD grt_status dv_machine_boot(dv_machine *m, const dv_boot *boot,
                                         grt_error *err);

/* A disk in the first virtio slot; `bytes` is kept, and written to.  A multiple of 512.
 */
GRT_NODISCARD grt_status dv_machine_disk(dv_machine *m, uint8_t *bytes,
                                         uint64_t n_bytes, grt_error *err);

/* What the console will read; returns how many were taken (the rest does not fit yet).
 */
size_t dv_machine_input(dv_machine *m, const uint8_t *bytes, size_t n_bytes);

/* Runs until about `n_attempts` more instructions were attempted (exactly, with one
 * hart), or something stops the machine. */
dv_stop dv_machine_run(dv_machine *m, uint64_t n_attempts);

/* Of all that the software can see: registers, and with has_ram memory and devices. */
uint64_t dv_machine_hash(dv_machine *m, bool has_ram);

unsigned dv_machine_n_harts(const dv_machine *m);
const dv_hart_counters *dv_machine_counters(dv_machine *m, unsigned hart);
uint64_t dv_machine_counted(const dv_machine *m, unsigned hart);
uint64_t dv_machine_attempted(const dv_machine *m);
uint64_t dv_machine_ns(const dv_machine *m); /* the clock that is farthest */
uint64_t dv_machine_pc(const dv_machine *m, unsigned hart);
uint64_t dv_machine_register(const dv_machine *m, unsigned hart, unsigned number);

/* fn is called for each change of mode; NULL: none. */
void dv_machine_trace(dv_machine *m, void (*fn)(void *payload, const dv_event *event),
                      void *payload);

#endif /* DV_MACHINE_MACHINE_H */
