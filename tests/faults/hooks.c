/* hooks.c - see hooks.h. */
#include "hooks.h"

#include <errno.h>
#include <jansson.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

const char *const fault_names[FAULT_N_KINDS] = {"nothing", "allocation", "allocations",
                                                "thread",  "open",       "read",
                                                "no read", "write",      "change"};

typedef struct shared_counts {
    atomic_uint_fast64_t n[FAULT_N_KINDS];
} shared_counts;

static shared_counts before_any; /* until fault_begin */
static shared_counts *counts = &before_any;
static atomic_int is_on;
static fault_kind failing;
static uint64_t failing_nth;

/* Counts a call; whether it fails. */
static int hit(fault_kind kind)
{
    if (!atomic_load_explicit(&is_on, memory_order_relaxed)) return 0;
    uint64_t n = atomic_fetch_add(&counts->n[kind], 1) + 1;
    if (kind == FAULT_ALLOCATION && failing == FAULT_ALLOCATIONS)
        return failing_nth && n >= failing_nth;
    return kind == failing && n == failing_nth;
}

/* ---- Allocations ---- */

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define IS_SANITIZED 1
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define IS_SANITIZED 1
#endif

/* A sanitizer has functions of its own in the C library's place, which have to be there
 * before ours could: then the linker sends calls of our own objects here (--wrap), and
 * Jansson is told.  Else ours are in the C library's place, for all libraries. */
#ifdef IS_SANITIZED
#define ABOVE(name) __wrap_##name
#define BELOW(name) __real_##name
#else
#define ABOVE(name)          name
#define BELOW(name)          __libc_##name
#define __libc_aligned_alloc __libc_memalign
#endif

void *BELOW(malloc)(size_t n);
void *BELOW(calloc)(size_t n, size_t size);
void *BELOW(realloc)(void *block, size_t n);
void *BELOW(aligned_alloc)(size_t alignment, size_t n);
#ifdef IS_SANITIZED
void *ABOVE(malloc)(size_t n);
void *ABOVE(calloc)(size_t n, size_t size);
void *ABOVE(realloc)(void *block, size_t n);
void *ABOVE(aligned_alloc)(size_t alignment, size_t n);
#endif

static int no_memory(void)
{
    if (!hit(FAULT_ALLOCATION)) return 0;
    errno = ENOMEM;
    return 1;
}

void *ABOVE(malloc)(size_t n)
{
    return no_memory() ? NULL : BELOW(malloc)(n);
}

void *ABOVE(calloc)(size_t n, size_t size)
{
    return no_memory() ? NULL : BELOW(calloc)(n, size);
}

void *ABOVE(realloc)(void *block, size_t n)
{
    return no_memory() ? NULL : BELOW(realloc)(block, n);
}

void *ABOVE(aligned_alloc)(size_t alignment, size_t n)
{
    return no_memory() ? NULL : BELOW(aligned_alloc)(alignment, n);
}

#ifdef IS_SANITIZED
char *__real_strdup(const char *text);
char *__wrap_strdup(const char *text);
FILE *__real_fopen(const char *path, const char *mode);
FILE *__wrap_fopen(const char *path, const char *mode);

char *__wrap_strdup(const char *text)
{
    return no_memory() ? NULL : __real_strdup(text);
}

FILE *__wrap_fopen(const char *path, const char *mode)
{
    return no_memory() ? NULL : __real_fopen(path, mode);
}

static void __attribute__((constructor)) tell_libraries(void)
{
    json_set_alloc_funcs(__wrap_malloc, free);
}
#endif

/* The linker sends calls of our own objects here in either case. */
void *__real_mmap(void *at, size_t n, int protection, int flags, int fd, off_t offset);
void *__wrap_mmap(void *at, size_t n, int protection, int flags, int fd, off_t offset);
int __real_pthread_create(pthread_t *out, const pthread_attr_t *attributes,
                          void *(*run)(void *), void *payload);
int __wrap_pthread_create(pthread_t *out, const pthread_attr_t *attributes,
                          void *(*run)(void *), void *payload);

void *__wrap_mmap(void *at, size_t n, int protection, int flags, int fd, off_t offset)
{
    if ((flags & MAP_ANONYMOUS) && no_memory()) return MAP_FAILED;
    return __real_mmap(at, n, protection, flags, fd, offset);
}

int __wrap_pthread_create(pthread_t *out, const pthread_attr_t *attributes,
                          void *(*run)(void *), void *payload)
{
    if (hit(FAULT_THREAD)) return EAGAIN;
    return __real_pthread_create(out, attributes, run, payload);
}

/* ---- System calls ---- */

#if defined(__x86_64__)
#define HAS_FILTER 1
enum { AUDIT_ARCH_HERE = (int)AUDIT_ARCH_X86_64 };
#elif defined(__aarch64__)
#define HAS_FILTER 1
enum { AUDIT_ARCH_HERE = (int)AUDIT_ARCH_AARCH64 };
#else
#define HAS_FILTER 0
#endif

#if HAS_FILTER

/* Calls that the handler makes have it in their sixth argument, which none of them
 * takes; the filter lets them through. */
enum { PASS = 0x6772745f };

typedef struct call {
    int number;
    fault_kind kind;
    int error;
} call;

static const call calls[] = {
    {SYS_openat, FAULT_OPEN, EMFILE},      {SYS_read, FAULT_READ, EIO},
    {SYS_pread64, FAULT_READ, EIO},        {SYS_write, FAULT_WRITE, ENOSPC},
    {SYS_pwrite64, FAULT_WRITE, ENOSPC},   {SYS_renameat2, FAULT_CHANGE, EIO},
#ifdef SYS_rename
    {SYS_open, FAULT_OPEN, EMFILE},        {SYS_rename, FAULT_CHANGE, EIO},
    {SYS_mkdir, FAULT_CHANGE, EIO},
#endif
    {SYS_renameat, FAULT_CHANGE, EIO},     {SYS_ftruncate, FAULT_CHANGE, EIO},
    {SYS_fallocate, FAULT_CHANGE, ENOSPC}, {SYS_fsync, FAULT_CHANGE, EIO},
    {SYS_fdatasync, FAULT_CHANGE, EIO}};
enum { N_CALLS = sizeof(calls) / sizeof(calls[0]) };

typedef struct registers {
    long number, values[6];
} registers;

static registers registers_of(const ucontext_t *context)
{
#if defined(__x86_64__)
    const greg_t *r = context->uc_mcontext.gregs;
    return (registers){
        r[REG_RAX],
        {r[REG_RDI], r[REG_RSI], r[REG_RDX], r[REG_R10], r[REG_R8], r[REG_R9]}};
#else
    const unsigned long long *r = context->uc_mcontext.regs;
    return (registers){
        (long)r[8],
        {(long)r[0], (long)r[1], (long)r[2], (long)r[3], (long)r[4], (long)r[5]}};
#endif
}

static void give(ucontext_t *context, long result)
{
#if defined(__x86_64__)
    context->uc_mcontext.gregs[REG_RAX] = result;
#else
    context->uc_mcontext.regs[0] = (unsigned long long)result;
#endif
}

/* 1: it fails, with *result. */
static int must_fail(const registers *found, long *result)
{
    for (size_t i = 0; i < N_CALLS; i++) {
        if (calls[i].number != found->number) continue;
        if (calls[i].kind == FAULT_WRITE && found->values[0] == STDERR_FILENO) return 0;
        *result = -calls[i].error;
        if (hit(calls[i].kind)) return 1;
        *result = 0;
        /* Where a file's length is known: else it would be a shorter file. */
        return found->number == SYS_pread64 && hit(FAULT_NO_READ);
    }
    return 0;
}

static void on_call(int signal, siginfo_t *info, void *payload)
{
    ucontext_t *context = payload;
    int kept = errno;
    registers found = registers_of(context);
    long result = 0;
    (void)signal;
    found.number = info->si_syscall;
    if (!must_fail(&found, &result)) {
        const long *v = found.values;
        result = syscall(found.number, v[0], v[1], v[2], v[3], v[4], (long)PASS);
        if (result < 0) result = -errno;
    }
    give(context, result);
    errno = kept;
}

static int install_filter(void)
{
    enum { HEAD = 5 };
    struct sock_filter code[HEAD + N_CALLS + 2];
    struct sigaction action = {.sa_sigaction = on_call,
                               .sa_flags = SA_SIGINFO | SA_NODEFER | SA_RESTART};
    unsigned n = 0;
    const unsigned pass = HEAD + N_CALLS, trap = pass + 1;
#define LOAD(field)      \
    (struct sock_filter) \
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define JUMP_EQUAL(value, yes, no)                                    \
    (struct sock_filter) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (value), \
                                  (uint8_t)((yes)-n - 1), (uint8_t)((no)-n - 1))
    code[n] = LOAD(arch);
    n++;
    code[n] = JUMP_EQUAL((unsigned)AUDIT_ARCH_HERE, n + 1, pass);
    n++;
    code[n] = LOAD(args[5]);
    n++;
    code[n] = JUMP_EQUAL(PASS, pass, n + 1);
    n++;
    code[n] = LOAD(nr);
    n++;
    for (size_t i = 0; i < N_CALLS; i++, n++)
        code[n] = JUMP_EQUAL((unsigned)calls[i].number, trap, n + 1);
    code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP);
    struct sock_fprog program = {.len = (unsigned short)n, .filter = code};
    sigemptyset(&action.sa_mask);
    return sigaction(SIGSYS, &action, NULL) == 0 &&
           prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

#else
static int install_filter(void)
{
    return 0;
}
#endif

int fault_has_filter(void)
{
    int status;
    pid_t child = fork();
    if (child == 0) _exit(!install_filter());
    return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) &&
           WEXITSTATUS(status) == 0;
}

/* ---- Begin and end ---- */

static shared_counts *shared(void)
{
    static shared_counts *pages;
    if (!pages) {
        void *made = __real_mmap(NULL, sizeof(*pages), PROT_READ | PROT_WRITE,
                                 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (made == MAP_FAILED) abort();
        pages = made;
    }
    return pages;
}

void fault_reset(void)
{
    for (int i = 0; i < FAULT_N_KINDS; i++)
        atomic_store(&shared()->n[i], 0);
}

void fault_begin(fault_kind kind, uint64_t n)
{
    counts = shared();
    failing = kind;
    failing_nth = n;
    if (kind > FAULT_THREAD && !install_filter()) abort();
    atomic_store(&is_on, 1);
}

void fault_end(void)
{
    atomic_store(&is_on, 0);
}

uint64_t fault_count(fault_kind kind)
{
    if (kind == FAULT_ALLOCATIONS) kind = FAULT_ALLOCATION;
    return atomic_load(&shared()->n[kind]);
}
