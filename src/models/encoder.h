/* encoder.h - what the encoder families share: pairs, and heads that classify them. */
#ifndef GRT_MODELS_ENCODER_H
#define GRT_MODELS_ENCODER_H

#include "models/bind.h"

/* "begin query end document end", or with two ends between the texts. */
typedef struct grt_encoder_pair {
    const char *begin, *end; /* control tokens by name, where the vocabulary gives their
                                roles to none */
    size_t n_between;        /* ends between the texts, 1 or 2 */
    uint8_t document_type;   /* token type of the document and its end */
} grt_encoder_pair;

/* As the tokenizer's file builds pairs, where it says how; else as the family does. */
GRT_NODISCARD grt_status grt_encoder_prompt(grt_prompt *out, const grt_network *network,
                                            const grt_tokenizer *tokenizer,
                                            const char *instruction,
                                            const grt_encoder_pair *pair,
                                            grt_error *err);

/* The classifier [labels][hidden] and its bias, which may be missing, as fixed parts
 * index and index + 1 of one row: the label's, or of two labels what the relevant one
 * has more.  Which of two that is their names say; without names it is the second.
 * Appends to head_text what was found.  GRT_E_UNSUPPORTED when there is no classifier,
 * or nothing to rank by. */
GRT_NODISCARD grt_status grt_encoder_bind_classifier(grt_binder *binder, size_t index,
                                                     grt_name weight, grt_name bias,
                                                     const char *head_text,
                                                     grt_error *err);

#endif /* GRT_MODELS_ENCODER_H */
