/* bench_tokenizer.c - speed of tokenizing a text file, and time to load a vocabulary.
 *
 *   bench_tokenizer TEXT_FILE TOKENIZER...
 *
 * A tokenizer is a directory of tokenizer files or a GGUF file; one thread; median of
 * five.
 */
#include "base/clock.h"
#include "formats/tokenizer_files.h"
#include "tokenizer/tokenizer.h"

#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N_RUNS = 5, MAX_TEXT_BYTES = 1 << 28 };

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values)
{
    qsort(values, N_RUNS, sizeof(*values), compare);
    return values[N_RUNS / 2];
}

static grt_status open_vocabulary(grt_vocabulary *out, const char *path, grt_error *err)
{
    if (grt_path_is_directory(path))
        return grt_vocabulary_open_directory(out, path, err);
    grt_catalogue catalogue = {0};
    grt_metadata metadata = {0};
    grt_file *file = NULL;
    GRT_TRY(grt_file_open(&file, path, err));
    grt_status status = grt_gguf_read(&catalogue, &metadata, file, err);
    if (status == GRT_OK) status = grt_vocabulary_read_gguf(out, &metadata, err);
    grt_metadata_release(&metadata);
    grt_catalogue_release(&catalogue);
    return status;
}

static grt_status measure(const char *path, const char *text, size_t n, grt_error *err)
{
    double load[N_RUNS], encode[N_RUNS];
    size_t n_ids = 0, n_pieces = 0;
    for (int run = 0; run < N_RUNS; run++) {
        grt_vocabulary vocabulary = {0};
        grt_tokenizer *tokenizer = NULL;
        grt_ids ids = {0};
        uint64_t start = grt_clock_ns();
        GRT_TRY(open_vocabulary(&vocabulary, path, err));
        GRT_TRY(grt_tokenizer_create(&tokenizer, &vocabulary, err));
        uint64_t loaded = grt_clock_ns();
        GRT_TRY(grt_tokenizer_encode(tokenizer, text, n, &ids, err));
        encode[run] = (double)(grt_clock_ns() - loaded) * 1e-9;
        load[run] = (double)(loaded - start) * 1e-6;
        n_ids = ids.n;
        n_pieces = vocabulary.n_pieces;
        grt_ids_release(&ids);
        grt_tokenizer_free(tokenizer);
        grt_vocabulary_release(&vocabulary);
    }
    printf("%8zu %8.1f ms %8.1f MB/s %9zu ids  %s\n", n_pieces, median(load),
           (double)n * 1e-6 / median(encode), n_ids, path);
    return GRT_OK;
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "usage: bench_tokenizer TEXT_FILE TOKENIZER...\n");
        return 2;
    }
    grt_error err = {.text = ""};
    char *text;
    size_t n;
    grt_status status = grt_file_load(&text, &n, argv[1], MAX_TEXT_BYTES, &err);
    if (status == GRT_OK) printf("%8s %11s %13s\n", "pieces", "load", "encode");
    for (int i = 2; i < argc && status == GRT_OK; i++)
        status = measure(argv[i], text, n, &err);
    if (status != GRT_OK) {
        fprintf(stderr, "bench_tokenizer: %s\n", err.text);
        return 1;
    }
    grt_free(text);
    return 0;
}
