/* vocabulary.c - see vocabulary.h. */
#include "tokenizer/vocabulary.h"

#include "base/memory.h"

#include <string.h>

void grt_vocabulary_release(grt_vocabulary *vocabulary)
{
    grt_free(vocabulary->words);
    grt_notes_release(&vocabulary->notes);
    grt_arena_release(&vocabulary->arena);
    memset(vocabulary, 0, sizeof(*vocabulary));
}
