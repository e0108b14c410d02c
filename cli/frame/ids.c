/* ids.c - ids that users gave to documents and queries: JSON strings or numbers. */
#include "frame/ids.h"

#include "frame/text.h"

#include <stdlib.h>
#include <string.h>

cli_id_text cli_id_number(const json_t *id)
{
    cli_id_text out = {""};
    if (json_is_integer(id)) {
        snprintf(out.text, sizeof out.text, "%" JSON_INTEGER_FORMAT,
                 json_integer_value(id));
        return out;
    }
    double value = json_real_value(id);
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(out.text, sizeof out.text, "%.*g", digits, value);
        if (strtod(out.text, NULL) == value) break;
    }
    return out;
}

wire_id cli_id(const json_t *id, cli_id_text *storage)
{
    if (!id) return (wire_id){0};
    if (json_is_string(id))
        return (wire_id){json_string_value(id), json_string_length(id), 0};
    *storage = cli_id_number(id);
    return (wire_id){storage->text, strlen(storage->text), 1};
}

void cli_id_json(FILE *file, const json_t *id)
{
    if (json_is_string(id))
        cli_text_json(file, json_string_value(id), json_string_length(id));
    else
        fputs(cli_id_number(id).text, file);
}
