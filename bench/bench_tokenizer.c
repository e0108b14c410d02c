/* bench_tokenizer.c - speed of tokenizing a text file, and time to load a vocabulary.
 *
 *   bench_tokenizer TEXT_FILE TOKENIZER...
 *   bench_tokenizer --ids JSON_LINES TOKENIZER
 *
 * A tokenizer is a directory of tokenizer files, a GGUF file, a SentencePiece model
 * (*.model) or a tokenizer.json; one thread; median of five.  --ids prints the ids of
 * each line, a JSON string, instead: tools/reference/compare_tokenizers.py holds them
 * against other implementations. */
#include "base/clock.h"
#include "formats/tokenizer_files.h"
#include "tokenizer/tokenizer.h"

#include "base/memory.h"

#include <jansson.h>
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

static grt_status open_gguf(grt_vocabulary *out, const char *path, grt_error *err)
{
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

static int ends_with(const char *text, const char *end)
{
    size_t n = strlen(text), n_end = strlen(end);
    return n >= n_end && strcmp(text + n - n_end, end) == 0;
}

static grt_status open_vocabulary(grt_vocabulary *out, const char *path, grt_error *err)
{
    if (grt_path_is_directory(path))
        return grt_vocabulary_open_directory(out, path, err);
    int is_model = ends_with(path, ".model");
    if (!is_model && !ends_with(path, ".json")) return open_gguf(out, path, err);
    char *text;
    size_t n;
    GRT_TRY(grt_file_load(&text, &n, path, MAX_TEXT_BYTES, err));
    grt_status status =
        is_model ? grt_vocabulary_read_model(out, text, n, path, err)
                 : grt_vocabulary_read_tokenizer_json(out, text, n, path, err);
    grt_free(text);
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

/* The ids of one line of JSON, as a line of numbers. */
static grt_status print_line(const grt_tokenizer *tokenizer, const char *line, size_t n,
                             grt_error *err)
{
    grt_ids ids = {0};
    json_t *text = json_loadb(line, n, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    grt_status status = GRT_E_FORMAT;
    if (json_is_string(text))
        status = grt_tokenizer_encode(tokenizer, json_string_value(text),
                                      json_string_length(text), &ids, err);
    else
        (void)snprintf(err->text, sizeof(err->text), "not a JSON string: %.*s",
                       (int)(n < 60 ? n : 60), line);
    for (size_t i = 0; i < ids.n && status == GRT_OK; i++)
        printf(i ? " %d" : "%d", (int)ids.ids[i]);
    printf("\n");
    json_decref(text);
    grt_ids_release(&ids);
    return status;
}

static grt_status print_ids(const char *path, const char *lines, size_t n,
                            grt_error *err)
{
    grt_vocabulary vocabulary = {0};
    grt_tokenizer *tokenizer = NULL;
    GRT_TRY(open_vocabulary(&vocabulary, path, err));
    GRT_TRY(grt_tokenizer_create(&tokenizer, &vocabulary, err));
    grt_status status = GRT_OK;
    for (size_t at = 0; at < n && status == GRT_OK;) {
        const char *end = memchr(lines + at, '\n', n - at);
        size_t n_line = end ? (size_t)(end - (lines + at)) : n - at;
        status = print_line(tokenizer, lines + at, n_line, err);
        at += n_line + 1;
    }
    grt_tokenizer_free(tokenizer);
    grt_vocabulary_release(&vocabulary);
    return status;
}

int main(int argc, char **argv)
{
    int is_ids = argc == 4 && strcmp(argv[1], "--ids") == 0;
    if (argc < 3 || (argv[1][0] == '-' && !is_ids)) {
        fprintf(stderr, "usage: bench_tokenizer TEXT_FILE TOKENIZER...\n"
                        "       bench_tokenizer --ids JSON_LINES TOKENIZER\n");
        return 2;
    }
    grt_error err = {.text = ""};
    char *text;
    size_t n;
    const char *path = argv[1 + is_ids];
    grt_status status = grt_file_load(&text, &n, path, MAX_TEXT_BYTES, &err);
    if (status == GRT_OK && is_ids) {
        status = print_ids(argv[3], text, n, &err);
    } else if (status == GRT_OK) {
        printf("%8s %11s %13s\n", "pieces", "load", "encode");
        for (int i = 2; i < argc && status == GRT_OK; i++)
            status = measure(argv[i], text, n, &err);
    }
    if (status != GRT_OK) {
        fprintf(stderr, "bench_tokenizer: %s\n", err.text);
        return 1;
    }
    grt_free(text);
    return 0;
}
