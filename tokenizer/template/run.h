/* One rendering of a template.
 *
 * A failure is remembered with its sentence and everything after it comes quickly to its end: jinja_functions give an
 * undefined value, statements do nothing. So only loops need to look at `failed`. Work, memory, output and recursion
 * are bounded. */
#ifndef TOKENIZER_TEMPLATE_RUN_H
#define TOKENIZER_TEMPLATE_RUN_H

#include "runtime/base/buffer.h"
#include "tokenizer/template/ast.h"
#include "tokenizer/template/builtin.h"

/* The bounds of one rendering beside its work (JINJA_WORK), of which a node is RUN_NODE_WORK. A chat of a megabyte stays far
 * below them. */
#define RUN_MAX_MEMORY ((size_t)128 << 20)
#define RUN_MAX_OUTPUT ((size_t)64 << 20)
/* RUN_CHARACTER_WORK: of asking what kind a character is, which takes some nanoseconds where a byte takes less than one. */
enum { RUN_NODE_WORK = 32, RUN_CHARACTER_WORK = 4, RUN_MAX_NESTING = 700, RUN_MAX_RANGE = 100000 };

struct binding {
    const struct name *name;
    struct jinja_value value;
};

/* Variables; those not found here are looked for in the scope around it. */
struct scope {
    struct scope *parent;
    struct binding *bindings;
    size_t n, capacity;
};

struct macro {
    const struct jinja_node *node; /* NODE_MACRO */
    struct scope *scope;           /* where it was defined */
};

/* `loop` in a for block. */
struct jinja_loop {
    struct jinja_value *items;
    size_t index, n;
    struct list *changed; /* what loop.changed was called with last, or NULL */
};

enum flow { FLOW_ON, FLOW_BREAK, FLOW_CONTINUE };

struct jinja_run {
    struct arena arena;
    struct buffer *out;
    struct scope *scope;
    const struct name *names;      /* all of the template's */
    struct jinja_value block_text; /* what the first filter of a block is applied to */
    int64_t now;                   /* seconds since 1970 */
    uint64_t work;                 /* left */
    unsigned depth;
    uint32_t line;
    enum flow flow;
    bool failed;
    struct hone_error *err;
};

/* Remembers the first failure, with the line. Gives an undefined value. */
struct jinja_value jinja_run_fail(struct jinja_run *r, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* The same with exactly that sentence. */
struct jinja_value jinja_run_raise(struct jinja_run *r, struct hone_text sentence);
/* "X is undefined" and the like, for something that was done with it. */
struct jinja_value jinja_run_fail_undefined(struct jinja_run *r, struct jinja_value v);
/* How much of a name a sentence shows. */
static inline int run_shown(size_t size)
{
    return size < 100 ? (int)size : 100;
}

/* Uses up work; false: there is none left. */
bool jinja_run_work(struct jinja_run *r, size_t bytes);

/* Whether what is written is not too long yet, and there was memory for it; fails otherwise. */
bool jinja_run_fits(struct jinja_run *r, const struct buffer *out);

/* A copy of the text; or of what a buffer holds, which is released. */
struct jinja_value jinja_run_string(struct jinja_run *r, const char *text, size_t size);
struct jinja_value jinja_run_take(struct jinja_run *r, struct buffer *buffer);

/* ---- eval.c, exec.c: the tree -------------------------------------------------------------------------- */

struct jinja_value jinja_eval(struct jinja_run *r, const struct jinja_node *node);
void jinja_exec(struct jinja_run *r, const struct jinja_node *node);
/* What the block prints. */
struct jinja_value jinja_exec_captured(struct jinja_run *r, const struct jinja_node *block);
/* Assigns to a target. */
void jinja_assign(struct jinja_run *r, const struct jinja_node *target, struct jinja_value value);

/* ---- scope.c ------------------------------------------------------------------------------------------- */

struct scope *jinja_scope_new(struct jinja_run *r, struct scope *parent);
void jinja_scope_set(struct jinja_run *r, struct scope *scope, const struct name *name,
                     struct jinja_value value);
struct jinja_value jinja_scope_get(struct jinja_run *r, const struct name *name);

/* ---- call.c -------------------------------------------------------------------------------------------- */

/* Evaluates the arguments of a call, from child `first` on. */
struct jinja_call jinja_eval_arguments(struct jinja_run *r, const struct jinja_node *node, size_t first);
struct jinja_value jinja_call_value(struct jinja_run *r, struct jinja_value callee,
                                    const struct jinja_call *call);
/* `self` is VALUE_MISSING for jinja_functions. */
struct jinja_value jinja_call_builtin(struct jinja_run *r, const struct builtin *builtin,
                                      struct jinja_value self, const struct jinja_call *call);

/* ---- operate.c, compare.c ------------------------------------------------------------------------------ */

struct jinja_value jinja_operate(struct jinja_run *r, enum operation op, struct jinja_value a,
                                 struct jinja_value b);
struct jinja_value jinja_negate(struct jinja_run *r, struct jinja_value v);
bool jinja_values_equal(struct jinja_run *r, struct jinja_value a, struct jinja_value b);
/* a < b; fails where the two have no order. */
bool jinja_value_less(struct jinja_run *r, struct jinja_value a, struct jinja_value b);
bool jinja_value_contains(struct jinja_run *r, struct jinja_value container, struct jinja_value item);
bool jinja_compare(struct jinja_run *r, enum operation op, struct jinja_value a, struct jinja_value b);

/* ---- access.c ------------------------------------------------------------------------------------------ */

struct jinja_value jinja_get_attribute(struct jinja_run *r, struct jinja_value object, struct hone_text name);
struct jinja_value jinja_get_item(struct jinja_run *r, struct jinja_value object, struct jinja_value key);
/* bounds: start, stop, step, each none or an integer. */
struct jinja_value jinja_get_slice(struct jinja_run *r, struct jinja_value object,
                                   const struct jinja_value bounds[3]);

/* ---- sequence.c ---------------------------------------------------------------------------------------- */

/* What iterating over a value gives; fails where it cannot be iterated over. An iterator is used up. */
struct list *jinja_iterate(struct jinja_run *r, struct jinja_value v);
/* A list of n items, or an empty one after a failure; never NULL. */
struct list *jinja_run_list(struct jinja_run *r, size_t n);
struct jinja_value jinja_make_list(struct jinja_run *r, enum value_kind kind, struct list *list);
struct jinja_value jinja_make_pair(struct jinja_run *r, struct jinja_value a, struct jinja_value b);
struct jinja_value jinja_make_range(struct jinja_run *r, int64_t start, int64_t stop, int64_t step);
void jinja_put(struct jinja_run *r, struct dict *d, struct jinja_value key, struct jinja_value value);
/* NULL: no such key, or no work is left. */
const struct jinja_entry *jinja_find(struct jinja_run *r, const struct dict *d, struct jinja_value key);
/* Fails for what cannot be a key. */
bool jinja_check_key(struct jinja_run *r, struct jinja_value key);
/* len(v); fails where it has none. */
size_t jinja_value_length(struct jinja_run *r, struct jinja_value v);

/* ---- print.c, json.c ----------------------------------------------------------------------------------- */

/* Appends what str(v) gives. Fails for what has no fixed text, as jinja_functions and namespaces. */
void jinja_print(struct jinja_run *r, struct buffer *out, struct jinja_value v);
/* The same as a string value. */
struct jinja_value jinja_to_string(struct jinja_run *r, struct jinja_value v);
/* Appends repr(v). */
void jinja_print_repr(struct jinja_run *r, struct buffer *out, struct jinja_value v);
void jinja_print_number(struct buffer *out, struct jinja_value v);

struct json_style {
    bool ascii, sort_keys;
    struct hone_text indent; /* data is NULL: all on one line */
    struct hone_text comma, colon;
};
void jinja_print_json(struct jinja_run *r, struct buffer *out, struct jinja_value v,
                      const struct json_style *style, unsigned level);

/* Escapes for HTML as MarkupSafe does. */
void jinja_print_escaped(struct buffer *out, struct hone_text text);

#endif
