/* What the public headers promise of failures and of structs that grow: every function is called into failure, and each
 * output must be as it was, or NULL. */
#include "tests/support.h"

#include <hone.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define CANARY 0x5a

static struct hone_model *embedder, *generator, *classifier, *translator, *vocabulary;
static const struct hone_text text = {"a text", 6}, texts[2] = {{"a text", 6}, {"another", 7}};

static struct hone_model *open_fixture(const char *name, struct hone_options options)
{
    struct hone_error err;
    struct hone_model *model;
    options.n_threads = 1;
    assert_ok(hone_model_open(&model, fixture(name), &options, &err), &err);
    return model;
}

static int open_all(void **state)
{
    (void)state;
    embedder = open_fixture("bert-embed", (struct hone_options){.strict = true, .max_length = 4});
    generator = open_fixture("llama3", (struct hone_options){0});
    classifier = open_fixture("bert-classify", (struct hone_options){0});
    translator = open_fixture("t5", (struct hone_options){0});
    vocabulary = open_fixture("bert-embed", (struct hone_options){.vocab_only = true});
    return 0;
}

static int close_all(void **state)
{
    (void)state;
    hone_model_close(&embedder);
    hone_model_close(&generator);
    hone_model_close(&classifier);
    hone_model_close(&translator);
    hone_model_close(&vocabulary);
    return 0;
}

/* ---- numbers that the caller holds ---- */

static float row[4096];

static void fill(void)
{
    memset(row, CANARY, sizeof row);
}

static void is_untouched(enum hone_status status, const struct hone_error *err)
{
    assert_int_not_equal(status, HONE_OK);
    assert_int_equal(err->status, status);
    assert_true(strlen(err->message) > 0);
    for (size_t i = 0; i < sizeof row; i++)
        assert_int_equal(((const unsigned char *)row)[i], CANARY);
}

static void test_rows_stay(void **state)
{
    (void)state;
    struct hone_error err;
    const struct hone_run_options unknown = {.normalize = -1, .prompt = "nobody's"};
    const int32_t outside[] = {1, 1 << 30};
    const struct hone_text long_text = {"a text of more tokens than four of them", 39};
    fill();
    is_untouched(hone_embed(embedder, texts, 2, &unknown, row, NULL, &err), &err);
    is_untouched(hone_embed(embedder, &long_text, 1, NULL, row, NULL, &err), &err);
    is_untouched(hone_embed(vocabulary, texts, 2, NULL, row, NULL, &err), &err);
    is_untouched(hone_rerank(embedder, text, texts, 2, &unknown, row, NULL, &err), &err);
    is_untouched(hone_rerank(classifier, text, texts, 2, NULL, row, NULL, &err), &err);
    is_untouched(hone_classify(embedder, texts, NULL, 2, NULL, row, NULL, &err), &err);
    is_untouched(hone_logits(embedder, outside, 1, row, &err), &err);
    is_untouched(hone_logits(generator, outside, 2, row, &err), &err);
    is_untouched(hone_decoder_logits(generator, outside, 1, NULL, 0, row, &err), &err);
    is_untouched(hone_decoder_logits(translator, outside, 0, NULL, 0, row, &err), &err);
    is_untouched(hone_decoder_logits(translator, outside, 2, NULL, 0, row, &err), &err);
    is_untouched(hone_decoder_logits(translator, outside, 1, outside, 2, row, &err), &err);
    is_untouched(hone_perplexity(generator, outside, 2, 0, (double *)(void *)row, &err), &err);
    is_untouched(hone_perplexity(generator, outside, 1, 0, (double *)(void *)row, &err), &err);
    is_untouched(hone_perplexity(embedder, outside, 2, 0, (double *)(void *)row, &err), &err);
    const struct hone_text one_label = {"editors", 7};
    is_untouched(hone_zero_shot(embedder, texts, 2, &one_label, 1, NULL, NULL, row, NULL, &err), &err);
    is_untouched(hone_zero_shot_scores(embedder, row, 1, NULL, row, &err), &err);
    is_untouched(hone_model_need(vocabulary, (struct hone_need *)(void *)row, &err), &err);
    is_untouched(hone_bench_limits((struct hone_limits *)(void *)row, "an abacus", 1, &err), &err);
}

/* ---- blocks that would be the caller's ---- */

/* NULL, or as it was. */
static void is_nothing(enum hone_status status, const struct hone_error *err, const void *p)
{
    assert_int_not_equal(status, HONE_OK);
    assert_int_equal(err->status, status);
    assert_true(strlen(err->message) > 0);
    assert_true(p == NULL || p == (const void *)row);
}

static void test_blocks_are_nothing(void **state)
{
    (void)state;
    struct hone_error err;
    void *const was = row;
    float *vectors = was;
    struct hone_word *words = was;
    size_t *starts = was, size = 1;
    int32_t outside = 1 << 30;
    char *out = was;
    struct hone_model *model = was;
    struct hone_file *file = was;
    struct hone_scheduler *scheduler = was;
    const struct hone_run_options unknown = {.normalize = -1, .prompt = "nobody's"};
    is_nothing(hone_model_open(&model, "/nowhere", NULL, &err), &err, model);
    is_nothing(hone_file_open(&file, "/nowhere", &err), &err, file);
    is_nothing(hone_embed_tokens(embedder, texts, 2, &unknown, &vectors, &starts, NULL, &err), &err, vectors);
    assert_null(starts);
    starts = was;
    is_nothing(hone_embed_sparse(embedder, texts, 2, NULL, &words, &starts, NULL, &err), &err, words);
    assert_null(starts);
    is_nothing(hone_detokenize(embedder, &outside, 1, false, &out, &size, &err), &err, out);
    out = was;
    is_nothing(hone_chat_prompt(embedder, &(struct hone_chat){.n_messages = 0}, &out, &size, &err), &err,
               out);
    is_nothing(hone_scheduler_open(&scheduler, embedder,
                                   &(struct hone_scheduler_options){.n_tokenizers = 1 << 20}, &err),
               &err, scheduler);
    struct hone_text bytes = {(const char *)was, 1};
    is_nothing(hone_token_bytes(embedder, -1, &bytes, &err), &err, bytes.size ? bytes.data : NULL);
}

/* What models for other tasks make. */
static void test_other_tasks_make_nothing(void **state)
{
    (void)state;
    struct hone_error err;
    void *const was = row;
    const struct hone_text one_label = {"editors", 7};
    float *vectors = was;
    struct hone_word *words = was;
    struct hone_entity *entities = was;
    struct hone_labeled_span *spans = was;
    struct hone_answer *answers = was;
    size_t *starts = was, *others = was, n = 0;
    fill();
    is_nothing(
        hone_embed_hybrid(embedder, texts, 2, NULL, row, &vectors, &starts, &words, &others, NULL, &err),
        &err, vectors);
    is_untouched(err.status, &err);
    assert_true(words == NULL || words == was);
    words = was;
    is_nothing(hone_fill_masks(classifier, texts, 2, 3, NULL, &words, &starts, NULL, &err), &err, words);
    vectors = was;
    is_nothing(hone_classify_tokens(embedder, texts, 2, NULL, &vectors, &starts, NULL, &err), &err, vectors);
    is_nothing(hone_find_entities(embedder, texts, 2, NULL, NULL, &entities, &starts, NULL, &err), &err,
               entities);
    entities = was;
    is_nothing(hone_entities_of(embedder, text, row, 1, HONE_SIDE_USUAL, NULL, &entities, &n, &err), &err,
               entities);
    is_nothing(hone_find_spans(embedder, texts, 2, &one_label, 1, NULL, NULL, &spans, &starts, NULL, &err),
               &err, spans);
    is_nothing(hone_answer(embedder, texts, texts, 2, NULL, NULL, &answers, &starts, NULL, &err), &err,
               answers);
}

static void fails(enum hone_status status, const struct hone_error *err)
{
    is_nothing(status, err, NULL);
}

/* Functions without outputs, whose failures have a sentence. */
static void test_sentences(void **state)
{
    (void)state;
    struct hone_error err;
    int32_t outside = 1 << 30;
    char *out = (char *)row;
    size_t size = 1;
    const struct hone_bench_selection abacus = {.level = "an abacus"};
    const struct hone_scheduler_options many = {.n_tokenizers = 1 << 20};
    fails(hone_bench_kernels(&abacus, NULL, NULL, &err), &err);
    fails(hone_tune(1 << 20, 0, NULL, NULL, &err), &err);
    fails(hone_verify(embedder, "/nowhere/golden.json", NULL, NULL, &err), &err);
    fails(hone_draft_check(embedder, generator, &err), &err);
    fails(hone_scheduler_check(&many, &err), &err);
    is_nothing(hone_detokenize_input(embedder, &outside, 1, false, &out, &size, &err), &err, out);
    struct hone_scheduler *scheduler;
    assert_ok(hone_scheduler_open(&scheduler, embedder, NULL, &err), &err);
    struct hone_request request = HONE_REQUEST_DEFAULTS;
    request.kind = HONE_REQUEST_CLASSIFY;
    fails(hone_submit_and_wait(scheduler, &request, &err), &err);
    hone_scheduler_close(&scheduler);
}

static void test_files_do_not_appear(void **state)
{
    (void)state;
    struct hone_error err;
    char *path = temporary("never.gguf");
    assert_int_not_equal(hone_convert("/nowhere", path, NULL, &err), HONE_OK);
    assert_int_not_equal(hone_convert(fixture("bert-embed"), path, "q9_9", &err), HONE_OK);
    const struct hone_lora nowhere = {.path = "/nowhere", .scale = 1};
    assert_int_not_equal(hone_convert_with(fixture("bert-embed"), path, NULL, &nowhere, 1, &err), HONE_OK);
    assert_int_not_equal(hone_quantize("/nowhere", path, "q8_0", NULL, &err), HONE_OK);
    assert_int_not_equal(hone_kv_save(embedder, NULL, 0, path, NULL, &err), HONE_OK);
    size_t n = 7;
    assert_int_not_equal(hone_kv_load(generator, path, &n, &err), HONE_OK);
    FILE *file = fopen(path, "r");
    assert_null(file);
    free(path);
}

static void test_generation_is_released(void **state)
{
    (void)state;
    struct hone_error err;
    struct hone_generation g = HONE_GENERATION_DEFAULTS;
    g.prompt = text;
    assert_int_not_equal(hone_generate(embedder, &g, 1, NULL, &err), HONE_OK);
    assert_null(g.results);
    assert_int_equal(g.n_results, 0);
    hone_generation_release(&g);
    g.grammar = "root ::= nothing";
    assert_int_not_equal(hone_generate(generator, &g, 1, NULL, &err), HONE_OK);
    hone_generation_release(&g);
}

/* ---- structs that grow ---- */

static void test_older_struct(void **state)
{
    (void)state;
    struct hone_error err;
    struct hone_model *model;
    struct hone_options older = {.size = offsetof(struct hone_options, max_length)};
    older.max_length = 3; /* which a program of that time would not have */
    assert_ok(hone_model_open(&model, fixture("bert-embed"), &older, &err), &err);
    assert_true(hone_model_info(model)->max_length > 3);
    hone_model_close(&model);
}

static void test_newer_struct(void **state)
{
    (void)state;
    struct hone_error err;
    struct hone_model *model;
    struct {
        struct hone_options known;
        size_t unknown;
    } newer = {{.size = sizeof newer}, 0};
    assert_ok(hone_model_open(&model, fixture("bert-embed"), &newer.known, &err), &err);
    hone_model_close(&model);
    newer.unknown = 1;
    assert_int_equal(hone_model_open(&model, fixture("bert-embed"), &newer.known, &err), HONE_USAGE);
    assert_non_null(strstr(err.message, "hone_options"));
}

static void test_structs_of_another_version(void **state)
{
    (void)state;
    struct hone_error err;
    struct hone_generation g = HONE_GENERATION_DEFAULTS;
    g.size -= 8;
    assert_int_equal(hone_generate(generator, &g, 1, NULL, &err), HONE_USAGE);
    assert_non_null(strstr(err.message, "hone_generation"));
    struct hone_scheduler *scheduler;
    assert_ok(hone_scheduler_open(&scheduler, embedder, NULL, &err), &err);
    struct hone_request request = HONE_REQUEST_DEFAULTS;
    request.size += 8;
    assert_int_equal(hone_submit(scheduler, &request, NULL, NULL, &err), HONE_USAGE);
    assert_non_null(strstr(err.message, "hone_request"));
    hone_scheduler_close(&scheduler);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_rows_stay),
                                       cmocka_unit_test(test_blocks_are_nothing),
                                       cmocka_unit_test(test_other_tasks_make_nothing),
                                       cmocka_unit_test(test_sentences),
                                       cmocka_unit_test(test_files_do_not_appear),
                                       cmocka_unit_test(test_generation_is_released),
                                       cmocka_unit_test(test_older_struct),
                                       cmocka_unit_test(test_newer_struct),
                                       cmocka_unit_test(test_structs_of_another_version)};
    return cmocka_run_group_tests(tests, open_all, close_all);
}
