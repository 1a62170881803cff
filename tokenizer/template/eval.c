/* Expressions. */
#include "tokenizer/template/run.h"

static struct value eval_logic(struct run *r, const struct node *node)
{
    bool stop_at = node->kind == NODE_OR;
    struct value v = value_none();
    for (size_t i = 0; i < node->n && !r->failed; i++) {
        v = eval(r, node->child[i]);
        if (value_is_true(v) == stop_at)
            break;
    }
    return v;
}

static struct value eval_chain(struct run *r, const struct node *node)
{
    struct value v = eval(r, node->child[0]);
    for (size_t i = 1; i < node->n && !r->failed; i++)
        v = operate(r, (enum operation)node->ops[i - 1], v, eval(r, node->child[i]));
    return v;
}

static struct value eval_compare(struct run *r, const struct node *node)
{
    struct value left = eval(r, node->child[0]);
    bool holds = true;
    for (size_t i = 1; i < node->n && holds && !r->failed; i++) {
        struct value right = eval(r, node->child[i]);
        holds = !r->failed && compare(r, (enum operation)node->ops[i - 1], left, right);
        left = right;
    }
    return value_bool(holds);
}

static struct value eval_concat(struct run *r, const struct node *node)
{
    struct buffer text = {0};
    for (size_t i = 0; i < node->n && !r->failed; i++)
        print(r, &text, eval(r, node->child[i]));
    return run_take(r, &text);
}

static struct value eval_items(struct run *r, const struct node *node)
{
    struct list *list = run_list(r, node->n);
    for (size_t i = 0; i < list->n; i++)
        list->items[i] = r->failed ? value_none() : eval(r, node->child[i]);
    return make_list(r, node->kind == NODE_LIST ? VALUE_LIST : VALUE_TUPLE, list);
}

static struct value eval_dict(struct run *r, const struct node *node)
{
    struct dict *d = dict_new(&r->arena, node->n / 2);
    for (size_t i = 0; i + 1 < node->n && !r->failed; i += 2) {
        struct value key = eval(r, node->child[i]);
        put(r, d, key, eval(r, node->child[i + 1]));
    }
    return value_dict(d);
}

static struct value eval_condition(struct run *r, const struct node *node)
{
    static const char hint[] = "the condition of an inline if is false, and it has no else";
    if (value_is_true(eval(r, node->child[0])))
        return eval(r, node->child[1]);
    return node->child[2] ? eval(r, node->child[2]) : value_undefined(UNDEFINED_HINT, hint, sizeof hint - 1);
}

static struct value eval_slice(struct run *r, const struct node *node)
{
    struct value object = eval(r, node->child[0]), bounds[3];
    for (size_t i = 0; i < 3; i++)
        bounds[i] = node->child[i + 1] ? eval(r, node->child[i + 1]) : value_none();
    return r->failed ? value_none() : get_slice(r, object, bounds);
}

static struct value eval_call(struct run *r, const struct node *node)
{
    struct value callee = eval(r, node->child[0]);
    struct call call = eval_arguments(r, node, 1);
    if (r->failed)
        return value_none();
    r->line = node->line;
    return call_value(r, callee, &call);
}

static struct value eval_applied(struct run *r, const struct node *node)
{
    struct value input = node->child[0] ? eval(r, node->child[0]) : r->block_text;
    struct call call = eval_arguments(r, node, 1);
    if (r->failed)
        return value_none();
    r->line = node->line;
    if (!node->builtin)
        return run_fail(r, "the %s '%.100s' is not supported", node->kind == NODE_FILTER ? "filter" : "test",
                        node->name->text);
    return call_builtin(r, node->builtin, input, &call);
}

static struct value eval_item(struct run *r, const struct node *node)
{
    struct value object = eval(r, node->child[0]), key = eval(r, node->child[1]);
    return r->failed ? value_none() : get_item(r, object, key);
}

static struct value eval_node(struct run *r, const struct node *node)
{
    switch ((enum node_kind)node->kind) {
    case NODE_CONST:
        return node->value;
    case NODE_NAME:
        return scope_get(r, node->name);
    case NODE_LIST:
    case NODE_TUPLE:
        return eval_items(r, node);
    case NODE_DICT:
        return eval_dict(r, node);
    case NODE_AND:
    case NODE_OR:
        return eval_logic(r, node);
    case NODE_NOT:
        return value_bool(!value_is_true(eval(r, node->child[0])));
    case NODE_NEGATE:
        return negate(r, eval(r, node->child[0]));
    case NODE_PLUS:
        return operate(r, OP_ADD, value_int(0), eval(r, node->child[0]));
    case NODE_CHAIN:
        return eval_chain(r, node);
    case NODE_CONCAT:
        return eval_concat(r, node);
    case NODE_COMPARE:
        return eval_compare(r, node);
    case NODE_CONDITION:
        return eval_condition(r, node);
    case NODE_ATTRIBUTE:
        return get_attribute(r, eval(r, node->child[0]),
                             (struct tok_text){node->name->text, node->name->size});
    case NODE_ITEM:
        return eval_item(r, node);
    case NODE_SLICE:
        return eval_slice(r, node);
    case NODE_CALL:
        return eval_call(r, node);
    case NODE_FILTER:
    case NODE_TEST:
        return eval_applied(r, node);
    default:
        return run_fail(r, "not an expression");
    }
}

struct value eval(struct run *r, const struct node *node)
{
    struct value v = value_none();
    if (!run_work(r, RUN_NODE_WORK))
        return v;
    r->line = node->line;
    if (++r->depth > RUN_MAX_NESTING)
        run_fail(r, "calls are nested too deeply");
    else
        v = eval_node(r, node);
    r->depth--;
    return v;
}
