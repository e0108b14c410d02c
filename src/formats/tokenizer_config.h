/* tokenizer_config.h - tokenizer_config.json and special_tokens_map.json: which class
 * of Hugging Face reads the files beside them, and what it does to them. */
#ifndef GRT_FORMATS_TOKENIZER_CONFIG_H
#define GRT_FORMATS_TOKENIZER_CONFIG_H

#include "formats/json.h"
#include "formats/tokenizer_build.h"

/* The files that a vocabulary may come from. */
typedef enum grt_tokenizer_source {
    GRT_SOURCE_JSON,     /* tokenizer.json */
    GRT_SOURCE_WORDS,    /* vocab.txt */
    GRT_SOURCE_MERGES,   /* vocab.json and merges.txt */
    GRT_SOURCE_XLMR,     /* sentencepiece.bpe.model */
    GRT_SOURCE_SENTENCE, /* tokenizer.model, spiece.model */
    GRT_N_SOURCES
} grt_tokenizer_source;

typedef struct grt_tokenizer_config {
    json_t *root;     /* NULL: no tokenizer_config.json */
    json_t *specials; /* NULL: no special_tokens_map.json */
    const char *directory;
    const struct grt_tokenizer_class *class; /* NULL: not said, or not known */
    char class_name[80];                     /* "" where no file says it */
} grt_tokenizer_config;

/* Loads both files of a directory, where they are there, and finds the class: by
 * tokenizer_config.json, then by "tokenizer_class" and "model_type" of config.json
 * (`model`, may be NULL).  Notes go to `notes`. */
GRT_NODISCARD grt_status grt_tokenizer_config_open(grt_tokenizer_config *out,
                                                   const char *directory,
                                                   const grt_metadata *model,
                                                   grt_notes *notes, grt_error *err);
/* The same of tokenizer_config.json alone, from bytes (tests, fuzz targets). */
GRT_NODISCARD grt_status grt_tokenizer_config_parse(grt_tokenizer_config *out,
                                                    const char *text, size_t n,
                                                    const char *path, grt_notes *notes,
                                                    grt_error *err);
void grt_tokenizer_config_release(grt_tokenizer_config *config);

/* GRT_E_UNSUPPORTED, naming the class, where it does not read such files, or reads them
 * in a way of its own. */
GRT_NODISCARD grt_status grt_tokenizer_config_check(const grt_tokenizer_config *config,
                                                    grt_tokenizer_source source,
                                                    grt_notes *notes, grt_error *err);

/* What the class makes of a vocabulary that was read from such files. */
GRT_NODISCARD grt_status grt_tokenizer_config_apply(grt_vocabulary *v,
                                                    const grt_tokenizer_config *config,
                                                    grt_tokenizer_source source,
                                                    grt_error *err);

#endif /* GRT_FORMATS_TOKENIZER_CONFIG_H */
