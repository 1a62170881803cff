/* Tuples, and what can be set. */
#include "tokenizer/template/parser.h"

static bool at_tuple_end(const struct jinja_parser *p, const char *end)
{
    return jinja_parse_at(p, TOKEN_PRINT_END) || jinja_parse_at(p, TOKEN_BLOCK_END) ||
           jinja_parse_at_operator(p, ")") || (end && jinja_parse_at_name(p, end));
}

struct jinja_node *jinja_parse_tuple(struct jinja_parser *p, bool conditional, const char *end)
{
    uint32_t line = p->token->line;
    struct node_list list = {0};
    bool is_tuple = false;
    while (!p->failed && !at_tuple_end(p, end)) {
        jinja_parse_push(p, &list, conditional ? jinja_parse_expression(p) : jinja_parse_or(p));
        if (!jinja_parse_skip_operator(p, ","))
            break;
        is_tuple = true;
    }
    if (!list.n)
        jinja_parse_expect(p, TOKEN_NAME, "an expression");
    return is_tuple || !list.n ? jinja_parse_node_of(p, NODE_TUPLE, line, list) : list.items[0];
}

static struct jinja_node *parse_single_target(struct jinja_parser *p, bool members)
{
    uint32_t line = p->token->line;
    if (jinja_parse_skip_operator(p, "(")) {
        struct jinja_node *inner = jinja_parse_target(p, members, NULL);
        jinja_parse_expect_operator(p, ")");
        return inner;
    }
    struct jinja_node *target = jinja_parse_word(p);
    if (target->kind != NODE_NAME)
        jinja_parse_fail(p, "a constant cannot be set");
    if (members && jinja_parse_skip_operator(p, ".")) {
        struct jinja_node *member = jinja_parse_node(p, NODE_MEMBER, line, &target, 1);
        member->name = jinja_parse_name(p);
        return member;
    }
    return target;
}

struct jinja_node *jinja_parse_target(struct jinja_parser *p, bool members, const char *end)
{
    uint32_t line = p->token->line;
    struct node_list list = {0};
    bool is_tuple = false;
    if (!jinja_parse_enter(p)) {
        jinja_parse_leave(p);
        return jinja_parse_node(p, NODE_TUPLE, line, NULL, 0);
    }
    while (!p->failed && !at_tuple_end(p, end) && !jinja_parse_at_operator(p, "=")) {
        jinja_parse_push(p, &list, parse_single_target(p, members));
        if (!jinja_parse_skip_operator(p, ","))
            break;
        is_tuple = true;
    }
    jinja_parse_leave(p);
    if (!list.n)
        jinja_parse_expect(p, TOKEN_NAME, "a name to set");
    return is_tuple || !list.n ? jinja_parse_node_of(p, NODE_TUPLE, line, list) : list.items[0];
}
