/* The values of a template: Python's, as far as a template can tell.
 *
 * Values are small and copied freely; what they point to lives in the arena of one rendering (or of the template, for
 * literals), and is never changed once it is made, but for namespaces and iterators. So there are no cycles other than
 * through a namespace, and nothing walks into a namespace. */
#ifndef TOKENIZER_TEMPLATE_VALUE_H
#define TOKENIZER_TEMPLATE_VALUE_H

#include "runtime/base/error.h"
#include "tokenizer/template/arena.h"

enum value_kind {
    VALUE_MISSING, /* an argument that was not given; never seen by a template */
    VALUE_UNDEFINED,
    VALUE_NONE,
    VALUE_BOOL,
    VALUE_INT,
    VALUE_FLOAT,
    VALUE_LONG, /* an integer that does not fit in 64 bits: its text, which can be shown alone */
    VALUE_STRING,
    VALUE_LIST,
    VALUE_TUPLE,
    VALUE_RANGE,
    VALUE_VIEW,     /* dict.keys(), .values(), .items(): a sequence without an index */
    VALUE_ITERATOR, /* what map, select and the like give: can be walked once, and is always true */
    VALUE_DICT,
    VALUE_NAMESPACE,
    VALUE_LOOP,
    VALUE_MACRO,
    VALUE_METHOD,
    VALUE_FUNCTION
};

/* Why a value is undefined: what an error says about it. */
enum undefined_reason { UNDEFINED_NAME, UNDEFINED_ATTRIBUTE, UNDEFINED_HINT };

struct jinja_value {
    uint8_t kind;
    uint8_t reason;     /* VALUE_UNDEFINED: enum undefined_reason */
    uint8_t owner_kind; /* UNDEFINED_ATTRIBUTE: the kind of value that has no such attribute */
    bool safe;          /* VALUE_STRING: marked as not to be escaped (Markup) */
    size_t size;        /* bytes of `text`: a string, or the name or hint of what is undefined */
    union {
        bool truth;
        int64_t integer;
        double number;
        const char *text; /* valid UTF-8 */
        struct list *list;
        struct dict *dict; /* VALUE_NAMESPACE too */
        struct jinja_loop *loop;
        const struct macro *macro;
        const struct bound_method *method;
        const struct builtin *function;
    };
};

/* VALUE_LIST to VALUE_ITERATOR. */
struct list {
    size_t n;
    struct jinja_value *items; /* [n] */
    unsigned depth;            /* of containers within containers */
    size_t next;               /* VALUE_ITERATOR: the first item that was not taken yet */
    const char *name;          /* VALUE_VIEW: its type, as it prints */
    int64_t start, stop, step; /* VALUE_RANGE */
};

struct jinja_entry {
    struct jinja_value key, value;
    uint64_t hash;
};

/* In the order of insertion. */
struct dict {
    size_t n, capacity;
    struct jinja_entry *entries;
    uint32_t *slots; /* [n_slots], 1 + entry, 0: free; NULL while there are few entries */
    size_t n_slots;  /* a power of two */
    unsigned depth;
};

/* How deep containers may be nested. */
enum { VALUE_MAX_DEPTH = 100 };

static inline struct jinja_value value_none(void)
{
    return (struct jinja_value){.kind = VALUE_NONE};
}

static inline struct jinja_value value_missing(void)
{
    return (struct jinja_value){.kind = VALUE_MISSING};
}

static inline struct jinja_value value_bool(bool truth)
{
    return (struct jinja_value){.kind = VALUE_BOOL, .truth = truth};
}

static inline struct jinja_value value_int(int64_t integer)
{
    return (struct jinja_value){.kind = VALUE_INT, .integer = integer};
}

static inline struct jinja_value value_float(double number)
{
    return (struct jinja_value){.kind = VALUE_FLOAT, .number = number};
}

/* The digits are not copied. */
static inline struct jinja_value value_long(const char *digits, size_t size)
{
    return (struct jinja_value){.kind = VALUE_LONG, .text = digits, .size = size};
}

/* The text is not copied. */
static inline struct jinja_value value_text(const char *text, size_t size)
{
    return (struct jinja_value){.kind = VALUE_STRING, .text = text, .size = size};
}

static inline struct jinja_value value_literal(const char *text)
{
    return value_text(text, __builtin_strlen(text));
}

static inline struct jinja_value value_undefined(enum undefined_reason reason, const char *text, size_t size)
{
    return (struct jinja_value){
        .kind = VALUE_UNDEFINED, .reason = (uint8_t)reason, .text = text, .size = size};
}

static inline bool value_is(struct jinja_value v, enum value_kind kind)
{
    return v.kind == kind;
}

/* bool, int, float: Python's numbers. */
static inline bool value_is_number(struct jinja_value v)
{
    return v.kind >= VALUE_BOOL && v.kind <= VALUE_FLOAT;
}

/* bool, int. */
static inline bool value_is_integer(struct jinja_value v)
{
    return v.kind == VALUE_BOOL || v.kind == VALUE_INT;
}

/* Something with a struct list. */
static inline bool value_is_list(struct jinja_value v)
{
    return v.kind >= VALUE_LIST && v.kind <= VALUE_ITERATOR;
}

static inline int64_t value_integer(struct jinja_value v)
{
    return v.kind == VALUE_BOOL ? v.truth : v.integer;
}

static inline double value_number(struct jinja_value v)
{
    return v.kind == VALUE_FLOAT ? v.number : (double)value_integer(v);
}

static inline struct hone_text value_string(struct jinja_value v)
{
    return (struct hone_text){v.text, v.size};
}

/* "int", "dict": as Python calls the type. */
const char *jinja_value_type_name(struct jinja_value v);

/* Of a container, or 0. */
unsigned jinja_value_depth(struct jinja_value v);

bool jinja_value_is_true(struct jinja_value v);

/* A list of `kind` with room for n items, which the caller fills. `items` is not NULL where the list is not. */
struct list *jinja_list_new(struct arena *a, size_t n);
/* The list as a value; fails the arena's way (an empty list comes back) where `list` is NULL. */
struct jinja_value jinja_value_list(enum value_kind kind, struct list *list);

/* What a dictionary finds its keys by. False: a key cannot be of this kind. */
bool jinja_value_hash(struct jinja_value v, uint64_t *hash);

struct dict *jinja_dict_new(struct arena *a, size_t capacity);
/* Sets a key that jinja_value_hash accepts. */
void jinja_dict_set(struct arena *a, struct dict *d, struct jinja_value key, struct jinja_value value);
/* NULL: no such key. */
const struct jinja_entry *jinja_dict_find(const struct dict *d, struct jinja_value key);
const struct jinja_entry *jinja_dict_find_text(const struct dict *d, const char *text, size_t size);
struct jinja_value jinja_value_dict(struct dict *d);

#endif
