/* The parsed template: a tree of nodes, and what parsing a template gives. */
#ifndef TOKENIZER_TEMPLATE_AST_H
#define TOKENIZER_TEMPLATE_AST_H

#include "runtime/base/tables/hash_table.h"
#include "tokenizer/template/value.h"

/* An identifier; one object for all that are spelled alike. */
struct name {
    struct hash_node node; /* of the parser's table */
    const char *text;
    size_t size;
    struct name *next;
};

/* child: what the node holds there, in order; [x] may be NULL. */
enum node_kind {
    /* expressions */
    NODE_CONST,     /* value */
    NODE_NAME,      /* name */
    NODE_LIST,      /* items */
    NODE_TUPLE,     /* items */
    NODE_DICT,      /* key, value, key, value, ... */
    NODE_AND,       /* two or more */
    NODE_OR,        /* two or more */
    NODE_NOT,       /* operand */
    NODE_NEGATE,    /* operand */
    NODE_PLUS,      /* operand */
    NODE_CHAIN,     /* operands, from left to right with ops[i] between i and i + 1 */
    NODE_CONCAT,    /* operands of ~ */
    NODE_COMPARE,   /* operands, with ops between them */
    NODE_CONDITION, /* test, value, [other value] */
    NODE_ATTRIBUTE, /* object; name */
    NODE_ITEM,      /* object, key */
    NODE_SLICE,     /* object, [start], [stop], [step] */
    NODE_CALL,      /* callee, arguments */
    NODE_FILTER, /* [input: the block's text where NULL], arguments; builtin or NULL where not known, name */
    NODE_TEST,   /* input, arguments; likewise */
    /* arguments of a call that are not plain expressions */
    NODE_KEYWORD,   /* value; name */
    NODE_STAR,      /* sequence */
    NODE_STAR_STAR, /* mapping */
    /* targets: NODE_NAME, NODE_TUPLE of targets, and */
    NODE_MEMBER, /* an attribute of a namespace: object (NODE_NAME); name */
    /* statements */
    NODE_BLOCK,        /* statements */
    NODE_TEXT,         /* value */
    NODE_PRINT,        /* expression */
    NODE_SET,          /* target, expression */
    NODE_SET_BLOCK,    /* target, [filter], block */
    NODE_FOR,          /* target, iterable, [condition], block, [else block]; name: "loop" */
    NODE_IF,           /* condition, block, condition, block, ..., else block where there is one */
    NODE_MACRO,        /* parameters, block; name, flags */
    NODE_PARAMETER,    /* [default]; name */
    NODE_CALL_BLOCK,   /* call, macro */
    NODE_FILTER_BLOCK, /* filter, block */
    NODE_WITH,         /* target, expression, ..., block */
    NODE_GENERATION,   /* block */
    NODE_BREAK,
    NODE_CONTINUE
};

enum operation {
    OP_ADD,
    OP_SUBTRACT,
    OP_MULTIPLY,
    OP_DIVIDE,
    OP_FLOOR_DIVIDE,
    OP_MODULO,
    OP_POWER,
    OP_EQUAL,
    OP_NOT_EQUAL,
    OP_LESS,
    OP_LESS_EQUAL,
    OP_GREATER,
    OP_GREATER_EQUAL,
    OP_IN,
    OP_NOT_IN
};

/* NODE_MACRO: which of the names that a macro gets unasked its body speaks of. */
enum { USES_CALLER = 1, USES_VARARGS = 2, USES_KWARGS = 4 };

struct jinja_node {
    uint8_t kind;    /* enum node_kind */
    uint8_t flags;   /* NODE_MACRO */
    uint16_t height; /* of the tree below: at most NODE_MAX_HEIGHT */
    uint32_t line;
    const struct name *name;
    struct jinja_value value;
    const struct builtin *builtin;
    const uint8_t *ops; /* [n - 1] enum operation */
    struct jinja_node **child;
    size_t n;
};

/* Levels of calls that an expression takes when it is computed: some hundred bytes of stack each, on any thread. */
enum { NODE_MAX_HEIGHT = 150 };

#endif
