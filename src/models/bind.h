/* bind.h - finding the tensors of an architecture; used by the architectures only. */
#ifndef GRT_MODELS_BIND_H
#define GRT_MODELS_BIND_H

#include "models/network.h"

/* Width of an extent, as the hyperparameters have it. */
uint64_t grt_extent_size(const grt_network *network, grt_extent extent);

/* The tensor called `name`, checked to be [n_out][n_in] ([n_out] when n_in is 0) in a
 * readable storage type, and marked as belonging to `part`.  GRT_E_FORMAT names tensor,
 * shape found and shape expected. */
GRT_NODISCARD grt_status grt_bind_tensor(const grt_tensor **out, grt_network *network,
                                         const grt_checkpoint *checkpoint,
                                         const char *name, uint64_t n_out,
                                         uint64_t n_in, int32_t part, grt_error *err);

/* Binds and loads fixed part `index`. */
GRT_NODISCARD grt_status grt_bind_fixed(grt_network *network,
                                        const grt_checkpoint *checkpoint, size_t index,
                                        const char *name, uint64_t n_out, uint64_t n_in,
                                        int32_t part, grt_error *err);

/* Binds a table of fixed parts; entry i goes to fixed[i].  `prefix` stands before the
 * Hugging Face names ("bert."), not before GGUF's. */
GRT_NODISCARD grt_status grt_bind_fixed_table(grt_network *network,
                                              const grt_checkpoint *checkpoint,
                                              const grt_part_spec *specs, size_t n,
                                              const char *prefix, int32_t part,
                                              grt_error *err);

/* Binds the token embedding, [vocab_size][embedding size]. */
GRT_NODISCARD grt_status grt_bind_embedding(grt_network *network,
                                            const grt_checkpoint *checkpoint,
                                            const char *name, grt_error *err);

/* Binds every layer by the architecture's table. */
GRT_NODISCARD grt_status grt_bind_layers(grt_network *network,
                                         const grt_checkpoint *checkpoint,
                                         const char *prefix, grt_error *err);

/* The same by another table of as many parts, for checkpoints that name or fuse tensors
 * otherwise; `layers` is what stands before "0." in Hugging Face names, prefix and all.
 */
GRT_NODISCARD grt_status grt_bind_layers_as(grt_network *network,
                                            const grt_checkpoint *checkpoint,
                                            const grt_part_spec *specs,
                                            const char *layers, grt_error *err);

/* Row `row` of a matrix, as f32, into dst[n_in]. */
GRT_NODISCARD grt_status grt_read_row(const grt_checkpoint *checkpoint,
                                      const grt_tensor *tensor, uint64_t row,
                                      float *dst, grt_error *err);

/* Refuses a text value that is none of the space-separated ones in `expected` (absent
 * is fine). */
GRT_NODISCARD grt_status grt_need_text(const grt_metadata *metadata, const char *key,
                                       const char *expected, grt_error *err);

/* Does the space-separated list hold this word? */
bool grt_list_holds(const char *list, grt_text word);

#endif /* GRT_MODELS_BIND_H */
