/* Tuples, and what can be set. */
#include "tokenizer/template/parser.h"

static bool at_tuple_end(const struct parser *p, const char *end)
{
    return parse_at(p, TOKEN_PRINT_END) || parse_at(p, TOKEN_BLOCK_END) || parse_at_operator(p, ")") ||
           (end && parse_at_name(p, end));
}

struct node *parse_tuple(struct parser *p, bool conditional, const char *end)
{
    uint32_t line = p->token->line;
    struct node_list list = {0};
    bool is_tuple = false;
    while (!p->failed && !at_tuple_end(p, end)) {
        parse_push(p, &list, conditional ? parse_expression(p) : parse_or(p));
        if (!parse_skip_operator(p, ","))
            break;
        is_tuple = true;
    }
    if (!list.n)
        parse_expect(p, TOKEN_NAME, "an expression");
    return is_tuple || !list.n ? parse_node_of(p, NODE_TUPLE, line, list) : list.items[0];
}

static struct node *parse_single_target(struct parser *p, bool members)
{
    uint32_t line = p->token->line;
    if (parse_skip_operator(p, "(")) {
        struct node *inner = parse_target(p, members, NULL);
        parse_expect_operator(p, ")");
        return inner;
    }
    struct node *target = parse_word(p);
    if (target->kind != NODE_NAME)
        parse_fail(p, "a constant cannot be set");
    if (members && parse_skip_operator(p, ".")) {
        struct node *member = parse_node(p, NODE_MEMBER, line, &target, 1);
        member->name = parse_name(p);
        return member;
    }
    return target;
}

struct node *parse_target(struct parser *p, bool members, const char *end)
{
    uint32_t line = p->token->line;
    struct node_list list = {0};
    bool is_tuple = false;
    if (!parse_enter(p)) {
        parse_leave(p);
        return parse_node(p, NODE_TUPLE, line, NULL, 0);
    }
    while (!p->failed && !at_tuple_end(p, end) && !parse_at_operator(p, "=")) {
        parse_push(p, &list, parse_single_target(p, members));
        if (!parse_skip_operator(p, ","))
            break;
        is_tuple = true;
    }
    parse_leave(p);
    if (!list.n)
        parse_expect(p, TOKEN_NAME, "a name to set");
    return is_tuple || !list.n ? parse_node_of(p, NODE_TUPLE, line, list) : list.items[0];
}
