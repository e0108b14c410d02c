/* fuzz_model.c - a changed checkpoint (mutant.h), opened and ranked with from end to
 * end: what is bound, prompts, arithmetic.  Behind the changes come options, then the
 * texts, which end at NUL bytes: query, instruction, documents. */
#include "mutant.h"
#include "outcome.h"

#include "base/memory.h"

enum { DOCUMENTS_MAX = 6, TEXT_BYTES = 2000, BUDGET = 256 << 20 };

typedef struct texts {
    char bytes[TEXT_BYTES + 1];
    const char *documents[DOCUMENTS_MAX];
    size_t n_documents;
    const char *query, *instruction;
} texts;

static void take_texts(texts *out, fuzz_bytes *bytes)
{
    size_t n = 0;
    while (n < TEXT_BYTES && bytes->at < bytes->n)
        out->bytes[n++] = (char)fuzz_take(bytes);
    out->bytes[n] = 0;
    const char *at = out->bytes, *end = out->bytes + n;
    const char *all[DOCUMENTS_MAX + 2] = {""};
    size_t n_all = 0;
    for (; n_all < DOCUMENTS_MAX + 2 && at <= end; at += strlen(at) + 1)
        all[n_all++] = at;
    out->query = all[0];
    out->instruction = n_all > 1 && all[1][0] ? all[1] : NULL;
    out->documents[0] = "owls hunt at night";
    out->n_documents = 1;
    for (size_t i = 2; i < n_all && out->n_documents < DOCUMENTS_MAX; i++)
        out->documents[out->n_documents++] = all[i];
}

static void rank(grt_model *model, uint8_t how, fuzz_bytes *bytes)
{
    static texts all;
    grt_error err = {0};
    grt_result *result = NULL;
    grt_request request = GRT_REQUEST_INIT;
    grt_policy_options policy = GRT_POLICY_OPTIONS_INIT;
    take_texts(&all, bytes);
    policy.policy = how & 3;
    policy.promise = how >> 2 & 3;
    request.query = all.query;
    request.instruction = all.instruction;
    request.documents = all.documents;
    request.n_documents = all.n_documents;
    request.k = how >> 4 & 3;
    request.policy = &policy;
    request.long_documents = how >> 6 & 1;
    request.max_document_tokens = how >> 7 ? 3 : 0;
    grt_status status = grt_rank(&result, model, &request, &err);
    if (status == GRT_E_UNSUPPORTED && request.instruction) {
        request.instruction = NULL;
        status = grt_rank(&result, model, &request, &err);
    }
    if (status == GRT_OK)
        fuzz_check_order(result, all.n_documents);
    else
        fuzz_check_error(status, &err);
    grt_result_free(result);
}

static void describe(const grt_model *model)
{
    grt_model_info info = GRT_MODEL_INFO_INIT;
    grt_model_describe(model, &info);
    fuzz_need(info.n_layers > 0 && info.hidden_size > 0, "a model has layers");
    for (size_t i = 0; i < info.n_tensors; i++) {
        grt_tensor_view view = GRT_TENSOR_VIEW_INIT;
        fuzz_need(grt_model_tensor(model, i, &view) == GRT_OK && view.name[0],
                  "a tensor has a name");
    }
    for (size_t i = 0; i < info.n_notes; i++) {
        grt_note note = GRT_NOTE_INIT;
        fuzz_need(grt_model_note(model, i, &note) == GRT_OK && !strchr(note.text, '\n'),
                  "a note is one line");
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_bytes bytes = {data, size, 0};
    const char *path;
    grt_error err = {0};
    grt_model *model = NULL;
    grt_engine *engine = NULL;
    grt_engine_options engine_options = GRT_ENGINE_OPTIONS_INIT;
    grt_model_options options = GRT_MODEL_OPTIONS_INIT;
    uint64_t before = grt_memory_now();
    fuzz_mutant_make(&bytes, &path);
    uint8_t how = fuzz_take(&bytes);
    engine_options.n_threads = 1;
    engine_options.memory_bytes = BUDGET;
    engine_options.hidden = how >> 4 & 3;
    options.arithmetic = how & 3;
    options.residency = how >> 2 & 3;
    if (options.residency > GRT_RESIDENCY_RESIDENT) options.residency = 0;
    options.cutoff_layer = how >> 6;
    fuzz_need(grt_engine_create(&engine, &engine_options, &err) == GRT_OK, err.text);
    grt_status status = grt_model_open(&model, engine, path, &options, &err);
    if (status == GRT_OK) {
        describe(model);
        rank(model, fuzz_take(&bytes), &bytes);
    } else {
        fuzz_check_error(status, &err);
    }
    grt_model_close(model);
    grt_engine_free(engine);
    fuzz_need(grt_memory_now() == before, "nothing is kept");
    return 0;
}
