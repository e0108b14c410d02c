/* sentence_bpe.c - byte-pair encoding of SentencePiece (Llama, Gemma, MiniCPM).
 *
 * A text begins as one symbol for each character.  With scores (a SentencePiece model,
 * GGUF) two neighbours join when their text is a piece, the piece with the best score
 * first; with merges (tokenizer.json) as those say. */
#include "tokenizer/sentence.h"
#include "tokenizer/utf8.h"

/* A number that falls as the score grows. */
static uint32_t rank_of(float score)
{
    uint32_t bits;
    memcpy(&bits, &score, sizeof(bits));
    if (bits == 1u << 31) bits = 0; /* -0 ranks as 0 */
    return bits >> 31 ? bits : ~bits & 0x7FFFFFFF;
}

bool grt_merge_by_score(const grt_merger *merger, uint32_t left, uint32_t right,
                        grt_merge_candidate *out)
{
    const grt_tokenizer *tokenizer = merger->payload;
    const grt_vocabulary *v = tokenizer->vocabulary;
    size_t n = (size_t)merger->symbols[left].size + merger->symbols[right].size;
    if (n > tokenizer->longest_piece) return false;
    int32_t id = grt_piece_map_get(&tokenizer->pieces, merger->text + left, n);
    if (id == GRT_NO_TOKEN || v->pieces[id].is_verbatim) return false;
    out->rank = rank_of(v->scores[id]);
    out->result = (uint32_t)id;
    return true;
}

grt_status grt_sentence_bpe_encode(grt_sentence_run *run, const char *text, size_t n)
{
    for (size_t part; n > GRT_WORD_BYTES; text += part, n -= part) {
        part = grt_word_part(text, n);
        GRT_TRY(grt_sentence_bpe_encode(run, text, part));
    }
    if (n == 0) return GRT_OK;
    GRT_TRY(grt_merger_begin(&run->merger, text, n, run->err));
    grt_symbol *symbols = run->merger.symbols;
    uint32_t previous = GRT_NOWHERE;
    for (size_t at = 0; at < n;) {
        size_t length;
        (void)grt_utf8_decode(text + at, n - at, &length);
        int32_t id = grt_piece_map_get(&run->tokenizer->pieces, text + at, length);
        symbols[at] = (grt_symbol){id == GRT_NO_TOKEN ? GRT_NOWHERE : (uint32_t)id,
                                   (uint32_t)length, previous, GRT_NOWHERE};
        if (previous != GRT_NOWHERE) symbols[previous].next = (uint32_t)at;
        previous = (uint32_t)at;
        at += length;
    }
    grt_merger_run(&run->merger);
    for (uint32_t at = 0; at != GRT_NOWHERE; at = symbols[at].next) {
        int32_t id =
            symbols[at].id == GRT_NOWHERE ? GRT_NO_TOKEN : (int32_t)symbols[at].id;
        GRT_TRY(grt_sentence_append(run, id, text + at, symbols[at].size));
    }
    return GRT_OK;
}
