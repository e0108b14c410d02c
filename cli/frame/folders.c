/* folders.c - where a user's own files are. */
#include "frame/folders.h"

#include "frame/cli.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static int is_set(const char *value)
{
    return value && value[0];
}

int cli_profile_folder(char *out, size_t capacity)
{
    const char *data = getenv("XDG_DATA_HOME"), *home = getenv("HOME");
    int length = -1;
    if (is_set(data) && data[0] == '/') /* the specification: others are passed over */
        length = snprintf(out, capacity, "%s/grating/profiles", data);
    else if (is_set(home))
        length = snprintf(out, capacity, "%s/.local/share/grating/profiles", home);
    return length >= 0 && (size_t)length < capacity;
}

int cli_make_folder(const char *path)
{
    char part[PATH_MAX];
    size_t n = strlen(path);
    if (n >= sizeof part) return cli_fail("%s: the name is too long", path);
    for (size_t i = 1; i <= n; i++) {
        if (path[i] && path[i] != '/') continue;
        memcpy(part, path, i);
        part[i] = 0;
        if (mkdir(part, 0700) != 0 && errno != EEXIST)
            return cli_fail("cannot make the folder %s: %s", part, strerror(errno));
    }
    return CLI_SUCCESS;
}
