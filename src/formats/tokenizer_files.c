/* tokenizer_files.c - finds the tokenizer of a checkpoint; see tokenizer_files.h. */
#include "formats/tokenizer_files.h"

#include "base/memory.h"
#include "formats/tokenizer_build.h"

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

static grt_status has_file(bool *out, const char *directory, const char *name,
                           grt_error *err)
{
    char *path;
    GRT_TRY(grt_path_join(&path, directory, name, err));
    *out = grt_path_exists(path);
    grt_free(path);
    return GRT_OK;
}

/* What the files beside the vocabulary add. */
static grt_status read_extras(grt_vocabulary *out, const char *directory,
                              grt_error *err)
{
    bool is_there;
    GRT_TRY(has_file(&is_there, directory, "added_tokens.json", err));
    if (is_there)
        GRT_TRY(read_file(out, directory, "added_tokens.json",
                          grt_vocabulary_read_added, err));
    GRT_TRY(has_file(&is_there, directory, "tokenizer_config.json", err));
    if (is_there)
        GRT_TRY(read_file(out, directory, "tokenizer_config.json",
                          grt_vocabulary_read_config, err));
    return GRT_OK;
}

/* tokenizer.json says all but the roles of its control tokens. */
static grt_status open_json(grt_vocabulary *out, const char *directory, grt_error *err)
{
    GRT_TRY(read_file(out, directory, "tokenizer.json",
                      grt_vocabulary_read_tokenizer_json, err));
    bool is_there;
    GRT_TRY(has_file(&is_there, directory, "tokenizer_config.json", err));
    if (!is_there) return GRT_OK;
    return read_file(out, directory, "tokenizer_config.json", grt_vocabulary_read_roles,
                     err);
}

static grt_status open_directory(grt_vocabulary *out, const char *directory,
                                 grt_error *err)
{
    static const struct {
        const char *name;
        read_fn *read;
        const char *second;
        read_fn *read_second;
    } kinds[] = {
        {"vocab.txt", grt_vocabulary_read_vocab_txt, NULL, NULL},
        {"vocab.json", grt_vocabulary_read_vocab_json, "merges.txt",
         grt_vocabulary_read_merges},
        {"sentencepiece.bpe.model", grt_vocabulary_read_model_xlmr, NULL, NULL},
        {"tokenizer.model", grt_vocabulary_read_model, NULL, NULL},
    };
    bool is_there;
    GRT_TRY(has_file(&is_there, directory, "tokenizer.json", err));
    if (is_there) return open_json(out, directory, err);
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        GRT_TRY(has_file(&is_there, directory, kinds[i].name, err));
        if (is_there && kinds[i].second)
            GRT_TRY(has_file(&is_there, directory, kinds[i].second, err));
        if (!is_there) continue;
        GRT_TRY(read_file(out, directory, kinds[i].name, kinds[i].read, err));
        if (kinds[i].second)
            GRT_TRY(
                read_file(out, directory, kinds[i].second, kinds[i].read_second, err));
        return read_extras(out, directory, err);
    }
    GRT_FAIL(err, GRT_E_NOT_FOUND,
             "%s: no tokenizer: neither tokenizer.json, nor vocab.txt, nor vocab.json "
             "with merges.txt, nor sentencepiece.bpe.model, nor tokenizer.model",
             directory);
}

grt_status grt_vocabulary_open_directory(grt_vocabulary *out, const char *directory,
                                         grt_error *err)
{
    grt_vocabulary vocabulary = {0};
    grt_status status = open_directory(&vocabulary, directory, err);
    if (status != GRT_OK)
        grt_vocabulary_release(&vocabulary);
    else
        *out = vocabulary;
    return status;
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
    grt_status status = grt_vocabulary_open_directory(out, directory, err);
    grt_free(directory);
    return status;
}
