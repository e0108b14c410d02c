/*
 * ids.h - ids that users gave to documents and queries: JSON strings or numbers.
 */
#ifndef CLI_IDS_H
#define CLI_IDS_H

#include "wire/json.h"

#include <jansson.h>
#include <stdio.h>

/* Room for the text of a number. */
typedef struct cli_id_text {
    char text[64];
} cli_id_text;

/* The digits of a number id: for a real, the fewest that read back as the same value.
 */
cli_id_text cli_id_number(const json_t *id);
/* As it is written; `storage` holds the digits of a number.  NULL: none. */
wire_id cli_id(const json_t *id, cli_id_text *storage);
/* Prints a string or number as JSON. */
void cli_id_json(FILE *file, const json_t *id);

#endif
