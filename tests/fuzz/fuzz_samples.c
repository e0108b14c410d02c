/* fuzz_samples.c - a file of calibration samples, after a byte that says what is made
 * right before: 1 the file's header (put in front), 2 the checks of the records. */
#include "fuzz.h"

#include "base/hash.h"
#include "calibrate/samples.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
    HEADER = 64,
    RECORD = 32,
    LAYERS = 3,
    WIDTH = 2,
    FIX_HEADER = 1,
    FIX_CHECKS = 2
};

static const grt_samples_shape shape = {LAYERS,
                                        WIDTH,
                                        {{1, 2, 3, 4}, 0},
                                        GRT_ARITHMETIC_AUTO};
static const char header[HEADER] = "GRTSAMPL\2\0\0\0\3\0\0\0\2\0\0\0\0\0\0\0"
                                   "\0\0\x80\x3f\0\0\0\x40\0\0\x40\x40\0\0\x80\x40";

typedef struct fuzz_file {
    int fd;
    char path[64];
    unsigned char *bytes; /* [size] as written */
    size_t size;
} fuzz_file;

static void need(int is_true)
{
    if (!is_true) abort();
}

static uint64_t record_bytes(uint64_t n)
{
    return RECORD + n * sizeof(float) * ((LAYERS - 1) * (WIDTH + 1) + 1);
}

/* Without them nothing behind a check would ever be reached. */
static void fix_checks(fuzz_file *file)
{
    for (size_t at = HEADER; at < file->size && file->size - at >= RECORD;) {
        uint64_t key_n[2], check;
        memcpy(key_n, file->bytes + at + 8, sizeof(key_n));
        check = grt_hash_u64(grt_hash_u64(GRT_HASH_INIT, key_n[0]), key_n[1]);
        memcpy(file->bytes + at + 24, &check, sizeof(check));
        if (key_n[1] > file->size) return;
        at += (size_t)record_bytes(key_n[1]);
    }
}

static void file_make(fuzz_file *file, const uint8_t *data, size_t size)
{
    int mode = size ? data[0] : 0;
    size_t before = mode & FIX_HEADER ? HEADER : 0, n = size ? size - 1 : 0;
    file->size = before + n;
    file->bytes = malloc(file->size + 1);
    need(file->bytes != NULL);
    memcpy(file->bytes, header, before);
    if (n) memcpy(file->bytes + before, data + 1, n);
    if (mode & FIX_CHECKS) fix_checks(file);
    file->fd = memfd_create("samples", 0);
    need(file->fd >= 0);
    need(pwrite(file->fd, file->bytes, file->size, 0) == (ssize_t)file->size);
    (void)snprintf(file->path, sizeof(file->path), "/proc/self/fd/%d", file->fd);
}

/* The file begins with the n first bytes that it was made of, and ends there. */
static void expect_bytes(const fuzz_file *file, size_t n)
{
    unsigned char *found = malloc(n + 1);
    need(found != NULL && n <= file->size);
    need(pread(file->fd, found, n + 1, 0) == (ssize_t)n);
    need(memcmp(found, file->bytes, n) == 0);
    free(found);
}

static void read_record(const grt_samples *samples, const grt_samples_record *record)
{
    size_t n = record->n;
    float *values = malloc(n * WIDTH * sizeof(float));
    need(values != NULL);
    for (size_t layer = 1; layer <= LAYERS; layer++) {
        grt_error err;
        grt_status status = grt_samples_scores(samples, record, layer, values, &err);
        need(status == GRT_OK || (status == GRT_E_FORMAT && err.offset >= HEADER));
        if (layer == LAYERS) break;
        status = grt_samples_pooled(samples, record, layer, values, &err);
        need(status == GRT_OK || (status == GRT_E_FORMAT && err.offset >= HEADER));
    }
    free(values);
}

static uint64_t check_records(const grt_samples *samples, const grt_samples_list *list)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < list->n; i++) {
        const grt_samples_record *record = &list->records[i];
        need(record->offset >= HEADER && record->offset < samples->end);
        need(record->n >= 2);
        need(grt_samples_find(samples, record->key, record->arithmetic) != NULL);
        sum += record_bytes(record->n);
        read_record(samples, record);
    }
    return sum;
}

static void check_opened(grt_samples *samples)
{
    uint64_t sum = check_records(samples, &samples->own);
    sum += check_records(samples, &samples->compared);
    need(samples->end == HEADER + sum);
}

/* A record more goes behind those that survived. */
static void append(const fuzz_file *file, grt_samples *samples)
{
    static const float zeros[2 * WIDTH];
    grt_error err;
    need(grt_samples_begin(samples, 77, 2, GRT_ARITHMETIC_AUTO, &err) == GRT_OK);
    for (size_t layer = 1; layer <= LAYERS; layer++)
        need(grt_samples_put(samples, layer, 0, 2, zeros, layer < LAYERS ? zeros : NULL,
                             &err) == GRT_OK);
    need(grt_samples_finish(samples, &err) == GRT_OK);
    size_t n_records = samples->own.n;
    grt_samples_close(samples);
    need(grt_samples_open(samples, file->path, &shape, &err) == GRT_OK);
    need(samples->own.n == n_records);
    check_opened(samples);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_file file;
    grt_error err;
    grt_samples samples;
    file_make(&file, data, size);
    grt_status status = grt_samples_open(&samples, file.path, &shape, &err);
    if (status == GRT_OK) {
        check_opened(&samples);
        if (file.size > 0) expect_bytes(&file, (size_t)samples.end);
        append(&file, &samples);
    } else {
        need(status == GRT_E_FORMAT || status == GRT_E_UNSUPPORTED);
        need(err.status == status && !strchr(err.text, '\n'));
        expect_bytes(&file, file.size);
    }
    grt_samples_close(&samples);
    (void)close(file.fd);
    free(file.bytes);
    return 0;
}
