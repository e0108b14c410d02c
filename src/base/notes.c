/* notes.c - see notes.h. */
#include "base/notes.h"

#include "base/memory.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { MAX_TEXT_BYTES = 240, FIRST_ROOM = 8 };

static grt_status add_text(grt_notes *notes, grt_note_level level, const char *text,
                           grt_error *err)
{
    for (size_t i = 0; i < notes->n; i++)
        if (strcmp(notes->list[i].text, text) == 0) return GRT_OK;
    if (notes->n > GRT_MAX_NOTES) return GRT_OK;
    if (notes->n == GRT_MAX_NOTES) text = "there is more of this kind to say";
    bool is_full =
        notes->n == 0 || (notes->n >= FIRST_ROOM && (notes->n & (notes->n - 1)) == 0);
    if (is_full) {
        size_t room = notes->n ? 2 * notes->n : FIRST_ROOM;
        GRT_TRY(
            grt_realloc_array(&notes->list, room, sizeof(*notes->list), "notes", err));
    }
    grt_note note = {.struct_size = sizeof(note), .level = (int32_t)level};
    GRT_TRY(grt_arena_copy_text(&notes->arena, &note.text, text, strlen(text), err));
    notes->list[notes->n++] = note;
    return GRT_OK;
}

/* A text from a file may hold anything: it stays one line of whole characters. */
static void tidy(char *text)
{
    size_t n = strlen(text);
    if (n == MAX_TEXT_BYTES) {
        while (n > 0 && (text[n - 1] & 0xC0) == 0x80)
            n--;
        if (n > 0 && (text[n - 1] & 0x80)) n--;
        text[n] = '\0';
    }
    for (char *c = text; *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7F) *c = '?';
}

grt_status grt_notes_add(grt_notes *notes, grt_note_level level, grt_error *err,
                         const char *format, ...)
{
    char text[MAX_TEXT_BYTES + 1];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    tidy(text);
    return add_text(notes, level, text, err);
}

grt_status grt_notes_append(grt_notes *notes, const grt_notes *more, grt_error *err)
{
    for (size_t i = 0; i < more->n; i++)
        GRT_TRY(add_text(notes, (grt_note_level)more->list[i].level, more->list[i].text,
                         err));
    return GRT_OK;
}

void grt_notes_release(grt_notes *notes)
{
    grt_free(notes->list);
    grt_arena_release(&notes->arena);
    memset(notes, 0, sizeof(*notes));
}
