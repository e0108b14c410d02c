/* fingerprint.c - see fingerprint.h. */
#include "profile/fingerprint.h"

#include "base/hash.h"

#include <string.h>

void grt_fingerprint_words(uint64_t hash, float words[GRT_FINGERPRINT_WORDS])
{
    for (size_t i = 0; i < GRT_FINGERPRINT_WORDS; i++)
        words[i] = (float)((hash >> (16 * i)) & 0xFFFF);
}

static uint64_t hash_shapes(const grt_catalogue *catalogue)
{
    uint64_t hash = GRT_HASH_INIT;
    for (size_t i = 0; i < catalogue->n_tensors; i++) {
        const grt_tensor *tensor = &catalogue->tensors[i];
        hash = grt_hash_bytes(hash, tensor->name, strlen(tensor->name) + 1);
        hash = grt_hash_bytes(hash, tensor->dtype_name, strlen(tensor->dtype_name) + 1);
        for (uint32_t d = 0; d < tensor->n_dims; d++)
            hash = grt_hash_u64(hash, tensor->shape[d]);
        hash = grt_hash_u64(hash, tensor->file);
        hash = grt_hash_u64(hash, tensor->offset);
    }
    return hash;
}

static grt_status hash_weights(uint64_t *out, const grt_catalogue *catalogue,
                               grt_error *err)
{
    unsigned char bytes[4096];
    uint64_t hash = GRT_HASH_INIT;
    for (size_t i = 0; i < catalogue->n_tensors; i++) {
        const grt_tensor *tensor = &catalogue->tensors[i];
        size_t n =
            tensor->n_bytes < sizeof(bytes) ? (size_t)tensor->n_bytes : sizeof(bytes);
        GRT_TRY(grt_file_read_at(catalogue->files[tensor->file], tensor->offset, bytes,
                                 n, err));
        hash = grt_hash_bytes(hash, bytes, n);
    }
    *out = hash;
    return GRT_OK;
}

grt_status grt_fingerprint_take(grt_fingerprint *out, const grt_checkpoint *checkpoint,
                                grt_error *err)
{
    grt_fingerprint_words(hash_shapes(&checkpoint->catalogue), out->words);
    return hash_weights(&out->weights, &checkpoint->catalogue, err);
}
