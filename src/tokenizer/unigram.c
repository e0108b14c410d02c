/* unigram.c - SentencePiece's Unigram model (Kudo 2018, arXiv 1804.10959).
 *
 * The sum of the pieces' scores is to be as large as can be: Viterbi's algorithm over
 * the places between characters.  A character that no piece covers alone may be passed
 * at the score of an unknown one.  Of equal sums the one whose last piece is longest
 * wins, as in SentencePiece. */
#include "tokenizer/sentence.h"
#include "tokenizer/utf8.h"

#include "base/memory.h"

static grt_status nodes_room(grt_sentence_run *run, size_t n)
{
    if (n <= run->nodes_capacity) return GRT_OK;
    size_t capacity = n < 256 ? 256 : n;
    GRT_TRY(grt_realloc_array(&run->nodes, capacity, sizeof(*run->nodes), "a text",
                              run->err));
    run->nodes_capacity = capacity;
    return GRT_OK;
}

static void relax(grt_path_node *nodes, size_t begin, size_t end, double score,
                  int32_t id)
{
    grt_path_node *node = &nodes[end];
    if (node->other != GRT_NOWHERE && score <= node->score) return;
    *node = (grt_path_node){score, (uint32_t)begin, id};
}

/* Tries every piece at place `at` of text[n], and the character as an unknown one. */
static void extend(grt_sentence_run *run, const char *text, size_t n, size_t at,
                   size_t n_character)
{
    const grt_trie *trie = &run->sentence->pieces;
    const float *scores = run->tokenizer->vocabulary->scores;
    double before = run->nodes[at].score;
    bool is_covered = false;
    uint32_t node = 0;
    for (size_t end = at; end < n;) {
        node = grt_trie_step(trie, node, (uint8_t)text[end++]);
        if (node == 0) break;
        int32_t id = trie->ids[node];
        if (id == GRT_NO_TOKEN) continue;
        relax(run->nodes, at, end, before + (double)scores[id], id);
        is_covered |= end == at + n_character;
    }
    if (!is_covered)
        relax(run->nodes, at, at + n_character, before + run->sentence->unknown_score,
              GRT_NO_TOKEN);
}

/* Turns the links of the best path round and appends its pieces. */
static grt_status append_path(grt_sentence_run *run, const char *text, size_t n)
{
    grt_path_node *nodes = run->nodes;
    uint32_t end = (uint32_t)n, after = GRT_NOWHERE;
    int32_t id = GRT_NO_TOKEN;
    for (;;) {
        uint32_t begin = nodes[end].other;
        int32_t last = nodes[end].id;
        nodes[end].other = after;
        nodes[end].id = id;
        if (end == 0) break;
        after = end;
        id = last;
        end = begin;
    }
    for (uint32_t at = 0; at < n; at = nodes[at].other)
        GRT_TRY(
            grt_sentence_append(run, nodes[at].id, text + at, nodes[at].other - at));
    return GRT_OK;
}

grt_status grt_unigram_encode(grt_sentence_run *run, const char *text, size_t n)
{
    for (size_t part; n > GRT_WORD_BYTES; text += part, n -= part) {
        part = grt_word_part(text, n);
        GRT_TRY(grt_unigram_encode(run, text, part));
    }
    if (n == 0) return GRT_OK;
    GRT_TRY(nodes_room(run, n + 1));
    for (size_t i = 0; i <= n; i++)
        run->nodes[i].other = GRT_NOWHERE;
    run->nodes[0].score = 0;
    for (size_t at = 0; at < n;) {
        size_t length;
        (void)grt_utf8_decode(text + at, n - at, &length);
        extend(run, text, n, at, length);
        at += length;
    }
    return append_path(run, text, n);
}
