/* Tokenizers against the ids that Hugging Face's give: real vocabularies in GGUF files over hostile texts, and the
 * tokenizer.json of every model with golden outputs. */
#include "runtime/infer/model.h"
#include "runtime/load/load.h"
#include "tests/files.h"
#include "tests/support.h"
#include "tokenizer/files/tokenizer_json.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct hone_text tok_text_of(const json_t *string)
{
    return (struct hone_text){json_string_value(string), json_string_length(string)};
}

/* Fails where the ids of a text, or a pair, are others than ids[]. */
static void check(const struct tokenizer *t, struct hone_text text, const struct hone_text *pair,
                  const struct tok_options *options, const json_t *ids, struct tok_encoding *e)
{
    struct hone_error why = {0};
    if (!tokenizer_encode(t, text, pair, options, e, &why))
        fail_msg("%.80s: %s", text.data, why.message);
    bool same = e->n == json_array_size(ids);
    for (size_t i = 0; same && i < e->n; i++)
        same = e->ids[i] == json_integer_value(json_array_get(ids, i));
    if (!same)
        fail_msg("\"%.200s\": other ids", text.data);
}

/* NAME.gguf over the lines of NAME.jsonl. */
static void test_vocabulary(void **name)
{
    char file[64];
    struct gguf *g = NULL;
    struct tokenizer *t = NULL;
    struct tok_encoding e = {0};
    struct hone_error err;
    size_t size, n = 0;
    snprintf(file, sizeof file, "vocab/%s.gguf", (const char *)*name);
    const char *path = shared(file);
    if (!path)
        skip();
    assert_ok(gguf_open(&g, path, &err), &err);
    assert_ok(vocab_load(&t, g, &err), &err);
    snprintf(file, sizeof file, "vocab/%s.jsonl", (const char *)*name);
    path = shared(file);
    if (!path)
        skip();
    char *lines = load_file(path, &size), *rest = lines, *line;
    const struct tok_options options = {.add_special = false};
    while ((line = strsep(&rest, "\n"))) {
        json_t *json = json_loads(line, JSON_ALLOW_NUL, NULL);
        if (!json)
            continue;
        check(t, tok_text_of(json_object_get(json, "text")), NULL, &options, json_object_get(json, "ids"),
              &e);
        json_decref(json);
        n++;
    }
    print_message("%s: %zu texts\n", (const char *)*name, n);
    assert_true(n > 0);
    tok_encoding_release(&e);
    tokenizer_free(t);
    gguf_close(&g);
    free(lines);
}

static struct tokenizer *open_json(const char *folder)
{
    struct hone_error why = {0};
    char path[4200];
    struct tokenizer_file file;
    size_t size;
    snprintf(path, sizeof path, "%s/tokenizer.json", folder);
    char *json = load_file(path, &size);
    if (!tok_json_read((struct hone_text){json, size}, &file, &why))
        fail_msg("%s: %s", path, why.message);
    struct tokenizer *t = tokenizer_new(&file.vocab, file.pipeline, &why);
    if (!t)
        fail_msg("%s: %s", path, why.message);
    tok_file_release(&file);
    free(json);
    return t;
}

/* Texts or pairs, and ids, of the folder's golden.json. */
static void check_folder(const char *folder)
{
    char path[4200];
    snprintf(path, sizeof path, "%s/golden.json", folder);
    json_t *golden = read_json(path);
    const json_t *pairs = json_object_get(golden, "pairs"), *texts = json_object_get(golden, "texts");
    const json_t *inputs = pairs ? pairs : texts ? texts : json_object_get(golden, "prompts");
    const json_t *ids = json_object_get(golden, "ids"), *limit = json_object_get(golden, "max_length");
    /* those without a limit of their own were cut to 100 ids, or to none */
    size_t max_length = limit ? (size_t)json_integer_value(limit) : 0;
    struct tokenizer *t = open_json(folder);
    struct tok_encoding e = {0};
    for (size_t i = 0; i < json_array_size(inputs) && ids; i++) {
        const json_t *input = json_array_get(inputs, i);
        struct hone_text first = tok_text_of(pairs ? json_array_get(input, 0) : input), second;
        size_t n = json_array_size(json_array_get(ids, i));
        const struct tok_options options = {.add_special = true, .max_length = limit ? max_length : n};
        if (pairs)
            second = tok_text_of(json_array_get(input, 1));
        check(t, first, pairs ? &second : NULL, &options, json_array_get(ids, i), &e);
    }
    tok_encoding_release(&e);
    tokenizer_free(t);
    json_decref(golden);
}

static void test_folders(void **state)
{
    char pattern[4200];
    glob_t found;
    (void)state;
    const char *path = shared("goldens");
    if (!path)
        skip();
    snprintf(pattern, sizeof pattern, "%s/*/tokenizer.json", path);
    assert_int_equal(glob(pattern, 0, NULL, &found), 0);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        *strrchr(found.gl_pathv[i], '/') = '\0';
        check_folder(found.gl_pathv[i]);
    }
    print_message("%zu folders\n", found.gl_pathc);
    globfree(&found);
}

#define PRE_FILE "tests/fixtures/pre.gguf"

/* The keys of a file but for one. It lives no longer than the file. */
static struct gguf *without(const struct gguf *g, const char *key)
{
    struct gguf *to = gguf_new("without");
    for (size_t i = 0; i < gguf_n_keys(g); i++)
        assert_true(strcmp(gguf_key(g, i), key) == 0 ||
                    gguf_set_value(to, gguf_key(g, i), gguf_value_at(g, i)));
    return to;
}

/* One vocabulary under each name of tokenizer.ggml.pre. model: the vocabulary's own, where it is NULL. */
static void check_pre(const char *path, const char *model, const char *pre, const json_t *texts,
                      const json_t *ids)
{
    struct gguf *g = NULL;
    struct tokenizer *t = NULL;
    struct tok_encoding e = {0};
    struct hone_error err;
    const struct tok_options options = {.add_special = false};
    assert_ok(gguf_open(&g, path, &err), &err);
    assert_true(!*pre || gguf_set_string(g, "tokenizer.ggml.pre", pre));
    struct gguf *other = model ? without(g, "tokenizer.ggml.model") : NULL;
    assert_true(!model || gguf_set_string(other, "tokenizer.ggml.model", model));
    assert_ok(vocab_load(&t, other ? other : g, &err), &err);
    for (size_t i = 0; i < json_array_size(texts); i++) {
        const json_t *want = json_array_get(ids, i);
        struct hone_text text = tok_text_of(json_array_get(texts, i));
        if (!tokenizer_encode(t, text, NULL, &options, &e, &err))
            fail_msg("%s: %s", pre, err.message);
        for (size_t k = 0; k < e.n || k < json_array_size(want); k++)
            if (k == e.n || k == json_array_size(want) ||
                e.ids[k] != json_integer_value(json_array_get(want, k)))
                fail_msg("%s: text %zu, id %zu is another one: %.300s", pre, i, k, text.data);
    }
    tok_encoding_release(&e);
    tokenizer_free(t);
    gguf_close(&other);
    gguf_close(&g);
}

static void test_pre(void **state)
{
    (void)state;
    json_t *root = json_load_file("tests/fixtures/pre.json", JSON_ALLOW_NUL, NULL), *c, *name;
    const json_t *texts = json_object_get(root, "texts");
    size_t i, k, n = 0;
    json_array_foreach (json_object_get(root, "cases"), i, c)
        json_array_foreach (json_object_get(c, "names"), k, name) {
            check_pre(PRE_FILE, NULL, json_string_value(name), texts, json_object_get(c, "ids"));
            if (strcmp(json_string_value(name), "default") == 0)
                check_pre(PRE_FILE, NULL, "", texts, json_object_get(c, "ids"));
            n++;
        }
    print_message("%zu names\n", n);
    assert_true(n > 60);
    json_decref(root);
}

/* Numbers that a file calls those of special tokens, and which are those of words. */
static void test_named_words(void **state)
{
    static const char *const keys[] = {"tokenizer.ggml.padding_token_id",
                                       "tokenizer.ggml.seperator_token_id"};
    (void)state;
    struct gguf *g = NULL;
    struct tokenizer *plain = NULL, *named = NULL;
    struct tok_encoding a = {0}, b = {0};
    struct hone_error err;
    const struct tok_options options = {.add_special = false};
    json_t *root = json_load_file("tests/fixtures/pre.json", JSON_ALLOW_NUL, NULL), *text;
    size_t i;
    assert_ok(gguf_open(&g, PRE_FILE, &err), &err);
    assert_ok(vocab_load(&plain, g, &err), &err);
    for (uint32_t k = 0; k < 2; k++) /* the first two of the alphabet, "!" and \" */
        assert_true(gguf_set_u32(g, keys[k], k));
    assert_ok(vocab_load(&named, g, &err), &err);
    json_array_foreach (json_object_get(root, "texts"), i, text) {
        assert_true(tokenizer_encode(plain, tok_text_of(text), NULL, &options, &a, &err));
        assert_true(tokenizer_encode(named, tok_text_of(text), NULL, &options, &b, &err));
        assert_int_equal(a.n, b.n);
        for (size_t k = 0; k < a.n; k++)
            assert_int_equal(a.ids[k], b.ids[k]);
    }
    tok_encoding_release(&a);
    tok_encoding_release(&b);
    tokenizer_free(plain);
    tokenizer_free(named);
    gguf_close(&g);
    json_decref(root);
}

/* SentencePiece's BPE with merges, as Gemma 4's files have it, and others under the names of byte-level ones; without these it is
 * refused. */
static void test_gemma4(void **state)
{
    static const char path[] = "tests/fixtures/gemma4.gguf";
    static const char *const names[] = {"gemma4", "granite-embed-multi-311m", "sarvam-moe"};
    (void)state;
    struct gguf *g = NULL;
    struct tokenizer *t = NULL;
    struct hone_error err;
    json_t *root = json_load_file("tests/fixtures/pre.json", JSON_ALLOW_NUL, NULL);
    const json_t *texts = json_object_get(root, "texts"), *ids = json_object_get(root, "gemma4");
    check_pre(path, NULL, "", texts, ids);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        check_pre(path, "gpt2", names[i], texts, ids);
    json_decref(root);
    assert_ok(gguf_open(&g, path, &err), &err);
    struct gguf *lost = without(g, "tokenizer.ggml.merges");
    assert_int_equal(vocab_load(&t, lost, &err), HONE_BAD_MODEL);
    assert_non_null(strstr(err.message, "tokenizer.ggml.merges"));
    gguf_close(&lost);
    gguf_close(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pre),
        cmocka_unit_test(test_gemma4),
        cmocka_unit_test(test_named_words),
        {"bert-bge", test_vocabulary, NULL, NULL, "bert-bge"},
        {"llama-bpe", test_vocabulary, NULL, NULL, "llama-bpe"},
        {"nomic-bert-moe", test_vocabulary, NULL, NULL, "nomic-bert-moe"},
        cmocka_unit_test(test_folders),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
