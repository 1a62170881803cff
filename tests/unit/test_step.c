/* A step's logits do not depend on what else is in it, nor on the pieces in which a text came: what drafts, prefixes that
 * are shared, and texts that are read again rely on. */
#include "runtime/infer/model.h"
#include "tests/guard.h"
#include "tests/support.h"

#include <hone.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { N_IDS = 150, N_SEQS = 5 };

static struct hone_model *open_model(const char *path, enum hone_compute compute, enum hone_kv kv)
{
    struct hone_error err;
    struct hone_model *model;
    struct hone_options options = {.compute = compute, .kv = kv, .n_threads = kv == HONE_KV_F32 ? 2 : 1};
    assert_ok(hone_model_open(&model, path, &options, &err), &err);
    return model;
}

/* Reads ids from where seq is in pieces of at most max tokens, with others beside it; logits: [N_IDS, n_vocab]. */
static void read_in_pieces(struct hone_model *model, const int32_t *ids, size_t max, float *logits)
{
    struct hone_error err;
    struct kv_seq *seqs[N_SEQS];
    size_t n_vocab = model->net.hp.n_vocab;
    float *rows = malloc(N_SEQS * N_IDS * n_vocab * sizeof *rows);
    assert_ok(step_cache(&model->stepper, N_SEQS * N_IDS, N_SEQS, &err), &err);
    for (size_t i = 0; i < N_SEQS; i++)
        assert_ok(kv_seq_new(model->stepper.kv, &seqs[i], 100 + random_below(1000000), NULL, 0, &err), &err);
    size_t n_others = random_below(N_SEQS);
    for (size_t done = 0, n; done < N_IDS; done += n) {
        struct step_seq steps[N_SEQS];
        n = 1 + random_below(max);
        n = n < N_IDS - done ? n : N_IDS - done;
        for (size_t i = 0; i <= n_others; i++)
            steps[i] = (struct step_seq){.kv = seqs[i], .ids = ids + i, .n = n, .n_logits = n};
        steps[n_others].ids = ids + done;
        assert_ok(step_run(&model->stepper, steps, n_others + 1, rows, &err), &err);
        memcpy(logits + done * n_vocab, rows + n_others * n * n_vocab, n * n_vocab * sizeof *rows);
    }
    for (size_t i = 0; i < N_SEQS; i++)
        kv_seq_free(model->stepper.kv, seqs[i]);
    free(rows);
}

static void check(const char *path, enum hone_compute compute, enum hone_kv kv)
{
    struct hone_model *model = open_model(path, compute, kv);
    size_t n_vocab = model->net.hp.n_vocab, size = N_IDS * n_vocab * sizeof(float);
    int32_t ids[N_IDS + N_SEQS];
    float *whole = malloc(size), *pieces = malloc(size);
    for (size_t i = 0; i < N_IDS + N_SEQS; i++)
        ids[i] = (int32_t)random_below(n_vocab);
    read_in_pieces(model, ids, 1, whole);
    for (size_t max = 1; max <= N_IDS; max = 2 * max + 1) {
        read_in_pieces(model, ids, max, pieces);
        for (size_t i = 0; i < N_IDS; i++)
            if (memcmp(whole + i * n_vocab, pieces + i * n_vocab, n_vocab * sizeof *whole) != 0)
                fail_msg("%s: the logits after token %zu depend on pieces of %zu", model->info.compute, i,
                         max);
    }
    free(whole);
    free(pieces);
    hone_model_close(&model);
}

static void test_pieces(void **state)
{
    (void)state;
    static const enum hone_compute computes[] = {HONE_COMPUTE_F32, HONE_COMPUTE_INT8, HONE_COMPUTE_BF16};
    for (size_t i = 0; i < 3; i++)
        for (int kv = HONE_KV_F32; kv <= HONE_KV_INT8; kv++)
            check(fixture("causal"), computes[i], (enum hone_kv)kv);
}

/* Layers that carry a state on. */
static void test_recurrent(void **state)
{
    (void)state;
    static const char *const names[] = {
        "lfm2",        "granite-hybrid", "falcon-h1", "mamba2",       "qwen3-5", "qwen3-next",  "lfm2-moe",
        "qwen3-5-moe", "nemotron-h-moe", "mamba",     "falcon-mamba", "jamba",   "olmo-hybrid", "zamba2"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        check(fixture(names[i]), HONE_COMPUTE_F32, HONE_KV_F32);
        check(fixture(names[i]), HONE_COMPUTE_INT8, HONE_KV_F16);
    }
}

/* Layers with heads of their own, or that borrow keys and values. */
static void test_borrowed(void **state)
{
    (void)state;
    static const char *const names[] = {"gemma3n",  "gemma4", "gemma4-moe",
                                        "glm4-moe", "phimoe", "ministral3"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        for (int kv = HONE_KV_F32; kv <= HONE_KV_INT8; kv++)
            check(fixture(names[i]), kv == HONE_KV_F32 ? HONE_COMPUTE_F32 : HONE_COMPUTE_INT8,
                  (enum hone_kv)kv);
}

/* Attention over latents. */
static void test_latent(void **state)
{
    (void)state;
    static const char *const names[] = {"deepseek-v2", "deepseek-v3", "minicpm3"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        for (int kv = HONE_KV_F32; kv <= HONE_KV_INT8; kv++)
            check(fixture(names[i]), kv == HONE_KV_F32 ? HONE_COMPUTE_F32 : HONE_COMPUTE_INT8,
                  (enum hone_kv)kv);
}

static void test_blocks(void **state)
{
    (void)state;
    static const char *const types[] = {"q8_0", "q4_0", "iq4_nl"};
    struct hone_error err;
    for (size_t i = 0; i < 3; i++) {
        char *path = temporary("causal.gguf");
        assert_ok(hone_convert(fixture("causal"), path, types[i], &err), &err);
        check(path, HONE_COMPUTE_AUTO, HONE_KV_F16);
        unlink(path);
        free(path);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_pieces), cmocka_unit_test(test_recurrent),
                                       cmocka_unit_test(test_borrowed), cmocka_unit_test(test_latent),
                                       cmocka_unit_test(test_blocks)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
