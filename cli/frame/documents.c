/* documents.c - a list of documents with their ids. */
#include "frame/documents.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Makes room for one more; 0 when memory is out. */
static int reserve(cli_documents *documents)
{
    if (documents->n < documents->capacity) return 1;
    size_t capacity = documents->capacity ? documents->capacity * 2 : 64;
    if (capacity > SIZE_MAX / sizeof(void *)) return 0;
    char **texts = realloc(documents->texts, capacity * sizeof *texts);
    if (texts) documents->texts = texts;
    size_t *bytes = realloc(documents->bytes, capacity * sizeof *bytes);
    if (bytes) documents->bytes = bytes;
    json_t **ids = realloc(documents->ids, capacity * sizeof *ids);
    if (ids) documents->ids = ids;
    if (!texts || !bytes || !ids) return 0;
    documents->capacity = capacity;
    return 1;
}

/* With a title: title, space, text; one of the two when the other is empty. */
static int add_parts(cli_documents *documents, const char *title, size_t title_bytes,
                     const char *text, size_t bytes, json_t *id)
{
    size_t between = title_bytes && bytes;
    if (!reserve(documents)) return 0;
    char *copy = malloc(title_bytes + between + bytes + 1);
    if (!copy) return 0;
    if (title_bytes) memcpy(copy, title, title_bytes);
    if (between) copy[title_bytes] = ' ';
    memcpy(copy + title_bytes + between, text, bytes);
    bytes += title_bytes + between;
    copy[bytes] = 0;
    documents->texts[documents->n] = copy;
    documents->bytes[documents->n] = bytes;
    documents->ids[documents->n] = json_incref(id);
    documents->n++;
    return 1;
}

int cli_documents_add(cli_documents *documents, const char *text, size_t bytes,
                      json_t *id)
{
    return add_parts(documents, NULL, 0, text, bytes, id);
}

const char *cli_documents_add_json(cli_documents *documents, cli_record *record,
                                   const json_t *value, const cli_fields *fields)
{
    const char *problem = cli_record_read(record, value, fields);
    if (problem) return problem;
    /* The reference that is counted is the caller's object's. */
    json_t *id = (json_t *)(uintptr_t)record->id;
    if (!add_parts(documents, record->title, record->title_bytes, record->text,
                   record->bytes, id))
        return "out of memory";
    return NULL;
}

void cli_documents_clear(cli_documents *documents)
{
    for (size_t i = 0; i < documents->n; i++) {
        free(documents->texts[i]);
        json_decref(documents->ids[i]);
    }
    documents->n = 0;
}

void cli_documents_release(cli_documents *documents)
{
    cli_documents_clear(documents);
    free(documents->texts);
    free(documents->bytes);
    free(documents->ids);
    *documents = (cli_documents){0};
}
