/* names.c - enums as text and back: see grating.h. */
#include "base/error.h"

#include <string.h>

typedef struct name {
    const char *text;
    int32_t value;
} name;

static const name hidden_storages[] = {{"auto", GRT_HIDDEN_AUTO},
                                       {"f32", GRT_HIDDEN_F32},
                                       {"bf16", GRT_HIDDEN_BF16},
                                       {"file", GRT_HIDDEN_FILE}};
static const name arithmetics[] = {{"auto", GRT_ARITHMETIC_AUTO},
                                   {"f32", GRT_ARITHMETIC_F32},
                                   {"bf16", GRT_ARITHMETIC_BF16},
                                   {"int8", GRT_ARITHMETIC_INT8}};
static const name policies[] = {{"default", GRT_POLICY_DEFAULT},
                                {"none", GRT_POLICY_NONE},
                                {"cluster", GRT_POLICY_CLUSTER},
                                {"bound", GRT_POLICY_BOUND}};
static const name promises[] = {{"default", GRT_PROMISE_DEFAULT},
                                {"set", GRT_PROMISE_SET},
                                {"order", GRT_PROMISE_ORDER},
                                {"scores", GRT_PROMISE_SCORES}};
static const name long_documents[] = {{"cut", GRT_LONG_CUT},
                                      {"best", GRT_LONG_BEST},
                                      {"refuse", GRT_LONG_REFUSE}};
static const name states[] = {{"finished", GRT_STATE_FINISHED},
                              {"selected", GRT_STATE_SELECTED},
                              {"dropped", GRT_STATE_DROPPED},
                              {"active", GRT_STATE_ACTIVE}};

static const name model_sources[] = {{"path", GRT_SOURCE_PATH},
                                     {"bundled", GRT_SOURCE_BUNDLED},
                                     {"hugging-face", GRT_SOURCE_HUGGING_FACE},
                                     {"ollama", GRT_SOURCE_OLLAMA}};
static const name note_levels[] = {{"detail", GRT_NOTE_DETAIL},
                                   {"result", GRT_NOTE_RESULT}};

static const char *text_of(const name *names, size_t n, int32_t value)
{
    for (size_t i = 0; i < n; i++)
        if (names[i].value == value) return names[i].text;
    return "unknown";
}

static grt_status value_of(int32_t *out, const name *names, size_t n, const char *text)
{
    for (size_t i = 0; text && i < n; i++) {
        if (strcmp(names[i].text, text) != 0) continue;
        *out = names[i].value;
        return GRT_OK;
    }
    return GRT_E_INVALID_ARG;
}

/* The two functions of an enum. */
#define GRT_NAMES(type, names)                                                    \
    const char *type##_text(type value)                                           \
    {                                                                             \
        return text_of(names, sizeof(names) / sizeof(names[0]), (int32_t)value);  \
    }                                                                             \
    grt_status type##_from_text(type *out, const char *text)                      \
    {                                                                             \
        int32_t value;                                                            \
        GRT_TRY(value_of(&value, names, sizeof(names) / sizeof(names[0]), text)); \
        *out = (type)value;                                                       \
        return GRT_OK;                                                            \
    }

GRT_NAMES(grt_hidden_storage, hidden_storages)
GRT_NAMES(grt_arithmetic, arithmetics)
GRT_NAMES(grt_policy, policies)
GRT_NAMES(grt_promise, promises)
GRT_NAMES(grt_long_documents, long_documents)
GRT_NAMES(grt_state, states)
GRT_NAMES(grt_note_level, note_levels)
GRT_NAMES(grt_model_source, model_sources)
