/* names.c - a set of names, numbered in the order in which they came. */
#include "eval/names.h"

#include <stdlib.h>
#include <string.h>

/* FNV-1a, 64 bits: http://www.isthe.com/chongo/tech/comp/fnv */
static uint64_t hash(const char *name)
{
    uint64_t value = 14695981039346656037ULL;
    for (const char *c = name; *c; c++)
        value = (value ^ (unsigned char)*c) * 1099511628211ULL;
    return value ^ value >> 32;
}

/* The slot that holds the name, or the empty one where it belongs. */
static size_t find_slot(const cli_names *names, const char *name)
{
    size_t slot = (size_t)hash(name) & (names->n_slots - 1);
    while (names->slots[slot]) {
        if (strcmp(cli_names_text(names, names->slots[slot] - 1), name) == 0) break;
        slot = (slot + 1) & (names->n_slots - 1);
    }
    return slot;
}

/* At most three quarters of the slots are taken. */
static int grow_slots(cli_names *names)
{
    if (names->n + 1 <= names->n_slots / 4 * 3) return 1;
    size_t n_slots = names->n_slots ? names->n_slots * 2 : 64;
    size_t *slots = calloc(n_slots, sizeof *slots);
    if (!slots) return 0;
    free(names->slots);
    names->slots = slots;
    names->n_slots = n_slots;
    for (size_t i = 0; i < names->n; i++)
        slots[find_slot(names, cli_names_text(names, i))] = i + 1;
    return 1;
}

static int grow_starts(cli_names *names)
{
    if (names->n < names->capacity) return 1;
    size_t capacity = names->capacity ? names->capacity * 2 : 64;
    if (capacity > SIZE_MAX / sizeof *names->starts) return 0;
    size_t *starts = realloc(names->starts, capacity * sizeof *starts);
    if (!starts) return 0;
    names->starts = starts;
    names->capacity = capacity;
    return 1;
}

static int grow_bytes(cli_names *names, size_t more)
{
    size_t capacity = names->capacity_bytes ? names->capacity_bytes : 1024;
    while (capacity - names->n_bytes < more) {
        if (capacity > SIZE_MAX / 2) return 0;
        capacity *= 2;
    }
    if (capacity == names->capacity_bytes) return 1;
    char *bytes = realloc(names->bytes, capacity);
    if (!bytes) return 0;
    names->bytes = bytes;
    names->capacity_bytes = capacity;
    return 1;
}

int cli_names_add(cli_names *names, const char *name, size_t *number)
{
    size_t bytes = strlen(name) + 1;
    if (!grow_slots(names)) return -1;
    size_t slot = find_slot(names, name);
    if (names->slots[slot]) {
        *number = names->slots[slot] - 1;
        return 0;
    }
    if (!grow_starts(names) || !grow_bytes(names, bytes)) return -1;
    memcpy(names->bytes + names->n_bytes, name, bytes);
    names->starts[names->n] = names->n_bytes;
    names->n_bytes += bytes;
    *number = names->n++;
    names->slots[slot] = names->n;
    return 1;
}

size_t cli_names_find(const cli_names *names, const char *name)
{
    size_t slot = names->n ? find_slot(names, name) : 0;
    return names->n && names->slots[slot] ? names->slots[slot] - 1 : CLI_NAMES_NONE;
}

const char *cli_names_text(const cli_names *names, size_t number)
{
    return names->bytes + names->starts[number];
}

void cli_names_release(cli_names *names)
{
    free(names->bytes);
    free(names->starts);
    free(names->slots);
    *names = (cli_names){0};
}
