/* folder.c - see folder.h. */
#include "folder.h"

#include <dirent.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char mark[] = "%%% ";
enum { MARK = sizeof(mark) - 1, PATH_BYTES = 600 };

/* ---- Parts ---- */

static int is_mark(const uint8_t *data, size_t size, size_t at)
{
    return size - at >= MARK && memcmp(data + at, mark, MARK) == 0 &&
           (at == 0 || data[at - 1] == '\n');
}

static int may_stand_in_name(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           c == '.' || c == '-' || c == '_';
}

/* What is no name becomes one: inputs are not to be lost for that. */
static void copy_name(fuzz_part *out, const uint8_t *text, size_t n)
{
    size_t used = 0;
    int has_slash = 0;
    for (size_t i = 0; i < n && used + 1 < sizeof(out->name); i++) {
        int is_slash = text[i] == '/' && used > 0 && !has_slash;
        if (!is_slash && !may_stand_in_name(text[i])) continue;
        int begins = used == 0 || out->name[used - 1] == '/';
        out->name[used++] = begins && text[i] == '.' ? '_' : (char)text[i];
        has_slash |= is_slash;
    }
    if (used && out->name[used - 1] == '/') out->name[used - 1] = '_';
    if (used == 0) out->name[used++] = '_';
    out->name[used] = 0;
    char *temporary = strstr(out->name, ".tmp"); /* for what a command left behind */
    if (temporary) *temporary = '_';
}

int fuzz_next_part(fuzz_part *out, const uint8_t *data, size_t size, size_t *at)
{
    size_t begin = *at;
    if (begin >= size) return 0;
    out->name[0] = 0;
    if (is_mark(data, size, begin)) {
        const uint8_t *line = data + begin + MARK;
        const uint8_t *end = memchr(line, '\n', size - begin - MARK);
        size_t n = end ? (size_t)(end - line) : size - begin - MARK;
        copy_name(out, line, n);
        begin += MARK + n + (end != NULL);
    }
    size_t end = begin;
    while (end < size && !is_mark(data, size, end)) {
        const uint8_t *next = memchr(data + end, '\n', size - end);
        end = next ? (size_t)(next - data) + 1 : size;
    }
    out->bytes = data + begin;
    out->n = end - begin;
    *at = end;
    return 1;
}

/* ---- The folder ---- */

static char folder[200];

static const char *path_of(char *out, const char *name)
{
    int n = snprintf(out, PATH_BYTES, "%s/%s", fuzz_folder(), name);
    fuzz_need(n > 0 && n < PATH_BYTES, "a path has room");
    return out;
}

static void remove_all(const char *path, int removes_itself)
{
    DIR *directory = opendir(path);
    for (struct dirent *entry; directory && (entry = readdir(directory));) {
        char inner[PATH_BYTES];
        if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..")) continue;
        (void)snprintf(inner, sizeof(inner), "%s/%s", path, entry->d_name);
        if (unlink(inner) != 0) remove_all(inner, 1);
    }
    if (directory) (void)closedir(directory);
    if (removes_itself) (void)rmdir(path);
}

static void remove_folder(void)
{
    remove_all(folder, 1);
}

const char *fuzz_folder(void)
{
    if (folder[0]) return folder;
    const char *place = getenv("TMPDIR");
    (void)snprintf(folder, sizeof(folder), "%s/grating_fuzz_XXXXXX",
                   place && place[0] ? place : "/tmp");
    fuzz_need(mkdtemp(folder) != NULL, "a folder can be made");
    fuzz_need(atexit(remove_folder) == 0, "it will be removed");
    return folder;
}

void fuzz_folder_clear(void)
{
    remove_all(fuzz_folder(), 0);
}

void fuzz_folder_write(const char *name, const uint8_t *bytes, size_t n)
{
    char path[PATH_BYTES];
    const char *slash = strchr(name, '/');
    if (slash) {
        path_of(path, name);
        path[strlen(fuzz_folder()) + 1 + (size_t)(slash - name)] = 0;
        (void)mkdir(path, 0700);
    }
    FILE *file = fopen(path_of(path, name), "wb");
    if (!file) return; /* a part "a" and a part "a/b" */
    if (n) fuzz_need(fwrite(bytes, 1, n, file) == n, "a file can be written");
    fuzz_need(fclose(file) == 0, "a file can be written");
}

size_t fuzz_folder_unpack(const uint8_t *data, size_t size)
{
    fuzz_part part;
    size_t n = 0;
    for (size_t at = 0; fuzz_next_part(&part, data, size, &at);) {
        if (!part.name[0]) continue;
        fuzz_folder_write(part.name, part.bytes, part.n);
        n++;
    }
    return n;
}

void fuzz_folder_walk(void (*each)(const char *name, void *payload), void *payload)
{
    DIR *directory = opendir(fuzz_folder());
    fuzz_need(directory != NULL, "the folder is there");
    for (struct dirent *entry; (entry = readdir(directory));) {
        char path[PATH_BYTES];
        struct stat found;
        path_of(path, entry->d_name);
        if (stat(path, &found) == 0 && S_ISREG(found.st_mode))
            each(entry->d_name, payload);
    }
    (void)closedir(directory);
}

char *fuzz_load(const char *path, size_t *n)
{
    FILE *file = fopen(path, "rb");
    fuzz_need(file && fseek(file, 0, SEEK_END) == 0, path);
    *n = (size_t)ftell(file);
    rewind(file);
    char *bytes = malloc(*n + 1);
    fuzz_need(bytes && fread(bytes, 1, *n, file) == *n, path);
    bytes[*n] = 0;
    (void)fclose(file);
    return bytes;
}
