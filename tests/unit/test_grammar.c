/* Grammars against regular expressions that mean the same (PCRE's recursive ones), on texts made by walking through
 * the grammar and on texts changed at random; masks against trying each token; mistakes. */
#include "runtime/generate/grammar/grammar.h"
#include "runtime/generate/grammar/places.h"
#include "runtime/generate/grammar/string_tokens.h"
#include "tests/guard.h"
#include "tests/support.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct grammar *parse(const char *text)
{
    struct hone_error err;
    struct grammar *g;
    assert_ok(grammar_parse(&g, (struct hone_text){text, strlen(text)}, &err), &err);
    return g;
}

static struct matcher *start(const struct grammar *g)
{
    struct hone_error err;
    struct matcher *m;
    assert_ok(matcher_new(&m, g, &err), &err);
    return m;
}

static bool accept_byte(struct matcher *m, char byte)
{
    return matcher_accept(m, (struct hone_text){&byte, 1}, NULL) == HONE_OK;
}

/* Goes on at random, byte by byte, to an end that is not far. Returns the size; 0: none was met in time. */
static size_t walk(const struct grammar *g, char *text, size_t capacity)
{
    struct matcher *m = start(g);
    size_t size = 0, target = random_below(40), result = 0;
    while (size < capacity) {
        if (matcher_may_end(m) && (size >= target || matcher_must_end(m))) {
            result = size;
            break;
        }
        unsigned offset = (unsigned)random_below(256), i = 0;
        while (i < 256 && !accept_byte(m, (char)(offset + i)))
            i++;
        if (i == 256)
            fail_msg("no byte goes on after \"%.*s\"", (int)size, text);
        text[size++] = (char)(offset + i);
    }
    matcher_free(m);
    return result;
}

static bool accepts(const struct grammar *g, const char *text, size_t size)
{
    struct matcher *m = start(g);
    bool ok = matcher_accept(m, (struct hone_text){text, size}, NULL) == HONE_OK && matcher_may_end(m);
    matcher_free(m);
    return ok;
}

/* ---- against regular expressions ---- */

static const struct {
    const char *gbnf, *expression;
} pairs[] = {
    {"root ::= \"yes\" | \"no\"", "yes|no"},
    {"root ::= \"a\"*", "a*"},
    {"root ::= (\"ab\"+ \"c\"?)* [x-z]{2,4}", "(?:abc?)*[x-z]{2,4}"},
    {"root ::= [a-c]{3} \"d\"{2,} | \"e\"{0,1}", "[a-c]{3}d{2,}|e?"},
    {"root ::= \"abc\"* \"x\"{3}{2}", "(?:abc)*(?:x{3}){2}"},
    {"root ::= (\"a\"? \"b\"?){2,3} \"c\"", "(?:a?b?){2,3}c"},
    {"root ::= ((\"a\"*)*)* \"b\"", "a*b"},
    {"root ::= (\"a\" | \"\"){0,5} \"b\"", "a{0,5}b"},
    {"root ::= [^a-y] [\\x00-\\x7f\\u00e9\\U0001F600-\\U0001f64f-]+",
     "[^a-y][\\x00-\\x7f\\x{e9}\\x{1f600}-\\x{1f64f}-]+"},
    {"root ::= . [^\"\\\\]* \"\\\"\"", "(?s:.)[^\"\\\\]*\""},
    {"root ::= [\\]\\[^]+ \"\\n\\t\\r\"", "[\\]\\[^]+\\n\\t\\r"},
    {"root ::= [\xc3\xa9-\xe4\xbd\xa0]{1,3} \"\xe4\xbd\xa0\xe5\xa5\xbd\"?",
     "[\\x{e9}-\\x{4f60}]{1,3}(?:\\x{4f60}\\x{597d})?"},
    {"root ::= \"(\" root* \")\"", "(?<r>\\((?&r)*\\))"},
    {"# numbers\nroot ::= term (op\n term)* # sums\n\nop ::= [+*]\n\nterm ::= [0-9]+\n | \"(\" root \")\"\n",
     "(?<r>(?<t>[0-9]+|\\((?&r)\\))(?:[+*](?&t))*)"},
    {"root ::= even | odd\neven ::= (\"a\" odd)?\nodd ::= \"a\" even", "a*"},
    {"root ::= \"a\" root \"b\" | \"\"", "(?<r>(?:a(?&r)b)?)"},
    {"root ::= \"x\" dead | \"y\" | unused* \"z\"\ndead ::= \"d\" dead\nunused ::= []", "y|z"},
    {"root ::= ([ab]{0,3} \"c\"){1,2} | ([ab]{2} | \"abc\"){2}", "(?:[ab]{0,3}c){1,2}|(?:[ab]{2}|abc){2}"},
};

static pcre2_code *compile(const char *expression)
{
    char whole[512];
    int error;
    PCRE2_SIZE at;
    snprintf(whole, sizeof whole, "\\A(?:%s)\\z", expression);
    pcre2_code *code = pcre2_compile((PCRE2_SPTR)whole, PCRE2_ZERO_TERMINATED, PCRE2_UTF, &error, &at, NULL);
    assert_non_null(code);
    return code;
}

static bool matches(const pcre2_code *code, pcre2_match_data *data, const char *text, size_t size)
{
    int result = pcre2_match(code, (PCRE2_SPTR)text, size, 0, 0, data, NULL);
    if (result < 0 && result != PCRE2_ERROR_NOMATCH)
        fail_msg("PCRE gives %d for \"%.*s\"", result, (int)size, text);
    return result >= 0;
}

/* Changes a character or two of ASCII. */
static size_t change(char *text, size_t size)
{
    static const char alphabet[] = "abcdexyz()+*0 \"\\\n";
    for (size_t n = 1 + random_below(2); n > 0; n--) {
        size_t at = random_below(size + 1);
        char c = alphabet[random_below(sizeof alphabet - 1)];
        if (at < size && (text[at] & 0x80))
            continue;
        if (random_below(3) == 0) {
            memmove(text + at + 1, text + at, size - at);
            text[at] = c;
            size++;
        } else if (at < size && random_below(2)) {
            memmove(text + at, text + at + 1, size - at - 1);
            size--;
        } else if (at < size) {
            text[at] = c;
        }
    }
    return size;
}

static void test_pairs(void **state)
{
    (void)state;
    size_t n_walks = 0, n_refused = 0;
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        struct grammar *g = parse(pairs[i].gbnf);
        pcre2_code *code = compile(pairs[i].expression);
        pcre2_match_data *data = pcre2_match_data_create_from_pattern(code, NULL);
        for (int round = 0; round < 200; round++) {
            char text[400];
            size_t size = walk(g, text, 300);
            if (size == 0)
                continue;
            n_walks++;
            if (!matches(code, data, text, size))
                fail_msg("%s made \"%.*s\"", pairs[i].gbnf, (int)size, text);
            assert_true(accepts(g, text, size));
            for (int again = 0; again < 10; again++) {
                size = change(text, size);
                bool expected = matches(code, data, text, size);
                n_refused += !expected;
                if (accepts(g, text, size) != expected)
                    fail_msg("%s: \"%.*s\" should%s be accepted", pairs[i].gbnf, (int)size, text,
                             expected ? "" : " not");
            }
        }
        assert_int_equal(accepts(g, "", 0), matches(code, data, "", 0));
        pcre2_match_data_free(data);
        pcre2_code_free(code);
        grammar_free(g);
    }
    print_message("%zu walks, %zu changed texts refused\n", n_walks, n_refused);
    assert_true(n_walks > 2000 && n_refused > 2000);
}

/* Every character, by its bytes: classes hold it or not, surrogates and broken bytes never come. */
static void test_characters(void **state)
{
    (void)state;
    struct grammar *any = parse("root ::= ."), *some = parse("root ::= [^a\\u0100-\\uFFFE]");
    for (uint32_t c = 0; c < 0x110000; c += c < 0x11000 ? 1 : 37) {
        char bytes[4];
        size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
        for (size_t i = n - 1; i > 0; i--)
            bytes[i] = (char)(0x80 | (c >> 6 * (n - 1 - i) & 0x3f));
        bytes[0] = (char)(n == 1 ? c : (0xf00u >> n & 0xf0) | c >> 6 * (n - 1));
        bool is_char = c < 0xd800 || c > 0xdfff;
        assert_int_equal(accepts(any, bytes, n), is_char);
        assert_int_equal(accepts(some, bytes, n), is_char && c != 'a' && (c < 0x100 || c > 0xfffe));
    }
    static const char *broken[] = {"\x80", "\xc0\x80", "\xe0\x80\x80", "\xf4\x90\x80\x80", "\xff", "\xc3"};
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++)
        assert_false(accepts(any, broken[i], strlen(broken[i])));
    grammar_free(any);
    grammar_free(some);
}

/* ---- masks ---- */

enum { N_VOCAB = 700 };

/* The same text in an automaton of its own, which is asked for no masks: what it knows it knows by following bytes. */
struct follower {
    struct places places;
    uint32_t state;
    size_t n_checked;
};

static void follow(struct follower *f, struct hone_text bytes, uint32_t *state)
{
    for (size_t i = 0; i < bytes.size && *state != STATE_DEAD; i++)
        *state = places_next(&f->places, *state, (unsigned char)bytes.data[i]);
    assert_false(f->places.failed);
}

static void follower_init(struct follower *f, const struct grammar *g)
{
    assert_true(places_init(&f->places, g));
    f->state = places_start(&f->places);
    f->n_checked = 0;
}

/* Whether the token goes on. A matcher for each of them took most of this test's time, so only some masks are held against
 * that, too. */
static bool goes_on(const struct matcher *m, struct follower *f, struct hone_text piece, bool by_fork)
{
    uint32_t state = f->state;
    follow(f, piece, &state);
    bool goes = piece.size > 0 && state != STATE_DEAD;
    if (by_fork) {
        struct matcher *fork;
        struct hone_error err;
        assert_ok(matcher_fork(m, &fork, &err), &err);
        assert_int_equal(piece.size > 0 && matcher_accept(fork, piece, NULL) == HONE_OK, goes);
        matcher_free(fork);
    }
    return goes;
}

static void check_mask(struct matcher *m, struct follower *f, const struct token_trie *trie,
                       const struct hone_text *pieces, const int32_t *end_ids)
{
    const uint64_t *mask;
    uint64_t kept[(N_VOCAB + 63) / 64];
    struct hone_error err;
    bool by_fork = f->n_checked++ % 12 == 3;
    assert_ok(matcher_mask(m, trie, &mask, &err), &err);
    memcpy(kept, mask, sizeof kept);
    for (int32_t id = 0; id < N_VOCAB; id++) {
        bool is_end = id == end_ids[0] || id == end_ids[1];
        bool expected = is_end ? places_is_end(&f->places, f->state) : goes_on(m, f, pieces[id], by_fork);
        if ((kept[id / 64] >> id % 64 & 1) != expected)
            fail_msg("token %d \"%.*s\"", id, (int)pieces[id].size, pieces[id].data);
    }
}

/* A vocabulary of the parts, and of texts of at most so many of them. */
struct parts_vocabulary {
    char bytes[N_VOCAB][256];
    struct hone_text pieces[N_VOCAB];
    int32_t end_ids[2];
    struct token_trie *trie;
};

static void make_vocabulary(struct parts_vocabulary *v, const char *const *parts, size_t n, size_t most)
{
    struct hone_error err;
    for (size_t i = 0; i < N_VOCAB; i++) {
        size_t n_parts = i < n ? 1 : 1 + random_below(random_below(8) ? 5 : most);
        v->bytes[i][0] = 0;
        for (size_t k = 0; k < n_parts; k++)
            strcat(v->bytes[i], parts[i < n ? i : random_below(n)]);
        v->pieces[i] = (struct hone_text){v->bytes[i], strlen(v->bytes[i])};
    }
    v->end_ids[0] = 1;
    v->end_ids[1] = 2;
    assert_ok(token_trie_new(&v->trie, v->pieces, N_VOCAB, v->end_ids, 2, &err), &err);
}

/* Follows the grammar at random, each mask against trying all tokens, at most so many. Returns how many. */
static size_t check_masks(const struct parts_vocabulary *v, const char *gbnf, size_t most)
{
    struct grammar *g = parse(gbnf);
    struct matcher *m = start(g);
    struct follower f;
    struct hone_error err;
    size_t n_masks = 0;
    follower_init(&f, g);
    while (n_masks < most) {
        const uint64_t *mask;
        if (matcher_mask(m, v->trie, &mask, &err) != HONE_OK)
            break; /* no token of these goes on */
        check_mask(m, &f, v->trie, v->pieces, v->end_ids);
        n_masks++;
        assert_ok(matcher_mask(m, v->trie, &mask, &err), &err);
        int32_t id = (int32_t)random_below(N_VOCAB);
        while (!(mask[id / 64] >> id % 64 & 1))
            id = (id + 1) % N_VOCAB;
        if (id == v->end_ids[0] || id == v->end_ids[1])
            break;
        assert_ok(matcher_accept(m, v->pieces[id], &err), &err);
        follow(&f, v->pieces[id], &f.state);
    }
    places_release(&f.places);
    matcher_free(m);
    grammar_free(g);
    return n_masks;
}

/* Inside of strings masks come from what is known of tokens beforehand: each against trying. */
static void test_string_masks(void **state)
{
    (void)state;
    static const char *const roots[] = {
        "root ::= \"\\\"\" char* \"\\\"\" [, ]{0,3} \"\\\"\" plain{2,5} \"\\\"\"\n",
        "root ::= (\"\\\"\" char{3,6} \"\\\"\" \",\"){1,9}\n",
        "root ::= (\"\\\"\" char{2,} \"\\\"\" | \"\\\"\" plain{0,4} \"\\\",\") \"x\"*\n",
        "root ::= \"\\\"\" char{0,3} \"\\\"\" | \"\\\"ab\\\\n\\\"\" | \"\\\"\" [a-z]{1,9} \"\\\"\"\n",
        "root ::= \"\\\"\" [^\"\\\\\\x00-\\x1f\\x7f]{1,4} \"\\\"\" \"\\n\"?\n"};
    static const char *const parts[] = {
        "a",        "b",        "\"", "\\", "n",    "u",    "0",        "0041",  "d8",
        "3d",       "dc",       "00", "D",  "\xc3", "\xa9", "\xe2\x82", "\xac",  "\xf0\x9f",
        "\x98\x80", "\xed\xa0", "\n", ",",  "x",    " ",    "\x7f",     "\\u00", "\\\""};
    static struct parts_vocabulary v;
    size_t n_masks = 0;
    make_vocabulary(&v, parts, sizeof parts / sizeof *parts, 5);
    for (size_t i = 0; i < 40 * sizeof roots / sizeof *roots; i++) {
        char text[2000];
        snprintf(text, sizeof text, "%s%s", roots[i / 40], STRING_TOKEN_RULES);
        n_masks += check_masks(&v, text, 12);
    }
    print_message("%zu masks\n", n_masks);
    assert_true(n_masks > 300);
    token_trie_free(v.trie);
}

/* Within runs of characters of a class masks come from which tokens hold which bytes. */
static void test_run_masks(void **state)
{
    (void)state;
    static const char *const roots[] = {
        "root ::= [a-zA-Z0-9]+ \".\" [a-z]{2,6} \"\\\"\"",
        "root ::= [a-zA-Z0-9]{1,5} \"-\" [a-zA-Z0-9]{3,} \".\"*",
        "root ::= [a-zA-Z0-9]{40,200} \"-\"",
        "root ::= ([a-zA-Z0-9]{1,40} \"a.\" | [a-z0-9]{9,})*",
        "root ::= \"\\\"\"? [^\"<>&]{1,90} \"\\\"\"",
        "root ::= [^\"<>&]* [\"<\\u00e9] [^%]*",
        "root ::= ([a-zA-Z0-9] | \"%\" [0-9a-f] [0-9a-f])* (\".\" | \"\\u00e9\") [a-zA-Z0-9.-]*",
        "root ::= [a-zA-Z0-9\\u0080-\\uFFFF]+ \".\"",
        "root ::= ([a-z]{1,40} \".\" | [A-Z]{1,40} \"-\" | .{2})*",
        "root ::= [a-zA-Z]+ (\".\" [a-z0-9]+)* \"\\\"\"",
        "root ::= [a-zA-Z0-9]+ ([.-] [a-zA-Z0-9]+)* \"\\\"\" \"-\"?",
        "root ::= [a-zA-Z0-9]{3,} \"\\\"\" \".\"? \"-\"",
        "root ::= [a-zA-Z0-9]{1,70} (\"-\" [a-zA-Z0-9]{1,9} | \"\\\"\" [a-z]* | \"\\\"\" \"7\"*)",
        "root ::= [a-zA-Z0-9]{1,30} \"\\\"\" | [a-zA-Z0-9]{5,40} \".\" [a-zA-Z0-9%]* \"\\\"\""};
    static const char *const parts[] = {
        "a", "b", "z", "Q",  "7",  "ab0", "f0", "name", ".",    "-",        "%",    "\"",       "<",
        ">", "&", " ", "\n", ".a", "..",  "-b", "\xc3", "\xa9", "\xe2\x82", "\xac", "\xf0\x9f", "\x98\x80"};
    static struct parts_vocabulary v;
    size_t n_masks = 0;
    make_vocabulary(&v, parts, sizeof parts / sizeof *parts, 60);
    for (size_t i = 0; i < 6 * sizeof roots / sizeof *roots; i++)
        n_masks += check_masks(&v, roots[i / 6], 12);
    print_message("%zu masks\n", n_masks);
    assert_true(n_masks > 300);
    token_trie_free(v.trie);
}

/* Items of lists that are counted share what is known of them; what comes behind an item differs with the count. */
static void test_part_masks(void **state)
{
    (void)state;
    static const char *const roots[] = {
        "root ::= (\"\\\"\" [a-zA-Z0-9.]{1,40} \"\\\"\" \",\"){2,3} \"x\"",
        "root ::= (\"\\\"\" [a-zA-Z0-9.-]+ \"\\\"\"){3} \"-\"",
        "root ::= (word \",\"){2,4} \".\"\nword ::= \"ab0\" | \"ab0f0\" | \"a\" | \"name\" \".a\"*",
        "root ::= (\"a\"? [bz]{1,3} (\"Q\" | \"\")){2,5} \"7\"",
        "root ::= ([a-zA-Z0-9]{1,40}){3} \"\\\"\"",
        "root ::= (q [^\"<>&]{2,90} q \"<\"?){2,} \"&\"\nq ::= \"\\\"\"",
        "root ::= ((\"\\\"\" [a-zA-Z0-9%]* \"\\\"\" | [a-z0-9]{2}){2} \",\"){2} (\"\\\"\" \"name\" "
        "\"\\\"\")+",
        "root ::= list{2,3}\nlist ::= \"<\" (list | [ab] | word){2,4} \">\"\nword ::= \"\\\"\" [^\"\\\\]* "
        "\"\\\"\"",
        "root ::= (\"\\\"\" ([a-zA-Z0-9] | \"\\\\\" [a\"])+ \"\\\"\" \",\"){2,3}"};
    static const char *const parts[] = {"a", "b",    "z",    "Q",      "7",   "ab0",  "f0",  "name",
                                        ".", "-",    "%",    "\"",     "<",   ">",    "&",   " ",
                                        ",", "\",",  ".a",   "\"<",    "\\",  "\\\"", "\"-", "\"\"",
                                        "x", "\xc3", "\xa9", "\"\"\"", "a\"b"};
    static struct parts_vocabulary v;
    size_t n_masks = 0;
    make_vocabulary(&v, parts, sizeof parts / sizeof *parts, 60);
    for (size_t i = 0; i < 8 * sizeof roots / sizeof *roots; i++)
        n_masks += check_masks(&v, roots[i / 8], 12);
    print_message("%zu masks\n", n_masks);
    assert_true(n_masks > 300);
    token_trie_free(v.trie);
}

/* Counts that are far from where they matter are alike, and those that are near are not. */
static void test_near_masks(void **state)
{
    (void)state;
    static const char *const roots[] = {
        "root ::= (\"a\" [bz.]? \",\"){45,50} \".\"", "root ::= ([ab] | \"Q\"){60,70} \"7\"",
        "root ::= ((\"a\" | \"ab0\" \",\"){1,45} \".\"){3,} \"-\"",
        "root ::= (\"<\" item{2,40} \">\"){3,9}\nitem ::= \"a\"* \"b\" | \"z\" | \"\"",
        "root ::= (\"\\\"\" [a-zA-Z0-9.]{3,40} \"\\\"\" \",\"?){40,} \"x\""};
    static const char *const parts[] = {"a", "b", "z", "Q", "7", ".", ",", "-", "<", ">", "\"", "ab0", "x"};
    static struct parts_vocabulary v;
    size_t n_masks = 0;
    make_vocabulary(&v, parts, sizeof parts / sizeof *parts, 60);
    for (size_t i = 0; i < sizeof roots / sizeof *roots; i++)
        n_masks += check_masks(&v, roots[i], 100);
    print_message("%zu masks\n", n_masks);
    assert_true(n_masks > 100);
    token_trie_free(v.trie);
}

static void test_masks(void **state)
{
    (void)state;
    static char bytes[N_VOCAB][6];
    struct hone_text pieces[N_VOCAB];
    const int32_t end_ids[2] = {5, 300};
    struct hone_error err;
    struct token_trie *trie;
    for (int i = 0; i < N_VOCAB; i++) { /* every byte, and pieces of several, some equal, some empty */
        size_t n = i < 256 ? 1 : random_below(6);
        for (size_t c = 0; c < n; c++)
            bytes[i][c] = i < 256 ? (char)i : "abcdxyz()+*0\xc3\xa9\xe4\xbd\xa0"[random_below(17)];
        pieces[i] = (struct hone_text){bytes[i], n};
    }
    assert_ok(token_trie_new(&trie, pieces, N_VOCAB, end_ids, 2, &err), &err);
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        struct grammar *g = parse(pairs[i].gbnf);
        struct matcher *m = start(g);
        struct follower f;
        follower_init(&f, g);
        for (int step = 0; step < 12; step++) {
            const uint64_t *mask;
            check_mask(m, &f, trie, pieces, end_ids);
            assert_ok(matcher_mask(m, trie, &mask, &err), &err);
            int32_t id = (int32_t)random_below(N_VOCAB);
            while (!(mask[id / 64] >> id % 64 & 1))
                id = (id + 1) % N_VOCAB;
            if (id == end_ids[0] || id == end_ids[1])
                break;
            assert_ok(matcher_accept(m, pieces[id], &err), &err);
            follow(&f, pieces[id], &f.state);
        }
        places_release(&f.places);
        matcher_free(m);
        grammar_free(g);
    }
    token_trie_free(trie);
    /* Nothing of this vocabulary can go on. */
    struct grammar *g = parse("root ::= \"q\"");
    struct matcher *m = start(g);
    const uint64_t *mask;
    assert_ok(token_trie_new(&trie, pieces, 100, NULL, 0, &err), &err);
    assert_int_equal(matcher_mask(m, trie, &mask, &err), HONE_FAILED);
    assert_non_null(strstr(err.message, "no token"));
    matcher_free(m);
    grammar_free(g);
    token_trie_free(trie);
}

/* A text so deep that what was worked out is thrown away several times on the way. */
static void test_long(void **state)
{
    (void)state;
    struct grammar *g = parse("root ::= \"(\" root \")\" | [a-z]{0,400000}");
    struct matcher *m = start(g);
    for (int i = 0; i < 100000; i++)
        assert_true(accept_byte(m, '('));
    for (int i = 0; i < 150000; i++)
        assert_true(accept_byte(m, (char)('a' + i % 26)));
    for (int i = 0; i < 100000; i++) {
        assert_false(matcher_may_end(m));
        assert_true(accept_byte(m, ')'));
    }
    assert_true(matcher_must_end(m));
    assert_false(accept_byte(m, ')'));
    assert_int_equal(matcher_reset(m, NULL), HONE_OK);
    assert_true(matcher_may_end(m) && !matcher_must_end(m) && accept_byte(m, '(') && !matcher_may_end(m));
    matcher_free(m);
    grammar_free(g);
}

/* ---- mistakes ---- */

static void refused(const char *text, const char *words)
{
    struct hone_error err = {0};
    struct grammar *g;
    assert_int_equal(grammar_parse(&g, (struct hone_text){text, strlen(text)}, &err), HONE_USAGE);
    assert_null(g);
    if (!strstr(err.message, words))
        fail_msg("%s: \"%s\" says nothing of %s", text, err.message, words);
}

static void test_mistakes(void **state)
{
    (void)state;
    refused("", "no rule root");
    refused("start ::= \"a\"", "no rule root");
    refused("root ::= \"a\"\nroot ::= \"b\"", "line 2: the rule root is defined twice");
    refused("root ::= \"a\"\nx ::= \"b\" missing", "line 2: the rule missing is not defined");
    refused("root = \"a\"", "::=");
    refused("root ::= \"a", "closing quote");
    refused("root ::= [a-", "bracket");
    refused("root ::= [z-a]", "backwards");
    refused("root ::= (\"a\"", "')'");
    refused("root ::= \"a\")", "')'");
    refused("root ::= *", "'*'");
    refused("root ::= \"a\"{2", "'}'");
    refused("root ::= \"a\"{3,2}", "backwards");
    refused("root ::= \"a\"{,2}", "number");
    refused("root ::= \"a\"{99999999}", "1000000");
    refused("root ::= \"\\q\"", "\\q");
    refused("root ::= \"\\u12g4\"", "hexadecimal");
    refused("root ::= \"\\ud800\"", "U+D800");
    refused("root ::= \"\xff\"", "UTF-8");
    refused("root ::= root \"a\" | \"a\"", "rule root: it begins with itself");
    refused("root ::= a\na ::= b? c\nb ::= \"x\"\nc ::= [y]* a \"z\" | \"\"", "begins with itself");
    refused("root ::= root", "no text can satisfy it");
    refused("root ::= \"a\" root", "no text can satisfy it");
    refused("root ::= []", "no text can satisfy it");
    char deep[600] = "root ::= ";
    for (int i = 0; i < 200; i++)
        strcat(deep, "(");
    refused(deep, "nested");
}

/* Grammars that could cost much: each ends soon, with an answer or a sentence. */
static void test_costly(void **state)
{
    (void)state;
    static char text[1 << 20];
    size_t size = (size_t)sprintf(text, "root ::= r0\n");
    for (int i = 0; i < 20000; i++)
        size += (size_t)sprintf(text + size, "r%d ::= \"a\" r%d | \"b\"\n", i, (i + 1) % 20000);
    struct grammar *g = parse(text);
    assert_true(accepts(g, "aaaab", 5));
    grammar_free(g);
    struct hone_error err = {0};
    struct matcher *m;
    size = (size_t)sprintf(text, "root ::= r0\nr9000 ::= \"\"\n");
    for (int i = 0; i < 9000; i++) /* every rule may be empty, and opens two more */
        size += (size_t)sprintf(text + size, "r%d ::= r%d r%d\n", i, i + 1, i + 1);
    g = parse(text);
    assert_int_equal(matcher_new(&m, g, &err), HONE_USAGE);
    assert_non_null(strstr(err.message, "too many ways"));
    grammar_free(g);
    size = (size_t)sprintf(text, "root ::= ");
    for (int i = 0; i < 300; i++)
        size += (size_t)sprintf(text + size, "(\"a\"{0,1000}){0,1000} ");
    g = parse(text);
    enum hone_status status = matcher_new(&m, g, &err);
    for (int i = 0; i < 3000 && status == HONE_OK; i++)
        status = matcher_accept(m, (struct hone_text){"a", 1}, &err);
    if (status) {
        assert_int_equal(status, HONE_USAGE);
        assert_non_null(strstr(err.message, "too many ways"));
    }
    matcher_free(m);
    grammar_free(g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_pairs),      cmocka_unit_test(test_characters),
                                       cmocka_unit_test(test_masks),      cmocka_unit_test(test_string_masks),
                                       cmocka_unit_test(test_run_masks),  cmocka_unit_test(test_part_masks),
                                       cmocka_unit_test(test_near_masks), cmocka_unit_test(test_long),
                                       cmocka_unit_test(test_mistakes),   cmocka_unit_test(test_costly)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
