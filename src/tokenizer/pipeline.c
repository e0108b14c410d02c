/* pipeline.c - see pipeline.h.
 *
 * Added words are cut out first, each side of one is normalised on its own, words that
 * are found in normalised text are cut out of that, and what is left is split and goes
 * to the model part by part, as Hugging Face's library does it. */
#include "tokenizer/pipeline.h"

#include "tokenizer/classes.h"
#include "tokenizer/white_space.h"

#include "base/memory.h"

enum { MATCH_LIMIT = 100000000 };

/* ---- Creation ---- */

/* The switches of BERT as steps. */
static size_t steps_of_bert(const grt_vocabulary *v, grt_text_step *out)
{
    size_t n = 0;
    if (v->clean_text) out[n++] = (grt_text_step){.kind = GRT_STEP_CLEAN};
    if (v->split_cjk) out[n++] = (grt_text_step){.kind = GRT_STEP_APART};
    if (v->strip_accents) {
        out[n++] = (grt_text_step){.kind = GRT_STEP_NFD};
        out[n++] = (grt_text_step){.kind = GRT_STEP_DROP_MN};
    }
    if (v->lower_case) out[n++] = (grt_text_step){.kind = GRT_STEP_LOWERCASE};
    return n;
}

static const grt_text_step words_of_bert[] = {
    {.kind = GRT_STEP_CUT_CLASS, .class = GRT_CLASS_WHITE_SPACE},
    {.kind = GRT_STEP_CUT_CLASS,
     .class = GRT_CLASS_PUNCTUATION,
     .behavior = GRT_CUT_ISOLATED},
};
enum { N_BERT_STEPS = 5, N_BERT_CUTS = 2 };

static grt_status compile(grt_compiled_step *step, grt_error *err)
{
    if (!step->step.pattern) return GRT_OK;
    int code;
    PCRE2_SIZE offset;
    step->code = pcre2_compile((PCRE2_SPTR)step->step.pattern, PCRE2_ZERO_TERMINATED,
                               PCRE2_UTF | PCRE2_UCP, &code, &offset, NULL);
    if (!step->code) {
        char reason[100];
        (void)pcre2_get_error_message(code, (PCRE2_UCHAR *)reason, sizeof(reason));
        GRT_FAIL(err, GRT_E_FORMAT,
                 "the tokenizer's expression \"%.60s\" is wrong at "
                 "%zu: %s",
                 step->step.pattern, (size_t)offset, reason);
    }
    (void)pcre2_jit_compile(step->code, PCRE2_JIT_COMPLETE); /* else interpreted */
    return GRT_OK;
}

static grt_status set_steps(grt_pipeline *p, const grt_text_step *normalisers,
                            size_t n_normalisers, const grt_text_step *splitters,
                            size_t n_splitters, grt_error *err)
{
    size_t n = n_normalisers + n_splitters;
    GRT_TRY(grt_alloc_array(&p->steps, n, sizeof(*p->steps), "the tokenizer", err));
    p->n_normalisers = n_normalisers;
    p->n_splitters = n_splitters;
    for (size_t i = 0; i < n; i++) {
        p->steps[i].step =
            i < n_normalisers ? normalisers[i] : splitters[i - n_normalisers];
        GRT_TRY(compile(&p->steps[i], err));
    }
    return GRT_OK;
}

/* Texts of one call. */
typedef struct run {
    const grt_tokenizer *tokenizer;
    const grt_pipeline *pipeline;
    grt_ids *out;
    grt_error *err;
    grt_parts parts, spare;
    grt_text_buffer valid;
    grt_sentence_run sentence;
    grt_merger merger;
} run;

/* Runs all normalisers over text[n]; the result is r->parts.text. */
static grt_status normalise(run *r, const char *text, size_t n, bool *is_shifted)
{
    const grt_pipeline *p = r->pipeline;
    grt_text_buffer *from = &r->parts.text, *to = &r->spare.text;
    from->n = 0;
    GRT_TRY(grt_text_buffer_room(from, n + 16, r->err));
    if (n) memcpy(from->data, text, n);
    from->n = n;
    for (size_t i = 0; i < p->n_normalisers; i++) {
        GRT_TRY(grt_step_normalise(p, &p->steps[i], &r->tokenizer->vocabulary->charsmap,
                                   from, to, is_shifted, r->err));
        grt_text_buffer swap = *from;
        *from = *to;
        *to = swap;
    }
    return GRT_OK;
}

static bool every_piece(const grt_piece *piece)
{
    (void)piece;
    return true;
}

/* The texts of a finder's words as pieces, whose ids are the words' places. */
static grt_status index_words(grt_word_finder *finder, run *r, grt_vocabulary *texts,
                              bool are_normalised)
{
    const grt_vocabulary *v = r->tokenizer->vocabulary;
    GRT_TRY(grt_arena_alloc(&texts->arena, &texts->pieces, v->n_words,
                            sizeof(grt_piece), r->err));
    for (size_t i = 0; i < v->n_words; i++) {
        const grt_added_word *word = &v->words[i];
        if (word->is_normalised != are_normalised) continue;
        const grt_piece *piece = &v->pieces[word->id];
        const char *text = piece->text;
        size_t n = piece->size;
        bool is_shifted = false;
        if (are_normalised) {
            GRT_TRY(normalise(r, text, n, &is_shifted));
            text = r->parts.text.data;
            n = r->parts.text.n;
        }
        if (n == 0 || n > GRT_MAX_PIECE_BYTES) continue;
        grt_piece *copy = &texts->pieces[texts->n_pieces++];
        copy->size = (uint32_t)n;
        GRT_TRY(grt_arena_copy_text(&texts->arena, &copy->text, text, n, r->err));
        finder->words[finder->n++] = *word;
    }
    return grt_trie_init(&finder->trie, texts, every_piece, r->err);
}

static grt_status find_words(grt_word_finder *finder, const grt_pipeline *pipeline,
                             const grt_tokenizer *tokenizer, bool are_normalised,
                             grt_error *err)
{
    run r = {.tokenizer = tokenizer, .pipeline = pipeline, .err = err};
    grt_vocabulary texts = {0};
    grt_status status = grt_alloc_array(&finder->words, tokenizer->vocabulary->n_words,
                                        sizeof(*finder->words), "added words", err);
    if (status == GRT_OK) status = index_words(finder, &r, &texts, are_normalised);
    grt_vocabulary_release(&texts);
    grt_parts_release(&r.parts);
    grt_parts_release(&r.spare);
    return status;
}

static grt_status init(grt_pipeline *p, const grt_tokenizer *tokenizer, grt_error *err)
{
    const grt_vocabulary *v = tokenizer->vocabulary;
    p->limits = pcre2_match_context_create(NULL);
    if (!p->limits) GRT_FAIL(err, GRT_E_NO_MEMORY, "no memory for the tokenizer");
    pcre2_set_match_limit(p->limits, MATCH_LIMIT);
    grt_text_step bert[N_BERT_STEPS];
    if (v->has_steps)
        GRT_TRY(set_steps(p, v->normalisers, v->n_normalisers, v->splitters,
                          v->n_splitters, err));
    else
        GRT_TRY(set_steps(p, bert, steps_of_bert(v, bert), words_of_bert, N_BERT_CUTS,
                          err));
    GRT_TRY(find_words(&p->raw, p, tokenizer, false, err));
    return find_words(&p->normal, p, tokenizer, true, err);
}

grt_status grt_pipeline_create(grt_pipeline **out, const grt_tokenizer *tokenizer,
                               grt_error *err)
{
    grt_pipeline *pipeline;
    GRT_TRY(grt_alloc_array(&pipeline, 1, sizeof(*pipeline), "the tokenizer", err));
    grt_status status = init(pipeline, tokenizer, err);
    if (status != GRT_OK)
        grt_pipeline_free(pipeline);
    else
        *out = pipeline;
    return status;
}

static void finder_release(grt_word_finder *finder)
{
    grt_trie_release(&finder->trie);
    grt_free(finder->words);
}

void grt_pipeline_free(grt_pipeline *pipeline)
{
    if (!pipeline) return;
    for (size_t i = 0;
         pipeline->steps && i < pipeline->n_normalisers + pipeline->n_splitters; i++)
        pcre2_code_free(pipeline->steps[i].code);
    grt_free(pipeline->steps);
    finder_release(&pipeline->raw);
    finder_release(&pipeline->normal);
    pcre2_match_context_free(pipeline->limits);
    grt_free(pipeline);
}

/* ---- The model ---- */

static grt_status encode_part(run *r, const char *text, size_t n)
{
    if (n == 0) return GRT_OK;
    r->sentence.is_after_unknown = false;
    switch (r->tokenizer->vocabulary->kind) {
    case GRT_TOKENIZER_WORDPIECE:
        return grt_wordpiece_encode_word(r->tokenizer, text, n, r->out, r->err);
    case GRT_TOKENIZER_BPE:
        return grt_bpe_encode_word(r->tokenizer, &r->merger, text, n, r->out, r->err);
    case GRT_TOKENIZER_UNIGRAM: return grt_unigram_encode(&r->sentence, text, n);
    case GRT_TOKENIZER_SENTENCE_BPE: break;
    }
    return grt_sentence_bpe_encode(&r->sentence, text, n);
}

/* A stretch of normalised text between added words. */
static grt_status encode_normal(run *r, const char *text, size_t n, bool is_first)
{
    const grt_pipeline *p = r->pipeline;
    if (n == 0) return GRT_OK;
    grt_parts parts = {0}, spare = {0};
    grt_status status = grt_text_buffer_room(&parts.text, n, r->err);
    if (status == GRT_OK) {
        memcpy(parts.text.data, text, n);
        parts.text.n = n;
        status = grt_parts_add(&parts, 0, n, r->err);
    }
    for (size_t i = 0; i < p->n_splitters && status == GRT_OK; i++) {
        status = grt_step_split(p, &p->steps[p->n_normalisers + i], &parts, &spare,
                                is_first, r->err);
        grt_parts swap = parts;
        parts = spare;
        spare = swap;
    }
    if (status == GRT_OK && parts.text.n > UINT32_MAX / 2)
        status = grt_error_set(r->err, GRT_E_TOO_LONG, -1,
                               "a text has %zu bytes when normalised", parts.text.n);
    for (size_t i = 0; i < parts.n && status == GRT_OK; i++)
        status = encode_part(r, parts.text.data + parts.list[i].begin,
                             parts.list[i].end - parts.list[i].begin);
    grt_parts_release(&parts);
    grt_parts_release(&spare);
    return status;
}

/* ---- Added words ---- */

/* The character before text[at], 0 at the start. */
static uint32_t character_before(const char *text, size_t at, size_t *begin)
{
    if (at == 0) return 0;
    size_t from = at - 1, length;
    while (from > 0 && ((unsigned char)text[from] & 0xC0) == 0x80)
        from--;
    *begin = from;
    return grt_utf8_decode(text + from, at - from, &length);
}

static bool stands_alone(const char *text, size_t n, size_t begin, size_t end)
{
    size_t at, length;
    uint32_t before = character_before(text, begin, &at);
    uint32_t after = end < n ? grt_utf8_decode(text + end, n - end, &length) : 0;
    return !(before && grt_is_word_character(before)) &&
           !(after && grt_is_word_character(after));
}

/* Takes white space beside a word into it, to the left down to `limit`. */
static void widen(const grt_added_word *word, const char *text, size_t n, size_t limit,
                  size_t *begin, size_t *end)
{
    size_t at = *begin, length;
    while (word->takes_left && at > limit &&
           grt_is_white_space(character_before(text, at, &at)) && at >= limit)
        *begin = at;
    while (word->takes_right && *end < n) {
        if (!grt_is_white_space(grt_utf8_decode(text + *end, n - *end, &length))) break;
        *end += length;
    }
}

typedef grt_status stretch_fn(run *r, const char *text, size_t n, bool is_first);

/* Cuts text[n] at the words of `finder`; what lies between goes to `encode`. */
static grt_status cut_at_words(run *r, const grt_word_finder *finder, const char *text,
                               size_t n, bool is_first, stretch_fn *encode)
{
    size_t done = 0;
    for (size_t at = 0; at < n && finder->n > 0;) {
        int32_t place;
        size_t taken = grt_trie_longest(&finder->trie, text + at, n - at, &place);
        size_t begin = at, end = at + taken;
        at += taken ? taken : 1;
        if (taken == 0) continue;
        const grt_added_word *word = &finder->words[place];
        if (word->is_single_word && !stands_alone(text, n, begin, end)) continue;
        widen(word, text, n, done, &begin, &end);
        GRT_TRY(encode(r, text + done, begin - done, is_first && done == 0));
        GRT_TRY(grt_ids_append(r->out, &word->id, 1, r->err));
        done = at = end;
    }
    return encode(r, text + done, n - done, is_first && done == 0);
}

/* A stretch of the user's text between words that are found there. */
static grt_status encode_raw(run *r, const char *text, size_t n, bool is_first)
{
    bool is_shifted = false;
    if (n == 0) return GRT_OK;
    GRT_TRY(normalise(r, text, n, &is_shifted));
    grt_text_buffer normal = r->parts.text; /* others use the buffers of `run` */
    r->parts.text = (grt_text_buffer){0};
    grt_status status = cut_at_words(r, &r->pipeline->normal, normal.data, normal.n,
                                     is_first && !is_shifted, encode_normal);
    grt_text_buffer_release(&normal);
    return status;
}

/* A copy with U+FFFD for what is no UTF-8. */
static grt_status copy_valid(run *r, const char *text, size_t n)
{
    GRT_TRY(grt_text_buffer_room(&r->valid, n + 8, r->err));
    for (size_t at = 0, length; at < n; at += length) {
        uint32_t c = grt_utf8_decode(text + at, n - at, &length);
        GRT_TRY(grt_text_buffer_room(&r->valid, 4, r->err));
        r->valid.n += grt_utf8_encode(r->valid.data + r->valid.n, c);
    }
    return GRT_OK;
}

grt_status grt_pipeline_encode(const grt_tokenizer *tokenizer, const char *text,
                               size_t n, grt_ids *out, grt_error *err)
{
    run r = {.tokenizer = tokenizer,
             .pipeline = tokenizer->pipeline,
             .out = out,
             .err = err,
             .sentence = grt_sentence_run_begin(tokenizer, out, err),
             .merger = grt_bpe_merger(tokenizer)};
    grt_status status = copy_valid(&r, text, n);
    if (status == GRT_OK)
        status = cut_at_words(&r, &r.pipeline->raw, r.valid.data, r.valid.n, true,
                              encode_raw);
    grt_text_buffer_release(&r.valid);
    grt_parts_release(&r.parts);
    grt_parts_release(&r.spare);
    grt_sentence_run_end(&r.sentence);
    grt_merger_release(&r.merger);
    return status;
}
