/* linux_limits.c - see linux_limits.h.
 *
 * /proc/self/cgroup names this process's group in each hierarchy: one for each
 * controller in version 1, a single one in version 2, and both kinds at once on hybrid
 * systems.  /proc/self/mountinfo tells which directory shows which part of a hierarchy:
 * in a container perhaps only the part from the container's group on.  See cgroups(7)
 * and proc(5). */
#include "os/linux_limits.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LINE_BYTES = 4096, PATH_BYTES = 4096 };

/* ---- Lines of a file ---- */

typedef struct line_reader {
    int fd;
    size_t at, n;
    char bytes[LINE_BYTES];
} line_reader;

static bool lines_open(line_reader *lines, const char *root, const char *path)
{
    char name[PATH_BYTES];
    int n = snprintf(name, sizeof(name), "%s%s", root, path);
    if (n < 0 || (size_t)n >= sizeof(name)) return false;
    lines->at = lines->n = 0;
    lines->fd = open(name, O_RDONLY | O_CLOEXEC);
    return lines->fd >= 0;
}

static void lines_close(line_reader *lines)
{
    (void)close(lines->fd);
}

static int next_byte(line_reader *lines)
{
    if (lines->at == lines->n) {
        ssize_t got = read(lines->fd, lines->bytes, sizeof(lines->bytes));
        if (got <= 0) return -1;
        lines->at = 0;
        lines->n = (size_t)got;
    }
    return (unsigned char)lines->bytes[lines->at++];
}

/* One line without its end, in line[LINE_BYTES]; what is longer is cut off. */
static bool next_line(line_reader *lines, char *line)
{
    size_t n = 0;
    int byte = next_byte(lines);
    if (byte < 0) return false;
    for (; byte >= 0 && byte != '\n'; byte = next_byte(lines))
        if (n + 1 < LINE_BYTES) line[n++] = (char)byte;
    line[n] = '\0';
    return true;
}

/* "max" and negative numbers say that there is no limit. */
static uint64_t number_of(const char *text)
{
    while (*text == ' ' || *text == '\t')
        text++;
    return *text >= '0' && *text <= '9' ? strtoull(text, NULL, 10) : UINT64_MAX;
}

uint64_t grt_linux_number(const char *root, const char *path, const char *key)
{
    line_reader lines;
    char line[LINE_BYTES];
    uint64_t found = UINT64_MAX;
    size_t n = strlen(key);
    if (!lines_open(&lines, root, path)) return UINT64_MAX;
    while (next_line(&lines, line))
        if (strncmp(line, key, n) == 0) {
            found = number_of(line + n);
            break;
        }
    lines_close(&lines);
    return found;
}

/* ---- Where the groups of this process are ---- */

/* The directory of this process's group, and that of the outermost one above it. */
typedef struct hierarchy {
    bool is_v2;
    size_t n_top; /* bytes of `directory` that name the outermost */
    char directory[PATH_BYTES];
} hierarchy;

/* "cpu" in "cpu,cpuacct". */
static bool has_word(const char *list, const char *word)
{
    size_t n = strlen(word);
    for (const char *at = list; at; at = strchr(at, ',')) {
        at += *at == ',';
        if (strncmp(at, word, n) == 0 && (at[n] == ',' || at[n] == '\0')) return true;
    }
    return false;
}

/* A line of /proc/self/cgroup is "number:controllers:path". */
static bool group_path(const char *root, bool is_v2, const char *controller, char *out)
{
    line_reader lines;
    char line[LINE_BYTES];
    bool is_found = false;
    if (!lines_open(&lines, root, "/proc/self/cgroup")) return false;
    while (!is_found && next_line(&lines, line)) {
        char *controllers = strchr(line, ':');
        char *path = controllers ? strchr(controllers + 1, ':') : NULL;
        if (!path) continue;
        *path++ = '\0';
        controllers++;
        is_found = is_v2 ? controllers[0] == '\0' : has_word(controllers, controller);
        if (is_found) memcpy(out, path, strlen(path) + 1);
    }
    lines_close(&lines);
    return is_found;
}

/* mountinfo writes space, tab, line feed and backslash as three octal digits. */
static void unescape(char *text)
{
    char *to = text;
    for (const char *from = text; *from; to++) {
        bool is_octal = from[0] == '\\' && from[1] >= '0' && from[1] <= '3' &&
                        from[2] >= '0' && from[2] <= '7' && from[3] >= '0' &&
                        from[3] <= '7';
        *to =
            is_octal
                ? (char)((from[1] - '0') << 6 | (from[2] - '0') << 3 | (from[3] - '0'))
                : *from;
        from += is_octal ? 4 : 1;
    }
    *to = '\0';
}

/* Cuts the next word off the line. */
static char *next_word(char **line)
{
    char *word = *line, *end = strchr(word, ' ');
    if (end) *end++ = '\0';
    *line = end ? end : word + strlen(word);
    return word;
}

/* A line is "id parent device root mount-point options tags... - type source options".
 * Gives root and mount point of a hierarchy of that version and controller. */
static bool read_mount(char *line, bool is_v2, const char *controller, char **top,
                       char **point)
{
    for (int i = 0; i < 3; i++)
        (void)next_word(&line);
    *top = next_word(&line);
    *point = next_word(&line);
    char *rest = strstr(line, "- ");
    if (!rest) return false;
    rest += 2;
    const char *type = next_word(&rest);
    (void)next_word(&rest);
    if (strcmp(type, is_v2 ? "cgroup2" : "cgroup") != 0) return false;
    if (!is_v2 && !has_word(rest, controller)) return false;
    unescape(*top);
    unescape(*point);
    return true;
}

/* What of `path` lies below `top`; NULL: nothing, it is elsewhere. */
static const char *below(const char *path, const char *top)
{
    size_t n = strcmp(top, "/") == 0 ? 0 : strlen(top);
    if (strstr(path, "/..") || strncmp(path, top, n) != 0) return NULL;
    if (path[n] != '/' && path[n] != '\0') return NULL;
    return strcmp(path + n, "/") == 0 ? "" : path + n;
}

/* Where a mount does not show the group, the outermost that it shows has to do. */
static bool find_hierarchy(hierarchy *out, const char *root, bool is_v2,
                           const char *controller)
{
    static const char mounts[] = "/proc/self/mountinfo";
    line_reader lines;
    char line[LINE_BYTES], path[LINE_BYTES], *top, *point;
    bool is_found = false, is_shown = false;
    if (!group_path(root, is_v2, controller, path)) return false;
    if (!lines_open(&lines, root, mounts)) return false;
    while (!is_shown && next_line(&lines, line)) {
        if (!read_mount(line, is_v2, controller, &top, &point)) continue;
        const char *rest = below(path, top);
        if (is_found && !rest) continue;
        int n = snprintf(out->directory, sizeof(out->directory), "%s%s", point,
                         rest ? rest : "");
        if (n < 0 || (size_t)n >= sizeof(out->directory)) continue;
        out->n_top = strlen(point);
        out->is_v2 = is_v2;
        is_found = true;
        is_shown = rest != NULL;
    }
    lines_close(&lines);
    return is_found;
}

/* ---- Limits, from the group of this process upwards ---- */

static uint64_t number_in(const char *root, const hierarchy *h, const char *file,
                          const char *key)
{
    char path[PATH_BYTES + 64];
    (void)snprintf(path, sizeof(path), "%s/%s", h->directory, file);
    return grt_linux_number(root, path, key);
}

static uint64_t bytes_left(const char *root, const hierarchy *h)
{
    bool is_v2 = h->is_v2;
    uint64_t limit =
        number_in(root, h, is_v2 ? "memory.max" : "memory.limit_in_bytes", "");
    uint64_t high = is_v2 ? number_in(root, h, "memory.high", "") : UINT64_MAX;
    if (high < limit) limit = high;
    if (limit == UINT64_MAX) return UINT64_MAX;
    uint64_t used =
        number_in(root, h, is_v2 ? "memory.current" : "memory.usage_in_bytes", "");
    uint64_t files = number_in(root, h, "memory.stat",
                               is_v2 ? "inactive_file " : "total_inactive_file ");
    if (used == UINT64_MAX) used = 0;
    if (files != UINT64_MAX) used = files < used ? used - files : 0;
    return used < limit ? limit - used : 0;
}

/* The second number of "quota period". */
static uint64_t second_number(const char *root, const hierarchy *h, const char *file)
{
    char path[PATH_BYTES + 64], line[LINE_BYTES];
    line_reader lines;
    uint64_t found = UINT64_MAX;
    (void)snprintf(path, sizeof(path), "%s/%s", h->directory, file);
    if (!lines_open(&lines, root, path)) return UINT64_MAX;
    const char *second = next_line(&lines, line) ? strchr(line, ' ') : NULL;
    if (second) found = number_of(second);
    lines_close(&lines);
    return found;
}

static uint64_t cpus_left(const char *root, const hierarchy *h)
{
    uint64_t quota = number_in(root, h, h->is_v2 ? "cpu.max" : "cpu.cfs_quota_us", "");
    uint64_t period = h->is_v2 ? second_number(root, h, "cpu.max")
                               : number_in(root, h, "cpu.cfs_period_us", "");
    if (quota == UINT64_MAX || period == UINT64_MAX || period == 0) return UINT64_MAX;
    return quota / period + (quota % period != 0);
}

typedef uint64_t limit_fn(const char *root, const hierarchy *h);

/* The least of a group's limit and of those of all groups above it. */
static uint64_t least_upwards(const char *root, hierarchy *h, limit_fn *limit)
{
    uint64_t least = UINT64_MAX;
    for (;;) {
        uint64_t here = limit(root, h);
        if (here < least) least = here;
        char *slash = strrchr(h->directory, '/');
        if (!slash || (size_t)(slash - h->directory) < h->n_top) return least;
        *slash = '\0';
    }
}

static uint64_t least_of_all(const char *root, const char *controller, limit_fn *limit)
{
    uint64_t least = UINT64_MAX;
    for (int version = 1; version <= 2; version++) {
        hierarchy h;
        if (!find_hierarchy(&h, root, version == 2, controller)) continue;
        uint64_t here = least_upwards(root, &h, limit);
        if (here < least) least = here;
    }
    return least;
}

uint64_t grt_linux_cgroup_bytes(const char *root)
{
    return least_of_all(root, "memory", bytes_left);
}

size_t grt_linux_cgroup_cpus(const char *root)
{
    uint64_t n = least_of_all(root, "cpu", cpus_left);
    if (n == UINT64_MAX) return SIZE_MAX;
    return n < 1 ? 1 : (size_t)n;
}
