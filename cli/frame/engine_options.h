/*
 * engine_options.h - how an engine and a model on it are opened: the options for it, of
 * the commands that have them.
 */
#ifndef CLI_ENGINE_OPTIONS_H
#define CLI_ENGINE_OPTIONS_H

#include "frame/cli.h"

/* 0 asks for the default everywhere. */
typedef struct cli_engine_options {
    size_t n_threads;
    uint64_t memory_bytes; /* what the whole process may have resident at its peak */
    grt_hidden_storage hidden;
    grt_residency residency;
    grt_arithmetic arithmetic;
    size_t cutoff_layer;
    size_t chunk_rows;
    size_t n_cached_rows;
    const char *temporary_directory; /* NULL: $TMPDIR, or /var/tmp */
} cli_engine_options;

enum {
    CLI_KEY_MEMORY = CLI_KEY_LONG,
    CLI_KEY_HIDDEN,
    CLI_KEY_TEMPORARY,
    CLI_KEY_ARITHMETIC,
    CLI_KEY_RESIDENT,
    CLI_KEY_STREAMED,
    CLI_KEY_CUTOFF_LAYER,
    CLI_KEY_ENGINE_END /* the keys of a command's own options begin here */
};

/* clang-format off */
/* Entries of a table of options. */
#define CLI_ENGINE_OPTIONS                                                        \
    {'t', "threads", "N", "threads to use (default 0: one for each usable CPU)"}, \
    {CLI_KEY_MEMORY, "memory", "SIZE",                                            \
     "what the whole process may have resident at its peak,\n"                   \
     "while it reads, ranks, fits and writes: 300M, 1.5G"},                       \
    {CLI_KEY_HIDDEN, "hidden", "STORAGE",                                         \
     "of hidden states: f32, bf16, file or auto (default:\n"                      \
     "auto, the first that fits --memory)"},                                      \
    {CLI_KEY_TEMPORARY, "temporary-directory", "DIR",                             \
     "where hidden states go that are kept in a file\n"                          \
     "(default: $TMPDIR, or /var/tmp)"},                                          \
    {CLI_KEY_ARITHMETIC, "arithmetic", "TYPE",                                    \
     "of matrices: f32, bf16, int8 or auto (default: auto,\n"                     \
     "bf16 where the CPU has units for it)"},                                     \
    {CLI_KEY_STREAMED, "streamed", NULL,                                          \
     "keep two layers in memory (default for one query)"},                        \
    {CLI_KEY_RESIDENT, "resident", NULL, "keep all layers in memory"}
/* Of commands that need not run through all layers. */
#define CLI_CUTOFF_OPTION                                      \
    {CLI_KEY_CUTOFF_LAYER, "cutoff-layer", "L",                \
     "run through L layers and rank by the head of the last,\n" \
     "in models that have one for each layer (default: all)"}
/* clang-format on */

int cli_is_engine_option(int key);
int cli_engine_option(cli_engine_options *options, const cli_command *command, int key,
                      const char *value);

#endif
