/* Operators, from the tightest to the loosest. */
#include "runtime/base/buffer.h"
#include "tokenizer/template/parser.h"

typedef struct jinja_node *(*reader)(struct jinja_parser *p);

/* Operands with the same name between them. */
static struct jinja_node *parse_named_chain(struct jinja_parser *p, const char *name, enum node_kind kind,
                                            reader next)
{
    uint32_t line = p->token->line;
    struct node_list list = {0};
    do
        jinja_parse_push(p, &list, next(p));
    while (jinja_parse_skip_name(p, name));
    return list.n == 1 ? list.items[0] : jinja_parse_node_of(p, kind, line, list);
}

/* Operands with operators between them, as `find` takes them. */
static struct jinja_node *parse_chain(struct jinja_parser *p, enum node_kind kind,
                                      bool (*find)(struct jinja_parser *, enum operation *), reader next)
{
    uint32_t line = p->token->line;
    struct node_list list = {0};
    struct buffer ops = {0};
    enum operation op;
    jinja_parse_push(p, &list, next(p));
    while (find(p, &op)) {
        buffer_byte(&ops, (char)op);
        jinja_parse_push(p, &list, next(p));
    }
    if (list.n <= 1) {
        buffer_release(&ops);
        return list.n ? list.items[0] : jinja_parse_node_of(p, kind, line, list);
    }
    struct jinja_node *node = jinja_parse_node_of(p, kind, line, list);
    node->ops = (const uint8_t *)jinja_arena_copy(p->arena, ops.data, ops.size);
    if (ops.failed || !node->ops)
        jinja_parse_fail(p, "out of memory");
    buffer_release(&ops);
    return node;
}

struct operator_row {
    const char *text;
    enum operation op;
};

static bool find_operator(struct jinja_parser *p, const struct operator_row *rows, size_t n,
                          enum operation *op)
{
    for (size_t i = 0; i < n; i++)
        if (jinja_parse_skip_operator(p, rows[i].text)) {
            *op = rows[i].op;
            return true;
        }
    return false;
}

static bool power(struct jinja_parser *p, enum operation *op)
{
    static const struct operator_row rows[] = {{"**", OP_POWER}};
    return find_operator(p, rows, 1, op);
}

static bool product(struct jinja_parser *p, enum operation *op)
{
    static const struct operator_row rows[] = {
        {"*", OP_MULTIPLY}, {"/", OP_DIVIDE}, {"//", OP_FLOOR_DIVIDE}, {"%", OP_MODULO}};
    return find_operator(p, rows, 4, op);
}

static bool sum(struct jinja_parser *p, enum operation *op)
{
    static const struct operator_row rows[] = {{"+", OP_ADD}, {"-", OP_SUBTRACT}};
    return find_operator(p, rows, 2, op);
}

static bool comparison(struct jinja_parser *p, enum operation *op)
{
    static const struct operator_row rows[] = {{"==", OP_EQUAL},  {"!=", OP_NOT_EQUAL},
                                               {"<", OP_LESS},    {"<=", OP_LESS_EQUAL},
                                               {">", OP_GREATER}, {">=", OP_GREATER_EQUAL}};
    if (find_operator(p, rows, 6, op))
        return true;
    *op = jinja_parse_at_name(p, "not") ? OP_NOT_IN : OP_IN;
    if (*op == OP_NOT_IN) {
        struct jinja_parser ahead = *p;
        jinja_parse_advance(&ahead);
        if (!jinja_parse_at_name(&ahead, "in"))
            return false;
        jinja_parse_advance(p);
    }
    return jinja_parse_skip_name(p, "in");
}

static struct jinja_node *parse_filtered(struct jinja_parser *p)
{
    return jinja_parse_unary(p, true);
}

static struct jinja_node *parse_power(struct jinja_parser *p)
{
    return parse_chain(p, NODE_CHAIN, power, parse_filtered);
}

static struct jinja_node *parse_product(struct jinja_parser *p)
{
    return parse_chain(p, NODE_CHAIN, product, parse_power);
}

static struct jinja_node *parse_concat(struct jinja_parser *p)
{
    uint32_t line = p->token->line;
    struct node_list list = {0};
    do
        jinja_parse_push(p, &list, parse_product(p));
    while (jinja_parse_skip_operator(p, "~"));
    return list.n == 1 ? list.items[0] : jinja_parse_node_of(p, NODE_CONCAT, line, list);
}

static struct jinja_node *parse_math(struct jinja_parser *p)
{
    return parse_chain(p, NODE_CHAIN, sum, parse_concat);
}

static struct jinja_node *parse_not(struct jinja_parser *p)
{
    uint32_t line = p->token->line;
    if (!jinja_parse_skip_name(p, "not"))
        return parse_chain(p, NODE_COMPARE, comparison, parse_math);
    struct jinja_node *operand =
        jinja_parse_enter(p) ? parse_not(p) : jinja_parse_node(p, NODE_CONST, line, NULL, 0);
    jinja_parse_leave(p);
    return jinja_parse_node(p, NODE_NOT, line, &operand, 1);
}

static struct jinja_node *parse_and(struct jinja_parser *p)
{
    return parse_named_chain(p, "and", NODE_AND, parse_not);
}

struct jinja_node *jinja_parse_or(struct jinja_parser *p)
{
    return parse_named_chain(p, "or", NODE_OR, parse_and);
}

struct jinja_node *jinja_parse_expression(struct jinja_parser *p)
{
    uint32_t line = p->token->line;
    if (!jinja_parse_enter(p)) {
        jinja_parse_leave(p);
        return jinja_parse_node(p, NODE_CONST, line, NULL, 0);
    }
    struct jinja_node *value = jinja_parse_or(p);
    while (jinja_parse_skip_name(p, "if")) {
        struct jinja_node *test = jinja_parse_or(p), *other = NULL;
        if (jinja_parse_skip_name(p, "else"))
            other = jinja_parse_expression(p);
        value = jinja_parse_node(p, NODE_CONDITION, line, (struct jinja_node *[]){test, value, other}, 3);
    }
    jinja_parse_leave(p);
    return value;
}
