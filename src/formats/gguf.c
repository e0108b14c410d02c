/* gguf.c - GGUF, versions 2 and 3, little-endian: header to catalogue and metadata.
 *
 *     "GGUF"  version u32  n_tensors u64  n_keys u64
 *     n_keys x     { key text, type u32, value }
 *     n_tensors x  { name text, n_dims u32, dims u64[n_dims], type u32, offset u64 }
 *     zeros up to a multiple of general.alignment (32 when absent), then the payloads
 *
 * A text is its length (u64) and its bytes; an array its element type (u32), its length
 * (u64) and its elements.  Dims come innermost first and are reversed here; offsets
 * count from the first payload.
 *
 * The header's length is written nowhere, so it is read through a window of the file
 * that moves on as it is used up.  Nothing is taken, and nothing allocated, before
 * `fill` has compared its size with what is left of the file. */
#include "formats/checkpoint.h"

#include "base/bytes.h"
#include "base/checked.h"
#include "base/memory.h"
#include "formats/gguf_types.h"
#include "formats/names.h"

#include <inttypes.h>
#include <string.h>

enum {
    MAX_HEADER_BYTES = 256 << 20,
    MAX_ARRAY = 1 << 24,       /* elements of one array */
    MAX_TEXT_BYTES = 16 << 20, /* of one text */
    WINDOW_BYTES = 256 << 10,
    SLAB_BYTES = 16 << 10, /* texts of arrays are packed into slabs of the arena */
    MIN_PAIR_BYTES = 13,   /* an empty key, a type, one byte */
    MIN_INFO_BYTES = 24,   /* an empty name, no dims, type, offset */
    MAX_ALIGNMENT = 1 << 20,
    DEFAULT_ALIGNMENT = 32
};

typedef enum value_type {
    TYPE_U8,
    TYPE_I8,
    TYPE_U16,
    TYPE_I16,
    TYPE_U32,
    TYPE_I32,
    TYPE_F32,
    TYPE_BOOL,
    TYPE_TEXT,
    TYPE_ARRAY,
    TYPE_U64,
    TYPE_I64,
    TYPE_F64,
    TYPE_COUNT
} value_type;

static const struct {
    unsigned char min_bytes; /* of one value; exact but for texts and arrays */
    grt_meta_type meta;
} value_types[TYPE_COUNT] = {
    [TYPE_U8] = {1, GRT_META_INT},    [TYPE_I8] = {1, GRT_META_INT},
    [TYPE_U16] = {2, GRT_META_INT},   [TYPE_I16] = {2, GRT_META_INT},
    [TYPE_U32] = {4, GRT_META_INT},   [TYPE_I32] = {4, GRT_META_INT},
    [TYPE_F32] = {4, GRT_META_FLOAT}, [TYPE_BOOL] = {1, GRT_META_BOOL},
    [TYPE_TEXT] = {8, GRT_META_TEXT}, [TYPE_ARRAY] = {12, GRT_META_INT},
    [TYPE_U64] = {8, GRT_META_INT},   [TYPE_I64] = {8, GRT_META_INT},
    [TYPE_F64] = {8, GRT_META_FLOAT},
};

typedef struct reader {
    /* set at start */
    const grt_file *file;
    const char *path; /* for messages */
    grt_metadata *metadata;
    uint64_t end; /* the header may not go past this byte */
    /* the window */
    unsigned char *window; /* [capacity] */
    size_t capacity;
    uint64_t base; /* where the window begins in the file */
    grt_bytes bytes;
    /* the slab being filled */
    char *slab;
    size_t slab_left;
    /* what is being read, for messages */
    char key[GRT_MAX_KEY_BYTES + 1];
    grt_error *err;
} reader;

static uint64_t position(const reader *r)
{
    return r->base + r->bytes.offset;
}

static grt_status too_short(const reader *r, uint64_t n, const char *what)
{
    uint64_t size = grt_file_size(r->file);
    if (n > size - position(r))
        GRT_FAIL_AT(r->err, GRT_E_FORMAT, position(r),
                    "%s: truncated: %s needs %" PRIu64 " bytes at byte %" PRIu64
                    ", the file ends at byte %" PRIu64,
                    r->path, what, n, position(r), size);
    GRT_FAIL_AT(r->err, GRT_E_TOO_LONG, position(r), "%s: the header passes %d bytes",
                r->path, MAX_HEADER_BYTES);
}

/* Makes the next n bytes readable from r->bytes. */
static grt_status fill(reader *r, uint64_t n, const char *what)
{
    size_t left = grt_bytes_left(&r->bytes);
    if (n <= left) return GRT_OK;
    uint64_t in_header = r->end - position(r);
    if (n > in_header) return too_short(r, n, what);
    size_t want = n > WINDOW_BYTES ? (size_t)n : WINDOW_BYTES;
    if (want > in_header) want = (size_t)in_header;
    memmove(r->window, r->window + r->bytes.offset, left);
    r->base += r->bytes.offset;
    r->bytes = grt_bytes_over(r->window, left);
    if (want > r->capacity) {
        GRT_TRY(grt_realloc_array(&r->window, want, 1, "the GGUF header", r->err));
        r->capacity = want;
        r->bytes = grt_bytes_over(r->window, left);
    }
    GRT_TRY(grt_file_read_at(r->file, r->base + left, r->window + left, want - left,
                             r->err));
    r->bytes = grt_bytes_over(r->window, want);
    return GRT_OK;
}

/* A text's length and bytes; the bytes stay valid until the next fill. */
static grt_status take_text(reader *r, uint64_t max_bytes, const char *what,
                            grt_text *out)
{
    GRT_TRY(fill(r, 8, what));
    uint64_t at = position(r);
    uint64_t n = grt_bytes_u64(&r->bytes);
    if (n > r->end - position(r)) return too_short(r, n, what);
    if (n > max_bytes)
        GRT_FAIL_AT(r->err, GRT_E_FORMAT, at,
                    "%s: %s at byte %" PRIu64 " has %" PRIu64 " bytes, at most %" PRIu64
                    " are allowed",
                    r->path, what, at, n, max_bytes);
    GRT_TRY(fill(r, n, what));
    *out = (grt_text){(const char *)grt_bytes_take(&r->bytes, n), (size_t)n};
    return GRT_OK;
}

/* Copies a text into the metadata's arena. */
static grt_status keep_text(reader *r, grt_text *text)
{
    if (text->size == 0) {
        text->data = "";
        return GRT_OK;
    }
    if (text->size > r->slab_left) {
        grt_arena *arena = &r->metadata->arena;
        if (text->size > SLAB_BYTES / 4)
            return grt_arena_copy_text(arena, &text->data, text->data, text->size,
                                       r->err);
        GRT_TRY(grt_arena_alloc(arena, &r->slab, SLAB_BYTES, 1, r->err));
        r->slab_left = SLAB_BYTES;
    }
    memcpy(r->slab, text->data, text->size);
    text->data = r->slab;
    r->slab += text->size;
    r->slab_left -= text->size;
    return GRT_OK;
}

static grt_status read_texts(reader *r, size_t n, grt_meta_value *value)
{
    grt_text *texts;
    GRT_TRY(grt_arena_alloc(&r->metadata->arena, &texts, n, sizeof(*texts), r->err));
    for (size_t i = 0; i < n; i++) {
        GRT_TRY(take_text(r, MAX_TEXT_BYTES, "a text", &texts[i]));
        GRT_TRY(keep_text(r, &texts[i]));
    }
    value->texts = texts;
    return GRT_OK;
}

static grt_status read_floats(reader *r, value_type type, size_t n,
                              grt_meta_value *value)
{
    double *floats;
    GRT_TRY(grt_arena_alloc(&r->metadata->arena, &floats, n, sizeof(*floats), r->err));
    for (size_t i = 0; i < n; i++) {
        GRT_TRY(fill(r, value_types[type].min_bytes, "a number"));
        floats[i] = type == TYPE_F32 ? (double)grt_bytes_f32(&r->bytes)
                                     : grt_bytes_f64(&r->bytes);
    }
    value->floats = floats;
    return GRT_OK;
}

/* The low `size` bytes of `bits` as a two's complement number. */
static int64_t sign_extend(uint64_t bits, unsigned size)
{
    uint64_t sign = UINT64_C(1) << (8 * size - 1);
    uint64_t extended = (bits ^ sign) - sign;
    int64_t value;
    memcpy(&value, &extended, sizeof(value));
    return value;
}

static grt_status read_ints(reader *r, value_type type, size_t n, grt_meta_value *value)
{
    unsigned size = value_types[type].min_bytes;
    bool is_signed =
        type == TYPE_I8 || type == TYPE_I16 || type == TYPE_I32 || type == TYPE_I64;
    int64_t *ints;
    GRT_TRY(grt_arena_alloc(&r->metadata->arena, &ints, n, sizeof(*ints), r->err));
    for (size_t i = 0; i < n; i++) {
        GRT_TRY(fill(r, size, "a number"));
        uint64_t bits = grt_bytes_le(&r->bytes, size);
        if (!is_signed && bits > (type == TYPE_BOOL ? 1 : (uint64_t)INT64_MAX))
            GRT_FAIL_AT(r->err, GRT_E_FORMAT, position(r) - size,
                        "%s: key \"%.80s\": %" PRIu64 " is not a %s", r->path, r->key,
                        bits, type == TYPE_BOOL ? "boolean (0 or 1)" : "63-bit number");
        ints[i] = is_signed ? sign_extend(bits, size) : (int64_t)bits;
    }
    value->ints = ints;
    return GRT_OK;
}

static grt_status read_values(reader *r, value_type type, size_t n,
                              grt_meta_value *value)
{
    value->type = value_types[type].meta;
    value->n = n;
    if (value->type == GRT_META_TEXT) return read_texts(r, n, value);
    if (value->type == GRT_META_FLOAT) return read_floats(r, type, n, value);
    return read_ints(r, type, n, value);
}

static grt_status read_type(reader *r, value_type *out)
{
    uint64_t at = position(r);
    uint32_t number = grt_bytes_u32(&r->bytes);
    if (number >= TYPE_COUNT)
        GRT_FAIL_AT(r->err, GRT_E_FORMAT, at,
                    "%s: key \"%.80s\" has the unknown value type %" PRIu32
                    " at byte %" PRIu64,
                    r->path, r->key, number, at);
    *out = (value_type)number;
    return GRT_OK;
}

static grt_status read_array(reader *r, grt_meta_value *value)
{
    GRT_TRY(fill(r, 12, "an array"));
    uint64_t at = position(r);
    value_type type;
    GRT_TRY(read_type(r, &type));
    if (type == TYPE_ARRAY)
        GRT_FAIL_AT(r->err, GRT_E_UNSUPPORTED, at,
                    "%s: key \"%.80s\" is an array of arrays at byte %" PRIu64, r->path,
                    r->key, at);
    uint64_t n = grt_bytes_u64(&r->bytes);
    uint64_t left = r->end - position(r);
    if (n > MAX_ARRAY || n > left / value_types[type].min_bytes)
        GRT_FAIL_AT(r->err, GRT_E_FORMAT, at + 4,
                    "%s: key \"%.80s\": an array of %" PRIu64
                    " elements at byte %" PRIu64 " %s",
                    r->path, r->key, n, at,
                    n > MAX_ARRAY ? "is too long" : "does not fit in the file");
    value->is_array = true;
    return read_values(r, type, (size_t)n, value);
}

static grt_status read_pair(reader *r)
{
    uint64_t at = position(r);
    grt_text key;
    GRT_TRY(take_text(r, GRT_MAX_KEY_BYTES, "a metadata key", &key));
    const char *fault = grt_name_fault(key.data, key.size, GRT_MAX_KEY_BYTES);
    if (fault)
        GRT_FAIL_AT(r->err, GRT_E_FORMAT, at,
                    "%s: the metadata key at byte %" PRIu64 " %s", r->path, at, fault);
    memcpy(r->key, key.data, key.size);
    r->key[key.size] = '\0';
    GRT_TRY(fill(r, 4, "a value type"));
    value_type type;
    GRT_TRY(read_type(r, &type));
    grt_meta_value value = {0};
    GRT_TRY(type == TYPE_ARRAY ? read_array(r, &value)
                               : read_values(r, type, 1, &value));
    return grt_metadata_add(r->metadata, r->key, strlen(r->key), &value, r->err);
}

static grt_status read_alignment(const reader *r, uint64_t *out)
{
    *out = DEFAULT_ALIGNMENT;
    if (!grt_metadata_get(r->metadata, "general.alignment")) return GRT_OK;
    GRT_TRY(grt_metadata_need_u64(r->metadata, "general.alignment", 1, MAX_ALIGNMENT,
                                  out, r->err));
    if ((*out & (*out - 1)) != 0)
        GRT_FAIL(r->err, GRT_E_FORMAT,
                 "%s: \"general.alignment\" is %" PRIu64 ", not a power of two",
                 r->path, *out);
    return GRT_OK;
}

/* One tensor as its header entry says it; `tensor.offset` counts from the first
 * payload. */
typedef struct tensor_info {
    grt_tensor tensor;
    size_t n_name;
    uint64_t at; /* of the entry */
} tensor_info;

static grt_status read_dims(reader *r, const char *name, grt_tensor *tensor)
{
    GRT_TRY(fill(r, 4, "a tensor's shape"));
    uint64_t at = position(r);
    uint32_t n_dims = grt_bytes_u32(&r->bytes);
    if (n_dims > GRT_MAX_DIMS)
        GRT_FAIL_AT(r->err, GRT_E_UNSUPPORTED, at,
                    "%s: tensor \"%.80s\" has %" PRIu32
                    " dimensions, at most %d are known",
                    r->path, name, n_dims, GRT_MAX_DIMS);
    GRT_TRY(fill(r, 8 * (uint64_t)n_dims, "a tensor's shape"));
    tensor->n_dims = n_dims;
    for (uint32_t i = 0; i < n_dims; i++)
        tensor->shape[n_dims - 1 - i] = grt_bytes_u64(&r->bytes);
    return GRT_OK;
}

/* Bytes of the tensor; rows (its innermost dimension) must be whole blocks. */
static bool payload_bytes(grt_tensor *tensor, const grt_gguf_type *type)
{
    uint64_t row = tensor->n_dims ? tensor->shape[tensor->n_dims - 1] : 1;
    if (row % type->block_values != 0) return false;
    uint64_t n = row / type->block_values;
    for (uint32_t i = 0; i + 1 < tensor->n_dims; i++)
        if (!grt_mul_u64(&n, n, tensor->shape[i])) return false;
    return grt_mul_u64(&tensor->n_bytes, n, type->block_bytes);
}

static grt_status read_storage(reader *r, const char *name, grt_tensor *tensor)
{
    GRT_TRY(fill(r, 12, "a tensor's type and offset"));
    uint64_t at = position(r);
    uint32_t number = grt_bytes_u32(&r->bytes);
    const grt_gguf_type *type = grt_gguf_type_get(number);
    if (!type)
        GRT_FAIL_AT(r->err, GRT_E_UNSUPPORTED, at,
                    "%s: tensor \"%.80s\" has the unknown storage type %" PRIu32
                    " at byte %" PRIu64,
                    r->path, name, number, at);
    tensor->dtype = type->dtype;
    tensor->dtype_name = type->name;
    tensor->offset = grt_bytes_u64(&r->bytes);
    if (!payload_bytes(tensor, type))
        GRT_FAIL_AT(r->err, GRT_E_FORMAT, at,
                    "%s: tensor \"%.80s\": its shape overflows or its rows of %" PRIu64
                    " values are not whole %s blocks",
                    r->path, name,
                    tensor->n_dims ? tensor->shape[tensor->n_dims - 1] : 1, type->name);
    return GRT_OK;
}

static grt_status read_info(reader *r, grt_arena *names, tensor_info *info)
{
    info->at = position(r);
    grt_text name;
    GRT_TRY(take_text(r, GRT_MAX_TENSOR_NAME_BYTES, "a tensor name", &name));
    const char *fault = grt_name_fault(name.data, name.size, GRT_MAX_TENSOR_NAME_BYTES);
    if (fault)
        GRT_FAIL_AT(r->err, GRT_E_FORMAT, info->at,
                    "%s: the tensor name at byte %" PRIu64 " %s", r->path, info->at,
                    fault);
    GRT_TRY(
        grt_arena_copy_text(names, &info->tensor.name, name.data, name.size, r->err));
    info->n_name = name.size;
    GRT_TRY(read_dims(r, info->tensor.name, &info->tensor));
    return read_storage(r, info->tensor.name, &info->tensor);
}

static grt_status add_tensor(const reader *r, grt_catalogue *catalogue,
                             const tensor_info *info, uint64_t alignment, uint64_t data)
{
    grt_tensor tensor = info->tensor;
    if (tensor.offset % alignment != 0)
        GRT_FAIL_AT(r->err, GRT_E_FORMAT, info->at,
                    "%s: tensor \"%.80s\": its offset %" PRIu64
                    " is not a multiple of the alignment %" PRIu64,
                    r->path, tensor.name, tensor.offset, alignment);
    if (tensor.offset > INT64_MAX - data)
        GRT_FAIL_AT(r->err, GRT_E_FORMAT, info->at,
                    "%s: tensor \"%.80s\": its offset %" PRIu64 " overflows", r->path,
                    tensor.name, tensor.offset);
    tensor.offset += data;
    tensor.file = (uint32_t)(catalogue->n_files - 1);
    return grt_catalogue_add_tensor(catalogue, &tensor, tensor.name, info->n_name,
                                    r->err);
}

/* Payloads begin after the last entry, so entries are kept until all have been read. */
static grt_status read_tensors(reader *r, grt_catalogue *catalogue, size_t n)
{
    uint64_t alignment = 1;
    GRT_TRY(read_alignment(r, &alignment));
    grt_arena entries = {0};
    tensor_info *infos;
    grt_status status = grt_arena_alloc(&entries, &infos, n, sizeof(*infos), r->err);
    for (size_t i = 0; i < n && status == GRT_OK; i++)
        status = read_info(r, &entries, &infos[i]);
    uint64_t data = (position(r) + alignment - 1) / alignment * alignment;
    for (size_t i = 0; i < n && status == GRT_OK; i++)
        status = add_tensor(r, catalogue, &infos[i], alignment, data);
    grt_arena_release(&entries);
    return status;
}

static grt_status read_version(reader *r)
{
    GRT_TRY(fill(r, 8, "the GGUF magic and version"));
    if (memcmp(grt_bytes_take(&r->bytes, 4), "GGUF", 4) != 0)
        GRT_FAIL_AT(r->err, GRT_E_FORMAT, 0, "%s: does not begin with \"GGUF\"",
                    r->path);
    uint32_t version = grt_bytes_u32(&r->bytes);
    if (version != 0 && (version & 0xFFFF) == 0)
        GRT_FAIL_AT(r->err, GRT_E_UNSUPPORTED, 4, "%s: is a big-endian GGUF", r->path);
    if (version != 2 && version != 3)
        GRT_FAIL_AT(r->err, GRT_E_UNSUPPORTED, 4,
                    "%s: GGUF version %" PRIu32 "; versions 2 and 3 are known", r->path,
                    version);
    return GRT_OK;
}

/* A count of entries, at least min_bytes each. */
static grt_status read_count(reader *r, const char *what, uint64_t max,
                             uint64_t min_bytes, uint64_t at, size_t *out)
{
    uint64_t n = grt_bytes_u64(&r->bytes);
    uint64_t left = grt_file_size(r->file) - at;
    if (n > max || n > left / min_bytes)
        GRT_FAIL_AT(r->err, GRT_E_FORMAT, at,
                    "%s: claims %" PRIu64 " %s at byte %" PRIu64 ", %s", r->path, n,
                    what, at, n > max ? "too many" : "more than fit in the file");
    *out = (size_t)n;
    return GRT_OK;
}

static grt_status read_header(reader *r, grt_catalogue *catalogue)
{
    size_t n_tensors, n_pairs;
    GRT_TRY(read_version(r));
    GRT_TRY(fill(r, 16, "the number of tensors and keys"));
    GRT_TRY(read_count(r, "tensors", GRT_MAX_TENSORS, MIN_INFO_BYTES, 8, &n_tensors));
    GRT_TRY(read_count(r, "metadata keys", GRT_MAX_META_VALUES, MIN_PAIR_BYTES, 16,
                       &n_pairs));
    for (size_t i = 0; i < n_pairs; i++)
        GRT_TRY(read_pair(r));
    GRT_TRY(grt_metadata_finish(r->metadata, r->err));
    return read_tensors(r, catalogue, n_tensors);
}

grt_status grt_gguf_read(grt_catalogue *catalogue, grt_metadata *metadata,
                         grt_file *file, grt_error *err)
{
    GRT_TRY(grt_catalogue_add_file(catalogue, file, err));
    const char *path = grt_file_path(file);
    GRT_TRY(grt_arena_copy_text(&metadata->arena, &metadata->source, path, strlen(path),
                                err));
    uint64_t size = grt_file_size(file);
    reader r = {
        .file = file, .path = grt_path_tail(path), .metadata = metadata, .err = err};
    r.end = size < MAX_HEADER_BYTES ? size : MAX_HEADER_BYTES;
    GRT_TRY(grt_alloc(&r.window, WINDOW_BYTES, "the GGUF header", err));
    r.capacity = WINDOW_BYTES;
    r.bytes = grt_bytes_over(r.window, 0);
    grt_status status = read_header(&r, catalogue);
    grt_free(r.window);
    return status;
}
