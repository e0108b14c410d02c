/* devices.h - the devices of QEMU's machine "virt" that this machine has.
 *
 * Each has a load and a store of one register at an offset; false: no such register, or
 * not of that size.  What they change of interrupts is told to the harts at once. */
#ifndef DV_MACHINE_DEVICES_H
#define DV_MACHINE_DEVICES_H

#include "machine/machine.h"

#include <stdbool.h>
#include <stdint.h>

/* clint.c: software interrupts and timers */
typedef struct dv_clint {
    uint64_t mtimecmp[DV_MAX_HARTS];
    bool msip[DV_MAX_HARTS];
} dv_clint;

bool dv_clint_load(dv_hart *h, uint64_t offset, unsigned n_bytes, uint64_t *value);
bool dv_clint_store(dv_hart *h, uint64_t offset, unsigned n_bytes, uint64_t value);
/* When the hart's timer rings, in nanoseconds; UINT64_MAX: never. */
uint64_t dv_clint_deadline(const dv_machine *m, unsigned hart);

/* plic.c: external interrupts, contexts 2 n (M) and 2 n + 1 (S) of hart n */
enum { DV_PLIC_SOURCES = 97, DV_PLIC_WORDS = 4, DV_PLIC_CONTEXTS = 2 * DV_MAX_HARTS };

typedef struct dv_plic {
    uint32_t priority[DV_PLIC_SOURCES]; /* of 7 */
    uint32_t level[DV_PLIC_WORDS];      /* lines of the devices */
    uint32_t pending[DV_PLIC_WORDS];
    uint32_t claimed[DV_PLIC_WORDS];
    uint32_t enable[DV_PLIC_CONTEXTS][DV_PLIC_WORDS];
    uint32_t threshold[DV_PLIC_CONTEXTS];
} dv_plic;

bool dv_plic_load(dv_hart *h, uint64_t offset, unsigned n_bytes, uint64_t *value);
bool dv_plic_store(dv_hart *h, uint64_t offset, unsigned n_bytes, uint64_t value);
void dv_plic_set(dv_machine *m, unsigned source, bool level);

/* uart.c: a 16550A */
enum { DV_UART_INPUT = 1024 };

typedef struct dv_uart {
    uint8_t ier, lcr, mcr, scr, fcr;
    uint8_t divisor[2];
    bool is_empty_told; /* the interrupt "transmitter empty" was seen */
    uint8_t input[DV_UART_INPUT];
    uint32_t input_first, input_count;
} dv_uart;

bool dv_uart_load(dv_machine *m, uint64_t offset, unsigned n_bytes, uint64_t *value);
bool dv_uart_store(dv_machine *m, uint64_t offset, unsigned n_bytes, uint64_t value);
void dv_uart_update(dv_machine *m);

/* virtio_blk.c: virtio-mmio version 2 with a disk in memory */
enum { DV_VIRTIO_QUEUE_MAX = 256 };

typedef struct dv_virtio_blk {
    uint8_t *bytes; /* [n_bytes], the caller's; NULL: no disk */
    uint64_t n_bytes;
    uint32_t status, interrupt, features_select, driver_features_select;
    uint32_t driver_features[2];
    uint32_t queue_size, is_ready;
    uint64_t descriptors, available, used; /* guest physical */
    uint16_t next_available;
    uint16_t next_used;
} dv_virtio_blk;

bool dv_virtio_load(dv_machine *m, uint64_t offset, unsigned n_bytes, uint64_t *value);
bool dv_virtio_store(dv_machine *m, uint64_t offset, unsigned n_bytes, uint64_t value);

/* finisher.c: ends the run */
bool dv_finisher_store(dv_machine *m, unsigned n_bytes, uint64_t value);

/* schedule.c: brings a hart's interrupt lines up to date. */
void dv_hart_update_lines(dv_machine *m, unsigned hart);

#endif /* DV_MACHINE_DEVICES_H */
