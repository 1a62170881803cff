/* Tokenizers of every kind over random bytes; and tokenizer files with damage, which are refused with a sentence or
 * work. */
#include "runtime/base/utf8.h"
#include "tests/files.h"
#include "tests/guard.h"
#include "tests/mutate.h"
#include "tests/support.h"
#include "tokenizer/files/spiece.h"
#include "tokenizer/files/vocab_json.h"
#include "tokenizer/stages/charsmap.h"

#include <glob.h>
#include <stdlib.h>
#include <string.h>

enum { CAPACITY = 1 << 15, TEXT = 400 };

static struct hone_error why;

static struct tokenizer *open_text(struct hone_text text, bool spiece)
{
    struct tokenizer_file file;
    const struct spiece_options options = {
        .family = (enum spiece_family)random_below(4), .extra_ids = 9, .add_bos = -1, .add_eos = -1};
    if (!(spiece ? tok_spiece_read(text, &options, &file, &why) : tok_json_read(text, &file, &why)))
        return NULL;
    struct tokenizer *t = tokenizer_new(&file.vocab, file.pipeline, &why);
    tok_file_release(&file);
    return t;
}

/* Bytes of a few kinds, so that some texts are valid; parts of characters otherwise. */
static size_t random_text(char *text)
{
    static const char parts[] =
        "aA1 .'\n\xc3\xa9\xcc\x81\xe4\xb8\xad\xf0\x9f\x91\x8d\xe2\x80\x8d\xe2\x96\x81\xff";
    size_t size = random_below(TEXT);
    bool any = random_below(2);
    for (size_t i = 0; i < size; i++)
        text[i] = any ? (char)random_bits() : parts[random_below(sizeof parts - 1)];
    return size;
}

/* Encodes and decodes; the ids are the vocabulary's, the spans the text's, and the decoded text has its size. */
static void use(const struct tokenizer *t, struct tok_encoding *e)
{
    char a[TEXT], b[TEXT], *text;
    struct hone_text first = {a, random_text(a)}, second = {b, random_text(b)};
    const struct tok_options options = {
        .add_special = random_below(2),
        .max_length = random_below(2) ? random_below(40) : 0,
        .truncation = (enum tok_truncation)random_below(3),
        .side = (enum tok_side)random_below(3),
        .spans = random_below(2),
    };
    size_t size;
    why = (struct hone_error){0};
    if (!tokenizer_encode(t, first, random_below(2) ? &second : NULL, &options, e, &why)) {
        assert_true(*why.message);
        return;
    }
    assert_true(e->n <= e->n_full && (!options.max_length || e->n <= options.max_length));
    for (size_t i = 0; i < e->n; i++)
        assert_in_range(e->ids[i], 0, tokenizer_n_tokens(t) - 1);
    assert_true(options.spans ? e->spans || !e->n : !e->spans);
    for (size_t i = 0; e->spans && i < e->n; i++) {
        struct tok_span span = e->spans[i];
        size_t most = first.size > second.size ? first.size : second.size;
        assert_true(span.start == TOK_NO_TEXT || (span.start <= span.end && span.end <= most));
    }
    assert_true(tokenizer_decode(t, e->ids, e->n, random_below(2), &text, &size, &why));
    assert_int_equal(text[size], 0);
    free(text);
}

static void test_texts(void **state)
{
    glob_t found;
    struct tok_encoding e = {0};
    (void)state;
    assert_int_equal(glob("tests/fixtures/tokenizer/*.json", 0, NULL, &found), 0);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        size_t size;
        char *json = load_file(found.gl_pathv[i], &size);
        struct tokenizer *t = open_text((struct hone_text){json, size}, false);
        assert_non_null(t);
        for (size_t run = 0; run < fuzz_runs(300); run++)
            use(t, &e);
        tokenizer_free(t);
        free(json);
    }
    tok_encoding_release(&e);
    globfree(&found);
}

static void test_files(void **state)
{
    glob_t found;
    unsigned char data[CAPACITY];
    struct tok_encoding e = {0};
    size_t n_open = 0;
    (void)state;
    assert_int_equal(glob("tests/fixtures/tokenizer/*.json", 0, NULL, &found), 0);
    assert_int_equal(glob("tests/fixtures/tokenizer/*.model", GLOB_APPEND, NULL, &found), 0);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        size_t size;
        char *json = load_file(found.gl_pathv[i], &size);
        assert_true(size < CAPACITY / 2);
        for (size_t run = 0; run < fuzz_runs(100); run++) {
            memcpy(data, json, size);
            struct hone_text damaged = {(const char *)data, mutate(data, size, CAPACITY)};
            why = (struct hone_error){0};
            struct tokenizer *t = open_text(damaged, strstr(found.gl_pathv[i], ".model") != NULL);
            assert_true(t || *why.message);
            for (int k = 0; t && k < 3; k++)
                use(t, &e);
            n_open += t != NULL;
            tokenizer_free(t);
        }
        free(json);
    }
    print_message("%zu damaged files were good enough\n", n_open);
    tok_encoding_release(&e);
    globfree(&found);
}

/* The map of characters of the fixture, damaged. */
static void test_maps(void **state)
{
    size_t size;
    unsigned char data[CAPACITY];
    char text[TEXT], *json = load_file("tests/fixtures/tokenizer/unigram.json", &size);
    struct tokenizer_file file;
    struct complaint c = {&why};
    (void)state;
    assert_true(tok_json_read((struct hone_text){json, size}, &file, &why));
    struct hone_text map = file.vocab.charsmap;
    assert_in_range(map.size, 1, CAPACITY / 2);
    for (size_t run = 0; run < fuzz_runs(2000); run++) {
        struct charsmap m = {0};
        struct buffer valid = {0}, out = {0};
        memcpy(data, map.data, map.size);
        struct hone_text damaged = {(const char *)data, mutate(data, map.size, CAPACITY)};
        utf8_repair(&valid, text, random_text(text));
        if (tok_charsmap_init(&m, damaged, &c)) {
            tok_charsmap_apply(&m, (struct hone_text){valid.data, valid.size}, &out);
            assert_int_equal(utf8_valid_prefix(out.data, out.size), out.size);
        }
        tok_charsmap_release(&m);
        buffer_release(&valid);
        buffer_release(&out);
    }
    tok_file_release(&file);
    free(json);
}

/* vocab.json and merges.txt, one of them damaged. */
static void test_vocab_json(void **state)
{
    static const char *const paths[] = {"tests/fixtures/tokenizer/files-roberta.vocab",
                                        "tests/fixtures/tokenizer/files-roberta.merges"};
    const struct vocab_json_options options = {.trim_offsets = true};
    unsigned char data[CAPACITY];
    struct hone_text parts[2];
    struct tok_encoding e = {0};
    char *files[2];
    (void)state;
    for (size_t i = 0; i < 2; i++)
        files[i] = load_file(paths[i], &parts[i].size);
    for (size_t run = 0; run < fuzz_runs(200); run++) {
        struct tokenizer_file file;
        const size_t which = random_below(2), size = parts[which].size;
        for (size_t i = 0; i < 2; i++)
            parts[i].data = files[i];
        struct hone_text damaged[2] = {parts[0], parts[1]};
        assert_true(size < CAPACITY / 2);
        memcpy(data, files[which], size);
        damaged[which] = (struct hone_text){(const char *)data, mutate(data, size, CAPACITY)};
        why = (struct hone_error){0};
        bool ok = tok_vocab_json_read(damaged[0], damaged[1], &options, &file, &why);
        struct tokenizer *t = ok ? tokenizer_new(&file.vocab, file.pipeline, &why) : NULL;
        assert_true(t || *why.message);
        tok_file_release(&file);
        if (t)
            use(t, &e);
        tokenizer_free(t);
    }
    tok_encoding_release(&e);
    free(files[0]);
    free(files[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_vocab_json),
        cmocka_unit_test(test_maps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
