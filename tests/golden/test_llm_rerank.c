/* Reranking by a model that generates, against what the card of Qwen3-Reranker computes with transformers: the fixture's
 * documents one by one and together, with its own instruction and with another. */
#include "runtime/load/import/import.h"
#include "tests/support.h"

#include <hone.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_DOCS = 64 };

struct llm_reranking {
    json_t *golden;
    struct hone_text docs[MAX_DOCS];
    size_t n;
};

static struct llm_reranking read_golden(void)
{
    struct llm_reranking j = {.golden = read_json("tests/fixtures/qwen3-rerank/golden.json")};
    const json_t *docs = json_object_get(j.golden, "documents");
    j.n = json_array_size(docs);
    assert_in_range(j.n, 1, MAX_DOCS);
    for (size_t i = 0; i < j.n; i++)
        j.docs[i] = text_of(json_array_get(docs, i));
    return j;
}

static struct hone_model *open_model(const char *path, struct hone_options options)
{
    struct hone_error err;
    struct hone_model *model;
    assert_ok(hone_model_open(&model, path, &options, &err), &err);
    return model;
}

static struct hone_run_options how(const json_t *c)
{
    struct hone_run_options run = HONE_RUN_DEFAULTS;
    run.instruction = json_string_value(json_object_get(c, "instruction"));
    return run;
}

static void check_scores(const struct llm_reranking *j, const char *path, struct hone_options options,
                         double bound)
{
    struct hone_error err;
    float together[MAX_DOCS], alone;
    const json_t *c;
    size_t k;
    struct hone_model *model = open_model(path, options);
    json_array_foreach (json_object_get(j->golden, "cases"), k, c) {
        struct hone_run_options run = how(c);
        struct hone_text query = text_of(json_object_get(c, "query"));
        const json_t *scores = json_object_get(c, "scores");
        assert_ok(hone_rerank(model, query, j->docs, j->n, &run, together, NULL, &err), &err);
        for (size_t i = 0; i < j->n; i++) {
            const double want = json_number_value(json_array_get(scores, i));
            if (!(fabs((double)together[i] - want) <= bound * want))
                fail_msg("case %zu, document %zu: %g, not %g", k, i, (double)together[i], want);
            assert_ok(hone_rerank(model, query, &j->docs[i], 1, &run, &alone, NULL, &err), &err);
            assert_true(fabs((double)alone - want) <= bound * want);
        }
    }
    hone_model_close(&model);
}

static void test_scores(void **state)
{
    (void)state;
    struct hone_error err;
    struct llm_reranking j = read_golden();
    char *file = temporary("judge.gguf");
    const char *folder = fixture("qwen3-rerank");
    assert_ok(hone_convert(folder, file, "f32", &err), &err);
    for (int n_threads = 1; n_threads <= 3; n_threads++)
        check_scores(&j, file, (struct hone_options){.compute = HONE_COMPUTE_F32, .n_threads = n_threads},
                     1e-4);
    check_scores(&j, folder, (struct hone_options){.compute = HONE_COMPUTE_F32}, 1e-4);
    check_scores(&j, file, (struct hone_options){.compute = HONE_COMPUTE_F32, .kv = HONE_KV_INT8}, 5e-2);
    unlink(file);
    free(file);
    json_decref(j.golden);
}

/* A row of the token embeddings. */
static void copy_row(const struct gguf *g, const char *token, float *out)
{
    const struct gguf_value *tokens = gguf_find(g, "tokenizer.ggml.tokens");
    const struct gguf_tensor *table = gguf_find_tensor(g, "token_embd.weight");
    size_t n = (size_t)table->dims[0];
    for (size_t i = 0; i < tokens->n; i++)
        if (tokens->strings[i].size == strlen(token) &&
            memcmp(tokens->strings[i].data, token, strlen(token)) == 0)
            memcpy(out, (const float *)table->data + i * n, n * sizeof *out);
}

/* llama.cpp's converter makes a head of two labels of the rows of "yes" and "no". */
static void test_labels(void **state)
{
    (void)state;
    struct hone_error err;
    struct gguf *g;
    struct llm_reranking j = read_golden();
    char *file = temporary("labels.gguf");
    const struct hone_text labels[] = {{"yes", 3}, {"no", 2}};
    assert_ok(import_folder(&g, fixture("qwen3-rerank"), false, &err), &err);
    size_t n = (size_t)gguf_find_tensor(g, "token_embd.weight")->dims[0];
    float *rows = calloc(2 * n, sizeof *rows);
    copy_row(g, "yes", rows);
    copy_row(g, "no", rows + n);
    struct gguf_tensor head = {.name = "cls.output.weight",
                               .type = quant_type_by_id(QUANT_F32),
                               .n_dims = 2,
                               .dims = {n, 2, 1, 1},
                               .data = rows};
    assert_true(gguf_add_tensor(g, &head) && gguf_set_u32(g, "qwen3.pooling_type", 4) &&
                gguf_set_texts(g, "qwen3.classifier.output_labels", labels, 2));
    assert_ok(gguf_write(g, file, NULL, &err), &err);
    gguf_close(&g);
    check_scores(&j, file, (struct hone_options){.compute = HONE_COMPUTE_F32}, 1e-4);
    unlink(file);
    free(rows);
    free(file);
    json_decref(j.golden);
}

/* What all documents have in front is computed once: each document more adds its own tokens and what follows. */
static void test_shared_prefix(void **state)
{
    (void)state;
    struct hone_error err;
    struct hone_text query = {"the fox", 7}, docs[MAX_DOCS];
    struct hone_run_options run = HONE_RUN_DEFAULTS;
    struct hone_model *model = open_model(fixture("qwen3-rerank"), (struct hone_options){.n_threads = 2});
    char texts[MAX_DOCS][24];
    float out[MAX_DOCS];
    size_t n_tokens[3];
    for (size_t i = 0; i < MAX_DOCS; i++)
        docs[i] =
            (struct hone_text){texts[i], (size_t)snprintf(texts[i], sizeof texts[i], "%c fox number %02zu",
                                                          (char)('A' + i % 26), i)};
    for (size_t i = 0; i < 3; i++) {
        struct hone_stats stats = {0};
        const size_t n_docs[] = {1, MAX_DOCS / 2, MAX_DOCS};
        assert_ok(hone_rerank(model, query, docs, n_docs[i], &run, out, &stats, &err), &err);
        assert_int_equal(stats.n_texts, n_docs[i]);
        n_tokens[i] = stats.n_tokens;
    }
    const size_t a_document = (n_tokens[2] - n_tokens[1]) / (MAX_DOCS / 2);
    print_message("%zu tokens for one document, %zu for each of many\n", n_tokens[0], a_document);
    assert_true(a_document * 2 < n_tokens[0]);
    assert_true(n_tokens[1] < n_tokens[0] + (a_document + 4) * MAX_DOCS / 2);
    hone_model_close(&model);
}

static size_t n_told;

static void tell(void *arg, size_t i, const char *sentence)
{
    (void)arg;
    assert_non_null(strstr(sentence, "tokens, expected at most"));
    assert_int_equal(i, 1);
    n_told++;
}

static void test_too_long(void **state)
{
    (void)state;
    struct hone_error err;
    static char text[8192];
    memset(text, 'x', sizeof text);
    struct hone_text query = {"x", 1}, docs[] = {{"a fox", 5}, {text, sizeof text}, {"a dog", 5}};
    struct hone_run_options run = HONE_RUN_DEFAULTS;
    struct hone_stats stats = {0};
    float out[3], cut[3];
    struct hone_model *model = open_model(fixture("qwen3-rerank"), (struct hone_options){.strict = true});
    assert_int_equal(hone_rerank(model, query, docs, 3, &run, out, &stats, &err), HONE_REFUSED);
    run.on_refused = tell;
    assert_ok(hone_rerank(model, query, docs, 3, &run, out, &stats, &err), &err);
    assert_int_equal(n_told, 1);
    assert_int_equal(stats.n_refused, 1);
    assert_true(isnan(out[1]) && out[0] > 0 && out[2] > 0);
    hone_model_close(&model);
    model = open_model(fixture("qwen3-rerank"), (struct hone_options){0});
    memset(&stats, 0, sizeof stats);
    assert_ok(hone_rerank(model, query, docs, 3, &run, cut, &stats, &err), &err);
    assert_int_equal(stats.n_truncated, 1);
    assert_true(cut[1] > 0 && cut[1] < 1);
    hone_model_close(&model);
    model = open_model(fixture("bert-embed"), (struct hone_options){0});
    run.instruction = "x";
    assert_int_equal(hone_rerank(model, query, docs, 1, &run, out, NULL, &err), HONE_USAGE);
    hone_model_close(&model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_scores), cmocka_unit_test(test_labels),
                                       cmocka_unit_test(test_shared_prefix), cmocka_unit_test(test_too_long)};
    return cmocka_run_group_tests_name("models that judge", tests, NULL, NULL);
}
