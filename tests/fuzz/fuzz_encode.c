/* fuzz_encode.c - any bytes as text, through WordPiece and byte-level BPE.
 *
 * The first byte chooses the vocabulary's switches.  BPE must give back the bytes of
 * its input where nothing was normalised. */
#include "fuzz.h"

#include "tokenizer/tokenizer.h"
#include "tokenizer/utf8.h"

#include <stdlib.h>
#include <string.h>

static const char pattern[] =
    "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}|"
    " ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

enum { N_BYTES = 256, N_MERGES = 4 };

/* 256 byte pieces and a few merges: "th", "the", "aa", "aaaa". */
static void bpe_init(grt_vocabulary *v, grt_piece pieces[N_BYTES + N_MERGES],
                     char texts[N_BYTES][4], grt_merge merges[N_MERGES])
{
    static const char *const merged[] = {"th", "the", "aa", "aaaa"};
    uint32_t next = 256;
    for (uint32_t b = 0; b < N_BYTES; b++) {
        int is_printable = (b >= 33 && b <= 126) || (b >= 161 && b != 173);
        size_t n = grt_utf8_encode(texts[b], is_printable ? b : next++);
        pieces[b] = (grt_piece){.text = texts[b], .size = (uint32_t)n};
    }
    for (size_t i = 0; i < N_MERGES; i++)
        pieces[N_BYTES + i] =
            (grt_piece){.text = merged[i], .size = (uint32_t)strlen(merged[i])};
    merges[0] = (grt_merge){'t', 'h', 256};
    merges[1] = (grt_merge){256, 'e', 257};
    merges[2] = (grt_merge){'a', 'a', 258};
    merges[3] = (grt_merge){258, 258, 259};
    v->kind = GRT_TOKENIZER_BPE;
    v->pieces = pieces;
    v->n_pieces = N_BYTES + N_MERGES;
    v->merges = merges;
    v->n_merges = N_MERGES;
}

static size_t piece_bytes(int32_t id)
{
    static const size_t merged[] = {2, 3, 2, 4};
    return id < N_BYTES ? 1 : merged[id - N_BYTES];
}

static int is_ascii(const uint8_t *text, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (text[i] >= 0x80) return 0;
    return 1;
}

static void run_bpe(uint8_t switches, const uint8_t *text, size_t n)
{
    grt_piece pieces[N_BYTES + N_MERGES];
    char texts[N_BYTES][4];
    grt_merge merges[N_MERGES];
    grt_vocabulary v = {0};
    bpe_init(&v, pieces, texts, merges);
    v.use_nfc = switches & 1;
    v.split_pattern = switches & 2 ? pattern : NULL;
    grt_tokenizer *tokenizer = NULL;
    grt_ids ids = {0};
    if (grt_tokenizer_create(&tokenizer, &v, NULL) != GRT_OK) abort();
    if (grt_tokenizer_encode(tokenizer, (const char *)text, n, &ids, NULL) != GRT_OK)
        abort();
    size_t total = 0;
    for (size_t i = 0; i < ids.n; i++)
        total += piece_bytes(ids.ids[i]);
    if (is_ascii(text, n) && total != n) abort();
    grt_ids_release(&ids);
    grt_tokenizer_free(tokenizer);
}

static void run_wordpiece(uint8_t switches, const uint8_t *text, size_t n)
{
    static grt_piece pieces[] = {{"[UNK]", 5, true, false}, {"a", 1, false, false},
                                 {"##a", 3, false, false},  {"the", 3, false, false},
                                 {"##er", 4, false, false}, {"!", 1, false, false}};
    grt_vocabulary v = {.kind = GRT_TOKENIZER_WORDPIECE,
                        .pieces = pieces,
                        .n_pieces = sizeof(pieces) / sizeof(pieces[0]),
                        .clean_text = switches & 1,
                        .split_cjk = switches & 2,
                        .lower_case = switches & 4,
                        .strip_accents = switches & 8,
                        .max_word_chars = 100};
    grt_tokenizer *tokenizer = NULL;
    grt_ids ids = {0};
    if (grt_tokenizer_create(&tokenizer, &v, NULL) != GRT_OK) abort();
    if (grt_tokenizer_encode(tokenizer, (const char *)text, n, &ids, NULL) != GRT_OK)
        abort();
    for (size_t i = 0; i < ids.n; i++)
        if ((size_t)ids.ids[i] >= v.n_pieces) abort();
    grt_ids_release(&ids);
    grt_tokenizer_free(tokenizer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) return 0;
    run_bpe(data[0], data + 1, size - 1);
    run_wordpiece(data[0], data + 1, size - 1);
    return 0;
}
