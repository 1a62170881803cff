#include "tokenizer/template/parser.h"

#include "tokenizer/fail.h"
#include "tokenizer/template/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { MAX_DEPTH = 200 };

void parse_fail(struct parser *p, const char *format, ...)
{
    char what[200];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    if (!p->failed)
        tok_fail(p->why, p->why_size, "chat template, line %u: %s", p->token->line, what);
    p->failed = true;
    while (p->token->kind != TOKEN_END)
        p->token++;
}

static bool token_is(const struct token *token, enum token_kind kind, const char *text)
{
    return token->kind == kind && text_equal(token->source, (struct tok_text){text, strlen(text)});
}

bool parse_at(const struct parser *p, enum token_kind kind)
{
    return p->token->kind == kind;
}

bool parse_at_operator(const struct parser *p, const char *op)
{
    return token_is(p->token, TOKEN_OPERATOR, op);
}

bool parse_at_name(const struct parser *p, const char *name)
{
    return token_is(p->token, TOKEN_NAME, name);
}

void parse_advance(struct parser *p)
{
    p->token += p->token->kind != TOKEN_END;
}

bool parse_skip_operator(struct parser *p, const char *op)
{
    bool is = parse_at_operator(p, op);
    if (is)
        parse_advance(p);
    return is;
}

bool parse_skip_name(struct parser *p, const char *name)
{
    bool is = parse_at_name(p, name);
    if (is)
        parse_advance(p);
    return is;
}

/* "expected ..., but there is ..." */
static void fail_expected(struct parser *p, const char *what)
{
    const struct token *t = p->token;
    if (t->kind == TOKEN_END)
        parse_fail(p, "expected %s, but the template ends", what);
    else
        parse_fail(p, "expected %s, but there is '%.*s'", what,
                   (int)(t->source.size < 40 ? t->source.size : 40), t->source.data);
}

void parse_expect_operator(struct parser *p, const char *op)
{
    char what[8];
    snprintf(what, sizeof what, "'%s'", op);
    if (!parse_skip_operator(p, op))
        fail_expected(p, what);
}

void parse_expect(struct parser *p, enum token_kind kind, const char *what)
{
    if (parse_at(p, kind))
        parse_advance(p);
    else
        fail_expected(p, what);
}

const struct name *parse_intern(struct parser *p, struct tok_text text)
{
    static const struct name nameless = {.text = ""};
    for (struct name *name = p->names; name; name = name->next)
        if (text_equal((struct tok_text){name->text, name->size}, text))
            return name;
    struct name *name = arena_alloc(p->arena, 1, sizeof *name);
    char *copy = arena_copy(p->arena, text.data, text.size);
    if (!name || !copy) {
        parse_fail(p, "out of memory");
        return &nameless;
    }
    *name = (struct name){copy, text.size, p->names};
    p->names = name;
    return name;
}

const struct name *parse_name(struct parser *p)
{
    struct tok_text text = p->token->source;
    if (!parse_at(p, TOKEN_NAME)) {
        fail_expected(p, "a name");
        text.size = 0;
    }
    parse_advance(p);
    return parse_intern(p, text);
}

void parse_push(struct parser *p, struct node_list *list, struct node *node)
{
    if (list->n == list->capacity) {
        size_t capacity = list->capacity ? 2 * list->capacity : 4;
        struct node **items = arena_alloc(p->arena, capacity, sizeof *items);
        if (!items) {
            parse_fail(p, "out of memory");
            return;
        }
        if (list->n)
            memcpy(items, list->items, list->n * sizeof *items);
        list->items = items;
        list->capacity = capacity;
    }
    list->items[list->n++] = node;
}

struct node *parse_node_of(struct parser *p, enum node_kind kind, uint32_t line, struct node_list list)
{
    static struct node nothing = {.kind = NODE_CONST};
    struct node *node = arena_alloc(p->arena, 1, sizeof *node);
    unsigned height = 0;
    if (!node) {
        parse_fail(p, "out of memory");
        return &nothing;
    }
    for (size_t i = 0; i < list.n; i++)
        if (list.items[i] && list.items[i]->height > height)
            height = list.items[i]->height;
    if (height >= NODE_MAX_HEIGHT)
        parse_fail(p, "nested too deeply");
    *node = (struct node){.kind = (uint8_t)kind,
                          .height = (uint16_t)(height + 1),
                          .line = line,
                          .child = list.items,
                          .n = list.n};
    return node;
}

struct node *parse_node(struct parser *p, enum node_kind kind, uint32_t line, struct node **child, size_t n)
{
    struct node_list list = {0};
    for (size_t i = 0; i < n; i++)
        parse_push(p, &list, child[i]);
    return parse_node_of(p, kind, line, list);
}

bool parse_enter(struct parser *p)
{
    if (++p->depth > MAX_DEPTH)
        parse_fail(p, "nested too deeply");
    return !p->failed;
}

void parse_leave(struct parser *p)
{
    p->depth--;
}

struct node *parse(struct arena *arena, struct tok_text source, struct name **names, char *why,
                   size_t why_size)
{
    struct parser p = {.arena = arena, .why = why, .why_size = why_size};
    static const char *const no_ends[] = {NULL};
    p.token = lex(arena, source, why, why_size);
    if (!p.token)
        return NULL;
    struct node *root = parse_statements(&p, no_ends);
    *names = p.names;
    return p.failed ? NULL : root;
}
