#include "tokenizer/stages/words.h"

#include "runtime/base/utf8.h"
#include "tokenizer/text/unicode.h"

/* The two of the newer kind differ in the digits only. */
#define NEWER(digits)                                                                                        \
    "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}" digits                               \
    "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"

static const char *const expressions[] = {
    [WORDS_NONE] = "",
    [WORDS_GPT2] = "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+",
    [WORDS_LLAMA3] = NEWER("{1,3}"),
    [WORDS_QWEN2] = NEWER(""),
};

enum words_kind tok_words_find(const char *expression)
{
    for (int kind = WORDS_GPT2; kind <= WORDS_QWEN2; kind++)
        if (strcmp(expression, expressions[kind]) == 0)
            return (enum words_kind)kind;
    return WORDS_NONE;
}

const char *tok_words_expression(enum words_kind kind)
{
    return expressions[kind];
}

enum { OTHER, LETTER, NUMBER, SPACE, NEWLINE }; /* NEWLINE: \r and \n, which are white space, too */

static const uint8_t ascii_kinds[128] = {
    ['\t'] = SPACE, ['\n'] = NEWLINE,       ['\v' ... '\f'] = SPACE, ['\r'] = NEWLINE,
    [' '] = SPACE,  ['0' ... '9'] = NUMBER, ['A' ... 'Z'] = LETTER,  ['a' ... 'z'] = LETTER,
};

static const uint8_t category_kinds[] = {
    [UC_LU] = LETTER, [UC_LL] = LETTER, [UC_LT] = LETTER, [UC_LM] = LETTER, [UC_LO] = LETTER,
    [UC_ND] = NUMBER, [UC_NL] = NUMBER, [UC_NO] = NUMBER, [UC_CO] = OTHER,
};

/* A text and how far it goes. */
struct text {
    const char *data;
    size_t size;
};

/* What the character at `at` is; *next: where the one behind it begins. */
static int kind_at(struct text t, size_t at, size_t *next)
{
    unsigned char c = (unsigned char)t.data[at];
    if (c < 0x80) {
        *next = at + 1;
        return ascii_kinds[c];
    }
    const char *p = t.data + at;
    uint32_t properties = unicode_properties(utf8_next(&p));
    *next = (size_t)(p - t.data);
    return properties & UC_SPACE ? SPACE : category_kinds[unicode_category(properties)];
}

static bool is_kind(struct text t, size_t at, int kind)
{
    size_t next;
    return at < t.size && kind_at(t, at, &next) == kind;
}

/* The end of a run of at most `most` characters of a kind. */
static size_t run(struct text t, size_t at, int kind, size_t most)
{
    for (size_t next; most && at < t.size && kind_at(t, at, &next) == kind; most--)
        at = next;
    return at;
}

/* 's 't 're 've 'm 'll 'd behind an apostrophe; returns their bytes, 0: none. */
static size_t contraction(struct text t, size_t at, bool any_case)
{
    static const char *const ends[] = {"s", "t", "re", "ve", "m", "ll", "d"};
    const char *p = t.data + at;
    size_t left = t.size - at;
    if (any_case && left >= 2 && memcmp(p, "\xc5\xbf", 2) == 0) /* long s */
        return 2;
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        size_t size = strlen(ends[i]), k = 0;
        while (k < size && k < left && (any_case && (p[k] & 0x40) ? p[k] | 0x20 : p[k]) == ends[i][k])
            k++;
        if (k == size)
            return size;
    }
    return 0;
}

/* White space: all of it at the text's end, otherwise all but the last character, which goes with the next word. */
static size_t white_space(struct text t, size_t at)
{
    size_t end = at, last = at, next;
    for (int kind; end < t.size && ((kind = kind_at(t, end, &next)) == SPACE || kind == NEWLINE); end = next)
        last = end;
    return end == t.size || last == at ? end : last;
}

static size_t next_gpt2(struct text t, size_t at)
{
    size_t start = at, next, size;
    if (t.data[at] == '\'' && (size = contraction(t, at + 1, false)))
        return at + 1 + size;
    int kind = kind_at(t, at, &next);
    if (t.data[at] == ' ' && next < t.size) {
        start = next;
        kind = kind_at(t, start, &next);
    }
    if (kind == SPACE || kind == NEWLINE)
        return white_space(t, at);
    return run(t, start, kind, SIZE_MAX);
}

/* White space that holds line ends: up to the last one; 0: it holds none. */
static size_t line_ends(struct text t, size_t at)
{
    size_t end = 0, next;
    for (int kind; at < t.size && ((kind = kind_at(t, at, &next)) == SPACE || kind == NEWLINE); at = next)
        if (kind == NEWLINE)
            end = next;
    return end;
}

static size_t next_newer(struct text t, size_t at, size_t digits)
{
    size_t next, size;
    int kind = kind_at(t, at, &next);
    if (t.data[at] == '\'' && (size = contraction(t, at + 1, true)))
        return at + 1 + size;
    if (kind == LETTER || ((kind == OTHER || kind == SPACE) && is_kind(t, next, LETTER)))
        return run(t, next, LETTER, SIZE_MAX);
    if (kind == NUMBER)
        return run(t, at, NUMBER, digits);
    if (t.data[at] == ' ' && is_kind(t, next, OTHER))
        kind = OTHER;
    if (kind == OTHER)
        return run(t, run(t, next, OTHER, SIZE_MAX), NEWLINE, SIZE_MAX);
    size_t end = line_ends(t, at);
    return end ? end : white_space(t, at);
}

size_t tok_words_next(enum words_kind kind, const char *text, size_t size, size_t at)
{
    struct text t = {text, size};
    if (kind == WORDS_GPT2)
        return next_gpt2(t, at);
    return next_newer(t, at, kind == WORDS_LLAMA3 ? 3 : 1);
}
