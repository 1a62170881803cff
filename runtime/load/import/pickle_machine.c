#include "runtime/load/import/pickle_machine.h"

#include "runtime/base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct pickle_name names[] = {
    {"torch._utils", "_rebuild_tensor_v2", G_REBUILD, NULL, 0},
    {"torch._utils", "_rebuild_parameter", G_PARAMETER, NULL, 0},
    {"collections", "OrderedDict", G_ORDERED, NULL, 0},
    {"torch", "FloatStorage", G_STORAGE, "F32", 4},
    {"torch", "HalfStorage", G_STORAGE, "F16", 2},
    {"torch", "BFloat16Storage", G_STORAGE, "BF16", 2},
    {"torch", "DoubleStorage", G_STORAGE, "F64", 8},
    {"torch", "LongStorage", G_STORAGE, "I64", 8},
    {"torch", "IntStorage", G_STORAGE, "I32", 4},
    {"torch", "ShortStorage", G_STORAGE, "I16", 2},
    {"torch", "CharStorage", G_STORAGE, "I8", 1},
    {"torch", "ByteStorage", G_STORAGE, "U8", 1},
    {"torch", "BoolStorage", G_STORAGE, "BOOL", 1},
};

static void fail(struct pickle_machine *m, const char *what)
{
    if (m->status == HONE_OK)
        m->status = hone_fail(m->err, HONE_BAD_MODEL, "%s: byte %zu of the pickle: %s", m->path, m->at, what);
}

static void fail_memory(struct pickle_machine *m)
{
    if (m->status == HONE_OK)
        m->status = hone_no_memory(m->err, m->path, m->n_nodes * sizeof *m->nodes);
}

/* ---- nodes and the stack ---- */

static uint32_t new_node(struct pickle_machine *m, enum pickle_kind kind)
{
    if (m->n_nodes == m->node_capacity) {
        size_t capacity = 2 * m->node_capacity + 256;
        struct pickle_node *nodes =
            capacity < UINT32_MAX ? reallocarray(m->nodes, capacity, sizeof *nodes) : NULL;
        if (!nodes) {
            fail_memory(m);
            return 0;
        }
        m->nodes = nodes;
        m->node_capacity = capacity;
    }
    m->nodes[m->n_nodes] = (struct pickle_node){.kind = kind};
    return (uint32_t)m->n_nodes++;
}

static void push(struct pickle_machine *m, uint32_t node)
{
    if (m->n_stack == m->stack_capacity) {
        size_t capacity = 2 * m->stack_capacity + 256;
        uint32_t *stack = reallocarray(m->stack, capacity, sizeof *stack);
        if (!stack) {
            fail_memory(m);
            return;
        }
        m->stack = stack;
        m->stack_capacity = capacity;
    }
    m->stack[m->n_stack++] = node;
}

static uint32_t pop(struct pickle_machine *m)
{
    if (m->n_stack > 0)
        return m->stack[--m->n_stack];
    fail(m, "the stack is empty");
    return 0; /* the first node, which is there always */
}

/* Where the values behind the last mark begin. */
static size_t find_mark(struct pickle_machine *m)
{
    for (size_t i = m->n_stack; i-- > 0;)
        if (m->nodes[m->stack[i]].kind == K_MARK)
            return i + 1;
    fail(m, "there is no mark");
    return m->n_stack;
}

/* Puts values of the stack, from `first` on, into a node, and takes them from the stack. */
static void move_items(struct pickle_machine *m, uint32_t node, size_t first)
{
    struct pickle_node *to = &m->nodes[node];
    size_t n = m->n_stack - first;
    if (to->n_items + n > to->capacity) {
        size_t capacity = 2 * (to->n_items + n);
        uint32_t *items = reallocarray(to->items, capacity, sizeof *items);
        if (!items) {
            fail_memory(m);
            return;
        }
        to->items = items;
        to->capacity = capacity;
    }
    if (n > 0)
        memcpy(to->items + to->n_items, m->stack + first, n * sizeof *to->items);
    to->n_items += n;
    m->n_stack = first;
}

/* Those behind the last mark, which goes too. */
static void move_marked(struct pickle_machine *m, uint32_t node)
{
    size_t first = find_mark(m);
    move_items(m, node, first);
    if (m->status == HONE_OK)
        m->n_stack--;
}

static void push_tuple(struct pickle_machine *m, size_t n)
{
    if (n > m->n_stack) {
        fail(m, "the stack is empty");
        return;
    }
    uint32_t tuple = new_node(m, K_TUPLE);
    if (m->status == HONE_OK)
        move_items(m, tuple, m->n_stack - n);
    push(m, tuple);
}

static void push_number(struct pickle_machine *m, enum pickle_kind kind, int64_t number)
{
    uint32_t node = new_node(m, kind);
    if (m->status == HONE_OK)
        m->nodes[node].number = number;
    push(m, node);
}

/* ---- arguments ---- */

static const unsigned char *take(struct pickle_machine *m, uint64_t n)
{
    static const unsigned char nothing[16];
    if (n > m->size - m->at) {
        fail(m, "it is cut short");
        return nothing;
    }
    m->at += (size_t)n;
    return m->data + m->at - n;
}

static uint64_t take_number(struct pickle_machine *m, size_t bytes)
{
    const unsigned char *p = take(m, bytes);
    uint64_t x = 0;
    for (size_t i = bytes; i-- > 0;)
        x = x << 8 | p[i];
    return x;
}

static struct hone_text take_line(struct pickle_machine *m)
{
    const char *start = (const char *)m->data + m->at, *end = memchr(start, '\n', m->size - m->at);
    if (!end) {
        fail(m, "a line has no end");
        return (struct hone_text){"", 0};
    }
    m->at += (size_t)(end - start) + 1;
    return (struct hone_text){start, (size_t)(end - start)};
}

static void push_text(struct pickle_machine *m, uint64_t n)
{
    const unsigned char *p = take(m, n);
    uint32_t node = new_node(m, K_TEXT);
    if (m->status == HONE_OK)
        m->nodes[node].text = (struct hone_text){(const char *)p, (size_t)n};
    push(m, node);
}

/* Little-endian, as long as it says, with a sign. */
static void push_long(struct pickle_machine *m, uint64_t n)
{
    const unsigned char *p = take(m, n);
    uint64_t x = 0;
    if (n > 8)
        fail(m, "a number has more than 64 bits");
    for (size_t i = 0; i < n && i < 8 && m->status == HONE_OK; i++)
        x |= (uint64_t)p[i] << (8 * i);
    if (n > 0 && n < 8 && m->status == HONE_OK && p[n - 1] & 0x80)
        x |= UINT64_MAX << (8 * n);
    push_number(m, K_INT, (int64_t)x);
}

/* ---- what names mean ---- */

static void push_global(struct pickle_machine *m, struct hone_text module, struct hone_text name)
{
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (text_is(module, names[i].module) && text_is(name, names[i].name)) {
            uint32_t node = new_node(m, K_GLOBAL);
            if (m->status == HONE_OK)
                m->nodes[node].global = &names[i];
            push(m, node);
            return;
        }
    if (m->status == HONE_OK)
        m->status =
            hone_fail(m->err, HONE_BAD_MODEL,
                      "%s: the pickle wants '%.*s' of '%.*s'; only tensors are read, and nothing is executed",
                      m->path, (int)(name.size < 80 ? name.size : 80), name.data,
                      (int)(module.size < 80 ? module.size : 80), module.data);
}

/* ("storage", class, key, device, size) */
static void load_persistent(struct pickle_machine *m)
{
    const struct pickle_node *id = &m->nodes[pop(m)];
    const struct pickle_node *word = pickle_item(m, id, 0), *class = pickle_item(m, id, 1),
                             *key = pickle_item(m, id, 2);
    bool good = id->kind == K_TUPLE && word->kind == K_TEXT && text_is(word->text, "storage") &&
                class->kind == K_GLOBAL && class->global->global == G_STORAGE && key->kind == K_TEXT;
    if (!good) {
        fail(m, "something else than a storage of numbers is asked for");
        return;
    }
    struct hone_text text = key->text;
    const struct pickle_name *global = class->global;
    uint32_t node = new_node(m, K_STORAGE);
    if (m->status == HONE_OK) {
        m->nodes[node].text = text;
        m->nodes[node].global = global;
    }
    push(m, node);
}

/* A name applied to a tuple. (storage, offset, size, stride, ...) becomes a tensor, a parameter is one, and an ordered
 * dictionary is a dictionary. */
static void reduce(struct pickle_machine *m)
{
    uint32_t arguments = pop(m), function = pop(m);
    const struct pickle_node *f = &m->nodes[function], *a = &m->nodes[arguments];
    if (f->kind != K_GLOBAL || a->kind != K_TUPLE) {
        fail(m, "something is called that is no tensor's");
        return;
    }
    enum pickle_global global = f->global->global;
    if (global == G_PARAMETER && pickle_item(m, a, 0)->kind == K_TENSOR) {
        push(m, a->items[0]);
        return;
    }
    if (global == G_ORDERED) {
        push(m, new_node(m, K_DICT));
        return;
    }
    if (global != G_REBUILD || pickle_item(m, a, 0)->kind != K_STORAGE ||
        pickle_item(m, a, 1)->kind != K_INT || pickle_item(m, a, 2)->kind != K_TUPLE ||
        pickle_item(m, a, 3)->kind != K_TUPLE) {
        fail(m, "a tensor is not made of a storage, a place, a shape and strides");
        return;
    }
    uint32_t tensor = new_node(m, K_TENSOR);
    if (m->status == HONE_OK) {
        struct pickle_node *t = &m->nodes[tensor];
        a = &m->nodes[arguments];
        t->storage = a->items[0];
        t->items = malloc(3 * sizeof *t->items);
        if (t->items)
            memcpy(t->items, a->items + 1, 3 * sizeof *t->items);
        else
            fail_memory(m);
        t->n_items = t->items ? 3 : 0;
    }
    push(m, tensor);
}

/* ---- the machine ---- */

static void remember(struct pickle_machine *m, uint64_t number)
{
    if (number > m->size) { /* no more than there are instructions */
        fail(m, "a place of the memo is out of all proportion");
        return;
    }
    if (number >= m->n_memo) {
        size_t n = 2 * (size_t)number + 64;
        uint32_t *memo = reallocarray(m->memo, n, sizeof *memo);
        if (!memo) {
            fail_memory(m);
            return;
        }
        memset(memo + m->n_memo, 0xff, (n - m->n_memo) * sizeof *memo);
        m->memo = memo;
        m->n_memo = n;
    }
    if (m->n_stack == 0) {
        fail(m, "the stack is empty");
        return;
    }
    m->n_remembered += m->memo[number] == UINT32_MAX;
    m->memo[number] = m->stack[m->n_stack - 1];
}

static void recall(struct pickle_machine *m, uint64_t number)
{
    if (number < m->n_memo && m->memo[number] != UINT32_MAX)
        push(m, m->memo[number]);
    else
        fail(m, "a place of the memo is empty");
}

static void set_items(struct pickle_machine *m, size_t first, enum pickle_kind kind)
{
    uint32_t target = first > 0 ? m->stack[first - 1] : 0;
    if (first == 0 || m->nodes[target].kind != kind || (kind == K_DICT && (m->n_stack - first) % 2 != 0))
        fail(m, "items are put where there is no list or dictionary");
    else
        move_items(m, target, first);
}

/* The same behind a mark, which stands between. */
static void set_marked(struct pickle_machine *m, enum pickle_kind kind)
{
    size_t first = find_mark(m);
    if (m->status != HONE_OK || first < 2) {
        fail(m, "items are put where there is no list or dictionary");
        return;
    }
    memmove(m->stack + first - 1, m->stack + first, (m->n_stack - first) * sizeof *m->stack);
    m->n_stack--;
    set_items(m, first - 1, kind);
}

/* What an object keeps beside its items says nothing of tensors. */
static void build(struct pickle_machine *m)
{
    pop(m);
    if (m->n_stack == 0 || m->nodes[m->stack[m->n_stack - 1]].kind != K_DICT)
        fail(m, "an object is filled that is no dictionary");
}

static void push_stack_global(struct pickle_machine *m)
{
    const struct pickle_node *name = &m->nodes[pop(m)], *module = &m->nodes[pop(m)];
    if (name->kind != K_TEXT || module->kind != K_TEXT)
        fail(m, "a name is no text");
    else
        push_global(m, module->text, name->text);
}

/* Instructions with a number or a text behind them; false: another one. */
static bool step_argument(struct pickle_machine *m, unsigned char op)
{
    switch (op) {
    case 'K':
        push_number(m, K_INT, (int64_t)take_number(m, 1));
        return true;
    case 'M':
        push_number(m, K_INT, (int64_t)take_number(m, 2));
        return true;
    case 'J':
        push_number(m, K_INT, (int32_t)(uint32_t)take_number(m, 4));
        return true;
    case 0x8a:
        push_long(m, take_number(m, 1));
        return true;
    case 0x8b:
        push_long(m, take_number(m, 4));
        return true;
    case 'G':
        take(m, 8);
        push(m, new_node(m, K_OTHER));
        return true;
    case 'X':
    case 'T': /* bytes of Python 2 */
        push_text(m, take_number(m, 4));
        return true;
    case 'U':
    case 0x8c:
        push_text(m, take_number(m, 1));
        return true;
    case 0x8d:
        push_text(m, take_number(m, 8));
        return true;
    case 'q':
        remember(m, take_number(m, 1));
        return true;
    case 'r':
        remember(m, take_number(m, 4));
        return true;
    case 'h':
        recall(m, take_number(m, 1));
        return true;
    case 'j':
        recall(m, take_number(m, 4));
        return true;
    case 0x80: /* the protocol */
        take(m, 1);
        return true;
    case 0x95: /* a frame */
        take(m, 8);
        return true;
    case 'c': {
        struct hone_text module = take_line(m);
        push_global(m, module, take_line(m));
        return true;
    }
    default:
        return false;
    }
}

/* Instructions that make a value of nothing, or of what is on the stack; false: it is none of them. */
static bool step_make(struct pickle_machine *m, unsigned char op)
{
    uint32_t node;
    switch (op) {
    case '(':
        push(m, new_node(m, K_MARK));
        break;
    case 'N':
        push(m, new_node(m, K_NONE));
        break;
    case 0x88:
    case 0x89:
        push_number(m, K_BOOL, op == 0x88);
        break;
    case ')':
        push_tuple(m, 0);
        break;
    case 0x85:
    case 0x86:
    case 0x87:
        push_tuple(m, (size_t)op - 0x84);
        break;
    case 't':
    case 'l':
    case 'd':
        node = new_node(m, op == 't' ? K_TUPLE : op == 'l' ? K_LIST : K_DICT);
        if (m->status == HONE_OK)
            move_marked(m, node);
        push(m, node);
        break;
    case ']':
        push(m, new_node(m, K_LIST));
        break;
    case '}':
        push(m, new_node(m, K_DICT));
        break;
    default:
        return false;
    }
    return true;
}

/* Instructions that work on values that are there. */
static void step(struct pickle_machine *m, unsigned char op)
{
    char what[64];
    if (step_argument(m, op) || step_make(m, op))
        return;
    switch (op) {
    case 'a':
        set_items(m, m->n_stack - (m->n_stack > 0), K_LIST);
        break;
    case 's':
        set_items(m, m->n_stack - (m->n_stack > 1 ? 2 : m->n_stack), K_DICT);
        break;
    case 'e':
        set_marked(m, K_LIST);
        break;
    case 'u':
        set_marked(m, K_DICT);
        break;
    case 'Q':
        load_persistent(m);
        break;
    case 'R':
        reduce(m);
        break;
    case 'b':
        build(m);
        break;
    case 0x93:
        push_stack_global(m);
        break;
    case 0x94:
        remember(m, m->n_remembered);
        break;
    default:
        snprintf(what, sizeof what, "the instruction 0x%02x is not one of a tensor's", op);
        fail(m, what);
    }
}

uint32_t pickle_machine_run(struct pickle_machine *m)
{
    new_node(m, K_NONE); /* what stands for a value that is not there */
    for (unsigned char op = 0; m->status == HONE_OK && op != '.';) {
        if (m->at == m->size) {
            fail(m, "it has no end");
            break;
        }
        op = m->data[m->at++];
        if (op != '.')
            step(m, op);
    }
    return m->status == HONE_OK ? pop(m) : 0;
}

void pickle_machine_release(struct pickle_machine *m)
{
    for (size_t i = 0; i < m->n_nodes; i++)
        free(m->nodes[i].items);
    free(m->nodes);
    free(m->stack);
    free(m->memo);
}
