/* memory.c - see memory.h.
 *
 * Each block is preceded by a 64-byte header with its size.  Large blocks are mapped on
 * their own, so that freeing one gives its pages back to the system at once and pages
 * that were never touched cost nothing: the memory promise counts on both.  Sanitizers
 * see every block of theirs. */
#include "base/memory.h"

#include "base/checked.h"
#include "os/os.h"

#include <stdatomic.h>
#include <string.h>

enum { HEADER = 64 };

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
    return total < MAPPED_FROM ? grt_os_block_new(HEADER, total)
                               : grt_os_pages_new(total);
}

static size_t total_of(size_t n_bytes)
{
    size_t total = n_bytes + 2 * HEADER - 1;
    return total - total % HEADER; /* whole alignments */
}

static void *block_new(size_t n_bytes)
{
    if (n_bytes > SIZE_MAX - 2 * HEADER) return NULL;
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
    void *block = must_fail() ? NULL : block_new(n_bytes);
    if (!block) return no_memory(err, what, 1, n_bytes);
    memcpy(out, &block, sizeof(block));
    return GRT_OK;
}

grt_status grt_alloc_array(void *out, size_t count, size_t size, const char *what,
                           grt_error *err)
{
    size_t n_bytes;
    bool fits = grt_mul_size(&n_bytes, count, size) && !must_fail();
    void *block = fits ? block_new(n_bytes) : NULL;
    if (!block) return no_memory(err, what, count, size);
    if (total_of(n_bytes) < MAPPED_FROM) memset(block, 0, n_bytes);
    memcpy(out, &block, sizeof(block));
    return GRT_OK;
}

/* Moves the pages of a block where the system can: a copy would have all of them twice
 * for a moment, and that moment would count as the peak.  NULL: it is to be copied. */
static void *block_moved(void *block, size_t n_bytes)
{
    if (!block || n_bytes > SIZE_MAX - 2 * HEADER || total_of(n_bytes) < MAPPED_FROM ||
        total_of(block_bytes(block)) < MAPPED_FROM)
        return NULL;
    size_t old_bytes = block_bytes(block);
    unsigned char *base = grt_os_pages_resize((unsigned char *)block - HEADER,
                                              total_of(old_bytes), total_of(n_bytes));
    if (!base) return NULL;
    memcpy(base, &n_bytes, sizeof(n_bytes));
    atomic_fetch_sub(&bytes_now, old_bytes + HEADER);
    account_add(n_bytes + HEADER);
    return base + HEADER;
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
    if (!grt_mul_size(&n_bytes, count, size) || must_fail())
        return no_memory(err, what, count, size);
    new = block_moved(old, n_bytes);
    if (!new) new = block_copied(old, n_bytes);
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
        grt_os_block_free(base);
    else
        grt_os_pages_free(base, total_of(n_bytes));
}

uint64_t grt_memory_resident(const void *block)
{
    if (!block) return 0;
    size_t total = total_of(block_bytes(block));
    if (total < MAPPED_FROM) return total;
    return grt_os_pages_resident((const unsigned char *)block - HEADER, total);
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
