/* Every model with a golden.json beside it (what transformers computes in float32) against hone: ids exact,
 * embeddings within 1e-5, logits within 1e-4 relative, from the Hugging Face folder and through a GGUF file; and a
 * text's result the same bits alone, in any batch, and on any number of threads. */
#include "runtime/infer/tokens.h"
#include "tests/support.h"

#include <hone.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct golden {
    char *folder;
    json_t *json;
    const json_t *inputs; /* texts, or pairs */
    bool pairs;
    size_t n, width;
    struct hone_text *first, *second;
};

static const json_t *part(const struct golden *g, size_t i, size_t side)
{
    const json_t *input = json_array_get(g->inputs, i);
    return g->pairs ? json_array_get(input, side) : input;
}

static struct golden *golden_open(const char *folder)
{
    char path[4200];
    struct golden *g = calloc(1, sizeof *g);
    g->folder = strdup(folder);
    snprintf(path, sizeof path, "%s/golden.json", folder);
    g->json = read_json(path);
    g->pairs = strcmp(json_string_value(json_object_get(g->json, "kind")), "cross-encoder") == 0;
    g->inputs = json_object_get(g->json, g->pairs ? "pairs" : "texts");
    g->n = json_array_size(g->inputs);
    const json_t *rows = json_object_get(g->json, g->pairs ? "logits" : "embedding");
    g->width = json_array_size(json_array_get(rows, 0));
    g->first = calloc(g->n, sizeof *g->first);
    g->second = calloc(g->n, sizeof *g->second);
    for (size_t i = 0; i < g->n; i++) {
        g->first[i] = text_of(part(g, i, 0));
        if (g->pairs)
            g->second[i] = text_of(part(g, i, 1));
    }
    return g;
}

static void golden_close(struct golden *g)
{
    free(g->first);
    free(g->second);
    free(g->folder);
    json_decref(g->json);
    free(g);
}

static struct hone_model *open_model(const struct golden *g, const char *path, int n_threads)
{
    struct hone_error err;
    struct hone_model *model;
    struct hone_options options = {
        .n_threads = n_threads,
        .compute = HONE_COMPUTE_F32,
        .max_length = (size_t)json_integer_value(json_object_get(g->json, "max_length")),
    };
    assert_ok(hone_model_open(&model, path, &options, &err), &err);
    return model;
}

static void run(const struct golden *g, struct hone_model *model, size_t first, size_t n, float *out)
{
    struct hone_error err;
    struct hone_run_options options = HONE_RUN_DEFAULTS;
    options.raw = true;
    if (g->pairs)
        assert_ok(hone_classify(model, g->first + first, g->second + first, n, &options, out, NULL, &err),
                  &err);
    else
        assert_ok(hone_embed(model, g->first + first, n, &options, out, NULL, &err), &err);
}

static void check_ids(const struct golden *g, struct hone_model *model)
{
    struct hone_error err;
    struct tokens tokens;
    struct inputs inputs = {.n = g->n,
                            .first = g->first,
                            .second = g->pairs ? g->second : NULL,
                            .max_length = (size_t)json_integer_value(json_object_get(g->json, "max_length"))};
    const json_t *expected = json_object_get(g->json, "ids");
    assert_ok(tokens_make(&tokens, model, &inputs, model->encodings, 1, &err), &err);
    for (size_t i = 0; i < g->n; i++) {
        const json_t *row = json_array_get(expected, i);
        assert_int_equal(tokens.runs[i].n, json_array_size(row));
        for (size_t j = 0; j < json_array_size(row); j++)
            assert_int_equal(tokens.runs[i].ids[j], json_integer_value(json_array_get(row, j)));
    }
    tokens_release(&tokens);
}

static void check_numbers(const struct golden *g, struct hone_model *model)
{
    const json_t *expected = json_object_get(g->json, g->pairs ? "logits" : "embedding");
    float *out = calloc(g->n * g->width, sizeof *out);
    double worst = 0;
    run(g, model, 0, g->n, out);
    for (size_t i = 0; i < g->n; i++)
        for (size_t j = 0; j < g->width; j++) {
            double want = number_at(expected, i, j), error = fabs(out[i * g->width + j] - want);
            error = g->pairs ? error / fmax(fabs(want), 1e-2) : error;
            worst = fmax(worst, error);
        }
    print_message("%s: worst error %.2e %s\n", g->folder, worst, g->pairs ? "relative" : "absolute");
    free(out);
    assert_true(worst < (g->pairs ? 1e-4 : 1e-5));
}

static void check_batches(const struct golden *g, struct hone_model *model, const char *path)
{
    size_t size = g->n * g->width;
    float *together = calloc(size, sizeof *together), *alone = calloc(size, sizeof *alone);
    run(g, model, 0, g->n, together);
    for (int n_threads = 1; n_threads <= 3; n_threads++) {
        struct hone_model *other = open_model(g, path, n_threads);
        for (size_t i = 0; i < g->n; i++)
            run(g, other, i, 1, alone + i * g->width);
        assert_memory_equal(together, alone, size * sizeof *alone);
        run(g, other, 0, g->n, alone);
        assert_memory_equal(together, alone, size * sizeof *alone);
        hone_model_close(&other);
    }
    free(together);
    free(alone);
}

static void check_file(const struct golden *g, const char *path)
{
    struct hone_model *model = open_model(g, path, 0);
    check_ids(g, model);
    check_numbers(g, model);
    check_batches(g, model, path);
    hone_model_close(&model);
}

/* Products of fewer bits: close, and still the same bits in any batch. */
static void check_narrow(const struct golden *g, const char *path, enum hone_compute compute, double bound)
{
    struct hone_error err;
    struct hone_model *model;
    struct hone_options options = {
        .compute = compute, .max_length = (size_t)json_integer_value(json_object_get(g->json, "max_length"))};
    assert_ok(hone_model_open(&model, path, &options, &err), &err);
    const json_t *expected = json_object_get(g->json, "embedding");
    float *out = calloc(g->n * g->width, sizeof *out), *alone = calloc(g->width, sizeof *alone);
    run(g, model, 0, g->n, out);
    for (size_t i = 0; i < g->n; i++) {
        double cosine = 0;
        for (size_t j = 0; j < g->width && !g->pairs; j++)
            cosine += out[i * g->width + j] * number_at(expected, i, j);
        assert_true(g->pairs || cosine > bound);
        run(g, model, i, 1, alone);
        assert_memory_equal(alone, out + i * g->width, g->width * sizeof *alone);
    }
    free(out);
    free(alone);
    hone_model_close(&model);
}

/* With a prompt of the model's before each text. */
static void check_prompts(const struct golden *g, const char *path)
{
    struct hone_error err;
    const char *name;
    json_t *rows;
    struct hone_model *model = open_model(g, path, 0);
    float *out = calloc(g->n * g->width, sizeof *out);
    json_object_foreach (json_object_get(g->json, "prompted"), name, rows) {
        struct hone_run_options options = HONE_RUN_DEFAULTS;
        options.prompt = name;
        assert_ok(hone_embed(model, g->first, g->n, &options, out, NULL, &err), &err);
        for (size_t i = 0; i < g->n * g->width; i++)
            assert_true(fabs(out[i] - number_at(rows, i / g->width, i % g->width)) < 1e-5);
    }
    free(out);
    hone_model_close(&model);
}

static void check_folder(const char *folder)
{
    struct hone_error err;
    if (!folder)
        skip();
    struct golden *g = golden_open(folder);
    char *file = temporary("golden.gguf"), *hub = hub_folder(g->folder);
    check_file(g, g->folder);
    if (hub)
        check_file(g, hub);
    free(hub);
    assert_ok(hone_convert(g->folder, file, "f32", &err), &err);
    check_file(g, file);
    check_prompts(g, file);
    check_narrow(g, file, HONE_COMPUTE_INT8, 0.999);
    check_narrow(g, file, HONE_COMPUTE_BF16, 0.9999);
    free(file);
    golden_close(g);
}

static void fixture_model(void **state)
{
    check_folder(fixture(*state));
}

static void shared_model(void **state)
{
    char name[256];
    snprintf(name, sizeof name, "%s", (const char *)*state);
    check_folder(shared(name));
}

#define FIXTURE(name) NAMED_TEST("fixture", fixture_model, name)
#define SHARED(name)  NAMED_TEST("shared", shared_model, "goldens/" name)
#define FAMILY(name)  NAMED_TEST("shared", shared_model, "families/" name)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE("bert-embed"),
        FIXTURE("bert-cross"),
        FIXTURE("bert-classify"),
        FIXTURE("bert-odd"),
        FIXTURE("bert-dense"),
        FIXTURE("mt5-dense"),
        FIXTURE("distilbert-classify"),
        FIXTURE("roberta-classify"),
        FIXTURE("mpnet-classify"),
        FIXTURE("nomic"),
        FIXTURE("nomic-classify"),
        FIXTURE("gte"),
        FIXTURE("gte-scaled"),
        FIXTURE("gte-classify"),
        FIXTURE("jina"),
        FIXTURE("jina-code"),
        FIXTURE("modernbert"),
        FIXTURE("modernbert-classify"),
        FIXTURE("deberta"),
        FIXTURE("deberta-classify"),
        FIXTURE("deberta-pieces"),
        FIXTURE("electra-classify"),
        FIXTURE("rembert"),
        FIXTURE("roformer-classify"),
        FIXTURE("big-bird-classify"),
        FIXTURE("albert"),
        FIXTURE("jina-v3"),
        FIXTURE("jina-v3-tasks"),
        FIXTURE("xlmr-flash"),
        FIXTURE("xlmr-xl"),
        FIXTURE("ernie"),
        FIXTURE("neobert"),
        FIXTURE("neobert-classify"),
        FIXTURE("nomic-moe"),
        FIXTURE("eurobert"),
        FIXTURE("eurobert-classify"),
        FIXTURE("embedding-gemma"),
        FIXTURE("mistral-both-sides"),
        FIXTURE("llama-two-sided"),
        FIXTURE("qwen3-embed"),
        FIXTURE("llama-classify"),
        FIXTURE("ettin-classify"),
        FIXTURE("bart-classify"),
        FIXTURE("mbart-classify"),
        FIXTURE("umt5-classify"),
        SHARED("bert-embed"),
        SHARED("bert-cross"),
        SHARED("bert-classify"),
        SHARED("distilbert-embed"),
        SHARED("mpnet-embed"),
        SHARED("roberta-embed"),
        SHARED("xlmr-embed"),
        SHARED("xlmr-cross"),
        SHARED("modernbert-embed"),
        SHARED("modernbert-cross"),
        FAMILY("albert-embed"),
        FAMILY("deberta-v3-cross"),
        FAMILY("deberta-v3-nli"),
        FAMILY("electra-cls"),
        FAMILY("eurobert-embed"),
        FAMILY("gemma3-bidirectional"),
    };
    return cmocka_run_group_tests_name("golden models", tests, NULL, NULL);
}
