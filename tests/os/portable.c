/* portable.c - what os.h promises, checked by nothing but C and os.h: it also runs
 * where the other tests cannot be built.
 *
 * usage: portable DIRECTORY (that exists and is empty) */
#include "os/os.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

enum { N_THREADS = 4, N_ROUNDS = 20000, BIG = 3 << 20 };

static int n_failed;

#define EXPECT(condition)                                                    \
    do {                                                                     \
        if (!(condition)) {                                                  \
            printf("line %d: %s (errno %d)\n", __LINE__, #condition, errno); \
            n_failed++;                                                      \
        }                                                                    \
    } while (0)

/* ---- Threads ---- */

static grt_os_mutex lock;
static grt_os_condition changed;
static grt_os_once_flag once = GRT_OS_ONCE_INIT;
static atomic_int n_once;
static int n_here, n_counted;

static void count_once(void)
{
    atomic_fetch_add(&n_once, 1);
}

static void *count(void *argument)
{
    grt_os_once(&once, count_once);
    grt_os_lock(&lock);
    n_here++;
    grt_os_wake_all(&changed);
    while (n_here < N_THREADS)
        grt_os_wait(&changed, &lock);
    grt_os_unlock(&lock);
    for (int i = 0; i < N_ROUNDS; i++) {
        grt_os_lock(&lock);
        n_counted++;
        grt_os_unlock(&lock);
    }
    return argument;
}

static void check_threads(void)
{
    grt_os_thread threads[N_THREADS];
    grt_os_mutex_init(&lock);
    grt_os_condition_init(&changed);
    for (int i = 0; i < N_THREADS; i++)
        EXPECT(grt_os_thread_start(&threads[i], count, NULL) == 0);
    for (int i = 0; i < N_THREADS; i++)
        grt_os_thread_join(&threads[i]);
    grt_os_condition_destroy(&changed);
    grt_os_mutex_destroy(&lock);
    EXPECT(atomic_load(&n_once) == 1);
    EXPECT(n_counted == N_THREADS * N_ROUNDS);
}

/* ---- The machine, and memory ---- */

static void check_machine(void)
{
    uint64_t first = grt_os_clock_ns(), last = first;
    for (int i = 0; i < 1000; i++) {
        uint64_t now = grt_os_clock_ns();
        EXPECT(now >= last);
        last = now;
    }
    EXPECT(last > first);
    EXPECT(grt_os_usable_cpus() >= 1 && grt_os_usable_cpus() <= 8192);
    EXPECT(grt_os_process_id() != 0);
    printf("%llu bytes available, %d CPUs\n",
           (unsigned long long)grt_os_available_bytes(), (int)grt_os_usable_cpus());
    EXPECT(grt_os_available_bytes() != 1);
}

static void check_memory(void)
{
    unsigned char *block = grt_os_block_new(64, 640);
    EXPECT(block && (uintptr_t)block % 64 == 0);
    grt_os_block_free(block);
    grt_os_block_free(NULL);
    unsigned char *pages = grt_os_pages_new(BIG);
    EXPECT(pages);
    for (size_t i = 0; i < BIG; i += 4096)
        EXPECT(pages[i] == 0);
    memset(pages, 3, BIG / 2);
    uint64_t resident = grt_os_pages_resident(pages, BIG);
    EXPECT(resident >= BIG / 2 && resident <= BIG);
    unsigned char *moved = grt_os_pages_resize(pages, BIG, 2 * (size_t)BIG);
    if (moved) EXPECT(moved[BIG / 2 - 1] == 3 && moved[BIG] == 0);
    grt_os_pages_free(moved ? moved : pages, moved ? 2 * (size_t)BIG : BIG);
}

/* ---- Files ---- */

static char path[1024], other[1024];

static void join(char *out, const char *directory, const char *name)
{
    int n = snprintf(out, sizeof(path), "%s/%s", directory, name);
    EXPECT(n > 0 && (size_t)n < sizeof(path));
}

static bool count_names(const char *name, void *payload)
{
    int *n = payload;
    return name[0] != '\0' && ++*n < 100;
}

static int entries(const char *directory)
{
    int n = 0;
    EXPECT(grt_os_list(directory, count_names, &n) == 0);
    return n;
}

static void check_drafts(const char *directory)
{
    static const uint64_t far = (uint64_t)5 << 30;
    grt_os_file file, again;
    grt_os_stat found;
    char bytes[8];
    /* the name: e with an acute accent, and a letter beyond the basic plane */
    join(path, directory, "\xc3\xa9\xf0\x9f\x8e\xb5.XXXXXX");
    join(other, directory, "final \xc3\xa9");
    EXPECT(grt_os_create_draft(&file, path) == 0);
    EXPECT(grt_os_write_at(file, 2, "cde", 3) == 3);
    EXPECT(grt_os_write_at(file, 0, "ab", 2) == 2);
    EXPECT(grt_os_sync(file) == 0);
    EXPECT(grt_os_rename(path, other) == 0); /* while it is open */
    grt_os_close(file);
    EXPECT(entries(directory) == 1);
    EXPECT(grt_os_path_stat(&found, other) == 0);
    EXPECT(found.kind == GRT_OS_REGULAR && found.size_bytes == 5);
    EXPECT(grt_os_open(&file, other) == 0);
    EXPECT(grt_os_read_at(file, 1, bytes, 8) == 4 && memcmp(bytes, "bcde", 4) == 0);
    EXPECT(grt_os_read_at(file, 5, bytes, 8) == 0);
    EXPECT(grt_os_read_at(file, far, bytes, 8) == 0);
    EXPECT(grt_os_read_at(file, UINT64_MAX, bytes, 8) == 0);
    EXPECT(grt_os_write_at(file, 0, "x", 1) < 0); /* it is open for reading */
    grt_os_close(file);
    EXPECT(grt_os_open_update(&file, other) == 0);
    EXPECT(grt_os_open_update(&again, other) == 0);
    EXPECT(grt_os_lock_file(file) == 0);
    EXPECT(grt_os_lock_file(again) == EWOULDBLOCK);
    EXPECT(grt_os_read_at(again, 0, bytes, 1) ==
           1); /* a lock keeps nobody from reading */
    grt_os_close(file);
    EXPECT(grt_os_lock_file(again) == 0);
    EXPECT(grt_os_resize_file(again, 3) == 0);
    EXPECT(grt_os_resize_file(again, UINT64_MAX) == EFBIG);
    EXPECT(grt_os_file_stat(&found, again) == 0 && found.size_bytes == 3);
    grt_os_close(again);
    /* a second draft takes the place of the file */
    join(path, directory, "second.XXXXXX");
    EXPECT(grt_os_create_draft(&file, path) == 0);
    grt_os_close(file);
    EXPECT(grt_os_rename(path, other) == 0);
    EXPECT(grt_os_path_stat(&found, other) == 0 && found.size_bytes == 0);
    EXPECT(grt_os_remove(other) == 0);
    EXPECT(entries(directory) == 0);
}

static void check_nameless(const char *directory)
{
    static const uint64_t far = (uint64_t)3 << 20;
    grt_os_file file;
    grt_os_stat found;
    char byte = 'x';
    EXPECT(grt_os_create_nameless(&file, directory) == 0);
    EXPECT(grt_os_reserve(file, far) == 0);
    EXPECT(grt_os_file_stat(&found, file) == 0 && found.size_bytes == far);
    EXPECT(grt_os_write_at(file, far - 1, &byte, 1) == 1);
    EXPECT(grt_os_read_at(file, far - 1, &byte, 1) == 1 && byte == 'x');
    grt_os_close(file);
    EXPECT(entries(directory) == 0);
    EXPECT(grt_os_temporary_directory(path, sizeof(path)) == 0);
    EXPECT(grt_os_create_nameless(&file, path) == 0);
    grt_os_close(file);
}

static void check_direct(const char *directory)
{
    static _Alignas(4096) unsigned char bytes[8192];
    grt_os_file file, direct;
    memset(bytes, 5, sizeof(bytes));
    join(path, directory, "direct");
    EXPECT(grt_os_open_update(&file, path) == 0);
    EXPECT(grt_os_write_at(file, 0, bytes, sizeof(bytes)) == (int64_t)sizeof(bytes));
    EXPECT(grt_os_sync(file) == 0);
    int code = grt_os_open_direct(&direct, file);
    printf("direct reads: %s\n", code == 0 ? "yes" : strerror(code));
    memset(bytes, 0, sizeof(bytes));
    if (code == 0) {
        EXPECT(grt_os_read_at(direct, 4096, bytes, 4096) == 4096 && bytes[4095] == 5);
        grt_os_close(direct);
    }
    grt_os_expect(file, 0, 8192);
    grt_os_forget(file, 0, 8192);
    grt_os_close(file);
    EXPECT(grt_os_remove(path) == 0);
}

static void check_errors(const char *directory)
{
    grt_os_file file = 77;
    grt_os_stat found;
    char byte;
    join(path, directory, "none");
    EXPECT(grt_os_open(&file, path) == ENOENT && file == 77);
    EXPECT(grt_os_path_stat(&found, path) == ENOENT);
    EXPECT(grt_os_remove(path) == ENOENT);
    EXPECT(grt_os_create_nameless(&file, path) == ENOENT);
    EXPECT(grt_os_list(path, count_names, NULL) == ENOENT);
    join(other, path, "below");
    EXPECT(grt_os_open(&file, other) == ENOENT);
    EXPECT(grt_os_path_stat(&found, directory) == 0);
    EXPECT(found.kind == GRT_OS_DIRECTORY);
    EXPECT(grt_os_read_at(GRT_OS_NO_FILE, 0, &byte, 1) == -EBADF);
    EXPECT(grt_os_temporary_directory(path, 3) == ENAMETOOLONG);
}

int main(int argc, char **argv)
{
    if (argc != 2) return 2;
    check_threads();
    check_machine();
    check_memory();
    check_drafts(argv[1]);
    check_nameless(argv[1]);
    check_direct(argv[1]);
    check_errors(argv[1]);
    printf("%d failed\n", n_failed);
    return n_failed != 0;
}
