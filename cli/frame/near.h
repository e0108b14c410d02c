/*
 * near.h - "did you mean": the name that a mistyped one is nearest to; case
 * does not count.
 */
#ifndef CLI_NEAR_H
#define CLI_NEAR_H

#include <stddef.h>

typedef struct cli_near {
    char typed[64];
    char best[64];
    size_t distance; /* of `best`; one more than is near enough while there is none */
} cli_near;

void cli_near_init(cli_near *near, const char *typed);
void cli_near_try(cli_near *near, const char *name);
/* The same, where what is typed for `name` may be `spelled`. */
void cli_near_try_as(cli_near *near, const char *spelled, const char *name);
/* NULL: none is near enough.  Lives as long as `near`. */
const char *cli_near_best(const cli_near *near);

#endif
