/* fuzz_sentence.c - any bytes as text, through SentencePiece's two algorithms.
 *
 * The first byte chooses switches.  Each text is encoded twice, the second time with a
 * piece that goes over a word's start: then no text is cut into words, and the ids must
 * be the same unless that piece is among them.  With byte fallback and nothing thinned
 * out, the pieces must spell the text. */
#include "fuzz.h"

#include "tokenizer/tokenizer.h"

#include <stdlib.h>
#include <string.h>

#define MARK "\xe2\x96\x81"

enum { N_BYTES = 256, N_WORDS = 14, N_PIECES = 1 + N_BYTES + N_WORDS };

static const struct {
    const char *text;
    float score;
} words[N_WORDS] = {{MARK, -2},       {"a", -3},
                    {"b", -3.5f},     {"ab", -4},
                    {"ba", -4.5f},    {"aa", -5},
                    {"aba", -6},      {MARK "a", -3},
                    {MARK MARK, -4},  {MARK MARK MARK MARK, -5},
                    {"\xc3\xa9", -7}, {"\n\n", 0},
                    {"zzzz", -1000},  {"zz" MARK "zz", -1000}};

typedef struct fixture {
    grt_piece pieces[N_PIECES];
    float scores[N_PIECES];
    char bytes[N_BYTES][7];
    grt_vocabulary v;
} fixture;

static void add(fixture *f, const char *text, float score, bool is_special)
{
    size_t id = f->v.n_pieces++;
    f->pieces[id] = (grt_piece){.text = text,
                                .size = (uint32_t)strlen(text),
                                .is_special = is_special,
                                .is_verbatim = strcmp(text, "\n\n") == 0};
    f->scores[id] = score;
}

/* unk, the bytes, the words but for the last unless asked for. */
static void init(fixture *f, uint8_t switches, bool has_bridge)
{
    static const char digits[] = "0123456789ABCDEF";
    memset(f, 0, sizeof(*f));
    add(f, "<unk>", 0, true);
    for (size_t b = 0; b < N_BYTES; b++) {
        memcpy(f->bytes[b], "<0x00>", 7);
        f->bytes[b][3] = digits[b >> 4];
        f->bytes[b][4] = digits[b & 15];
        add(f, f->bytes[b], 0, true);
    }
    for (int i = 0; i < (has_bridge ? N_WORDS : N_WORDS - 1); i++)
        add(f, words[i].text, words[i].score, false);
    f->v.pieces = f->pieces;
    f->v.scores = f->scores;
    f->v.kind = switches & 1 ? GRT_TOKENIZER_UNIGRAM : GRT_TOKENIZER_SENTENCE_BPE;
    f->v.byte_fallback = switches & 2;
    f->v.strip_left = f->v.strip_right = f->v.collapse_spaces = switches & 4;
    f->v.first_mark = switches & 8    ? GRT_FIRST_MARK_ALWAYS
                      : switches & 16 ? GRT_FIRST_MARK_UNLESS_THERE
                                      : GRT_FIRST_MARK_NONE;
    f->v.fuse_unknown = switches & 32;
}

static void encode(const fixture *f, const uint8_t *text, size_t n, grt_ids *out)
{
    grt_tokenizer *tokenizer = NULL;
    if (grt_tokenizer_create(&tokenizer, &f->v, NULL) != GRT_OK) abort();
    if (grt_tokenizer_encode(tokenizer, (const char *)text, n, out, NULL) != GRT_OK)
        abort();
    grt_tokenizer_free(tokenizer);
}

/* The pieces of plain ASCII, marks read as spaces, are the text. */
static void check_spelling(const fixture *f, const grt_ids *ids, const uint8_t *text,
                           size_t n)
{
    size_t at = 0;
    for (size_t i = 0; i < ids->n; i++) {
        const grt_piece *piece = &f->pieces[ids->ids[i]];
        for (size_t k = 0; k < piece->size; k++, at++) {
            bool is_byte = piece->is_special;
            bool is_mark = !is_byte && memcmp(piece->text + k, MARK, 1) == 0;
            char c = is_byte ? (char)(ids->ids[i] - 1) : is_mark ? ' ' : piece->text[k];
            if (at >= n || (char)text[at] != c) abort();
            if (is_byte) k = piece->size - 1;
            if (is_mark) k += 2;
        }
    }
    if (at != n) abort();
}

static bool uses_bridge(const grt_ids *ids)
{
    for (size_t i = 0; i < ids->n; i++)
        if (ids->ids[i] == N_PIECES - 1) return true;
    return false;
}

static bool is_ascii(const uint8_t *text, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (text[i] >= 0x80) return false;
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) return 0;
    static fixture plain, bridged;
    init(&plain, data[0], false);
    init(&bridged, data[0], true);
    grt_ids a = {0}, b = {0};
    encode(&plain, data + 1, size - 1, &a);
    encode(&bridged, data + 1, size - 1, &b);
    if (!uses_bridge(&b) &&
        (a.n != b.n || (a.n && memcmp(a.ids, b.ids, a.n * sizeof(*a.ids)) != 0)))
        abort();
    if ((data[0] & 2) && !(data[0] & (4 | 8 | 16)) && is_ascii(data + 1, size - 1))
        check_spelling(&plain, &a, data + 1, size - 1);
    grt_ids_release(&a);
    grt_ids_release(&b);
    return 0;
}
