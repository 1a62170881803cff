/* From tokens to a tree. */
#ifndef TOKENIZER_TEMPLATE_PARSER_H
#define TOKENIZER_TEMPLATE_PARSER_H

#include "tokenizer/template/ast.h"
#include "tokenizer/template/lexer.h"

struct parser {
    struct arena *arena;
    const struct token *token; /* the next one */
    struct name *names;        /* all identifiers so far */
    unsigned uses;             /* USES_CALLER...: what was named since the macro began */
    unsigned depth;            /* of recursion */
    unsigned loops;            /* that break and continue can leave */
    bool failed;
    char *why;
    size_t why_size;
};

/* The whole template as a NODE_BLOCK; NULL on failure, with a sentence. Nodes and names live in the arena. */
struct node *parse(struct arena *arena, struct tok_text source, struct name **names, char *why,
                   size_t why_size);

/* ---- what the parser's files share --------------------------------------------------------------------- */

/* Says what is wrong, with the line, and lets everything that follows come to its end: the next token is the last. */
void parse_fail(struct parser *p, const char *format, ...) __attribute__((format(printf, 2, 3)));

bool parse_at(const struct parser *p, enum token_kind kind);
bool parse_at_operator(const struct parser *p, const char *op);
bool parse_at_name(const struct parser *p, const char *name);
void parse_advance(struct parser *p);
/* Takes the token if it is that one. */
bool parse_skip_operator(struct parser *p, const char *op);
bool parse_skip_name(struct parser *p, const char *name);
/* Takes the token, which must be that one. */
void parse_expect_operator(struct parser *p, const char *op);
void parse_expect(struct parser *p, enum token_kind kind, const char *what);
const struct name *parse_name(struct parser *p);
/* The name that is spelled so. */
const struct name *parse_intern(struct parser *p, struct tok_text text);

/* Children while they are collected. */
struct node_list {
    struct node **items;
    size_t n, capacity;
};
void parse_push(struct parser *p, struct node_list *list, struct node *node);

/* A node with children, which may be NULL; never NULL itself. */
struct node *parse_node(struct parser *p, enum node_kind kind, uint32_t line, struct node **child, size_t n);
struct node *parse_node_of(struct parser *p, enum node_kind kind, uint32_t line, struct node_list list);

/* Counts recursion; false where it is too deep. Each enter has its leave. */
bool parse_enter(struct parser *p);
void parse_leave(struct parser *p);

struct node *parse_expression(struct parser *p);
/* Without the `a if b else c` of an expression. */
struct node *parse_or(struct parser *p);
/* A value with its signs and what stands behind it. */
struct node *parse_unary(struct parser *p, bool with_filters);
/* A name, or one of the constants that look like one. */
struct node *parse_word(struct parser *p);
/* One with commas is a tuple. conditional: `a if b else c` may stand there without brackets. `end`: a name that ends
 * it, or NULL. */
struct node *parse_tuple(struct parser *p, bool conditional, const char *end);
struct node *parse_target(struct parser *p, bool members, const char *end);
/* Filters behind a value, which is NULL for those of a block; `now`: the first one stands there without a bar. */
struct node *parse_filters(struct parser *p, struct node *input, bool now);

/* Statements until one of the tags in `ends` (NULL-terminated), whose name is the next token. */
struct node *parse_statements(struct parser *p, const char *const *ends);

#endif
