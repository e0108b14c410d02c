/* dialects.c - the table of dialects. */
#include "serve/dialects.h"

#include <string.h>

static const char *const documents[] = {"documents", "texts",  "passages", "input",
                                        "inputs",    "text_2", "data_2",   NULL};
static const char *const pair_documents[] = {"text_2", "documents", "data_2", "items",
                                             NULL};
static const char *const texts[] = {"texts", NULL};
static const char *const passages[] = {"passages", NULL};
static const char *const input[] = {"input", "documents", NULL};

/* The first row that fits counts. */
static const serve_dialect rows[] = {
    {"tei", "texts", NULL, texts, SERVE_ERROR_STRING, 0, serve_put_array},
    {"nim", "passages", NULL, passages, SERVE_ERROR_OBJECT, 0, serve_put_rankings},
    {"weaviate", "property", NULL, documents, SERVE_ERROR_STRING, 1,
     serve_put_document_scores},
    {"score", "text_1", NULL, pair_documents, SERVE_ERROR_OBJECT, 1,
     serve_put_pair_scores},
    {"score", "queries", NULL, pair_documents, SERVE_ERROR_OBJECT, 1,
     serve_put_pair_scores},
    {"score", "data_1", NULL, pair_documents, SERVE_ERROR_OBJECT, 1,
     serve_put_pair_scores},
    {"mixedbread", "input", NULL, input, SERVE_ERROR_OBJECT, 0, serve_put_data},
    {"nim", NULL, "/v1/ranking", passages, SERVE_ERROR_OBJECT, 0, serve_put_rankings},
    {"nim", NULL, "/ranking", passages, SERVE_ERROR_OBJECT, 0, serve_put_rankings},
    {"score", NULL, "/v1/score", pair_documents, SERVE_ERROR_OBJECT, 1,
     serve_put_pair_scores},
    {"score", NULL, "/score", pair_documents, SERVE_ERROR_OBJECT, 1,
     serve_put_pair_scores},
    {"voyage", "truncation", NULL, documents, SERVE_ERROR_DETAIL, 0, serve_put_results},
    {"infinity", "raw_scores", NULL, documents, SERVE_ERROR_OBJECT, 0,
     serve_put_results_infinity},
    {"cohere2", NULL, "/v2/rerank", documents, SERVE_ERROR_OBJECT, 0,
     serve_put_results_v2},
    {"rerank", NULL, NULL, documents, SERVE_ERROR_OBJECT, 0, serve_put_results},
};

const serve_dialect *serve_dialect_at(size_t i)
{
    return i < sizeof rows / sizeof rows[0] ? &rows[i] : NULL;
}

const serve_dialect *serve_dialect_for(const char *path, const json_t *body)
{
    for (const serve_dialect *row = rows;; row++) {
        if (row->key && !serve_member(body, row->key)) continue;
        if (row->path && strcmp(row->path, path) != 0) continue;
        return row;
    }
}
