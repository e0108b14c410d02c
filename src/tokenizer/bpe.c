/* bpe.c - byte-level byte-pair encoding (GPT-2, Qwen2, GPT-NeoX).
 *
 * Sennrich et al. 2016 (arXiv 1508.07909), over bytes.  The text is cut into words by
 * the vocabulary's expression; a word begins as one symbol for each byte, and the
 * neighbours whose merge has the lowest rank are joined until none is left.  Candidates
 * wait in a heap by (rank, position), symbols in a linked list, so a word of n bytes
 * takes O(n log n) whatever it holds.
 *
 * GPT-NeoX and its descendants have pieces for runs of spaces among their added tokens;
 * a text is cut at these, the longest first, before it is cut into words. */
#define PCRE2_CODE_UNIT_WIDTH 8

#include "tokenizer/algorithms.h"
#include "tokenizer/utf8.h"

#include "base/memory.h"

#include <pcre2.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

/* A pattern comes from a file: it may not run for ever. */
enum { MATCH_LIMIT = 100000000, N_BYTES = 256 };
enum { MAX_RUN = 64 }; /* longest run of spaces that is a piece */
#define NOWHERE UINT32_MAX

typedef struct merge_slot {
    uint32_t left, right; /* left NOWHERE: empty */
    uint32_t rank;
    uint32_t result;
} merge_slot;

struct grt_bpe {
    int32_t byte_ids[N_BYTES];
    int32_t run_ids[MAX_RUN + 1]; /* of n spaces, or GRT_NO_TOKEN */
    size_t longest_run;           /* 0: there are none */
    merge_slot *merges;           /* open addressing */
    size_t mask;
    pcre2_code *pattern; /* NULL: a text is one word */
    pcre2_match_context *limits;
};

static size_t hash_pair(uint32_t left, uint32_t right)
{
    uint64_t hash = ((uint64_t)left << 32 | right) * 0x9E3779B97F4A7C15u;
    return (size_t)(hash ^ hash >> 29);
}

static const merge_slot *merge_of(const grt_bpe *bpe, uint32_t left, uint32_t right)
{
    for (size_t at = hash_pair(left, right) & bpe->mask;; at = (at + 1) & bpe->mask) {
        const merge_slot *slot = &bpe->merges[at];
        if (slot->left == NOWHERE) return NULL;
        if (slot->left == left && slot->right == right) return slot;
    }
}

/* ---- Creation ---- */

static grt_status fill_merges(grt_bpe *bpe, const grt_vocabulary *v, grt_error *err)
{
    size_t n_slots = 16;
    while (n_slots < 2 * v->n_merges)
        n_slots *= 2;
    GRT_TRY(
        grt_alloc_array(&bpe->merges, n_slots, sizeof(*bpe->merges), "merges", err));
    bpe->mask = n_slots - 1;
    for (size_t i = 0; i < n_slots; i++)
        bpe->merges[i].left = NOWHERE;
    for (size_t rank = 0; rank < v->n_merges; rank++) {
        const grt_merge *merge = &v->merges[rank];
        if (merge->left >= v->n_pieces || merge->right >= v->n_pieces ||
            merge->result >= v->n_pieces)
            GRT_FAIL(err, GRT_E_FORMAT, "merge %zu names an id beyond the vocabulary",
                     rank);
        if (merge_of(bpe, merge->left, merge->right)) continue; /* the first counts */
        size_t at = hash_pair(merge->left, merge->right) & bpe->mask;
        while (bpe->merges[at].left != NOWHERE)
            at = (at + 1) & bpe->mask;
        bpe->merges[at] =
            (merge_slot){merge->left, merge->right, (uint32_t)rank, merge->result};
    }
    return GRT_OK;
}

/* GPT-2's alphabet: printable bytes of Latin-1 stand for themselves, the others, in
 * order, for the characters from U+0100 on. */
static grt_status fill_bytes(grt_bpe *bpe, const grt_tokenizer *tokenizer,
                             grt_error *err)
{
    uint32_t next = 256;
    for (uint32_t byte = 0; byte < N_BYTES; byte++) {
        bool is_printable = (byte >= 33 && byte <= 126) || (byte >= 161 && byte != 173);
        char text[4];
        size_t n = grt_utf8_encode(text, is_printable ? byte : next++);
        bpe->byte_ids[byte] = grt_piece_map_get(&tokenizer->pieces, text, n);
        if (bpe->byte_ids[byte] == GRT_NO_TOKEN)
            GRT_FAIL(err, GRT_E_FORMAT, "the vocabulary has no piece for byte %u",
                     (unsigned)byte);
    }
    return GRT_OK;
}

/* A byte-level piece never holds a plain space: such a piece was added. */
static void find_runs(grt_bpe *bpe, const grt_vocabulary *v)
{
    for (size_t n = 0; n <= MAX_RUN; n++)
        bpe->run_ids[n] = GRT_NO_TOKEN;
    for (size_t id = 0; id < v->n_pieces; id++) {
        const grt_piece *piece = &v->pieces[id];
        size_t n = 0;
        if (!piece->text || piece->size > MAX_RUN) continue;
        while (n < piece->size && piece->text[n] == ' ')
            n++;
        if (n == 0 || n < piece->size) continue;
        bpe->run_ids[n] = (int32_t)id;
        if (n > bpe->longest_run) bpe->longest_run = n;
    }
}

static grt_status compile_pattern(grt_bpe *bpe, const char *pattern, grt_error *err)
{
    if (!pattern) return GRT_OK;
    int code;
    PCRE2_SIZE offset;
    bpe->pattern = pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED,
                                 PCRE2_UTF | PCRE2_UCP, &code, &offset, NULL);
    if (!bpe->pattern) {
        char reason[100];
        (void)pcre2_get_error_message(code, (PCRE2_UCHAR *)reason, sizeof(reason));
        GRT_FAIL(err, GRT_E_FORMAT,
                 "the pre-tokeniser's expression is wrong at %zu: %s", (size_t)offset,
                 reason);
    }
    (void)pcre2_jit_compile(bpe->pattern, PCRE2_JIT_COMPLETE); /* else interpreted */
    bpe->limits = pcre2_match_context_create(NULL);
    if (!bpe->limits) GRT_FAIL(err, GRT_E_NO_MEMORY, "no memory for the pre-tokeniser");
    pcre2_set_match_limit(bpe->limits, MATCH_LIMIT);
    return GRT_OK;
}

grt_status grt_bpe_create(grt_bpe **out, const grt_tokenizer *tokenizer, grt_error *err)
{
    grt_bpe *bpe;
    GRT_TRY(grt_alloc_array(&bpe, 1, sizeof(*bpe), "the tokenizer", err));
    find_runs(bpe, tokenizer->vocabulary);
    grt_status status = fill_bytes(bpe, tokenizer, err);
    if (status == GRT_OK) status = fill_merges(bpe, tokenizer->vocabulary, err);
    if (status == GRT_OK)
        status = compile_pattern(bpe, tokenizer->vocabulary->split_pattern, err);
    if (status != GRT_OK) {
        grt_bpe_free(bpe);
        return status;
    }
    *out = bpe;
    return GRT_OK;
}

void grt_bpe_free(grt_bpe *bpe)
{
    if (!bpe) return;
    pcre2_match_context_free(bpe->limits);
    pcre2_code_free(bpe->pattern);
    grt_free(bpe->merges);
    grt_free(bpe);
}

/* ---- One word ---- */

typedef struct symbol {
    uint32_t id; /* NOWHERE: joined into its left neighbour */
    uint32_t previous, next;
} symbol;

typedef struct candidate {
    uint32_t rank;
    uint32_t at; /* the left symbol */
    uint32_t left, right, result;
} candidate;

/* Scratch of one call of encode. */
typedef struct encoder {
    const grt_bpe *bpe;
    grt_ids *out;
    grt_error *err;
    symbol *symbols;
    size_t symbols_capacity;
    candidate *heap; /* at most one entry for each pair that ever was: 2 n */
    size_t n_heap;
    size_t heap_capacity;
} encoder;

static bool comes_first(const candidate *a, const candidate *b)
{
    return a->rank != b->rank ? a->rank < b->rank : a->at < b->at;
}

static void heap_push(encoder *e, candidate c)
{
    size_t at = e->n_heap++;
    while (at > 0) {
        size_t parent = (at - 1) / 2;
        if (!comes_first(&c, &e->heap[parent])) break;
        e->heap[at] = e->heap[parent];
        at = parent;
    }
    e->heap[at] = c;
}

static candidate heap_pop(encoder *e)
{
    candidate top = e->heap[0], last = e->heap[--e->n_heap];
    size_t at = 0;
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= e->n_heap) break;
        if (child + 1 < e->n_heap && comes_first(&e->heap[child + 1], &e->heap[child]))
            child++;
        if (!comes_first(&e->heap[child], &last)) break;
        e->heap[at] = e->heap[child];
        at = child;
    }
    e->heap[at] = last;
    return top;
}

/* Puts the pair of symbol `left` and its right neighbour on the heap if it has a merge.
 */
static void consider(encoder *e, uint32_t left)
{
    uint32_t right = e->symbols[left].next;
    if (right == NOWHERE) return;
    const merge_slot *merge =
        merge_of(e->bpe, e->symbols[left].id, e->symbols[right].id);
    if (!merge) return;
    heap_push(e,
              (candidate){merge->rank, left, merge->left, merge->right, merge->result});
}

static grt_status word_room(encoder *e, size_t n)
{
    if (n > e->symbols_capacity) {
        GRT_TRY(grt_realloc_array(&e->symbols, n < 64 ? 64 : n, sizeof(*e->symbols),
                                  "a word", e->err));
        e->symbols_capacity = n < 64 ? 64 : n;
    }
    if (2 * n > e->heap_capacity) {
        size_t capacity = 2 * n < 128 ? 128 : 2 * n;
        GRT_TRY(
            grt_realloc_array(&e->heap, capacity, sizeof(*e->heap), "a word", e->err));
        e->heap_capacity = capacity;
    }
    return GRT_OK;
}

static void merge_all(encoder *e)
{
    symbol *symbols = e->symbols;
    while (e->n_heap > 0) {
        candidate c = heap_pop(e);
        symbol *left = &symbols[c.at];
        uint32_t right_at = left->next;
        if (left->id != c.left || right_at == NOWHERE ||
            symbols[right_at].id != c.right)
            continue; /* one of them was joined elsewhere meanwhile */
        left->id = c.result;
        left->next = symbols[right_at].next;
        if (left->next != NOWHERE) symbols[left->next].previous = c.at;
        symbols[right_at].id = NOWHERE;
        consider(e, c.at);
        if (left->previous != NOWHERE) consider(e, left->previous);
    }
}

static grt_status encode_word(encoder *e, const char *text, size_t n)
{
    if (n == 0) return GRT_OK;
    GRT_TRY(word_room(e, n));
    for (size_t i = 0; i < n; i++)
        e->symbols[i] = (symbol){(uint32_t)e->bpe->byte_ids[(unsigned char)text[i]],
                                 i ? (uint32_t)i - 1 : NOWHERE,
                                 i + 1 < n ? (uint32_t)i + 1 : NOWHERE};
    e->n_heap = 0;
    for (size_t i = 0; i + 1 < n; i++)
        consider(e, (uint32_t)i);
    merge_all(e);
    for (uint32_t at = 0; at != NOWHERE; at = e->symbols[at].next) {
        int32_t id = (int32_t)e->symbols[at].id;
        GRT_TRY(grt_ids_append(e->out, &id, 1, e->err));
    }
    return GRT_OK;
}

/* ---- Words of a text ---- */

/* JIT code has a small stack of its own; what overflows it is interpreted. */
static int match_at(const grt_bpe *bpe, const char *text, size_t n, size_t at,
                    pcre2_match_data *data)
{
    int code = pcre2_match(bpe->pattern, (PCRE2_SPTR)text, n, at, PCRE2_NO_UTF_CHECK,
                           data, bpe->limits);
    if (code == PCRE2_ERROR_JIT_STACKLIMIT)
        code = pcre2_match(bpe->pattern, (PCRE2_SPTR)text, n, at,
                           PCRE2_NO_UTF_CHECK | PCRE2_NO_JIT, data, bpe->limits);
    return code;
}

static grt_status encode_words(encoder *e, const char *text, size_t n)
{
    if (n == 0 || !e->bpe->pattern) return encode_word(e, text, n);
    pcre2_match_data *data = pcre2_match_data_create(1, NULL);
    if (!data) GRT_FAIL(e->err, GRT_E_NO_MEMORY, "no memory for the pre-tokeniser");
    const PCRE2_SIZE *found = pcre2_get_ovector_pointer(data);
    grt_status status = GRT_OK;
    size_t done = 0, at = 0;
    while (status == GRT_OK && at < n) {
        int code = match_at(e->bpe, text, n, at, data);
        if (code == PCRE2_ERROR_NOMATCH) break;
        if (code < 0) {
            status =
                grt_error_set(e->err, GRT_E_FORMAT, -1,
                              "the pre-tokeniser's expression fails on a text (PCRE2 "
                              "error %d)",
                              code);
            break;
        }
        size_t length;
        (void)grt_utf8_decode(text + at, n - at, &length);
        at = found[1] > at ? found[1] : at + length; /* an empty match moves on */
        if (found[1] == found[0]) continue;
        status = encode_word(e, text + done, found[0] - done); /* between two matches */
        if (status == GRT_OK)
            status = encode_word(e, text + found[0], found[1] - found[0]);
        done = found[1];
    }
    pcre2_match_data_free(data);
    return status == GRT_OK ? encode_word(e, text + done, n - done) : status;
}

/* The longest piece of spaces that a text begins with; 0: none. */
static size_t run_at(const grt_bpe *bpe, const char *text, size_t n)
{
    size_t spaces = 0;
    while (spaces < n && spaces < bpe->longest_run && text[spaces] == ' ')
        spaces++;
    while (spaces > 0 && bpe->run_ids[spaces] == GRT_NO_TOKEN)
        spaces--;
    return spaces;
}

/* Words of what lies between the runs of spaces that are pieces. */
static grt_status encode_runs(encoder *e, const char *text, size_t n)
{
    size_t done = 0, at = 0;
    while (e->bpe->longest_run > 0 && at < n) {
        size_t run = run_at(e->bpe, text + at, n - at);
        if (run > 0) {
            GRT_TRY(encode_words(e, text + done, at - done));
            GRT_TRY(grt_ids_append(e->out, &e->bpe->run_ids[run], 1, e->err));
            done = at + run;
        }
        at += run ? run : 1;
    }
    return encode_words(e, text + done, n - done);
}

/* ---- Normalising ---- */

static bool is_ascii(const char *text, size_t n)
{
    size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        uint64_t word;
        memcpy(&word, text + i, 8);
        if (word & 0x8080808080808080u) return false;
    }
    for (; i < n; i++)
        if ((unsigned char)text[i] & 0x80) return false;
    return true;
}

/* A copy of text with invalid parts replaced by U+FFFD and a space before it if asked.
 */
static grt_status copy_valid(grt_text_buffer *out, const char *text, size_t n,
                             bool has_space, grt_error *err)
{
    GRT_TRY(grt_text_buffer_room(out, n + 8, err));
    if (has_space) out->data[out->n++] = ' ';
    for (size_t i = 0; i < n;) {
        size_t length;
        uint32_t c = grt_utf8_decode(text + i, n - i, &length);
        GRT_TRY(grt_text_buffer_room(out, 4, err));
        out->n += grt_utf8_encode(out->data + out->n, c);
        i += length;
    }
    return GRT_OK;
}

static grt_status encode_normal(encoder *e, const grt_vocabulary *v, const char *text,
                                size_t n)
{
    if (!v->use_nfc || is_ascii(text, n)) return encode_runs(e, text, n);
    utf8proc_uint8_t *composed = NULL;
    utf8proc_ssize_t n_composed =
        utf8proc_map((const utf8proc_uint8_t *)text, (utf8proc_ssize_t)n, &composed,
                     UTF8PROC_STABLE | UTF8PROC_COMPOSE);
    if (n_composed < 0)
        GRT_FAIL(e->err,
                 n_composed == UTF8PROC_ERROR_NOMEM ? GRT_E_NO_MEMORY : GRT_E_FORMAT,
                 "normalising a text: %s", utf8proc_errmsg(n_composed));
    grt_status status = encode_runs(e, (const char *)composed, (size_t)n_composed);
    free(composed);
    return status;
}

grt_status grt_bpe_encode(const grt_tokenizer *tokenizer, const char *text, size_t n,
                          grt_ids *out, grt_error *err)
{
    const grt_vocabulary *v = tokenizer->vocabulary;
    encoder e = {.bpe = tokenizer->bpe, .out = out, .err = err};
    grt_text_buffer valid = {0};
    bool has_space = v->add_prefix_space && text[0] != ' ';
    grt_status status = GRT_OK;
    if (has_space || !is_ascii(text, n)) {
        status = copy_valid(&valid, text, n, has_space, err);
        text = valid.data;
        n = valid.n;
    }
    if (status == GRT_OK) status = encode_normal(&e, v, text, n);
    grt_text_buffer_release(&valid);
    grt_free(e.symbols);
    grt_free(e.heap);
    return status;
}
