/* marks.c - the words of a query in a document, set off on a terminal. */
#include "rank/marks.h"

#include "frame/text.h"

#include <stdio.h>
#include <string.h>
#include <wctype.h>

typedef struct word {
    const char *text;
    size_t bytes;
    size_t n; /* characters */
} word;

/* The next word at or after `*at`; 0: there is none. */
static int next_word(const char *text, size_t bytes, size_t *at, word *out)
{
    *out = (word){0};
    while (*at < bytes) {
        uint32_t point;
        size_t length = wire_decode(text + *at, bytes - *at, &point);
        int is_letter = iswalnum((wint_t)point);
        if (!is_letter && out->n) return 1;
        if (is_letter) {
            if (!out->n) out->text = text + *at;
            out->bytes += length;
            out->n++;
        }
        *at += length;
    }
    return out->n > 0;
}

/* Equal but for case, where the longer one may have an "s" more. */
static int is_same(const word *a, const word *b)
{
    const word *longer = a->n >= b->n ? a : b, *shorter = longer == a ? b : a;
    size_t i = 0, j = 0;
    if (longer->n > shorter->n + 1) return 0;
    while (j < shorter->bytes) {
        uint32_t left, right;
        i += wire_decode(longer->text + i, longer->bytes - i, &left);
        j += wire_decode(shorter->text + j, shorter->bytes - j, &right);
        if (towlower((wint_t)left) != towlower((wint_t)right)) return 0;
    }
    return i == longer->bytes || longer->text[i] == 's' || longer->text[i] == 'S';
}

static int is_common(const word *query_word)
{
    static const char *const words[] = {"the",  "and",  "are",  "for", "how", "what",
                                        "does", "did",  "was",  "who", "why", "when",
                                        "with", "from", "that", "this"};
    if (query_word->n < 3) return 1;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        word common = {words[i], strlen(words[i]), strlen(words[i])};
        if (common.n == query_word->n && is_same(query_word, &common)) return 1;
    }
    return 0;
}

static int is_of_query(const char *query, size_t query_bytes, const word *found)
{
    size_t at = 0;
    word wanted;
    while (next_word(query, query_bytes, &at, &wanted)) {
        if (!is_common(&wanted) && is_same(&wanted, found)) return 1;
    }
    return 0;
}

void cli_marks_print(const char *query, size_t query_bytes, const char *text,
                     size_t bytes, size_t columns)
{
    size_t fit = cli_text_fit(text, bytes, columns), at = 0, printed = 0;
    word found;
    while (next_word(text, fit, &at, &found)) {
        /* Half a word before the dots is none. */
        if ((found.text + found.bytes == text + fit && fit < bytes) ||
            !is_of_query(query, query_bytes, &found))
            continue;
        size_t begin = (size_t)(found.text - text);
        cli_text_print(stdout, text + printed, begin - printed, 0);
        fputs("\033[1m", stdout);
        cli_text_print(stdout, found.text, found.bytes, 0);
        fputs("\033[0m", stdout);
        printed = begin + found.bytes;
    }
    cli_text_print(stdout, text + printed, fit - printed, 0);
    if (fit < bytes) fputs("...", stdout);
}
