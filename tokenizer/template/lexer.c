#include "tokenizer/template/lexer.h"

#include "tokenizer/template/literal.h"
#include "tokenizer/template/text.h"
#include "tokenizer/text/fail.h"

#include <string.h>

/* Of brackets, which the parser follows by calling itself: its stack is bounded by this. */
enum { MAX_NESTING = 200 };

struct lexer {
    struct arena *arena;
    const char *p, *end;
    const char *counted; /* up to here the lines were counted */
    uint32_t line;
    bool line_starting; /* what was read last ended with a newline */
    char open[MAX_NESTING];
    size_t n_open; /* brackets */
    struct token *tokens;
    size_t n, capacity;
    bool failed;
    struct hone_error *err;
};

static uint32_t line_of(struct lexer *l, const char *p)
{
    for (; l->counted < p; l->counted++)
        l->line += *l->counted == '\n';
    return l->line;
}

static void fail(struct lexer *l, const char *at, const char *what)
{
    if (!l->failed)
        tok_fail(l->err, HONE_BAD_MODEL, "chat template, line %u: %s", line_of(l, at), what);
    l->failed = true;
    l->p = l->end;
}

static struct token *add(struct lexer *l, enum token_kind kind, const char *start, const char *stop)
{
    if (l->n == l->capacity) {
        size_t capacity = l->capacity ? 2 * l->capacity : 256;
        struct token *tokens = jinja_arena_alloc(l->arena, capacity, sizeof *tokens);
        if (!tokens) {
            fail(l, start, "out of memory");
            return NULL;
        }
        if (l->n)
            memcpy(tokens, l->tokens, l->n * sizeof *tokens);
        l->tokens = tokens;
        l->capacity = capacity;
    }
    l->tokens[l->n] =
        (struct token){.kind = kind, .line = line_of(l, start), .source = {start, (size_t)(stop - start)}};
    return &l->tokens[l->n++];
}

static void add_text(struct lexer *l, const char *start, const char *stop)
{
    if (start < stop) {
        struct token *token = add(l, TOKEN_TEXT, start, stop);
        if (token)
            token->value = value_text(start, (size_t)(stop - start));
    }
}

/* A failure has gone to the end, and stays there. */
static void advance(struct lexer *l, const char *to)
{
    l->line_starting = to > l->p && to[-1] == '\n';
    l->p = l->failed ? l->end : to;
}

static bool at(const struct lexer *l, const char *p, const char *text)
{
    size_t size = strlen(text);
    return (size_t)(l->end - p) >= size && memcmp(p, text, size) == 0;
}

/* The end of the text before a tag, by the tag's sign: '-' takes all white space before it, '+' none, and otherwise
 * that between the start of the line and a tag that prints nothing. */
static const char *strip_before(const struct lexer *l, const char *start, const char *stop, char sign,
                                bool prints)
{
    if (sign == '-')
        return jinja_text_trim_end(start, stop);
    if (sign == '+' || prints)
        return stop;
    const char *newline = start < stop ? memrchr(start, '\n', (size_t)(stop - start)) : NULL;
    const char *line = newline ? newline + 1 : start;
    bool at_line_start = newline || l->line_starting;
    return at_line_start && jinja_text_skip_space(line, stop) == stop ? line : stop;
}

/* The sign behind the start of a tag, or 0. */
static char sign_at(const struct lexer *l, const char *p)
{
    return p < l->end && (*p == '-' || *p == '+') ? *p : '\0';
}

/* Behind "%}" or "#}" at p, with the newline that trim_blocks takes; or behind "-%}" and the white space that follows;
 * or behind "+%}". NULL: no end here. */
static const char *tag_end(const struct lexer *l, const char *p, const char *mark)
{
    char sign = sign_at(l, p);
    if (sign)
        p++;
    if (!at(l, p, mark))
        return NULL;
    p += 2;
    if (sign == '-')
        return jinja_text_skip_space(p, l->end);
    return sign != '+' && p < l->end && *p == '\n' ? p + 1 : p;
}

/* Behind "name" with white space around it, or NULL. */
static const char *spaced_name(const struct lexer *l, const char *p, const char *name)
{
    p = jinja_text_skip_space(p, l->end);
    return at(l, p, name) ? jinja_text_skip_space(p + strlen(name), l->end) : NULL;
}

/* Behind "{% raw %}" at p, or NULL. It leaves the newline that follows, other than the tags do. */
static const char *raw_begin(const struct lexer *l, const char *p)
{
    p = spaced_name(l, p + 2 + (sign_at(l, p + 2) != 0), "raw");
    if (p && at(l, p, "-%}"))
        return jinja_text_skip_space(p + 3, l->end);
    return p && at(l, p, "%}") ? p + 2 : NULL;
}

static void lex_raw(struct lexer *l)
{
    const char *start = l->p;
    for (const char *p = start; (p = memmem(p, (size_t)(l->end - p), "{%", 2)); p += 2) {
        char sign = sign_at(l, p + 2);
        const char *stop = spaced_name(l, p + 2 + (sign != 0), "endraw");
        if (stop && (stop = tag_end(l, stop, "%}"))) {
            add_text(l, start, strip_before(l, start, p, sign, false));
            advance(l, stop);
            return;
        }
    }
    fail(l, start, "{% raw %} without {% endraw %}");
}

static void lex_comment(struct lexer *l)
{
    const char *mark = memmem(l->p, (size_t)(l->end - l->p), "#}", 2);
    if (!mark) {
        fail(l, l->p, "a comment without its end");
        return;
    }
    bool has_sign = mark > l->p && (mark[-1] == '-' || mark[-1] == '+');
    advance(l, tag_end(l, mark - has_sign, "#}"));
}

static void lex_operator(struct lexer *l)
{
    static const char *const doubles[] = {"//", "**", "==", "!=", ">=", "<="};
    static const char singles[] = "+-/*%~[](){}><=.:|,;";
    const char *p = l->p;
    size_t size = strchr(singles, *p) && *p ? 1 : 0;
    for (size_t i = 0; i < sizeof doubles / sizeof *doubles; i++)
        size = at(l, p, doubles[i]) ? 2 : size;
    if (!size) {
        fail(l, p, "a character that cannot be here");
        return;
    }
    if (strchr("([{", *p)) {
        if (l->n_open == MAX_NESTING)
            fail(l, p, "brackets are nested too deeply");
        else
            l->open[l->n_open++] = *p == '(' ? ')' : *p == '[' ? ']' : '}';
    } else if (strchr(")]}", *p) && (!l->n_open || l->open[--l->n_open] != *p)) {
        fail(l, p, "a closing bracket that does not fit");
    }
    if (l->failed)
        return;
    add(l, TOKEN_OPERATOR, p, p + size);
    advance(l, p + size);
}

static void lex_value(struct lexer *l, enum token_kind kind)
{
    const char *error = NULL, *start = l->p;
    struct jinja_value value;
    const char *stop = kind == TOKEN_STRING ? jinja_literal_string(l->arena, start, l->end, &value, &error)
                                            : jinja_literal_number(l->arena, start, l->end, &value, &error);
    if (!stop) {
        fail(l, start, error);
        return;
    }
    struct token *token = add(l, kind, start, stop);
    if (token)
        token->value = value;
    advance(l, stop);
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Everything between the start of a tag and its end. A bracket that is open keeps the end from being one. */
static void lex_tag(struct lexer *l, bool prints)
{
    const char *start = l->p, *stop;
    while (l->p < l->end) {
        const char *p = l->p;
        bool is_end = !prints || !sign_at(l, p) || *p == '-';
        if (!l->n_open && is_end && (stop = tag_end(l, p, prints ? "}}" : "%}"))) {
            stop = prints && *p != '-' ? p + 2 : stop;
            add(l, prints ? TOKEN_PRINT_END : TOKEN_BLOCK_END, p, stop);
            advance(l, stop);
            return;
        }
        if ((stop = jinja_text_skip_space(p, l->end)) > p) {
            advance(l, stop);
        } else if (is_letter(*p)) {
            for (stop = p; stop < l->end && (is_letter(*stop) || is_digit(*stop));)
                stop++;
            add(l, TOKEN_NAME, p, stop);
            advance(l, stop);
        } else if (is_digit(*p) || *p == '"' || *p == '\'') {
            lex_value(l, is_digit(*p) ? TOKEN_NUMBER : TOKEN_STRING);
        } else {
            lex_operator(l);
        }
    }
    fail(l, start, "a tag without its end");
}

/* The next "{{", "{%" or "{#", or NULL. */
static const char *next_tag(const struct lexer *l)
{
    for (const char *p = l->p; p + 1 < l->end && (p = memchr(p, '{', (size_t)(l->end - p - 1))); p++)
        if (p[1] == '{' || p[1] == '%' || p[1] == '#')
            return p;
    return NULL;
}

static void lex_next(struct lexer *l)
{
    const char *tag = next_tag(l), *stop;
    if (!tag) {
        add_text(l, l->p, l->end);
        l->p = l->end;
        return;
    }
    char sign = sign_at(l, tag + 2);
    bool prints = tag[1] == '{';
    add_text(l, l->p, strip_before(l, l->p, tag, sign, prints));
    if (tag[1] == '%' && (stop = raw_begin(l, tag))) {
        advance(l, stop);
        lex_raw(l);
        return;
    }
    if (tag[1] != '#')
        add(l, prints ? TOKEN_PRINT_BEGIN : TOKEN_BLOCK_BEGIN, tag, tag + 2);
    if (l->failed)
        return;
    l->p = tag + 2 + (sign != 0);
    if (tag[1] == '#')
        lex_comment(l);
    else
        lex_tag(l, prints);
}

/* The source with "\n" for every kind of line end, and without the last one. */
static struct hone_text normalize(struct arena *a, struct hone_text source)
{
    char *copy = jinja_arena_copy(a, source.data, source.size);
    size_t n = 0;
    for (size_t i = 0; copy && i < source.size; i++) {
        if (copy[i] == '\r' && i + 1 < source.size && copy[i + 1] == '\n')
            continue;
        copy[n++] = copy[i] == '\r' ? '\n' : copy[i];
    }
    return (struct hone_text){copy, n - (n && copy[n - 1] == '\n')};
}

struct token *jinja_lex(struct arena *arena, struct hone_text source, struct hone_error *err)
{
    struct lexer l = {.arena = arena, .line = 1, .line_starting = true, .err = err};
    source = normalize(arena, source);
    if (!source.data) {
        tok_no_memory(err);
        return NULL;
    }
    l.p = l.counted = source.data;
    l.end = source.data + source.size;
    while (l.p < l.end)
        lex_next(&l);
    if (!l.failed)
        add(&l, TOKEN_END, l.end, l.end);
    return l.failed ? NULL : l.tokens;
}
