/* Files as other converters write them: without hone's own keys, and with some keys under another name. What they still
 * hold is enough for the same numbers; what they lack is told. */
#include "runtime/load/import/import.h"
#include "tests/support.h"

#include <hone.h>
#include <stdlib.h>
#include <string.h>

/* A key as the other converter has it; NULL: it has none such. */
static const char *renamed(const char *key, char out[256])
{
    const char *end = strstr(key, ".attention.layer_norm_epsilon");
    if (strncmp(key, "hone.", 5) == 0 || strcmp(key, "bert.pooling_type") == 0)
        return NULL;
    if (strncmp(key, "minicpm3.", 9) == 0 && strstr(key, "_scale")) /* llama.cpp knows them by heart */
        return NULL;
    if (!end || strncmp(key, "modern-bert", 11) != 0)
        return key;
    snprintf(out, 256, "%.*s.attention.layer_norm_rms_epsilon", (int)(end - key), key);
    return out;
}

/* The folder as such a file, but for the tensors whose names begin with `lost`. */
static char *foreign_file(const char *folder, const char *lost)
{
    struct hone_error err;
    struct gguf *from, *to = gguf_new("foreign");
    char *path = temporary("foreign.gguf"), name[256];
    assert_ok(import_folder(&from, folder, false, &err), &err);
    for (size_t i = 0; i < gguf_n_keys(from); i++) {
        const char *key = renamed(gguf_key(from, i), name);
        assert_true(!key || gguf_set_value(to, key, gguf_value_at(from, i)));
    }
    for (size_t i = 0; i < gguf_n_tensors(from); i++) {
        const struct gguf_tensor *t = gguf_tensor_at(from, i);
        assert_true((lost && strncmp(t->name, lost, strlen(lost)) == 0) || gguf_add_tensor(to, t));
    }
    assert_ok(gguf_write(to, path, NULL, &err), &err);
    gguf_close(&to);
    gguf_close(&from);
    return path;
}

static void print_check(void *arg, const char *name, bool passed, const char *found)
{
    (void)arg;
    if (!passed)
        print_error("%s: %s\n", name, found);
}

/* The file's results are those of golden.json in the folder. */
static void verify(const char *path, const char *folder)
{
    struct hone_error err;
    struct hone_model *model;
    struct hone_options options = {.compute = HONE_COMPUTE_F32};
    char golden[4200];
    snprintf(golden, sizeof golden, "%s/golden.json", folder);
    assert_ok(hone_model_open(&model, path, &options, &err), &err);
    assert_ok(hone_verify(model, golden, print_check, NULL, &err), &err);
    hone_model_close(&model);
}

static void same_numbers(void **state)
{
    char *folder = strdup(fixture(*state)), *path = foreign_file(folder, NULL);
    verify(path, folder);
    free(path);
    free(folder);
}

/* One more layer, as files have those that guess further tokens: nobody reads it. */
static void more_layers(void **state)
{
    struct hone_error err;
    char name[128], *folder = strdup(fixture(*state)), *path = temporary("more.gguf");
    struct gguf *g;
    size_t n_layers = 0;
    assert_ok(import_folder(&g, folder, false, &err), &err);
    struct gguf *to = gguf_new("more");
    struct hone_text arch = {NULL, 0};
    assert_ok(gguf_get_text(g, "general.architecture", &arch, &err), &err);
    char key[128], count[128];
    snprintf(count, sizeof count, "%.*s.block_count", (int)arch.size, arch.data);
    assert_ok(gguf_get_size(g, count, SIZE_MAX, &n_layers, &err), &err);
    for (size_t i = 0; i < gguf_n_keys(g); i++)
        assert_true(strcmp(gguf_key(g, i), count) == 0 ||
                    gguf_set_value(to, gguf_key(g, i), gguf_value_at(g, i)));
    snprintf(key, sizeof key, "%.*s.nextn_predict_layers", (int)arch.size, arch.data);
    assert_true(gguf_set_u32(to, count, (uint32_t)n_layers + 1) && gguf_set_u32(to, key, 1));
    for (size_t i = 0; i < gguf_n_tensors(g); i++) {
        struct gguf_tensor t = *gguf_tensor_at(g, i);
        assert_true(gguf_add_tensor(to, &t));
        if (strcmp(t.name, "blk.0.attn_norm.weight") != 0)
            continue;
        snprintf(name, sizeof name, "blk.%zu.nextn.enorm.weight", n_layers);
        t.name = name;
        assert_true(gguf_add_tensor(to, &t));
    }
    assert_ok(gguf_write(to, path, NULL, &err), &err);
    gguf_close(&to);
    gguf_close(&g);
    verify(path, folder);
    free(path);
    free(folder);
}

/* Phi-4's files say that there is no window by a window of nothing. */
static void no_window(void **state)
{
    struct hone_error err;
    char *folder = strdup(fixture("causal")), *path = temporary("no-window.gguf");
    struct gguf *g;
    (void)state;
    assert_ok(import_folder(&g, folder, false, &err), &err);
    assert_true(gguf_set_u32(g, "llama.attention.sliding_window", 0));
    assert_ok(gguf_write(g, path, NULL, &err), &err);
    gguf_close(&g);
    verify(path, folder);
    free(path);
    free(folder);
}

/* Files that llama.cpp's own converter wrote. */
static void converted(void **state)
{
    struct hone_error err;
    struct hone_model *model;
    struct hone_options options = {.compute = HONE_COMPUTE_F32};
    char path[4200], golden[4200];
    snprintf(path, sizeof path, "%s/%s.gguf", fixture("llama-cpp"), (const char *)*state);
    snprintf(golden, sizeof golden, "%s/golden.json", fixture(*state));
    assert_ok(hone_model_open(&model, path, &options, &err), &err);
    assert_ok(hone_verify(model, golden, print_check, NULL, &err), &err);
    hone_model_close(&model);
}

/* What hone's own files hold for llama.cpp, which opens none without. */
static void expected_keys(void **state)
{
    static const struct {
        const char *fixture, *key;
        int64_t value;
    } cases[] = {{"youtu", "deepseek2.expert_feed_forward_length", 24},
                 {"youtu", "deepseek2.expert_shared_count", 0},
                 {"gpt-oss", "gpt-oss.expert_feed_forward_length", 24},
                 {"minimax-m2", "minimax-m2.expert_feed_forward_length", 24},
                 {"ernie4-5-moe", "ernie4_5-moe.interleave_moe_layer_step", 1},
                 {"ernie4-5-moe", "ernie4_5-moe.expert_shared_feed_forward_length", 24},
                 {"qwen2-vl", "qwen2vl.rope.dimension_sections", 1},
                 {"qwen3-5", "qwen35.rope.dimension_sections", 2},
                 {"embedding-gemma", "gemma-embedding.dense_2_feat_in", 32},
                 {"embedding-gemma", "gemma-embedding.dense_2_feat_out", 40},
                 {"exaone-moe", "exaone-moe.expert_weights_norm", 1},
                 {"gptneox", "gptneox.use_parallel_residual", 1},
                 {"roberta-classify", "tokenizer.ggml.token_type_count", 2}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct hone_error err;
        struct gguf *g;
        assert_ok(import_folder(&g, fixture(cases[i].fixture), false, &err), &err);
        const struct gguf_value *v = gguf_find(g, cases[i].key);
        if (!v || gguf_int_at(v, 0) != cases[i].value)
            fail_msg("%s: %s is %lld", cases[i].fixture, cases[i].key, v ? (long long)gguf_int_at(v, 0) : -1);
        gguf_close(&g);
    }
}

static void lost_head(void **state)
{
    static const char *const parts[] = {"cls.weight", "cls.output."};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct hone_error err;
        struct hone_model *model;
        char *path = foreign_file(fixture("bert-cross"), parts[i]);
        assert_int_equal(hone_model_open(&model, path, NULL, &err), HONE_BAD_MODEL);
        assert_non_null(strstr(err.message, "convert the Hugging Face folder"));
        free(path);
    }
}

/* What such files mean is told by nothing in them. */
static void doubtful(void **state)
{
    static const struct {
        const char *fixture, *words;
    } cases[] = {{"mistral-both-sides", "llama.attention.sliding_window"}, {"neobert", "attn_qkv"}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct hone_error err;
        struct hone_model *model;
        char *path = foreign_file(fixture(cases[i].fixture), NULL);
        assert_int_equal(hone_model_open(&model, path, NULL, &err), HONE_BAD_MODEL);
        assert_non_null(strstr(err.message, cases[i].words));
        free(path);
    }
}

/* A file without a tensor that its numbers ask for is refused by that tensor's name. */
static void lost_tensor(void **state)
{
    static const struct {
        const char *fixture, *tensor;
    } cases[] = {{"deepseek-v3", "blk.1.exp_probs_b.bias"},
                 {"deepseek-v3", "blk.2.attn_kv_b.weight"},
                 {"deepseek-v3", "blk.0.attn_q_a.weight"},
                 {"deepseek-v2", "blk.1.attn_q.weight"},
                 {"minicpm3", "blk.1.attn_kv_a_norm.weight"},
                 {"gemma3n", "altup_proj.weight"},
                 {"gemma3n", "blk.0.laurel_l.weight"},
                 {"gemma3n", "blk.3.altup_correct_scale.weight"},
                 {"stablelm", "blk.1.ffn_norm.weight"},
                 {"stablelm-parallel", "blk.1.attn_q_norm.weight"},
                 {"falcon-groups", "blk.1.attn_norm_2.weight"},
                 {"falcon-groups", "blk.0.attn_norm.weight"},
                 {"mamba", "blk.1.ssm_x.weight"},
                 {"jamba", "blk.0.ssm_b_norm.weight"},
                 {"zamba2", "blk.1.block_output.weight"},
                 {"zamba2", "blk.0.attn_norm.weight"},
                 {"opt-narrow", "output_proj.weight"}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct hone_error err;
        struct hone_model *model;
        char *path = foreign_file(fixture(cases[i].fixture), cases[i].tensor);
        assert_int_equal(hone_model_open(&model, path, NULL, &err), HONE_BAD_MODEL);
        assert_non_null(strstr(err.message, cases[i].tensor));
        free(path);
    }
}

#define FOREIGN(name) NAMED_TEST("foreign", same_numbers, name)
#define MORE(name)    NAMED_TEST("more layers", more_layers, name)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FOREIGN("bert-embed"),
        FOREIGN("bert-cross"),
        FOREIGN("distilbert-classify"),
        FOREIGN("roberta-classify"),
        FOREIGN("nomic"),
        FOREIGN("jina"),
        FOREIGN("modernbert"),
        FOREIGN("causal"),
        FOREIGN("lfm2"),
        FOREIGN("granite-hybrid"),
        FOREIGN("mamba2"),
        FOREIGN("bamba"),
        FOREIGN("mamba"),
        FOREIGN("falcon-mamba"),
        FOREIGN("jamba"),
        FOREIGN("olmo-hybrid"),
        FOREIGN("qwen3-5"),
        FOREIGN("qwen3-next"),
        FOREIGN("llama-yarn"),
        FOREIGN("llama3"),
        FOREIGN("mistral"),
        FOREIGN("qwen2-window"),
        FOREIGN("gemma3-images"),
        FOREIGN("eurobert"),
        FOREIGN("embedding-gemma"),
        FOREIGN("glm4-moe"),
        FOREIGN("dots1"),
        FOREIGN("exaone-moe"),
        FOREIGN("minimax-m2"),
        FOREIGN("ernie4-5-moe"),
        FOREIGN("lfm2-moe"),
        FOREIGN("granite-moe-shared"),
        FOREIGN("hunyuan"),
        FOREIGN("hunyuan-moe"),
        FOREIGN("seed-oss"),
        FOREIGN("qwen3-5-moe"),
        FOREIGN("gemma3n"),
        FOREIGN("qwen2-vl"),
        FOREIGN("qwen3-vl"),
        FOREIGN("qwen3-vl-moe"),
        FOREIGN("nemotron-h"),
        FOREIGN("apertus"),
        FOREIGN("arcee"),
        FOREIGN("nemotron"),
        FOREIGN("gemma4"),
        FOREIGN("gemma4-moe"),
        FOREIGN("deepseek-v2"),
        FOREIGN("deepseek-v3"),
        FOREIGN("glm4-moe-lite"),
        FOREIGN("youtu"),
        FOREIGN("minicpm"),
        FOREIGN("minicpm3"),
        FOREIGN("gptneox-in-turn"),
        FOREIGN("falcon"),
        FOREIGN("falcon-groups"),
        FOREIGN("stablelm"),
        FOREIGN("stablelm-parallel"),
        FOREIGN("bloom"),
        FOREIGN("mpt"),
        FOREIGN("gptj"),
        FOREIGN("starcoder"),
        FOREIGN("olmo"),
        FOREIGN("glm"),
        FOREIGN("exaone"),
        FOREIGN("jais2"),
        FOREIGN("solar-open"),
        FOREIGN("bailing-moe"),
        FOREIGN("afmoe"),
        MORE("qwen3-5"),
        MORE("deepseek-v3"),
        MORE("glm4-moe"),
        NAMED_TEST("converted", converted, "youtu"),
        NAMED_TEST("converted", converted, "ministral3"),
        cmocka_unit_test(expected_keys),
        cmocka_unit_test(no_window),
        cmocka_unit_test(lost_head),
        cmocka_unit_test(doubtful),
        cmocka_unit_test(lost_tensor),
    };
    return cmocka_run_group_tests_name("files of other converters", tests, NULL, NULL);
}
