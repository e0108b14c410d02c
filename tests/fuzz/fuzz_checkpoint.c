/* fuzz_checkpoint.c - a checkpoint's files as they lie in a folder (folder.h): shards
 * and their index, parts of a GGUF, configurations, tokenizers.  What is opened is the
 * first file whose name ends in ".gguf" or ".safetensors", else the folder. */
#include "folder.h"
#include "memory_file.h"
#include "outcome.h"

#include "base/memory.h"
#include "models/open.h"

static volatile uint64_t sink;

static int has_ending(const char *name, const char *ending)
{
    size_t n = strlen(name), length = strlen(ending);
    return n > length && strcmp(name + n - length, ending) == 0;
}

static void find_path(char *out, size_t room, const uint8_t *data, size_t size)
{
    fuzz_part part;
    (void)snprintf(out, room, "%s", fuzz_folder());
    for (size_t at = 0; fuzz_next_part(&part, data, size, &at);) {
        int is_index = strstr(part.name, "-of-") && has_ending(part.name, "s");
        if (is_index || strchr(part.name, '/')) continue;
        if (!has_ending(part.name, ".gguf") && !has_ending(part.name, ".safetensors"))
            continue;
        (void)snprintf(out, room, "%s/%s", fuzz_folder(), part.name);
        if (has_ending(part.name, ".safetensors")) /* its directory, half of the time */
            out[size % 2 ? strlen(fuzz_folder()) : strlen(out)] = 0;
        return;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[300];
    grt_error err = {0};
    uint64_t before = grt_memory_now();
    fuzz_folder_clear();
    (void)fuzz_folder_unpack(data, size);
    find_path(path, sizeof(path), data, size);

    grt_checkpoint checkpoint = {0};
    grt_status status = grt_checkpoint_open(&checkpoint, path, &err);
    if (status == GRT_OK) {
        check_catalogue(&checkpoint.catalogue);
        sink = check_metadata(&checkpoint.metadata);
        fuzz_need(checkpoint.catalogue.n_files <= GRT_MAX_FILES, "files have a limit");
        grt_checkpoint_release(&checkpoint);
    } else {
        fuzz_check_error(status, &err);
    }

    grt_opened opened = {0};
    status = grt_open(&opened, path, &err);
    if (status != GRT_OK) fuzz_check_error(status, &err);
    grt_opened_release(&opened);
    fuzz_need(grt_memory_now() == before, "nothing is kept");
    return 0;
}
