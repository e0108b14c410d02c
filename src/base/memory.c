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
static _Thread_local int64_t bytes_of_thread;

/* Mapped blocks, so that what of them is resident can be counted: a header holds the
 * block's size and its neighbours in this list. */
typedef struct header {
    size_t n_bytes;
    struct header *previous, *next;
} header;
_Static_assert(sizeof(header) <= HEADER, "a header fits before its block");
static grt_os_mutex mapped_lock = GRT_OS_MUTEX_INIT;
static header *mapped; /* guarded by mapped_lock */

static void account_add(uint64_t n)
{
    bytes_of_thread += (int64_t)n;
    uint64_t now = atomic_fetch_add(&bytes_now, n) + n;
    uint_fast64_t peak = atomic_load(&bytes_peak);
    while (now > peak && !atomic_compare_exchange_weak(&bytes_peak, &peak, now))
        ;
}

static void account_sub(uint64_t n)
{
    bytes_of_thread -= (int64_t)n;
    (void)atomic_fetch_sub(&bytes_now, n);
}

static void list_add(header *h)
{
    grt_os_lock(&mapped_lock);
    h->previous = NULL;
    h->next = mapped;
    if (mapped) mapped->previous = h;
    mapped = h;
    grt_os_unlock(&mapped_lock);
}

static void list_remove(const header *h)
{
    grt_os_lock(&mapped_lock);
    if (h->previous)
        h->previous->next = h->next;
    else
        mapped = h->next;
    if (h->next) h->next->previous = h->previous;
    grt_os_unlock(&mapped_lock);
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
    header *h = (header *)(void *)base;
    h->n_bytes = n_bytes;
    account_add(n_bytes + HEADER);
    if (total_of(n_bytes) >= MAPPED_FROM) list_add(h);
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
    unsigned char *old = (unsigned char *)block - HEADER;
    list_remove((header *)(void *)old);
    unsigned char *base =
        grt_os_pages_resize(old, total_of(old_bytes), total_of(n_bytes));
    header *h = (header *)(void *)(base ? base : old);
    if (base) h->n_bytes = n_bytes;
    list_add(h);
    if (!base) return NULL;
    account_sub(old_bytes + HEADER);
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
    account_sub(n_bytes + HEADER);
    if (total_of(n_bytes) < MAPPED_FROM) {
        grt_os_block_free(base);
        return;
    }
    list_remove((header *)(void *)base);
    grt_os_pages_free(base, total_of(n_bytes));
}

uint64_t grt_memory_resident(const void *block)
{
    if (!block) return 0;
    size_t total = total_of(block_bytes(block));
    if (total < MAPPED_FROM) return total;
    return grt_os_pages_resident((const unsigned char *)block - HEADER, total);
}

uint64_t grt_memory_resident_now(void)
{
    uint64_t n_mapped = 0, n_resident = 0;
    grt_os_lock(&mapped_lock);
    for (header *h = mapped; h; h = h->next) {
        n_mapped += h->n_bytes + HEADER;
        n_resident += grt_memory_resident((unsigned char *)h + HEADER);
    }
    uint64_t now = grt_memory_now();
    grt_os_unlock(&mapped_lock);
    return n_resident + (now > n_mapped ? now - n_mapped : 0);
}

int64_t grt_memory_of_thread(void)
{
    return bytes_of_thread;
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
