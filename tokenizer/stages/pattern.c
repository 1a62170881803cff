#define PCRE2_CODE_UNIT_WIDTH 8
#include "tokenizer/stages/pattern.h"

#include "runtime/base/utf8.h"
#include "tokenizer/stages/expression.h"
#include "tokenizer/stages/words.h"

#include <pcre2.h>
#include <stdlib.h>

/* What matching may cost. Expressions are not trusted: one can take exponential time ("(a+)+b"), or, more quietly, look at all
 * that is left of a text at each of its characters ("a*b|a": 5 s for 200 KB). PCRE2's own limit is of one start of one
 * match, and knows nothing of bytes that are passed, so it bounds neither. Its callouts do: it calls back before each item
 * of an expression, and says how far it has come. Llama 3's expression costs 60 a byte in that way, and takes a tenth longer
 * for being called back. */
#define ITEM_WORK     16u   /* of an item, beside the bytes that were passed since the one before */
#define WORK_PER_BYTE 1024u /* a quarter of a microsecond */
#define WORK_OF_TEXT  ((uint64_t)1 << 24) /* more, for all stretches of a text together */

struct tok_pattern {
    enum words_kind words;
    pcre2_code *code;
    bool categories; /* it asks for kinds of characters */
    char *string;    /* where it is one */
    size_t string_size;
};

static bool compile(struct tok_pattern *p, struct hone_text expression, struct complaint *c)
{
    struct buffer translated = {0};
    int error;
    size_t where;
    bool ok = tok_expression_translate(expression, &translated, &p->categories, c);
    if (ok) {
        p->code =
            pcre2_compile((PCRE2_SPTR)translated.data, translated.size,
                          PCRE2_UTF | PCRE2_UCP | PCRE2_MULTILINE | PCRE2_AUTO_CALLOUT, &error, &where, NULL);
        ok = p->code || tok_fail(c->err, HONE_BAD_MODEL, "the regular expression \"%.150s\" is malformed",
                                 expression.data);
    }
    if (ok)
        pcre2_jit_compile(p->code, PCRE2_JIT_COMPLETE); /* without it, it is slower */
    buffer_release(&translated);
    return ok;
}

static bool keep_string(struct tok_pattern *p, struct hone_text string, struct complaint *c)
{
    p->string = malloc(string.size + 1);
    if (!p->string)
        return tok_no_memory(c->err);
    memcpy(p->string, string.data, string.size);
    p->string_size = string.size;
    return true;
}

struct tok_pattern *tok_pattern_new(const json_t *spec, const char *what, struct complaint *c)
{
    struct tok_pattern *p = calloc(1, sizeof *p);
    struct hone_text string = tok_component_text(spec, "String"),
                     expression = tok_component_text(spec, "Regex");
    bool ok = false;
    if (!p)
        tok_no_memory(c->err);
    else if (string.size)
        ok = keep_string(p, string, c);
    else if (!expression.size)
        tok_fail(c->err, HONE_BAD_MODEL, "%s: the pattern is neither a string nor a regular expression",
                 what);
    else if ((p->words = tok_words_find(expression.data)) == WORDS_NONE)
        ok = compile(p, expression, c);
    else
        ok = true;
    if (ok)
        return p;
    tok_pattern_free(p);
    return NULL;
}

struct tok_pattern *tok_pattern_gpt2(struct complaint *c)
{
    struct tok_pattern *p = calloc(1, sizeof *p);
    if (p)
        p->words = WORDS_GPT2;
    else
        tok_no_memory(c->err);
    return p;
}

void tok_pattern_free(struct tok_pattern *p)
{
    if (!p)
        return;
    pcre2_code_free(p->code);
    free(p->string);
    free(p);
}

void tok_pattern_scratch_release(struct pattern_scratch *s)
{
    pcre2_match_data_free(s->data);
    pcre2_match_context_free(s->context);
    pcre2_jit_stack_free(s->stack);
    buffer_release(&s->subject);
    *s = (struct pattern_scratch){0};
}

/* Before each item of an expression: whether to go on. */
static int count(pcre2_callout_block *at, void *data)
{
    struct pattern_scratch *s = data;
    size_t now = at->current_position;
    uint64_t work = ITEM_WORK + (now > s->passed ? now - s->passed : s->passed - now);
    s->passed = now;
    s->work -= work < s->work ? work : s->work;
    return s->work ? 0 : PCRE2_ERROR_CALLOUT;
}

void tok_pattern_scratch_begin(struct pattern_scratch *s)
{
    s->work = WORK_OF_TEXT;
}

static bool create(struct pattern_scratch *s)
{
    pcre2_match_data *data = pcre2_match_data_create(1, NULL);
    s->context = s->context ? s->context : pcre2_match_context_create(NULL);
    s->stack = s->stack ? s->stack : pcre2_jit_stack_create(32 << 10, 4 << 20, NULL);
    if (!data || !s->context || !s->stack) {
        pcre2_match_data_free(data);
        return false;
    }
    pcre2_jit_stack_assign(s->context, NULL, s->stack);
    s->data = data;
    return true;
}

/* A stretch may cost what its size allows, and what those before it have left. */
static bool prepare(struct pattern_scratch *s, size_t size)
{
    if (!s->data) {
        tok_pattern_scratch_begin(s);
        if (!create(s))
            return false;
    }
    s->work += size * WORK_PER_BYTE;
    s->passed = 0;
    pcre2_set_callout(s->context, count, s); /* which may lie elsewhere now */
    return true;
}

void tok_pattern_begin(struct pattern_search *search, const struct tok_pattern *p, const char *text,
                       size_t size, struct pattern_scratch *scratch)
{
    *search = (struct pattern_search){p, scratch, text, text, size, 0, SIZE_MAX, false};
    if (!p->code)
        return;
    search->failed = !prepare(scratch, size);
    if (p->categories)
        search->subject = tok_expression_subject(text, size, &scratch->subject);
    search->failed |= scratch->subject.failed;
}

static bool next_string(struct pattern_search *s, size_t *start, size_t *end)
{
    const char *match = memmem(s->text + s->at, s->size - s->at, s->pattern->string, s->pattern->string_size);
    if (!match)
        return false;
    *start = (size_t)(match - s->text);
    *end = s->at = *start + s->pattern->string_size;
    return true;
}

/* An empty match where the last one ended does not count. */
static bool next_expression(struct pattern_search *s, size_t *start, size_t *end)
{
    while (s->at <= s->size) {
        int n = pcre2_match(s->pattern->code, (PCRE2_SPTR)s->subject, s->size, s->at, PCRE2_NO_UTF_CHECK,
                            s->scratch->data, s->scratch->context);
        if (n < 0) {
            s->failed |= n != PCRE2_ERROR_NOMATCH;
            return false;
        }
        const PCRE2_SIZE *found = pcre2_get_ovector_pointer(s->scratch->data);
        if (found[0] != found[1] || found[1] != s->last_end) {
            *start = found[0];
            *end = s->at = s->last_end = found[1];
            return true;
        }
        s->at += s->at < s->size ? utf8_size(s->text[s->at]) : 1;
    }
    return false;
}

bool tok_pattern_next(struct pattern_search *s, size_t *start, size_t *end)
{
    if (s->failed || s->at > s->size)
        return false;
    if (s->pattern->code)
        return next_expression(s, start, end);
    if (s->at == s->size)
        return false;
    if (s->pattern->string)
        return next_string(s, start, end);
    *start = s->at;
    *end = s->at = tok_words_next(s->pattern->words, s->text, s->size, s->at);
    return true;
}
