/* Requests of every dialect, as clients really write them. */
#include "test.h"

#include "serve/dialects.h"

#include <string.h>

static const serve_limits limits = {.n_documents = 8, .text_bytes = 100};

static serve_fault_kind read_at(serve_request *out, const char *path, const char *body,
                                serve_fault *fault)
{
    return serve_request_read(out, path, body, strlen(body), &limits, fault);
}

typedef struct good {
    const char *path, *body, *dialect, *query;
    size_t n_documents;
    const char *last; /* document */
} good;

/* Bodies that clients send. */
static const good goods[] = {
    {"/v2/rerank", "{\"model\":\"m\",\"query\":\"q\",\"documents\":[\"a\",\"b\"]}",
     "cohere2", "q", 2, "b"},
    {"/v1/rerank",
     "{\"query\":\"q\",\"documents\":[{\"text\":\"a\"},\"b\"],"
     "\"max_chunks_per_doc\":null}",
     "rerank", "q", 2, "b"},
    {"/rerank", "{\"query\":\"q\",\"texts\":[\"a\"],\"truncate\":null}", "tei", "q", 1,
     "a"},
    {"/v1/ranking",
     "{\"model\":\"m\",\"query\":{\"text\":\"q\"},\"passages\":[{\"text\":\"a\"}],"
     "\"truncate\":\"END\"}",
     "nim", "q", 1, "a"},
    {"/reranking", "{\"query\":\"q\",\"input\":[\"a\",\"b\"],\"return_input\":false}",
     "mixedbread", "q", 2, "b"},
    {"/reranking", "{\"query\":\"q\",\"documents\":[\"a\"]}", "rerank", "q", 1, "a"},
    {"/rerank", "{\"query\":\"q\",\"documents\":[\"a\"],\"property\":\"\"}", "weaviate",
     "q", 1, "a"},
    {"/score", "{\"text_1\":\"q\",\"text_2\":[\"a\",\"b\"]}", "score", "q", 2, "b"},
    {"/v1/score", "{\"text_1\":\"q\",\"text_2\":\"a\"}", "score", "q", 1, "a"},
    {"/v1/score", "{\"queries\":\"q\",\"documents\":[\"a\"]}", "score", "q", 1, "a"},
    {"/v1/score", "{\"data_1\":\"q\",\"data_2\":[\"a\"]}", "score", "q", 1, "a"},
    {"/v1/rerank",
     "{\"query\":\"q\",\"documents\":[{\"title\":\"t\",\"body\":\"b\",\"n\":3}],"
     "\"rank_fields\":[\"title\",\"n\"]}",
     "rerank", "q", 1, "title: t\nn: 3"},
    {"/v1/rerank",
     "{\"query\":\"q\",\"documents\":[{\"body\":\"b\"}],\"rank_fields\":[\"body\"]}",
     "rerank", "q", 1, "b"},
    {"/v1/rerank", "{\"query\":\"q\",\"documents\":[\"\"]}", "rerank", "q", 1, ""},
};

static void test_dialects(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof goods / sizeof goods[0]; i++) {
        const good *one = &goods[i];
        serve_request request;
        serve_fault fault;
        if (read_at(&request, one->path, one->body, &fault))
            fail_msg("%s %s: %s", one->path, one->body, fault.text);
        size_t n = request.n_documents;
        if (strcmp(request.dialect->name, one->dialect) != 0)
            fail_msg("%s is taken for %s", one->body, request.dialect->name);
        if (n != one->n_documents || strcmp(request.texts[n - 1], one->last) != 0 ||
            request.bytes[n - 1] != strlen(one->last))
            fail_msg("%s: %zu documents, \"%s\"", one->body, n, request.texts[n - 1]);
        assert_int_equal(request.n_queries, 1);
        assert_string_equal(request.queries[0].data, one->query);
        serve_request_release(&request);
    }
}

typedef struct bad {
    const char *path, *body;
    serve_fault_kind kind;
    const char *param, *fragment;
} bad;

static const bad bads[] = {
    {"/v1/rerank", "", SERVE_BAD_REQUEST, "", "is empty"},
    {"/v1/rerank", "{", SERVE_BAD_REQUEST, "", "not JSON"},
    {"/v1/rerank", "{}x", SERVE_BAD_REQUEST, "", "not JSON"},
    {"/v1/rerank", "{\"query\":\"\xff\",\"documents\":[\"a\"]}", SERVE_BAD_REQUEST, "",
     "not JSON"},
    {"/v1/rerank", "null", SERVE_BAD_REQUEST, "", "object"},
    {"/v1/rerank", "123", SERVE_BAD_REQUEST, "", "object"},
    {"/v1/rerank", "[1,2,3]", SERVE_BAD_REQUEST, "", "object"},
    {"/v1/rerank", "{\"documents\":[\"a\"]}", SERVE_BAD_REQUEST, "query", "missing"},
    {"/v1/rerank", "{\"query\":7,\"documents\":[\"a\"]}", SERVE_BAD_REQUEST, "query",
     "string"},
    {"/v1/rerank", "{\"query\":\" \\t\",\"documents\":[\"a\"]}", SERVE_BAD_REQUEST,
     "query", "white space"},
    {"/v1/rerank", "{\"query\":\"q\"}", SERVE_BAD_REQUEST, "documents", "missing"},
    {"/v1/rerank", "{\"query\":\"q\",\"documents\":null}", SERVE_BAD_REQUEST,
     "documents", "missing"},
    {"/v1/rerank", "{\"query\":\"q\",\"documents\":[]}", SERVE_BAD_REQUEST, "documents",
     "empty"},
    {"/v1/rerank", "{\"query\":\"q\",\"documents\":7}", SERVE_BAD_REQUEST, "documents",
     "list"},
    {"/v1/rerank", "{\"query\":\"q\",\"documents\":[\"a\",{\"x\":1}]}",
     SERVE_BAD_REQUEST, "documents", "\"documents\"[1]"},
    {"/rerank", "{\"query\":\"q\",\"texts\":[]}", SERVE_BAD_REQUEST, "texts", "empty"},
    {"/score", "{\"text_1\":[\"q\",\"r\"],\"text_2\":[\"a\",\"b\",\"c\"]}",
     SERVE_BAD_REQUEST, "queries", "2 queries and 3 documents"},
    {"/v1/rerank", "{\"query\":\"q\",\"documents\":[\"a\"],\"top_n\":\"many\"}",
     SERVE_BAD_REQUEST, "top_n", "whole number"},
    {"/v1/rerank", "{\"query\":\"q\",\"documents\":[\"a\"],\"top_n\":1.5}",
     SERVE_BAD_REQUEST, "top_n", "whole number"},
    {"/v1/rerank", "{\"query\":\"q\",\"documents\":[\"a\"],\"top_n\":[1]}",
     SERVE_BAD_REQUEST, "top_n", "whole number"},
    {"/v1/rerank", "{\"query\":\"q\",\"documents\":[\"a\"],\"stream\":\"maybe\"}",
     SERVE_BAD_REQUEST, "stream", "true or false"},
    {"/v1/rerank", "{\"query\":\"q\",\"documents\":[\"a\"],\"grating\":3}",
     SERVE_BAD_REQUEST, "grating", "object"},
    {"/v1/rerank",
     "{\"query\":\"q\",\"documents\":[\"a\"],\"grating\":{\"precision\":1}}",
     SERVE_BAD_REQUEST, "precision", "below 1"},
    {"/v1/rerank",
     "{\"query\":\"q\",\"documents\":[\"a\"],\"grating\":{\"policy\":\"fast\"}}",
     SERVE_BAD_REQUEST, "policy", "bound"},
    {"/v1/rerank",
     "{\"query\":\"q\",\"documents\":[\"a\"],\"grating\":{\"deadline_ms\":-5}}",
     SERVE_BAD_REQUEST, "deadline_ms", "time"},
    {"/v1/rerank",
     "{\"query\":\"q\",\"documents\":[\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\","
     "\"9\"]}",
     SERVE_TOO_MANY, "documents", "at most 8"},
    {"/v1/rerank",
     "{\"query\":\"q\",\"documents\":[\"0123456789012345678901234567890123456789"
     "01234567890123456789012345678901234567890123456789012345678901234567890\"]}",
     SERVE_TOO_LONG, "documents", "111 bytes"},
};

static void test_refusals(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bads / sizeof bads[0]; i++) {
        const bad *one = &bads[i];
        serve_request request;
        serve_fault fault;
        serve_fault_kind kind = read_at(&request, one->path, one->body, &fault);
        if (kind != one->kind || kind != fault.kind ||
            strcmp(fault.param, one->param) != 0 || !strstr(fault.text, one->fragment))
            fail_msg("%s: %d, \"%s\", %s", one->body, (int)kind, fault.param,
                     fault.text);
        assert_non_null(request.dialect);
        serve_request_release(&request);
    }
}

#define BODY(more) "{\"query\":\"q\",\"documents\":[\"a\",\"b\"]," more "}"

static serve_request options_of(const char *body)
{
    serve_request request;
    serve_fault fault;
    if (read_at(&request, "/v1/rerank", body, &fault)) fail_msg("%s", fault.text);
    return request;
}

static void test_null_is_absent(void **state)
{
    (void)state;
    serve_request request = options_of(
        BODY("\"model\":null,\"top_n\":null,\"return_documents\":null,"
             "\"raw_scores\":null,\"truncate\":null,\"max_tokens_per_doc\":null,"
             "\"priority\":null,\"instruction\":null,\"stream\":null,\"grating\":null,"
             "\"rank_fields\":null,\"use_activation\":null"));
    assert_null(request.model);
    assert_null(request.instruction.data);
    assert_int_equal(request.top_n, 0);
    assert_false(request.returns_documents);
    assert_false(request.gives_logits);
    assert_false(request.is_streamed);
    assert_int_equal(request.long_documents, GRT_LONG_CUT);
    serve_request_release(&request);
}

static void test_strings_for_numbers(void **state)
{
    (void)state;
    serve_request request = options_of(
        BODY("\"top_n\":\"1\",\"return_documents\":\"true\",\"raw_scores\":\"False\","
             "\"priority\":\"-3\",\"truncate\":\"false\",\"stream\":1,"
             "\"max_tokens_per_doc\":\"40\",\"model\":\"\",\"instruct\":\"find\","
             "\"grating\":{\"k\":\"5\",\"precision\":\"0.5\",\"deadline_ms\":\"1.5\","
             "\"trace\":\"yes\"}"));
    assert_int_equal(request.top_n, 1);
    assert_true(request.returns_documents);
    assert_false(request.gives_logits);
    assert_int_equal(request.priority, -3);
    assert_int_equal(request.long_documents, GRT_LONG_REFUSE);
    assert_true(request.is_streamed);
    assert_int_equal(request.max_document_tokens, 40);
    assert_null(request.model);
    assert_string_equal(request.instruction.data, "find");
    assert_true(request.wishes.has_k);
    assert_int_equal(request.wishes.k, 5);
    assert_true(request.wishes.precision == 0.5F);
    assert_int_equal(request.wishes.deadline_ns, 1500000);
    assert_true(request.is_traced);
    serve_request_release(&request);
}

static void test_top_n(void **state)
{
    (void)state;
    static const struct {
        const char *body;
        size_t top_n;
    } cases[] = {
        {BODY("\"top_n\":0"), 0},           {BODY("\"top_n\":-1"), 0},
        {BODY("\"top_n\":3.0"), 3},         {BODY("\"top_k\":1"), 1},
        {BODY("\"top_n\":\"\""), 0},        {BODY("\"top_k\":1,\"top_n\":2"), 2},
        {BODY("\"top_n\":1e9"), 1000000000}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        serve_request request = options_of(cases[i].body);
        if (request.top_n != cases[i].top_n)
            fail_msg("%s: %zu", cases[i].body, request.top_n);
        serve_request_release(&request);
    }
}

static void test_long_documents(void **state)
{
    (void)state;
    static const struct {
        const char *body;
        int32_t how;
    } cases[] = {
        {BODY("\"max_chunks_per_doc\":null"), GRT_LONG_CUT},
        {BODY("\"max_chunks_per_doc\":1"), GRT_LONG_CUT},
        {BODY("\"max_chunks_per_doc\":10"), GRT_LONG_BEST},
        {BODY("\"max_chunks_per_doc\":10,\"truncate\":false"), GRT_LONG_REFUSE},
        {BODY("\"truncate\":\"NONE\""), GRT_LONG_REFUSE},
        {BODY("\"truncate\":\"END\""), GRT_LONG_CUT},
        {BODY("\"truncate\":true"), GRT_LONG_CUT},
        {BODY("\"grating\":{\"long_documents\":\"best\"}"), GRT_LONG_BEST},
        {BODY("\"truncate\":false,\"grating\":{\"long_documents\":\"cut\"}"),
         GRT_LONG_CUT},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        serve_request request = options_of(cases[i].body);
        if (request.long_documents != cases[i].how)
            fail_msg("%s: %d", cases[i].body, (int)request.long_documents);
        serve_request_release(&request);
    }
}

/* A body of numbers would take sixteen times its size. */
static void test_many_values(void **state)
{
    (void)state;
    enum { N = 2000 };
    static char body[4 * N + 100];
    serve_request request;
    serve_fault fault;
    for (int in_text = 0; in_text < 2; in_text++) {
        char *end = body + snprintf(body, sizeof body,
                                    "{\"query\":\"q\",\"documents\":[\"a\"],\"x\":%s",
                                    in_text ? "\"" : "[");
        for (int i = 0; i < N; i++) {
            memcpy(end, "1,", 2);
            end += 2;
        }
        memcpy(end, in_text ? "\\\"1\"}" : "1]}", in_text ? 6 : 4);
        serve_fault_kind kind = read_at(&request, "/v1/rerank", body, &fault);
        if (kind != (in_text ? SERVE_OK : SERVE_TOO_MANY))
            fail_msg("%d: %s", in_text, fault.text);
        serve_request_release(&request);
    }
    char *end = body + snprintf(body, sizeof body,
                                "{\"query\":\"q\",\"documents\":[\"a\"],"
                                "\"rank_fields\":[");
    for (int i = 0; i < 64; i++) {
        memcpy(end, "\"f\",", 4);
        end += 4;
    }
    memcpy(end, "\"f\"]}", 6);
    assert_int_equal(read_at(&request, "/v1/rerank", body, &fault), SERVE_TOO_MANY);
    assert_string_equal(fault.param, "rank_fields");
    serve_request_release(&request);
}

static void test_wishes_are_filled(void **state)
{
    (void)state;
    serve_wishes own = {.has_k = 1, .k = 0, .precision = 0.5F};
    const serve_wishes other = {.has_k = 1,
                                .k = 10,
                                .precision = 0.9F,
                                .deadline_ns = 7,
                                .policy = GRT_POLICY_NONE,
                                .promise = GRT_PROMISE_SET};
    serve_wishes_fill(&own, &other);
    assert_int_equal(own.k, 0); /* all, as it was said */
    assert_true(own.precision == 0.5F);
    assert_int_equal(own.deadline_ns, 7);
    assert_int_equal(own.policy, GRT_POLICY_NONE);
    assert_int_equal(own.promise, GRT_PROMISE_SET);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dialects),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_null_is_absent),
        cmocka_unit_test(test_top_n),
        cmocka_unit_test(test_strings_for_numbers),
        cmocka_unit_test(test_wishes_are_filled),
        cmocka_unit_test(test_long_documents),
        cmocka_unit_test(test_many_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
