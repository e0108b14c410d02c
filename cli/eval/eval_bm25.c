/*
 * eval_bm25.c - a first stage of our own: BM25 by SQLite's full-text index, FTS5.
 *
 * The index has no copy of the texts and lives in a temporary database that SQLite
 * deletes by itself; it goes to disk when it outgrows the cache.  FTS5 has k1 = 1.2 and
 * b = 0.75, and for the weight of a word ln((N - n + 0.5) / (n + 0.5)), at least 1e-6:
 * words of more than half of the documents count for next to nothing, so that a list of
 * stop words would change little, and there is none.
 */
#include "eval/eval.h"

#include "frame/cli.h"
#include "frame/signals.h"

#include <stdlib.h>
#include <string.h>

#ifdef GRT_HAVE_SQLITE
#include <sqlite3.h>

enum { INTERRUPT_STEPS = 1000 };

struct eval_bm25 {
    sqlite3 *database;
    sqlite3_stmt *insert;
    sqlite3_stmt *search;
    fts5_tokenizer words; /* the same as the index's, without the stemmer */
    Fts5Tokenizer *tokenizer;
    char *match; /* [match_capacity] the query in FTS5's language */
    size_t match_bytes;
    size_t match_capacity;
    char text[120];
};

int eval_bm25_check(void)
{
    return CLI_SUCCESS;
}

static int fail(const eval_bm25 *index)
{
    if (cli_was_interrupted()) return cli_fail_interrupted();
    if (!index->database) return cli_fail("BM25: out of memory");
    int kind = sqlite3_errcode(index->database) & 0xFF;
    int is_disk = kind == SQLITE_FULL || kind == SQLITE_IOERR;
    return cli_fail("BM25: %s%s", sqlite3_errmsg(index->database),
                    is_disk ? "; the index is in SQLITE_TMPDIR, TMPDIR or /var/tmp"
                            : "");
}

static int stop_when_interrupted(void *payload)
{
    (void)payload;
    return cli_was_interrupted();
}

/* ---- Opening ---- */

static int execute(eval_bm25 *index, const char *sql)
{
    return sqlite3_exec(index->database, sql, NULL, NULL, NULL) == SQLITE_OK;
}

static int prepare(eval_bm25 *index, const char *sql, sqlite3_stmt **out)
{
    return sqlite3_prepare_v2(index->database, sql, -1, out, NULL) == SQLITE_OK;
}

/* https://www.sqlite.org/fts5.html#extending_fts5 */
static int open_tokenizer(eval_bm25 *index)
{
    fts5_api *api = NULL;
    sqlite3_stmt *statement = NULL;
    void *payload = NULL;
    if (!prepare(index, "SELECT fts5(?1)", &statement)) return 0;
    sqlite3_bind_pointer(statement, 1, &api, "fts5_api_ptr", NULL);
    sqlite3_step(statement);
    sqlite3_finalize(statement);
    if (!api || api->xFindTokenizer(api, "unicode61", &payload, &index->words))
        return 0;
    return index->words.xCreate(payload, NULL, 0, &index->tokenizer) == SQLITE_OK;
}

static int open_index(eval_bm25 *index, int is_stemmed)
{
    char sql[200];
    snprintf(sql, sizeof sql,
             "CREATE VIRTUAL TABLE t USING fts5(text, content='', tokenize='%s')",
             is_stemmed ? "porter unicode61" : "unicode61");
    return sqlite3_open_v2("", &index->database,
                           SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE,
                           NULL) == SQLITE_OK &&
           execute(index, "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; "
                          "PRAGMA cache_size = -65536") &&
           execute(index, sql) &&
           execute(index, "INSERT INTO t(t, rank) VALUES('hashsize', 16777216); "
                          "BEGIN") &&
           prepare(index, "INSERT INTO t(rowid, text) VALUES(?1, ?2)",
                   &index->insert) &&
           prepare(index,
                   "SELECT rowid, bm25(t) FROM t WHERE t MATCH ?1 "
                   "ORDER BY bm25(t), rowid LIMIT ?2",
                   &index->search) &&
           open_tokenizer(index);
}

int eval_bm25_open(eval_bm25 **out, int is_stemmed)
{
    eval_bm25 *index = calloc(1, sizeof *index);
    if (!index) return cli_fail("out of memory");
    *out = index;
    if (!open_index(index, is_stemmed)) return fail(index);
    sqlite3_progress_handler(index->database, INTERRUPT_STEPS, stop_when_interrupted,
                             NULL);
    snprintf(index->text, sizeof index->text,
             "BM25 (FTS5 of SQLite %s, k1 1.2, b 0.75, %s, no stop words)",
             sqlite3_libversion(), is_stemmed ? "Porter's stemmer" : "no stemmer");
    return CLI_SUCCESS;
}

/* ---- Indexing ---- */

/* Row numbers of SQLite begin at 1 as well, but 0 is allowed too. */
int eval_bm25_add(eval_bm25 *index, size_t document, const char *text, size_t bytes)
{
    sqlite3_bind_int64(index->insert, 1, (sqlite3_int64)document);
    sqlite3_bind_text64(index->insert, 2, text, bytes, SQLITE_STATIC, SQLITE_UTF8);
    int is_added = sqlite3_step(index->insert) == SQLITE_DONE;
    int code = is_added ? CLI_SUCCESS : fail(index);
    sqlite3_reset(index->insert);
    return code;
}

int eval_bm25_finish(eval_bm25 *index)
{
    return execute(index, "COMMIT") ? CLI_SUCCESS : fail(index);
}

/* ---- Searching ---- */

static int append(eval_bm25 *index, const char *text, size_t bytes)
{
    size_t needed = index->match_bytes + bytes + 1;
    if (needed > index->match_capacity) {
        size_t capacity = needed * 2;
        char *match = realloc(index->match, capacity);
        if (!match) return 0;
        index->match = match;
        index->match_capacity = capacity;
    }
    memcpy(index->match + index->match_bytes, text, bytes);
    index->match_bytes += bytes;
    index->match[index->match_bytes] = 0;
    return 1;
}

/* Each word is a string of its own; the index's tokenizer stems it. */
static int add_word(void *payload, int flags, const char *word, int bytes, int begin,
                    int end)
{
    eval_bm25 *index = payload;
    (void)flags;
    (void)begin;
    (void)end;
    int is_added = (!index->match_bytes || append(index, " OR ", 4)) &&
                   append(index, "\"", 1) && append(index, word, (size_t)bytes) &&
                   append(index, "\"", 1);
    return is_added ? SQLITE_OK : SQLITE_NOMEM;
}

/* bm25() of FTS5 is the less the better. */
int eval_bm25_search(eval_bm25 *index, const char *query, size_t bytes, size_t depth,
                     size_t *documents, double *scores, size_t *n)
{
    *n = 0;
    index->match_bytes = 0;
    if (bytes > INT32_MAX) return cli_fail("BM25: the query is too long");
    int status = index->words.xTokenize(index->tokenizer, index, FTS5_TOKENIZE_QUERY,
                                        query, (int)bytes, add_word);
    if (status != SQLITE_OK) return cli_fail("BM25: %s", sqlite3_errstr(status));
    if (!index->match_bytes) return CLI_SUCCESS; /* no word in it */
    sqlite3_bind_text64(index->search, 1, index->match, index->match_bytes,
                        SQLITE_STATIC, SQLITE_UTF8);
    sqlite3_bind_int64(index->search, 2, (sqlite3_int64)depth);
    while (*n < depth && (status = sqlite3_step(index->search)) == SQLITE_ROW) {
        documents[*n] = (size_t)sqlite3_column_int64(index->search, 0);
        scores[(*n)++] = -sqlite3_column_double(index->search, 1);
    }
    int code =
        status == SQLITE_ROW || status == SQLITE_DONE ? CLI_SUCCESS : fail(index);
    sqlite3_reset(index->search);
    return code;
}

const char *eval_bm25_text(const eval_bm25 *index)
{
    return index->text;
}

void eval_bm25_close(eval_bm25 *index)
{
    if (!index) return;
    if (index->tokenizer) index->words.xDelete(index->tokenizer);
    sqlite3_finalize(index->insert);
    sqlite3_finalize(index->search);
    sqlite3_close(index->database);
    free(index->match);
    free(index);
}

#else

int eval_bm25_check(void)
{
    return cli_fail("BM25 needs SQLite, which this build has not; name a first stage "
                    "with --run");
}

int eval_bm25_open(eval_bm25 **out, int is_stemmed)
{
    (void)is_stemmed;
    *out = NULL;
    return eval_bm25_check();
}

int eval_bm25_add(eval_bm25 *index, size_t document, const char *text, size_t bytes)
{
    (void)index;
    (void)document;
    (void)text;
    (void)bytes;
    return CLI_FAILURE;
}

int eval_bm25_finish(eval_bm25 *index)
{
    (void)index;
    return CLI_FAILURE;
}

int eval_bm25_search(eval_bm25 *index, const char *query, size_t bytes, size_t depth,
                     size_t *documents, double *scores, size_t *n)
{
    (void)index;
    (void)query;
    (void)bytes;
    (void)depth;
    (void)documents;
    (void)scores;
    *n = 0;
    return CLI_FAILURE;
}

const char *eval_bm25_text(const eval_bm25 *index)
{
    (void)index;
    return "";
}

void eval_bm25_close(eval_bm25 *index)
{
    (void)index;
}

#endif
