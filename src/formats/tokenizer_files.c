/* tokenizer_files.c - finds the tokenizer of a checkpoint; see tokenizer_files.h. */
#include "formats/tokenizer_files.h"

#include "base/memory.h"
#include "formats/tokenizer_build.h"
#include "formats/tokenizer_config.h"

#include <string.h>

enum { MAX_TOKENIZER_BYTES = 256 << 20 };

typedef grt_status read_fn(grt_vocabulary *out, const char *text, size_t n,
                           const char *path, grt_error *err);

/* Loads directory/name and hands it to `read`. */
static grt_status read_file(grt_vocabulary *out, const char *directory,
                            const char *name, read_fn *read, grt_error *err)
{
    char *path = NULL, *text = NULL;
    size_t n;
    GRT_TRY(grt_path_join(&path, directory, name, err));
    grt_status status = grt_file_load(&text, &n, path, MAX_TOKENIZER_BYTES, err);
    if (status == GRT_OK) status = read(out, text, n, path, err);
    grt_free(text);
    grt_free(path);
    return status;
}

static const struct {
    grt_tokenizer_source source;
    const char *name;
    read_fn *read;
    const char *second; /* NULL: none */
    read_fn *read_second;
} kinds[] = {
    {GRT_SOURCE_JSON, "tokenizer.json", grt_vocabulary_read_tokenizer_json, NULL, NULL},
    {GRT_SOURCE_WORDS, "vocab.txt", grt_vocabulary_read_vocab_txt, NULL, NULL},
    {GRT_SOURCE_MERGES, "vocab.json", grt_vocabulary_read_vocab_json, "merges.txt",
     grt_vocabulary_read_merges},
    {GRT_SOURCE_XLMR, "sentencepiece.bpe.model", grt_vocabulary_read_model_xlmr, NULL,
     NULL},
    {GRT_SOURCE_SENTENCE, "tokenizer.model", grt_vocabulary_read_model, NULL, NULL},
};
enum { N_KINDS = sizeof(kinds) / sizeof(kinds[0]) };

static grt_status read_kind(grt_vocabulary *out, size_t kind, const char *directory,
                            grt_error *err)
{
    GRT_TRY(read_file(out, directory, kinds[kind].name, kinds[kind].read, err));
    if (kinds[kind].second)
        GRT_TRY(read_file(out, directory, kinds[kind].second, kinds[kind].read_second,
                          err));
    if (kinds[kind].source == GRT_SOURCE_JSON) return GRT_OK;
    bool is_there = false;
    GRT_TRY(grt_path_find_in(&is_there, directory, "added_tokens.json", err));
    return is_there ? read_file(out, directory, "added_tokens.json",
                                grt_vocabulary_read_added, err)
                    : GRT_OK;
}

static grt_status find_kind(size_t *out, const char *directory, grt_error *err)
{
    for (size_t i = 0; i < N_KINDS; i++) {
        bool is_there = false;
        GRT_TRY(grt_path_find_in(&is_there, directory, kinds[i].name, err));
        if (is_there && kinds[i].second)
            GRT_TRY(grt_path_find_in(&is_there, directory, kinds[i].second, err));
        *out = i;
        if (is_there) return GRT_OK;
    }
    GRT_FAIL(err, GRT_E_NOT_FOUND,
             "%s: no tokenizer: neither tokenizer.json, nor vocab.txt, nor vocab.json "
             "with merges.txt, nor sentencepiece.bpe.model, nor tokenizer.model",
             directory);
}

static grt_status open_with(grt_vocabulary *out, const grt_tokenizer_config *config,
                            const char *directory, grt_error *err)
{
    size_t kind = 0;
    GRT_TRY(find_kind(&kind, directory, err));
    grt_tokenizer_source source = kinds[kind].source;
    GRT_TRY(grt_tokenizer_config_check(config, source, &out->notes, err));
    GRT_TRY(read_kind(out, kind, directory, err));
    return grt_tokenizer_config_apply(out, config, source, err);
}

/* `model`: config.json, or NULL. */
static grt_status open_directory(grt_vocabulary *out, const char *directory,
                                 const grt_metadata *model, grt_error *err)
{
    grt_tokenizer_config config;
    GRT_TRY(grt_tokenizer_config_open(&config, directory, model, &out->notes, err));
    grt_status status = open_with(out, &config, directory, err);
    grt_tokenizer_config_release(&config);
    return status;
}

static grt_status open_clean(grt_vocabulary *out, const char *directory,
                             const grt_metadata *model, grt_error *err)
{
    grt_vocabulary vocabulary = {0};
    grt_status status = open_directory(&vocabulary, directory, model, err);
    if (status != GRT_OK)
        grt_vocabulary_release(&vocabulary);
    else
        *out = vocabulary;
    return status;
}

grt_status grt_vocabulary_open_directory(grt_vocabulary *out, const char *directory,
                                         grt_error *err)
{
    return open_clean(out, directory, NULL, err);
}

/* The directory of a checkpoint that was named by its file. */
static grt_status directory_of(char **out, const char *path, grt_error *err)
{
    const char *slash = strrchr(path, '/');
    size_t n = grt_path_is_directory(path) ? strlen(path)
               : slash                     ? (size_t)(slash - path)
                                           : 0;
    GRT_TRY(grt_alloc(out, n + 2, "a path", err));
    memcpy(*out, n ? path : ".", n ? n : 1);
    (*out)[n ? n : 1] = '\0';
    return GRT_OK;
}

grt_status grt_vocabulary_open(grt_vocabulary *out, const grt_checkpoint *checkpoint,
                               grt_error *err)
{
    if (checkpoint->format == GRT_FORMAT_GGUF) {
        grt_vocabulary vocabulary = {0};
        grt_status status =
            grt_vocabulary_read_gguf(&vocabulary, &checkpoint->metadata, err);
        if (status != GRT_OK)
            grt_vocabulary_release(&vocabulary);
        else
            *out = vocabulary;
        return status;
    }
    char *directory;
    GRT_TRY(directory_of(&directory, checkpoint->path, err));
    grt_status status = open_clean(out, directory, &checkpoint->metadata, err);
    grt_free(directory);
    return status;
}
