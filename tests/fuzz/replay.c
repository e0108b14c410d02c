/* replay.c - runs a fuzz target over every file of the directories it is given. */
#include "fuzz.h"

#include <dirent.h>
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

int main(int argc, char **argv)
{
    int n_seeds = 0;
    for (int i = 1; i < argc; i++) {
        DIR *directory = opendir(argv[i]);
        if (!directory) {
            fprintf(stderr, "no seeds at %s\n", argv[i]);
            return 1;
        }
        for (struct dirent *entry; (entry = readdir(directory));) {
            if (entry->d_name[0] == '.') continue;
            char path[4096];
            (void)snprintf(path, sizeof(path), "%s/%s", argv[i], entry->d_name);
            if (replay_file(path)) return 1;
            n_seeds++;
        }
        (void)closedir(directory);
    }
    printf("%d seeds replayed\n", n_seeds);
    return n_seeds == 0;
}
