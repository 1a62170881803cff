/* From tokens to a tree. */
#ifndef TOKENIZER_TEMPLATE_PARSER_H
#define TOKENIZER_TEMPLATE_PARSER_H

#include "tokenizer/template/ast.h"
#include "tokenizer/template/lexer.h"

struct jinja_parser {
    struct arena *arena;
    const struct token *token; /* the next one */
    struct name *names;        /* all identifiers so far, */
    struct hash_table by_name; /* and where to find each */
    unsigned uses;             /* USES_CALLER...: what was named since the macro began */
    unsigned depth;            /* of recursion */
    unsigned loops;            /* that break and continue can leave */
    bool failed;
    struct hone_error *err;
};

/* The whole template as a NODE_BLOCK; NULL on failure, with a sentence. Nodes and names live in the arena. */
struct jinja_node *jinja_parse(struct arena *arena, struct hone_text source, struct name **names,
                               struct hone_error *err);

/* ---- what the parser's files share --------------------------------------------------------------------- */

/* Says what is wrong, with the line, and lets everything that follows come to its end: the next token is the last. */
void jinja_parse_fail(struct jinja_parser *p, const char *format, ...) __attribute__((format(printf, 2, 3)));

bool jinja_parse_at(const struct jinja_parser *p, enum token_kind kind);
bool jinja_parse_at_operator(const struct jinja_parser *p, const char *op);
bool jinja_parse_at_name(const struct jinja_parser *p, const char *name);
void jinja_parse_advance(struct jinja_parser *p);
/* Takes the token if it is that one. */
bool jinja_parse_skip_operator(struct jinja_parser *p, const char *op);
bool jinja_parse_skip_name(struct jinja_parser *p, const char *name);
/* Takes the token, which must be that one. */
void jinja_parse_expect_operator(struct jinja_parser *p, const char *op);
void jinja_parse_expect(struct jinja_parser *p, enum token_kind kind, const char *what);
const struct name *jinja_parse_name(struct jinja_parser *p);
/* The name that is spelled so. */
const struct name *jinja_parse_intern(struct jinja_parser *p, struct hone_text text);

/* Children while they are collected. */
struct node_list {
    struct jinja_node **items;
    size_t n, capacity;
};
void jinja_parse_push(struct jinja_parser *p, struct node_list *list, struct jinja_node *node);

/* A node with children, which may be NULL; never NULL itself. */
struct jinja_node *jinja_parse_node(struct jinja_parser *p, enum node_kind kind, uint32_t line,
                                    struct jinja_node **child, size_t n);
struct jinja_node *jinja_parse_node_of(struct jinja_parser *p, enum node_kind kind, uint32_t line,
                                       struct node_list list);

/* Counts recursion; false where it is too deep. Each enter has its leave. */
bool jinja_parse_enter(struct jinja_parser *p);
void jinja_parse_leave(struct jinja_parser *p);

struct jinja_node *jinja_parse_expression(struct jinja_parser *p);
/* Without the `a if b else c` of an expression. */
struct jinja_node *jinja_parse_or(struct jinja_parser *p);
/* A value with its signs and what stands behind it. */
struct jinja_node *jinja_parse_unary(struct jinja_parser *p, bool with_filters);
/* A name, or one of the constants that look like one. */
struct jinja_node *jinja_parse_word(struct jinja_parser *p);
/* One with commas is a tuple. conditional: `a if b else c` may stand there without brackets. `end`: a name that ends
 * it, or NULL. */
struct jinja_node *jinja_parse_tuple(struct jinja_parser *p, bool conditional, const char *end);
struct jinja_node *jinja_parse_target(struct jinja_parser *p, bool members, const char *end);
/* Filters behind a value, which is NULL for those of a block; `now`: the first one stands there without a bar. */
struct jinja_node *jinja_parse_filters(struct jinja_parser *p, struct jinja_node *input, bool now);

/* Statements until one of the tags in `ends` (NULL-terminated), whose name is the next token. */
struct jinja_node *jinja_parse_statements(struct jinja_parser *p, const char *const *ends);

#endif
