/* open.c - see open.h. */
#include "models/open.h"

#include "formats/tokenizer_files.h"

#include <string.h>

/* Pieces of a list may be there twice; those of other files are keys. */
static grt_status note_repeated(grt_opened *opened, grt_error *err)
{
    size_t n = grt_tokenizer_n_repeated(opened->tokenizer);
    if (n == 0) return GRT_OK;
    return grt_notes_add(&opened->checkpoint.notes, GRT_NOTE_DETAIL, err,
                         "%s: %zu piece%s of the vocabulary appear%s twice; the later "
                         "one counts",
                         grt_path_tail(opened->checkpoint.path), n, n == 1 ? "" : "s",
                         n == 1 ? "s" : "");
}

/* Tokens for which the model has no row: a text with one of them cannot be ranked. */
static grt_status note_beyond(grt_opened *opened, grt_error *err)
{
    size_t n_rows = opened->network.vocab_size, n = 0;
    const grt_vocabulary *vocabulary = &opened->vocabulary;
    for (size_t id = n_rows; id < vocabulary->n_pieces; id++)
        n += vocabulary->pieces[id].text && !vocabulary->pieces[id].is_special;
    for (size_t i = 0; i < vocabulary->n_words; i++) { /* hidden from the model */
        size_t id = (size_t)vocabulary->words[i].id;
        n += id >= n_rows && vocabulary->pieces[id].is_special;
    }
    if (n == 0) return GRT_OK;
    return grt_notes_add(&opened->checkpoint.notes, GRT_NOTE_RESULT, err,
                         "%s: the tokenizer has %zu token%s for which the model's "
                         "embedding of %zu has no row; texts with one are refused",
                         grt_path_tail(opened->checkpoint.path), n, n == 1 ? "" : "s",
                         n_rows);
}

grt_status grt_open(grt_opened *out, const char *path, grt_error *err)
{
    const grt_architecture *architecture; /* first: a tokenizer of no reranker may be
                                             of no kind known here either */
    GRT_TRY(grt_checkpoint_open(&out->checkpoint, path, err));
    GRT_TRY(grt_network_recognise(&architecture, &out->checkpoint, NULL, err));
    GRT_TRY(grt_checkpoint_check_keys(&out->checkpoint, err));
    GRT_TRY(grt_vocabulary_open(&out->vocabulary, &out->checkpoint, err));
    GRT_TRY(grt_notes_append(&out->checkpoint.notes, &out->vocabulary.notes, err));
    grt_notes_release(&out->vocabulary.notes);
    GRT_TRY(grt_tokenizer_create(&out->tokenizer, &out->vocabulary, err));
    GRT_TRY(note_repeated(out, err));
    GRT_TRY(grt_network_bind(&out->network, &out->checkpoint, out->tokenizer, err));
    GRT_TRY(note_beyond(out, err));
    /* Tokenizer and network hold what they need; a GGUF's lists of tokens are large. */
    grt_metadata_release(&out->checkpoint.metadata);
    return GRT_OK;
}

void grt_opened_release(grt_opened *opened)
{
    grt_network_release(&opened->network);
    grt_tokenizer_free(opened->tokenizer);
    grt_vocabulary_release(&opened->vocabulary);
    grt_checkpoint_release(&opened->checkpoint);
    memset(opened, 0, sizeof(*opened));
}
