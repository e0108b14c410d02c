/* replay.c - runs a fuzz target over every file of the directories it is given. */
#include "fuzz.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

static int replay_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (!file) return 1;
    static uint8_t data[1 << 20];
    size_t n = fread(data, 1, sizeof(data), file);
    (void)fclose(file);
    uint8_t *exact = malloc(n + !n); /* exact size: sanitizers see any read past it */
    if (!exact) return 1;
    for (size_t i = 0; i < n; i++)
        exact[i] = data[i];
    (void)LLVMFuzzerTestOneInput(exact, n);
    free(exact);
    return 0;
}

/* 0 when it cannot be read; *n_seeds grows. */
static int replay_directory(const char *path, int *n_seeds)
{
    DIR *directory = opendir(path);
    if (!directory) {
        fprintf(stderr, "no seeds at %s\n", path);
        return 0;
    }
    int is_read = 1;
    for (struct dirent *entry; is_read && (entry = readdir(directory));) {
        char name[PATH_MAX + NAME_MAX + 2];
        if (entry->d_name[0] == '.') continue;
        (void)snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
        is_read = replay_file(name) == 0;
        *n_seeds += is_read;
    }
    (void)closedir(directory);
    return is_read;
}

int main(int argc, char **argv)
{
    int n_seeds = 0;
    for (int i = 1; i < argc; i++) {
        char path[PATH_MAX]; /* whole: a target may go to a folder of its own */
        if (!realpath(argv[i], path)) {
            fprintf(stderr, "no seeds at %s\n", argv[i]);
            return 1;
        }
        if (!replay_directory(path, &n_seeds)) return 1;
    }
    printf("%d seeds replayed\n", n_seeds);
    return n_seeds == 0;
}
