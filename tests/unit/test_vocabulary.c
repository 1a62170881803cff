/* A tokenizer that went through GGUF keys is the one of its folder: every fixture, over the texts of its cases. */
#include "runtime/infer/model.h"
#include "runtime/load/import/folder.h"
#include "runtime/load/import/sentence/modules.h"
#include "runtime/load/load.h"
#include "tests/files.h"
#include "tests/support.h"
#include "tokenizer/files/tokenizer_json.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* What import_tokenizer fills, in a folder that has nothing but a tokenizer.json. */
static struct gguf *import(const char *json, size_t size, size_t n_rows, const char *config)
{
    char dir[256], path[300];
    static const float weights[4096];
    struct gguf_tensor table = {.name = "token_embd.weight", .type = quant_type_by_name("f32")};
    struct modules no_modules = {0};
    static const struct hf_form of_no_type;
    struct folder f = {.dir = dir, .arch = arch_by_name("bert"), .form = &of_no_type, .modules = &no_modules};
    struct hone_error err = {0};
    snprintf(dir, sizeof dir, "%s", temp_path("folder"));
    mkdir(dir, 0777);
    snprintf(path, sizeof path, "%s/tokenizer.json", dir);
    store_file(path, json, size);
    snprintf(path, sizeof path, "%s/tokenizer_config.json", dir);
    store_file(path, config, strlen(config));
    f.g = gguf_new(dir);
    table.n_dims = 2;
    table.dims[0] = 1;
    table.dims[1] = n_rows;
    table.data = weights;
    assert_in_range(n_rows, 1, 4096);
    assert_true(gguf_add_tensor(f.g, &table));
    assert_ok(import_tokenizer(&f, &err), &err);
    return f.g;
}

static struct tokenizer *load(const struct gguf *g)
{
    struct hone_error err = {0};
    struct tokenizer *t;
    assert_ok(vocab_load(&t, g, &err), &err);
    return t;
}

static void compare(const struct tokenizer *a, const struct tokenizer *b, const json_t *cases,
                    const char *path)
{
    const struct tok_options options = {.add_special = true};
    struct tok_encoding x = {0}, y = {0};
    const json_t *c;
    struct hone_error why;
    size_t i;
    json_array_foreach (cases, i, c) {
        const json_t *string = json_array_get(c, 0);
        struct hone_text text = {json_string_value(string), json_string_length(string)};
        char *decoded[2];
        size_t sizes[2];
        assert_true(tokenizer_encode(a, text, NULL, &options, &x, &why));
        assert_true(tokenizer_encode(b, text, NULL, &options, &y, &why));
        if (x.n != y.n || memcmp(x.ids, y.ids, x.n * sizeof *x.ids) != 0)
            fail_msg("%s: text %zu has other ids", path, i);
        assert_true(tokenizer_decode(a, x.ids, x.n, false, &decoded[0], &sizes[0], &why));
        assert_true(tokenizer_decode(b, x.ids, x.n, false, &decoded[1], &sizes[1], &why));
        assert_int_equal(sizes[0], sizes[1]);
        assert_memory_equal(decoded[0], decoded[1], sizes[0]);
        free(decoded[0]);
        free(decoded[1]);
    }
    tok_encoding_release(&x);
    tok_encoding_release(&y);
}

static void check(const char *path)
{
    struct hone_error why = {0};
    char cases_path[256];
    struct tokenizer_file file;
    size_t size;
    char *json = load_file(path, &size);
    snprintf(cases_path, sizeof cases_path, "%.*s.cases", (int)(strrchr(path, '.') - path), path);
    json_t *cases = json_load_file(cases_path, JSON_ALLOW_NUL, NULL);
    assert_true(tok_json_read((struct hone_text){json, size}, &file, &why));
    struct tokenizer *a = tokenizer_new(&file.vocab, file.pipeline, &why);
    assert_non_null(a);
    struct gguf *g = import(json, size, file.vocab.n_tokens + 7, "{}"); /* rows that no token has */
    struct tokenizer *b = load(g);
    assert_int_equal(tokenizer_n_tokens(b), file.vocab.n_tokens + 7);
    compare(a, b, json_object_get(cases, "encode"), path);
    tokenizer_free(a);
    tokenizer_free(b);
    tok_file_release(&file);
    gguf_close(&g);
    json_decref(cases);
    free(json);
}

static void test_fixtures(void **state)
{
    glob_t found;
    (void)state;
    assert_int_equal(glob("tests/fixtures/tokenizer/*.json", 0, NULL, &found), 0);
    for (size_t i = 0; i < found.gl_pathc; i++)
        check(found.gl_pathv[i]);
    assert_true(found.gl_pathc > 10);
    globfree(&found);
}

/* The side that is cut: tokenizer_config.json goes before tokenizer.json. */
static void test_truncation_side(void **state)
{
#define MODEL                                                                                                \
    "\"pre_tokenizer\":{\"type\":\"WhitespaceSplit\"},"                                                      \
    "\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0,\"b\":1,\"c\":2},\"merges\":[]}}"
    static const struct {
        const char *json, *config;
        int first;
    } cases[] = {
        {"{" MODEL, "{}", 0},
        {"{\"truncation\":{\"direction\":\"Left\"}," MODEL, "{}", 1},
        {"{" MODEL, "{\"truncation_side\":\"left\"}", 1},
        {"{\"truncation\":{\"direction\":\"Left\"}," MODEL, "{\"truncation_side\":\"right\"}", 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct hone_error why;
        const struct tok_options options = {.max_length = 2};
        struct tok_encoding e = {0};
        struct gguf *g = import(cases[i].json, strlen(cases[i].json), 3, cases[i].config);
        struct tokenizer *t = load(g);
        assert_true(tokenizer_encode(t, (struct hone_text){"a b c", 5}, NULL, &options, &e, &why));
        assert_int_equal(e.n, 2);
        assert_int_equal(e.n_full, 3);
        assert_int_equal(e.ids[0], cases[i].first);
        tok_encoding_release(&e);
        tokenizer_free(t);
        gguf_close(&g);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fixtures),
        cmocka_unit_test(test_truncation_side),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
