/*
 * boot.c - what stands in memory before the first instruction: the ROM that jumps to
 * the firmware, and the device tree.
 *
 * Registers, addresses and the record for the firmware are those of QEMU's "virt", so
 * that the same firmware starts on both.
 */
#include "base/memory.h"
#include "machine/machine_state.h"
#include "rv/fdt.h"

#include <stdio.h>

enum { FDT_BYTES = 65536, PHANDLE_CPU = 1, PHANDLE_INTC = 16, PHANDLE_PLIC = 32 };
#define FIRMWARE_MAGIC UINT64_C(0x4942534f) /* "OSBI" */

static void write_cpu(rv_fdt *fdt, unsigned hart)
{
    char name[16];
    (void)snprintf(name, sizeof(name), "cpu@%x", hart);
    rv_fdt_node(fdt, name);
    rv_fdt_u32(fdt, "phandle", PHANDLE_CPU + hart);
    rv_fdt_text(fdt, "device_type", "cpu");
    rv_fdt_u32(fdt, "reg", hart);
    rv_fdt_text(fdt, "status", "okay");
    rv_fdt_text(fdt, "compatible", "riscv");
    rv_fdt_text(fdt, "riscv,isa", "rv64imach_zicsr_zifencei_zihintpause");
    rv_fdt_text(fdt, "mmu-type", "riscv,sv57");
    rv_fdt_node(fdt, "interrupt-controller");
    rv_fdt_u32(fdt, "#interrupt-cells", 1);
    rv_fdt_empty(fdt, "interrupt-controller");
    rv_fdt_text(fdt, "compatible", "riscv,cpu-intc");
    rv_fdt_u32(fdt, "phandle", PHANDLE_INTC + hart);
    rv_fdt_end_node(fdt);
    rv_fdt_end_node(fdt);
}

static void write_cpus(rv_fdt *fdt, unsigned n_harts)
{
    rv_fdt_node(fdt, "cpus");
    rv_fdt_u32(fdt, "#address-cells", 1);
    rv_fdt_u32(fdt, "#size-cells", 0);
    rv_fdt_u32(fdt, "timebase-frequency", RV_TIME_HZ);
    for (unsigned i = 0; i < n_harts; i++)
        write_cpu(fdt, i);
    rv_fdt_end_node(fdt);
}

/* Two interrupts of every hart: M's and S's, or M's two. */
static void write_interrupts(rv_fdt *fdt, unsigned n_harts, uint32_t first,
                             uint32_t second)
{
    uint32_t cells[4 * DV_MAX_HARTS];
    for (unsigned i = 0; i < n_harts; i++) {
        cells[4 * i] = cells[4 * i + 2] = PHANDLE_INTC + i;
        cells[4 * i + 1] = first;
        cells[4 * i + 3] = second;
    }
    rv_fdt_cells(fdt, "interrupts-extended", cells, 4 * n_harts);
}

static void write_controllers(rv_fdt *fdt, unsigned n_harts)
{
    static const char clint[] = "sifive,clint0\0riscv,clint0";
    static const char plic[] = "sifive,plic-1.0.0\0riscv,plic0";
    rv_fdt_node(fdt, "clint@2000000");
    rv_fdt_bytes(fdt, "compatible", clint, sizeof(clint));
    rv_fdt_reg(fdt, "reg", RV_CLINT_BASE, RV_CLINT_BYTES);
    write_interrupts(fdt, n_harts, RV_IRQ_MSI, RV_IRQ_MTI);
    rv_fdt_end_node(fdt);
    rv_fdt_node(fdt, "plic@c000000");
    rv_fdt_u32(fdt, "phandle", PHANDLE_PLIC);
    rv_fdt_bytes(fdt, "compatible", plic, sizeof(plic));
    rv_fdt_reg(fdt, "reg", RV_PLIC_BASE, RV_PLIC_BYTES);
    rv_fdt_u32(fdt, "riscv,ndev", DV_PLIC_SOURCES - 1);
    rv_fdt_u32(fdt, "#interrupt-cells", 1);
    rv_fdt_u32(fdt, "#address-cells", 0);
    rv_fdt_empty(fdt, "interrupt-controller");
    write_interrupts(fdt, n_harts, RV_IRQ_MEI, RV_IRQ_SEI);
    rv_fdt_end_node(fdt);
}

static void write_devices(rv_fdt *fdt)
{
    static const char test[] = "sifive,test1\0sifive,test0\0syscon";
    rv_fdt_node(fdt, "test@100000");
    rv_fdt_u32(fdt, "phandle", PHANDLE_PLIC + 1);
    rv_fdt_bytes(fdt, "compatible", test, sizeof(test));
    rv_fdt_reg(fdt, "reg", RV_FINISHER_BASE, 0x1000);
    rv_fdt_end_node(fdt);
    rv_fdt_node(fdt, "serial@10000000");
    rv_fdt_text(fdt, "compatible", "ns16550a");
    rv_fdt_reg(fdt, "reg", RV_UART_BASE, 0x100);
    rv_fdt_u32(fdt, "clock-frequency", 3686400);
    rv_fdt_u32(fdt, "interrupts", RV_UART_IRQ);
    rv_fdt_u32(fdt, "interrupt-parent", PHANDLE_PLIC);
    rv_fdt_end_node(fdt);
    for (unsigned i = 0; i < RV_VIRTIO_SLOTS; i++) {
        char name[32];
        uint32_t base = RV_VIRTIO_BASE + i * RV_VIRTIO_BYTES;
        (void)snprintf(name, sizeof(name), "virtio_mmio@%x", base);
        rv_fdt_node(fdt, name);
        rv_fdt_text(fdt, "compatible", "virtio,mmio");
        rv_fdt_reg(fdt, "reg", base, RV_VIRTIO_BYTES);
        rv_fdt_u32(fdt, "interrupts", RV_VIRTIO_IRQ + i);
        rv_fdt_u32(fdt, "interrupt-parent", PHANDLE_PLIC);
        rv_fdt_end_node(fdt);
    }
}

static size_t write_tree(const dv_machine *m, const dv_boot *boot, uint8_t *bytes)
{
    rv_fdt fdt;
    rv_fdt_begin(&fdt, bytes, FDT_BYTES);
    rv_fdt_node(&fdt, "");
    rv_fdt_u32(&fdt, "#address-cells", 2);
    rv_fdt_u32(&fdt, "#size-cells", 2);
    rv_fdt_text(&fdt, "compatible", "riscv-virtio");
    rv_fdt_text(&fdt, "model", "riscv-virtio,qemu");
    rv_fdt_node(&fdt, "chosen");
    if (boot->arguments) rv_fdt_text(&fdt, "bootargs", boot->arguments);
    rv_fdt_text(&fdt, "stdout-path", "/soc/serial@10000000");
    if (boot->initrd_bytes) {
        rv_fdt_u64(&fdt, "linux,initrd-start", boot->initrd_address);
        rv_fdt_u64(&fdt, "linux,initrd-end", boot->initrd_address + boot->initrd_bytes);
    }
    rv_fdt_end_node(&fdt);
    rv_fdt_node(&fdt, "memory@80000000");
    rv_fdt_text(&fdt, "device_type", "memory");
    rv_fdt_reg(&fdt, "reg", RV_RAM_BASE, m->options.ram_bytes);
    rv_fdt_end_node(&fdt);
    write_cpus(&fdt, m->options.n_harts);
    rv_fdt_node(&fdt, "soc");
    rv_fdt_u32(&fdt, "#address-cells", 2);
    rv_fdt_u32(&fdt, "#size-cells", 2);
    rv_fdt_text(&fdt, "compatible", "simple-bus");
    rv_fdt_empty(&fdt, "ranges");
    write_controllers(&fdt, m->options.n_harts);
    write_devices(&fdt);
    rv_fdt_end_node(&fdt);
    static const struct {
        const char *name, *compatible;
        uint32_t value;
    } syscons[] = {{"poweroff", "syscon-poweroff", RV_FINISH_PASS},
                   {"reboot", "syscon-reboot", RV_FINISH_RESET}};
    for (unsigned i = 0; i < 2; i++) {
        rv_fdt_node(&fdt, syscons[i].name);
        rv_fdt_text(&fdt, "compatible", syscons[i].compatible);
        rv_fdt_u32(&fdt, "regmap", PHANDLE_PLIC + 1);
        rv_fdt_u32(&fdt, "offset", 0);
        rv_fdt_u32(&fdt, "value", syscons[i].value);
        rv_fdt_end_node(&fdt);
    }
    rv_fdt_end_node(&fdt);
    return rv_fdt_end(&fdt);
}

/* Six instructions, then what they load: the entry, the tree, and the firmware's
 * record. */
static void write_rom(dv_machine *m, uint64_t tree, uint64_t kernel)
{
    static const uint32_t code[] = {
        0x00000297, /* auipc t0, 0 */
        0x02828613, /* addi a2, t0, 40 */
        0xf1402573, /* csrr a0, mhartid */
        0x0202b583, /* ld a1, 32(t0) */
        0x0182b283, /* ld t0, 24(t0) */
        0x00028067, /* jr t0 */
    };
    const uint64_t data[] = {
        RV_RAM_BASE, tree, FIRMWARE_MAGIC, 2, kernel, 1 /* next: S-mode */, 0, 0,
    };
    memcpy(m->rom, code, sizeof(code));
    memcpy(m->rom + sizeof(code), data, sizeof(data));
}

/* Where QEMU puts it: as far up as a multiple of 2 MiB allows, below the end of RAM and
 * of the first 3 GiB. */
static uint64_t tree_address(const dv_machine *m)
{
    uint64_t end = RV_RAM_BASE + m->options.ram_bytes, three = UINT64_C(3) << 30;
    if (end > three) end = three;
    return (end - FDT_BYTES) & ~((UINT64_C(2) << 20) - 1);
}

grt_status dv_machine_boot(dv_machine *m, const dv_boot *boot, grt_error *err)
{
    uint8_t *bytes;
    GRT_TRY(grt_alloc(&bytes, FDT_BYTES, "the device tree", err));
    size_t n_bytes = write_tree(m, boot, bytes);
    uint64_t at = tree_address(m);
    grt_status status = GRT_OK;
    if (n_bytes == 0)
        status = grt_error_set(err, GRT_E_TOO_LONG, -1,
                               "the kernel's arguments do not fit the device tree");
    else
        status = dv_machine_put(m, at, bytes, n_bytes, err);
    grt_free(bytes);
    if (status != GRT_OK) return status;
    write_rom(m, at, boot->kernel_address);
    return GRT_OK;
}
