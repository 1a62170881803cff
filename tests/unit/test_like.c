/* A model that shares file and vocabulary with one that was opened before: it computes the same, and what cannot be shared is
 * refused. */
#include "tests/support.h"

#include <hone.h>
#include <string.h>

#define N 3

static const struct hone_text texts[N] = {{"a text", 6}, {"", 0}, {"and another one, which is longer", 32}};

static struct hone_model *open_one(const char *name, bool light, const struct hone_model *like)
{
    struct hone_error err;
    struct hone_model *m;
    const struct hone_options options = {
        .n_threads = 1, .compute = HONE_COMPUTE_F32, .no_weights = light, .like = like};
    assert_ok(hone_model_open(&m, fixture(name), &options, &err), &err);
    return m;
}

static void embed(struct hone_model *m, float *out)
{
    struct hone_error err;
    assert_ok(hone_embed(m, texts, N, NULL, out, NULL, &err), &err);
}

/* Opened and closed again and again beside the one that it is like, which goes on. Router: a file that is not shared. */
static void computes_the_same(void **state)
{
    static const char *const names[] = {"bert-embed", "qwen3-embed", "sentence/router-words/model"};
    static float wanted[N * 4096], out[N * 4096];
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        bool routed = i == 2;
        struct hone_model *light = open_one(names[i], true, NULL), *alone = open_one(names[i], false, NULL);
        size_t size = N * hone_model_info(alone)->n_dims * sizeof *out;
        assert_in_range(size, 1, sizeof out);
        for (size_t k = 0; k < 3; k++) {
            struct hone_model *m = open_one(names[i], false, light);
            assert_int_equal(hone_model_info(m)->n_params, hone_model_info(alone)->n_params);
            assert_string_equal(hone_model_info(m)->name, hone_model_info(alone)->name);
            if (!routed) {
                embed(alone, wanted);
                embed(m, out);
                assert_memory_equal(out, wanted, size);
            }
            hone_model_close(&m);
        }
        int32_t *ids = NULL;
        size_t *starts = NULL;
        struct hone_error err;
        assert_ok(hone_tokenize(light, texts, NULL, N, true, &ids, &starts, NULL, &err), &err);
        assert_true(starts[N] > 0);
        hone_free(ids);
        hone_free(starts);
        hone_model_close(&light);
        hone_model_close(&alone);
    }
}

static void what_is_refused(void **state)
{
    (void)state;
    struct hone_error err;
    struct hone_model *light = open_one("bert-embed", true, NULL), *m;
    const struct hone_lora lora = {.path = "none", .scale = 1};
    struct hone_options options = {.like = light};
    assert_int_equal(hone_model_open(&m, fixture("qwen3-embed"), &options, &err), HONE_USAGE);
    assert_non_null(strstr(err.message, "another file"));
    options.loras = &lora;
    options.n_loras = 1;
    assert_int_equal(hone_model_open(&m, fixture("bert-embed"), &options, &err), HONE_USAGE);
    assert_non_null(strstr(err.message, "adapter"));
    assert_null(m);
    hone_model_close(&light);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(computes_the_same),
        cmocka_unit_test(what_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
