/*
 * members.h - how a line of a batch says that it is to be ranked in another way than
 * the rest.
 */
#ifndef CLI_MEMBERS_H
#define CLI_MEMBERS_H

#include "rank/ranker.h"

/* Their names, to the NULL at the end. */
extern const char *const cli_member_names[];

/* Sets in `options` what the line says; NULL, or a text (also `problem`) about what is
 * wrong. */
const char *cli_members_read(cli_rank_options *options, const json_t *line,
                             char *problem, size_t n_problem);

#endif
