/* samples.c - see samples.h. */
#include "calibrate/samples.h"

#include "base/checked.h"
#include "base/hash.h"
#include "base/memory.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
               "the file is written as it lies in memory");

enum { VERSION = 2 };

static const char magic[8] = "GRTSAMPL";
static const uint64_t own_mark = 0x64726f6365727467;      /* "gtrecord" */
static const uint64_t compared_mark = 0x30726f6365727467; /* "gtrecor0" */

typedef struct file_header {
    char magic[8];
    uint32_t version;
    uint32_t n_layers;
    uint32_t pooled_size;
    uint32_t arithmetic;
    float fingerprint[GRT_FINGERPRINT_WORDS];
    uint64_t weights;
    unsigned char rest[16];
} file_header;

typedef struct record_header {
    uint64_t mark;
    uint64_t key;
    uint64_t n;
    uint64_t check;
} record_header;

_Static_assert(sizeof(file_header) == 64 && sizeof(record_header) == 32, "as stated");

static uint64_t mark_of(grt_arithmetic arithmetic)
{
    return arithmetic ? compared_mark + ((uint64_t)arithmetic << 56) : own_mark;
}

/* false: no record has that mark. */
static bool arithmetic_of(uint64_t mark, grt_arithmetic *out)
{
    *out = mark == own_mark ? GRT_ARITHMETIC_AUTO
                            : (grt_arithmetic)((mark - compared_mark) >> 56 & 3);
    return mark == mark_of(*out);
}

/* ---- Places ---- */

/* Bytes of one boundary of n candidates. */
static bool boundary_bytes(const grt_samples_shape *shape, uint64_t n, uint64_t *out)
{
    return grt_mul_u64(out, n, shape->pooled_size + 1) &&
           grt_mul_u64(out, *out, sizeof(float));
}

static bool record_bytes(const grt_samples_shape *shape, uint64_t n, uint64_t *out)
{
    uint64_t boundary;
    return n <= SIZE_MAX / sizeof(float) && boundary_bytes(shape, n, &boundary) &&
           grt_mul_u64(out, boundary, shape->n_layers - 1) &&
           grt_add_u64(out, *out, n * sizeof(float) + sizeof(record_header));
}

/* Of the scores of candidate 0 after `layer` layers; its pooled states come after all
 * scores.  The record's size was checked, so nothing overflows. */
static uint64_t scores_offset(const grt_samples *samples,
                              const grt_samples_record *record, size_t layer)
{
    uint64_t boundary = 0;
    (void)boundary_bytes(&samples->shape, record->n, &boundary);
    return record->offset + sizeof(record_header) + (layer - 1) * boundary;
}

static uint64_t pooled_offset(const grt_samples *samples,
                              const grt_samples_record *record, size_t layer)
{
    return scores_offset(samples, record, layer) + record->n * sizeof(float);
}

/* ---- Opening ---- */

static file_header header_of(const grt_samples_shape *shape)
{
    file_header header = {.version = VERSION,
                          .n_layers = (uint32_t)shape->n_layers,
                          .pooled_size = (uint32_t)shape->pooled_size,
                          .arithmetic = (uint32_t)shape->arithmetic,
                          .weights = shape->fingerprint.weights};
    memcpy(header.magic, magic, sizeof(magic));
    memcpy(header.fingerprint, shape->fingerprint.words, sizeof(header.fingerprint));
    return header;
}

/* Takes the arithmetic from the file. */
static grt_status check_header(grt_samples *samples, const char *path, grt_error *err)
{
    file_header found, wanted = header_of(&samples->shape);
    if (grt_file_size(samples->file) < sizeof(found))
        GRT_FAIL(err, GRT_E_FORMAT, "%s: is not a file of calibration samples",
                 grt_path_tail(path));
    GRT_TRY(grt_file_read_at(samples->file, 0, &found, sizeof(found), err));
    if (memcmp(found.magic, magic, sizeof(magic)) != 0)
        GRT_FAIL_AT(err, GRT_E_FORMAT, 0, "%s: is not a file of calibration samples",
                    grt_path_tail(path));
    if (found.version != VERSION)
        GRT_FAIL(err, GRT_E_UNSUPPORTED,
                 "%s: samples of version %" PRIu32 "; this one reads version %d",
                 grt_path_tail(path), found.version, (int)VERSION);
    wanted.arithmetic = found.arithmetic;
    if (memcmp(&found, &wanted, sizeof(found)) != 0 ||
        found.arithmetic > GRT_ARITHMETIC_INT8)
        GRT_FAIL(err, GRT_E_FORMAT,
                 "%s: the samples are of another model or other weights; name another "
                 "file or remove this one",
                 grt_path_tail(path));
    samples->shape.arithmetic = (grt_arithmetic)found.arithmetic;
    return GRT_OK;
}

static grt_status remember(grt_samples *samples, const grt_samples_record *record,
                           grt_error *err)
{
    grt_samples_list *list = record->arithmetic ? &samples->compared : &samples->own;
    if (list->n == list->capacity) {
        size_t capacity = list->capacity ? 2 * list->capacity : 64;
        GRT_TRY(grt_realloc_array(&list->records, capacity, sizeof(*record),
                                  "the list of samples", err));
        list->capacity = capacity;
    }
    list->records[list->n++] = *record;
    return GRT_OK;
}

/* A damaged n would hide all records after it as if they had been cut off. */
static uint64_t check_of(uint64_t key, uint64_t n)
{
    return grt_hash_u64(grt_hash_u64(GRT_HASH_INIT, key), n);
}

/* Walks from record to record up to the end of the last whole one. */
static grt_status find_records(grt_samples *samples, const char *path, grt_error *err)
{
    uint64_t size = grt_file_size(samples->file);
    record_header header;
    while (size - samples->end >= sizeof(header)) {
        uint64_t n_bytes;
        grt_arithmetic arithmetic;
        GRT_TRY(grt_file_read_at(samples->file, samples->end, &header, sizeof(header),
                                 err));
        if (header.mark == 0) return GRT_OK;
        if (!arithmetic_of(header.mark, &arithmetic) || header.n < 2 ||
            header.check != check_of(header.key, header.n) ||
            !record_bytes(&samples->shape, header.n, &n_bytes))
            GRT_FAIL_AT(err, GRT_E_FORMAT, samples->end,
                        "%s: damaged at byte %" PRIu64 ": no record begins there",
                        grt_path_tail(path), samples->end);
        if (n_bytes > size - samples->end) return GRT_OK;
        grt_samples_record record = {samples->end, header.key, (size_t)header.n,
                                     arithmetic};
        GRT_TRY(remember(samples, &record, err));
        samples->end += n_bytes;
    }
    return GRT_OK;
}

/* A file that holds a part of a header would be taken for somebody else's. */
static grt_status write_header(grt_samples *samples, grt_error *err)
{
    file_header header = header_of(&samples->shape);
    grt_status status =
        grt_output_write(samples->output, 0, &header, sizeof(header), err);
    if (status != GRT_OK) (void)!grt_output_cut(samples->output, 0, NULL);
    return status;
}

grt_status grt_samples_open(grt_samples *samples, const char *path,
                            const grt_samples_shape *shape, grt_error *err)
{
    *samples = (grt_samples){.shape = *shape, .end = sizeof(file_header)};
    GRT_TRY(grt_output_open(&samples->output, path, err));
    GRT_TRY(grt_file_open(&samples->file, path, err));
    if (grt_file_size(samples->file) == 0) return write_header(samples, err);
    GRT_TRY(check_header(samples, path, err));
    GRT_TRY(find_records(samples, path, err));
    GRT_TRY(grt_output_cut(samples->output, samples->end, err));
    bool says_more =
        shape->arithmetic && samples->shape.arithmetic != shape->arithmetic;
    if (samples->own.n > 0 || !says_more) return GRT_OK;
    samples->shape.arithmetic = shape->arithmetic;
    return write_header(samples, err);
}

void grt_samples_close(grt_samples *samples)
{
    grt_file_close(samples->file);
    grt_output_close(samples->output);
    grt_free(samples->own.records);
    grt_free(samples->compared.records);
    *samples = (grt_samples){0};
}

const grt_samples_record *grt_samples_find(const grt_samples *samples, uint64_t key,
                                           grt_arithmetic arithmetic)
{
    const grt_samples_list *list = arithmetic ? &samples->compared : &samples->own;
    for (size_t i = 0; i < list->n; i++)
        if (list->records[i].key == key && list->records[i].arithmetic == arithmetic)
            return &list->records[i];
    return NULL;
}

/* ---- Writing ---- */

grt_status grt_samples_begin(grt_samples *samples, uint64_t key, size_t n,
                             grt_arithmetic arithmetic, grt_error *err)
{
    uint64_t n_bytes, end;
    if (!record_bytes(&samples->shape, n, &n_bytes) ||
        !grt_add_u64(&end, samples->end, n_bytes) || end > INT64_MAX)
        GRT_FAIL(err, GRT_E_TOO_LONG, "%zu documents are too many", n);
    samples->writing = (grt_samples_record){samples->end, key, n, arithmetic};
    record_header header = {0, key, n, check_of(key, n)};
    return grt_output_write(samples->output, samples->end, &header, sizeof(header),
                            err);
}

grt_status grt_samples_put(grt_samples *samples, size_t layer, size_t first, size_t n,
                           const float *scores, const float *pooled, grt_error *err)
{
    const grt_samples_record *record = &samples->writing;
    size_t width = samples->shape.pooled_size * sizeof(float);
    GRT_TRY(grt_output_write(samples->output,
                             scores_offset(samples, record, layer) +
                                 first * sizeof(*scores),
                             scores, n * sizeof(*scores), err));
    if (!pooled) return GRT_OK;
    return grt_output_write(samples->output,
                            pooled_offset(samples, record, layer) + first * width,
                            pooled, n * width, err);
}

grt_status grt_samples_finish(grt_samples *samples, grt_error *err)
{
    const grt_samples_record record = samples->writing;
    uint64_t n_bytes = 0, mark = mark_of(record.arithmetic);
    (void)record_bytes(&samples->shape, record.n, &n_bytes);
    GRT_TRY(grt_output_sync(samples->output, err));
    GRT_TRY(grt_output_write(samples->output, record.offset, &mark, sizeof(mark), err));
    GRT_TRY(remember(samples, &record, err));
    samples->end += n_bytes;
    return GRT_OK;
}

void grt_samples_abandon(grt_samples *samples)
{
    /* What cannot be cut off now has no mark and is dropped at the next opening. */
    grt_error ignored;
    (void)!grt_output_cut(samples->output, samples->end, &ignored);
}

/* ---- Reading ---- */

static grt_status read_finite(const grt_samples *samples, uint64_t offset,
                              float *values, size_t n, grt_error *err)
{
    GRT_TRY(grt_file_read_at(samples->file, offset, values, n * sizeof(*values), err));
    for (size_t i = 0; i < n; i++)
        if (!isfinite(values[i]))
            GRT_FAIL_AT(err, GRT_E_FORMAT, offset + i * sizeof(*values),
                        "%s: damaged: a value that is not finite at byte %" PRIu64,
                        grt_path_tail(grt_file_path(samples->file)),
                        offset + i * sizeof(*values));
    return GRT_OK;
}

grt_status grt_samples_scores(const grt_samples *samples,
                              const grt_samples_record *record, size_t layer,
                              float *scores, grt_error *err)
{
    return read_finite(samples, scores_offset(samples, record, layer), scores,
                       record->n, err);
}

grt_status grt_samples_pooled(const grt_samples *samples,
                              const grt_samples_record *record, size_t layer,
                              float *pooled, grt_error *err)
{
    return read_finite(samples, pooled_offset(samples, record, layer), pooled,
                       record->n * samples->shape.pooled_size, err);
}
