/* guess.c - see guess.h. */
#include "formats/guess.h"

#include <string.h>

static const struct {
    const char *start; /* may hold NUL bytes */
    size_t n;
    const char *found;
} known[] = {
    {"version https://", 16, "a Git LFS pointer; run \"git lfs pull\""},
    {"PK\003\004", 4,
     "a ZIP archive, perhaps a PyTorch checkpoint; convert it to safetensors"},
    {"\200\002", 2, "a Python pickle; convert it to safetensors"},
    {"\211HDF", 4, "an HDF5 file; convert it to safetensors"},
    {"<!DOCTYPE", 9, "an HTML page, which a download gave in its place"},
    {"<!doctype", 9, "an HTML page, which a download gave in its place"},
    {"<html", 5, "an HTML page, which a download gave in its place"},
    {"ggjt", 4, "a model file older than GGUF; convert it again"},
    {"tjgg", 4, "a model file older than GGUF; convert it again"},
    {"lmgg", 4, "a model file older than GGUF; convert it again"},
    {"GGLA", 4, "a LoRA adapter, not a model"},
    {"\010", 1, "perhaps an ONNX model; give the safetensors or GGUF version"},
    {"{", 1, "a JSON text; give the directory that it lies in"},
};

grt_guess grt_guess_format(const unsigned char *start, size_t n, const char **found)
{
    *found = n == 0 ? "an empty file" : "of no format known here";
    if (n >= 4 && memcmp(start, "GGUF", 4) == 0) {
        *found = "a GGUF file";
        return GRT_GUESS_GGUF;
    }
    if (n >= 9 && start[8] == '{' && memcmp(start + 4, "\0\0\0", 4) == 0) {
        *found = "a safetensors file";
        return GRT_GUESS_SAFETENSORS;
    }
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (n >= known[i].n && memcmp(start, known[i].start, known[i].n) == 0) {
            *found = known[i].found;
            break;
        }
    return GRT_GUESS_OTHER;
}
