/* pre_tokenizers.h - how byte-level BPE cuts texts into words, by the names that GGUF
 * files give. */
#ifndef GRT_FORMATS_PRE_TOKENIZERS_H
#define GRT_FORMATS_PRE_TOKENIZERS_H

#include "formats/metadata.h"
#include "tokenizer/vocabulary.h"

/* The expressions of GPT-2, Qwen2 and Llama 3, as their tokenizer.json files give them.
 */
extern const char grt_pattern_gpt2[];
extern const char grt_pattern_qwen2[];
extern const char grt_pattern_llama3[];

/* Sets expression, NFC and whole_words_first of a vocabulary of kind BPE, whose pieces
 * are there, from tokenizer.ggml.pre.  A file without it, or with "default", gets what
 * its architecture or its control tokens leave no doubt about, else GPT-2's and a note.
 * GRT_E_UNSUPPORTED for a name that is not known. */
GRT_NODISCARD grt_status grt_pre_tokenizer_choose(grt_vocabulary *v,
                                                  const grt_metadata *metadata,
                                                  grt_error *err);

#endif /* GRT_FORMATS_PRE_TOKENIZERS_H */
