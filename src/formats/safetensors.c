/* safetensors.c - one safetensors file to the catalogue.
 *
 *     length u64 | header: length bytes of JSON, may end in spaces | payloads
 *     header: {"name": {"dtype": "F16", "shape": [2, 3], "data_offsets": [0, 12]}, ...}
 *
 * Offsets count from the end of the header; "__metadata__" holds texts that nobody
 * reads. The format asks for payloads without holes; holes do no harm and are accepted,
 * overlaps are refused by the catalogue. */
#include "formats/checkpoint.h"

#include "base/bytes.h"
#include "base/checked.h"
#include "base/memory.h"
#include "formats/guess.h"
#include "formats/json.h"
#include "formats/names.h"

#include <inttypes.h>
#include <string.h>

enum {
    MAX_HEADER_BYTES = 100000000, /* as the format says */
    PREFIX_BYTES = 8
};

static const struct storage {
    const char *name;
    grt_dtype dtype;
    uint32_t bits; /* of one value */
} storages[] = {
    {"F32", GRT_DTYPE_F32, 32},      {"F16", GRT_DTYPE_F16, 16},
    {"BF16", GRT_DTYPE_BF16, 16},    {"F64", GRT_DTYPE_OTHER, 64},
    {"I64", GRT_DTYPE_OTHER, 64},    {"U64", GRT_DTYPE_OTHER, 64},
    {"I32", GRT_DTYPE_OTHER, 32},    {"U32", GRT_DTYPE_OTHER, 32},
    {"I16", GRT_DTYPE_OTHER, 16},    {"U16", GRT_DTYPE_OTHER, 16},
    {"I8", GRT_DTYPE_OTHER, 8},      {"U8", GRT_DTYPE_OTHER, 8},
    {"BOOL", GRT_DTYPE_OTHER, 8},    {"F8_E4M3", GRT_DTYPE_OTHER, 8},
    {"F8_E5M2", GRT_DTYPE_OTHER, 8}, {"F8_E8M0", GRT_DTYPE_OTHER, 8},
    {"C64", GRT_DTYPE_OTHER, 64},    {"F4", GRT_DTYPE_OTHER, 4},
};

static const struct storage *storage_get(const char *name)
{
    for (size_t i = 0; name && i < sizeof(storages) / sizeof(storages[0]); i++)
        if (strcmp(storages[i].name, name) == 0) return &storages[i];
    return NULL;
}

typedef struct reader {
    grt_catalogue *catalogue;
    const char *path;   /* for messages */
    uint64_t data;      /* offset of the first payload */
    const char *tensor; /* being read */
    grt_error *err;
} reader;

static grt_status refuse(const reader *r, uint64_t at, const char *what)
{
    GRT_FAIL_AT(r->err, GRT_E_FORMAT, at, "%s: tensor \"%.80s\": %s", r->path,
                r->tensor, what);
}

static grt_status read_shape(const reader *r, const json_t *shape, grt_tensor *tensor,
                             uint64_t *n_values)
{
    if (!json_is_array(shape)) return refuse(r, PREFIX_BYTES, "has no \"shape\" array");
    if (json_array_size(shape) > GRT_MAX_DIMS)
        GRT_FAIL_AT(r->err, GRT_E_UNSUPPORTED, PREFIX_BYTES,
                    "%s: tensor \"%.80s\" has %zu dimensions, at most %d are known",
                    r->path, r->tensor, json_array_size(shape), GRT_MAX_DIMS);
    tensor->n_dims = (uint32_t)json_array_size(shape);
    *n_values = 1;
    for (uint32_t i = 0; i < tensor->n_dims; i++) {
        const json_t *extent = json_array_get(shape, i);
        if (!json_is_integer(extent) || json_integer_value(extent) < 0)
            return refuse(r, PREFIX_BYTES, "\"shape\" holds something else than sizes");
        tensor->shape[i] = (uint64_t)json_integer_value(extent);
        if (!grt_mul_u64(n_values, *n_values, tensor->shape[i]))
            return refuse(r, PREFIX_BYTES, "the product of its shape overflows");
    }
    return GRT_OK;
}

static grt_status read_offsets(const reader *r, const json_t *offsets,
                               grt_tensor *tensor)
{
    const json_t *begin = json_array_get(offsets, 0);
    const json_t *end = json_array_get(offsets, 1);
    if (json_array_size(offsets) != 2 || !json_is_integer(begin) ||
        !json_is_integer(end))
        return refuse(r, PREFIX_BYTES, "\"data_offsets\" is not a pair of integers");
    int64_t from = json_integer_value(begin), to = json_integer_value(end);
    if (from < 0 || to < from)
        return refuse(r, PREFIX_BYTES, "\"data_offsets\" run backwards");
    tensor->n_bytes = (uint64_t)(to - from);
    if (!grt_add_u64(&tensor->offset, r->data, (uint64_t)from) ||
        tensor->offset > INT64_MAX)
        return refuse(r, PREFIX_BYTES, "\"data_offsets\" overflow");
    return GRT_OK;
}

static grt_status read_tensor(const reader *r, const json_t *entry)
{
    if (!json_is_object(entry))
        return refuse(r, PREFIX_BYTES, "its entry is not a JSON object");
    const char *name = json_string_value(json_object_get(entry, "dtype"));
    if (!name) return refuse(r, PREFIX_BYTES, "has no \"dtype\" text");
    const struct storage *storage = storage_get(name);
    if (!storage)
        GRT_FAIL_AT(r->err, GRT_E_UNSUPPORTED, PREFIX_BYTES,
                    "%s: tensor \"%.80s\" has the unknown storage type \"%.20s\"",
                    r->path, r->tensor, name);
    grt_tensor tensor = {.dtype = storage->dtype, .dtype_name = storage->name};
    tensor.file = (uint32_t)(r->catalogue->n_files - 1);
    uint64_t n_values = 0, n_bits = 0;
    GRT_TRY(read_shape(r, json_object_get(entry, "shape"), &tensor, &n_values));
    GRT_TRY(read_offsets(r, json_object_get(entry, "data_offsets"), &tensor));
    if (!grt_mul_u64(&n_bits, n_values, storage->bits) || n_bits % 8 != 0)
        return refuse(r, tensor.offset, "its size is not a number of bytes");
    if (n_bits / 8 != tensor.n_bytes)
        GRT_FAIL_AT(r->err, GRT_E_FORMAT, tensor.offset,
                    "%s: tensor \"%.80s\" has %" PRIu64
                    " bytes of data, its shape and type "
                    "%s need %" PRIu64,
                    r->path, r->tensor, tensor.n_bytes, storage->name, n_bits / 8);
    return grt_catalogue_add_tensor(r->catalogue, &tensor, r->tensor, strlen(r->tensor),
                                    r->err);
}

static grt_status read_tensors(reader *r, json_t *header)
{
    const char *name;
    json_t *entry;
    json_object_foreach(header, name, entry)
    {
        if (strcmp(name, "__metadata__") == 0) continue;
        const char *fault =
            grt_name_fault(name, strlen(name), GRT_MAX_TENSOR_NAME_BYTES);
        if (fault)
            GRT_FAIL_AT(r->err, GRT_E_FORMAT, PREFIX_BYTES,
                        "%s: a tensor name of %zu bytes %s", r->path, strlen(name),
                        fault);
        r->tensor = name;
        GRT_TRY(read_tensor(r, entry));
    }
    return GRT_OK;
}

/* A clone without Git LFS holds small texts in the place of large files. */
static grt_status check_pointer(const grt_file *file, const unsigned char prefix[8],
                                grt_error *err)
{
    if (memcmp(prefix, "version ", PREFIX_BYTES) != 0) return GRT_OK;
    GRT_FAIL_AT(err, GRT_E_FORMAT, 0,
                "%s: is a Git LFS pointer, not the file itself; run \"git lfs pull\"",
                grt_path_tail(grt_file_path(file)));
}

/* What begins with no length that can be is something else, perhaps known. */
static grt_status refuse_other(const grt_file *file, uint64_t length, grt_error *err)
{
    unsigned char start[GRT_GUESS_BYTES] = {0};
    const char *path = grt_path_tail(grt_file_path(file)), *found, *nothing;
    size_t n = grt_file_size(file) < GRT_GUESS_BYTES ? (size_t)grt_file_size(file)
                                                     : GRT_GUESS_BYTES;
    GRT_TRY(grt_file_read_at(file, 0, start, n, err));
    (void)grt_guess_format((const unsigned char *)"?", 1, &nothing);
    (void)grt_guess_format(start, n, &found);
    if (strcmp(found, nothing) != 0)
        GRT_FAIL_AT(err, GRT_E_FORMAT, 0, "%s: not a safetensors file: this is %s",
                    path, found);
    GRT_FAIL_AT(err, GRT_E_FORMAT, 0,
                "%s: not a safetensors file: its header would have %" PRIu64
                " bytes, at most %d are allowed",
                path, length, MAX_HEADER_BYTES);
}

static grt_status read_length(const grt_file *file, uint64_t *out, grt_error *err)
{
    const char *path = grt_path_tail(grt_file_path(file));
    unsigned char prefix[PREFIX_BYTES];
    GRT_TRY(grt_file_read_at(file, 0, prefix, sizeof(prefix), err));
    GRT_TRY(check_pointer(file, prefix, err));
    grt_bytes bytes = grt_bytes_over(prefix, sizeof(prefix));
    uint64_t n = grt_bytes_u64(&bytes);
    if (n > MAX_HEADER_BYTES) return refuse_other(file, n, err);
    if (n > grt_file_size(file) - PREFIX_BYTES)
        GRT_FAIL_AT(err, GRT_E_FORMAT, PREFIX_BYTES,
                    "%s: truncated: its header has %" PRIu64
                    " bytes, the file ends at byte %" PRIu64,
                    path, n, grt_file_size(file));
    *out = n;
    return GRT_OK;
}

grt_status grt_safetensors_read(grt_catalogue *catalogue, grt_file *file,
                                grt_error *err)
{
    GRT_TRY(grt_catalogue_add_file(catalogue, file, err));
    const char *path = grt_file_path(file);
    uint64_t n = 0;
    GRT_TRY(read_length(file, &n, err));
    char *text;
    GRT_TRY(grt_alloc(&text, (size_t)n, "a safetensors header", err));
    json_t *header = NULL;
    grt_status status = grt_file_read_at(file, PREFIX_BYTES, text, (size_t)n, err);
    if (status == GRT_OK)
        status = grt_json_object(&header, text, (size_t)n, path, PREFIX_BYTES, err);
    grt_free(text);
    if (status != GRT_OK) return status;
    reader r = {catalogue, grt_path_tail(path), PREFIX_BYTES + n, NULL, err};
    status = read_tensors(&r, header);
    if (status != GRT_OK && err) grt_text_one_line(err->text);
    json_decref(header);
    return status;
}
