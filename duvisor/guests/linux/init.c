/*
 * init.c - the first and only process of the Linux image: says that it runs, counts the
 * instructions of round trips through KVM, and switches the machine off.
 *
 * Static and without a library.  A guest is a few instructions below; each operation is
 * done N times and 0 times, and the difference is what N of them took, host and guest
 * together.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    SYS_IOCTL = 29,
    SYS_MOUNT = 40,
    SYS_OPENAT = 56,
    SYS_WRITE = 64,
    SYS_EXIT = 93,
    SYS_REBOOT = 142,
    SYS_GETPID = 172,
    SYS_MMAP = 222,
};

static long call6(long number, long a, long b, long c, long d, long e, long f)
{
    register long a7 __asm__("a7") = number;
    register long a0 __asm__("a0") = a;
    register long a1 __asm__("a1") = b;
    register long a2 __asm__("a2") = c;
    register long a3 __asm__("a3") = d;
    register long a4 __asm__("a4") = e;
    register long a5 __asm__("a5") = f;
    __asm__ volatile("ecall"
                     : "+r"(a0)
                     : "r"(a1), "r"(a2), "r"(a3), "r"(a4), "r"(a5), "r"(a7)
                     : "memory");
    return a0;
}

static long call3(long number, long a, long b, long c)
{
    return call6(number, a, b, c, 0, 0, 0);
}

static uint64_t instructions(void)
{
    uint64_t count;
    __asm__ volatile("rdinstret %0" : "=r"(count));
    return count;
}

/* ---- Output ---- */

static void print(const char *text)
{
    long n = 0;
    while (text[n])
        n++;
    (void)call3(SYS_WRITE, 1, (long)text, n);
}

static void print_number(uint64_t value)
{
    char digits[24];
    unsigned at = sizeof(digits) - 1;
    digits[at] = 0;
    do
        digits[--at] = (char)('0' + value % 10);
    while (value /= 10);
    print(digits + at);
}

static void die(const char *what, long code)
{
    print("init: ");
    print(what);
    print(" gave -");
    print_number((uint64_t)-code);
    print("\n");
    (void)call6(SYS_REBOOT, 0xfee1dead, 672274793, 0x4321fedc, 0, 0, 0);
}

static long must(const char *what, long result)
{
    if (result < 0 && result > -4096) die(what, result);
    return result;
}

/* ---- The guest ---- */

enum { GUEST_CODE = 0x80000000u, GUEST_DATA = 0x90000000u, GUEST_MMIO = 0x10000000u };
enum { N_PAGES = 1000, DATA_BYTES = N_PAGES * 4096, WARM_PAGES = 8 };

/* Four loops of a0 rounds; a1 is the address they work on.  The end is a store to a
 * device that is not there, at an address that no round uses. */
extern const uint8_t guest_code[], guest_code_end[];
extern const uint8_t guest_hypercall[], guest_read[], guest_touch[];
__asm__(".section .rodata\n.balign 4\n.globl guest_code\nguest_code:\n"
        "guest_hypercall:\n"
        "  mv s0, a0\n"
        "1: beqz s0, 9f\n"
        "  li a7, 0x10\n  li a6, 0\n  ecall\n"
        "  addi s0, s0, -1\n  j 1b\n"
        "guest_read:\n"
        "  mv s0, a0\n"
        "1: beqz s0, 9f\n"
        "  lw t0, 0(a1)\n"
        "  addi s0, s0, -1\n  j 1b\n"
        "guest_touch:\n"
        "  mv s0, a0\n  li t1, 4096\n"
        "1: beqz s0, 9f\n"
        "  sd zero, 0(a1)\n"
        "  add a1, a1, t1\n"
        "  addi s0, s0, -1\n  j 1b\n"
        "9: li t0, 0x10001000\n  sw zero, 0(t0)\n  j 9b\n"
        "guest_code_end:\n.text\n");

/* ---- KVM, by the numbers of linux/kvm.h ---- */

enum {
    KVM_CREATE_VM = 0xae01,
    KVM_GET_VCPU_MMAP_SIZE = 0xae04,
    KVM_CREATE_VCPU = 0xae41,
    KVM_RUN = 0xae80,
    KVM_EXIT_MMIO = 6,
};
#define KVM_SET_USER_MEMORY_REGION 0x4020ae46
#define KVM_SET_ONE_REG            0x4010aeac
#define KVM_REG_CORE               UINT64_C(0x8030000002000000) /* + the register's place */
enum { CORE_PC = 0, CORE_A0 = 10, CORE_A1 = 11 };

typedef struct memory_region {
    uint32_t slot, flags;
    uint64_t guest_physical, n_bytes, address;
} memory_region;

typedef struct one_register {
    uint64_t id, address;
} one_register;

/* The head of struct kvm_run, and its member mmio. */
typedef struct run_state {
    uint8_t request_interrupt_window, immediate_exit, head[6];
    uint32_t exit_reason;
    uint8_t rest[20];
    uint64_t physical;
    uint8_t data[8];
    uint32_t n_bytes;
    uint8_t is_write;
} run_state;

static long vm, vcpu;
static volatile run_state *state;

static long map_memory(uint64_t n_bytes, long fd)
{
    bool is_shared = fd >= 0;
    return must("mmap",
                call6(SYS_MMAP, 0, (long)n_bytes, 3, is_shared ? 1 : 0x22, fd, 0));
}

static void add_memory(uint32_t slot, uint64_t guest_physical, uint64_t n_bytes,
                       uint64_t address)
{
    memory_region region = {slot, 0, guest_physical, n_bytes, address};
    must("KVM_SET_USER_MEMORY_REGION",
         call3(SYS_IOCTL, vm, KVM_SET_USER_MEMORY_REGION, (long)&region));
}

static void set_register(uint64_t place, uint64_t value)
{
    one_register reg = {KVM_REG_CORE + place, (uint64_t)(uintptr_t)&value};
    must("KVM_SET_ONE_REG", call3(SYS_IOCTL, vcpu, KVM_SET_ONE_REG, (long)&reg));
}

static bool open_kvm(void)
{
    long kvm = call6(SYS_OPENAT, -100, (long)"/dev/kvm", 2, 0, 0, 0);
    if (kvm < 0) return false;
    vm = must("KVM_CREATE_VM", call3(SYS_IOCTL, kvm, KVM_CREATE_VM, 0));
    uint8_t *code = (uint8_t *)map_memory(4096, -1);
    for (size_t i = 0; i < (size_t)(guest_code_end - guest_code); i++)
        code[i] = guest_code[i];
    add_memory(0, GUEST_CODE, 4096, (uint64_t)(uintptr_t)code);
    vcpu = must("KVM_CREATE_VCPU", call3(SYS_IOCTL, vm, KVM_CREATE_VCPU, 0));
    long n_bytes = must("KVM_GET_VCPU_MMAP_SIZE",
                        call3(SYS_IOCTL, kvm, KVM_GET_VCPU_MMAP_SIZE, 0));
    state = (volatile run_state *)map_memory((uint64_t)n_bytes, vcpu);
    return true;
}

/* Runs a loop of the guest until its end; the instructions it took. */
static uint64_t run(const uint8_t *entry, uint64_t n_rounds, uint64_t address)
{
    set_register(CORE_PC, GUEST_CODE + (uint64_t)(entry - guest_code));
    set_register(CORE_A0, n_rounds);
    set_register(CORE_A1, address);
    uint64_t before = instructions();
    for (;;) {
        long result = call3(SYS_IOCTL, vcpu, KVM_RUN, 0);
        if (result < 0) die("KVM_RUN", result);
        if (state->exit_reason != KVM_EXIT_MMIO)
            die("the exit reason", -(long)state->exit_reason);
        if (state->is_write) break;
        state->data[0] = 1;
    }
    uint64_t after = instructions();
    /* The store is completed when the guest is entered again: not with the next loop.
     */
    state->immediate_exit = 1;
    (void)call3(SYS_IOCTL, vcpu, KVM_RUN, 0);
    state->immediate_exit = 0;
    return after - before;
}

static void report(const char *name, uint64_t with, uint64_t without, uint64_t n_rounds)
{
    uint64_t hundredths = (with - without) * 100 / n_rounds;
    print("kvm ");
    print(name);
    print(" ");
    print_number(hundredths / 100);
    print(hundredths % 100 < 10 ? ".0" : ".");
    print_number(hundredths % 100);
    print("\n");
}

static void measure_kvm(void)
{
    uint64_t n = 1000, with, without;
    (void)run(guest_hypercall, 10, 0);
    (void)run(guest_read, 10, GUEST_MMIO);
    without = run(guest_hypercall, 0, 0);
    with = run(guest_hypercall, n, 0);
    report("hypercall", with, without, n);
    without = run(guest_read, 0, GUEST_MMIO);
    with = run(guest_read, n, GUEST_MMIO);
    report("mmio", with, without, n);
    /* pages that the host has, then pages that nobody has */
    for (unsigned round = 0; round < 2; round++) {
        uint64_t at = GUEST_DATA + (uint64_t)round * 0x10000000;
        volatile uint8_t *data = (volatile uint8_t *)map_memory(DATA_BYTES, -1);
        for (size_t i = 0; round == 0 && i < DATA_BYTES; i += 4096)
            data[i] = 1;
        add_memory(1 + round, at, DATA_BYTES, (uint64_t)(uintptr_t)data);
        (void)run(guest_touch, WARM_PAGES, at);
        at += WARM_PAGES * 4096;
        n = N_PAGES - WARM_PAGES;
        without = run(guest_touch, 0, at);
        with = run(guest_touch, n, at);
        report(round ? "fault-fresh" : "fault-present", with, without, n);
    }
}

static void measure_getpid(void)
{
    enum { N = 1000 };
    uint64_t before = instructions();
    for (int i = 0; i < N; i++)
        (void)call3(SYS_GETPID, 0, 0, 0);
    report("getpid", instructions() - before, 0, N);
}

void _start(void);
void _start(void)
{
    print("init: running\n");
    (void)call6(SYS_MOUNT, (long)"devtmpfs", (long)"/dev", (long)"devtmpfs", 0, 0, 0);
    measure_getpid();
    if (open_kvm())
        measure_kvm();
    else
        print("init: no /dev/kvm\n");
    print("init: done\n");
    (void)call6(SYS_REBOOT, 0xfee1dead, 672274793, 0x4321fedc, 0, 0, 0);
    for (;;)
        (void)call3(SYS_EXIT, 0, 0, 0);
}
