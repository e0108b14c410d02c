/* encoder.h - what the encoder families share: pairs and heads of one label. */
#ifndef GRT_MODELS_ENCODER_H
#define GRT_MODELS_ENCODER_H

#include "models/network.h"

/* "begin query end document end", or with two ends between the texts. */
typedef struct grt_encoder_pair {
    const char *begin, *end; /* control tokens by name */
    size_t n_between;        /* ends between the texts, 1 or 2 */
    uint8_t document_type;   /* token type of the document and its end */
} grt_encoder_pair;

GRT_NODISCARD grt_status grt_encoder_prompt(grt_prompt *out, const grt_network *network,
                                            const grt_tokenizer *tokenizer,
                                            const char *instruction,
                                            const grt_encoder_pair *pair,
                                            grt_error *err);

/* Refuses a checkpoint whose classifier (matrix `name`) is missing or has another
 * number of labels than one. */
GRT_NODISCARD grt_status grt_encoder_need_one_label(const grt_checkpoint *checkpoint,
                                                    const char *name, grt_error *err);

/* hidden_size = n_heads * head_size, within what attention takes. */
GRT_NODISCARD grt_status grt_encoder_split_heads(grt_network *network,
                                                 const grt_checkpoint *checkpoint,
                                                 grt_error *err);

/* Rows of the matrix `name`, 1 to `most`. */
GRT_NODISCARD grt_status grt_encoder_count_rows(size_t *out,
                                                const grt_checkpoint *checkpoint,
                                                const char *name, uint64_t most,
                                                grt_error *err);

#endif /* GRT_MODELS_ENCODER_H */
