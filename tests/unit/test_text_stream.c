/* Text out of a stream of tokens: equal to what the tokenizer makes of all of them at once, cut at stop strings, in
 * valid UTF-8 all the time. */
#include "runtime/generate/sampling/stop.h"
#include "runtime/generate/sampling/text_stream.h"
#include "tests/guard.h"
#include "tests/support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

/* ---- small tokenizers ---- */

static size_t put_point(char *to, int32_t point)
{
    return (size_t)utf8proc_encode_char(point, (utf8proc_uint8_t *)to);
}

/* Token i < 256 is byte i, as GPT-2's vocabularies write it; then a special one. */
static struct tokenizer *byte_level(void)
{
    static char names[257][8];
    static struct hone_text tokens[257];
    int32_t next = 256;
    for (int32_t i = 0; i < 256; i++) {
        bool is_plain = (i > 32 && i < 127) || (i > 160 && i != 173);
        tokens[i] = (struct hone_text){names[i], put_point(names[i], is_plain ? i : next++)};
    }
    tokens[256] = (struct hone_text){"<end>", 5};
    const struct tok_vocab vocab = {.n_tokens = 257, .tokens = tokens};
    static const char pipeline[] = "{\"model\":{\"type\":\"BPE\"},\"pre_tokenizer\":{\"type\":\"ByteLevel\","
                                   "\"add_prefix_space\":false},\"decoder\":{\"type\":\"ByteLevel\"},"
                                   "\"added_tokens\":[{\"id\":256,\"content\":\"<end>\",\"special\":true}]}";
    struct hone_error why = {0};
    struct tokenizer *t = tokenizer_new(&vocab, (struct hone_text){pipeline, sizeof pipeline - 1}, &why);
    if (!t)
        fail_msg("%s", why.message);
    return t;
}

/* Token i < 256 is <0xNN>, then words with U+2581 before them, a special one last, as Llama 2's vocabulary has them. */
static struct tokenizer *byte_fallback(void)
{
    static char names[256][8];
    static struct hone_text tokens[262];
    static const char *words[] = {"\xe2\x96\x81",    "\xe2\x96\x81the",   "cat",
                                  "\xe2\x96\x81sat", "\xc3\xa9t\xc3\xa9", "</s>"};
    for (int i = 0; i < 256; i++) {
        snprintf(names[i], sizeof names[i], "<0x%02X>", (unsigned)i);
        tokens[i] = (struct hone_text){names[i], 6};
    }
    for (int i = 0; i < 6; i++)
        tokens[256 + i] = (struct hone_text){words[i], strlen(words[i])};
    const struct tok_vocab vocab = {.n_tokens = 262, .tokens = tokens};
    static const char pipeline[] =
        "{\"model\":{\"type\":\"BPE\",\"byte_fallback\":true},\"decoder\":{\"type\":\"Sequence\","
        "\"decoders\":["
        "{\"type\":\"Replace\",\"pattern\":{\"String\":\"\xe2\x96\x81\"},\"content\":\" \"},"
        "{\"type\":\"ByteFallback\"},{\"type\":\"Fuse\"},{\"type\":\"Strip\",\"content\":\" \",\"start\":1,"
        "\"stop\":0}]},\"added_tokens\":[{\"id\":261,\"content\":\"</s>\",\"special\":true}]}";
    struct hone_error why = {0};
    struct tokenizer *t = tokenizer_new(&vocab, (struct hone_text){pipeline, sizeof pipeline - 1}, &why);
    if (!t)
        fail_msg("%s", why.message);
    return t;
}

/* ---- streams ---- */

struct joined {
    char text[8192];
    size_t size;
    bool stopped;
};

static void join(struct joined *j, struct hone_text text)
{
    assert_true(j->size + text.size < sizeof j->text);
    for (size_t i = 0; i < text.size;) { /* whole characters */
        utf8proc_int32_t point;
        utf8proc_ssize_t n = utf8proc_iterate((const utf8proc_uint8_t *)text.data + i,
                                              (utf8proc_ssize_t)(text.size - i), &point);
        assert_true(n > 0);
        i += (size_t)n;
    }
    if (text.size > 0)
        memcpy(j->text + j->size, text.data, text.size);
    j->size += text.size;
}

static void stream(struct joined *j, const struct tokenizer *t, const int32_t *ids, size_t n,
                   const struct hone_text *stops, size_t n_stops)
{
    struct hone_error err;
    struct text_stream *s;
    struct hone_text text;
    *j = (struct joined){.size = 0};
    assert_ok(text_stream_new(&s, t, true, stops, n_stops, &err), &err);
    for (size_t i = 0; i < n && !j->stopped; i++) {
        assert_ok(text_stream_push(s, ids[i], &text, &j->stopped, &err), &err);
        join(j, text);
    }
    if (j->stopped) {
        assert_int_equal(text_stream_push(s, ids[0], &text, &j->stopped, &err), HONE_USAGE);
        j->stopped = true;
    } else {
        assert_ok(text_stream_end(s, &text, &j->stopped, &err), &err);
        join(j, text);
    }
    text_stream_free(s);
}

/* Random characters of one to four bytes, as byte tokens, with words between them where there are any. */
static size_t make_ids(int32_t *ids, size_t n_max, bool words, int32_t special)
{
    static const int32_t points[] = {'a', ' ', ' ', '.', 0xe9, 0x4f60, 0x1f600, 0xa0, 0x2581, 'b'};
    size_t n = 0;
    while (n + 4 < n_max) {
        char bytes[4];
        size_t kind = random_below(words ? 15 : 11);
        if (kind < 10) {
            size_t size = put_point(bytes, points[kind]);
            for (size_t i = 0; i < size; i++)
                ids[n++] = (unsigned char)bytes[i];
        } else {
            ids[n++] = kind == 10 ? special : 256 + (int32_t)kind - 10;
        }
    }
    return n;
}

static void check_whole(struct tokenizer *t, bool words, int32_t special)
{
    static struct joined j;
    int32_t ids[300];
    struct hone_error why;
    for (int round = 0; round < 600; round++) {
        size_t n = make_ids(ids, 5 + random_below(295), words, special), size;
        char *whole;
        assert_true(tokenizer_decode(t, ids, n, true, &whole, &size, &why));
        stream(&j, t, ids, n, NULL, 0);
        if (j.size != size || memcmp(j.text, whole, size) != 0)
            fail_msg("round %d: \"%.*s\", expected \"%s\"", round, (int)j.size, j.text, whole);
        free(whole);
    }
    for (int round = 0; round < 300; round++) { /* any bytes at all: still UTF-8, and nothing breaks */
        for (size_t i = 0; i < 300; i++)
            ids[i] = (int32_t)random_below(257);
        stream(&j, t, ids, 300, NULL, 0);
    }
    tokenizer_free(t);
}

static void test_byte_level(void **state)
{
    (void)state;
    check_whole(byte_level(), false, 256);
}

static void test_byte_fallback(void **state)
{
    (void)state;
    check_whole(byte_fallback(), true, 261);
}

/* ---- stop strings ---- */

/* By trying every place: the first end, of equal ones the first start. */
static size_t cut(const char *text, size_t size, const struct hone_text *stops, size_t n_stops)
{
    for (size_t end = 1; end <= size; end++)
        for (size_t start = 0; start < end; start++)
            for (size_t i = 0; i < n_stops; i++)
                if (stops[i].size == end - start && memcmp(text + start, stops[i].data, end - start) == 0)
                    return start;
    return SIZE_MAX;
}

static void test_stops(void **state)
{
    (void)state;
    static struct joined j;
    struct tokenizer *t = byte_level();
    size_t n_stopped = 0;
    for (int round = 0; round < 4000; round++) {
        char text[64], strings[3][8];
        int32_t ids[64];
        struct hone_text stops[3];
        size_t n = 1 + random_below(60), n_stops = 1 + random_below(3);
        for (size_t i = 0; i < n; i++)
            ids[i] = text[i] = (char)('a' + random_below(3));
        for (size_t i = 0; i < n_stops; i++) {
            stops[i] = (struct hone_text){strings[i], 1 + random_below(7)};
            for (size_t c = 0; c < stops[i].size; c++)
                strings[i][c] = (char)('a' + random_below(2));
        }
        size_t expected = cut(text, n, stops, n_stops);
        stream(&j, t, ids, n, stops, n_stops);
        assert_int_equal(j.stopped, expected != SIZE_MAX);
        assert_int_equal(j.size, j.stopped ? expected : n);
        assert_memory_equal(j.text, text, j.size);
        n_stopped += j.stopped;
    }
    print_message("%zu of 4000 stopped\n", n_stopped);
    tokenizer_free(t);
}

/* Text comes as early as it can: what cannot become a stop string is not held back. */
static void test_early(void **state)
{
    (void)state;
    const struct hone_text stop = {"</end>", 6};
    struct tokenizer *t = byte_level();
    struct hone_error err;
    struct text_stream *s;
    struct hone_text text;
    bool stopped;
    static const struct {
        int32_t id;
        const char *shown;
    } steps[] = {{'a', "a"},          {'<', ""}, {'/', ""},  {'<', "</"}, {0xc3, ""},
                 {0xa9, "<\xc3\xa9"}, {256, ""}, {0xe4, ""}, {0xbd, ""},  {0xa0, "\xe4\xbd\xa0"},
                 {'<', ""},           {'/', ""}, {'e', ""},  {'n', ""},   {'d', ""},
                 {'!', "</end!"},     {'<', ""}};
    assert_ok(text_stream_new(&s, t, true, &stop, 1, &err), &err);
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        assert_ok(text_stream_push(s, steps[i].id, &text, &stopped, &err), &err);
        if (text.size != strlen(steps[i].shown) || memcmp(text.data, steps[i].shown, text.size) != 0)
            fail_msg("step %zu: \"%.*s\", expected \"%s\"", i, (int)text.size, text.data, steps[i].shown);
        assert_false(stopped);
    }
    assert_ok(text_stream_end(s, &text, &stopped, &err), &err);
    assert_true(text.size == 1 && text.data[0] == '<');
    text_stream_free(s);
    assert_ok(text_stream_new(&s, t, true, &stop, 1, &err), &err);
    assert_int_equal(text_stream_push(s, 5000, &text, &stopped, &err), HONE_USAGE);
    text_stream_free(s);
    tokenizer_free(t);
}

static void test_refused(void **state)
{
    (void)state;
    struct hone_error err;
    struct stop_strings s;
    static char long_string[STOP_MAX_SIZE + 1];
    memset(long_string, 'x', sizeof long_string);
    struct hone_text many[STOP_MAX_STRINGS + 1];
    for (size_t i = 0; i <= STOP_MAX_STRINGS; i++)
        many[i] = (struct hone_text){"x", 1};
    const struct hone_text bad[] = {{"", 0}, {"\xff", 1}, {"\xc3", 1}, {long_string, sizeof long_string}};
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(stop_strings_init(&s, &bad[i], 1, &err), HONE_USAGE);
    assert_int_equal(stop_strings_init(&s, many, STOP_MAX_STRINGS + 1, &err), HONE_USAGE);
    assert_ok(stop_strings_init(&s, many, STOP_MAX_STRINGS, &err), &err);
    stop_strings_release(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_byte_level),
                                       cmocka_unit_test(test_byte_fallback), cmocka_unit_test(test_stops),
                                       cmocka_unit_test(test_early), cmocka_unit_test(test_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
