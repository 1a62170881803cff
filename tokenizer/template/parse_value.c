/* Values, and what stands behind them: attributes, indexes, calls, filters, tests. */
#include "runtime/base/buffer.h"
#include "tokenizer/template/builtin.h"
#include "tokenizer/template/parser.h"

#include <string.h>

static struct node *constant(struct parser *p, uint32_t line, struct value value)
{
    struct node *node = parse_node(p, NODE_CONST, line, NULL, 0);
    node->value = value;
    return node;
}

static struct node *named(struct parser *p, enum node_kind kind, uint32_t line, const struct name *name,
                          struct node *child)
{
    struct node *node = parse_node(p, kind, line, &child, child != NULL);
    node->name = name;
    return node;
}

static struct node *parse_items(struct parser *p, enum node_kind kind, const char *close)
{
    uint32_t line = p->token->line;
    struct node_list list = {0};
    parse_advance(p);
    while (!parse_at_operator(p, close) && !p->failed) {
        if (list.n)
            parse_expect_operator(p, ",");
        if (parse_at_operator(p, close))
            break;
        parse_push(p, &list, parse_expression(p));
        if (kind == NODE_DICT) {
            parse_expect_operator(p, ":");
            parse_push(p, &list, parse_expression(p));
        }
    }
    parse_expect_operator(p, close);
    return parse_node_of(p, kind, line, list);
}

static struct node *parse_strings(struct parser *p)
{
    uint32_t line = p->token->line;
    struct value value = p->token->value;
    struct buffer joined = {0};
    parse_advance(p);
    if (!parse_at(p, TOKEN_STRING))
        return constant(p, line, value);
    buffer_append(&joined, value.text, value.size);
    for (; parse_at(p, TOKEN_STRING); parse_advance(p))
        buffer_append(&joined, p->token->value.text, p->token->value.size);
    char *text = arena_copy(p->arena, joined.data, joined.size);
    if (joined.failed || !text)
        parse_fail(p, "out of memory");
    value = value_text(text, joined.size);
    buffer_release(&joined);
    return constant(p, line, value);
}

/* What a macro gets unasked, if it is named. */
static void note_use(struct parser *p, const char *name)
{
    p->uses |= strcmp(name, "caller") == 0    ? USES_CALLER
               : strcmp(name, "varargs") == 0 ? USES_VARARGS
               : strcmp(name, "kwargs") == 0  ? USES_KWARGS
                                              : 0;
}

struct node *parse_word(struct parser *p)
{
    uint32_t line = p->token->line;
    if (parse_skip_name(p, "true") || parse_skip_name(p, "True"))
        return constant(p, line, value_bool(true));
    if (parse_skip_name(p, "false") || parse_skip_name(p, "False"))
        return constant(p, line, value_bool(false));
    if (parse_skip_name(p, "none") || parse_skip_name(p, "None"))
        return constant(p, line, value_none());
    const struct name *name = parse_name(p);
    note_use(p, name->text);
    return named(p, NODE_NAME, line, name, NULL);
}

static struct node *parse_brackets(struct parser *p)
{
    parse_advance(p);
    struct node *inner = parse_at_operator(p, ")") ? parse_node(p, NODE_TUPLE, p->token->line, NULL, 0)
                                                   : parse_tuple(p, true, NULL);
    parse_expect_operator(p, ")");
    return inner;
}

static struct node *parse_primary(struct parser *p)
{
    uint32_t line = p->token->line;
    struct value value = p->token->value;
    if (parse_at(p, TOKEN_NAME))
        return parse_word(p);
    if (parse_at(p, TOKEN_STRING))
        return parse_strings(p);
    if (parse_at(p, TOKEN_NUMBER)) {
        parse_advance(p);
        return constant(p, line, value);
    }
    if (parse_at_operator(p, "("))
        return parse_brackets(p);
    if (parse_at_operator(p, "["))
        return parse_items(p, NODE_LIST, "]");
    if (parse_at_operator(p, "{"))
        return parse_items(p, NODE_DICT, "}");
    parse_expect(p, TOKEN_NAME, "an expression");
    return constant(p, line, value_none());
}

static struct node *parse_argument(struct parser *p)
{
    uint32_t line = p->token->line;
    struct parser ahead = *p;
    if (parse_skip_operator(p, "*") || parse_at_operator(p, "**")) {
        enum node_kind kind = parse_skip_operator(p, "**") ? NODE_STAR_STAR : NODE_STAR;
        struct node *value = parse_expression(p);
        return parse_node(p, kind, line, &value, 1);
    }
    parse_advance(&ahead);
    if (parse_at(p, TOKEN_NAME) && parse_at_operator(&ahead, "=")) {
        const struct name *name = parse_name(p);
        parse_advance(p);
        return named(p, NODE_KEYWORD, line, name, parse_expression(p));
    }
    return parse_expression(p);
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
static void parse_arguments(struct parser *p, struct node_list *list)
{
    enum node_kind before = NODE_CONST;
    parse_expect_operator(p, "(");
    while (!parse_at_operator(p, ")") && !p->failed) {
        struct node *argument = parse_argument(p);
        if (!in_order(before, (enum node_kind)argument->kind))
            parse_fail(p, "the arguments of a call are in a wrong order");
        before = (enum node_kind)argument->kind;
        parse_push(p, list, argument);
        if (!parse_skip_operator(p, ","))
            break;
    }
    parse_expect_operator(p, ")");
}

static struct node *parse_call(struct parser *p, struct node *callee)
{
    uint32_t line = p->token->line;
    struct node_list list = {0};
    parse_push(p, &list, callee);
    parse_arguments(p, &list);
    return parse_node_of(p, NODE_CALL, line, list);
}

static struct node *slice_bound(struct parser *p)
{
    if (parse_at_operator(p, ":") || parse_at_operator(p, "]"))
        return NULL;
    return parse_expression(p);
}

static struct node *parse_subscript(struct parser *p, struct node *object)
{
    uint32_t line = p->token->line;
    parse_advance(p);
    if (parse_at_operator(p, "]"))
        parse_fail(p, "an index is missing");
    struct node *start = slice_bound(p), *stop = NULL, *step = NULL, *node;
    if (parse_skip_operator(p, ":")) {
        stop = slice_bound(p);
        if (parse_skip_operator(p, ":"))
            step = slice_bound(p);
        node = parse_node(p, NODE_SLICE, line, (struct node *[]){object, start, stop, step}, 4);
    } else {
        node = parse_node(p, NODE_ITEM, line, (struct node *[]){object, start}, 2);
    }
    if (parse_at_operator(p, ","))
        parse_fail(p, "an index of several parts is not supported");
    parse_expect_operator(p, "]");
    return node;
}

static struct node *parse_attribute(struct parser *p, struct node *object)
{
    uint32_t line = p->token->line;
    parse_advance(p);
    if (parse_at(p, TOKEN_NUMBER) && p->token->value.kind == VALUE_INT) {
        struct node *index = constant(p, line, p->token->value);
        parse_advance(p);
        return parse_node(p, NODE_ITEM, line, (struct node *[]){object, index}, 2);
    }
    return named(p, NODE_ATTRIBUTE, line, parse_name(p), object);
}

static struct node *parse_postfix(struct parser *p, struct node *node)
{
    while (!p->failed)
        if (parse_at_operator(p, "."))
            node = parse_attribute(p, node);
        else if (parse_at_operator(p, "["))
            node = parse_subscript(p, node);
        else if (parse_at_operator(p, "("))
            node = parse_call(p, node);
        else
            break;
    return node;
}

static struct node *applied(struct parser *p, enum node_kind kind, uint32_t line, const struct name *name,
                            struct node_list list)
{
    struct tok_text text = {name->text, name->size};
    struct node *node = parse_node_of(p, kind, line, list);
    node->name = name;
    node->builtin = kind == NODE_FILTER ? builtin_filter(text) : builtin_test(text);
    return node;
}

struct node *parse_filters(struct parser *p, struct node *input, bool now)
{
    while (now || parse_skip_operator(p, "|")) {
        uint32_t line = p->token->line;
        const struct name *name = parse_name(p);
        struct node_list list = {0};
        parse_push(p, &list, input);
        if (parse_at_operator(p, "("))
            parse_arguments(p, &list);
        input = applied(p, NODE_FILTER, line, name, list);
        now = false;
    }
    return input;
}

/* Whether an argument without brackets follows the name of a test. */
static bool at_test_argument(const struct parser *p)
{
    if (parse_at(p, TOKEN_NAME))
        return !parse_at_name(p, "else") && !parse_at_name(p, "or") && !parse_at_name(p, "and");
    return parse_at(p, TOKEN_STRING) || parse_at(p, TOKEN_NUMBER) || parse_at_operator(p, "[") ||
           parse_at_operator(p, "{");
}

static struct node *parse_test(struct parser *p, struct node *input)
{
    uint32_t line = p->token->line;
    bool negated = parse_skip_name(p, "not");
    const struct name *name = parse_name(p);
    struct node_list list = {0};
    parse_push(p, &list, input);
    if (parse_at_operator(p, "(")) {
        parse_arguments(p, &list);
    } else if (parse_at_name(p, "is")) {
        parse_fail(p, "tests with 'is' cannot be chained");
    } else if (at_test_argument(p)) {
        parse_push(p, &list, parse_postfix(p, parse_primary(p)));
    }
    struct node *test = applied(p, NODE_TEST, line, name, list);
    return negated ? parse_node(p, NODE_NOT, line, &test, 1) : test;
}

static struct node *parse_filters_and_tests(struct parser *p, struct node *node)
{
    while (!p->failed)
        if (parse_at_operator(p, "|"))
            node = parse_filters(p, node, false);
        else if (parse_skip_name(p, "is"))
            node = parse_test(p, node);
        else if (parse_at_operator(p, "("))
            node = parse_call(p, node);
        else
            break;
    return node;
}

struct node *parse_unary(struct parser *p, bool with_filters)
{
    uint32_t line = p->token->line;
    struct node *node;
    if (!parse_enter(p)) {
        node = constant(p, line, value_none());
    } else if (parse_at_operator(p, "-") || parse_at_operator(p, "+")) {
        enum node_kind kind = parse_at_operator(p, "-") ? NODE_NEGATE : NODE_PLUS;
        parse_advance(p);
        node = parse_unary(p, false);
        node = parse_node(p, kind, line, &node, 1);
    } else {
        node = parse_primary(p);
    }
    parse_leave(p);
    node = parse_postfix(p, node);
    return with_filters ? parse_filters_and_tests(p, node) : node;
}
