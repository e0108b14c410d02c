/* tokenise.h - what the tokenizer targets do with a vocabulary that was read. */
#ifndef GRT_FUZZ_TOKENISE_H
#define GRT_FUZZ_TOKENISE_H

#include "fuzz.h"

#include "tokenizer/tokenizer.h"

#include <stdlib.h>

/* Whether any text may produce the piece: unk and single bytes, but no control token.
 */
static inline int is_possible(const grt_vocabulary *vocabulary, size_t id)
{
    if (id >= vocabulary->n_pieces || !vocabulary->pieces[id].text) return 0;
    return !vocabulary->pieces[id].is_special || vocabulary->byte_fallback ||
           vocabulary->pieces[id].is_verbatim || /* an added word */
           (int32_t)id == vocabulary->unk;
}

/* Encodes text and requires ids that the vocabulary has and users may produce. */
static inline void tokenise(const grt_vocabulary *vocabulary, const void *text,
                            size_t n)
{
    grt_tokenizer *tokenizer = NULL;
    if (grt_tokenizer_create(&tokenizer, vocabulary, NULL) != GRT_OK) return;
    grt_ids ids = {0};
    if (grt_tokenizer_encode(tokenizer, text, n, &ids, NULL) == GRT_OK)
        for (size_t i = 0; i < ids.n; i++)
            if (!is_possible(vocabulary, (size_t)ids.ids[i])) abort();
    grt_ids_release(&ids);
    grt_tokenizer_free(tokenizer);
}

#endif /* GRT_FUZZ_TOKENISE_H */
