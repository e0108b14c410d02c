/* prompt.h - the pieces of a decoder's prompt.
 *
 * Our own words may hold control tokens; what users write never does.  Each piece is
 * tokenised on its own unless a place says what is tokenised with its text. */
#ifndef GRT_MODELS_BLOCKS_PROMPT_H
#define GRT_MODELS_BLOCKS_PROMPT_H

#include "models/network.h"

/* Adds fixed text, in which "<|im_start|>", "<|im_end|>", "<think>" and "</think>" are
 * control tokens. */
GRT_NODISCARD grt_status grt_prompt_words(grt_prompt *prompt,
                                          const grt_tokenizer *tokenizer,
                                          const char *text, grt_error *err);

/* Adds the control token of this name. */
GRT_NODISCARD grt_status grt_prompt_control(grt_prompt *prompt,
                                            const grt_tokenizer *tokenizer,
                                            const char *name, grt_error *err);

/* Adds the place of a text; `before` and `after` (NULL: nothing) are tokenised with it
 * and kept. */
void grt_prompt_place(grt_prompt *prompt, grt_slot slot, const char *before,
                      const char *after);

/* The three texts end to end, in the prompt's memory. */
GRT_NODISCARD grt_status grt_prompt_join(const char **out, grt_prompt *prompt,
                                         const char *before, const char *text,
                                         const char *after, grt_error *err);

/* The whole prompt of bge's decoders: the token `bos` (NULL: of that role), "A: " and
 * the query, "\n", "B: " and the document, "\n", the question.  It takes no
 * instruction. */
GRT_NODISCARD grt_status grt_prompt_bge(grt_prompt *prompt, const grt_network *network,
                                        const grt_tokenizer *tokenizer, const char *bos,
                                        const char *instruction, grt_error *err);

#endif /* GRT_MODELS_BLOCKS_PROMPT_H */
