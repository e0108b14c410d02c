/* tokenizer_files.h - tokenizer files to a vocabulary. */
#ifndef GRT_FORMATS_TOKENIZER_FILES_H
#define GRT_FORMATS_TOKENIZER_FILES_H

#include "formats/checkpoint.h"
#include "tokenizer/vocabulary.h"

/* The tokenizer of a checkpoint: GGUF key-values, or the files of its directory, in
 * this order: tokenizer.json, vocab.txt, vocab.json + merges.txt,
 * sentencepiece.bpe.model (XLM-RoBERTa's ids), tokenizer.model; all but the first with
 * added_tokens.json, and each as the class reads it that tokenizer_config.json names.
 */
GRT_NODISCARD grt_status grt_vocabulary_open(grt_vocabulary *out,
                                             const grt_checkpoint *checkpoint,
                                             grt_error *err);

/* The same from a directory of tokenizer files, without a checkpoint. */
GRT_NODISCARD grt_status grt_vocabulary_open_directory(grt_vocabulary *out,
                                                       const char *directory,
                                                       grt_error *err);

/* From bytes in memory (fuzz targets); `path` is their name in messages. */
GRT_NODISCARD grt_status grt_vocabulary_read_tokenizer_json(grt_vocabulary *out,
                                                            const char *json, size_t n,
                                                            const char *path,
                                                            grt_error *err);
GRT_NODISCARD grt_status grt_vocabulary_read_vocab_txt(grt_vocabulary *out,
                                                       const char *text, size_t n,
                                                       const char *path,
                                                       grt_error *err);
/* A SentencePiece model, Unigram or BPE, with the ids of the file. */
GRT_NODISCARD grt_status grt_vocabulary_read_model(grt_vocabulary *out,
                                                   const char *text, size_t n,
                                                   const char *path, grt_error *err);
GRT_NODISCARD grt_status grt_vocabulary_read_gguf(grt_vocabulary *out,
                                                  const grt_metadata *metadata,
                                                  grt_error *err);

#endif /* GRT_FORMATS_TOKENIZER_FILES_H */
