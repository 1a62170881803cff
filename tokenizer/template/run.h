/* One rendering of a template.
 *
 * A failure is remembered with its sentence and everything after it comes quickly to its end: functions give an
 * undefined value, statements do nothing. So only loops need to look at `failed`. Work, memory, output and recursion
 * are bounded. */
#ifndef TOKENIZER_TEMPLATE_RUN_H
#define TOKENIZER_TEMPLATE_RUN_H

#include "runtime/base/buffer.h"
#include "tokenizer/template/ast.h"
#include "tokenizer/template/builtin.h"

/* The bounds of one rendering. A chat of a megabyte stays far below them. */
#define RUN_MAX_WORK   ((uint64_t)1 << 28) /* bytes read or written; a node counts as RUN_NODE_WORK */
#define RUN_MAX_MEMORY ((size_t)128 << 20)
#define RUN_MAX_OUTPUT ((size_t)64 << 20)
enum { RUN_NODE_WORK = 32, RUN_MAX_NESTING = 700, RUN_MAX_RANGE = 100000 };

struct binding {
    const struct name *name;
    struct value value;
};

/* Variables; those not found here are looked for in the scope around it. */
struct scope {
    struct scope *parent;
    struct binding *bindings;
    size_t n, capacity;
};

struct macro {
    const struct node *node; /* NODE_MACRO */
    struct scope *scope;     /* where it was defined */
};

/* `loop` in a for block. */
struct loop {
    struct value *items;
    size_t index, n;
    struct list *changed; /* what loop.changed was called with last, or NULL */
};

enum flow { FLOW_ON, FLOW_BREAK, FLOW_CONTINUE };

struct run {
    struct arena arena;
    struct buffer *out;
    struct scope *scope;
    const struct name *names; /* all of the template's */
    struct value block_text;  /* what the first filter of a block is applied to */
    int64_t now;              /* seconds since 1970 */
    uint64_t work;            /* left */
    unsigned depth;
    uint32_t line;
    enum flow flow;
    bool failed;
    char *why;
    size_t why_size;
};

/* Remembers the first failure, with the line. Gives an undefined value. */
struct value run_fail(struct run *r, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The same with exactly that sentence. */
struct value run_raise(struct run *r, struct tok_text sentence);
/* "X is undefined" and the like, for something that was done with it. */
struct value run_fail_undefined(struct run *r, struct value v);
/* How much of a name a sentence shows. */
static inline int run_shown(size_t size)
{
    return size < 100 ? (int)size : 100;
}

/* Uses up work; false: there is none left. */
bool run_work(struct run *r, size_t bytes);

/* A copy of the text; or of what a buffer holds, which is released. */
struct value run_string(struct run *r, const char *text, size_t size);
struct value run_take(struct run *r, struct buffer *buffer);

/* ---- eval.c, exec.c: the tree -------------------------------------------------------------------------- */

struct value eval(struct run *r, const struct node *node);
void exec(struct run *r, const struct node *node);
/* What the block prints. */
struct value exec_captured(struct run *r, const struct node *block);
/* Assigns to a target. */
void assign(struct run *r, const struct node *target, struct value value);

/* ---- scope.c ------------------------------------------------------------------------------------------- */

struct scope *scope_new(struct run *r, struct scope *parent);
void scope_set(struct run *r, struct scope *scope, const struct name *name, struct value value);
struct value scope_get(struct run *r, const struct name *name);

/* ---- call.c -------------------------------------------------------------------------------------------- */

/* Evaluates the arguments of a call, from child `first` on. */
struct call eval_arguments(struct run *r, const struct node *node, size_t first);
struct value call_value(struct run *r, struct value callee, const struct call *call);
/* `self` is VALUE_MISSING for functions. */
struct value call_builtin(struct run *r, const struct builtin *builtin, struct value self,
                          const struct call *call);

/* ---- operate.c, compare.c ------------------------------------------------------------------------------ */

struct value operate(struct run *r, enum operation op, struct value a, struct value b);
struct value negate(struct run *r, struct value v);
bool values_equal(struct run *r, struct value a, struct value b);
/* a < b; fails where the two have no order. */
bool value_less(struct run *r, struct value a, struct value b);
bool value_contains(struct run *r, struct value container, struct value item);
bool compare(struct run *r, enum operation op, struct value a, struct value b);

/* ---- access.c ------------------------------------------------------------------------------------------ */

struct value get_attribute(struct run *r, struct value object, struct tok_text name);
struct value get_item(struct run *r, struct value object, struct value key);
/* bounds: start, stop, step, each none or an integer. */
struct value get_slice(struct run *r, struct value object, const struct value bounds[3]);

/* ---- sequence.c ---------------------------------------------------------------------------------------- */

/* What iterating over a value gives; fails where it cannot be iterated over. An iterator is used up. */
struct list *iterate(struct run *r, struct value v);
/* A list of n items, or an empty one after a failure; never NULL. */
struct list *run_list(struct run *r, size_t n);
struct value make_list(struct run *r, enum value_kind kind, struct list *list);
struct value make_pair(struct run *r, struct value a, struct value b);
struct value make_range(struct run *r, int64_t start, int64_t stop, int64_t step);
void put(struct run *r, struct dict *d, struct value key, struct value value);
/* len(v); fails where it has none. */
size_t value_length(struct run *r, struct value v);

/* ---- print.c, json.c ----------------------------------------------------------------------------------- */

/* Appends what str(v) gives. Fails for what has no fixed text, as functions and namespaces. */
void print(struct run *r, struct buffer *out, struct value v);
/* The same as a string value. */
struct value to_string(struct run *r, struct value v);
/* Appends repr(v). */
void print_repr(struct run *r, struct buffer *out, struct value v);
void print_number(struct buffer *out, struct value v);

struct json_style {
    bool ascii, sort_keys;
    struct tok_text indent; /* data is NULL: all on one line */
    struct tok_text comma, colon;
};
void print_json(struct run *r, struct buffer *out, struct value v, const struct json_style *style,
                unsigned level);

/* Escapes for HTML as MarkupSafe does. */
void print_escaped(struct buffer *out, struct tok_text text);

#endif
