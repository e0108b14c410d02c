/*
 * bench_text.c - documents to measure with.
 *
 * Without a file, words are drawn by Zipf's law, as words of real text are: the r-th
 * most frequent of 30,000 has weight 1 / r.  The first ranks are common English words,
 * the others are made of syllables.  So a request has a few tokens that occur often and
 * many that occur once or twice, which is what a cache of embeddings meets.
 */
#include "bench/bench.h"

#include "frame/cli.h"
#include "frame/documents.h"

#include <stdlib.h>
#include <string.h>

enum { N_WORDS = 30000, WORD_BYTES = 24, TEXT_MAX_BYTES = 64 << 20 };

const char bench_query[] = "how do owls hunt at night";

static const char *const common_letters[] = {
    "the",    "of",    "and",   "to",    "in",    "a",     "is",    "that",  "for",
    "it",     "as",    "was",   "with",  "be",    "by",    "on",    "not",   "he",
    "this",   "are",   "or",    "his",   "from",  "at",    "which", "but",   "have",
    "an",     "had",   "they",  "you",   "were",  "their", "one",   "all",   "we",
    "can",    "her",   "has",   "there", "been",  "if",    "more",  "when",  "will",
    "who",    "no",    "so",    "out",   "what",  "up",    "about", "into",  "than",
    "them",   "time",  "only",  "some",  "may",   "other", "these", "two",   "first",
    "any",    "like",  "now",   "over",  "such",  "our",   "most",  "made",  "after",
    "also",   "did",   "many",  "must",  "years", "much",  "where", "well",  "down",
    "people", "water", "world", "long",  "work",  "life",  "great", "night", "house"};
enum { N_COMMON = sizeof common_letters / sizeof common_letters[0] };

/* Two syllables or more, so that few of them are words. */
static void spell(char *out, size_t rank)
{
    static const char consonants[] = "bcdfghklmnprstvw", vowels[] = "aeiou";
    enum { N_CONSONANTS = sizeof consonants - 1, N_VOWELS = sizeof vowels - 1 };
    if (rank < N_COMMON) {
        snprintf(out, WORD_BYTES, "%s", common_letters[rank]);
        return;
    }
    size_t n = 0, rest = rank - N_COMMON;
    do {
        out[n++] = consonants[rest % N_CONSONANTS];
        rest /= N_CONSONANTS;
        out[n++] = vowels[rest % N_VOWELS];
        rest /= N_VOWELS;
    } while (rest > 0 || n < 4);
    out[n] = 0;
}

/* Where words come from: made up, or those of a file one after the other. */
typedef struct word_source {
    double *sums; /* [N_WORDS] of the weights, when made up */
    uint64_t state;
    char *text; /* of the file, white space as NULs */
    size_t bytes;
    size_t at;
    char word[WORD_BYTES];
} word_source;

/* splitmix64 */
static uint64_t next_random(uint64_t *state)
{
    uint64_t z = *state += 0x9E3779B97F4A7C15u;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
}

static const char *make_word(word_source *source)
{
    double total = source->sums[N_WORDS - 1];
    double wanted = (double)(next_random(&source->state) >> 11) / 9007199254740992.0;
    size_t low = 0, high = N_WORDS - 1;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (source->sums[middle] > wanted * total)
            high = middle;
        else
            low = middle + 1;
    }
    spell(source->word, low);
    return source->word;
}

static const char *next_word(word_source *source)
{
    if (source->sums) return make_word(source);
    while (!source->text[source->at])
        source->at = (source->at + 1) % source->bytes;
    const char *word = source->text + source->at;
    source->at += strlen(word);
    return word;
}

static int read_words(word_source *source, const char *path)
{
    cli_lines lines;
    int code = cli_lines_open(&lines, path), found = 0;
    if (code) return code;
    while (!code && (found = cli_lines_next(&lines)) > 0) {
        if (source->bytes + lines.bytes + 1 > TEXT_MAX_BYTES) break;
        char *text = realloc(source->text, source->bytes + lines.bytes + 1);
        if (!text) {
            code = cli_fail("out of memory");
            break;
        }
        source->text = text;
        for (size_t i = 0; i < lines.bytes; i++) {
            char c = lines.line[i];
            text[source->bytes + i] = strchr(" \t\r\v\f", c) ? 0 : c;
        }
        source->bytes += lines.bytes + 1;
        text[source->bytes - 1] = 0;
    }
    cli_lines_close(&lines);
    if (!code && found < 0) code = CLI_FAILURE;
    size_t n_letters = 0;
    for (size_t i = 0; i < source->bytes; i++)
        n_letters += source->text[i] != 0;
    if (!code && n_letters == 0) code = cli_fail("%s: there is no text", path);
    return code;
}

static int open_source(word_source *source, const char *path)
{
    *source = (word_source){.state = 1};
    if (path) return read_words(source, path);
    double sum = 0;
    source->sums = malloc(N_WORDS * sizeof *source->sums);
    if (!source->sums) return cli_fail("out of memory");
    for (size_t i = 0; i < N_WORDS; i++)
        source->sums[i] = sum += 1 / (double)(i + 1);
    return CLI_SUCCESS;
}

typedef struct text_buffer {
    char *data;
    size_t size, capacity;
} text_buffer;

static int append_word(text_buffer *text, const char *word)
{
    size_t n = strlen(word);
    if (text->size + n + 2 > text->capacity) {
        size_t capacity = 2 * text->capacity + n + 64;
        char *data = realloc(text->data, capacity);
        if (!data) return cli_fail("out of memory");
        text->data = data;
        text->capacity = capacity;
    }
    text->data[text->size] = ' ';
    memcpy(text->data + text->size + 1, word, n + 1);
    text->size += n + 1;
    return CLI_SUCCESS;
}

/* Tokenisers split at spaces, so the counts of words add up. */
static int make_document(char **out, word_source *source, const grt_model *model,
                         size_t n_tokens)
{
    text_buffer text = {0};
    int code = CLI_SUCCESS;
    for (size_t n = 0; !code && n < n_tokens;) {
        grt_error error = {0};
        size_t start = text.size, count = 0;
        code = append_word(&text, next_word(source));
        if (code) break;
        grt_status status = grt_count_tokens(&count, model, text.data + start,
                                             text.size - start, &error);
        if (status) code = cli_fail_status("texts", status, &error);
        n += count ? count : 1;
    }
    if (code)
        free(text.data);
    else
        *out = text.data;
    return code;
}

int bench_texts_make(bench_texts *out, const grt_model *model, size_t n,
                     size_t n_tokens, const char *path)
{
    word_source source;
    *out = (bench_texts){0};
    int code = open_source(&source, path);
    if (!code) {
        out->documents = calloc(n, sizeof *out->documents);
        if (!out->documents) code = cli_fail("out of memory");
    }
    while (!code && out->n < n) {
        code = make_document(&out->documents[out->n], &source, model, n_tokens);
        out->n += !code;
    }
    free(source.sums);
    free(source.text);
    return code;
}

void bench_texts_release(bench_texts *texts)
{
    for (size_t i = 0; i < texts->n; i++)
        free(texts->documents[i]);
    free(texts->documents);
    *texts = (bench_texts){0};
}
