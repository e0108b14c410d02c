/* documents.c - a list of documents with their ids. */
#include "frame/documents.h"

#include "frame/ids.h"
#include "frame/room.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* ---- Blocks ---- */

struct cli_text_block {
    cli_text_block *next; /* the one before */
    size_t capacity, used;
    char bytes[];
};

enum { FIRST_BLOCK = 4 << 10, MOST_BLOCK = 256 << 10 };

/* Room for so many bytes, of any alignment; NULL when memory is out. */
static char *block_bytes(cli_documents *documents, size_t bytes)
{
    cli_text_block *block = documents->blocks;
    if (!block || block->capacity - block->used < bytes) {
        size_t capacity = block ? block->capacity * 2 : FIRST_BLOCK;
        if (capacity > MOST_BLOCK) capacity = MOST_BLOCK;
        if (capacity < bytes) capacity = bytes;
        if (capacity > SIZE_MAX - sizeof *block) return NULL;
        block = cli_room_alloc(sizeof *block + capacity);
        if (!block) return NULL;
        *block = (cli_text_block){.next = documents->blocks, .capacity = capacity};
        documents->blocks = block;
    }
    char *out = block->bytes + block->used;
    block->used += bytes;
    return out;
}

static void free_blocks(cli_documents *documents, int keeps_one)
{
    cli_text_block *kept = documents->blocks;
    if (!keeps_one || (kept && kept->capacity > MOST_BLOCK)) kept = NULL;
    cli_text_block *block = kept ? kept->next : documents->blocks;
    while (block) {
        cli_text_block *next = block->next;
        free(block);
        block = next;
    }
    documents->blocks = kept;
    if (kept) *kept = (cli_text_block){.capacity = kept->capacity};
}

/* ---- Ids: a letter, the number of bytes, the bytes and a NUL ---- */

enum { ID_TEXT = 's', ID_NUMBER = 'n', ID_AROUND = 2 + sizeof(size_t) };

static char *copy_id(cli_documents *documents, wire_id id)
{
    char *out = block_bytes(documents, id.bytes + ID_AROUND);
    if (!out) return NULL;
    out[0] = id.is_number ? ID_NUMBER : ID_TEXT;
    memcpy(out + 1, &id.bytes, sizeof id.bytes);
    memcpy(out + 1 + sizeof id.bytes, id.text, id.bytes);
    out[1 + sizeof id.bytes + id.bytes] = 0;
    return out;
}

wire_id cli_documents_id(const cli_documents *documents, size_t i)
{
    const char *kept = documents->ids ? documents->ids[i] : NULL;
    wire_id id = {0};
    if (!kept) return id;
    memcpy(&id.bytes, kept + 1, sizeof id.bytes);
    id.text = kept + 1 + sizeof id.bytes;
    id.is_number = kept[0] == ID_NUMBER;
    return id;
}

/* ---- Adding ---- */

static int grow(void *array, size_t *capacity, size_t size)
{
    void *old, *new;
    size_t had = *capacity * size;
    size_t bytes = had ? cli_room_grown(had) : 64 * size;
    memcpy(&old, array, sizeof old);
    new = cli_room_resize(old, had, bytes);
    if (!new) return 0;
    memcpy(array, &new, sizeof new);
    *capacity = bytes / size;
    return 1;
}

/* Makes room for one more; 0 when memory is out. */
static int reserve(cli_documents *documents)
{
    if (documents->n < documents->capacity) return 1;
    size_t texts = documents->capacity, bytes = documents->capacity;
    if (!grow(&documents->texts, &texts, sizeof *documents->texts)) return 0;
    if (!grow(&documents->bytes, &bytes, sizeof *documents->bytes)) return 0;
    documents->capacity = texts < bytes ? texts : bytes;
    return 1;
}

/* Ids have a list of their own from the first one on. */
static int set_id(cli_documents *documents, wire_id id)
{
    size_t n = documents->n, before = documents->ids_capacity;
    if (!id.text && !documents->ids) return 1;
    while (documents->ids_capacity <= n) {
        if (!grow(&documents->ids, &documents->ids_capacity, sizeof *documents->ids))
            return 0;
    }
    for (size_t i = before; i < documents->ids_capacity; i++)
        documents->ids[i] = NULL;
    documents->ids[n] = id.text ? copy_id(documents, id) : NULL;
    return !id.text || documents->ids[n];
}

/* With a title: title, space, text; one of the two when the other is empty. */
static int add_parts(cli_documents *documents, const char *title, size_t title_bytes,
                     const char *text, size_t bytes, wire_id id)
{
    size_t between = title_bytes && bytes, total = title_bytes + between + bytes;
    if (!documents->is_counted && reserve(documents) && set_id(documents, id)) {
        char *copy = block_bytes(documents, total + 1);
        if (copy) {
            if (title_bytes) memcpy(copy, title, title_bytes);
            if (between) copy[title_bytes] = ' ';
            if (bytes) memcpy(copy + title_bytes + between, text, bytes);
            copy[total] = 0;
            documents->texts[documents->n] = copy;
            documents->bytes[documents->n++] = total;
            return 1;
        }
    }
    if (!cli_room_budget()) return 0;
    if (!documents->is_counted) cli_documents_count(documents);
    size_t of_id = id.text ? id.bytes + ID_AROUND + sizeof(char *) : 0;
    return cli_tally_document(&documents->tally, title_bytes ? NULL : text, total,
                              total + 1 + sizeof(char *) + sizeof(size_t) + of_id);
}

void cli_documents_count(cli_documents *documents)
{
    documents->is_counted = 1;
    for (size_t i = 0; i < documents->n; i++) {
        wire_id id = cli_documents_id(documents, i);
        size_t bytes = documents->bytes[i];
        size_t of_id = id.text ? id.bytes + ID_AROUND + sizeof(char *) : 0;
        (void)cli_tally_document(&documents->tally, documents->texts[i], bytes,
                                 bytes + 1 + sizeof(char *) + sizeof(size_t) + of_id);
    }
    cli_tally tally = documents->tally;
    cli_documents_release(documents);
    documents->tally = tally;
    documents->is_counted = 1;
}

int cli_documents_add(cli_documents *documents, const char *text, size_t bytes,
                      wire_id id)
{
    return add_parts(documents, NULL, 0, text, bytes, id);
}

const char *cli_documents_add_json(cli_documents *documents, cli_record *record,
                                   const json_t *value, const cli_fields *fields,
                                   wire_id id, int *is_added)
{
    const char *problem = cli_record_read(record, value, fields);
    if (problem) return problem;
    cli_id_text storage;
    if (record->id) id = cli_id(record->id, &storage);
    *is_added = add_parts(documents, record->title, record->title_bytes, record->text,
                          record->bytes, id);
    return NULL;
}

/* ---- Forgetting ---- */

void cli_documents_cut(cli_documents *documents, size_t n)
{
    if (n < documents->n) documents->n = n;
}

void cli_documents_clear(cli_documents *documents)
{
    free_blocks(documents, 1);
    documents->n = 0;
    documents->is_counted = 0;
    documents->tally = (cli_tally){0};
}

void cli_documents_release(cli_documents *documents)
{
    free_blocks(documents, 0);
    free(documents->texts);
    free(documents->bytes);
    free(documents->ids);
    *documents = (cli_documents){0};
}
