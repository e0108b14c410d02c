/* program.c - see program.h. */
#include "rv/program.h"

enum { UART_LINE_STATUS = 5, UART_EMPTY = 0x20 };
enum { N_PAGES = 512, N_CODE_WORDS = 64 };

static volatile uint8_t *const uart = (volatile uint8_t *)(uintptr_t)RV_UART_BASE;
static volatile uint32_t *const finisher =
    (volatile uint32_t *)(uintptr_t)RV_FINISHER_BASE;

/* start.S: the registers of whoever entered other code, and a0, a1 of that */
extern uint64_t rv_saved[32];
enum { SAVED_A0 = 16, SAVED_A1 = 17 };

uint64_t rv_enter(uint64_t entry, uint64_t stack, uint64_t a0, uint64_t a1);
void rv_trapped(void);
void rv_trapped_hs(void);
void rv_trapped_vs(void);

__attribute__((weak)) void rv_other_hart(uint64_t hart)
{
    (void)hart;
}

void *memset(void *to, int value, size_t n_bytes);
void *memcpy(void *restrict to, const void *restrict from, size_t n_bytes);

/* What the compiler calls by itself. */
void *memset(void *to, int value, size_t n_bytes)
{
    volatile uint8_t *bytes = (volatile uint8_t *)to;
    for (size_t i = 0; i < n_bytes; i++)
        bytes[i] = (uint8_t)value;
    return to;
}

void *memcpy(void *restrict to, const void *restrict from, size_t n_bytes)
{
    volatile uint8_t *bytes = (volatile uint8_t *)to;
    const uint8_t *source = (const uint8_t *)from;
    for (size_t i = 0; i < n_bytes; i++)
        bytes[i] = source[i];
    return to;
}

void rv_put(char c)
{
    while (!(uart[UART_LINE_STATUS] & UART_EMPTY))
        ;
    uart[0] = (uint8_t)c;
}

void rv_print(const char *text)
{
    while (*text)
        rv_put(*text++);
}

void rv_print_hex(uint64_t value)
{
    for (int shift = 60; shift >= 0; shift -= 4)
        rv_put("0123456789abcdef"[value >> shift & 15]);
}

void rv_print_number(uint64_t value)
{
    char digits[21];
    int n = 0;
    do
        digits[n++] = (char)('0' + value % 10);
    while (value /= 10);
    while (n)
        rv_put(digits[--n]);
}

void rv_finish(int result)
{
    *finisher = result ? (uint32_t)result << 16 | RV_FINISH_FAIL : RV_FINISH_PASS;
    for (;;)
        __asm__ volatile("wfi");
}

static rv_seen look(void)
{
    uint64_t cause = rv_csr_read(RV_CSR_MCAUSE), epc = rv_csr_read(RV_CSR_MEPC);
    rv_seen seen = {
        .by = 'M',
        .cause = cause,
        .epc = epc,
        .tval = rv_csr_read(RV_CSR_MTVAL),
        .tval2 = rv_csr_read(RV_CSR_MTVAL2),
        .tinst = rv_csr_read(RV_CSR_MTINST),
        .status = rv_csr_read(RV_CSR_MSTATUS),
        .hstatus = rv_csr_read(RV_CSR_HSTATUS),
        .a0 = rv_saved[SAVED_A0],
        .a1 = rv_saved[SAVED_A1],
    };
    /* the ecall of a handler, not of the code itself: its first instruction is "li" */
    if (cause == RV_CAUSE_ECALL_HS && epc - RV_ENTRY(rv_trapped_hs) <= 4) {
        seen.by = 'H';
        seen.cause = rv_csr_read(RV_CSR_SCAUSE);
        seen.epc = rv_csr_read(RV_CSR_SEPC);
        seen.tval = rv_csr_read(RV_CSR_STVAL);
        seen.tval2 = rv_csr_read(RV_CSR_HTVAL);
        seen.tinst = rv_csr_read(RV_CSR_HTINST);
        seen.status = rv_csr_read(RV_CSR_SSTATUS);
    } else if (cause == RV_CAUSE_ECALL_VS && epc - RV_ENTRY(rv_trapped_vs) <= 4) {
        seen.by = 'V';
        seen.cause = rv_csr_read(RV_CSR_VSCAUSE);
        seen.epc = rv_csr_read(RV_CSR_VSEPC);
        seen.tval = rv_csr_read(RV_CSR_VSTVAL);
        seen.tval2 = seen.tinst = 0;
        seen.status = rv_csr_read(RV_CSR_VSSTATUS);
    }
    return seen;
}

rv_seen rv_run(rv_mode mode, uint64_t entry, uint64_t a0, uint64_t a1)
{
    static uint8_t stack[4096] __attribute__((aligned(16)));
    rv_csr_write(RV_CSR_MTVEC, RV_ENTRY(rv_trapped));
    rv_csr_write(RV_CSR_STVEC, RV_ENTRY(rv_trapped_hs));
    rv_csr_write(RV_CSR_VSTVEC, RV_ENTRY(rv_trapped_vs));
    rv_csr_clear(RV_CSR_MSTATUS, RV_STATUS_MPP | RV_STATUS_MPV);
    rv_csr_set(RV_CSR_MSTATUS,
               (uint64_t)(mode & 3) << 11 | (mode & 4 ? RV_STATUS_MPV : 0));
    rv_enter(entry, (uint64_t)(uintptr_t)(stack + sizeof(stack)), a0, a1);
    return look();
}

uint64_t rv_code(const uint32_t *words, size_t n_words)
{
    static uint32_t code[N_CODE_WORDS] __attribute__((aligned(4096)));
    for (size_t i = 0; i < n_words; i++)
        code[i] = words[i];
    code[n_words] = 0x00000073; /* ecall */
    __asm__ volatile("fence.i" ::: "memory");
    return (uint64_t)(uintptr_t)code;
}

static uint64_t pages[N_PAGES][512] __attribute__((aligned(16384)));
static unsigned n_pages;

void rv_pages_reset(void)
{
    n_pages = 0;
}

uint64_t *rv_page(void)
{
    if (n_pages == N_PAGES) {
        rv_print("out of pages\n");
        rv_finish(99);
    }
    uint64_t *page = pages[n_pages++];
    for (unsigned i = 0; i < 512; i++)
        page[i] = 0;
    return page;
}

uint64_t *rv_pages_4(void)
{
    while (n_pages % 4)
        n_pages++;
    uint64_t *first = rv_page();
    for (unsigned i = 0; i < 3; i++)
        (void)rv_page();
    return first;
}

uint64_t *rv_map(uint64_t *root, unsigned n_levels, uint64_t address, unsigned level,
                 uint64_t pa, uint64_t flags)
{
    uint64_t *table = root;
    for (unsigned i = n_levels - 1;; i--) {
        /* a root of four pages has 2048 entries; bits of other roots are above */
        uint64_t mask = i == n_levels - 1 ? 0x7ff : 0x1ff;
        uint64_t *entry = &table[address >> (12 + 9 * i) & mask];
        if (i == level) {
            *entry = pa >> 12 << 10 | flags;
            return entry;
        }
        if (!(*entry & RV_PTE_V))
            *entry = (uint64_t)(uintptr_t)rv_page() >> 12 << 10 | RV_PTE_V;
        table = (uint64_t *)(uintptr_t)(*entry >> 10 << 12);
    }
}
