/* Small tokenizers of every kind (tests/fixtures/tokenizer) against what Hugging Face's tokenizers makes of the same
 * texts, and tokenizer files that are refused. */
#include "runtime/base/text.h"
#include "tests/files.h"
#include "tests/support.h"
#include "tokenizer/files/amend.h"
#include "tokenizer/files/spiece.h"
#include "tokenizer/files/vocab_json.h"
#include "tokenizer/text/unicode.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct hone_error why;

static struct hone_text text_at(const json_t *list, size_t i)
{
    const json_t *value = json_array_get(list, i);
    return (struct hone_text){json_string_value(value), json_string_length(value)};
}

static struct tokenizer *open_text(struct hone_text json)
{
    struct tokenizer_file file;
    if (!tok_json_read(json, &file, &why))
        return NULL;
    struct tokenizer *t = tokenizer_new(&file.vocab, file.pipeline, &why);
    tok_file_release(&file);
    return t;
}

/* tests/fixtures/tokenizer/spiece-FAMILY.model */
static struct tokenizer *open_spiece(const char *path)
{
    struct spiece_options options = {.family = SPIECE_LLAMA, .extra_ids = 100, .add_bos = -1, .add_eos = -1};
    struct tokenizer_file file;
    struct tokenizer *t = NULL;
    size_t size;
    char *data = load_file(path, &size);
    options.family = strstr(path, "-t5") ? SPIECE_T5 : strstr(path, "-xlm") ? SPIECE_XLMR : SPIECE_LLAMA;
    bool ok = tok_spiece_read((struct hone_text){data, size}, &options, &file, &why);
    free(data);
    if (ok)
        t = tokenizer_new(&file.vocab, file.pipeline, &why);
    if (!t)
        fail_msg("%s: %s", path, why.message);
    tok_file_release(&file);
    return t;
}

/* tests/fixtures/tokenizer/NAME.vocab with .merges and .added beside it */
static struct tokenizer *open_vocab_json(const char *path)
{
    struct tokenizer_file file;
    struct tokenizer *t = NULL;
    char other[256];
    const int stem = (int)(strrchr(path, '.') - path);
    struct hone_text vocab, merges;
    char *vocab_data = load_file(path, &vocab.size);
    snprintf(other, sizeof other, "%.*s.merges", stem, path);
    char *merges_data = load_file(other, &merges.size);
    snprintf(other, sizeof other, "%.*s.added", stem, path);
    json_t *added = json_load_file(other, 0, NULL);
    struct vocab_json_options options = {.added = added, .trim_offsets = true};
    vocab.data = vocab_data;
    merges.data = merges_data;
    if (tok_vocab_json_read(vocab, merges, &options, &file, &why))
        t = tokenizer_new(&file.vocab, file.pipeline, &why);
    if (!t)
        fail_msg("%s: %s", path, why.message);
    tok_file_release(&file);
    json_decref(added);
    free(vocab_data);
    free(merges_data);
    return t;
}

static struct tokenizer *open_file(const char *path)
{
    size_t size;
    if (strstr(path, ".model"))
        return open_spiece(path);
    if (strstr(path, ".vocab"))
        return open_vocab_json(path);
    char *json = load_file(path, &size);
    struct tokenizer *t = open_text((struct hone_text){json, size});
    if (!t)
        fail_msg("%s: %s", path, why.message);
    free(json);
    return t;
}

/* The fixture that is being looked at. */
struct subject {
    const char *path;
    struct tokenizer *t;
    json_t *cases;
    struct tok_encoding e;
    size_t n_unread; /* texts that were not read to their end */
};

static void check_ids(const struct subject *s, const char *what, size_t i, const json_t *ids,
                      const json_t *type_ids)
{
    bool same = s->e.n == json_array_size(ids);
    for (size_t k = 0; same && k < s->e.n; k++)
        same = s->e.ids[k] == json_integer_value(json_array_get(ids, k)) &&
               (!type_ids || s->e.type_ids[k] == json_integer_value(json_array_get(type_ids, k)));
    if (!same)
        fail_msg("%s: %s %zu: other ids", s->path, what, i);
}

static void check_encode(struct subject *s)
{
    const json_t *c, *list = json_object_get(s->cases, "encode");
    size_t i;
    json_array_foreach (list, i, c) {
        struct hone_text pair = text_at(c, 1);
        const struct tok_options options = {.add_special = json_is_true(json_array_get(c, 2))};
        if (!tokenizer_encode(s->t, text_at(c, 0), pair.data ? &pair : NULL, &options, &s->e, &why))
            fail_msg("%s: encode %zu: %s", s->path, i, why.message);
        check_ids(s, "encode", i, json_array_get(c, 3), json_array_get(c, 4));
        assert_int_equal(s->e.n, s->e.n_full);
        assert_false(s->e.invalid);
    }
}

/* "spans" of a case of "encode" has start and end of each id. */
static void check_spans(struct subject *s)
{
    const json_t *spans, *list = json_object_get(s->cases, "spans");
    size_t i;
    json_array_foreach (list, i, spans) {
        const json_t *c = json_array_get(json_object_get(s->cases, "encode"), i);
        struct hone_text text = text_at(c, 0), pair = text_at(c, 1);
        const struct tok_options options = {.add_special = json_is_true(json_array_get(c, 2)), .spans = true};
        assert_true(tokenizer_encode(s->t, text, pair.data ? &pair : NULL, &options, &s->e, &why));
        check_ids(s, "spans", i, json_array_get(c, 3), json_array_get(c, 4));
        for (size_t k = 0; json_is_array(spans) && k < s->e.n; k++) {
            json_int_t start = json_integer_value(json_array_get(spans, 2 * k)),
                       end = json_integer_value(json_array_get(spans, 2 * k + 1));
            struct tok_span span = s->e.spans[k];
            bool same = start < 0 ? span.start == TOK_NO_TEXT
                                  : span.start == (uint32_t)start && span.end == (uint32_t)end;
            if (!same)
                fail_msg("%s: spans %zu, id %zu of \"%s\": %u to %u instead of %d to %d", s->path, i, k,
                         text.data, span.start, span.end, (int)start, (int)end);
        }
    }
}

static enum tok_truncation strategy_of(const char *name)
{
    return strcmp(name, "only_second") == 0  ? TOK_ONLY_SECOND
           : strcmp(name, "only_first") == 0 ? TOK_ONLY_FIRST
                                             : TOK_LONGEST_FIRST;
}

static void check_cut(struct subject *s)
{
    const json_t *c, *list = json_object_get(s->cases, "cut");
    size_t i;
    json_array_foreach (list, i, c) {
        struct hone_text pair = text_at(c, 1);
        struct tok_options options = {
            .add_special = true,
            .max_length = (size_t)json_integer_value(json_array_get(c, 2)),
            .truncation = strategy_of(text_at(c, 3).data),
            .side = text_at(c, 4).data[0] == 'l' ? TOK_LEFT : TOK_RIGHT,
        };
        const json_t *ids = json_array_get(c, 5);
        bool ok = tokenizer_encode(s->t, text_at(c, 0), pair.data ? &pair : NULL, &options, &s->e, &why);
        if (ok != json_is_array(ids))
            fail_msg("%s: cut %zu: %s", s->path, i, ok ? "should be refused" : why.message);
        if (!ok)
            continue;
        size_t n_full = s->e.n_full;
        check_ids(s, "cut", i, ids, json_array_get(c, 6));
        options.max_length = 0;
        assert_true(tokenizer_encode(s->t, text_at(c, 0), pair.data ? &pair : NULL, &options, &s->e, &why));
        assert_int_equal(s->e.n, n_full);
    }
}

/* Texts that are not UTF-8. */
static void check_bytes(struct subject *s)
{
    const json_t *c, *list = json_object_get(s->cases, "bytes");
    const struct tok_options options = {0};
    size_t i;
    json_array_foreach (list, i, c) {
        char data[64];
        struct hone_text hex = text_at(c, 0);
        for (size_t k = 0; k < hex.size / 2; k++) {
            const char digits[] = {hex.data[2 * k], hex.data[2 * k + 1], 0};
            data[k] = (char)strtol(digits, NULL, 16);
        }
        struct hone_text text = {data, hex.size / 2};
        assert_true(tokenizer_encode(s->t, text, NULL, &options, &s->e, &why));
        check_ids(s, "bytes", i, json_array_get(c, 1), NULL);
    }
}

static void check_decode(struct subject *s)
{
    const json_t *c, *list = json_object_get(s->cases, "decode");
    size_t i, k;
    json_array_foreach (list, i, c) {
        int32_t ids[1024];
        const json_t *id;
        char *text;
        size_t size;
        struct hone_text expected = text_at(c, 2);
        size_t n = json_array_size(json_array_get(c, 0));
        assert_true(n <= 1024);
        json_array_foreach (json_array_get(c, 0), k, id)
            ids[k] = (int32_t)json_integer_value(id);
        if (!tokenizer_decode(s->t, ids, n, json_is_true(json_array_get(c, 1)), &text, &size, &why))
            fail_msg("%s: decode %zu: %s", s->path, i, why.message);
        if (size != expected.size || memcmp(text, expected.data, size) != 0)
            fail_msg("%s: decode %zu: \"%s\" instead of \"%s\"", s->path, i, text, expected.data);
        free(text);
    }
}

static void each_fixture(void (*check)(struct subject *s))
{
    glob_t found;
    struct tok_encoding e = {0}; /* one for all: nothing of a tokenizer may stay in it */
    assert_int_equal(glob("tests/fixtures/tokenizer/*.json", 0, NULL, &found), 0);
    assert_int_equal(glob("tests/fixtures/tokenizer/*.model", GLOB_APPEND, NULL, &found), 0);
    assert_int_equal(glob("tests/fixtures/tokenizer/*.vocab", GLOB_APPEND, NULL, &found), 0);
    assert_true(found.gl_pathc > 10);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        struct subject s = {.path = found.gl_pathv[i], .t = open_file(found.gl_pathv[i]), .e = e};
        char cases[256];
        snprintf(cases, sizeof cases, "%.*s.cases", (int)(strrchr(s.path, '.') - s.path), s.path);
        s.cases = json_load_file(cases, JSON_ALLOW_NUL, NULL);
        assert_non_null(s.cases);
        check(&s);
        e = s.e;
        tokenizer_free(s.t);
        json_decref(s.cases);
    }
    tok_encoding_release(&e);
    globfree(&found);
}

static void test_encode(void **state)
{
    (void)state;
    each_fixture(check_encode);
}

static void test_spans(void **state)
{
    (void)state;
    each_fixture(check_spans);
}

static void test_cut(void **state)
{
    (void)state;
    each_fixture(check_cut);
}

static void test_bytes(void **state)
{
    (void)state;
    each_fixture(check_bytes);
}

static void test_decode(void **state)
{
    (void)state;
    each_fixture(check_decode);
}

/* What is no such file is refused, and nothing is left behind. */
static void test_broken_vocab_json(void **state)
{
    static const char *const vocabs[] = {"",
                                         "[]",
                                         "{}",
                                         "{\"<s>\": 0}",
                                         "{\"<s>\": -1, \"</s>\": 1}",
                                         "{\"<s>\": 0, \"</s>\": 4000000000}",
                                         "{\"<s>\": 0, \"</s>\": \"1\"}"};
    static const char *const merges[] = {"", "#version: 0.2\n", "a b\n", "a\n", "a b c\n", "\xff \xfe\n"};
    const struct vocab_json_options options = {.trim_offsets = true};
    (void)state;
    for (size_t i = 0; i < sizeof vocabs / sizeof *vocabs; i++)
        for (size_t k = 0; k < sizeof merges / sizeof *merges; k++) {
            struct tokenizer_file file;
            struct hone_text vocab = {vocabs[i], strlen(vocabs[i])}, list = {merges[k], strlen(merges[k])};
            assert_false(tok_vocab_json_read(vocab, list, &options, &file, &why));
            assert_null(file.memory);
        }
}

/* Every way to name a token, many times: each is looked for among all others, which must not grow with their square. */
static json_t *many_added(size_t n, size_t first, bool as_decoder)
{
    json_t *all = json_object();
    for (size_t i = 0; i < n; i++) {
        char name[32], id[32];
        snprintf(name, sizeof name, "<t%zu>", i);
        snprintf(id, sizeof id, "%zu", first + i);
        if (as_decoder)
            json_object_set_new(all, id, json_pack("{s:s, s:b}", "content", name, "special", 1));
        else
            json_object_set_new(all, name, json_integer((json_int_t)(first + i)));
    }
    return all;
}

static json_t *names_of(json_t *added)
{
    json_t *names = json_array(), *id;
    const char *name;
    json_object_foreach (added, name, id)
        json_array_append_new(names, json_string(name));
    return names;
}

static void check_many(bool ok, struct tokenizer_file *file, size_t n)
{
    if (!ok)
        fail_msg("%s", why.message);
    assert_int_equal(file->vocab.n_tokens, n);
    assert_true(text_is(file->vocab.tokens[n - 1], "<t29999>"));
    assert_int_equal(file->vocab.types[n - 1], TOK_CONTROL);
    tok_file_release(file);
}

static void test_many_added_tokens(void **state)
{
    enum { N = 30000 };
    static const char words[] = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\n";
    static const char bytes[] = "{\"<s>\": 0, \"</s>\": 1, \"a\": 2}";
    struct tokenizer_file file;
    json_t *added = many_added(N, 6, false), *names = names_of(added), *decoder = many_added(N, 6, true);
    json_t *named = json_pack("{s:O}", "additional_special_tokens", names),
           *decoded = json_pack("{s:O}", "added_tokens_decoder", decoder);
    (void)state;
    const struct tokenizer_folder beside = {
        .class = "BertTokenizer", .config = named, .added = added, .n_rows = N + 6};
    const struct tokenizer_folder within = {.class = "BertTokenizer", .config = decoded, .n_rows = N + 6};
    const struct tokenizer_folder listed = {.class = "BertTokenizer", .config = named, .n_rows = N + 6};
    const struct hone_text text = {words, sizeof words - 1};
    check_many(tok_vocab_txt_read(text, &beside, &file, &why), &file, N + 6);
    check_many(tok_vocab_txt_read(text, &within, &file, &why), &file, N + 6);
    check_many(tok_vocab_txt_read(text, &listed, &file, &why), &file, N + 6);
    json_t *behind = many_added(N, 3, false);
    const struct vocab_json_options options = {.added = behind, .specials = named};
    check_many(tok_vocab_json_read((struct hone_text){bytes, sizeof bytes - 1}, (struct hone_text){"", 0},
                                   &options, &file, &why),
               &file, N + 3);
    json_decref(behind);
    json_decref(named);
    json_decref(decoded);
    json_decref(names);
    json_decref(added);
    json_decref(decoder);
}

static void test_invalid_is_told(void **state)
{
    const struct tok_options options = {0};
    struct tok_encoding e = {0};
    struct tokenizer *t = open_file("tests/fixtures/tokenizer/wordpiece.json");
    (void)state;
    assert_true(tokenizer_encode(t, (struct hone_text){"a\xff", 2}, NULL, &options, &e, &why));
    assert_true(e.invalid);
    assert_true(tokenizer_encode(t, (struct hone_text){"a", 1}, NULL, &options, &e, &why));
    assert_false(e.invalid);
    const int32_t outside[] = {-1, 1 << 20};
    for (int i = 0; i < 2; i++) {
        char *text;
        size_t size;
        assert_false(tokenizer_decode(t, &outside[i], 1, false, &text, &size, &why));
    }
    tok_encoding_release(&e);
    tokenizer_free(t);
}

/* A text of a few characters a hundred thousand times: time must not grow with its square. */
static void test_long_words(void **state)
{
    static const char *const parts[] = {"a", " ", "\xcc\x81", "-", "1", "\xe4\xb8\xad", "'s"};
    const struct tok_options options = {0};
    glob_t found;
    struct tok_encoding e = {0};
    (void)state;
    assert_int_equal(glob("tests/fixtures/tokenizer/*.json", 0, NULL, &found), 0);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        struct tokenizer *t = open_file(found.gl_pathv[i]);
        for (size_t k = 0; k < sizeof parts / sizeof *parts; k++) {
            size_t n = strlen(parts[k]), size = n * 100000;
            char *text = malloc(size);
            for (size_t at = 0; at < size; at += n)
                memcpy(text + at, parts[k], n);
            assert_true(tokenizer_encode(t, (struct hone_text){text, size}, NULL, &options, &e, &why));
            free(text);
        }
        tokenizer_free(t);
    }
    tok_encoding_release(&e);
    globfree(&found);
}

/* Expressions that would take years, or, at each character of a text, a time that grows with the text. */
static void test_expressions_that_run_away(void **state)
{
#define SPLIT(regex)   "{\"type\":\"Split\",\"behavior\":\"Isolated\",\"pattern\":{\"Regex\":\"" regex "\"}}"
#define REPLACE(regex) "{\"type\":\"Replace\",\"content\":\"c\",\"pattern\":{\"Regex\":\"" regex "\"}}"
#define AND_BPE        ",\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0,\"b\":1},\"merges\":[]}}"
    static const char *const cases[] = {
        "{\"pre_tokenizer\":" SPLIT("(a+)+[^a]") AND_BPE,
        "{\"pre_tokenizer\":" SPLIT("(a|aa)*[^a]") AND_BPE,
        "{\"pre_tokenizer\":" SPLIT("a*[^a]|a") AND_BPE,
        "{\"pre_tokenizer\":" SPLIT("a(?=a*[^a])|a") AND_BPE,
        "{\"pre_tokenizer\":" SPLIT("a*?[^a]|a") AND_BPE,
        "{\"pre_tokenizer\":" SPLIT("a*+[^a]|a") AND_BPE,
        "{\"pre_tokenizer\":{\"type\":\"Sequence\",\"pretokenizers\":[" SPLIT("a{40}") "," SPLIT(
            "(a+)+[^a]") "]}" AND_BPE,
        "{\"normalizer\":" REPLACE("(a+)+[^a]") AND_BPE,
        "{\"normalizer\":" REPLACE("a*[^a]|aa") AND_BPE,
    };
    struct tok_options options = {0};
    struct tok_encoding e = {0};
    size_t size = 200000;
    char *text = malloc(size);
    (void)state;
    assert_non_null(text);
    memset(text, 'a', size);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct tokenizer *t = open_text((struct hone_text){cases[i], strlen(cases[i])});
        assert_non_null(t);
        why = (struct hone_error){0};
        if (tokenizer_encode(t, (struct hone_text){text, size}, NULL, &options, &e, &why))
            fail_msg("%s comes to an end", cases[i]);
        assert_non_null(strstr(why.message, "one of its expressions takes too long"));
        /* What the text used up is not missing for the next one. */
        assert_true(tokenizer_encode(t, (struct hone_text){"aab", 3}, NULL, &options, &e, &why));
        tokenizer_free(t);
    }
    tok_encoding_release(&e);
    free(text);
}

/* A tokenizer.json around a pipeline, whose content may be long: @ stands for 200,000 letters. */
static struct tokenizer *open_long(const char *json)
{
    enum { LONG = 200000 };
    size_t size = 0;
    char *text = malloc(strlen(json) + 2 * LONG);
    assert_non_null(text);
    for (; *json; json++) {
        memset(text + size, *json == '@' ? 'x' : *json, *json == '@' ? LONG : 1);
        size += *json == '@' ? LONG : 1;
    }
    struct tokenizer *t = open_text((struct hone_text){text, size});
    free(text);
    return t;
}

/* Rules that would make gigabytes of a text of 100 KB, each in its own way, and do well with a short one. */
static void test_rules_that_grow(void **state)
{
#define SEVEN(step) step "," step "," step "," step "," step "," step "," step
#define TWICE       "{\"type\":\"Replace\",\"content\":\"aa\",\"pattern\":{\"String\":\"a\"}}"
#define BYTES       "{\"type\":\"ByteLevel\",\"add_prefix_space\":false,\"use_regex\":false}"
#define ADDED       "\"added_tokens\":[{\"id\":1,\"content\":\"b\",\"special\":true}],"
    static const struct {
        const char *json, *text; /* text: what is repeated */
    } cases[] = {
        {"{\"normalizer\":" REPLACE("a") AND_BPE, NULL}, /* the same, but longer, below */
        {"{\"normalizer\":{\"type\":\"Replace\",\"content\":\"@\",\"pattern\":{\"String\":\"a\"}}" AND_BPE,
         "a"},
        {"{\"normalizer\":{\"type\":\"Sequence\",\"normalizers\":[" SEVEN(TWICE) "]}" AND_BPE, "a"},
        {"{" ADDED "\"normalizer\":{\"type\":\"Prepend\",\"prepend\":\"@\"}" AND_BPE, "ab"},
        {"{\"pre_tokenizer\":{\"type\":\"Sequence\",\"pretokenizers\":[" SEVEN(BYTES) "]}" AND_BPE,
         "\xc3\xa9"},
    };
    const struct tok_options options = {0};
    struct tok_encoding e = {0};
    enum { SIZE = 100000 };
    static char text[SIZE];
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct tokenizer *t = open_long(cases[i].json);
        const char *unit = cases[i].text ? cases[i].text : "a";
        assert_non_null(t);
        for (size_t at = 0, n = strlen(unit); at + n <= SIZE; at += n)
            memcpy(text + at, unit, n);
        bool ok = tokenizer_encode(t, (struct hone_text){text, SIZE}, NULL, &options, &e, &why);
        if (ok != !cases[i].text)
            fail_msg("case %zu: %s", i, ok ? "not refused" : why.message);
        assert_true(ok || strstr(why.message, "more than 16 times as much of a text"));
        assert_true(tokenizer_encode(t, (struct hone_text){text, 4}, NULL, &options, &e, &why));
        tokenizer_free(t);
    }
    tok_encoding_release(&e);
}

/* So do rules of a decoder, and those for added tokens, which are normalized when the tokenizer is opened. */
static void test_decoders_that_grow(void **state)
{
    static int32_t ids[100000];
    char *text = NULL;
    size_t size;
    (void)state;
    struct tokenizer *t =
        open_long("{\"decoder\":{\"type\":\"Sequence\",\"decoders\":[" SEVEN(TWICE) "]}" AND_BPE);
    assert_non_null(t);
    assert_int_equal(tokenizer_decode_bound(t, ids, 3), 6);
    assert_true(tokenizer_decode(t, ids, 2, false, &text, &size, &why));
    assert_int_equal(size, 2 << 7);
    free(text);
    assert_false(tokenizer_decode(t, ids, sizeof ids / sizeof *ids, false, &text, &size, &why));
    assert_non_null(strstr(why.message, "more than 16 times as much of tokens"));
    tokenizer_free(t);
    assert_null(
        open_long("{\"added_tokens\":[{\"id\":0,\"content\":\"aaaaaaaa\",\"normalized\":true}],"
                  "\"normalizer\":{\"type\":\"Replace\",\"content\":\"@\",\"pattern\":{\"String\":\"a\"}},"
                  "\"model\":{\"type\":\"BPE\",\"vocab\":{\"aaaaaaaa\":0,\"b\":1},\"merges\":[]}}"));
    assert_non_null(strstr(why.message, "added tokens"));
    assert_null(open_long(
        "{\"model\":{\"type\":\"BPE\",\"end_of_word_suffix\":\"@\",\"vocab\":{\"a\":0},\"merges\":[]}}"));
    assert_non_null(strstr(why.message, "end_of_word_suffix"));
}

/* Vocabularies whose long tokens nearly fit at each place of a text. ~ stands for 4,000 letters a. */
static void test_long_tokens(void **state)
{
    static const char *const cases[] = {
        "{\"added_tokens\":[{\"id\":1,\"content\":\"~b\",\"special\":true}],"
        "\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0,\"~b\":1},\"merges\":[]}}",
        "{\"model\":{\"type\":\"WordPiece\",\"unk_token\":\"a\",\"max_input_chars_per_word\":1000000,"
        "\"vocab\":{\"a\":0,\"##a\":1,\"##~b\":2}}}",
        "{\"model\":{\"type\":\"Unigram\",\"unk_id\":0,\"vocab\":[[\"u\",-1],[\"a\",-1],[\"~b\",-1],[\"~\",-"
        "1]]}}",
    };
    enum { SIZE = 100000, LONG = 4000 };
    static char text[SIZE], json[4 * LONG];
    const struct tok_options options = {0};
    struct tok_encoding e = {0};
    (void)state;
    memset(text, 'a', SIZE);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t size = 0;
        for (const char *p = cases[i]; *p; p++) {
            memset(json + size, *p == '~' ? 'a' : *p, *p == '~' ? LONG : 1);
            size += *p == '~' ? LONG : 1;
        }
        struct tokenizer *t = open_text((struct hone_text){json, size});
        assert_non_null(t);
        if (tokenizer_encode(t, (struct hone_text){text, SIZE}, NULL, &options, &e, &why))
            fail_msg("case %zu is not refused", i);
        assert_non_null(strstr(why.message, "long tokens"));
        assert_true(tokenizer_encode(t, (struct hone_text){text, 9}, NULL, &options, &e, &why));
        assert_int_equal(e.n, 9);
        tokenizer_free(t);
    }
    tok_encoding_release(&e);
}

/* Long stretches of characters that change are worked on in parts: that makes no difference, where marks are sorted, where
 * they are composed, and where syllables are. Each piece of text begins with a letter that nothing before it takes up. */
static void test_long_stretches(void **state)
{
    static const char *const pieces[] = {
        "\xef\xb7\xba",                                     /* U+FDFA: 18 letters */
        "\xef\xbd\xb6\xef\xbe\x9e",                         /* halfwidth ka and its voiced mark: one letter */
        "\xe1\xba\x9b\xcc\xa3",                             /* U+1E9B U+0323 */
        "\xe1\x84\x80\xe1\x85\xa1\xe1\x86\xa8",             /* three jamo: a syllable */
        "\xc3\xa9\xcc\x95\xcc\x80\xd6\xae\xcc\x80\xcc\xa8", /* marks that are sorted */
    };
    static const int forms[] = {UC_NFC, UC_NFD, UC_NFKC, UC_NFKD};
    enum { TIMES = 3000 };
    (void)state;
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++)
        for (size_t k = 0; k < sizeof forms / sizeof *forms; k++) {
            struct buffer text = {0}, one = {0}, all = {0}, expected = {0};
            unicode_normalize(&one, forms[k], pieces[i], strlen(pieces[i]));
            for (int n = 0; n < TIMES; n++) {
                buffer_append(&text, pieces[i], strlen(pieces[i]));
                buffer_append(&expected, one.data, one.size);
            }
            unicode_normalize(&all, forms[k], text.data, text.size);
            assert_false(all.failed);
            assert_int_equal(all.size, expected.size);
            assert_memory_equal(all.data, expected.data, all.size);
            buffer_release(&text);
            buffer_release(&one);
            buffer_release(&all);
            buffer_release(&expected);
        }
}

/* Each with a word that the sentence must hold. */
static void test_refused(void **state)
{
#define BPE "\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0,\"b\":1},\"merges\":[]}"
    static const char *const cases[][2] = {
        {"", "JSON"},
        {"{}", "vocabulary"},
        {"[1", "JSON"},
        {"{\"model\":{\"type\":\"WordLevel\",\"vocab\":{\"a\":0}}}", "WordLevel"},
        {"{\"normalizer\":{\"type\":\"Foo\"}," BPE "}", "Foo"},
        {"{\"pre_tokenizer\":{\"type\":\"UnicodeScripts\"}," BPE "}", "UnicodeScripts"},
        {"{\"post_processor\":{\"type\":\"Bar\"}," BPE "}", "Bar"},
        {"{\"decoder\":{\"type\":\"CTC\"}," BPE "}", "CTC"},
        {"{\"pre_tokenizer\":{\"type\":\"Split\",\"behavior\":\"Isolated\",\"pattern\":{\"Regex\":\"[a[b]]\"}"
         "}," BPE "}",
         "expression"},
        {"{\"pre_tokenizer\":{\"type\":\"Split\",\"behavior\":\"Isolated\",\"pattern\":{\"Regex\":\"(\"}}"
         "," BPE "}",
         "expression"},
        {"{\"normalizer\":{\"type\":\"Precompiled\",\"precompiled_charsmap\":\"!\"}," BPE "}", "base64"},
        {"{\"normalizer\":{\"type\":\"Precompiled\",\"precompiled_charsmap\":\"AAAA\"}," BPE "}", "map"},
        {"{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0,\"b\":0},\"merges\":[]}}", "malformed"},
        {"{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0,\"b\":1},\"merges\":[\"a b\"]}}", "merge 0"},
        {"{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0},\"dropout\":0.1,\"merges\":[]}}", "dropout"},
        {"{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":1099511627776},\"merges\":[]}}", "holes"},
        {"{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":-1},\"merges\":[]}}", "vocabulary"},
        {"{\"model\":{\"type\":\"Unigram\",\"vocab\":[[\"a\",-1.0]]}}", "unknown"},
        {"{\"model\":{\"type\":\"Unigram\",\"unk_id\":1,\"vocab\":[[\"a\",-1.0]]}}", "unknown"},
        {"{\"model\":{\"type\":\"Unigram\",\"unk_id\":0,\"vocab\":[[\"a\"]]}}", "malformed"},
        {"{\"model\":{\"type\":\"WordPiece\",\"unk_token\":\"u\",\"vocab\":{\"a\":0}}}", "unknown"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        why = (struct hone_error){0};
        assert_null(open_text((struct hone_text){cases[i][0], strlen(cases[i][0])}));
        if (!strstr(why.message, cases[i][1]))
            fail_msg("%s: \"%s\" does not say \"%s\"", cases[i][0], why.message, cases[i][1]);
    }
}

/* Long texts of all the fixture's texts, cut to many lengths: the ids do not depend on how much was read. */
static struct hone_text long_text(const struct subject *s, size_t seed, size_t n)
{
    const json_t *list = json_object_get(s->cases, "encode");
    char *text = malloc(n + 4096);
    size_t size = 0;
    assert_non_null(text);
    while (size < n) {
        seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
        struct hone_text part = text_at(json_array_get(list, (seed >> 33) % json_array_size(list)), 0);
        if (seed >> 60 > 3 || part.size > 2048)
            part = (struct hone_text){"some plain words ", 16 + (seed >> 50 & 1)};
        memcpy(text + size, part.data, part.size);
        size += part.size;
    }
    return (struct hone_text){text, size};
}

static void compare_stopped(struct subject *s, struct hone_text text, const struct hone_text *pair,
                            size_t limit)
{
    struct tok_options options = {.add_special = true, .max_length = limit};
    struct tok_encoding all = {0};
    bool ok = tokenizer_encode(s->t, text, pair, &options, &all, &why);
    options.may_stop = true;
    assert_int_equal(tokenizer_encode(s->t, text, pair, &options, &s->e, &why), ok);
    if (ok) {
        if (s->e.n != all.n || memcmp(s->e.ids, all.ids, all.n * sizeof *all.ids) != 0)
            fail_msg("%s: other ids of %zu bytes, cut to %zu", s->path, text.size, limit);
        assert_memory_equal(s->e.type_ids, all.type_ids, all.n);
        assert_int_equal(s->e.n_full > s->e.n, all.n_full > all.n);
        assert_true(s->e.n_full <= all.n_full);
        s->n_unread += s->e.n_full < all.n_full;
    }
    tok_encoding_release(&all);
}

static void check_stopped(struct subject *s)
{
    static const size_t limits[] = {4, 5, 8, 17, 64, 128, 511};
    for (size_t i = 0; i < 6; i++) {
        struct hone_text text = long_text(s, i, i % 2 ? 40000 : 3000),
                         other = long_text(s, 100 + i, 200 << i);
        for (size_t k = 0; k < sizeof limits / sizeof *limits; k++) {
            compare_stopped(s, text, NULL, limits[k]);
            compare_stopped(s, text, &other, limits[k]);
            compare_stopped(s, other, &text, limits[k]);
        }
        free((char *)text.data);
        free((char *)other.data);
    }
    print_message("%s: %zu of 126 not read to the end\n", s->path, s->n_unread);
}

static void test_stopped(void **state)
{
    (void)state;
    each_fixture(check_stopped);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_encode),
        cmocka_unit_test(test_stopped),
        cmocka_unit_test(test_spans),
        cmocka_unit_test(test_cut),
        cmocka_unit_test(test_bytes),
        cmocka_unit_test(test_decode),
        cmocka_unit_test(test_broken_vocab_json),
        cmocka_unit_test(test_many_added_tokens),
        cmocka_unit_test(test_invalid_is_told),
        cmocka_unit_test(test_long_words),
        cmocka_unit_test(test_expressions_that_run_away),
        cmocka_unit_test(test_rules_that_grow),
        cmocka_unit_test(test_decoders_that_grow),
        cmocka_unit_test(test_long_tokens),
        cmocka_unit_test(test_long_stretches),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
