/* os.h - every call to an operating system, behind one header.
 *
 *     linux.c    what only Linux has; other.c stands in for it on other POSIX systems
 *     posix.c    what POSIX systems share
 *     windows.c  Windows
 *
 * No other file of src/ includes a system's header (tools/check_layers.py); cli/ has
 * files of its own.
 *
 * True for every function unless its comment says otherwise:
 *   - Pointers are not NULL.  Paths are UTF-8 and end in a NUL.
 *   - It returns 0, or a positive number of <errno.h>; outputs come first and are
 *     written only on 0.  EINTR is never returned: what was interrupted is tried again.
 *   - It is thread safe, and leaves alone what belongs to the whole process (signal
 *     masks, locale, working directory).
 *   - It allocates nothing: the caller brings the room. */
#ifndef GRT_OS_OS_H
#define GRT_OS_OS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#if !defined(_WIN32)
#include <pthread.h>
#endif

/* ---- Threads ----
 *
 * A thread of ours never runs a signal handler of the host's: every signal that can be
 * sent to a process is blocked in it.  Those that a fault raises in the thread itself
 * (SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS) are not, so that a host's crash
 * reporter sees them. */

#if defined(_WIN32)
typedef struct grt_os_thread {
    void *handle;
    void *(*run)(void *argument);
    void *argument;
} grt_os_thread;
typedef struct grt_os_mutex {
    void *lock; /* SRWLOCK */
} grt_os_mutex;
typedef struct grt_os_condition {
    void *variable; /* CONDITION_VARIABLE */
} grt_os_condition;
typedef struct grt_os_once_flag {
    void *once; /* INIT_ONCE */
} grt_os_once_flag;
/* clang-format off */
#define GRT_OS_ONCE_INIT {NULL}
#define GRT_OS_MUTEX_INIT {NULL}
/* clang-format on */
#else
typedef pthread_t grt_os_thread;
typedef pthread_mutex_t grt_os_mutex;
typedef pthread_cond_t grt_os_condition;
typedef pthread_once_t grt_os_once_flag;
#define GRT_OS_ONCE_INIT  PTHREAD_ONCE_INIT
#define GRT_OS_MUTEX_INIT PTHREAD_MUTEX_INITIALIZER
#endif

/* *out stays where it is until the thread was joined. */
int grt_os_thread_start(grt_os_thread *out, void *(*run)(void *argument),
                        void *argument);

/* Returns when the thread has.  Once for each thread. */
void grt_os_thread_join(grt_os_thread *thread);

void grt_os_mutex_init(grt_os_mutex *mutex);
void grt_os_mutex_destroy(grt_os_mutex *mutex);
void grt_os_lock(grt_os_mutex *mutex);
void grt_os_unlock(grt_os_mutex *mutex);

void grt_os_condition_init(grt_os_condition *condition);
void grt_os_condition_destroy(grt_os_condition *condition);

/* Lets go of the mutex while it waits; may return without having been woken. */
void grt_os_wait(grt_os_condition *condition, grt_os_mutex *mutex);
/* The same for ns nanoseconds at most; false: the time is over. */
bool grt_os_wait_for(grt_os_condition *condition, grt_os_mutex *mutex, uint64_t ns);
void grt_os_wake_one(grt_os_condition *condition);
void grt_os_wake_all(grt_os_condition *condition);

/* Runs `once` for the first of all callers with this flag; the others wait for it. */
void grt_os_once(grt_os_once_flag *flag, void (*once)(void));

/* Nanoseconds since some fixed moment; never goes back. */
uint64_t grt_os_clock_ns(void);

/* ---- The process and the machine ---- */

/* Another number after fork in the child, where no thread but the caller's lives on. */
uint64_t grt_os_process_id(void);

/* The value of an environment variable that is set and not empty, or NULL. */
const char *grt_os_variable(const char *name);

/* Paths of the program, and of the shared library that this code is in.  ENOENT where
 * the system does not tell, and of the library where it is a part of the program. */
int grt_os_program_path(char *out, size_t n_out);
int grt_os_library_path(char *out, size_t n_out);

/* CPUs that threads of this process get: the fewest of the machine's, the affinity's
 * and, rounded up, those of every CPU quota above it.  At least 1. */
size_t grt_os_usable_cpus(void);

/* Bytes that the process can still allocate and touch without swapping: the least of
 * what the machine, every control group above the process, and the process's own limits
 * (RLIMIT_AS, RLIMIT_DATA) leave.  At least 1; 0: not known. */
uint64_t grt_os_available_bytes(void);

/* Asks the system to save AMX's tiles for this process, for all of its threads; false:
 * they must not be used. */
bool grt_os_may_use_tiles(void);

/* AT_HWCAP and AT_HWCAP2 as Linux gives them; 0 elsewhere. */
void grt_os_cpu_bits(uint64_t *hwcap, uint64_t *hwcap2);

/* ---- Memory ----
 *
 * A block may be of any size and is aligned to `alignment`, a power of two that divides
 * n_bytes.  Pages are whole, zero, cost nothing before they are touched, and go back to
 * the system at once.  NULL: no memory. */

void *grt_os_block_new(size_t alignment, size_t n_bytes);
void grt_os_block_free(void *block); /* accepts NULL */

void *grt_os_pages_new(size_t n_bytes);
void grt_os_pages_free(void *pages, size_t n_bytes);

/* Moves pages to a place where n_bytes fit, without having any of them twice; new ones
 * are zero.  NULL: they stayed as they were; the system cannot, or has no memory. */
void *grt_os_pages_resize(void *pages, size_t old_bytes, size_t n_bytes);

/* Bytes of pages in n_bytes from `pages` on that are resident; all where the system
 * does not tell. */
uint64_t grt_os_pages_resident(const void *pages, size_t n_bytes);

/* ---- Files ---- */

/* A descriptor or handle.  What takes one may be called by any number of threads. */
typedef intptr_t grt_os_file;
enum { GRT_OS_NO_FILE = -1 };

typedef enum grt_os_kind {
    GRT_OS_REGULAR,
    GRT_OS_DIRECTORY,
    GRT_OS_SPECIAL, /* a device, a pipe, a socket */
    GRT_OS_BROKEN   /* a link to what is not there */
} grt_os_kind;

typedef struct grt_os_stat {
    grt_os_kind kind;
    uint64_t size_bytes;
    /* What changes when a file's contents do; 0 where the system does not tell. */
    uint64_t device, number; /* which file it is */
    uint64_t n_names;        /* links to it */
    uint64_t written_ns;     /* since some beginning */
    uint64_t changed_ns;     /* likewise, also of its names and permissions */
} grt_os_stat;

/* For reading; never waits for the other end of a pipe. */
int grt_os_open(grt_os_file *out, const char *path);

/* The same file once more, for reads that go past the page cache: offset, n and address
 * are multiples of 4096 then.  An error where the system or its file system cannot. */
int grt_os_open_direct(grt_os_file *out, grt_os_file file);

/* For reading and writing; made when it is missing, contents kept. */
int grt_os_open_update(grt_os_file *out, const char *path);

/* A new file beside others, named by path_template, whose last six characters are
 * XXXXXX and are replaced.  Its permissions are what the process gives new files. */
int grt_os_create_draft(grt_os_file *out, char *path_template);

/* A new file in `directory` that is gone when it is closed, however that happens. */
int grt_os_create_nameless(grt_os_file *out, const char *directory);

/* Where nameless files go by default: a folder on a disk.  ENAMETOOLONG. */
int grt_os_temporary_directory(char *out, size_t n_out);

void grt_os_close(grt_os_file file);

/* Up to n bytes at `offset`: how many (0: the end), or the negative of an error. */
int64_t grt_os_read_at(grt_os_file file, uint64_t offset, void *dst, size_t n);
int64_t grt_os_write_at(grt_os_file file, uint64_t offset, const void *src, size_t n);

int grt_os_file_stat(grt_os_stat *out, grt_os_file file);
/* ENOENT, ENOTDIR: nothing of that name.  A link to a file that is gone is
 * GRT_OS_BROKEN. */
int grt_os_path_stat(grt_os_stat *out, const char *path);

/* Against other processes, until the file is closed.  EWOULDBLOCK: another has it. */
int grt_os_lock_file(grt_os_file file);

/* The file's length. */
int grt_os_resize_file(grt_os_file file, uint64_t n_bytes);

/* The same, and takes the room on the disk, where the file system can. */
int grt_os_reserve(grt_os_file file, uint64_t n_bytes);

/* What was written is on the disk when it returns. */
int grt_os_sync(grt_os_file file);

/* Puts `from` in the place of `to`, at once. */
int grt_os_rename(const char *from, const char *to);
int grt_os_remove(const char *path);

/* Hints: these bytes will be read soon; they will not be read again. */
void grt_os_expect(grt_os_file file, uint64_t offset, size_t n);
void grt_os_forget(grt_os_file file, uint64_t offset, size_t n);

/* Calls `each` for every entry but "." and "..", in no order, until it gives false. */
int grt_os_list(const char *directory, bool (*each)(const char *name, void *payload),
                void *payload);

#endif /* GRT_OS_OS_H */
