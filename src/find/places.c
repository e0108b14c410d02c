/* places.c - see places.h. */
#include "find/places.h"

#include "base/arena.h"
#include "base/memory.h"
#include "os/os.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool grt_place_make(grt_place *out, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(out->text, sizeof(out->text), format, arguments);
    va_end(arguments);
    return length >= 0 && (size_t)length < sizeof(out->text);
}

bool grt_place_exists(const char *path)
{
    grt_os_stat found;
    return grt_os_path_stat(&found, path) == 0 && found.kind != GRT_OS_BROKEN;
}

bool grt_place_is_folder(const char *path)
{
    grt_os_stat found;
    return grt_os_path_stat(&found, path) == 0 && found.kind == GRT_OS_DIRECTORY;
}

uint64_t grt_place_written(const char *path)
{
    grt_os_stat found;
    return grt_os_path_stat(&found, path) == 0 ? found.written_ns : 0;
}

int64_t grt_place_read(const char *path, char *out, size_t capacity)
{
    grt_os_file file;
    grt_os_stat found;
    int64_t n = -1;
    if (grt_os_open(&file, path) != 0) return -1;
    if (grt_os_file_stat(&found, file) == 0 && found.kind == GRT_OS_REGULAR &&
        found.size_bytes < capacity)
        n = grt_os_read_at(file, 0, out, capacity - 1);
    grt_os_close(file);
    if (n < 0) return -1;
    out[n] = 0;
    return n;
}

bool grt_place_of_variable(grt_place *out, const char *name)
{
    const char *home = grt_os_variable("HOME");
    if (!home) home = grt_os_variable("USERPROFILE"); /* Windows */
    const char *value = strcmp(name, "HOME") == 0 ? home : grt_os_variable(name);
    if (!value) return false;
    /* shells replace it, files of environments do not */
    if (home && strncmp(value, "~/", 2) == 0)
        return grt_place_make(out, "%s%s", home, value + 1);
    return grt_place_make(out, "%s", value);
}

bool grt_place_is_among(const grt_place *places, size_t n, const grt_place *one)
{
    grt_os_stat own, other;
    bool is_there = grt_os_path_stat(&own, one->text) == 0 && own.number;
    for (size_t i = 0; i < n; i++) {
        if (strcmp(places[i].text, one->text) == 0) return true;
        if (is_there && grt_os_path_stat(&other, places[i].text) == 0 &&
            other.device == own.device && other.number == own.number)
            return true;
    }
    return false;
}

/* ---- Folders ---- */

typedef struct names {
    grt_arena arena;
    char **list; /* [n], room for `capacity` */
    size_t n, capacity;
    bool lacks_memory;
} names;

static bool keep_name(const char *name, void *payload)
{
    names *self = payload;
    size_t n_bytes = strlen(name) + 1;
    char *copy;
    if (name[0] == '.') return true;
    self->lacks_memory = true;
    if (self->n == self->capacity) {
        size_t more = self->capacity ? 2 * self->capacity : 64;
        if (grt_realloc_array(&self->list, more, sizeof(*self->list), "names", NULL))
            return false;
        self->capacity = more;
    }
    if (grt_arena_alloc(&self->arena, &copy, n_bytes, 1, NULL)) return false;
    self->lacks_memory = false;
    memcpy(copy, name, n_bytes);
    self->list[self->n++] = copy;
    return true;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

int grt_place_walk(const char *folder, grt_place_fn *fn, void *payload)
{
    names found = {.n = 0};
    int fault = grt_os_list(folder, keep_name, &found), code = 0;
    if (fault == ENOMEM || found.lacks_memory)
        code = GRT_E_NO_MEMORY;
    else if (fault && fault != ENOENT && fault != ENOTDIR)
        code = GRT_E_IO;
    if (found.n) qsort(found.list, found.n, sizeof(*found.list), compare_names);
    for (size_t i = 0; i < found.n && !code; i++)
        code = fn(folder, found.list[i], payload);
    grt_free(found.list);
    grt_arena_release(&found.arena);
    return code;
}

/* ---- Texts ---- */

static char lowered(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool grt_is_same_word(const char *a, const char *b, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (lowered(a[i]) != lowered(b[i])) return false;
        if (!a[i]) return true;
    }
    return true;
}

void grt_find_problem(char problem[GRT_PROBLEM_BYTES], const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(problem, GRT_PROBLEM_BYTES, format, arguments);
    va_end(arguments);
}
