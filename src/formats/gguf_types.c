/* gguf_types.c - see gguf_types.h.  Block sizes follow from the block layouts of ggml:
 * e.g. Q4_0 is an f16 scale and 32 nibbles, 18 bytes.  Numbers 4, 5, 31-33 and 36-38
 * belonged to types that were withdrawn. */
#include "formats/gguf_types.h"

#include <stddef.h>

#define OTHER(name, values, bytes)           \
    {                                        \
        name, GRT_DTYPE_OTHER, values, bytes \
    }

static const grt_gguf_type types[] = {
    [0] = {"F32", GRT_DTYPE_F32, 1, 4},
    [1] = {"F16", GRT_DTYPE_F16, 1, 2},
    [2] = {"Q4_0", GRT_DTYPE_Q4_0, 32, 18},
    [3] = {"Q4_1", GRT_DTYPE_Q4_1, 32, 20},
    [6] = {"Q5_0", GRT_DTYPE_Q5_0, 32, 22},
    [7] = {"Q5_1", GRT_DTYPE_Q5_1, 32, 24},
    [8] = {"Q8_0", GRT_DTYPE_Q8_0, 32, 34},
    [9] = OTHER("Q8_1", 32, 36),
    [10] = {"Q2_K", GRT_DTYPE_Q2_K, 256, 84},
    [11] = {"Q3_K", GRT_DTYPE_Q3_K, 256, 110},
    [12] = {"Q4_K", GRT_DTYPE_Q4_K, 256, 144},
    [13] = {"Q5_K", GRT_DTYPE_Q5_K, 256, 176},
    [14] = {"Q6_K", GRT_DTYPE_Q6_K, 256, 210},
    [15] = OTHER("Q8_K", 256, 292),
    [16] = OTHER("IQ2_XXS", 256, 66),
    [17] = OTHER("IQ2_XS", 256, 74),
    [18] = OTHER("IQ3_XXS", 256, 98),
    [19] = OTHER("IQ1_S", 256, 50),
    [20] = OTHER("IQ4_NL", 32, 18),
    [21] = OTHER("IQ3_S", 256, 110),
    [22] = OTHER("IQ2_S", 256, 82),
    [23] = OTHER("IQ4_XS", 256, 136),
    [24] = OTHER("I8", 1, 1),
    [25] = OTHER("I16", 1, 2),
    [26] = OTHER("I32", 1, 4),
    [27] = OTHER("I64", 1, 8),
    [28] = OTHER("F64", 1, 8),
    [29] = OTHER("IQ1_M", 256, 56),
    [30] = {"BF16", GRT_DTYPE_BF16, 1, 2},
    [34] = OTHER("TQ1_0", 256, 54),
    [35] = OTHER("TQ2_0", 256, 66),
    [39] = OTHER("MXFP4", 32, 17),
};

const grt_gguf_type *grt_gguf_type_get(uint32_t number)
{
    if (number >= sizeof(types) / sizeof(types[0]) || !types[number].name) return NULL;
    return &types[number];
}
