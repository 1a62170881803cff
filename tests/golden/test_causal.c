/* Models that generate, against what transformers computes in float32: ids and greedy continuations exactly, logits
 * within 1e-4, whole or in pieces, alone or together. */
#include "tests/support.h"

#include <hone.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_TEXTS = 16 };

static struct hone_model *open_model(const char *path, const struct hone_options *options)
{
    struct hone_error err;
    struct hone_model *model;
    assert_ok(hone_model_open(&model, path, options, &err), &err);
    return model;
}

static int32_t *ids_of(const json_t *list, size_t *n)
{
    *n = json_array_size(list);
    int32_t *ids = malloc((*n + 1) * sizeof *ids);
    for (size_t i = 0; i < *n; i++)
        ids[i] = (int32_t)json_integer_value(json_array_get(list, i));
    return ids;
}

static double largest(const json_t *row)
{
    double max = 0;
    for (size_t i = 0; i < json_array_size(row); i++)
        max = fmax(max, fabs(json_number_value(json_array_get(row, i))));
    return max;
}

#define LONGEST 100 /* ids of a golden file of a family */

static void check_ids(struct hone_model *model, const json_t *golden, size_t i)
{
    struct hone_error err;
    struct hone_text text = text_of(json_array_get(json_object_get(golden, "texts"), i));
    const json_t *want = json_array_get(json_object_get(golden, "ids"), i);
    int32_t *ids;
    size_t *starts;
    assert_ok(hone_tokenize(model, &text, NULL, 1, true, &ids, &starts, NULL, &err), &err);
    /* Those of long texts were cut to LONGEST. */
    const size_t n = json_array_size(want);
    if (n == LONGEST)
        assert_true(starts[1] >= n);
    else
        assert_int_equal(starts[1], n);
    for (size_t k = 0; k < n; k++)
        assert_int_equal(ids[k], json_integer_value(json_array_get(want, k)));
    hone_free(ids);
    hone_free(starts);
}

static void check_logits(struct hone_model *model, const json_t *golden, size_t i)
{
    struct hone_error err;
    size_t n, n_vocab = hone_model_info(model)->n_vocab;
    int32_t *ids = ids_of(json_array_get(json_object_get(golden, "ids"), i), &n);
    const json_t *want = json_array_get(json_object_get(golden, "logits_last"), i);
    float *logits = malloc(n * n_vocab * sizeof *logits), *last = logits + (n - 1) * n_vocab;
    assert_int_equal(json_array_size(want), n_vocab);
    assert_ok(hone_logits(model, ids, n, logits, &err), &err);
    const double bound = 1e-4 * largest(want);
    for (size_t k = 0; k < n_vocab; k++)
        if (!(fabs((double)last[k] - json_number_value(json_array_get(want, k))) <= bound))
            fail_msg("text %zu, logit %zu is %g, not %g", i, k, (double)last[k],
                     json_number_value(json_array_get(want, k)));
    free(logits);
    free(ids);
}

static struct hone_generation greedy(const json_t *ids, size_t n_new)
{
    struct hone_generation g = {.sampling = HONE_SAMPLING_DEFAULTS, .max_tokens = n_new, .past_end = true};
    int32_t *list = ids_of(ids, &g.n_ids);
    g.sampling.temperature = 0;
    g.ids = list;
    return g;
}

static void check_greedy(const struct hone_generation *g, const json_t *want, size_t i)
{
    assert_int_equal(g->n_out, json_array_size(want));
    for (size_t k = 0; k < g->n_out; k++)
        if (g->out_ids[k] != json_integer_value(json_array_get(want, k)))
            fail_msg("text %zu: id %zu is %d, not %d", i, k, (int)g->out_ids[k],
                     (int)json_integer_value(json_array_get(want, k)));
    assert_int_equal(g->finish, HONE_FINISH_LENGTH);
}

/* Each alone, and all at once. */
static void check_generation(struct hone_model *model, const json_t *golden)
{
    struct hone_error err;
    const json_t *ids = json_object_get(golden, "ids"), *want = json_object_get(golden, "greedy");
    size_t n = json_array_size(ids), n_new = json_array_size(json_array_get(want, 0));
    struct hone_generation list[MAX_TEXTS];
    assert_true(n <= MAX_TEXTS);
    for (size_t i = 0; i < n; i++) {
        list[i] = greedy(json_array_get(ids, i), n_new);
        assert_ok(hone_generate(model, &list[i], 1, NULL, &err), &err);
        check_greedy(&list[i], json_array_get(want, i), i);
        hone_generation_release(&list[i]);
    }
    assert_ok(hone_generate(model, list, n, NULL, &err), &err);
    for (size_t i = 0; i < n; i++) {
        check_greedy(&list[i], json_array_get(want, i), i);
        hone_generation_release(&list[i]);
        free((void *)list[i].ids);
    }
}

static void check_model(const char *path, const json_t *golden)
{
    for (int n_threads = 1; n_threads <= 3; n_threads += 2) {
        struct hone_options options = {.compute = HONE_COMPUTE_F32, .n_threads = n_threads};
        struct hone_model *model = open_model(path, &options);
        for (size_t i = 0; i < json_array_size(json_object_get(golden, "ids")); i++) {
            check_ids(model, golden, i);
            check_logits(model, golden, i);
        }
        check_generation(model, golden);
        hone_model_close(&model);
    }
}

/* The folder, what it is converted to, and the folder as a repository on the hub has it. */
static void check_folder(const char *name)
{
    if (!name)
        skip();
    struct hone_error err;
    char path[8192], *folder = strdup(name), *file = temporary("causal.gguf"), *hub = hub_folder(folder);
    snprintf(path, sizeof path, "%s/golden.json", folder);
    json_t *golden = read_json(path);
    check_model(folder, golden);
    assert_ok(hone_convert(folder, file, NULL, &err), &err);
    check_model(file, golden);
    if (hub)
        check_model(hub, golden);
    json_decref(golden);
    unlink(file);
    free(file);
    free(hub);
    free(folder);
}

static void fixture_model(void **state)
{
    check_folder(fixture(*state));
}

/* A file of another converter. */
static void fixture_file(void **state)
{
    char path[8192];
    snprintf(path, sizeof path, "%s/golden.json", fixture(*state));
    json_t *golden = read_json(path);
    snprintf(path, sizeof path, "%s/model.gguf", fixture(*state));
    check_model(path, golden);
    json_decref(golden);
}

static void shared_family(void **state)
{
    char name[256];
    snprintf(name, sizeof name, "families/%s", (const char *)*state);
    check_folder(shared(name));
}

static void shared_model(void **state)
{
    char name[256];
    snprintf(name, sizeof name, "goldens/%s", (const char *)*state);
    check_folder(shared(name));
}

/* ---- a trained one ---- */

static double perplexity(const char *path, const struct hone_options *options)
{
    struct hone_error err;
    char name[4200];
    double value;
    int32_t *ids;
    size_t *starts;
    struct hone_model *model = open_model(path, options);
    snprintf(name, sizeof name, "%s/held-out.txt", shared("models/package-llama"));
    FILE *f = fopen(name, "rb");
    assert_non_null(f);
    static char bytes[1 << 16];
    struct hone_text text = {bytes, fread(bytes, 1, sizeof bytes, f)};
    (void)fclose(f);
    assert_ok(hone_tokenize(model, &text, NULL, 1, true, &ids, &starts, NULL, &err), &err);
    assert_true(starts[1] >= 1024);
    assert_ok(hone_perplexity(model, ids, 1024, 0, &value, &err), &err);
    hone_free(ids);
    hone_free(starts);
    hone_model_close(&model);
    return value;
}

static void test_perplexity(void **state)
{
    (void)state;
    const char *folder = shared("models/package-llama");
    if (!folder)
        skip();
    struct hone_error err;
    char path[4200], *file = temporary("llama.gguf");
    snprintf(path, sizeof path, "%s/golden.json", folder);
    json_t *golden = read_json(path);
    const double want = json_number_value(json_object_get(golden, "held_out_first_1024_ids_perplexity"));
    const double exact = perplexity(folder, &(struct hone_options){.compute = HONE_COMPUTE_F32});
    assert_ok(hone_convert(folder, file, "q8_0", &err), &err);
    const double bytes = perplexity(file, NULL);
    const double cache =
        perplexity(folder, &(struct hone_options){.compute = HONE_COMPUTE_F32, .kv = HONE_KV_INT8});
    print_message("perplexity: golden %.4f, f32 %.4f, q8_0 %.4f, int8 cache %.4f\n", want, exact, bytes,
                  cache);
    assert_true(fabs(exact - want) <= 1e-3 * want);
    assert_true(fabs(bytes - want) <= 5e-3 * want);
    assert_true(fabs(cache - want) <= 5e-3 * want);
    unlink(file);
    free(file);
    json_decref(golden);
}

/* Files of several block formats, of which queries, keys and values may have different ones: products of bytes against
 * those of floats, and against the original. */
static void test_mixed_blocks(void **state)
{
    (void)state;
    static const char *const types[] = {"q4_k_m", "q5_k_m", "q6_k"};
    const char *folder = shared("models/package-llama");
    if (!folder)
        skip();
    struct hone_error err;
    char *whole = temporary("whole.gguf"), *file = temporary("mixed.gguf");
    const double want = perplexity(folder, &(struct hone_options){.compute = HONE_COMPUTE_F32});
    assert_ok(hone_convert(folder, whole, "f32", &err), &err);
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        assert_ok(hone_quantize(whole, file, types[i], NULL, &err), &err);
        const double floats = perplexity(file, &(struct hone_options){.compute = HONE_COMPUTE_F32});
        const double bytes = perplexity(file, &(struct hone_options){.compute = HONE_COMPUTE_INT8});
        print_message("perplexity: f32 %.4f, %s %.4f, with bytes %.4f\n", want, types[i], floats, bytes);
        assert_true(fabs(bytes - floats) <= 2e-3 * floats);
        assert_true(fabs(bytes - want) <= 3e-2 * want);
        unlink(file);
    }
    unlink(whole);
    free(whole);
    free(file);
}

static void test_trained(void **state)
{
    (void)state;
    const char *folder = shared("models/package-llama");
    if (!folder)
        skip();
    char path[4200];
    snprintf(path, sizeof path, "%s/golden.json", folder);
    json_t *golden = read_json(path), *prompt;
    size_t i;
    /* Its continuations were made with the start token, id 0, taken for padding and masked. */
    json_array_foreach (json_object_get(golden, "ids"), i, prompt)
        json_array_remove(prompt, 0);
    struct hone_model *model = open_model(folder, &(struct hone_options){.compute = HONE_COMPUTE_F32});
    check_generation(model, golden);
    hone_model_close(&model);
    json_decref(golden);
}

#define FIXTURE(name) NAMED_TEST("fixture", fixture_model, name)
#define SHARED(name)  NAMED_TEST("shared", shared_model, name)
#define FAMILY(name)  NAMED_TEST("family", shared_family, name)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE("causal"),
        FIXTURE("llama-yarn"),
        FIXTURE("llama3"),
        FIXTURE("mistral"),
        FIXTURE("qwen2-window"),
        FIXTURE("gemma3-images"),
        FIXTURE("phi3"),
        FIXTURE("ettin"),
        FIXTURE("gemma"),
        FIXTURE("gemma2"),
        FIXTURE("granite"),
        FIXTURE("smollm3"),
        FIXTURE("olmo3"),
        FIXTURE("exaone4"),
        FIXTURE("glm4"),
        FIXTURE("ernie4-5"),
        FIXTURE("cohere2"),
        FIXTURE("gptneox"),
        FIXTURE("gptneox-in-turn"),
        FIXTURE("falcon"),
        FIXTURE("falcon-groups"),
        FIXTURE("falcon-alibi"),
        FIXTURE("stablelm"),
        FIXTURE("stablelm-parallel"),
        FIXTURE("bloom"),
        FIXTURE("mpt"),
        FIXTURE("gptj"),
        FIXTURE("codegen"),
        FIXTURE("gpt-neo"),
        FIXTURE("starcoder"),
        FIXTURE("santacoder"),
        FIXTURE("persimmon"),
        FIXTURE("opt"),
        FIXTURE("opt-narrow"),
        FIXTURE("opt-wide"),
        FIXTURE("xglm"),
        FIXTURE("biogpt"),
        FIXTURE("olmo"),
        FIXTURE("phi2"),
        FIXTURE("starcoder2"),
        FIXTURE("gpt2"),
        FIXTURE("qwen2-moe"),
        FIXTURE("qwen3-moe"),
        FIXTURE("mixtral"),
        FIXTURE("granite-moe"),
        FIXTURE("gpt-oss"),
        FIXTURE("gpt-oss-mxfp4"),
        FIXTURE("glm4-moe"),
        FIXTURE("dots1"),
        FIXTURE("exaone-moe"),
        FIXTURE("minimax-m2"),
        FIXTURE("ernie4-5-moe"),
        FIXTURE("lfm2-moe"),
        FIXTURE("granite-moe-shared"),
        FIXTURE("hunyuan"),
        FIXTURE("hunyuan-moe"),
        FIXTURE("phimoe"),
        FIXTURE("seed-oss"),
        FIXTURE("qwen3-5-moe"),
        FIXTURE("ministral3"),
        FIXTURE("gemma3n"),
        FIXTURE("qwen2-vl"),
        FIXTURE("qwen3-vl"),
        FIXTURE("qwen3-vl-moe"),
        FIXTURE("smolvlm"),
        FIXTURE("llava"),
        FIXTURE("internvl"),
        FIXTURE("lfm2-vl"),
        FIXTURE("nemotron-h"),
        FIXTURE("nemotron-h-moe"),
        FIXTURE("apertus"),
        FIXTURE("arcee"),
        FIXTURE("nemotron"),
        FIXTURE("internlm3"),
        FIXTURE("helium"),
        FIXTURE("ministral"),
        FIXTURE("cwm"),
        FIXTURE("glm"),
        FIXTURE("exaone"),
        FIXTURE("vaultgemma"),
        FIXTURE("jais2"),
        FIXTURE("flex-olmo"),
        FIXTURE("solar-open"),
        FIXTURE("sarvam-moe"),
        FIXTURE("bailing-moe"),
        FIXTURE("afmoe"),
        FIXTURE("hy-v3"),
        FIXTURE("mellum"),
        FIXTURE("llama4"),
        FIXTURE("hyperclovax"),
        FIXTURE("lfm3"),
        FIXTURE("granite-swa"),
        FIXTURE("granite-moe-swa"),
        FIXTURE("cohere2-moe"),
        FIXTURE("gemma4"),
        FIXTURE("gemma4-moe"),
        NAMED_TEST("file", fixture_file, "pruned"),
        NAMED_TEST("file", fixture_file, "deepseek-gguf"),
        FIXTURE("deepseek-v2"),
        FIXTURE("deepseek-v3"),
        FIXTURE("glm4-moe-lite"),
        FIXTURE("youtu"),
        FIXTURE("minicpm"),
        FIXTURE("minicpm3"),
        FIXTURE("lfm2"),
        FIXTURE("mamba2"),
        FIXTURE("bamba"),
        FIXTURE("mamba"),
        FIXTURE("falcon-mamba"),
        FIXTURE("jamba"),
        FIXTURE("zamba2"),
        FIXTURE("zamba2-plain"),
        FIXTURE("olmo-hybrid"),
        FIXTURE("olmo-hybrid-plain"),
        FIXTURE("qwen3-next"),
        FIXTURE("qwen3-5"),
        FIXTURE("falcon-h1"),
        FIXTURE("granite-hybrid"),
        SHARED("llama-plain"),
        SHARED("llama-rope3"),
        SHARED("qwen2"),
        SHARED("qwen3"),
        SHARED("gemma3"),
        FAMILY("phi3"),
        FAMILY("gemma1"),
        FAMILY("gemma2"),
        FAMILY("granite"),
        FAMILY("smollm3"),
        FAMILY("olmo2"),
        FAMILY("olmo3"),
        FAMILY("exaone4"),
        FAMILY("glm4"),
        FAMILY("ernie45"),
        FAMILY("cohere"),
        FAMILY("gpt2"),
        FAMILY("gptneox"),
        FAMILY("phi2"),
        FAMILY("starcoder2"),
        FAMILY("qwen2-moe"),
        FAMILY("qwen3-moe"),
        FAMILY("olmoe"),
        FAMILY("mixtral"),
        FAMILY("granite-moe"),
        FAMILY("gpt-oss"),
        FAMILY("lfm2"),
        FAMILY("qwen3-next"),
        FAMILY("qwen35"),
        FAMILY("falcon-h1"),
        FAMILY("granite-hybrid"),
        cmocka_unit_test(test_trained),
        cmocka_unit_test(test_perplexity),
        cmocka_unit_test(test_mixed_blocks),
    };
    return cmocka_run_group_tests_name("models that generate", tests, NULL, NULL);
}
