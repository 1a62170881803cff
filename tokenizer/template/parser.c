#include "tokenizer/template/parser.h"

#include "runtime/base/text.h"
#include "tokenizer/template/text.h"
#include "tokenizer/text/fail.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Of brackets and blocks in each other; templates of models have at most some ten. */
enum { MAX_DEPTH = 200 };

void jinja_parse_fail(struct jinja_parser *p, const char *format, ...)
{
    char what[200];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    if (!p->failed)
        tok_fail(p->err, HONE_BAD_MODEL, "chat template, line %u: %s", p->token->line, what);
    p->failed = true;
    while (p->token->kind != TOKEN_END)
        p->token++;
}

static bool token_is(const struct token *token, enum token_kind kind, const char *text)
{
    return token->kind == kind && text_is(token->source, text);
}

bool jinja_parse_at(const struct jinja_parser *p, enum token_kind kind)
{
    return p->token->kind == kind;
}

bool jinja_parse_at_operator(const struct jinja_parser *p, const char *op)
{
    return token_is(p->token, TOKEN_OPERATOR, op);
}

bool jinja_parse_at_name(const struct jinja_parser *p, const char *name)
{
    return token_is(p->token, TOKEN_NAME, name);
}

void jinja_parse_advance(struct jinja_parser *p)
{
    p->token += p->token->kind != TOKEN_END;
}

bool jinja_parse_skip_operator(struct jinja_parser *p, const char *op)
{
    bool is = jinja_parse_at_operator(p, op);
    if (is)
        jinja_parse_advance(p);
    return is;
}

bool jinja_parse_skip_name(struct jinja_parser *p, const char *name)
{
    bool is = jinja_parse_at_name(p, name);
    if (is)
        jinja_parse_advance(p);
    return is;
}

/* "expected ..., but there is ..." */
static void fail_expected(struct jinja_parser *p, const char *what)
{
    const struct token *t = p->token;
    if (t->kind == TOKEN_END)
        jinja_parse_fail(p, "expected %s, but the template ends", what);
    else
        jinja_parse_fail(p, "expected %s, but there is '%.*s'", what,
                         (int)(t->source.size < 40 ? t->source.size : 40), t->source.data);
}

void jinja_parse_expect_operator(struct jinja_parser *p, const char *op)
{
    char what[8];
    snprintf(what, sizeof what, "'%s'", op);
    if (!jinja_parse_skip_operator(p, op))
        fail_expected(p, what);
}

void jinja_parse_expect(struct jinja_parser *p, enum token_kind kind, const char *what)
{
    if (jinja_parse_at(p, kind))
        jinja_parse_advance(p);
    else
        fail_expected(p, what);
}

static bool is_spelled(const struct hash_node *node, const void *text)
{
    const struct name *name = (const struct name *)node;
    return text_equal((struct hone_text){name->text, name->size}, *(const struct hone_text *)text);
}

const struct name *jinja_parse_intern(struct jinja_parser *p, struct hone_text text)
{
    static const struct name nameless = {.text = ""};
    uint64_t hash = 0;
    jinja_value_hash(value_text(text.data, text.size), &hash);
    struct hash_node *known = hash_table_find(&p->by_name, hash, is_spelled, &text);
    if (known)
        return (const struct name *)known;
    struct name *name = jinja_arena_alloc(p->arena, 1, sizeof *name);
    char *copy = jinja_arena_copy(p->arena, text.data, text.size);
    if (name)
        *name = (struct name){.text = copy, .size = text.size, .next = p->names};
    bool known_now = name && copy && hash_table_add(&p->by_name, &name->node, hash);
    p->arena->no_memory |= name && copy && !known_now;
    if (!known_now) {
        jinja_parse_fail(p, "out of memory");
        return &nameless;
    }
    p->names = name;
    return name;
}

const struct name *jinja_parse_name(struct jinja_parser *p)
{
    struct hone_text text = p->token->source;
    if (!jinja_parse_at(p, TOKEN_NAME)) {
        fail_expected(p, "a name");
        text.size = 0;
    }
    jinja_parse_advance(p);
    return jinja_parse_intern(p, text);
}

void jinja_parse_push(struct jinja_parser *p, struct node_list *list, struct jinja_node *node)
{
    if (list->n == list->capacity) {
        size_t capacity = list->capacity ? 2 * list->capacity : 4;
        struct jinja_node **items = jinja_arena_alloc(p->arena, capacity, sizeof *items);
        if (!items) {
            jinja_parse_fail(p, "out of memory");
            return;
        }
        if (list->n)
            memcpy(items, list->items, list->n * sizeof *items);
        list->items = items;
        list->capacity = capacity;
    }
    list->items[list->n++] = node;
}

struct jinja_node *jinja_parse_node_of(struct jinja_parser *p, enum node_kind kind, uint32_t line,
                                       struct node_list list)
{
    static struct jinja_node nothing = {.kind = NODE_CONST};
    struct jinja_node *node = jinja_arena_alloc(p->arena, 1, sizeof *node);
    unsigned height = 0;
    if (!node) {
        jinja_parse_fail(p, "out of memory");
        return &nothing;
    }
    for (size_t i = 0; i < list.n; i++)
        if (list.items[i] && list.items[i]->height > height)
            height = list.items[i]->height;
    if (height >= NODE_MAX_HEIGHT)
        jinja_parse_fail(p, "nested too deeply");
    *node = (struct jinja_node){.kind = (uint8_t)kind,
                                .height = (uint16_t)(height + 1),
                                .line = line,
                                .child = list.items,
                                .n = list.n};
    return node;
}

struct jinja_node *jinja_parse_node(struct jinja_parser *p, enum node_kind kind, uint32_t line,
                                    struct jinja_node **child, size_t n)
{
    struct node_list list = {0};
    for (size_t i = 0; i < n; i++)
        jinja_parse_push(p, &list, child[i]);
    return jinja_parse_node_of(p, kind, line, list);
}

bool jinja_parse_enter(struct jinja_parser *p)
{
    if (++p->depth > MAX_DEPTH)
        jinja_parse_fail(p, "nested too deeply");
    return !p->failed;
}

void jinja_parse_leave(struct jinja_parser *p)
{
    p->depth--;
}

struct jinja_node *jinja_parse(struct arena *arena, struct hone_text source, struct name **names,
                               struct hone_error *err)
{
    struct jinja_parser p = {.arena = arena, .err = err};
    static const char *const no_ends[] = {NULL};
    p.token = jinja_lex(arena, source, err);
    if (!p.token)
        return NULL;
    struct jinja_node *root = jinja_parse_statements(&p, no_ends);
    *names = p.names;
    hash_table_clear(&p.by_name);
    return p.failed ? NULL : root;
}
