/* Values, and what stands behind them: attributes, indexes, calls, filters, tests. */
#include "runtime/base/buffer.h"
#include "tokenizer/template/builtin.h"
#include "tokenizer/template/parser.h"

#include <string.h>

static struct jinja_node *constant(struct jinja_parser *p, uint32_t line, struct jinja_value value)
{
    struct jinja_node *node = jinja_parse_node(p, NODE_CONST, line, NULL, 0);
    node->value = value;
    return node;
}

static struct jinja_node *named(struct jinja_parser *p, enum node_kind kind, uint32_t line,
                                const struct name *name, struct jinja_node *child)
{
    struct jinja_node *node = jinja_parse_node(p, kind, line, &child, child != NULL);
    node->name = name;
    return node;
}

static struct jinja_node *parse_items(struct jinja_parser *p, enum node_kind kind, const char *close)
{
    uint32_t line = p->token->line;
    struct node_list list = {0};
    jinja_parse_advance(p);
    while (!jinja_parse_at_operator(p, close) && !p->failed) {
        if (list.n)
            jinja_parse_expect_operator(p, ",");
        if (jinja_parse_at_operator(p, close))
            break;
        jinja_parse_push(p, &list, jinja_parse_expression(p));
        if (kind == NODE_DICT) {
            jinja_parse_expect_operator(p, ":");
            jinja_parse_push(p, &list, jinja_parse_expression(p));
        }
    }
    jinja_parse_expect_operator(p, close);
    return jinja_parse_node_of(p, kind, line, list);
}

static struct jinja_node *parse_strings(struct jinja_parser *p)
{
    uint32_t line = p->token->line;
    struct jinja_value value = p->token->value;
    struct buffer joined = {0};
    jinja_parse_advance(p);
    if (!jinja_parse_at(p, TOKEN_STRING))
        return constant(p, line, value);
    buffer_append(&joined, value.text, value.size);
    for (; jinja_parse_at(p, TOKEN_STRING); jinja_parse_advance(p))
        buffer_append(&joined, p->token->value.text, p->token->value.size);
    char *text = jinja_arena_copy(p->arena, joined.data, joined.size);
    if (joined.failed || !text)
        jinja_parse_fail(p, "out of memory");
    value = value_text(text, joined.size);
    buffer_release(&joined);
    return constant(p, line, value);
}

/* What a macro gets unasked, if it is named. */
static void note_use(struct jinja_parser *p, const char *name)
{
    p->uses |= strcmp(name, "caller") == 0    ? USES_CALLER
               : strcmp(name, "varargs") == 0 ? USES_VARARGS
               : strcmp(name, "kwargs") == 0  ? USES_KWARGS
                                              : 0;
}

struct jinja_node *jinja_parse_word(struct jinja_parser *p)
{
    uint32_t line = p->token->line;
    if (jinja_parse_skip_name(p, "true") || jinja_parse_skip_name(p, "True"))
        return constant(p, line, value_bool(true));
    if (jinja_parse_skip_name(p, "false") || jinja_parse_skip_name(p, "False"))
        return constant(p, line, value_bool(false));
    if (jinja_parse_skip_name(p, "none") || jinja_parse_skip_name(p, "None"))
        return constant(p, line, value_none());
    const struct name *name = jinja_parse_name(p);
    note_use(p, name->text);
    return named(p, NODE_NAME, line, name, NULL);
}

static struct jinja_node *parse_brackets(struct jinja_parser *p)
{
    jinja_parse_advance(p);
    struct jinja_node *inner = jinja_parse_at_operator(p, ")")
                                   ? jinja_parse_node(p, NODE_TUPLE, p->token->line, NULL, 0)
                                   : jinja_parse_tuple(p, true, NULL);
    jinja_parse_expect_operator(p, ")");
    return inner;
}

static struct jinja_node *parse_primary(struct jinja_parser *p)
{
    uint32_t line = p->token->line;
    struct jinja_value value = p->token->value;
    if (jinja_parse_at(p, TOKEN_NAME))
        return jinja_parse_word(p);
    if (jinja_parse_at(p, TOKEN_STRING))
        return parse_strings(p);
    if (jinja_parse_at(p, TOKEN_NUMBER)) {
        jinja_parse_advance(p);
        return constant(p, line, value);
    }
    if (jinja_parse_at_operator(p, "("))
        return parse_brackets(p);
    if (jinja_parse_at_operator(p, "["))
        return parse_items(p, NODE_LIST, "]");
    if (jinja_parse_at_operator(p, "{"))
        return parse_items(p, NODE_DICT, "}");
    jinja_parse_expect(p, TOKEN_NAME, "an expression");
    return constant(p, line, value_none());
}

static struct jinja_node *parse_argument(struct jinja_parser *p)
{
    uint32_t line = p->token->line;
    struct jinja_parser ahead = *p;
    if (jinja_parse_skip_operator(p, "*") || jinja_parse_at_operator(p, "**")) {
        enum node_kind kind = jinja_parse_skip_operator(p, "**") ? NODE_STAR_STAR : NODE_STAR;
        struct jinja_node *value = jinja_parse_expression(p);
        return jinja_parse_node(p, kind, line, &value, 1);
    }
    jinja_parse_advance(&ahead);
    if (jinja_parse_at(p, TOKEN_NAME) && jinja_parse_at_operator(&ahead, "=")) {
        const struct name *name = jinja_parse_name(p);
        jinja_parse_advance(p);
        return named(p, NODE_KEYWORD, line, name, jinja_parse_expression(p));
    }
    return jinja_parse_expression(p);
}

/* Whether an argument may stand behind one of kind `before`. */
static bool in_order(enum node_kind before, enum node_kind now)
{
    bool plain = before != NODE_KEYWORD && before != NODE_STAR && before != NODE_STAR_STAR;
    if (now == NODE_KEYWORD)
        return before != NODE_STAR_STAR;
    if (now == NODE_STAR)
        return plain || before == NODE_KEYWORD;
    return now == NODE_STAR_STAR ? before != NODE_STAR_STAR : plain;
}

/* "(a, b=c)": behind what is in the list already. */
static void parse_arguments(struct jinja_parser *p, struct node_list *list)
{
    enum node_kind before = NODE_CONST;
    jinja_parse_expect_operator(p, "(");
    while (!jinja_parse_at_operator(p, ")") && !p->failed) {
        struct jinja_node *argument = parse_argument(p);
        if (!in_order(before, (enum node_kind)argument->kind))
            jinja_parse_fail(p, "the arguments of a call are in a wrong order");
        before = (enum node_kind)argument->kind;
        jinja_parse_push(p, list, argument);
        if (!jinja_parse_skip_operator(p, ","))
            break;
    }
    jinja_parse_expect_operator(p, ")");
}

static struct jinja_node *parse_call(struct jinja_parser *p, struct jinja_node *callee)
{
    uint32_t line = p->token->line;
    struct node_list list = {0};
    jinja_parse_push(p, &list, callee);
    parse_arguments(p, &list);
    return jinja_parse_node_of(p, NODE_CALL, line, list);
}

static struct jinja_node *slice_bound(struct jinja_parser *p)
{
    if (jinja_parse_at_operator(p, ":") || jinja_parse_at_operator(p, "]"))
        return NULL;
    return jinja_parse_expression(p);
}

static struct jinja_node *parse_subscript(struct jinja_parser *p, struct jinja_node *object)
{
    uint32_t line = p->token->line;
    jinja_parse_advance(p);
    if (jinja_parse_at_operator(p, "]"))
        jinja_parse_fail(p, "an index is missing");
    struct jinja_node *start = slice_bound(p), *stop = NULL, *step = NULL, *node;
    if (jinja_parse_skip_operator(p, ":")) {
        stop = slice_bound(p);
        if (jinja_parse_skip_operator(p, ":"))
            step = slice_bound(p);
        node = jinja_parse_node(p, NODE_SLICE, line, (struct jinja_node *[]){object, start, stop, step}, 4);
    } else {
        node = jinja_parse_node(p, NODE_ITEM, line, (struct jinja_node *[]){object, start}, 2);
    }
    if (jinja_parse_at_operator(p, ","))
        jinja_parse_fail(p, "an index of several parts is not supported");
    jinja_parse_expect_operator(p, "]");
    return node;
}

static struct jinja_node *parse_attribute(struct jinja_parser *p, struct jinja_node *object)
{
    uint32_t line = p->token->line;
    jinja_parse_advance(p);
    if (jinja_parse_at(p, TOKEN_NUMBER) && p->token->value.kind == VALUE_INT) {
        struct jinja_node *index = constant(p, line, p->token->value);
        jinja_parse_advance(p);
        return jinja_parse_node(p, NODE_ITEM, line, (struct jinja_node *[]){object, index}, 2);
    }
    return named(p, NODE_ATTRIBUTE, line, jinja_parse_name(p), object);
}

static struct jinja_node *parse_postfix(struct jinja_parser *p, struct jinja_node *node)
{
    while (!p->failed)
        if (jinja_parse_at_operator(p, "."))
            node = parse_attribute(p, node);
        else if (jinja_parse_at_operator(p, "["))
            node = parse_subscript(p, node);
        else if (jinja_parse_at_operator(p, "("))
            node = parse_call(p, node);
        else
            break;
    return node;
}

static struct jinja_node *applied(struct jinja_parser *p, enum node_kind kind, uint32_t line,
                                  const struct name *name, struct node_list list)
{
    struct hone_text text = {name->text, name->size};
    struct jinja_node *node = jinja_parse_node_of(p, kind, line, list);
    node->name = name;
    node->builtin = kind == NODE_FILTER ? jinja_builtin_filter(text) : jinja_builtin_test(text);
    return node;
}

struct jinja_node *jinja_parse_filters(struct jinja_parser *p, struct jinja_node *input, bool now)
{
    while (now || jinja_parse_skip_operator(p, "|")) {
        uint32_t line = p->token->line;
        const struct name *name = jinja_parse_name(p);
        struct node_list list = {0};
        jinja_parse_push(p, &list, input);
        if (jinja_parse_at_operator(p, "("))
            parse_arguments(p, &list);
        input = applied(p, NODE_FILTER, line, name, list);
        now = false;
    }
    return input;
}

/* Whether an argument without brackets follows the name of a test. */
static bool at_test_argument(const struct jinja_parser *p)
{
    if (jinja_parse_at(p, TOKEN_NAME))
        return !jinja_parse_at_name(p, "else") && !jinja_parse_at_name(p, "or") &&
               !jinja_parse_at_name(p, "and");
    return jinja_parse_at(p, TOKEN_STRING) || jinja_parse_at(p, TOKEN_NUMBER) ||
           jinja_parse_at_operator(p, "[") || jinja_parse_at_operator(p, "{");
}

static struct jinja_node *parse_test(struct jinja_parser *p, struct jinja_node *input)
{
    uint32_t line = p->token->line;
    bool negated = jinja_parse_skip_name(p, "not");
    const struct name *name = jinja_parse_name(p);
    struct node_list list = {0};
    jinja_parse_push(p, &list, input);
    if (jinja_parse_at_operator(p, "(")) {
        parse_arguments(p, &list);
    } else if (jinja_parse_at_name(p, "is")) {
        jinja_parse_fail(p, "tests with 'is' cannot be chained");
    } else if (at_test_argument(p)) {
        jinja_parse_push(p, &list, parse_postfix(p, parse_primary(p)));
    }
    struct jinja_node *test = applied(p, NODE_TEST, line, name, list);
    return negated ? jinja_parse_node(p, NODE_NOT, line, &test, 1) : test;
}

static struct jinja_node *parse_filters_and_tests(struct jinja_parser *p, struct jinja_node *node)
{
    while (!p->failed)
        if (jinja_parse_at_operator(p, "|"))
            node = jinja_parse_filters(p, node, false);
        else if (jinja_parse_skip_name(p, "is"))
            node = parse_test(p, node);
        else if (jinja_parse_at_operator(p, "("))
            node = parse_call(p, node);
        else
            break;
    return node;
}

struct jinja_node *jinja_parse_unary(struct jinja_parser *p, bool with_filters)
{
    uint32_t line = p->token->line;
    struct jinja_node *node;
    if (!jinja_parse_enter(p)) {
        node = constant(p, line, value_none());
    } else if (jinja_parse_at_operator(p, "-") || jinja_parse_at_operator(p, "+")) {
        enum node_kind kind = jinja_parse_at_operator(p, "-") ? NODE_NEGATE : NODE_PLUS;
        jinja_parse_advance(p);
        node = jinja_parse_unary(p, false);
        node = jinja_parse_node(p, kind, line, &node, 1);
    } else {
        node = parse_primary(p);
    }
    jinja_parse_leave(p);
    node = parse_postfix(p, node);
    return with_filters ? parse_filters_and_tests(p, node) : node;
}
