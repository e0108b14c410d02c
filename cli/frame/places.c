/* places.c - see places.h. */
#include "frame/places.h"

#include <dirent.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int cli_place_make(cli_place *out, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(out->text, sizeof out->text, format, arguments);
    va_end(arguments);
    return length >= 0 && (size_t)length < sizeof out->text;
}

int cli_place_exists(const char *path)
{
    struct stat found;
    return stat(path, &found) == 0;
}

int cli_place_is_folder(const char *path)
{
    struct stat found;
    return stat(path, &found) == 0 && S_ISDIR(found.st_mode);
}

const char *cli_variable(const char *name)
{
    const char *value = getenv(name);
    return value && value[0] ? value : NULL;
}

int cli_place_of_variable(cli_place *out, const char *name)
{
    const char *value = cli_variable(name), *home = cli_variable("HOME");
    if (!value) return 0;
    /* shells replace it, files of environments do not */
    if (home && strncmp(value, "~/", 2) == 0)
        return cli_place_make(out, "%s%s", home, value + 1);
    return cli_place_make(out, "%s", value);
}

int cli_place_is_among(const cli_place *places, size_t n, const cli_place *one)
{
    struct stat own, other;
    int is_there = stat(one->text, &own) == 0;
    for (size_t i = 0; i < n; i++) {
        if (strcmp(places[i].text, one->text) == 0) return 1;
        if (is_there && stat(places[i].text, &other) == 0 &&
            other.st_dev == own.st_dev && other.st_ino == own.st_ino)
            return 1;
    }
    return 0;
}

static int is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

int cli_place_walk(const char *folder, cli_place_fn *fn, void *payload)
{
    struct dirent **entries = NULL;
    int n = scandir(folder, &entries, is_visible, alphasort), code = 0;
    for (int i = 0; i < n; i++) {
        if (!code) code = fn(folder, entries[i]->d_name, payload);
        free(entries[i]);
    }
    free(entries);
    return code;
}

void cli_find_problem(char problem[CLI_PROBLEM_BYTES], const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(problem, CLI_PROBLEM_BYTES, format, arguments);
    va_end(arguments);
}
