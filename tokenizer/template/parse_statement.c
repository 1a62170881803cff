#include "tokenizer/template/parser.h"

#include "tokenizer/template/text.h"

#include <string.h>

typedef struct node *(*statement)(struct parser *p, uint32_t line);

static void block_end(struct parser *p)
{
    parse_expect(p, TOKEN_BLOCK_END, "'%}'");
}

/* The block behind an opening tag, whose own end is the next token. */
static struct node *body(struct parser *p, const char *const *ends)
{
    parse_skip_operator(p, ":");
    block_end(p);
    return parse_statements(p, ends);
}

static struct node *body_until(struct parser *p, const char *end)
{
    const char *const ends[] = {end, NULL};
    struct node *block = body(p, ends);
    parse_advance(p);
    return block;
}

static struct node *parse_set(struct parser *p, uint32_t line)
{
    struct node *target = parse_target(p, true, NULL);
    if (parse_skip_operator(p, "=")) {
        struct node *value = parse_tuple(p, true, NULL);
        return parse_node(p, NODE_SET, line, (struct node *[]){target, value}, 2);
    }
    struct node *filter = parse_filters(p, NULL, false);
    struct node *block = body_until(p, "endset");
    return parse_node(p, NODE_SET_BLOCK, line, (struct node *[]){target, filter, block}, 3);
}

static struct node *parse_for(struct parser *p, uint32_t line)
{
    static const char *const ends[] = {"endfor", "else", NULL};
    struct node *target = parse_target(p, false, "in"), *condition = NULL, *otherwise = NULL;
    if (!parse_skip_name(p, "in"))
        parse_fail(p, "expected 'in' in a for tag");
    struct node *items = parse_tuple(p, false, "recursive");
    if (parse_skip_name(p, "if"))
        condition = parse_expression(p);
    if (parse_at_name(p, "recursive"))
        parse_fail(p, "recursive loops are not supported");
    p->loops++;
    struct node *block = body(p, ends);
    p->loops--;
    bool has_else = parse_at_name(p, "else");
    parse_advance(p);
    if (has_else)
        otherwise = body_until(p, "endfor");
    struct node *node =
        parse_node(p, NODE_FOR, line, (struct node *[]){target, items, condition, block, otherwise}, 5);
    node->name = parse_intern(p, (struct tok_text){"loop", 4});
    return node;
}

static struct node *parse_if(struct parser *p, uint32_t line)
{
    static const char *const ends[] = {"elif", "else", "endif", NULL};
    struct node_list list = {0};
    bool again = true;
    while (again && !p->failed) {
        parse_push(p, &list, parse_tuple(p, false, NULL));
        parse_push(p, &list, body(p, ends));
        again = parse_at_name(p, "elif");
        bool has_else = parse_at_name(p, "else");
        parse_advance(p);
        if (has_else)
            parse_push(p, &list, body_until(p, "endif"));
    }
    return parse_node_of(p, NODE_IF, line, list);
}

static void parse_parameters(struct parser *p, struct node_list *list)
{
    bool has_default = false;
    parse_expect_operator(p, "(");
    while (!parse_at_operator(p, ")") && !p->failed) {
        if (list->n)
            parse_expect_operator(p, ",");
        uint32_t line = p->token->line;
        const struct name *name = parse_name(p);
        struct node *value = NULL;
        if (parse_skip_operator(p, "="))
            value = parse_expression(p);
        else if (has_default)
            parse_fail(p, "a parameter without a default behind one with it");
        has_default |= value != NULL;
        struct node *parameter = parse_node(p, NODE_PARAMETER, line, &value, 1);
        parameter->name = name;
        parse_push(p, list, parameter);
    }
    parse_expect_operator(p, ")");
}

/* A macro from its parameters on: the names that it gets unasked are looked for in its body alone. */
static struct node *finish_macro(struct parser *p, uint32_t line, struct node_list list,
                                 const struct name *name, const char *end)
{
    unsigned uses = p->uses, loops = p->loops;
    p->uses = p->loops = 0;
    parse_push(p, &list, body_until(p, end));
    struct node *macro = parse_node_of(p, NODE_MACRO, line, list);
    macro->name = name;
    macro->flags = (uint8_t)p->uses;
    p->uses |= uses;
    p->loops = loops;
    return macro;
}

static struct node *parse_macro(struct parser *p, uint32_t line)
{
    struct node_list list = {0};
    const struct name *name = parse_name(p);
    parse_parameters(p, &list);
    return finish_macro(p, line, list, name, "endmacro");
}

static struct node *parse_call_block(struct parser *p, uint32_t line)
{
    struct node_list list = {0};
    if (parse_at_operator(p, "("))
        parse_parameters(p, &list);
    struct node *call = parse_expression(p);
    if (call->kind != NODE_CALL)
        parse_fail(p, "expected a call in a call tag");
    struct node *macro = finish_macro(p, line, list, NULL, "endcall");
    return parse_node(p, NODE_CALL_BLOCK, line, (struct node *[]){call, macro}, 2);
}

static struct node *parse_filter_block(struct parser *p, uint32_t line)
{
    struct node *filter = parse_filters(p, NULL, true);
    return parse_node(p, NODE_FILTER_BLOCK, line, (struct node *[]){filter, body_until(p, "endfilter")}, 2);
}

static struct node *parse_with(struct parser *p, uint32_t line)
{
    struct node_list list = {0};
    while (!parse_at(p, TOKEN_BLOCK_END) && !p->failed) {
        if (list.n)
            parse_expect_operator(p, ",");
        parse_push(p, &list, parse_target(p, false, NULL));
        parse_expect_operator(p, "=");
        parse_push(p, &list, parse_expression(p));
    }
    parse_push(p, &list, body_until(p, "endwith"));
    return parse_node_of(p, NODE_WITH, line, list);
}

static struct node *parse_generation(struct parser *p, uint32_t line)
{
    unsigned loops = p->loops;
    p->loops = 0;
    struct node *block = body_until(p, "endgeneration");
    p->loops = loops;
    return parse_node(p, NODE_GENERATION, line, &block, 1);
}

static struct node *parse_leave_loop(struct parser *p, uint32_t line, enum node_kind kind)
{
    if (!p->loops)
        parse_fail(p, "break or continue outside of a loop");
    return parse_node(p, kind, line, NULL, 0);
}

static struct node *parse_break(struct parser *p, uint32_t line)
{
    return parse_leave_loop(p, line, NODE_BREAK);
}

static struct node *parse_continue(struct parser *p, uint32_t line)
{
    return parse_leave_loop(p, line, NODE_CONTINUE);
}

static statement find_statement(struct tok_text name)
{
    static const struct {
        const char *name;
        statement parse;
    } rows[] = {
        {"set", parse_set},         {"for", parse_for},
        {"if", parse_if},           {"macro", parse_macro},
        {"call", parse_call_block}, {"filter", parse_filter_block},
        {"with", parse_with},       {"generation", parse_generation},
        {"break", parse_break},     {"continue", parse_continue},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (text_equal(name, (struct tok_text){rows[i].name, strlen(rows[i].name)}))
            return rows[i].parse;
    return NULL;
}

static struct node *parse_statement(struct parser *p)
{
    const struct token *tag = p->token;
    statement found = tag->kind == TOKEN_NAME ? find_statement(tag->source) : NULL;
    if (!found) {
        parse_fail(p, "the tag '%.*s' is not supported, or not expected here",
                   (int)(tag->source.size < 40 ? tag->source.size : 40), tag->source.data);
        return parse_node(p, NODE_BLOCK, tag->line, NULL, 0);
    }
    parse_advance(p);
    struct node *node = found(p, tag->line);
    block_end(p);
    return node;
}

static bool at_one_of(const struct parser *p, const char *const *names)
{
    for (; *names; names++)
        if (parse_at_name(p, *names))
            return true;
    return false;
}

static struct node *parse_text(struct parser *p)
{
    struct node *node = parse_node(p, NODE_TEXT, p->token->line, NULL, 0);
    node->value = p->token->value;
    parse_advance(p);
    return node;
}

static struct node *parse_print(struct parser *p)
{
    uint32_t line = p->token->line;
    struct node *value = parse_tuple(p, true, NULL);
    parse_expect(p, TOKEN_PRINT_END, "'}}'");
    return parse_node(p, NODE_PRINT, line, &value, 1);
}

struct node *parse_statements(struct parser *p, const char *const *ends)
{
    struct node_list list = {0};
    uint32_t line = p->token->line;
    bool ended = false;
    parse_enter(p);
    while (!ended && !p->failed && !parse_at(p, TOKEN_END)) {
        if (parse_at(p, TOKEN_TEXT)) {
            parse_push(p, &list, parse_text(p));
            continue;
        }
        bool prints = parse_at(p, TOKEN_PRINT_BEGIN);
        parse_advance(p);
        ended = !prints && at_one_of(p, ends);
        if (!ended)
            parse_push(p, &list, prints ? parse_print(p) : parse_statement(p));
    }
    while (*ends && strncmp(*ends, "end", 3) != 0)
        ends++;
    if (!ended && *ends)
        parse_fail(p, "the template ends where '%s' is expected, in what line %u began", *ends, line);
    parse_leave(p);
    return parse_node_of(p, NODE_BLOCK, line, list);
}
