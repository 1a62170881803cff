/* A trained cross-encoder over real text: in float32 the logits of transformers within 1e-3 and the same order of all
 * candidates of every query; with fewer bits nearly that order. The weights are too large for the repository. */
#include "tests/support.h"

#include <math.h>
#include <stdlib.h>

/* Over all queries. */
struct agreement {
    double worst; /* error of a logit */
    double tau;   /* mean of Kendall's */
    size_t n_queries, n_same_first;
};

static size_t largest(const double *x, size_t n)
{
    size_t at = 0;
    for (size_t i = 1; i < n; i++)
        at = x[i] > x[at] ? i : at;
    return at;
}

/* Pairs in the same order, less those in the other; pairs that `want` has as equals count as the same. */
static double kendall_tau(const double *want, const double *got, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < i; j++)
            sum += (want[i] - want[j]) * (got[i] - got[j]) >= 0 ? 1 : -1;
    return sum / ((double)n * (double)(n - 1) / 2);
}

static void add_case(struct agreement *a, struct hone_model *model, const json_t *c)
{
    struct hone_error err;
    const json_t *documents = json_object_get(c, "documents"), *logits = json_object_get(c, "logits");
    size_t n = json_array_size(documents);
    struct hone_text *docs = calloc(n, sizeof *docs);
    float *out = calloc(n, sizeof *out);
    double *want = calloc(n, sizeof *want), *got = calloc(n, sizeof *got);
    struct hone_run_options run = HONE_RUN_DEFAULTS;
    run.raw = true;
    for (size_t i = 0; i < n; i++)
        docs[i] = text_of(json_array_get(documents, i));
    assert_ok(hone_rerank(model, text_of(json_object_get(c, "query")), docs, n, &run, out, NULL, &err), &err);
    for (size_t i = 0; i < n; i++) {
        want[i] = json_number_value(json_array_get(logits, i));
        got[i] = (double)out[i];
        a->worst = fmax(a->worst, fabs(got[i] - want[i]));
    }
    a->n_queries++;
    a->n_same_first += largest(want, n) == largest(got, n);
    a->tau += kendall_tau(want, got, n);
    free(docs);
    free(out);
    free(want);
    free(got);
}

static struct agreement measure(enum hone_compute compute)
{
    struct hone_error err;
    struct hone_model *model;
    struct agreement a = {0};
    if (!shared("models/package-reranker"))
        skip();
    json_t *golden = read_json(shared("models/package-reranker/golden.json"));
    struct hone_options options = {
        .compute = compute, .max_length = (size_t)json_integer_value(json_object_get(golden, "max_length"))};
    assert_ok(hone_model_open(&model, shared("models/package-reranker"), &options, &err), &err);
    const json_t *cases = json_object_get(golden, "cases");
    for (size_t i = 0; i < json_array_size(cases); i++)
        add_case(&a, model, json_array_get(cases, i));
    a.tau /= (double)a.n_queries;
    print_message("%zu queries, %s: worst error of a logit %.2e, first place of %zu, Kendall's tau %.4f\n",
                  a.n_queries, hone_model_info(model)->compute, a.worst, a.n_same_first, a.tau);
    json_decref(golden);
    hone_model_close(&model);
    return a;
}

static void ranks_packages(void **state)
{
    (void)state;
    struct agreement a = measure(HONE_COMPUTE_F32);
    assert_true(a.worst < 1e-3);
    assert_int_equal(a.n_same_first, a.n_queries);
    assert_true(a.tau == 1);
}

static void ranks_packages_bf16(void **state)
{
    (void)state;
    struct agreement a = measure(HONE_COMPUTE_BF16);
    assert_int_equal(a.n_same_first, a.n_queries);
    assert_true(a.tau >= 0.99);
}

static void ranks_packages_int8(void **state)
{
    (void)state;
    struct agreement a = measure(HONE_COMPUTE_INT8);
    assert_true(a.n_same_first + 1 >= a.n_queries);
    assert_true(a.tau >= 0.97);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(ranks_packages),
                                       cmocka_unit_test(ranks_packages_bf16),
                                       cmocka_unit_test(ranks_packages_int8)};
    return cmocka_run_group_tests_name("trained reranker", tests, NULL, NULL);
}
