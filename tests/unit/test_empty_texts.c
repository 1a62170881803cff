/* Texts without bytes, which may have no address either: as every argument that is a text they do what "" does. Under
 * UndefinedBehaviorSanitizer this finds NULL that is handed to memcpy and its kind, which no size of 0 allows. */
#include "tests/support.h"

#include <hone.h>

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

static const struct hone_text words = {"a text of words", 15}, two_labels[] = {{"one", 3}, {"two", 3}};

/* What came of a call. */
struct outcome {
    enum hone_status status;
    uint64_t digest;
};

static struct outcome outcome_of(enum hone_status status, const void *data, size_t size)
{
    return (struct outcome){status, status == HONE_OK ? XXH3_64bits(data, size) : 0};
}

/* Of a list that the call made. */
static struct outcome taken(enum hone_status status, void *list, size_t *starts, size_t n, size_t item)
{
    struct outcome o = outcome_of(status, list, status == HONE_OK ? starts[n] * item : 0);
    if (status == HONE_OK)
        o.digest ^= XXH3_64bits(starts, (n + 1) * sizeof *starts);
    hone_free(list);
    hone_free(starts);
    return o;
}

/* A few numbers of each of two texts. */
static float rows[2][4096];

static struct outcome embed(struct hone_model *model, struct hone_text empty)
{
    const struct hone_text texts[] = {empty, words};
    size_t width = hone_model_info(model)->n_dims * sizeof **rows;
    return outcome_of(hone_embed(model, texts, 2, NULL, *rows, NULL, NULL), rows, 2 * width);
}

static struct outcome embed_behind_prompt(struct hone_model *model, struct hone_text empty)
{
    const char *text;
    struct hone_run_options run = HONE_RUN_DEFAULTS;
    run.prompt = hone_model_prompt(model, 0, &text);
    assert_true(run.prompt && *text);
    return outcome_of(hone_embed(model, &empty, 1, &run, *rows, NULL, NULL), rows,
                      hone_model_info(model)->n_dims * sizeof **rows);
}

static struct outcome embed_sparse(struct hone_model *model, struct hone_text empty)
{
    const struct hone_text texts[] = {empty, words};
    struct hone_word *list = NULL;
    size_t *starts = NULL;
    enum hone_status status = hone_embed_sparse(model, texts, 2, NULL, &list, &starts, NULL, NULL);
    return taken(status, list, starts, 2, sizeof *list);
}

static struct outcome embed_tokens(struct hone_model *model, struct hone_text empty)
{
    const struct hone_text texts[] = {empty, words};
    float *list = NULL;
    size_t *starts = NULL;
    enum hone_status status = hone_embed_tokens(model, texts, 2, NULL, &list, &starts, NULL, NULL);
    return taken(status, list, starts, 2, hone_model_info(model)->n_embd * sizeof *list);
}

static struct outcome rerank_for_nothing(struct hone_model *model, struct hone_text empty)
{
    const struct hone_text texts[] = {empty, words};
    return outcome_of(hone_rerank(model, empty, texts, 2, NULL, *rows, NULL, NULL), rows, 2 * sizeof **rows);
}

static struct outcome rerank_nothing(struct hone_model *model, struct hone_text empty)
{
    return outcome_of(hone_rerank(model, words, &empty, 1, NULL, *rows, NULL, NULL), rows, sizeof **rows);
}

static struct outcome classify(struct hone_model *model, struct hone_text empty)
{
    const struct hone_text texts[] = {empty, words}, pairs[] = {words, empty};
    size_t size = 2 * hone_model_info(model)->n_labels * sizeof **rows;
    struct outcome o = outcome_of(hone_classify(model, texts, NULL, 2, NULL, *rows, NULL, NULL), rows, size);
    o.digest ^= outcome_of(hone_classify(model, texts, pairs, 2, NULL, *rows, NULL, NULL), rows, size).digest;
    return o;
}

static struct outcome zero_shot(struct hone_model *model, struct hone_text empty)
{
    const struct hone_text labels[] = {empty, two_labels[0]};
    struct hone_zero_shot_options options = HONE_ZERO_SHOT_DEFAULTS;
    options.hypothesis = empty;
    struct outcome o = outcome_of(
        hone_zero_shot(model, &empty, 1, two_labels, 2, &options, NULL, *rows, NULL, NULL), rows, 2 * 4);
    o.digest ^=
        outcome_of(hone_zero_shot(model, &words, 1, labels, 2, NULL, NULL, *rows, NULL, NULL), rows, 2 * 4)
            .digest;
    return o;
}

static struct outcome fill_masks(struct hone_model *model, struct hone_text empty)
{
    struct hone_word *list = NULL;
    size_t *starts = NULL;
    enum hone_status status = hone_fill_masks(model, &empty, 1, 2, NULL, &list, &starts, NULL, NULL);
    return taken(status, list, starts, 1, sizeof *list);
}

static struct outcome find_entities(struct hone_model *model, struct hone_text empty)
{
    struct hone_entity *list = NULL;
    size_t *starts = NULL;
    enum hone_status status = hone_find_entities(model, &empty, 1, NULL, NULL, &list, &starts, NULL, NULL);
    return taken(status, list, starts, 1, 0);
}

static struct outcome answer(struct hone_model *model, struct hone_text empty)
{
    const struct hone_text questions[] = {empty, words}, contexts[] = {words, empty};
    struct hone_answer *list = NULL;
    size_t *starts = NULL;
    enum hone_status status =
        hone_answer(model, questions, contexts, 2, NULL, NULL, &list, &starts, NULL, NULL);
    return taken(status, list, starts, 2, sizeof *list);
}

static struct outcome tokenize(struct hone_model *model, struct hone_text empty)
{
    const struct hone_text texts[] = {empty, words}, pairs[] = {words, empty};
    struct outcome whole = {HONE_OK, 0};
    for (int with = 0; with < 4; with++) { /* special tokens; the other text of a pair */
        int32_t *list = NULL;
        size_t *starts = NULL;
        enum hone_status status =
            hone_tokenize(model, texts, with & 2 ? pairs : NULL, 2, with & 1, &list, &starts, NULL, NULL);
        whole.digest = 3 * whole.digest + taken(status, list, starts, 2, sizeof *list).digest;
        whole.status = status != HONE_OK ? status : whole.status;
    }
    return whole;
}

static struct outcome tokenize_spans(struct hone_model *model, struct hone_text empty)
{
    int32_t *ids = NULL;
    struct hone_span *spans = NULL;
    size_t n = 0;
    enum hone_status status = hone_tokenize_spans(model, &empty, false, &ids, &spans, &n, NULL);
    hone_free(ids);
    hone_free(spans);
    return outcome_of(status, &n, sizeof n);
}

static struct outcome find_spans(struct hone_model *model, struct hone_text empty)
{
    const struct hone_text texts[] = {empty, {"a dog", 5}}, labels[] = {empty, {"animal", 6}};
    struct hone_span_options all = HONE_SPAN_DEFAULTS;
    struct hone_labeled_span *spans;
    size_t *starts, n = 0;
    all.threshold = 0;
    enum hone_status status =
        hone_find_spans(model, texts, 2, labels, 2, &all, NULL, &spans, &starts, NULL, NULL);
    if (status == HONE_OK)
        n = starts[2] - starts[1] + 100 * starts[1];
    hone_free(spans);
    hone_free(starts);
    return outcome_of(status, &n, sizeof n);
}

static struct outcome generate(struct hone_model *model, struct hone_text empty)
{
    struct hone_generation g = HONE_GENERATION_DEFAULTS;
    g.prompt = empty;
    g.max_tokens = 3;
    struct outcome o = outcome_of(hone_generate(model, &g, 1, NULL, NULL), NULL, 0);
    o.digest = XXH3_64bits(g.out_ids, g.n_out * sizeof *g.out_ids);
    hone_generation_release(&g);
    return o;
}

static const struct {
    const char *fixture;
    struct outcome (*run)(struct hone_model *model, struct hone_text empty);
} calls[] = {
    {"bert-embed", embed},
    {"bert-embed", embed_tokens},
    {"bert-embed", rerank_for_nothing},
    {"bert-embed", rerank_nothing},
    {"bert-embed", embed_behind_prompt},
    {"llama3", tokenize},
    {"llama3", tokenize_spans},
    {"llama3", generate},
    {"t5", generate},
    {"bert-cross", rerank_for_nothing},
    {"bert-cross", rerank_nothing},
    {"qwen3-rerank", rerank_for_nothing},
    {"splade", embed_sparse},
    {"colbert", rerank_nothing},
    {"nli", classify},
    {"nli", zero_shot},
    {"fill-bert", fill_masks},
    {"ner-bert", find_entities},
    {"answer-bert", answer},
    {"gliner", find_spans},
    {"t5", tokenize},
    {"bert-embed", tokenize},
};

static void no_address_is_no_difference(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        struct hone_error err;
        struct hone_model *model;
        const struct hone_options options = {.n_threads = 1};
        assert_ok(hone_model_open(&model, fixture(calls[i].fixture), &options, &err), &err);
        struct outcome without = calls[i].run(model, (struct hone_text){NULL, 0}),
                       with = calls[i].run(model, (struct hone_text){"", 0});
        hone_model_close(&model);
        if (without.status != with.status || without.digest != with.digest)
            fail_msg("call %zu on %s: status %d, expected %d", i, calls[i].fixture, (int)without.status,
                     (int)with.status);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(no_address_is_no_difference)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
