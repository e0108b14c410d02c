/* unpack.h - storage types to f32 on the host, for what is read while a checkpoint is
 * opened. */
#ifndef GRT_COMPUTE_UNPACK_H
#define GRT_COMPUTE_UNPACK_H

#include "base/dtype.h"

/* n values, which fill whole blocks. */
void grt_unpack(float *dst, const void *src, grt_dtype dtype, size_t n);

#endif /* GRT_COMPUTE_UNPACK_H */
