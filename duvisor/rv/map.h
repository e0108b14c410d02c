/* map.h - where things are: the memory map of QEMU's machine "virt". */
#ifndef DV_RV_MAP_H
#define DV_RV_MAP_H

#define RV_ROM_BASE      0x1000u
#define RV_FINISHER_BASE 0x100000u
#define RV_CLINT_BASE    0x2000000u
#define RV_CLINT_BYTES   0x10000u
#define RV_PLIC_BASE     0xc000000u
#define RV_PLIC_BYTES    0x600000u
#define RV_UART_BASE     0x10000000u
#define RV_UART_IRQ      10
#define RV_VIRTIO_BASE   0x10001000u
#define RV_VIRTIO_BYTES  0x1000u
#define RV_VIRTIO_IRQ    1 /* of slot 0; slot n has 1 + n */
#define RV_VIRTIO_SLOTS  8
#define RV_RAM_BASE      0x80000000u

/* written to the finisher; a failure's code stands in the upper 16 bits */
#define RV_FINISH_FAIL  0x3333u
#define RV_FINISH_PASS  0x5555u
#define RV_FINISH_RESET 0x7777u

#define RV_TIME_HZ      10000000u

#endif /* DV_RV_MAP_H */
