/* bpe.c - byte-level byte-pair encoding (GPT-2, Qwen2, Llama 3).
 *
 * Sennrich et al. 2016 (arXiv 1508.07909), over bytes.  The text is cut into words by
 * the vocabulary's expression; a word begins as one symbol for each byte, and the
 * neighbours whose merge has the lowest rank are joined until none is left. */
#include "tokenizer/algorithms.h"
#include "tokenizer/lower.h"
#include "tokenizer/merger.h"
#include "tokenizer/pipeline.h"
#include "tokenizer/trie.h"
#include "tokenizer/utf8.h"

#include "base/memory.h"

#include <pcre2.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

/* A pattern comes from a file: it may not run for ever. */
enum { MATCH_LIMIT = 100000000, N_BYTES = 256 };

/* A byte in the alphabet of the pieces. */
typedef struct letter {
    char text[2];
    uint8_t size;
} letter;

struct grt_bpe {
    const grt_tokenizer *tokenizer;
    letter letters[N_BYTES];
    int32_t byte_ids[N_BYTES];
    grt_merge_table merges;
    grt_trie verbatim;
    pcre2_code *pattern; /* NULL: a text is one word */
    pcre2_match_context *limits;
};

/* ---- Creation ---- */

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
        bpe->letters[byte].size = (uint8_t)n;
        memcpy(bpe->letters[byte].text, text, n < 2 ? n : 2);
        bpe->byte_ids[byte] = grt_piece_map_get(&tokenizer->pieces, text, n);
        if (bpe->byte_ids[byte] == GRT_NO_TOKEN)
            GRT_FAIL(err, GRT_E_FORMAT, "the vocabulary has no piece for byte %u",
                     (unsigned)byte);
    }
    return GRT_OK;
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
    bpe->tokenizer = tokenizer;
    grt_status status = fill_bytes(bpe, tokenizer, err);
    if (status == GRT_OK)
        status = grt_merge_table_init(&bpe->merges, tokenizer->vocabulary, err);
    if (status == GRT_OK)
        status = grt_trie_init(&bpe->verbatim, tokenizer->vocabulary,
                               grt_piece_is_verbatim, err);
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
    grt_merge_table_release(&bpe->merges);
    grt_trie_release(&bpe->verbatim);
    grt_free(bpe);
}

/* ---- One word ---- */

/* Scratch of one call of encode. */
typedef struct encoder {
    const grt_bpe *bpe;
    grt_ids *out;
    grt_error *err;
    grt_merger merger;
} encoder;

/* The piece whose bytes are text[n], GRT_NO_TOKEN when there is none. */
static int32_t find_word(const grt_bpe *bpe, const char *text, size_t n)
{
    char word[GRT_MAX_PIECE_BYTES];
    size_t size = 0;
    if (n > bpe->tokenizer->longest_piece) return GRT_NO_TOKEN;
    for (size_t i = 0; i < n; i++) {
        const letter *l = &bpe->letters[(unsigned char)text[i]];
        if (size + l->size > sizeof(word)) return GRT_NO_TOKEN;
        memcpy(word + size, l->text, l->size);
        size += l->size;
    }
    return grt_piece_map_get(&bpe->tokenizer->pieces, word, size);
}

static grt_status encode_word(encoder *e, const char *text, size_t n)
{
    for (size_t part; n > GRT_WORD_BYTES; text += part, n -= part) {
        part = grt_word_part(text, n);
        GRT_TRY(encode_word(e, text, part));
    }
    if (n == 0) return GRT_OK;
    if (e->bpe->tokenizer->vocabulary->whole_words_first) {
        int32_t id = find_word(e->bpe, text, n);
        if (id != GRT_NO_TOKEN) return grt_ids_append(e->out, &id, 1, e->err);
    }
    GRT_TRY(grt_merger_begin(&e->merger, text, n, e->err));
    grt_symbol *symbols = e->merger.symbols;
    for (size_t i = 0; i < n; i++)
        symbols[i] = (grt_symbol){(uint32_t)e->bpe->byte_ids[(unsigned char)text[i]], 1,
                                  i ? (uint32_t)i - 1 : GRT_NOWHERE,
                                  i + 1 < n ? (uint32_t)i + 1 : GRT_NOWHERE};
    grt_merger_run(&e->merger);
    for (uint32_t at = 0; at != GRT_NOWHERE; at = symbols[at].next) {
        int32_t id = (int32_t)symbols[at].id;
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
    if (!e->bpe->pattern) return encode_word(e, text, n);
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

/* Character by character: a final sigma is like any other. */
static grt_status encode_lower(encoder *e, const grt_vocabulary *v, const char *text,
                               size_t n)
{
    if (!v->lower_case) return encode_words(e, text, n);
    grt_text_buffer out = {0};
    grt_status status = grt_text_buffer_room(&out, n, e->err);
    for (size_t i = 0; status == GRT_OK && i < n;) {
        size_t length;
        uint32_t c = grt_utf8_decode(text + i, n - i, &length);
        status = grt_text_buffer_room(&out, GRT_LOWER_BYTES, e->err);
        if (status == GRT_OK) out.n += grt_lower_encode(out.data + out.n, c);
        i += length;
    }
    if (status == GRT_OK) status = encode_words(e, out.data, out.n);
    grt_text_buffer_release(&out);
    return status;
}

static grt_status encode_normal(encoder *e, const grt_vocabulary *v, const char *text,
                                size_t n)
{
    if (n == 0) return GRT_OK; /* between two pieces that stand as they are */
    if (!v->use_nfc || is_ascii(text, n)) return encode_lower(e, v, text, n);
    utf8proc_uint8_t *composed = NULL;
    utf8proc_ssize_t n_composed =
        utf8proc_map((const utf8proc_uint8_t *)text, (utf8proc_ssize_t)n, &composed,
                     UTF8PROC_STABLE | UTF8PROC_COMPOSE);
    if (n_composed < 0)
        GRT_FAIL(e->err,
                 n_composed == UTF8PROC_ERROR_NOMEM ? GRT_E_NO_MEMORY : GRT_E_FORMAT,
                 "normalising a text: %s", utf8proc_errmsg(n_composed));
    grt_status status = encode_lower(e, v, (const char *)composed, (size_t)n_composed);
    free(composed);
    return status;
}

/* Cuts out what is a piece as it stands. */
static grt_status encode_parts(encoder *e, const grt_vocabulary *v, const char *text,
                               size_t n)
{
    size_t begin = 0;
    for (size_t at = 0; at < n && e->bpe->verbatim.n_nodes;) {
        int32_t id;
        size_t taken = grt_trie_longest(&e->bpe->verbatim, text + at, n - at, &id);
        if (taken) {
            GRT_TRY(encode_normal(e, v, text + begin, at - begin));
            GRT_TRY(grt_ids_append(e->out, &id, 1, e->err));
            begin = at + taken;
        }
        at += taken ? taken : 1;
    }
    return encode_normal(e, v, text + begin, n - begin);
}

grt_merger grt_bpe_merger(const grt_tokenizer *tokenizer)
{
    grt_merger merger = {.find = grt_merge_by_table};
    if (tokenizer->bpe) merger.payload = &tokenizer->bpe->merges;
    return merger;
}

grt_status grt_bpe_encode_word(const grt_tokenizer *tokenizer, grt_merger *merger,
                               const char *text, size_t n, grt_ids *out, grt_error *err)
{
    encoder e = {.bpe = tokenizer->bpe, .out = out, .err = err, .merger = *merger};
    grt_status status = encode_word(&e, text, n);
    *merger = e.merger;
    return status;
}

grt_status grt_bpe_encode(const grt_tokenizer *tokenizer, const char *text, size_t n,
                          grt_ids *out, grt_error *err)
{
    const grt_vocabulary *v = tokenizer->vocabulary;
    encoder e = {.bpe = tokenizer->bpe,
                 .out = out,
                 .err = err,
                 .merger = grt_bpe_merger(tokenizer)};
    grt_text_buffer valid = {0};
    bool has_space = v->add_prefix_space && text[0] != ' ';
    grt_status status = GRT_OK;
    if (has_space || !is_ascii(text, n)) {
        status = copy_valid(&valid, text, n, has_space, err);
        text = valid.data;
        n = valid.n;
    }
    if (status == GRT_OK) status = encode_parts(&e, v, text, n);
    grt_text_buffer_release(&valid);
    grt_merger_release(&e.merger);
    return status;
}
