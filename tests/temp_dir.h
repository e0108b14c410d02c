/* temp_dir.h - a directory of a test's own, and whole files in it. */
#ifndef GRT_TESTS_TEMP_DIR_H
#define GRT_TESTS_TEMP_DIR_H

#include "test.h"

#include <dirent.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct temp_dir {
    char path[64];
} temp_dir;

static inline void temp_make(temp_dir *dir)
{
    (void)snprintf(dir->path, sizeof(dir->path), "/tmp/grating_test_XXXXXX");
    assert_non_null(mkdtemp(dir->path));
}

/* The path of `name` in the directory, in out[128], which it returns. */
static inline const char *temp_path(const temp_dir *dir, const char *name, char *out)
{
    int n = snprintf(out, 128, "%s/%s", dir->path, name);
    assert_true(n > 0 && n < 128);
    return out;
}

/* Entries but "." and ".."; removes them when `removes`. */
static inline size_t temp_entries(const temp_dir *dir, int removes)
{
    size_t n = 0;
    char path[512];
    DIR *directory = opendir(dir->path);
    assert_non_null(directory);
    for (const struct dirent *entry; (entry = readdir(directory));) {
        if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..")) continue;
        n++;
        (void)snprintf(path, sizeof(path), "%s/%s", dir->path, entry->d_name);
        if (removes && unlink(path) != 0) (void)rmdir(path);
    }
    (void)closedir(directory);
    return n;
}

/* With its files and empty directories. */
static inline void temp_remove(const temp_dir *dir)
{
    (void)temp_entries(dir, 1);
    assert_int_equal(rmdir(dir->path), 0);
}

/* In a malloc block that the caller frees. */
static inline unsigned char *read_whole(const char *path, size_t *n)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    *n = (size_t)ftell(file);
    rewind(file);
    unsigned char *bytes = malloc(*n + 1);
    assert_non_null(bytes);
    assert_int_equal(fread(bytes, 1, *n, file), *n);
    bytes[*n] = 0;
    (void)fclose(file);
    return bytes;
}

static inline void write_whole(const char *path, const void *bytes, size_t n)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, n, file), n);
    assert_int_equal(fclose(file), 0);
}

static inline void assert_file_holds(const char *path, const void *bytes, size_t n)
{
    size_t n_found;
    unsigned char *found = read_whole(path, &n_found);
    assert_int_equal(n_found, n);
    assert_memory_equal(found, bytes, n);
    free(found);
}

/* Files of this process may not grow past n_bytes, as on a full disk; RLIM_INFINITY
 * takes it back. */
static inline void limit_files(rlim_t n_bytes)
{
    struct rlimit limit;
    (void)signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = n_bytes < limit.rlim_max ? n_bytes : limit.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

#endif /* GRT_TESTS_TEMP_DIR_H */
