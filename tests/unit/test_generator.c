/* Texts that are written together, with little room, drafts, grammars and failures beside them: each as if it were alone. */
#include "runtime/generate/compiled.h"
#include "runtime/generate/generator.h"
#include "runtime/infer/model.h"
#include "runtime/nn/kv/kv.h"
#include "tests/guard.h"
#include "tests/support.h"

#include <hone.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { N_TEXTS = 12, N_NEW = 60 };

static const char *name = "causal"; /* of the model */

static struct hone_model *open_model(size_t kv_tokens)
{
    struct hone_error err;
    struct hone_model *model;
    struct hone_options options = {.kv_tokens = kv_tokens, .n_threads = 1};
    assert_ok(hone_model_open(&model, fixture(name), &options, &err), &err);
    return model;
}

/* Prompts that share their beginnings, by their number. */
static struct hone_generation text_number(size_t i)
{
    static const char *const prompts[] = {
        "The quick brown fox jumps over the lazy dog, again and again",
        "The quick brown fox jumps over the lazy dog, again and again; nobody counts how often",
        "Searching a pile of text offline: embed every line, sort by similarity, read the best ten.", "x",
        "ababababababababababababab"};
    struct hone_generation g = {.sampling = HONE_SAMPLING_DEFAULTS, .max_tokens = N_NEW, .past_end = true};
    g.prompt = (struct hone_text){prompts[i % 5], strlen(prompts[i % 5])};
    g.sampling.temperature = i % 3 ? 0.5f : 0;
    g.sampling.mirostat = i % 4 == 1 ? 2 : 0;
    g.sampling.dry_multiplier = i % 4 == 2 ? 0.8f : 0;
    g.sampling.repetition_penalty = i % 2 ? 1.1f : 1;
    g.sampling.seed = i;
    return g;
}

static void assert_same(const struct hone_generation *a, const struct hone_generation *b)
{
    assert_int_equal(a->n_out, b->n_out);
    assert_memory_equal(a->out_ids, b->out_ids, a->n_out * sizeof *a->out_ids);
    assert_int_equal(a->text_size, b->text_size);
    assert_memory_equal(a->text, b->text, a->text_size);
    assert_int_equal(a->finish, b->finish);
}

static void release_all(struct hone_generation *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        hone_generation_release(&list[i]);
}

/* Each alone. */
static void write_alone(struct hone_generation *list)
{
    struct hone_error err;
    struct hone_model *model = open_model(0);
    for (size_t i = 0; i < N_TEXTS; i++) {
        list[i] = text_number(i);
        assert_ok(hone_generate(model, &list[i], 1, NULL, &err), &err);
    }
    hone_model_close(&model);
}

static void test_little_room(void **state)
{
    (void)state;
    static const size_t rooms[] = {0, 2048, 512, 256, 160};
    struct hone_generation alone[N_TEXTS], list[N_TEXTS];
    struct hone_error err;
    write_alone(alone);
    for (size_t r = 0; r < 5; r++) {
        struct hone_model *model = open_model(rooms[r]);
        struct hone_stats stats = {0};
        for (size_t i = 0; i < N_TEXTS; i++)
            list[i] = text_number(i);
        assert_ok(hone_generate(model, list, N_TEXTS, &stats, &err), &err);
        for (size_t i = 0; i < N_TEXTS; i++)
            assert_same(&list[i], &alone[i]);
        print_message("room for %zu tokens: %zu computed\n", rooms[r], stats.n_tokens);
        assert_int_equal(kv_stats(model->stepper.kv).n_used, 0);
        release_all(list, N_TEXTS);
        hone_model_close(&model);
    }
    release_all(alone, N_TEXTS);
}

static void test_no_room(void **state)
{
    (void)state;
    struct hone_error err;
    struct hone_model *model = open_model(64);
    struct hone_generation g = text_number(2);
    assert_int_equal(hone_generate(model, &g, 1, NULL, &err), HONE_REFUSED);
    assert_string_equal(err.message, "a prompt of 55 tokens and 60 more, but the KV cache has room for 64");
    g = text_number(3);
    g.max_tokens = 0; /* as many as there is room for */
    assert_ok(hone_generate(model, &g, 1, NULL, &err), &err);
    assert_int_equal(g.n_prompt + g.n_out, 64);
    assert_int_equal(g.finish, HONE_FINISH_LENGTH);
    hone_generation_release(&g);
    hone_model_close(&model);
}

static bool count_steps(void *arg)
{
    return --*(int *)arg > 0;
}

/* The third step is the last one, and its blocks are given back. */
static void test_interrupted(void **state)
{
    (void)state;
    struct hone_error err;
    struct hone_model *model = open_model(0);
    struct hone_generation list[2] = {text_number(2), text_number(3)};
    int left = 3;
    list[1].on_step = count_steps;
    list[1].arg = &left;
    assert_int_equal(hone_generate(model, list, 2, NULL, &err), HONE_CANCELLED);
    assert_int_equal(left, 0);
    assert_int_equal(kv_stats(model->stepper.kv).n_used, 0);
    release_all(list, 2);
    left = 1000000;
    list[1] = text_number(3);
    list[1].on_step = count_steps;
    list[1].arg = &left;
    assert_ok(hone_generate(model, list + 1, 1, NULL, &err), &err);
    assert_true(left < 1000000 - 3);
    release_all(list + 1, 1);
    hone_model_close(&model);
}

/* ---- prefixes ---- */

static void test_prefixes(void **state)
{
    (void)state;
    struct hone_error err;
    struct hone_model *model = open_model(0);
    struct hone_generation list[4];
    struct hone_stats stats = {0};
    size_t n_computed = 0;
    for (size_t i = 0; i < 4; i++) {
        list[i] = text_number(2);
        list[i].max_tokens = 1;
    }
    assert_ok(hone_generate(model, list, 4, &stats, &err), &err);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(list[i].n_cached, i == 0 ? 0 : 32); /* of 55, in blocks of 32 */
        n_computed += list[i].n_prompt - list[i].n_cached;
    }
    assert_int_equal(stats.n_tokens, n_computed);
    release_all(list, 4);
    list[0] = text_number(2); /* and in a later call, through which the cache has grown */
    list[0].max_tokens = 400;
    assert_ok(hone_generate(model, list, 1, NULL, &err), &err);
    assert_int_equal(list[0].n_cached, 32);
    release_all(list, 1);
    hone_model_close(&model);
}

/* ---- one among others ---- */

struct ends {
    struct hone_generation *list;
    enum hone_status status[N_TEXTS];
    size_t n;
    char message[1024];
};

static void on_end(void *arg, struct hone_generation *g, enum hone_status status, const char *message)
{
    struct ends *ends = arg;
    ends->status[g - ends->list] = status;
    ends->n++;
    if (status != HONE_OK)
        snprintf(ends->message, sizeof ends->message, "%s", message);
}

static enum hone_status add_text(struct generator *gen, struct hone_generation *g, struct hone_error *err)
{
    struct compiled *compiled;
    enum hone_status status = compiled_of(&compiled, g, NULL, err);
    if (status == HONE_OK)
        status = generator_add(gen, g, compiled, err);
    compiled_release(compiled);
    return status;
}

static bool refuse(void *arg, const struct hone_token *token)
{
    return token->id < 0 || ++*(size_t *)arg < 7;
}

/* One fails, one says that it is enough, one is removed: each has what it wrote, and the others are as ever. */
static void test_apart(void **state)
{
    (void)state;
    enum { FAILS = 2, STOPS = 4, REMOVED = 6, LATE = 11 };
    struct hone_generation alone[N_TEXTS], list[N_TEXTS];
    struct ends ends = {.list = list};
    struct hone_error err;
    struct hone_stats stats = {0};
    struct hone_model *model = open_model(320);
    struct generator *gen;
    struct hone_bias biases[300];
    size_t n_told = 0;
    write_alone(alone);
    for (int32_t i = 0; i < 300; i++)
        biases[i] = (struct hone_bias){i, -INFINITY};
    pthread_mutex_lock(&model->lock);
    assert_ok(generator_new(&gen, model, &clock_monotonic, on_end, &ends, &err), &err);
    for (size_t i = 0; i < N_TEXTS; i++)
        list[i] = text_number(i);
    list[FAILS].biases = biases;
    list[FAILS].n_biases = 300;
    list[STOPS].on_token = refuse;
    list[STOPS].arg = &n_told;
    for (size_t i = 0; i < LATE; i++)
        assert_ok(add_text(gen, &list[i], &err), &err);
    for (size_t step = 0; generator_n_texts(gen) > 0; step++) {
        generator_step(gen, &stats);
        if (step == 10)
            generator_pause(gen);
        if (step == 20) {
            generator_remove(gen, &list[REMOVED]);
            generator_remove(gen, &list[REMOVED]);
            assert_ok(add_text(gen, &list[LATE], &err), &err);
        }
    }
    generator_free(gen);
    pthread_mutex_unlock(&model->lock);
    assert_int_equal(ends.n, N_TEXTS - 1);
    assert_int_equal(ends.status[FAILS], HONE_FAILED);
    assert_string_equal(ends.message, "no token is left to choose from: all are forbidden");
    assert_int_equal(list[STOPS].finish, HONE_FINISH_CANCELLED);
    assert_int_equal(list[STOPS].n_out, 7);
    assert_int_equal(list[REMOVED].finish, HONE_FINISH_CANCELLED);
    for (size_t i = 0; i < N_TEXTS; i++)
        if (i != FAILS && i != STOPS && i != REMOVED)
            assert_same(&list[i], &alone[i]);
    assert_memory_equal(list[REMOVED].out_ids, alone[REMOVED].out_ids,
                        list[REMOVED].n_out * sizeof *list[REMOVED].out_ids);
    assert_int_equal(kv_stats(model->stepper.kv).n_used, 0);
    release_all(list, N_TEXTS);
    release_all(alone, N_TEXTS);
    hone_model_close(&model);
}

/* ---- drafts ---- */

static void draft_all(struct hone_model *model, const struct hone_generation *alone,
                      struct hone_model *guesser, size_t n_draft)
{
    struct hone_generation list[N_TEXTS];
    struct hone_error err;
    size_t n_drafted = 0, n_accepted = 0;
    for (size_t n_at_once = 1; n_at_once <= N_TEXTS; n_at_once += N_TEXTS - 1) {
        for (size_t i = 0; i < N_TEXTS; i++) {
            list[i] = text_number(i);
            list[i].n_draft = n_draft;
            list[i].draft_model = guesser;
        }
        for (size_t i = 0; i < N_TEXTS; i += n_at_once)
            assert_ok(hone_generate(model, list + i, n_at_once, NULL, &err), &err);
        for (size_t i = 0; i < N_TEXTS; i++) {
            assert_same(&list[i], &alone[i]);
            assert_true(list[i].n_accepted <= list[i].n_drafted);
            n_drafted += list[i].n_drafted;
            n_accepted += list[i].n_accepted;
        }
        release_all(list, N_TEXTS);
    }
    print_message("%zu of %zu right\n", n_accepted, n_drafted);
    assert_true(n_drafted > 0);
    if (guesser)
        assert_true(n_accepted > n_drafted / 4);
}

static void test_drafts(void **state)
{
    (void)state;
    struct hone_generation alone[N_TEXTS];
    struct hone_model *guesser = open_model(0);
    write_alone(alone);
    for (size_t room = 0; room <= 320; room += 320) {
        struct hone_model *model = open_model(room);
        draft_all(model, alone, NULL, 4);
        draft_all(model, alone, guesser, 5);
        draft_all(model, alone, guesser, 1000);
        hone_model_close(&model);
    }
    struct hone_error err;
    struct hone_generation g = text_number(0);
    g.n_draft = 3;
    g.draft_model = guesser;
    assert_int_equal(hone_generate(guesser, &g, 1, NULL, &err), HONE_USAGE);
    assert_non_null(strstr(err.message, "its own draft model"));
    hone_model_close(&guesser);
    release_all(alone, N_TEXTS);
}

/* ---- grammars ---- */

static const char schema[] =
    "{\"type\": \"object\", \"properties\": {\"name\": {\"type\": \"string\", \"maxLength\": "
    "5}, \"n\": {\"type\": \"integer\"}, \"tags\": {\"type\": \"array\", \"items\": "
    "{\"enum\": [\"a\", \"b\"]}, \"maxItems\": 3}}, \"required\": [\"name\", \"n\", "
    "\"tags\"], \"additionalProperties\": false}";

static struct hone_generation constrained(size_t i, size_t n_draft)
{
    struct hone_generation g = text_number(i);
    g.past_end = false;
    g.max_tokens = 200;
    g.n_draft = n_draft;
    if (i % 2)
        g.json_schema = schema;
    else
        g.grammar = "root ::= \"<\" word (\", \" word){2,4} \">\"\nword ::= \"yes\" | \"no\" | [x-z]{3}";
    return g;
}

static void check_json(const struct hone_generation *g)
{
    json_t *json = json_loadb(g->text, g->text_size, 0, NULL);
    assert_non_null(json);
    assert_true(json_is_string(json_object_get(json, "name")) &&
                json_is_integer(json_object_get(json, "n")) && json_is_array(json_object_get(json, "tags")) &&
                json_object_size(json) == 3);
    json_decref(json);
}

static void test_grammars(void **state)
{
    (void)state;
    struct hone_error err;
    struct hone_generation alone[N_TEXTS], list[N_TEXTS];
    struct hone_model *model = open_model(0), *guesser = open_model(0);
    for (size_t i = 0; i < N_TEXTS; i++) {
        alone[i] = constrained(i, 0);
        list[i] = constrained(i, 6);
        list[i].draft_model = i % 3 ? guesser : NULL;
        assert_ok(hone_generate(model, &alone[i], 1, NULL, &err), &err);
        if (i < 3)
            print_message("%s\n", alone[i].text);
        if (alone[i].finish == HONE_FINISH_STOP && i % 2)
            check_json(&alone[i]);
        if (i % 2 == 0)
            assert_true(alone[i].text[0] == '<' && alone[i].text[alone[i].text_size - 1] == '>');
    }
    assert_ok(hone_generate(model, list, N_TEXTS, NULL, &err), &err);
    for (size_t i = 0; i < N_TEXTS; i++)
        assert_same(&list[i], &alone[i]);
    release_all(list, N_TEXTS);
    release_all(alone, N_TEXTS);
    hone_model_close(&guesser);
    hone_model_close(&model);
}

/* ---- guesses that pay --------------------------------------------------------------------------------------------- */

/* A machine on which a step takes the same time however many rows it has, but for those of a prompt. */
static uint64_t now(void *arg)
{
    return *(uint64_t *)arg;
}
static void computed(void *arg, size_t n_tokens)
{
    *(uint64_t *)arg += 10000000 + 100000 * (uint64_t)n_tokens;
}

static struct hone_generation repeating(size_t i)
{
    struct hone_generation g = constrained(i, 0);
    if (i % 3 == 0) {
        g.json_schema = NULL;
        g.grammar = "root ::= \"<\" (\"all work and no play makes Jack a dull boy. \"){1,9} \">\"";
    }
    return g;
}

/* By themselves, one behind the other or together: the same texts in fewer steps, with grammars and without. */
static void test_automatic_drafts(void **state)
{
    (void)state;
    struct hone_generation alone[N_TEXTS], list[N_TEXTS];
    struct hone_error err;
    struct hone_model *model = open_model(0);
    for (size_t n_at_once = 1; n_at_once <= 4; n_at_once += 3) {
        uint64_t time = 0;
        const struct clock clock = {now, computed, &time};
        struct ends ends = {.list = list};
        struct hone_stats stats = {0};
        struct generator *gen;
        size_t n_drafted = 0, n_accepted = 0, n_out = 0, n_steps = 0;
        for (size_t i = 0; i < N_TEXTS; i++) {
            alone[i] = i % 3 == 1 ? text_number(i) : repeating(i);
            list[i] = i % 3 == 1 ? text_number(i) : repeating(i);
            alone[i].max_tokens = list[i].max_tokens = 200;
            list[i].n_draft = HONE_DRAFT_AUTO;
            assert_ok(hone_generate(model, &alone[i], 1, NULL, &err), &err);
        }
        pthread_mutex_lock(&model->lock);
        assert_ok(generator_new(&gen, model, &clock, on_end, &ends, &err), &err);
        for (size_t i = 0; i < N_TEXTS; i += n_at_once) {
            for (size_t k = 0; k < n_at_once; k++)
                assert_ok(add_text(gen, &list[i + k], &err), &err);
            for (; generator_n_texts(gen) > 0; n_steps++)
                generator_step(gen, &stats);
        }
        generator_free(gen);
        pthread_mutex_unlock(&model->lock);
        for (size_t i = 0; i < N_TEXTS; i++) {
            assert_same(&list[i], &alone[i]);
            n_drafted += list[i].n_drafted;
            n_accepted += list[i].n_accepted;
            n_out += list[i].n_out;
        }
        print_message("%zu texts at once: %zu tokens in %zu steps, %zu of %zu guesses right\n", n_at_once,
                      n_out, n_steps, n_accepted, n_drafted);
        assert_true(n_accepted > 0);
        if (n_at_once == 1)
            assert_true(n_steps < n_out * 9 / 10);
        release_all(list, N_TEXTS);
        release_all(alone, N_TEXTS);
    }
    hone_model_close(&model);
}

static void assert_refused(struct hone_model *model, struct hone_generation g, const char *sentence)
{
    struct hone_error err;
    assert_int_equal(hone_generate(model, &g, 1, NULL, &err), HONE_USAGE);
    if (!strstr(err.message, sentence))
        fail_msg("%s", err.message);
    hone_generation_release(&g);
}

static void test_refusals(void **state)
{
    (void)state;
    struct hone_model *model = open_model(0);
    struct hone_generation g = text_number(0);
    const struct hone_beams beams = {.n = 2, .n_best = 3};
    const struct hone_bias bias = {5000, 1};
    g.grammar = "root ::= ";
    g.json_schema = "{}";
    assert_refused(model, g, "not both");
    g.json_schema = NULL;
    g.grammar = "root ::= root \"x\"";
    assert_refused(model, g, "root");
    g.grammar = "root ::= missing";
    assert_refused(model, g, "missing");
    g.grammar = NULL;
    g.json_schema = "{\"type\": \"object\"";
    assert_refused(model, g, "JSON");
    g.json_schema = "{\"type\": \"string\", \"maxLength\": 1, \"minLength\": 2}";
    assert_refused(model, g, "");
    g.json_schema = NULL;
    g.biases = &bias;
    g.n_biases = 1;
    assert_refused(model, g, "5000");
    g.n_biases = 0;
    g.n_logprobs = 21;
    assert_refused(model, g, "at most 20");
    g.n_logprobs = 0;
    g.beams = &beams;
    assert_refused(model, g, "3 results of 2 beams");
    g.logprobs = true;
    assert_refused(model, g, "log-probabilities");
    hone_model_close(&model);
}

/* ---- log-probabilities ---- */

struct listener {
    struct hone_generation *g;
    float logprobs[N_NEW];
    size_t n;
};

static bool listen(void *arg, const struct hone_token *token)
{
    struct listener *l = arg;
    if (token->id < 0)
        return true;
    assert_int_equal(token->n_top, 4);
    for (size_t i = 1; i < token->n_top; i++)
        assert_true(token->top[i - 1].logprob >= token->top[i].logprob);
    l->logprobs[l->n++] = token->logprob;
    return true;
}

static void test_logprobs(void **state)
{
    (void)state;
    struct hone_error err;
    struct hone_model *model = open_model(0);
    size_t n_vocab = hone_model_info(model)->n_vocab;
    for (size_t n_draft = 0; n_draft <= 4; n_draft += 4) {
        struct listener l = {0};
        struct hone_generation g = text_number(4);
        const struct hone_bias bias = {7, 3};
        g.biases = &bias; /* which they do not see */
        g.n_biases = 1;
        g.logprobs = true;
        g.n_logprobs = 4;
        g.n_draft = n_draft;
        g.on_token = listen;
        g.arg = &l;
        assert_ok(hone_generate(model, &g, 1, NULL, &err), &err);
        size_t n = g.n_prompt + g.n_out, *starts;
        int32_t *prompt, *ids = malloc(n * sizeof *ids);
        float *logits = malloc(n * n_vocab * sizeof *logits);
        assert_ok(hone_tokenize(model, &g.prompt, NULL, 1, true, &prompt, &starts, NULL, &err), &err);
        memcpy(ids, prompt, g.n_prompt * sizeof *ids);
        memcpy(ids + g.n_prompt, g.out_ids, g.n_out * sizeof *ids);
        assert_ok(hone_logits(model, ids, n, logits, &err), &err);
        for (size_t i = 0; i < g.n_out; i++) {
            const float *row = logits + (g.n_prompt + i - 1) * n_vocab;
            double sum = 0;
            for (size_t k = 0; k < n_vocab; k++)
                sum += exp((double)row[k]);
            assert_float_equal(g.results[0].logprobs[i], (double)row[g.out_ids[i]] - log(sum), 1e-4);
            const struct hone_logprob *best = &g.results[0].top[i * 4];
            for (size_t k = 0; k < n_vocab; k++)
                assert_true(row[k] <= row[best->id]);
            assert_true(l.logprobs[i] == g.results[0].logprobs[i]);
        }
        hone_free(prompt);
        hone_free(starts);
        free(ids);
        free(logits);
        hone_generation_release(&g);
    }
    hone_model_close(&model);
}

/* The same of models whose layers carry a state on, which cannot be shared by parts. */
static void test_recurrent(void **state)
{
    name = *state;
    test_little_room(NULL);
    test_interrupted(NULL);
    test_prefixes(NULL);
    test_apart(NULL);
    test_drafts(NULL);
    name = "causal";
}

#define RECURRENT(fixture) NAMED_TEST("recurrent", test_recurrent, fixture)

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_little_room),
                                       cmocka_unit_test(test_no_room),
                                       cmocka_unit_test(test_interrupted),
                                       cmocka_unit_test(test_prefixes),
                                       cmocka_unit_test(test_apart),
                                       cmocka_unit_test(test_drafts),
                                       cmocka_unit_test(test_grammars),
                                       cmocka_unit_test(test_automatic_drafts),
                                       cmocka_unit_test(test_refusals),
                                       cmocka_unit_test(test_logprobs),
                                       RECURRENT("lfm2"),
                                       RECURRENT("falcon-h1"),
                                       RECURRENT("mamba2"),
                                       RECURRENT("jamba"),
                                       RECURRENT("zamba2"),
                                       RECURRENT("nemotron-h-moe"),
                                       RECURRENT("qwen3-5")};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
