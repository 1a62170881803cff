#include "tokenizer/template/parser.h"

#include "runtime/base/text.h"
#include "tokenizer/template/text.h"

#include <string.h>

typedef struct jinja_node *(*statement)(struct jinja_parser *p, uint32_t line);

static void block_end(struct jinja_parser *p)
{
    jinja_parse_expect(p, TOKEN_BLOCK_END, "'%}'");
}

/* The block behind an opening tag, whose own end is the next token. */
static struct jinja_node *body(struct jinja_parser *p, const char *const *ends)
{
    jinja_parse_skip_operator(p, ":");
    block_end(p);
    return jinja_parse_statements(p, ends);
}

static struct jinja_node *body_until(struct jinja_parser *p, const char *end)
{
    const char *const ends[] = {end, NULL};
    struct jinja_node *block = body(p, ends);
    jinja_parse_advance(p);
    return block;
}

static struct jinja_node *parse_set(struct jinja_parser *p, uint32_t line)
{
    struct jinja_node *target = jinja_parse_target(p, true, NULL);
    if (jinja_parse_skip_operator(p, "=")) {
        struct jinja_node *value = jinja_parse_tuple(p, true, NULL);
        return jinja_parse_node(p, NODE_SET, line, (struct jinja_node *[]){target, value}, 2);
    }
    struct jinja_node *filter = jinja_parse_filters(p, NULL, false);
    struct jinja_node *block = body_until(p, "endset");
    return jinja_parse_node(p, NODE_SET_BLOCK, line, (struct jinja_node *[]){target, filter, block}, 3);
}

static struct jinja_node *parse_for(struct jinja_parser *p, uint32_t line)
{
    static const char *const ends[] = {"endfor", "else", NULL};
    struct jinja_node *target = jinja_parse_target(p, false, "in"), *condition = NULL, *otherwise = NULL;
    if (!jinja_parse_skip_name(p, "in"))
        jinja_parse_fail(p, "expected 'in' in a for tag");
    struct jinja_node *items = jinja_parse_tuple(p, false, "recursive");
    if (jinja_parse_skip_name(p, "if"))
        condition = jinja_parse_expression(p);
    if (jinja_parse_at_name(p, "recursive"))
        jinja_parse_fail(p, "recursive loops are not supported");
    p->loops++;
    struct jinja_node *block = body(p, ends);
    p->loops--;
    bool has_else = jinja_parse_at_name(p, "else");
    jinja_parse_advance(p);
    if (has_else)
        otherwise = body_until(p, "endfor");
    struct jinja_node *node = jinja_parse_node(
        p, NODE_FOR, line, (struct jinja_node *[]){target, items, condition, block, otherwise}, 5);
    node->name = jinja_parse_intern(p, (struct hone_text){"loop", 4});
    return node;
}

static struct jinja_node *parse_if(struct jinja_parser *p, uint32_t line)
{
    static const char *const ends[] = {"elif", "else", "endif", NULL};
    struct node_list list = {0};
    bool again = true;
    while (again && !p->failed) {
        jinja_parse_push(p, &list, jinja_parse_tuple(p, false, NULL));
        jinja_parse_push(p, &list, body(p, ends));
        again = jinja_parse_at_name(p, "elif");
        bool has_else = jinja_parse_at_name(p, "else");
        jinja_parse_advance(p);
        if (has_else)
            jinja_parse_push(p, &list, body_until(p, "endif"));
    }
    return jinja_parse_node_of(p, NODE_IF, line, list);
}

static void parse_parameters(struct jinja_parser *p, struct node_list *list)
{
    bool has_default = false;
    jinja_parse_expect_operator(p, "(");
    while (!jinja_parse_at_operator(p, ")") && !p->failed) {
        if (list->n)
            jinja_parse_expect_operator(p, ",");
        uint32_t line = p->token->line;
        const struct name *name = jinja_parse_name(p);
        struct jinja_node *value = NULL;
        if (jinja_parse_skip_operator(p, "="))
            value = jinja_parse_expression(p);
        else if (has_default)
            jinja_parse_fail(p, "a parameter without a default behind one with it");
        has_default |= value != NULL;
        struct jinja_node *parameter = jinja_parse_node(p, NODE_PARAMETER, line, &value, 1);
        parameter->name = name;
        jinja_parse_push(p, list, parameter);
    }
    jinja_parse_expect_operator(p, ")");
}

/* A macro from its parameters on: the names that it gets unasked are looked for in its body alone. */
static struct jinja_node *finish_macro(struct jinja_parser *p, uint32_t line, struct node_list list,
                                       const struct name *name, const char *end)
{
    unsigned uses = p->uses, loops = p->loops;
    p->uses = p->loops = 0;
    jinja_parse_push(p, &list, body_until(p, end));
    struct jinja_node *macro = jinja_parse_node_of(p, NODE_MACRO, line, list);
    macro->name = name;
    macro->flags = (uint8_t)p->uses;
    p->uses |= uses;
    p->loops = loops;
    return macro;
}

static struct jinja_node *parse_macro(struct jinja_parser *p, uint32_t line)
{
    struct node_list list = {0};
    const struct name *name = jinja_parse_name(p);
    parse_parameters(p, &list);
    return finish_macro(p, line, list, name, "endmacro");
}

static struct jinja_node *parse_call_block(struct jinja_parser *p, uint32_t line)
{
    struct node_list list = {0};
    if (jinja_parse_at_operator(p, "("))
        parse_parameters(p, &list);
    struct jinja_node *call = jinja_parse_expression(p);
    if (call->kind != NODE_CALL)
        jinja_parse_fail(p, "expected a call in a call tag");
    struct jinja_node *macro = finish_macro(p, line, list, NULL, "endcall");
    return jinja_parse_node(p, NODE_CALL_BLOCK, line, (struct jinja_node *[]){call, macro}, 2);
}

static struct jinja_node *parse_filter_block(struct jinja_parser *p, uint32_t line)
{
    struct jinja_node *filter = jinja_parse_filters(p, NULL, true);
    return jinja_parse_node(p, NODE_FILTER_BLOCK, line,
                            (struct jinja_node *[]){filter, body_until(p, "endfilter")}, 2);
}

static struct jinja_node *parse_with(struct jinja_parser *p, uint32_t line)
{
    struct node_list list = {0};
    while (!jinja_parse_at(p, TOKEN_BLOCK_END) && !p->failed) {
        if (list.n)
            jinja_parse_expect_operator(p, ",");
        jinja_parse_push(p, &list, jinja_parse_target(p, false, NULL));
        jinja_parse_expect_operator(p, "=");
        jinja_parse_push(p, &list, jinja_parse_expression(p));
    }
    jinja_parse_push(p, &list, body_until(p, "endwith"));
    return jinja_parse_node_of(p, NODE_WITH, line, list);
}

static struct jinja_node *parse_generation(struct jinja_parser *p, uint32_t line)
{
    unsigned loops = p->loops;
    p->loops = 0;
    struct jinja_node *block = body_until(p, "endgeneration");
    p->loops = loops;
    return jinja_parse_node(p, NODE_GENERATION, line, &block, 1);
}

static struct jinja_node *parse_leave_loop(struct jinja_parser *p, uint32_t line, enum node_kind kind)
{
    if (!p->loops)
        jinja_parse_fail(p, "break or continue outside of a loop");
    return jinja_parse_node(p, kind, line, NULL, 0);
}

static struct jinja_node *parse_break(struct jinja_parser *p, uint32_t line)
{
    return parse_leave_loop(p, line, NODE_BREAK);
}

static struct jinja_node *parse_continue(struct jinja_parser *p, uint32_t line)
{
    return parse_leave_loop(p, line, NODE_CONTINUE);
}

static statement find_statement(struct hone_text name)
{
    static const struct {
        const char *name;
        statement read;
    } rows[] = {
        {"set", parse_set},         {"for", parse_for},
        {"if", parse_if},           {"macro", parse_macro},
        {"call", parse_call_block}, {"filter", parse_filter_block},
        {"with", parse_with},       {"generation", parse_generation},
        {"break", parse_break},     {"continue", parse_continue},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (text_is(name, rows[i].name))
            return rows[i].read;
    return NULL;
}

static struct jinja_node *parse_statement(struct jinja_parser *p)
{
    const struct token *tag = p->token;
    statement found = tag->kind == TOKEN_NAME ? find_statement(tag->source) : NULL;
    if (!found) {
        jinja_parse_fail(p, "the tag '%.*s' is not supported, or not expected here",
                         (int)(tag->source.size < 40 ? tag->source.size : 40), tag->source.data);
        return jinja_parse_node(p, NODE_BLOCK, tag->line, NULL, 0);
    }
    jinja_parse_advance(p);
    struct jinja_node *node = found(p, tag->line);
    block_end(p);
    return node;
}

static bool at_one_of(const struct jinja_parser *p, const char *const *names)
{
    for (; *names; names++)
        if (jinja_parse_at_name(p, *names))
            return true;
    return false;
}

static struct jinja_node *parse_text(struct jinja_parser *p)
{
    struct jinja_node *node = jinja_parse_node(p, NODE_TEXT, p->token->line, NULL, 0);
    node->value = p->token->value;
    jinja_parse_advance(p);
    return node;
}

static struct jinja_node *parse_print(struct jinja_parser *p)
{
    uint32_t line = p->token->line;
    struct jinja_node *value = jinja_parse_tuple(p, true, NULL);
    jinja_parse_expect(p, TOKEN_PRINT_END, "'}}'");
    return jinja_parse_node(p, NODE_PRINT, line, &value, 1);
}

struct jinja_node *jinja_parse_statements(struct jinja_parser *p, const char *const *ends)
{
    struct node_list list = {0};
    uint32_t line = p->token->line;
    bool ended = false;
    jinja_parse_enter(p);
    while (!ended && !p->failed && !jinja_parse_at(p, TOKEN_END)) {
        if (jinja_parse_at(p, TOKEN_TEXT)) {
            jinja_parse_push(p, &list, parse_text(p));
            continue;
        }
        bool prints = jinja_parse_at(p, TOKEN_PRINT_BEGIN);
        jinja_parse_advance(p);
        ended = !prints && at_one_of(p, ends);
        if (!ended)
            jinja_parse_push(p, &list, prints ? parse_print(p) : parse_statement(p));
    }
    while (*ends && strncmp(*ends, "end", 3) != 0)
        ends++;
    if (!ended && *ends)
        jinja_parse_fail(p, "the template ends where '%s' is expected, in what line %u began", *ends, line);
    jinja_parse_leave(p);
    return jinja_parse_node_of(p, NODE_BLOCK, line, list);
}
