/* Operators, from the tightest to the loosest. */
#include "runtime/base/buffer.h"
#include "tokenizer/template/parser.h"

typedef struct node *(*reader)(struct parser *p);

/* Operands with the same name between them. */
static struct node *parse_named_chain(struct parser *p, const char *name, enum node_kind kind, reader next)
{
    uint32_t line = p->token->line;
    struct node_list list = {0};
    do
        parse_push(p, &list, next(p));
    while (parse_skip_name(p, name));
    return list.n == 1 ? list.items[0] : parse_node_of(p, kind, line, list);
}

/* Operands with operators between them, as `find` takes them. */
static struct node *parse_chain(struct parser *p, enum node_kind kind,
                                bool (*find)(struct parser *, enum operation *), reader next)
{
    uint32_t line = p->token->line;
    struct node_list list = {0};
    struct buffer ops = {0};
    enum operation op;
    parse_push(p, &list, next(p));
    while (find(p, &op)) {
        buffer_byte(&ops, (char)op);
        parse_push(p, &list, next(p));
    }
    if (list.n <= 1) {
        buffer_release(&ops);
        return list.n ? list.items[0] : parse_node_of(p, kind, line, list);
    }
    struct node *node = parse_node_of(p, kind, line, list);
    node->ops = (const uint8_t *)arena_copy(p->arena, ops.data, ops.size);
    if (ops.failed || !node->ops)
        parse_fail(p, "out of memory");
    buffer_release(&ops);
    return node;
}

struct operator_row {
    const char *text;
    enum operation op;
};

static bool find_operator(struct parser *p, const struct operator_row *rows, size_t n, enum operation *op)
{
    for (size_t i = 0; i < n; i++)
        if (parse_skip_operator(p, rows[i].text)) {
            *op = rows[i].op;
            return true;
        }
    return false;
}

static bool power(struct parser *p, enum operation *op)
{
    static const struct operator_row rows[] = {{"**", OP_POWER}};
    return find_operator(p, rows, 1, op);
}

static bool product(struct parser *p, enum operation *op)
{
    static const struct operator_row rows[] = {
        {"*", OP_MULTIPLY}, {"/", OP_DIVIDE}, {"//", OP_FLOOR_DIVIDE}, {"%", OP_MODULO}};
    return find_operator(p, rows, 4, op);
}

static bool sum(struct parser *p, enum operation *op)
{
    static const struct operator_row rows[] = {{"+", OP_ADD}, {"-", OP_SUBTRACT}};
    return find_operator(p, rows, 2, op);
}

static bool comparison(struct parser *p, enum operation *op)
{
    static const struct operator_row rows[] = {{"==", OP_EQUAL},  {"!=", OP_NOT_EQUAL},
                                               {"<", OP_LESS},    {"<=", OP_LESS_EQUAL},
                                               {">", OP_GREATER}, {">=", OP_GREATER_EQUAL}};
    if (find_operator(p, rows, 6, op))
        return true;
    *op = parse_at_name(p, "not") ? OP_NOT_IN : OP_IN;
    if (*op == OP_NOT_IN) {
        struct parser ahead = *p;
        parse_advance(&ahead);
        if (!parse_at_name(&ahead, "in"))
            return false;
        parse_advance(p);
    }
    return parse_skip_name(p, "in");
}

static struct node *parse_filtered(struct parser *p)
{
    return parse_unary(p, true);
}

static struct node *parse_power(struct parser *p)
{
    return parse_chain(p, NODE_CHAIN, power, parse_filtered);
}

static struct node *parse_product(struct parser *p)
{
    return parse_chain(p, NODE_CHAIN, product, parse_power);
}

static struct node *parse_concat(struct parser *p)
{
    uint32_t line = p->token->line;
    struct node_list list = {0};
    do
        parse_push(p, &list, parse_product(p));
    while (parse_skip_operator(p, "~"));
    return list.n == 1 ? list.items[0] : parse_node_of(p, NODE_CONCAT, line, list);
}

static struct node *parse_math(struct parser *p)
{
    return parse_chain(p, NODE_CHAIN, sum, parse_concat);
}

static struct node *parse_not(struct parser *p)
{
    uint32_t line = p->token->line;
    if (!parse_skip_name(p, "not"))
        return parse_chain(p, NODE_COMPARE, comparison, parse_math);
    struct node *operand = parse_enter(p) ? parse_not(p) : parse_node(p, NODE_CONST, line, NULL, 0);
    parse_leave(p);
    return parse_node(p, NODE_NOT, line, &operand, 1);
}

static struct node *parse_and(struct parser *p)
{
    return parse_named_chain(p, "and", NODE_AND, parse_not);
}

struct node *parse_or(struct parser *p)
{
    return parse_named_chain(p, "or", NODE_OR, parse_and);
}

struct node *parse_expression(struct parser *p)
{
    uint32_t line = p->token->line;
    if (!parse_enter(p)) {
        parse_leave(p);
        return parse_node(p, NODE_CONST, line, NULL, 0);
    }
    struct node *value = parse_or(p);
    while (parse_skip_name(p, "if")) {
        struct node *test = parse_or(p), *other = NULL;
        if (parse_skip_name(p, "else"))
            other = parse_expression(p);
        value = parse_node(p, NODE_CONDITION, line, (struct node *[]){test, value, other}, 3);
    }
    parse_leave(p);
    return value;
}
