/* tokenise.h - what the tokenizer targets do with a vocabulary that was read. */
#ifndef GRT_FUZZ_TOKENISE_H
#define GRT_FUZZ_TOKENISE_H

#include "fuzz.h"

#include "tokenizer/tokenizer.h"

#include <stdlib.h>

/* Encodes text and requires ids that the vocabulary has and users may produce. */
static inline void tokenise(const grt_vocabulary *vocabulary, const void *text,
                            size_t n)
{
    grt_tokenizer *tokenizer = NULL;
    if (grt_tokenizer_create(&tokenizer, vocabulary, NULL) != GRT_OK) return;
    grt_ids ids = {0};
    if (grt_tokenizer_encode(tokenizer, text, n, &ids, NULL) == GRT_OK)
        for (size_t i = 0; i < ids.n; i++) {
            size_t id = (size_t)ids.ids[i];
            if (id >= vocabulary->n_pieces || !vocabulary->pieces[id].text) abort();
        }
    grt_ids_release(&ids);
    grt_tokenizer_free(tokenizer);
}

#endif /* GRT_FUZZ_TOKENISE_H */
