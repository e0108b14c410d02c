/* memory.c - see memory.h.
 *
 * Each block is preceded by a 64-byte header with its size.  Large blocks are mapped on
 * their own, so that freeing one gives its pages back to the system at once and pages
 * that were never touched cost nothing: the memory promise counts on both.  Sanitizers
 * see every block of theirs. */
#include "base/memory.h"

#include "base/checked.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { HEADER = 64, PAGES_AT_ONCE = 1024 };

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define MAPPED_FROM SIZE_MAX
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || \
    __has_feature(memory_sanitizer)
#define MAPPED_FROM SIZE_MAX
#endif
#endif
#ifndef MAPPED_FROM
#define MAPPED_FROM ((size_t)256 << 10)
#endif

static atomic_uint_fast64_t bytes_now;
static atomic_uint_fast64_t bytes_peak;
static atomic_uint_fast64_t fail_countdown;

static void account_add(uint64_t n)
{
    uint64_t now = atomic_fetch_add(&bytes_now, n) + n;
    uint_fast64_t peak = atomic_load(&bytes_peak);
    while (now > peak && !atomic_compare_exchange_weak(&bytes_peak, &peak, now))
        ;
}

static bool must_fail(void)
{
    uint_fast64_t left = atomic_load(&fail_countdown);
    while (left != 0)
        if (atomic_compare_exchange_weak(&fail_countdown, &left, left - 1))
            return left == 1;
    return false;
}

/* `total` bytes, header included; mapped blocks are zeros. */
static unsigned char *base_new(size_t total)
{
    if (total < MAPPED_FROM) return aligned_alloc(HEADER, total);
    void *base =
        mmap(NULL, total, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return base == MAP_FAILED ? NULL : base;
}

static size_t total_of(size_t n_bytes)
{
    size_t total = n_bytes + 2 * HEADER - 1;
    return total - total % HEADER; /* aligned_alloc wants whole alignments */
}

static void *block_new(size_t n_bytes)
{
    if (n_bytes > SIZE_MAX - 2 * HEADER || must_fail()) return NULL;
    unsigned char *base = base_new(total_of(n_bytes));
    if (!base) return NULL;
    memcpy(base, &n_bytes, sizeof(n_bytes));
    account_add(n_bytes + HEADER);
    return base + HEADER;
}

static size_t block_bytes(const void *block)
{
    size_t n;
    memcpy(&n, (const unsigned char *)block - HEADER, sizeof(n));
    return n;
}

static grt_status no_memory(grt_error *err, const char *what, size_t count, size_t size)
{
    return grt_error_set(err, GRT_E_NO_MEMORY, -1, "no memory for %s (%zu x %zu bytes)",
                         what, count, size);
}

grt_status grt_alloc(void *out, size_t n_bytes, const char *what, grt_error *err)
{
    void *block = block_new(n_bytes);
    if (!block) return no_memory(err, what, 1, n_bytes);
    memcpy(out, &block, sizeof(block));
    return GRT_OK;
}

grt_status grt_alloc_array(void *out, size_t count, size_t size, const char *what,
                           grt_error *err)
{
    size_t n_bytes;
    void *block = grt_mul_size(&n_bytes, count, size) ? block_new(n_bytes) : NULL;
    if (!block) return no_memory(err, what, count, size);
    if (total_of(n_bytes) < MAPPED_FROM) memset(block, 0, n_bytes);
    memcpy(out, &block, sizeof(block));
    return GRT_OK;
}

/* Whether the pages of a block can be moved: a copy would have all of them twice for a
 * moment, and that moment would count as the peak. */
static bool can_move(const void *block, size_t n_bytes)
{
#ifdef MREMAP_MAYMOVE
    return block && n_bytes <= SIZE_MAX - 2 * HEADER &&
           total_of(n_bytes) >= MAPPED_FROM &&
           total_of(block_bytes(block)) >= MAPPED_FROM;
#else
    (void)block, (void)n_bytes;
    return false;
#endif
}

static void *block_moved(void *block, size_t n_bytes)
{
#ifdef MREMAP_MAYMOVE
    size_t old_bytes = block_bytes(block);
    if (must_fail()) return NULL;
    unsigned char *base = mremap((unsigned char *)block - HEADER, total_of(old_bytes),
                                 total_of(n_bytes), MREMAP_MAYMOVE);
    if ((void *)base == MAP_FAILED) return NULL;
    memcpy(base, &n_bytes, sizeof(n_bytes));
    atomic_fetch_sub(&bytes_now, old_bytes + HEADER);
    account_add(n_bytes + HEADER);
    return base + HEADER;
#else
    (void)block, (void)n_bytes;
    return NULL;
#endif
}

static void *block_copied(void *block, size_t n_bytes)
{
    void *new = block_new(n_bytes);
    if (!new || !block) return new;
    size_t kept = block_bytes(block);
    memcpy(new, block, kept < n_bytes ? kept : n_bytes);
    grt_free(block);
    return new;
}

grt_status grt_realloc_array(void *block, size_t count, size_t size, const char *what,
                             grt_error *err)
{
    void *old, *new;
    size_t n_bytes;
    memcpy(&old, block, sizeof(old));
    if (!grt_mul_size(&n_bytes, count, size)) return no_memory(err, what, count, size);
    new =
        can_move(old, n_bytes) ? block_moved(old, n_bytes) : block_copied(old, n_bytes);
    if (!new) return no_memory(err, what, count, size);
    memcpy(block, &new, sizeof(new));
    return GRT_OK;
}

void grt_free(void *block)
{
    if (!block) return;
    size_t n_bytes = block_bytes(block);
    unsigned char *base = (unsigned char *)block - HEADER;
    atomic_fetch_sub(&bytes_now, n_bytes + HEADER);
    if (total_of(n_bytes) < MAPPED_FROM)
        free(base);
    else
        (void)munmap(base, total_of(n_bytes));
}

/* Resident bytes of n pages from base on; all of them where the system does not tell.
 */
static uint64_t resident_pages(unsigned char *base, size_t n, size_t page)
{
    unsigned char flags[PAGES_AT_ONCE];
    if (n > sizeof(flags)) n = sizeof(flags);
    if (mincore(base, n * page, flags) != 0) return (uint64_t)n * page;
    uint64_t n_resident = 0;
    for (size_t i = 0; i < n; i++)
        n_resident += flags[i] & 1;
    return n_resident * page;
}

uint64_t grt_memory_resident(const void *block)
{
    if (!block) return 0;
    size_t total = total_of(block_bytes(block)), page = (size_t)sysconf(_SC_PAGESIZE);
    if (total < MAPPED_FROM) return total;
    uintptr_t base = (uintptr_t)block - HEADER;
    size_t n_pages = (total + page - 1) / page;
    uint64_t resident = 0;
    for (size_t i = 0; i < n_pages; i += PAGES_AT_ONCE)
        resident +=
            resident_pages((unsigned char *)(base + i * page), n_pages - i, page);
    return resident;
}

uint64_t grt_memory_now(void)
{
    return atomic_load(&bytes_now);
}

uint64_t grt_memory_peak(void)
{
    return atomic_load(&bytes_peak);
}

void grt_memory_fail_nth(uint64_t n)
{
    atomic_store(&fail_countdown, n);
}
