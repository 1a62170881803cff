/* A regular expression, a NUL, and a text, through the three that read expressions: patterns of schemas, expressions that a
 * client sends, and those of tokenizers. Each is refused with a sentence; and what a pattern or a client's expression allows
 * matches in PCRE2, too. */
#include "server/chat/regex.h"
#include "runtime/generate/grammar/schema.h"
#include "tests/fuzz/harness.h"
#include "tokenizer/stages/pattern.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <jansson.h>
#include <pcre2.h>
#include <string.h>

/* Of whom an expression is: of ECMA-262, which looks for it somewhere and has empty classes; or of Python, which matches all of
 * a text. */
enum reader { ECMA, PYTHON };

/* Whether PCRE2 finds it in the text, or does not say: an expression that it reads otherwise ({,3}; and []*, which matches
 * nothing there, not even no characters), or that takes too long. */
static bool may_match(struct hone_text expression, enum reader reader, struct hone_text text)
{
    int error;
    PCRE2_SIZE at;
    uint32_t flags = PCRE2_UTF | PCRE2_DOLLAR_ENDONLY | PCRE2_ALT_BSUX |
                     (reader == ECMA ? PCRE2_ALLOW_EMPTY_CLASS : PCRE2_ANCHORED | PCRE2_ENDANCHORED);
    if (memmem(expression.data, expression.size, "{,", 2) ||
        memmem(expression.data, expression.size, "[]", 2))
        return true;
    pcre2_compile_context *context = pcre2_compile_context_create(NULL);
    pcre2_set_compile_extra_options(context, PCRE2_EXTRA_ALT_BSUX);
    pcre2_code *code =
        pcre2_compile((PCRE2_SPTR)expression.data, expression.size, flags, &error, &at, context);
    pcre2_compile_context_free(context);
    if (!code)
        return true;
    pcre2_match_data *found = pcre2_match_data_create(1, NULL);
    int n = pcre2_match(code, (PCRE2_SPTR)text.data, text.size, 0, 0, found, NULL);
    pcre2_match_data_free(found);
    pcre2_code_free(code);
    return n != PCRE2_ERROR_NOMATCH;
}

/* Whether a whole text follows the grammar. */
static bool follows(const struct grammar *g, struct hone_text text)
{
    struct matcher *m;
    struct hone_error err;
    if (matcher_new(&m, g, &err) != HONE_OK)
        return false;
    bool ok = matcher_accept(m, text, &err) == HONE_OK && matcher_may_end(m);
    matcher_free(m);
    return ok;
}

static void try_pattern(struct hone_text expression, struct hone_text text)
{
    json_t *schema = json_pack("{s:s,s:o}", "type", "string", "pattern",
                               json_stringn_nocheck(expression.data, expression.size));
    char *json = json_dumps(schema, 0);
    json_t *value = json_stringn(text.data, text.size);
    char *quoted = value ? json_dumps(value, JSON_ENCODE_ANY) : NULL;
    struct hone_error err = {0};
    struct grammar *g = NULL;
    if (json) {
        enum hone_status status =
            grammar_from_schema(&g, (struct hone_text){json, strlen(json)}, NULL, NULL, &err);
        FUZZ_CHECK(status == HONE_OK || (status == HONE_USAGE && *err.message));
    }
    if (g && quoted && follows(g, (struct hone_text){quoted, strlen(quoted)}))
        FUZZ_CHECK(may_match(expression, ECMA, text));
    grammar_free(g);
    free(quoted);
    json_decref(value);
    free(json);
    json_decref(schema);
}

static void try_client(struct hone_text expression, struct hone_text text)
{
    struct hone_error err = {0};
    struct grammar *g = NULL;
    char *gbnf = regex_to_gbnf(expression, &err);
    FUZZ_CHECK(gbnf || *err.message);
    if (gbnf && grammar_parse(&g, (struct hone_text){gbnf, strlen(gbnf)}, &err) != HONE_OK)
        FUZZ_CHECK(*err.message);
    if (g && follows(g, text))
        FUZZ_CHECK(may_match(expression, PYTHON, text));
    grammar_free(g);
    free(gbnf);
}

/* Matches lie in the text, one behind the other. */
static void try_tokenizer(struct hone_text expression, struct hone_text text)
{
    static struct pattern_scratch scratch;
    struct hone_error err = {0};
    struct complaint c = {&err};
    size_t start, end, last = 0;
    json_t *spec = json_pack("{s:o}", "Regex", json_stringn_nocheck(expression.data, expression.size));
    struct tok_pattern *p = tok_pattern_new(spec, "fuzz", &c);
    struct pattern_search search;
    json_decref(spec);
    FUZZ_CHECK(p || *err.message);
    if (!p)
        return;
    tok_pattern_begin(&search, p, text.data, text.size, &scratch);
    while (tok_pattern_next(&search, &start, &end)) {
        FUZZ_CHECK(last <= start && start <= end && end <= text.size);
        last = end;
    }
    tok_pattern_free(p);
}

void fuzz_input(const uint8_t *data, size_t size)
{
    const uint8_t *end = memchr(data, 0, size);
    size_t n = end ? (size_t)(end - data) : size, rest = end ? n + 1 : n;
    struct hone_text expression = {(const char *)data, n}, text = {(const char *)data + rest, size - rest};
    json_t *ok = json_stringn(expression.data, n), *text_ok = json_stringn(text.data, text.size);
    if (ok && text_ok) { /* UTF-8, as whoever calls these has seen to */
        try_pattern(expression, text);
        try_client(expression, text);
        try_tokenizer(expression, text);
    }
    json_decref(ok);
    json_decref(text_ok);
}

FUZZ_SEEDS(FUZZ_TEXT("^(?:a|b[^c-e]){2,3}?$\0abx"),
           FUZZ_TEXT("\\d+[\\w.-]*\\s?\\u00e9\\x41\00012ab \xc3\xa9"),
           FUZZ_TEXT("(?i:'s|'t)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}\0it's 12 months"),
           FUZZ_TEXT("(?<y>[0-9]{4})-(0[1-9]|1[0-2])\0002024-05"),
           FUZZ_TEXT("\\s+(?!\\S)|\\s+|[[:alpha:]&&[^x]]++\0a  b"), FUZZ_TEXT("^\\$|\\cA\\t\\/(|a)*+.\0$"))

FUZZ_NO_SHAPE
