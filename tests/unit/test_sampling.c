/* The sampler against what NumPy computed (tests/fixtures/make_sampling.py), and what must hold for any logits. */
#include "runtime/generate/sampling/logprobs.h"
#include "runtime/generate/sampling/sampler.h"
#include "runtime/generate/sampling/top.h"
#include "tests/guard.h"
#include "tests/support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- parameters from JSON ---- */

struct arrays {
    struct hone_bias biases[8];
    int32_t ids[8];
};

static size_t read_ids(const json_t *array, int32_t *ids)
{
    size_t n = json_array_size(array);
    for (size_t i = 0; i < n; i++)
        ids[i] = (int32_t)json_integer_value(json_array_get(array, i));
    return n;
}

static void set_param(struct sampler_params *p, const char *name, const json_t *value, struct arrays *a)
{
    const struct {
        const char *name;
        float *f;
        size_t *n;
    } rows[] = {
        {"temperature", &p->sampling.temperature, NULL},
        {"top_k", NULL, &p->sampling.top_k},
        {"top_p", &p->sampling.top_p, NULL},
        {"min_p", &p->sampling.min_p, NULL},
        {"typical_p", &p->sampling.typical_p, NULL},
        {"repetition_penalty", &p->sampling.repetition_penalty, NULL},
        {"frequency_penalty", &p->sampling.frequency_penalty, NULL},
        {"presence_penalty", &p->sampling.presence_penalty, NULL},
        {"penalty_last_n", NULL, &p->sampling.penalty_last_n},
        {"dry_multiplier", &p->sampling.dry_multiplier, NULL},
        {"dry_base", &p->sampling.dry_base, NULL},
        {"dry_allowed_length", NULL, &p->sampling.dry_allowed_length},
        {"dry_last_n", NULL, &p->sampling.dry_last_n},
        {"mirostat_tau", &p->sampling.mirostat_tau, NULL},
        {"mirostat_eta", &p->sampling.mirostat_eta, NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (strcmp(name, rows[i].name) == 0) {
            if (rows[i].f)
                *rows[i].f = (float)json_number_value(value);
            else
                *rows[i].n = (size_t)json_integer_value(value);
            return;
        }
    if (strcmp(name, "mirostat") == 0) {
        p->sampling.mirostat = (int)json_integer_value(value);
    } else if (strcmp(name, "seed") == 0) {
        p->sampling.seed = (uint64_t)json_integer_value(value);
    } else if (strcmp(name, "ignore_end") == 0) {
        p->ignore_end = json_is_true(value);
    } else if (strcmp(name, "end_ids") == 0) {
        p->n_end_ids = read_ids(value, a->ids);
        p->end_ids = a->ids;
    } else if (strcmp(name, "dry_breakers") == 0) {
        p->n_dry_breakers = read_ids(value, a->ids);
        p->dry_breakers = a->ids;
    } else if (strcmp(name, "biases") == 0) {
        p->n_biases = json_array_size(value);
        p->biases = a->biases;
        for (size_t i = 0; i < p->n_biases; i++) {
            a->biases[i].id = (int32_t)number_at(value, i, 0);
            a->biases[i].bias = (float)number_at(value, i, 1);
        }
    } else {
        fail_msg("unknown parameter %s", name);
    }
}

/* Without what filters by default. */
static struct sampler_params plain(void)
{
    struct sampler_params p = {.sampling = HONE_SAMPLING_DEFAULTS};
    p.sampling.temperature = p.sampling.top_p = 1;
    p.sampling.min_p = 0;
    p.sampling.top_k = 0;
    return p;
}

static struct sampler *make(const json_t *params, size_t n_vocab)
{
    struct hone_error err;
    struct sampler_params p = plain();
    struct arrays a;
    struct sampler *s;
    const char *name;
    json_t *value;
    json_object_foreach ((json_t *)params, name, value)
        set_param(&p, name, value, &a);
    assert_ok(sampler_new(&s, &p, n_vocab, &err), &err);
    return s;
}

static float *read_floats(const json_t *array)
{
    size_t n = json_array_size(array);
    float *out = malloc((n + 1) * sizeof *out);
    for (size_t i = 0; i < n; i++)
        out[i] = (float)json_number_value(json_array_get(array, i));
    return out;
}

/* ---- against NumPy ---- */

static void check_filter(const json_t *test, size_t index, struct sampler_scratch *scratch)
{
    struct hone_error err;
    const json_t *logits_json = json_object_get(test, "logits"), *ids_json = json_object_get(test, "ids");
    const json_t *probabilities_json = json_object_get(test, "probabilities");
    struct sampler *s = make(json_object_get(test, "params"), json_array_size(logits_json));
    float *logits = read_floats(logits_json);
    int32_t tokens[64];
    struct sampler_input in = {logits, tokens, read_ids(json_object_get(test, "tokens"), tokens), NULL};
    const struct top_item *ids;
    const float *probabilities;
    size_t n;
    assert_ok(sampler_distribution(s, &in, scratch, &ids, &probabilities, &n, &err), &err);
    char *params = json_dumps(json_object_get(test, "params"), 0);
    if (n != json_array_size(ids_json))
        fail_msg("case %zu %s: %zu candidates, expected %zu", index, params, n, json_array_size(ids_json));
    for (size_t i = 0; i < n; i++) {
        double expected = json_number_value(json_array_get(probabilities_json, i));
        if (ids[i].id != (uint32_t)json_integer_value(json_array_get(ids_json, i)) ||
            fabs((double)probabilities[i] - expected) > 2e-6)
            fail_msg("case %zu %s: candidate %zu is %u with %g, expected %g", index, params, i, ids[i].id,
                     (double)probabilities[i], expected);
    }
    free(params);
    free(logits);
    sampler_free(s);
}

static void test_filters(void **state)
{
    (void)state;
    struct sampler_scratch scratch = {0};
    json_t *file = read_json(fixture("sampling.json")), *tests = json_object_get(file, "filters");
    for (size_t i = 0; i < json_array_size(tests); i++)
        check_filter(json_array_get(tests, i), i, &scratch);
    print_message("%zu distributions\n", json_array_size(tests));
    sampler_scratch_release(&scratch);
    json_decref(file);
}

static void test_draws(void **state)
{
    (void)state;
    struct hone_error err;
    struct sampler_scratch scratch = {0};
    json_t *file = read_json(fixture("sampling.json")), *tests = json_object_get(file, "draws");
    json_t *rows = json_object_get(file, "rows");
    for (size_t t = 0; t < json_array_size(tests); t++) {
        json_t *test = json_array_get(tests, t), *ids = json_object_get(test, "ids");
        struct sampler *s = make(json_object_get(test, "params"), json_array_size(json_array_get(rows, 0)));
        int32_t tokens[64];
        size_t n_given = json_array_size(ids) - json_array_size(rows);
        for (size_t i = 0; i < json_array_size(ids); i++) {
            tokens[i] = (int32_t)json_integer_value(json_array_get(ids, i));
            if (i < n_given)
                continue;
            int32_t id;
            float *logits = read_floats(json_array_get(rows, i - n_given));
            struct sampler_input in = {logits, tokens, i, NULL};
            assert_ok(sampler_sample(s, &in, &scratch, &id, &err), &err);
            if (id != tokens[i])
                fail_msg("draw %zu of test %zu: %d, expected %d", i, t, id, tokens[i]);
            free(logits);
        }
        sampler_free(s);
    }
    sampler_scratch_release(&scratch);
    json_decref(file);
}

static void test_logprobs(void **state)
{
    (void)state;
    struct hone_error err;
    struct sampler_scratch scratch = {0};
    json_t *file = read_json(fixture("sampling.json")), *tests = json_object_get(file, "logprobs");
    for (size_t t = 0; t < json_array_size(tests); t++) {
        json_t *test = json_array_get(tests, t), *expected = json_object_get(test, "top");
        size_t n_vocab = json_array_size(json_object_get(test, "logits"));
        float *logits = read_floats(json_object_get(test, "logits")), chosen;
        struct hone_logprob top[5];
        assert_ok(logprobs_of(logits, n_vocab, 2, top, 5, &chosen, &scratch, &err), &err);
        assert_true(fabs((double)chosen - json_number_value(json_object_get(test, "chosen"))) < 1e-5);
        for (size_t i = 0; i < 5; i++) {
            bool is_there = i < n_vocab;
            assert_int_equal(top[i].id, is_there ? (int)number_at(expected, i, 0) : -1);
            if (is_there)
                assert_true(fabs((double)top[i].logprob - number_at(expected, i, 1)) < 1e-5);
        }
        assert_int_equal(logprobs_of(logits, n_vocab, (int32_t)n_vocab, top, 0, &chosen, &scratch, NULL),
                         HONE_USAGE);
        logits[1] = NAN;
        assert_int_equal(logprobs_of(logits, n_vocab, 2, top, 5, &chosen, &scratch, NULL), HONE_FAILED);
        free(logits);
    }
    sampler_scratch_release(&scratch);
    json_decref(file);
}

/* ---- any logits ---- */

static int by_logit(const void *a, const void *b)
{
    const struct top_item *x = a, *y = b;
    if (x->rank != y->rank)
        return x->rank < y->rank ? 1 : -1;
    return (x->id > y->id) - (x->id < y->id);
}

static void test_top(void **state)
{
    (void)state;
    for (int round = 0; round < 400; round++) {
        size_t n = 1 + random_below(round < 350 ? 400 : 50000), want = random_below(n + 2), n_finite = 0;
        float *x = malloc(n * sizeof *x);
        struct top_item *items = malloc(n * sizeof *items), *swap = malloc(n * sizeof *swap),
                        *all = malloc(n * sizeof *all);
        for (size_t i = 0; i < n; i++) {
            x[i] = round % 3 ? random_uniform(-9, 9) : (float)random_below(12) - 6; /* many ties */
            if (random_below(20) == 0)
                x[i] = random_below(2) ? -INFINITY : -0.0f;
            if (x[i] > -INFINITY)
                all[n_finite++] = (struct top_item){top_rank(x[i]), (uint32_t)i};
        }
        if (round % 5 == 0) /* rising: the threshold moves all the time */
            for (size_t i = n_finite = 0; i < n; i++) {
                x[i] = (float)i;
                all[n_finite++] = (struct top_item){top_rank(x[i]), (uint32_t)i};
            }
        qsort(all, n_finite, sizeof *all, by_logit);
        size_t got = top_select(x, n, want, items, swap);
        assert_int_equal(got, want < n_finite ? want : n_finite);
        for (size_t i = 0; i < got; i++)
            assert_int_equal(items[i].id, all[i].id);
        free(x), free(items), free(swap), free(all);
    }
}

/* A forbidden token never comes; the same seed gives the same tokens, another one others. */
static void test_mask_and_seed(void **state)
{
    (void)state;
    enum { N_VOCAB = 1000, N_TOKENS = 200 };
    struct hone_error err;
    struct sampler_scratch scratch = {0};
    struct sampler_params p = plain();
    float logits[N_VOCAB];
    uint64_t allowed[(N_VOCAB + 63) / 64] = {0};
    int32_t tokens[2][N_TOKENS], id;
    size_t n_same = 0;
    random_floats(logits, N_VOCAB, DATA_NORMAL);
    for (int i = 0; i < 300; i++) {
        size_t bit = random_below(N_VOCAB);
        allowed[bit / 64] |= (uint64_t)1 << bit % 64;
    }
    for (int variant = 0; variant < 4; variant++) {
        p.sampling.mirostat = variant % 3;
        p.sampling.top_k = variant == 3 ? 20 : 0;
        for (int run = 0; run < 3; run++) {
            struct sampler *s;
            p.sampling.seed = run == 2 ? 8 : 7;
            assert_ok(sampler_new(&s, &p, N_VOCAB, &err), &err);
            for (size_t i = 0; i < N_TOKENS; i++) {
                struct sampler_input in = {logits, tokens[0], i, allowed};
                assert_ok(sampler_sample(s, &in, &scratch, &id, &err), &err);
                assert_true(allowed[id / 64] >> id % 64 & 1);
                if (run == 1)
                    assert_int_equal(id, tokens[0][i]);
                n_same += run == 2 && id == tokens[0][i];
                tokens[run / 2][i] = id;
            }
            sampler_free(s);
        }
    }
    assert_true(n_same < N_TOKENS);
    sampler_scratch_release(&scratch);
}

/* How often tokens come is what their probabilities say (chi-squared, 9 degrees of freedom). */
static void test_frequencies(void **state)
{
    (void)state;
    enum { N_VOCAB = 10, N_DRAWS = 20000 };
    struct hone_error err;
    struct sampler_scratch scratch = {0};
    struct sampler_params p = plain();
    struct sampler *s;
    float logits[N_VOCAB];
    size_t counts[N_VOCAB] = {0}, n;
    int32_t tokens[1] = {0}, id;
    double chi = 0;
    for (size_t i = 0; i < N_VOCAB; i++)
        logits[i] = 0.3f * (float)i;
    p.sampling.penalty_last_n = p.sampling.dry_last_n = 0;
    p.sampling.seed = 42;
    assert_ok(sampler_new(&s, &p, N_VOCAB, &err), &err);
    struct sampler_input in = {logits, tokens, 0, NULL};
    for (in.n_tokens = 0; in.n_tokens < N_DRAWS; in.n_tokens++) {
        assert_ok(sampler_sample(s, &in, &scratch, &id, &err), &err);
        counts[id]++;
    }
    const struct top_item *ids;
    const float *probabilities;
    assert_ok(sampler_distribution(s, &in, &scratch, &ids, &probabilities, &n, &err), &err);
    for (size_t i = 0; i < N_VOCAB; i++) {
        double expected = (double)probabilities[i] * N_DRAWS, off = (double)counts[i] - expected;
        chi += off * off / expected;
    }
    print_message("chi squared %.1f\n", chi);
    assert_true(chi < 27.9); /* one in a thousand */
    sampler_free(s);
    sampler_scratch_release(&scratch);
}

/* ---- what makes no sense ---- */

static void refused(struct sampler_params p, const char *words)
{
    struct hone_error err = {0};
    struct sampler *s;
    assert_int_equal(sampler_new(&s, &p, 10, &err), HONE_USAGE);
    assert_null(s);
    if (!strstr(err.message, words))
        fail_msg("\"%s\" says nothing of %s", err.message, words);
}

#pragma GCC diagnostic ignored "-Woverride-init"
#define NUMBERS(...)                                                                                         \
    {                                                                                                        \
        .temperature = 1, .top_p = 1, .typical_p = 1, .repetition_penalty = 1, .dry_base = 1,                \
        .mirostat_tau = 1, __VA_ARGS__                                                                       \
    }
#define SAMPLING(...) ((struct sampler_params){.sampling = NUMBERS(__VA_ARGS__)})
#define WITH(...)     ((struct sampler_params){.sampling = NUMBERS(.seed = 1), __VA_ARGS__})

static void test_refused(void **state)
{
    (void)state;
    const struct hone_bias far = {10, 1}, nan_bias = {1, NAN}, up = {1, INFINITY};
    const int32_t negative[] = {-1};
    refused(SAMPLING(.temperature = NAN), "temperature");
    refused(SAMPLING(.temperature = -1), "temperature");
    refused(SAMPLING(.temperature = INFINITY), "temperature");
    refused(SAMPLING(.top_p = -0.1f), "top_p");
    refused(SAMPLING(.top_p = 1.5f), "top_p");
    refused(SAMPLING(.min_p = NAN), "min_p");
    refused(SAMPLING(.typical_p = -1), "typical_p");
    refused(SAMPLING(.repetition_penalty = 0), "repetition_penalty");
    refused(SAMPLING(.frequency_penalty = -INFINITY), "frequency_penalty");
    refused(SAMPLING(.presence_penalty = NAN), "presence_penalty");
    refused(SAMPLING(.dry_multiplier = -1), "dry_multiplier");
    refused(SAMPLING(.dry_base = 0.5f), "dry_base");
    refused(SAMPLING(.mirostat = 3), "mirostat");
    refused(SAMPLING(.mirostat_tau = 0), "mirostat_tau");
    refused(SAMPLING(.mirostat_eta = NAN), "mirostat_eta");
    refused(WITH(.biases = &far, .n_biases = 1), "logit bias");
    refused(WITH(.biases = &nan_bias, .n_biases = 1), "logit bias");
    refused(WITH(.biases = &up, .n_biases = 1), "logit bias");
    refused(WITH(.end_ids = negative, .n_end_ids = 1), "end tokens");
    refused(WITH(.dry_breakers = negative, .n_dry_breakers = 1), "DRY breakers");
}

/* 0 of the probability is reached by the first one: nothing else is left. */
static void test_nucleus_of_one(void **state)
{
    (void)state;
    const struct sampler_params params[] = {SAMPLING(.top_p = 0), SAMPLING(.top_p = 0, .top_k = 4),
                                            SAMPLING(.top_p = 0, .typical_p = 0.9f, .min_p = 0.1f),
                                            SAMPLING(.top_p = 0, .temperature = 5),
                                            SAMPLING(.typical_p = 0, .top_p = 0)};
    float logits[10] = {0.5f, -1, 2, 0, 9, 1, 8.5f, 9, -3, 4};
    struct sampler_scratch scratch = {0};
    struct sampler_input in = {logits, NULL, 0, NULL};
    for (size_t i = 0; i < sizeof params / sizeof *params; i++) {
        struct hone_error err;
        struct sampler *s;
        const struct top_item *ids;
        const float *probabilities;
        size_t n;
        assert_ok(sampler_new(&s, &params[i], 10, &err), &err);
        assert_ok(sampler_distribution(s, &in, &scratch, &ids, &probabilities, &n, &err), &err);
        assert_int_equal(n, 1);
        assert_int_equal(ids[0].id, 4); /* of equal ones the first */
        assert_true(probabilities[0] == 1);
        sampler_free(s);
    }
    sampler_scratch_release(&scratch);
}

static void test_bad_logits(void **state)
{
    (void)state;
    struct hone_error err;
    struct sampler_scratch scratch = {0};
    struct sampler_params p = plain();
    struct sampler *s;
    int32_t id, tokens[3] = {1, -5, 99};
    float logits[3] = {0, 1, 2};
    const uint64_t none[1] = {0};
    struct sampler_input in = {logits, tokens, 3, NULL};
    p.sampling.repetition_penalty = 1.1f;
    p.sampling.dry_multiplier = 1;
    assert_ok(sampler_new(&s, &p, 3, &err), &err);
    assert_ok(sampler_sample(s, &in, &scratch, &id, &err), &err);
    in.allowed = none;
    assert_int_equal(sampler_sample(s, &in, &scratch, &id, &err), HONE_FAILED);
    assert_non_null(strstr(err.message, "no token is left"));
    in.allowed = NULL;
    logits[1] = NAN;
    assert_int_equal(sampler_sample(s, &in, &scratch, &id, &err), HONE_FAILED);
    assert_non_null(strstr(err.message, "token 1"));
    logits[1] = INFINITY;
    assert_int_equal(sampler_sample(s, &in, &scratch, &id, &err), HONE_FAILED);
    logits[1] = -INFINITY;
    assert_ok(sampler_sample(s, &in, &scratch, &id, &err), &err);
    sampler_free(s);
    sampler_scratch_release(&scratch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_filters),       cmocka_unit_test(test_draws),
        cmocka_unit_test(test_logprobs),      cmocka_unit_test(test_top),
        cmocka_unit_test(test_refused),       cmocka_unit_test(test_frequencies),
        cmocka_unit_test(test_mask_and_seed), cmocka_unit_test(test_nucleus_of_one),
        cmocka_unit_test(test_bad_logits)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
