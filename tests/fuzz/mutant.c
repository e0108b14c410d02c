/* mutant.c - see mutant.h. */
#include "mutant.h"

#include <dirent.h>
#include <string.h>

enum {
    FILES_MAX = 8,
    CHANGES_MAX = 24,
    TEXT_MAX = 24, /* bytes that one change brings */
    GROWTH = 4096, /* by which a file may grow */
    HEAD = 4096,   /* bytes in which headers and configurations lie */
    PATH_BYTES = 600
};

/* One for each family, format and kind of tokenizer, the smallest there are. */
static const char *const names[] = {"bert-two-labels",
                                    "roberta-three-labels",
                                    "modernbert-two-labels",
                                    "qwen3-gguf-q4_0",
                                    "bert-gguf-no-pooler",
                                    "modernbert-gguf-f16",
                                    "qwen2-gguf-q8_0",
                                    "roberta-gguf-unigram",
                                    "electra-f16",
                                    "bert-sharded",
                                    "gemma-f16",
                                    "llama-bf16",
                                    "minicpm-f16",
                                    "qwen3-mixed-shards",
                                    "gemma-gguf-q8_0",
                                    "gemma3-gguf-q8_0",
                                    "llama-seq-cls",
                                    "qwen2-bf16",
                                    "roberta-unigram-bf16"};
enum { N_NAMES = sizeof(names) / sizeof(names[0]) };

typedef struct file {
    char name[64];
    uint8_t *bytes; /* [n] of [n_original + GROWTH] */
    char *original; /* [n_original] */
    size_t n, n_original;
} file;

typedef struct checkpoint {
    file files[FILES_MAX]; /* [n_files], in the order of their names */
    size_t n_files;
} checkpoint;

static checkpoint checkpoints[N_NAMES]; /* read when they are picked first */

uint8_t fuzz_take(fuzz_bytes *bytes)
{
    return bytes->at < bytes->n ? bytes->data[bytes->at++] : 0;
}

size_t fuzz_take_below(fuzz_bytes *bytes, size_t limit)
{
    size_t value = fuzz_take(bytes);
    value |= (size_t)fuzz_take(bytes) << 8;
    if (limit > 65536) value |= (size_t)fuzz_take(bytes) << 16;
    return limit ? value % limit : 0;
}

/* ---- The originals ---- */

static int by_name(const void *a, const void *b)
{
    return strcmp(((const file *)a)->name, ((const file *)b)->name);
}

static void load(checkpoint *out, const char *name)
{
    char path[PATH_BYTES];
    (void)snprintf(path, sizeof(path), "%s/golden/%s", GRT_TEST_DATA, name);
    DIR *directory = opendir(path);
    fuzz_need(directory != NULL, path);
    for (struct dirent *entry; (entry = readdir(directory));) {
        if (entry->d_name[0] == '.' || !strcmp(entry->d_name, "golden.json")) continue;
        fuzz_need(out->n_files < FILES_MAX, "a checkpoint has few files");
        file *one = &out->files[out->n_files++];
        (void)snprintf(one->name, sizeof(one->name), "%.60s", entry->d_name);
        (void)snprintf(path, sizeof(path), "%s/golden/%s/%s", GRT_TEST_DATA, name,
                       one->name);
        one->original = fuzz_load(path, &one->n_original);
        one->bytes = malloc(one->n_original + GROWTH);
        fuzz_need(one->bytes != NULL, "there is memory");
    }
    (void)closedir(directory);
    qsort(out->files, out->n_files, sizeof(file), by_name);
}

/* ---- Changes ---- */

/* Half of the time in the head, where most is decided. */
static size_t place(fuzz_bytes *bytes, const file *one, int is_head)
{
    return fuzz_take_below(bytes, is_head && one->n > HEAD ? HEAD : one->n);
}

static void replace(file *one, size_t at, size_t n_old, const uint8_t *text, size_t n)
{
    if (n > n_old && one->n + n - n_old > one->n_original + GROWTH) return;
    memmove(one->bytes + at + n, one->bytes + at + n_old, one->n - at - n_old);
    if (n) memcpy(one->bytes + at, text, n);
    one->n = one->n - n_old + n;
}

static size_t take_text(fuzz_bytes *bytes, uint8_t *text)
{
    size_t n = fuzz_take(bytes) % TEXT_MAX;
    for (size_t i = 0; i < n; i++)
        text[i] = fuzz_take(bytes);
    return n;
}

static int is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

/* The k-th number in the text becomes another: hyperparameters, shapes, offsets. */
static void change_number(file *one, fuzz_bytes *bytes)
{
    uint8_t text[TEXT_MAX];
    size_t k = fuzz_take(bytes), n = take_text(bytes, text), at = 0, end = 0;
    for (;; k--) {
        for (at = end; at < one->n && at < HEAD && !is_digit(one->bytes[at]);)
            at++;
        for (end = at; end < one->n && is_digit(one->bytes[end]);)
            end++;
        if (end == at) return;
        if (k == 0) break;
    }
    replace(one, at, end - at, text, n);
}

static void change(file *one, uint8_t what, fuzz_bytes *bytes)
{
    uint8_t text[TEXT_MAX];
    size_t at = place(bytes, one, what & 8), n;
    if (one->n == 0) return;
    switch (what & 7) {
    case 0: one->bytes[at] = fuzz_take(bytes); break;
    case 1: one->bytes[at] ^= (uint8_t)(1u << (fuzz_take(bytes) & 7)); break;
    case 2: one->n = at; break;
    case 3: change_number(one, bytes); break;
    case 4:
        n = take_text(bytes, text);
        replace(one, at, 0, text, n);
        break;
    case 5:
        n = fuzz_take(bytes);
        replace(one, at, n < one->n - at ? n : one->n - at, NULL, 0);
        break;
    case 6: /* over what is there */
        n = take_text(bytes, text);
        replace(one, at, n < one->n - at ? n : one->n - at, text, n);
        break;
    default: /* values that are not finite, or huge */
        n = fuzz_take(bytes);
        for (size_t i = 0; i < n && at + i < one->n; i++)
            one->bytes[at + i] = (uint8_t)(what & 8 ? 0xFF : 0x7F);
    }
}

/* A file more: what a folder can hold beside the weights. */
static void add_file(fuzz_bytes *bytes)
{
    static const char *const more[] = {"tokenizer_config.json",
                                       "chat_template.jinja",
                                       "config_sentence_transformers.json",
                                       "added_tokens.json",
                                       "special_tokens_map.json",
                                       "adapter_config.json",
                                       "model.safetensors.index.json",
                                       "vocab.txt",
                                       "merges.txt",
                                       "tokenizer.json"};
    uint8_t text[256];
    const char *name = more[fuzz_take(bytes) % (sizeof(more) / sizeof(more[0]))];
    size_t n = fuzz_take(bytes);
    for (size_t i = 0; i < n; i++)
        text[i] = fuzz_take(bytes);
    fuzz_folder_write(name, text, n);
}

void fuzz_mutant_make(fuzz_bytes *bytes, const char **path)
{
    static char opened[300];
    size_t picked = fuzz_take(bytes) % N_NAMES;
    checkpoint *self = &checkpoints[picked];
    if (self->n_files == 0) load(self, names[picked]);
    for (size_t i = 0; i < self->n_files; i++) {
        file *one = &self->files[i];
        memcpy(one->bytes, one->original, one->n_original);
        one->n = one->n_original;
    }
    fuzz_folder_clear();
    for (size_t i = 0; i < CHANGES_MAX; i++) {
        uint8_t what = fuzz_take(bytes);
        if (what >= 240 || bytes->at == bytes->n) break;
        if (what >= 232)
            add_file(bytes);
        else
            change(&self->files[fuzz_take(bytes) % self->n_files], what, bytes);
    }
    for (size_t i = 0; i < self->n_files; i++)
        fuzz_folder_write(self->files[i].name, self->files[i].bytes, self->files[i].n);
    (void)snprintf(opened, sizeof(opened), "%s", fuzz_folder());
    const char *first = self->files[0].name;
    if (strstr(first, ".gguf"))
        (void)snprintf(opened, sizeof(opened), "%s/%.63s", fuzz_folder(), first);
    *path = opened;
}
