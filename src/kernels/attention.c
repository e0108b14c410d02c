/* attention.c - scratch of the blockwise attention kernels. */
#include "kernels/kernels.h"

size_t grt_attention_scratch_bytes(size_t n_queries, size_t head_size)
{
    size_t padded = (head_size + 15) / 16 * 16;
    size_t keys_and_values = 2 * GRT_ATTENTION_KEYS * padded;
    size_t scores = GRT_ATTENTION_QUERIES * GRT_ATTENTION_KEYS;
    return (keys_and_values + scores + 2 * n_queries) * sizeof(float);
}
