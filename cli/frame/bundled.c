/*
 * bundled.c - finds the models that come with the command.
 *
 * Three places, in this order: relative to the executable (a copied or relocated
 * installation), where this build is installed, and the source tree it was built from.
 */
#include "frame/cli.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef GRT_MODELS_DIR
#define GRT_MODELS_DIR "/usr/local/share/grating/models"
#endif
#ifndef GRT_SOURCE_MODELS_DIR
#define GRT_SOURCE_MODELS_DIR "models"
#endif

enum { N_PLACES = 3 };

/* Writes "<folder above the executable's>/share/grating/models"; "" when unknown. */
static void beside_executable(char *out, size_t capacity)
{
    static const char relative[] = "/share/grating/models";
    ssize_t length = readlink("/proc/self/exe", out, capacity - 1);
    out[length < 0 ? 0 : length] = 0;
    for (int i = 0; i < 2; i++) {
        char *slash = strrchr(out, '/');
        if (slash) *slash = 0;
    }
    length = (ssize_t)strlen(out);
    if (out[0] != '/' || (size_t)length + sizeof relative > capacity)
        out[0] = 0;
    else
        memcpy(out + length, relative, sizeof relative);
}

int cli_bundled_model(char **out, const char *name, int is_quiet)
{
    char beside[PATH_MAX], path[PATH_MAX];
    beside_executable(beside, sizeof beside);
    const char *places[N_PLACES] = {beside, GRT_MODELS_DIR, GRT_SOURCE_MODELS_DIR};
    for (size_t i = 0; i < N_PLACES; i++) {
        struct stat status;
        int length = snprintf(path, sizeof path, "%s/%s", places[i], name);
        int is_whole = places[i][0] && length >= 0 && (size_t)length < sizeof path;
        if (!is_whole || stat(path, &status) != 0) continue;
        *out = strdup(path);
        return *out ? CLI_SUCCESS : cli_fail("out of memory");
    }
    if (is_quiet) return CLI_FAILURE;
    return cli_fail("the bundled model %s is in none of %s, %s, %s; "
                    "name a model with --model",
                    name, places[0], places[1], places[2]);
}

int cli_find_model(char **out, const char *path)
{
    if (!path) return cli_bundled_model(out, CLI_DEFAULT_MODEL, 0);
    struct stat status;
    int is_name = path[0] && !strchr(path, '/') && stat(path, &status) != 0;
    if (is_name && cli_bundled_model(out, path, 1) == CLI_SUCCESS) return CLI_SUCCESS;
    *out = strdup(path);
    return *out ? CLI_SUCCESS : cli_fail("out of memory");
}
