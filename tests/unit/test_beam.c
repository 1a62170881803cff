/* Beam searches against transformers' (tests/fixtures/make_beams.py), over a model whose logits depend on the last
 * token alone. */
#include "runtime/generate/sampling/beam.h"
#include "tests/support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_VOCAB = 64, MAX_LENGTH = 32 };

static void fill_row(float *row, const json_t *table, int32_t token)
{
    const json_t *numbers = json_array_get(table, (size_t)token);
    for (size_t i = 0; i < json_array_size(numbers); i++)
        row[i] = (float)json_number_value(json_array_get(numbers, i));
}

static struct beam_search *search(const struct beam_params *p, const json_t *table, int32_t first)
{
    static float logits[BEAM_MAX][MAX_VOCAB];
    struct hone_error err;
    struct beam_search *b;
    struct sampler_scratch scratch = {0};
    assert_ok(beam_search_new(&b, p, json_array_size(table), &err), &err);
    fill_row(logits[0], table, first);
    while (beam_search_n_live(b) > 0) {
        size_t n_before = beam_search_n_live(b);
        assert_ok(beam_search_step(b, logits[0], MAX_VOCAB, &scratch, &err), &err);
        for (size_t i = 0; i < beam_search_n_live(b); i++) {
            int32_t ids[MAX_LENGTH];
            size_t n = beam_search_tokens(b, i, ids);
            assert_true(beam_search_parent(b, i) < n_before);
            fill_row(logits[i], table, ids[n - 1]);
        }
    }
    sampler_scratch_release(&scratch);
    return b;
}

static void check_case(const json_t *file, const json_t *test, size_t index)
{
    int32_t end_ids[4], ids[MAX_LENGTH];
    const json_t *ends = json_object_get(test, "end_ids"), *early = json_object_get(test, "early_stopping");
    const json_t *expected = json_object_get(test, "ids"), *scores = json_object_get(test, "scores");
    struct beam_params p = {.n_beams = (size_t)json_integer_value(json_object_get(test, "n_beams")),
                            .max_length = (size_t)json_integer_value(json_object_get(test, "max_length")),
                            .length_penalty =
                                (float)json_number_value(json_object_get(test, "length_penalty")),
                            .stop = json_is_string(early) ? BEAM_STOP_NEVER
                                    : json_is_true(early) ? BEAM_STOP_FIRST
                                                          : BEAM_STOP_LIKELY,
                            .end_ids = end_ids,
                            .n_end_ids = json_array_size(ends)};
    for (size_t i = 0; i < p.n_end_ids; i++)
        end_ids[i] = (int32_t)json_integer_value(json_array_get(ends, i));
    const json_t *table = json_array_get(json_object_get(file, "tables"),
                                         (size_t)json_integer_value(json_object_get(test, "table")));
    struct beam_search *b = search(&p, table, (int32_t)json_integer_value(json_object_get(file, "first")));
    assert_int_equal(beam_search_n_results(b), json_array_size(expected));
    for (size_t r = 0; r < beam_search_n_results(b); r++) {
        size_t n;
        float score = beam_search_result(b, r, ids, &n);
        const json_t *sequence = json_array_get(expected, r), *number = json_array_get(scores, r);
        if (n != json_array_size(sequence))
            fail_msg("case %zu, result %zu: %zu tokens, expected %zu", index, r, n,
                     json_array_size(sequence));
        for (size_t i = 0; i < n; i++)
            if (ids[i] != json_integer_value(json_array_get(sequence, i)))
                fail_msg("case %zu, result %zu: token %zu is %d", index, r, i, ids[i]);
        if (json_is_number(number))
            assert_true(fabs((double)score - json_number_value(number)) < 1e-4);
    }
    beam_search_free(b);
}

static void test_cases(void **state)
{
    (void)state;
    json_t *file = read_json(fixture("beams.json")), *cases = json_object_get(file, "cases");
    for (size_t i = 0; i < json_array_size(cases); i++)
        check_case(file, json_array_get(cases, i), i);
    print_message("%zu searches\n", json_array_size(cases));
    json_decref(file);
}

static void test_ignore_end(void **state)
{
    (void)state;
    json_t *file = read_json(fixture("beams.json"));
    const int32_t end_ids[] = {0, 5, 999, -1};
    int32_t ids[MAX_LENGTH];
    struct beam_params p = {.n_beams = 3,
                            .max_length = 20,
                            .length_penalty = 1,
                            .end_ids = end_ids,
                            .n_end_ids = 4,
                            .ignore_end = true};
    struct beam_search *b = search(&p, json_array_get(json_object_get(file, "tables"), 0), 2);
    assert_int_equal(beam_search_n_results(b), 3);
    for (size_t r = 0; r < 3; r++) {
        size_t n;
        beam_search_result(b, r, ids, &n);
        assert_int_equal(n, 20);
        for (size_t i = 0; i < n; i++)
            assert_true(ids[i] != 0 && ids[i] != 5);
    }
    beam_search_free(b);
    json_decref(file);
}

static void test_refused(void **state)
{
    (void)state;
    struct hone_error err;
    struct beam_search *b;
    struct sampler_scratch scratch = {0};
    struct beam_params p = {.n_beams = 0, .max_length = 4, .length_penalty = 1};
    assert_int_equal(beam_search_new(&b, &p, 4, &err), HONE_USAGE);
    p.n_beams = BEAM_MAX + 1;
    assert_int_equal(beam_search_new(&b, &p, 4, &err), HONE_USAGE);
    p.n_beams = 8;
    p.length_penalty = NAN;
    assert_int_equal(beam_search_new(&b, &p, 4, &err), HONE_USAGE);
    p.length_penalty = 1;
    p.max_length = 0;
    assert_int_equal(beam_search_new(&b, &p, 4, &err), HONE_USAGE);
    p.max_length = 3;
    assert_ok(beam_search_new(&b, &p, 2, &err), &err); /* more beams than tokens */
    float logits[BEAM_MAX][2] = {{0}};
    while (beam_search_n_live(b) > 0)
        assert_ok(beam_search_step(b, logits[0], 2, &scratch, &err), &err);
    assert_int_equal(beam_search_n_results(b), 8);
    beam_search_free(b);
    assert_ok(beam_search_new(&b, &p, 2, &err), &err);
    logits[0][1] = NAN;
    assert_int_equal(beam_search_step(b, logits[0], 2, &scratch, &err), HONE_FAILED);
    logits[0][0] = logits[0][1] = -INFINITY;
    assert_int_equal(beam_search_step(b, logits[0], 2, &scratch, &err), HONE_FAILED);
    beam_search_free(b);
    sampler_scratch_release(&scratch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_cases), cmocka_unit_test(test_ignore_end),
                                       cmocka_unit_test(test_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
