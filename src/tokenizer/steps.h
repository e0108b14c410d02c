/* steps.h - what a tokenizer.json does to a text before its model sees words, one step
 * after the other.
 *
 * Most files fit the switches of grt_vocabulary, which the algorithms follow in one
 * pass.  Those that do not are read as steps: normalisers rewrite a text, splitters cut
 * it.  A part of tokenizer.json may be several steps here: BertNormalizer is four. */
#ifndef GRT_TOKENIZER_STEPS_H
#define GRT_TOKENIZER_STEPS_H

#include <stdbool.h>
#include <stddef.h>

typedef enum grt_step_kind {
    /* normalisers */
    GRT_STEP_NFC,
    GRT_STEP_NFD,
    GRT_STEP_NFKC,
    GRT_STEP_NFKD,
    GRT_STEP_LOWERCASE,  /* each character on its own */
    GRT_STEP_DROP_MN,    /* non-spacing marks */
    GRT_STEP_DROP_MARKS, /* all marks: Mn, Mc, Me */
    GRT_STEP_CLEAN,      /* BERT: drop controls, white space to spaces */
    GRT_STEP_APART,      /* BERT: spaces around ideographs */
    GRT_STEP_NMT,        /* controls away, some spaces to spaces, as "nmt" has it */
    GRT_STEP_STRIP,      /* white space at the ends: is_left, is_right */
    GRT_STEP_REPLACE,    /* pattern by content */
    GRT_STEP_PREPEND,    /* content, unless the text is empty */
    GRT_STEP_CHARSMAP,   /* the vocabulary's character map */
    /* splitters */
    GRT_STEP_CUT,          /* at matches of pattern */
    GRT_STEP_CUT_CLASS,    /* at each character of a class */
    GRT_STEP_PREFIX_SPACE, /* before each part that does not begin with one */
    GRT_STEP_METASPACE     /* spaces to U+2581; content "always", "first" or "never";
                              is_left: then cut before each mark */
} grt_step_kind;

typedef enum grt_character_class {
    GRT_CLASS_WHITE_SPACE,
    GRT_CLASS_PUNCTUATION,
    GRT_CLASS_NUMBER
} grt_character_class;

/* What becomes of a match that a text is cut at. */
typedef enum grt_cut_behavior {
    GRT_CUT_REMOVED,
    GRT_CUT_ISOLATED,
    GRT_CUT_WITH_PREVIOUS,
    GRT_CUT_WITH_NEXT,
    GRT_CUT_CONTIGUOUS
} grt_cut_behavior;

typedef struct grt_text_step {
    grt_step_kind kind;
    const char *pattern; /* PCRE2 */
    const char *content;
    size_t n_content;
    grt_character_class class;
    grt_cut_behavior behavior;
    bool is_inverted; /* cuts at what does not match */
    bool is_left, is_right;
} grt_text_step;

enum { GRT_MAX_STEPS = 32 };

#endif /* GRT_TOKENIZER_STEPS_H */
