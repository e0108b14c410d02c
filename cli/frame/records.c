/* records.c - a text with its id and title, in an object of JSON. */
#include "frame/records.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

size_t cli_field_names(const cli_fields *fields, cli_field field,
                       const char *names[CLI_FIELD_NAMES_MAX])
{
    static const char *const usual[][CLI_FIELD_NAMES_MAX] = {
        {"text", "contents", "content", "page_content", "passage", "body"},
        {"title"},
        {"id", "_id", "docid", "doc_id"}};
    const char *own = field == CLI_FIELD_TEXT    ? fields->text
                      : field == CLI_FIELD_TITLE ? fields->title
                                                 : fields->id;
    size_t n = 0;
    if (own) {
        names[0] = own;
        return own[0] != 0;
    }
    for (; n < CLI_FIELD_NAMES_MAX && usual[field][n]; n++)
        names[n] = usual[field][n];
    return n;
}

/* The member of this name, or the one at the end of its path. */
static const json_t *member(const json_t *value, const char *name)
{
    const json_t *found = json_object_get(value, name);
    const char *dot = found ? NULL : strchr(name, '.');
    char first[100];
    if (!dot || (size_t)(dot - name) >= sizeof first) return found;
    memcpy(first, name, (size_t)(dot - name));
    first[dot - name] = 0;
    const json_t *inner = json_object_get(value, first);
    return json_is_object(inner) ? member(inner, dot + 1) : NULL;
}

/* The first of the names that is there and not null. */
static const json_t *find(const json_t *value, const cli_fields *fields,
                          cli_field field, const char **name)
{
    const char *names[CLI_FIELD_NAMES_MAX];
    size_t n = cli_field_names(fields, field, names);
    for (size_t i = 0; i < n; i++) {
        const json_t *found = member(value, names[i]);
        if (!found || json_is_null(found)) continue;
        *name = names[i];
        return found;
    }
    return NULL;
}

/* "a document has no "text"; it has "a", "b": --field text=NAME says which" */
static const char *lacks_text(cli_record *out, const json_t *value,
                              const cli_fields *fields)
{
    const char *wanted = fields->text ? fields->text : "text";
    size_t room = sizeof out->problem, used;
    used = (size_t)snprintf(out->problem, room, "a document has no \"%s\"", wanted);
    if (json_is_null(member(value, wanted))) {
        snprintf(out->problem, room, "the \"%s\" of a document is null", wanted);
        return out->problem;
    }
    const char *name, *before = "; it has";
    json_t *ignored;
    /* jansson walks objects through pointers that are not const. */
    void *iterator = json_object_iter((json_t *)(uintptr_t)value);
    for (; iterator && used < room / 2;
         iterator = json_object_iter_next((json_t *)(uintptr_t)value, iterator)) {
        name = json_object_iter_key(iterator);
        ignored = json_object_iter_value(iterator);
        if (!json_is_string(ignored)) continue;
        used += (size_t)snprintf(out->problem + used, room - used, "%s \"%.40s\"",
                                 before, name);
        before = ",";
    }
    if (fields->has_option && before[0] == ',' && used < room)
        snprintf(out->problem + used, room - used,
                 "; --field text=NAME tells which it is");
    return out->problem;
}

static const char *fail(cli_record *out, const char *name, const char *what)
{
    snprintf(out->problem, sizeof out->problem, "the \"%s\" of a document is %s", name,
             what);
    return out->problem;
}

const char *cli_record_read(cli_record *out, const json_t *value,
                            const cli_fields *fields)
{
    const char *name = "text", *title_name = "title", *id_name = "id";
    *out = (cli_record){0};
    if (!json_is_string(value) && !json_is_object(value))
        return "a document is neither a string nor an object with \"text\"";
    const json_t *text = value, *title = NULL;
    if (json_is_object(value)) {
        text = find(value, fields, CLI_FIELD_TEXT, &name);
        title = find(value, fields, CLI_FIELD_TITLE, &title_name);
        out->id = find(value, fields, CLI_FIELD_ID, &id_name);
    }
    if (!text) return lacks_text(out, value, fields);
    if (!json_is_string(text)) return fail(out, name, "not a string");
    if (title && !json_is_string(title)) {
        /* One that was asked for, or a member of that name by chance. */
        if (fields->title) return fail(out, title_name, "not a string");
        title = NULL;
    }
    if (out->id && !json_is_string(out->id) && !json_is_number(out->id))
        return fail(out, id_name, "neither a string nor a number");
    out->text = json_string_value(text);
    out->bytes = json_string_length(text);
    if (title) {
        out->title = json_string_value(title);
        out->title_bytes = json_string_length(title);
    }
    return NULL;
}
