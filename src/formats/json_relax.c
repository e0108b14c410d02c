/* json_relax.c - see json_relax.h.
 *
 * One pass over the bytes.  Outside of strings only numbers and the three words that
 * Python writes are looked at, inside only escapes of surrogates. */
#include "formats/json_relax.h"

#include "base/checked.h"
#include "base/memory.h"
#include "io/file.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_NUMBER_BYTES = 400, SAFE_DIGITS = 18 };

typedef struct relaxer {
    grt_json_relaxed *out;
    const char *text;
    size_t n, at;
    bool is_inside; /* a string */
} relaxer;

static void put(relaxer *r, const char *text, size_t n)
{
    memcpy(r->out->text + r->out->n, text, n);
    r->out->n += n;
}

static bool starts_with(const relaxer *r, const char *word)
{
    size_t n = strlen(word);
    return r->n - r->at >= n && memcmp(r->text + r->at, word, n) == 0;
}

/* NaN, Infinity or -Infinity; false when none stands here. */
static bool take_word(relaxer *r)
{
    static const char *const words[] = {"NaN", "Infinity", "-Infinity"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (starts_with(r, words[i])) {
            put(r, "\"", 1);
            put(r, words[i], strlen(words[i]));
            put(r, "\"", 1);
            r->at += strlen(words[i]);
            r->out->had_not_finite = true;
            return true;
        }
    return false;
}

static size_t number_bytes(const relaxer *r)
{
    size_t n = 0;
    while (r->at + n < r->n && strchr("+-.0123456789eE", r->text[r->at + n]) &&
           r->text[r->at + n] != '\0')
        n++;
    return n;
}

/* A number, as it stands where 64 bits or a double hold it. */
static void take_number(relaxer *r)
{
    const char *number = r->text + r->at;
    size_t n = number_bytes(r), n_digits = n - (*number == '-');
    bool is_whole = true;
    for (size_t i = 0; i < n; i++)
        is_whole &= strchr(".eE", number[i]) == NULL;
    r->at += n;
    if (is_whole && n_digits <= SAFE_DIGITS) {
        put(r, number, n);
        return;
    }
    char copy[MAX_NUMBER_BYTES + 1];
    bool is_too_long = n > MAX_NUMBER_BYTES;
    size_t n_copy = is_too_long ? 0 : n;
    memcpy(copy, number, n_copy);
    copy[n_copy] = '\0';
    if ((is_whole && is_too_long) || (!is_too_long && isinf(strtod(copy, NULL)))) {
        put(r, "\"Infinity\"", 10);
        r->out->had_not_finite = true;
        return;
    }
    put(r, number, n);
    if (!is_whole) return;
    put(r, "e0", 2);
    r->out->had_large = true;
}

/* The value of \uXXXX at text[at], or -1. */
static long escaped(const relaxer *r, size_t at)
{
    if (r->n < 6 || at > r->n - 6 || r->text[at] != '\\' || r->text[at + 1] != 'u')
        return -1;
    long value = 0;
    for (size_t i = 2; i < 6; i++) {
        char c = r->text[at + i];
        long digit = c >= '0' && c <= '9'   ? c - '0'
                     : c >= 'a' && c <= 'f' ? c - 'a' + 10
                     : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                            : -1;
        if (digit < 0) return -1;
        value = value * 16 + digit;
    }
    return value;
}

static void take_escape(relaxer *r)
{
    long first = escaped(r, r->at), second = escaped(r, r->at + 6);
    bool is_pair =
        first >= 0xD800 && first <= 0xDBFF && second >= 0xDC00 && second <= 0xDFFF;
    size_t n = is_pair ? 12 : first >= 0 ? 6 : 2;
    if (n > r->n - r->at) n = r->n - r->at;
    if (!is_pair && first >= 0xD800 && first <= 0xDFFF) {
        put(r, "\\ufffd", 6);
        r->out->had_surrogate = true;
    } else
        put(r, r->text + r->at, n);
    r->at += n;
}

static void take(relaxer *r)
{
    char c = r->text[r->at];
    if (r->is_inside && c == '\\') {
        take_escape(r);
        return;
    }
    if (!r->is_inside && (c == 'N' || c == 'I' || c == '-') && take_word(r)) return;
    if (!r->is_inside && (c == '-' || (c >= '0' && c <= '9'))) {
        take_number(r);
        return;
    }
    if (c == '"') r->is_inside = !r->is_inside;
    put(r, &c, 1);
    r->at++;
}

grt_status grt_json_relax(grt_json_relaxed *out, const char *text, size_t n,
                          grt_error *err)
{
    *out = (grt_json_relaxed){0};
    size_t room; /* the shortest thing that grows: NaN, by 2 of 3 bytes */
    if (!grt_add_size(&room, n, n) || !grt_add_size(&room, room, 16))
        GRT_FAIL(err, GRT_E_NO_MEMORY, "no memory for a JSON text of %zu bytes", n);
    GRT_TRY(grt_alloc(&out->text, room, "a JSON text", err));
    relaxer r = {.out = out, .text = text, .n = n};
    if (starts_with(&r, "\xef\xbb\xbf")) {
        out->had_mark = true;
        r.at = 3;
    }
    while (r.at < n)
        take(&r);
    return GRT_OK;
}

bool grt_json_was_relaxed(const grt_json_relaxed *relaxed)
{
    return relaxed->had_mark || relaxed->had_not_finite || relaxed->had_large ||
           relaxed->had_surrogate;
}

grt_status grt_json_note_relaxed(grt_notes *notes, const grt_json_relaxed *relaxed,
                                 const char *path, grt_error *err)
{
    const struct {
        bool is_there;
        const char *text;
    } kinds[] = {
        {relaxed->had_mark, "begins with a byte order mark, which is passed over"},
        {relaxed->had_not_finite, "holds NaN or Infinity, which no JSON number is"},
        {relaxed->had_large, "holds a whole number beyond 64 bits, read as a fraction"},
        {relaxed->had_surrogate, "holds half of a surrogate pair, read as U+FFFD"},
    };
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (kinds[i].is_there)
            GRT_TRY(grt_notes_add(notes, GRT_NOTE_DETAIL, err, "%s: %s",
                                  grt_path_tail(path), kinds[i].text));
    return GRT_OK;
}
