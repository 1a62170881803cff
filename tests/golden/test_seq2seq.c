/* Models with an encoder and a decoder, against what transformers computes in float32: ids and greedy continuations
 * and beams exactly, first logits within 1e-4, alone or together, from the folder and from the file made of it. */
#include "tests/support.h"

#include <hone.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Not families/marian: it was made with random positions, which its file does not have. */
static const char *const models[] = {"goldens/t5-relu-tied", "goldens/t5-gated", "goldens/codet5",
                                     "families/bart", "families/pegasus"};
#define CUT_AT 100 /* tokens of the longest inputs there */
enum { N_MODELS = sizeof models / sizeof *models, MAX_TEXTS = 16 };

static struct hone_model *open_model(const char *path, const struct hone_options *options)
{
    struct hone_error err;
    struct hone_model *model;
    assert_ok(hone_model_open(&model, path, options, &err), &err);
    return model;
}

static int32_t *ids_of(const json_t *golden, const char *name, size_t i, size_t *n)
{
    const json_t *list = json_array_get(json_object_get(golden, name), i);
    *n = json_array_size(list);
    int32_t *ids = malloc((*n + 1) * sizeof *ids);
    for (size_t k = 0; k < *n; k++)
        ids[k] = (int32_t)json_integer_value(json_array_get(list, k));
    return ids;
}

static void check_ids(const int32_t *ids, size_t n, const json_t *golden, const char *name, size_t i)
{
    size_t n_want;
    int32_t *want = ids_of(golden, name, i, &n_want);
    assert_int_equal(n, n_want);
    for (size_t k = 0; k < n; k++)
        if (ids[k] != want[k])
            fail_msg("text %zu, %s: id %zu is %d, not %d", i, name, k, (int)ids[k], (int)want[k]);
    free(want);
}

static void check_tokens(struct hone_model *model, const json_t *golden, size_t i)
{
    struct hone_error err;
    struct hone_text text = text_of(json_array_get(json_object_get(golden, "texts"), i));
    int32_t *ids;
    size_t *starts;
    if (json_array_size(json_array_get(json_object_get(golden, "ids"), i)) == CUT_AT)
        return;
    assert_ok(hone_tokenize(model, &text, NULL, 1, true, &ids, &starts, NULL, &err), &err);
    check_ids(ids, starts[1], golden, "ids", i);
    hone_free(ids);
    hone_free(starts);
}

/* bound: of what they may be off, over the largest. */
static void check_logits(struct hone_model *model, const json_t *golden, size_t i, double bound)
{
    struct hone_error err;
    size_t n, n_vocab = hone_model_info(model)->n_vocab;
    int32_t *ids = ids_of(golden, "ids", i, &n);
    const json_t *want = json_array_get(json_object_get(golden, "logits_first"), i);
    float *logits = malloc(n_vocab * sizeof *logits);
    double largest = 0;
    assert_int_equal(json_array_size(want), n_vocab);
    assert_ok(hone_decoder_logits(model, ids, n, NULL, 0, logits, &err), &err);
    for (size_t k = 0; k < n_vocab; k++)
        largest = fmax(largest, fabs(json_number_value(json_array_get(want, k))));
    for (size_t k = 0; k < n_vocab; k++)
        if (!(fabs((double)logits[k] - json_number_value(json_array_get(want, k))) <= bound * largest))
            fail_msg("text %zu, logit %zu is %g, not %g", i, k, (double)logits[k],
                     json_number_value(json_array_get(want, k)));
    free(logits);
    free(ids);
}

static struct hone_generation greedy(const json_t *golden, size_t i)
{
    struct hone_generation g = {.sampling = HONE_SAMPLING_DEFAULTS, .max_tokens = 24, .ignore_end = true};
    g.ids = ids_of(golden, "ids", i, &g.n_ids);
    g.sampling.temperature = 0;
    return g;
}

/* Each alone, and all at once. */
static void check_generation(struct hone_model *model, const json_t *golden, size_t n)
{
    struct hone_error err;
    struct hone_generation list[MAX_TEXTS];
    for (size_t i = 0; i < n; i++) {
        list[i] = greedy(golden, i);
        assert_ok(hone_generate(model, &list[i], 1, NULL, &err), &err);
        check_ids(list[i].out_ids, list[i].n_out, golden, "greedy", i);
        hone_generation_release(&list[i]);
    }
    assert_ok(hone_generate(model, list, n, NULL, &err), &err);
    for (size_t i = 0; i < n; i++) {
        check_ids(list[i].out_ids, list[i].n_out, golden, "greedy", i);
        hone_generation_release(&list[i]);
        free((void *)list[i].ids);
    }
}

/* A result that ends has its end token there. */
static void check_beams(struct hone_model *model, const json_t *golden, size_t i)
{
    struct hone_error err;
    struct hone_beams beams = {.n = 4, .length_penalty = 1};
    struct hone_generation g = {.sampling = HONE_SAMPLING_DEFAULTS, .max_tokens = 16, .beams = &beams};
    size_t n;
    int32_t *want = ids_of(golden, "beam4", i, &n);
    g.ids = ids_of(golden, "ids", i, &g.n_ids);
    assert_ok(hone_generate(model, &g, 1, NULL, &err), &err);
    assert_int_equal(n, g.n_out + (g.finish == HONE_FINISH_STOP));
    assert_memory_equal(g.out_ids, want, g.n_out * sizeof *want);
    hone_generation_release(&g);
    free((void *)g.ids);
    free(want);
}

static void check_results(const struct hone_generation *g, const json_t *results)
{
    assert_int_equal(g->n_results, json_array_size(results));
    for (size_t r = 0; r < g->n_results; r++) {
        const struct hone_generated *result = &g->results[r];
        const json_t *want = json_array_get(results, r), *score = json_object_get(want, "score");
        const json_t *ids = json_object_get(want, "ids");
        assert_int_equal(result->n_ids, json_array_size(ids));
        for (size_t k = 0; k < result->n_ids; k++)
            assert_int_equal(result->ids[k], json_integer_value(json_array_get(ids, k)));
        if (json_is_number(score))
            assert_true(fabs((double)result->score - json_number_value(score)) <=
                        1e-5 * fabs(json_number_value(score)));
    }
}

/* Searches of all inputs at once, as transformers does them one by one (make_t5_beams.py), beside a text that is not
 * searched for. */
static void check_searches(struct hone_model *model, const json_t *golden, const json_t *test)
{
    struct hone_error err;
    struct hone_generation list[MAX_TEXTS + 1];
    const json_t *results = json_object_get(test, "results");
    struct hone_beams beams = {.n = (size_t)json_integer_value(json_object_get(test, "n_beams")),
                               .n_best = (size_t)json_integer_value(json_object_get(test, "n_best")),
                               .length_penalty =
                                   (float)json_number_value(json_object_get(test, "length_penalty")),
                               .stop_early = json_is_true(json_object_get(test, "early_stopping"))};
    size_t n = json_array_size(results);
    for (size_t i = 0; i < n; i++) {
        list[i] = greedy(golden, i);
        list[i].max_tokens = (size_t)json_integer_value(json_object_get(test, "max_tokens"));
        list[i].ignore_end = false;
        list[i].beams = &beams;
    }
    list[n] = greedy(golden, 0);
    assert_ok(hone_generate(model, list, n + 1, NULL, &err), &err);
    for (size_t i = 0; i < n; i++)
        check_results(&list[i], json_array_get(results, i));
    check_ids(list[n].out_ids, list[n].n_out, golden, "greedy", 0);
    for (size_t i = 0; i <= n; i++) {
        hone_generation_release(&list[i]);
        free((void *)list[i].ids);
    }
}

/* With as much memory for keys and values as there may be, and with so little that searches wait for each other. */
static void test_searches(void **state)
{
    (void)state;
    json_t *golden = read_json(fixture("t5/golden.json")), *tests = read_json(fixture("t5/beams.json"));
    const size_t kv_tokens[] = {0, 8 * 32};
    for (size_t k = 0; k < 2; k++) {
        struct hone_options options = {
            .compute = HONE_COMPUTE_F32, .n_threads = 2, .kv_tokens = kv_tokens[k]};
        struct hone_model *model = open_model(fixture("t5"), &options);
        for (size_t i = 0; i < json_array_size(tests); i++)
            check_searches(model, golden, json_array_get(tests, i));
        hone_model_close(&model);
    }
    json_decref(golden);
    json_decref(tests);
}

/* What is forced is not given back, and what follows it is what followed it before. */
static void check_prefix(struct hone_model *model, const json_t *golden)
{
    struct hone_error err;
    struct hone_generation g = greedy(golden, 0);
    size_t n;
    int32_t *want = ids_of(golden, "greedy", 0, &n);
    g.decoder_ids = want;
    g.n_decoder_ids = 5;
    g.max_tokens = n - 5;
    assert_ok(hone_generate(model, &g, 1, NULL, &err), &err);
    assert_int_equal(g.n_out, n - 5);
    assert_memory_equal(g.out_ids, want + 5, (n - 5) * sizeof *want);
    hone_generation_release(&g);
    free((void *)g.ids);
    free(want);
}

static void check_model(const char *path, const json_t *golden)
{
    for (int n_threads = 1; n_threads <= 3; n_threads += 2) {
        struct hone_options options = {.compute = HONE_COMPUTE_F32, .n_threads = n_threads};
        struct hone_model *model = open_model(path, &options);
        size_t n = json_array_size(json_object_get(golden, "ids"));
        assert_in_range(n, 1, MAX_TEXTS);
        for (size_t i = 0; i < n; i++) {
            check_tokens(model, golden, i);
            check_logits(model, golden, i, 1e-4);
            check_beams(model, golden, i);
        }
        check_generation(model, golden, n);
        check_prefix(model, golden);
        hone_model_close(&model);
    }
}

/* The folder, and the file made of it. */
static void check_folder(const char *folder)
{
    struct hone_error err;
    char path[4200], *file = temporary("seq2seq.gguf");
    snprintf(path, sizeof path, "%s/golden.json", folder);
    json_t *golden = read_json(path);
    check_model(folder, golden);
    assert_ok(hone_convert(folder, file, NULL, &err), &err);
    check_model(file, golden);
    json_decref(golden);
    unlink(file);
    free(file);
}

static const char *const folders[] = {"t5",    "umt5",    "byt5",   "blenderbot", "bart",
                                      "mbart", "pegasus", "marian", "marian-two", "m2m100"};

static void test_fixture(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++)
        check_folder(fixture(folders[i]));
}

/* With keys and values as halves the logits are near. */
static void test_halves(void **state)
{
    (void)state;
    struct hone_options options = {.compute = HONE_COMPUTE_F32, .kv = HONE_KV_F16, .n_threads = 1};
    struct hone_model *model = open_model(fixture("t5"), &options);
    json_t *golden = read_json(fixture("t5/golden.json"));
    for (size_t i = 0; i < json_array_size(json_object_get(golden, "ids")); i++)
        check_logits(model, golden, i, 2e-3);
    json_decref(golden);
    hone_model_close(&model);
}

/* So many tokens of each text, twice: the second finds what the first left. ids: [2 * n][N_LONG] */
enum { N_LONG = 44 };
static void write_long(const char *folder, const struct hone_options *options, const json_t *golden,
                       bool together, int32_t *ids)
{
    struct hone_error err;
    struct hone_model *model = open_model(folder, options);
    struct hone_generation list[2 * MAX_TEXTS];
    const size_t n = json_array_size(json_object_get(golden, "ids"));
    for (size_t i = 0; i < 2 * n; i++) {
        list[i] = greedy(golden, i % n);
        list[i].max_tokens = N_LONG;
        if (!together)
            assert_ok(hone_generate(model, &list[i], 1, NULL, &err), &err);
    }
    if (together)
        assert_ok(hone_generate(model, list, 2 * n, NULL, &err), &err);
    for (size_t i = 0; i < 2 * n; i++) {
        assert_int_equal(list[i].n_out, N_LONG);
        memcpy(ids + i * N_LONG, list[i].out_ids, N_LONG * sizeof *ids);
        hone_generation_release(&list[i]);
        free((void *)list[i].ids);
    }
    hone_model_close(&model);
}

/* A text is the same in any company, in float32 and with weights and activations as bytes: with memory for three blocks of the
 * cache, of which each text needs two, as with any. */
static void test_company(void **state)
{
    (void)state;
    static const enum hone_compute computes[] = {HONE_COMPUTE_F32, HONE_COMPUTE_INT8};
    int32_t alone[2 * MAX_TEXTS * N_LONG], company[2 * MAX_TEXTS * N_LONG];
    for (size_t i = 0; i < 2 * sizeof folders / sizeof *folders; i++) {
        char path[256];
        struct hone_options options = {.compute = computes[i % 2], .n_threads = 1};
        snprintf(path, sizeof path, "%s/golden.json", folders[i / 2]);
        json_t *golden = read_json(fixture(path));
        const size_t n = json_array_size(json_object_get(golden, "ids"));
        write_long(fixture(folders[i / 2]), &options, golden, false, alone);
        options.n_threads = 2;
        options.kv_tokens = 96;
        write_long(fixture(folders[i / 2]), &options, golden, true, company);
        assert_memory_equal(alone, company, 2 * n * N_LONG * sizeof *alone);
        json_decref(golden);
    }
}

/* More texts than are active at once, with memory for two of them: all come, and each as it is alone. */
static void test_many(void **state)
{
    enum { N = 80 };
    (void)state;
    struct hone_error err;
    struct hone_options options = {.compute = HONE_COMPUTE_F32, .n_threads = 1, .kv_tokens = 64};
    struct hone_model *model = open_model(fixture("t5"), &options);
    json_t *golden = read_json(fixture("t5/golden.json"));
    struct hone_generation list[N];
    size_t n = json_array_size(json_object_get(golden, "ids"));
    for (size_t i = 0; i < N; i++)
        list[i] = greedy(golden, i % n);
    assert_ok(hone_generate(model, list, N, NULL, &err), &err);
    for (size_t i = 0; i < N; i++) {
        check_ids(list[i].out_ids, list[i].n_out, golden, "greedy", i % n);
        hone_generation_release(&list[i]);
        free((void *)list[i].ids);
    }
    json_decref(golden);
    hone_model_close(&model);
}

/* As llama.cpp's converter lays a file out, with a deeper decoder than encoder (make_t5_gguf.py). */
static void test_foreign_file(void **state)
{
    (void)state;
    json_t *golden = read_json(fixture("t5-gguf/golden.json"));
    check_model(fixture("t5-gguf/model.gguf"), golden);
    json_decref(golden);
}

static void test_goldens(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_MODELS; i++) {
        if (!shared(models[i])) {
            print_message("%s is not there\n", models[i]);
            skip();
        }
        print_message("%s\n", models[i]);
        check_folder(shared(models[i]));
    }
}

/* What makes no sense is told, and nothing is left behind. */
static void test_refusals(void **state)
{
    (void)state;
    struct hone_error err;
    struct hone_options options = {.n_threads = 1};
    struct hone_model *model = open_model(fixture("t5"), &options);
    int32_t ids[] = {2, 7, 3}, wrong[] = {2, 1 << 30};
    struct hone_beams many = {.n = 1000, .length_penalty = 1};
    struct hone_generation g = {
        .ids = ids, .n_ids = 3, .decoder_ids = wrong, .n_decoder_ids = 2, .max_tokens = 4};
    float *logits = malloc(3 * hone_model_info(model)->n_vocab * sizeof *logits);
    assert_int_equal(hone_generate(model, &g, 1, NULL, &err), HONE_USAGE);
    hone_generation_release(&g);
    g.n_decoder_ids = 0;
    g.beams = &many;
    assert_int_equal(hone_generate(model, &g, 1, NULL, &err), HONE_USAGE);
    hone_generation_release(&g);
    assert_int_equal(hone_logits(model, ids, 3, logits, &err), HONE_USAGE);
    assert_int_equal(hone_decoder_logits(model, wrong, 2, NULL, 0, logits, &err), HONE_USAGE);
    assert_int_equal(hone_decoder_logits(model, ids, 0, NULL, 0, logits, &err), HONE_USAGE);
    free(logits);
    hone_model_close(&model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_fixture),  cmocka_unit_test(test_foreign_file),
                                       cmocka_unit_test(test_searches), cmocka_unit_test(test_many),
                                       cmocka_unit_test(test_halves),   cmocka_unit_test(test_company),
                                       cmocka_unit_test(test_refusals), cmocka_unit_test(test_goldens)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
