/* The golden files themselves: complete, in range, and readable by the tests' readers.
 *
 * What the engine makes of them is tested elsewhere; this says that an expectation is
 * there at all, and checks llama2c.h against published logits with plain loops. */
#include "golden/golden.h"
#include "golden/llama2c.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define FOLDER GRT_TEST_DATA "/golden"

static void check_sequences(const golden *g)
{
    assert_true(g->n_sequences >= 3);
    size_t n_kept = 0;
    for (size_t i = 0; i < g->n_sequences; i++) {
        size_t rows = g->offsets[i + 1] - g->offsets[i];
        assert_true(rows <= g->max_tokens);
        assert_true(isfinite(g->logits[i]));
        if (!g->hidden[i]) continue;
        n_kept++;
        for (size_t l = 0; l <= g->n_layers; l++)
            for (size_t j = 0; j < rows * g->hidden_size; j++)
                assert_true(isfinite(g->hidden[i][l][j]));
    }
    assert_true(n_kept >= 3);
}

/* The logits of one case must differ clearly, or a wrong engine could pass. */
static void check_jobs(const golden *g)
{
    double low = HUGE_VAL, high = -HUGE_VAL;
    size_t n_truncated = 0;
    for (size_t i = 0; i < g->n_jobs; i++) {
        const golden_job *job = &g->jobs[i];
        for (size_t j = 0; j < job->n_documents; j++) {
            assert_in_range(job->n_ids[j], 3, g->max_tokens);
            if (job->is_truncated[j]) assert_int_equal(job->n_ids[j], g->max_tokens);
            n_truncated += job->is_truncated[j];
            low = fmin(low, job->logits[j]);
            high = fmax(high, job->logits[j]);
        }
    }
    assert_true(high - low > 1.0);
    assert_int_equal(n_truncated, 1);
}

static void test_every_case_is_complete(void **state)
{
    (void)state;
    static char names[GOLDEN_MAX_CASES][GOLDEN_MAX_NAME];
    size_t n = golden_names(names, FOLDER), n_refused = 0, n_gguf = 0;
    assert_int_equal(n, 68);
    for (size_t i = 0; i < n; i++) {
        golden g;
        golden_open(&g, FOLDER, names[i]);
        assert_string_equal(g.name, names[i]);
        n_gguf += g.is_gguf;
        n_refused += g.refused != NULL;
        if (!g.refused) {
            check_sequences(&g);
            check_jobs(&g);
        }
        golden_close(&g);
    }
    assert_int_equal(n_refused, 2);
    assert_int_equal(n_gguf, 27);
}

/* out[i] = weights[i] . x */
static void multiply(float *out, const float *weights, const float *x, size_t n_out,
                     size_t n_in)
{
    for (size_t i = 0; i < n_out; i++) {
        double sum = 0;
        for (size_t j = 0; j < n_in; j++)
            sum += (double)weights[i * n_in + j] * (double)x[j];
        out[i] = (float)sum;
    }
}

static void rms_norm(float *out, const float *x, const float *weight, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (double)x[i] * (double)x[i];
    double scale = 1.0 / sqrt(sum / (double)n + 1e-5);
    for (size_t i = 0; i < n; i++)
        out[i] = (float)((double)x[i] * scale * (double)weight[i]);
}

static void add(float *x, const float *y, size_t n)
{
    for (size_t i = 0; i < n; i++)
        x[i] += y[i];
}

enum { DIM = 64, FFN = 172, VOCAB = 512 };

/* The first token attends to itself alone, at angle zero: attention is its value row.
 */
static void first_token_logits(const llama2c *m, size_t token, float logits[VOCAB])
{
    float x[DIM], y[DIM], v[DIM], mixed[DIM], gate[FFN], up[FFN];
    size_t kv = m->n_kv_heads * m->head_size, share = m->n_heads / m->n_kv_heads;
    memcpy(x, m->embedding + token * DIM, sizeof(x));
    for (size_t l = 0; l < m->n_layers; l++) {
        rms_norm(y, x, m->att_norm + l * DIM, DIM);
        multiply(v, m->value + l * kv * DIM, y, kv, DIM);
        for (size_t i = 0; i < DIM; i++)
            mixed[i] = v[i / m->head_size / share * m->head_size + i % m->head_size];
        multiply(y, m->output + l * DIM * DIM, mixed, DIM, DIM);
        add(x, y, DIM);
        rms_norm(y, x, m->ffn_norm + l * DIM, DIM);
        multiply(gate, m->gate + l * FFN * DIM, y, FFN, DIM);
        multiply(up, m->up + l * FFN * DIM, y, FFN, DIM);
        for (size_t i = 0; i < FFN; i++)
            up[i] *= gate[i] / (1.0f + expf(-gate[i]));
        multiply(y, m->down + l * DIM * FFN, up, DIM, FFN);
        add(x, y, DIM);
    }
    rms_norm(y, x, m->final_norm, DIM);
    multiply(logits, m->classifier, y, VOCAB, DIM);
}

static void test_llama2c_reader_finds_every_tensor(void **state)
{
    (void)state;
    llama2c m;
    json_t *expected =
        json_load_file(GRT_SHARED_DIR "/data/golden/stories260K_golden.json", 0, NULL);
    if (!expected ||
        !llama2c_open(&m, GRT_SHARED_DIR
                      "/data/weights/llama2c-stories260K/stories260K.bin")) {
        json_decref(expected);
        printf("SKIP llama2c: no stories260K in ../shared/data\n");
        return;
    }
    assert_int_equal(m.dim, DIM);
    assert_int_equal(m.ffn_size, FFN);
    assert_int_equal(m.vocab_size, VOCAB);
    assert_int_equal(m.head_size, 8);
    float logits[VOCAB];
    first_token_logits(&m, 1, logits);
    const json_t *list = json_object_get(expected, "logits_pos0_bos");
    assert_int_equal(json_array_size(list), VOCAB);
    for (size_t i = 0; i < VOCAB; i++) {
        double want = json_number_value(json_array_get(list, i));
        assert_true(fabs((double)logits[i] - want) < 2e-5);
    }
    llama2c_close(&m);
    json_decref(expected);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_case_is_complete),
        cmocka_unit_test(test_llama2c_reader_finds_every_tensor),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
