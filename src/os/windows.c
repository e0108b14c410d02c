/* windows.c - os.h for Windows 7 and later.
 *
 * Files are opened so that others may rename and remove them meanwhile, as POSIX lets
 * them: a draft gets its name while it is open. */
#define _WIN32_WINNT  0x0601
#define PSAPI_VERSION 2
#include "os/os.h"

#include <windows.h>

#include <errno.h>
#include <malloc.h>
#include <process.h>
#include <psapi.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { WIDE_PATH = 4096, MOST_AT_ONCE = 1 << 30 };

_Static_assert(sizeof(grt_os_mutex) == sizeof(SRWLOCK), "a mutex is an SRWLOCK");
_Static_assert(sizeof(grt_os_condition) == sizeof(CONDITION_VARIABLE),
               "a condition is a CONDITION_VARIABLE");
_Static_assert(sizeof(grt_os_once_flag) == sizeof(INIT_ONCE), "a flag is an INIT_ONCE");

static int error_number(DWORD code)
{
    static const struct {
        DWORD code;
        int number;
    } table[] = {{ERROR_FILE_NOT_FOUND, ENOENT},
                 {ERROR_PATH_NOT_FOUND, ENOENT},
                 {ERROR_INVALID_NAME, ENOENT},
                 {ERROR_BAD_NETPATH, ENOENT},
                 {ERROR_INVALID_DRIVE, ENOENT},
                 {ERROR_DIRECTORY, ENOTDIR},
                 {ERROR_ACCESS_DENIED, EACCES},
                 {ERROR_SHARING_VIOLATION, EACCES},
                 {ERROR_WRITE_PROTECT, EROFS},
                 {ERROR_LOCK_VIOLATION, EWOULDBLOCK},
                 {ERROR_IO_PENDING, EWOULDBLOCK},
                 {ERROR_TOO_MANY_OPEN_FILES, EMFILE},
                 {ERROR_NOT_ENOUGH_MEMORY, ENOMEM},
                 {ERROR_OUTOFMEMORY, ENOMEM},
                 {ERROR_INVALID_HANDLE, EBADF},
                 {ERROR_FILE_EXISTS, EEXIST},
                 {ERROR_ALREADY_EXISTS, EEXIST},
                 {ERROR_DISK_FULL, ENOSPC},
                 {ERROR_HANDLE_DISK_FULL, ENOSPC},
                 {ERROR_FILE_TOO_LARGE, EFBIG},
                 {ERROR_FILENAME_EXCED_RANGE, ENAMETOOLONG},
                 {ERROR_INSUFFICIENT_BUFFER, ENAMETOOLONG},
                 {ERROR_NO_UNICODE_TRANSLATION, EILSEQ},
                 {ERROR_NOT_SUPPORTED, ENOTSUP},
                 {ERROR_INVALID_PARAMETER, EINVAL}};
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        if (table[i].code == code) return table[i].number;
    return EIO;
}

static int last_error(void)
{
    return error_number(GetLastError());
}

/* ---- Threads ---- */

static unsigned __stdcall thread_main(void *argument)
{
    const grt_os_thread *thread = argument;
    (void)thread->run(thread->argument);
    return 0;
}

/* There are no signals that a thread could be given: the C library's handlers of
 * control keys run on a thread of their own. */
int grt_os_thread_start(grt_os_thread *out, void *(*run)(void *argument),
                        void *argument)
{
    out->run = run;
    out->argument = argument;
    uintptr_t handle = _beginthreadex(NULL, 0, thread_main, out, 0, NULL);
    if (handle == 0) return errno;
    out->handle = (void *)handle;
    return 0;
}

void grt_os_thread_join(grt_os_thread *thread)
{
    (void)WaitForSingleObject(thread->handle, INFINITE);
    (void)CloseHandle(thread->handle);
}

void grt_os_mutex_init(grt_os_mutex *mutex)
{
    InitializeSRWLock((SRWLOCK *)mutex);
}

void grt_os_mutex_destroy(grt_os_mutex *mutex)
{
    (void)mutex;
}

void grt_os_lock(grt_os_mutex *mutex)
{
    AcquireSRWLockExclusive((SRWLOCK *)mutex);
}

void grt_os_unlock(grt_os_mutex *mutex)
{
    ReleaseSRWLockExclusive((SRWLOCK *)mutex);
}

void grt_os_condition_init(grt_os_condition *condition)
{
    InitializeConditionVariable((CONDITION_VARIABLE *)condition);
}

void grt_os_condition_destroy(grt_os_condition *condition)
{
    (void)condition;
}

void grt_os_wait(grt_os_condition *condition, grt_os_mutex *mutex)
{
    (void)SleepConditionVariableSRW((CONDITION_VARIABLE *)condition, (SRWLOCK *)mutex,
                                    INFINITE, 0);
}

bool grt_os_wait_for(grt_os_condition *condition, grt_os_mutex *mutex, uint64_t ns)
{
    DWORD ms = ns / 1000000 < INFINITE ? (DWORD)(ns / 1000000) : INFINITE - 1;
    return SleepConditionVariableSRW((CONDITION_VARIABLE *)&condition->variable,
                                     (SRWLOCK *)&mutex->lock, ms, 0) != 0;
}

void grt_os_wake_one(grt_os_condition *condition)
{
    WakeConditionVariable((CONDITION_VARIABLE *)condition);
}

void grt_os_wake_all(grt_os_condition *condition)
{
    WakeAllConditionVariable((CONDITION_VARIABLE *)condition);
}

typedef struct once_call {
    void (*function)(void);
} once_call;

static BOOL CALLBACK run_once(INIT_ONCE *flag, void *parameter, void **context)
{
    const once_call *call = parameter;
    (void)flag, (void)context;
    call->function();
    return TRUE;
}

void grt_os_once(grt_os_once_flag *flag, void (*once)(void))
{
    once_call call = {once};
    (void)InitOnceExecuteOnce((INIT_ONCE *)flag, run_once, &call, NULL);
}

uint64_t grt_os_clock_ns(void)
{
    LARGE_INTEGER now, frequency;
    (void)QueryPerformanceFrequency(&frequency);
    (void)QueryPerformanceCounter(&now);
    uint64_t per_second = (uint64_t)frequency.QuadPart, n = (uint64_t)now.QuadPart;
    return n / per_second * 1000000000u + n % per_second * 1000000000u / per_second;
}

/* ---- The process and the machine ---- */

const char *grt_os_variable(const char *name)
{
    const char *value = getenv(name);
    return value && value[0] ? value : NULL;
}

static int module_path(HMODULE module, char *out, size_t n_out)
{
    wchar_t wide[WIDE_PATH];
    DWORD n = GetModuleFileNameW(module, wide, WIDE_PATH);
    if (n == 0 || n >= WIDE_PATH) return ENAMETOOLONG;
    if (WideCharToMultiByte(CP_UTF8, 0, wide, -1, out, (int)n_out, NULL, NULL) <= 0)
        return ENAMETOOLONG;
    for (char *at = out; *at; at++)
        if (*at == '\\') *at = '/';
    return 0;
}

int grt_os_program_path(char *out, size_t n_out)
{
    return module_path(NULL, out, n_out);
}

int grt_os_library_path(char *out, size_t n_out)
{
    static const wchar_t here;
    HMODULE module;
    DWORD flags = GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS |
                  GET_MODULE_HANDLE_EX_FLAG_UNCHANGED_REFCOUNT;
    return GetModuleHandleExW(flags, &here, &module) ? module_path(module, out, n_out)
                                                     : ENOENT;
}

uint64_t grt_os_process_id(void)
{
    return GetCurrentProcessId();
}

/* A process in several groups of processors has a mask of zero. */
size_t grt_os_usable_cpus(void)
{
    DWORD_PTR mask = 0, system = 0;
    size_t n = 0;
    (void)GetProcessAffinityMask(GetCurrentProcess(), &mask, &system);
    for (; mask; mask &= mask - 1)
        n++;
    if (n == 0) n = GetActiveProcessorCount(ALL_PROCESSOR_GROUPS);
    return n < 1 ? 1 : n;
}

/* Memory that is free, no more than may still be committed. */
uint64_t grt_os_available_bytes(void)
{
    MEMORYSTATUSEX found = {.dwLength = sizeof(found)};
    if (!GlobalMemoryStatusEx(&found)) return 0;
    uint64_t n = found.ullAvailPhys;
    if (found.ullAvailPageFile < n) n = found.ullAvailPageFile;
    return n ? n : 1;
}

/* Windows saves tiles without being asked where it can at all; which versions do is not
 * known to us, so none is trusted. */
bool grt_os_may_use_tiles(void)
{
    return false;
}

void grt_os_cpu_bits(uint64_t *hwcap, uint64_t *hwcap2)
{
    *hwcap = *hwcap2 = 0;
}

/* ---- Memory ---- */

void *grt_os_block_new(size_t alignment, size_t n_bytes)
{
    return _aligned_malloc(n_bytes, alignment);
}

void grt_os_block_free(void *block)
{
    _aligned_free(block);
}

void *grt_os_pages_new(size_t n_bytes)
{
    return VirtualAlloc(NULL, n_bytes, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
}

void grt_os_pages_free(void *pages, size_t n_bytes)
{
    (void)n_bytes;
    (void)VirtualFree(pages, 0, MEM_RELEASE);
}

/* The caller copies. */
void *grt_os_pages_resize(void *pages, size_t old_bytes, size_t n_bytes)
{
    (void)pages, (void)old_bytes, (void)n_bytes;
    return NULL;
}

uint64_t grt_os_pages_resident(const void *pages, size_t n_bytes)
{
    enum { AT_ONCE = 256 };
    PSAPI_WORKING_SET_EX_INFORMATION found[AT_ONCE];
    SYSTEM_INFO system;
    GetSystemInfo(&system);
    size_t page = system.dwPageSize, n_pages = (n_bytes + page - 1) / page;
    uint64_t n_resident = 0;
    for (size_t i = 0; i < n_pages; i += AT_ONCE) {
        size_t n = n_pages - i < AT_ONCE ? n_pages - i : AT_ONCE;
        for (size_t j = 0; j < n; j++)
            found[j].VirtualAddress = (void *)((uintptr_t)pages + (i + j) * page);
        if (!QueryWorkingSetEx(GetCurrentProcess(), found,
                               (DWORD)(n * sizeof(found[0]))))
            return n_bytes;
        for (size_t j = 0; j < n; j++)
            n_resident += found[j].VirtualAttributes.Valid;
    }
    return n_resident * page;
}

/* ---- Files ---- */

static const DWORD share_all = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE;

/* `path` in UTF-16, in out[WIDE_PATH]. */
static int widen(wchar_t *out, const char *path)
{
    int n =
        MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, path, -1, out, WIDE_PATH);
    return n > 0 ? 0 : last_error();
}

static HANDLE handle_of(grt_os_file file)
{
    return (HANDLE)file;
}

static int open_path(grt_os_file *out, const char *path, DWORD access, DWORD creation,
                     DWORD flags)
{
    wchar_t wide[WIDE_PATH];
    int code = widen(wide, path);
    if (code != 0) return code;
    HANDLE handle = CreateFileW(wide, access, share_all, NULL, creation, flags, NULL);
    if (handle == INVALID_HANDLE_VALUE) return last_error();
    *out = (grt_os_file)handle;
    return 0;
}

int grt_os_open(grt_os_file *out, const char *path)
{
    return open_path(out, path, GENERIC_READ, OPEN_EXISTING, FILE_ATTRIBUTE_NORMAL);
}

int grt_os_open_direct(grt_os_file *out, grt_os_file file)
{
    HANDLE handle =
        ReOpenFile(handle_of(file), GENERIC_READ, share_all, FILE_FLAG_NO_BUFFERING);
    if (handle == INVALID_HANDLE_VALUE) return last_error();
    *out = (grt_os_file)handle;
    return 0;
}

int grt_os_open_update(grt_os_file *out, const char *path)
{
    return open_path(out, path, GENERIC_READ | GENERIC_WRITE, OPEN_ALWAYS,
                     FILE_ATTRIBUTE_NORMAL);
}

/* Other characters in each call of each process, most likely. */
static void random_name(char *six)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789";
    static atomic_uint_fast64_t n_calls;
    uint64_t x = grt_os_clock_ns() ^ grt_os_process_id() << 32;
    x += atomic_fetch_add(&n_calls, 1) * 0x9e3779b97f4a7c15u;
    for (int i = 0; i < 6; i++) {
        x = (x ^ x >> 29) * 0xbf58476d1ce4e5b9u;
        six[i] = letters[(x >> 33) % (sizeof(letters) - 1)];
    }
}

static int create_new(grt_os_file *out, char *path_template, DWORD flags)
{
    int code = EEXIST;
    for (int i = 0; i < 100 && code == EEXIST; i++) {
        random_name(path_template + strlen(path_template) - 6);
        code = open_path(out, path_template, GENERIC_READ | GENERIC_WRITE, CREATE_NEW,
                         flags);
    }
    return code;
}

int grt_os_create_draft(grt_os_file *out, char *path_template)
{
    return create_new(out, path_template, FILE_ATTRIBUTE_NORMAL);
}

int grt_os_create_nameless(grt_os_file *out, const char *directory)
{
    static const char name[] = "/grating-XXXXXX";
    char path[WIDE_PATH];
    size_t n = strlen(directory);
    if (n + sizeof(name) > sizeof(path)) return ENAMETOOLONG;
    memcpy(path, directory, n);
    memcpy(path + n, name, sizeof(name));
    return create_new(out, path, FILE_ATTRIBUTE_TEMPORARY | FILE_FLAG_DELETE_ON_CLOSE);
}

int grt_os_temporary_directory(char *out, size_t n_out)
{
    wchar_t wide[MAX_PATH + 1];
    DWORD n = GetTempPathW(MAX_PATH + 1, wide);
    if (n == 0) return last_error();
    if (n > MAX_PATH || n_out > INT32_MAX) return ENAMETOOLONG;
    return WideCharToMultiByte(CP_UTF8, 0, wide, -1, out, (int)n_out, NULL, NULL) > 0
               ? 0
               : last_error();
}

void grt_os_close(grt_os_file file)
{
    (void)CloseHandle(handle_of(file));
}

static OVERLAPPED place(uint64_t offset)
{
    return (OVERLAPPED){.Offset = (DWORD)offset, .OffsetHigh = (DWORD)(offset >> 32)};
}

static DWORD at_once(size_t n)
{
    return (DWORD)(n < MOST_AT_ONCE ? n : MOST_AT_ONCE);
}

int64_t grt_os_read_at(grt_os_file file, uint64_t offset, void *dst, size_t n)
{
    OVERLAPPED at = place(offset);
    DWORD got = 0;
    if (offset > INT64_MAX - (uint64_t)MOST_AT_ONCE) return 0;
    if (ReadFile(handle_of(file), dst, at_once(n), &got, &at)) return got;
    return GetLastError() == ERROR_HANDLE_EOF ? 0 : -last_error();
}

int64_t grt_os_write_at(grt_os_file file, uint64_t offset, const void *src, size_t n)
{
    OVERLAPPED at = place(offset);
    DWORD done = 0;
    if (offset > INT64_MAX - (uint64_t)MOST_AT_ONCE) return -EFBIG;
    if (WriteFile(handle_of(file), src, at_once(n), &done, &at)) return done;
    return -last_error();
}

static uint64_t joined(DWORD high, DWORD low)
{
    return (uint64_t)high << 32 | low;
}

int grt_os_file_stat(grt_os_stat *out, grt_os_file file)
{
    BY_HANDLE_FILE_INFORMATION found;
    if (GetFileType(handle_of(file)) != FILE_TYPE_DISK) {
        *out = (grt_os_stat){.kind = GRT_OS_SPECIAL};
        return 0;
    }
    if (!GetFileInformationByHandle(handle_of(file), &found)) return last_error();
    bool is_directory = (found.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY) != 0;
    uint64_t written = joined(found.ftLastWriteTime.dwHighDateTime,
                              found.ftLastWriteTime.dwLowDateTime);
    *out = (grt_os_stat){.kind = is_directory ? GRT_OS_DIRECTORY : GRT_OS_REGULAR,
                         .size_bytes = joined(found.nFileSizeHigh, found.nFileSizeLow),
                         .device = found.dwVolumeSerialNumber,
                         .number = joined(found.nFileIndexHigh, found.nFileIndexLow),
                         .n_names = found.nNumberOfLinks,
                         .written_ns = written * 100};
    return 0;
}

int grt_os_path_stat(grt_os_stat *out, const char *path)
{
    WIN32_FILE_ATTRIBUTE_DATA found;
    wchar_t wide[WIDE_PATH];
    int code = widen(wide, path);
    if (code != 0) return code;
    if (!GetFileAttributesExW(wide, GetFileExInfoStandard, &found)) return last_error();
    bool is_directory = (found.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY) != 0;
    bool is_device = (found.dwFileAttributes & FILE_ATTRIBUTE_DEVICE) != 0;
    *out = (grt_os_stat){.kind = is_directory ? GRT_OS_DIRECTORY
                                 : is_device  ? GRT_OS_SPECIAL
                                              : GRT_OS_REGULAR,
                         .size_bytes = joined(found.nFileSizeHigh, found.nFileSizeLow)};
    return 0;
}

/* Of one byte far behind any end: a lock keeps others from reading what it covers. */
int grt_os_lock_file(grt_os_file file)
{
    OVERLAPPED at = place(INT64_MAX - 1);
    DWORD flags = LOCKFILE_EXCLUSIVE_LOCK | LOCKFILE_FAIL_IMMEDIATELY;
    return LockFileEx(handle_of(file), flags, 0, 1, 0, &at) ? 0 : last_error();
}

int grt_os_resize_file(grt_os_file file, uint64_t n_bytes)
{
    FILE_END_OF_FILE_INFO end;
    if (n_bytes > INT64_MAX) return EFBIG;
    end.EndOfFile.QuadPart = (LONGLONG)n_bytes;
    return SetFileInformationByHandle(handle_of(file), FileEndOfFileInfo, &end,
                                      sizeof(end))
               ? 0
               : last_error();
}

/* Setting the end of a file takes its room on NTFS. */
int grt_os_reserve(grt_os_file file, uint64_t n_bytes)
{
    return grt_os_resize_file(file, n_bytes);
}

int grt_os_sync(grt_os_file file)
{
    return FlushFileBuffers(handle_of(file)) ? 0 : last_error();
}

int grt_os_rename(const char *from, const char *to)
{
    wchar_t wide_from[WIDE_PATH], wide_to[WIDE_PATH];
    int code = widen(wide_from, from);
    if (code == 0) code = widen(wide_to, to);
    if (code != 0) return code;
    DWORD flags = MOVEFILE_REPLACE_EXISTING | MOVEFILE_WRITE_THROUGH;
    return MoveFileExW(wide_from, wide_to, flags) ? 0 : last_error();
}

int grt_os_remove(const char *path)
{
    wchar_t wide[WIDE_PATH];
    int code = widen(wide, path);
    if (code != 0) return code;
    return DeleteFileW(wide) ? 0 : last_error();
}

/* Windows has no such hints for a part of a file. */
void grt_os_expect(grt_os_file file, uint64_t offset, size_t n)
{
    (void)file, (void)offset, (void)n;
}

void grt_os_forget(grt_os_file file, uint64_t offset, size_t n)
{
    (void)file, (void)offset, (void)n;
}

static bool visit(const WIN32_FIND_DATAW *found,
                  bool (*each)(const char *name, void *payload), void *payload)
{
    char name[4 * MAX_PATH];
    if (WideCharToMultiByte(CP_UTF8, 0, found->cFileName, -1, name, sizeof(name), NULL,
                            NULL) <= 0)
        return true;
    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0) return true;
    return each(name, payload);
}

int grt_os_list(const char *directory, bool (*each)(const char *name, void *payload),
                void *payload)
{
    WIN32_FIND_DATAW found;
    wchar_t wide[WIDE_PATH + 3];
    int code = widen(wide, directory);
    if (code != 0) return code;
    size_t n = wcslen(wide);
    memcpy(wide + n, L"/*", 3 * sizeof(wchar_t));
    HANDLE search = FindFirstFileW(wide, &found);
    if (search == INVALID_HANDLE_VALUE) return last_error();
    while (visit(&found, each, payload) && FindNextFileW(search, &found)) {
    }
    (void)FindClose(search);
    return 0;
}
