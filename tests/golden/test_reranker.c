/* A trained cross-encoder over real text: the logits of transformers within 1e-3, and the same order of all
 * candidates of every query. The weights are too large for the repository. */
#include "tests/support.h"

#include <math.h>
#include <stdlib.h>

static void check_case(struct hone_model *model, const json_t *c, double *worst)
{
    struct hone_error err;
    const json_t *documents = json_object_get(c, "documents"), *logits = json_object_get(c, "logits");
    size_t n = json_array_size(documents);
    struct hone_text *docs = calloc(n, sizeof *docs);
    float *out = calloc(n, sizeof *out);
    struct hone_run_options run = HONE_RUN_DEFAULTS;
    run.raw = true;
    for (size_t i = 0; i < n; i++)
        docs[i] = text_of(json_array_get(documents, i));
    assert_ok(hone_rerank(model, text_of(json_object_get(c, "query")), docs, n, &run, out, NULL, &err), &err);
    for (size_t i = 0; i < n; i++) {
        double want = json_number_value(json_array_get(logits, i));
        *worst = fmax(*worst, fabs(out[i] - want));
        for (size_t j = 0; j < n; j++)
            if (want > json_number_value(json_array_get(logits, j)))
                assert_true(out[i] > out[j]);
    }
    free(docs);
    free(out);
}

static void ranks_packages(void **state)
{
    (void)state;
    struct hone_error err;
    struct hone_model *model;
    const char *folder = shared("models/package-reranker");
    if (!folder)
        skip();
    assert_ok(hone_model_open(&model, folder,
                              &(struct hone_options){.compute = HONE_COMPUTE_F32, .max_length = 96}, &err),
              &err);
    json_t *golden = read_json(shared("models/package-reranker/golden.json"));
    const json_t *cases = json_object_get(golden, "cases");
    double worst = 0;
    for (size_t i = 0; i < json_array_size(cases); i++)
        check_case(model, json_array_get(cases, i), &worst);
    print_message("%zu queries: worst error of a logit %.2e\n", json_array_size(cases), worst);
    assert_true(worst < 1e-3);
    json_decref(golden);
    hone_model_close(&model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(ranks_packages)};
    return cmocka_run_group_tests_name("trained reranker", tests, NULL, NULL);
}
