/* Expressions. */
#include "tokenizer/template/run.h"

static struct jinja_value eval_logic(struct jinja_run *r, const struct jinja_node *node)
{
    bool stop_at = node->kind == NODE_OR;
    struct jinja_value v = value_none();
    for (size_t i = 0; i < node->n && !r->failed; i++) {
        v = jinja_eval(r, node->child[i]);
        if (jinja_value_is_true(v) == stop_at)
            break;
    }
    return v;
}

static struct jinja_value eval_chain(struct jinja_run *r, const struct jinja_node *node)
{
    struct jinja_value v = jinja_eval(r, node->child[0]);
    for (size_t i = 1; i < node->n && !r->failed; i++)
        v = jinja_operate(r, (enum operation)node->ops[i - 1], v, jinja_eval(r, node->child[i]));
    return v;
}

static struct jinja_value eval_compare(struct jinja_run *r, const struct jinja_node *node)
{
    struct jinja_value left = jinja_eval(r, node->child[0]);
    bool holds = true;
    for (size_t i = 1; i < node->n && holds && !r->failed; i++) {
        struct jinja_value right = jinja_eval(r, node->child[i]);
        holds = !r->failed && jinja_compare(r, (enum operation)node->ops[i - 1], left, right);
        left = right;
    }
    return value_bool(holds);
}

static struct jinja_value eval_concat(struct jinja_run *r, const struct jinja_node *node)
{
    struct buffer text = {0};
    for (size_t i = 0; i < node->n && !r->failed; i++)
        jinja_print(r, &text, jinja_eval(r, node->child[i]));
    return jinja_run_take(r, &text);
}

static struct jinja_value eval_items(struct jinja_run *r, const struct jinja_node *node)
{
    struct list *list = jinja_run_list(r, node->n);
    for (size_t i = 0; i < list->n; i++)
        list->items[i] = r->failed ? value_none() : jinja_eval(r, node->child[i]);
    return jinja_make_list(r, node->kind == NODE_LIST ? VALUE_LIST : VALUE_TUPLE, list);
}

static struct jinja_value eval_dict(struct jinja_run *r, const struct jinja_node *node)
{
    struct dict *d = jinja_dict_new(&r->arena, node->n / 2);
    for (size_t i = 0; i + 1 < node->n && !r->failed; i += 2) {
        struct jinja_value key = jinja_eval(r, node->child[i]);
        jinja_put(r, d, key, jinja_eval(r, node->child[i + 1]));
    }
    return jinja_value_dict(d);
}

static struct jinja_value eval_condition(struct jinja_run *r, const struct jinja_node *node)
{
    static const char hint[] = "the condition of an inline if is false, and it has no else";
    if (jinja_value_is_true(jinja_eval(r, node->child[0])))
        return jinja_eval(r, node->child[1]);
    return node->child[2] ? jinja_eval(r, node->child[2])
                          : value_undefined(UNDEFINED_HINT, hint, sizeof hint - 1);
}

static struct jinja_value eval_slice(struct jinja_run *r, const struct jinja_node *node)
{
    struct jinja_value object = jinja_eval(r, node->child[0]), bounds[3];
    for (size_t i = 0; i < 3; i++)
        bounds[i] = node->child[i + 1] ? jinja_eval(r, node->child[i + 1]) : value_none();
    return r->failed ? value_none() : jinja_get_slice(r, object, bounds);
}

static struct jinja_value eval_call(struct jinja_run *r, const struct jinja_node *node)
{
    struct jinja_value callee = jinja_eval(r, node->child[0]);
    struct jinja_call call = jinja_eval_arguments(r, node, 1);
    if (r->failed)
        return value_none();
    r->line = node->line;
    return jinja_call_value(r, callee, &call);
}

static struct jinja_value eval_applied(struct jinja_run *r, const struct jinja_node *node)
{
    struct jinja_value input = node->child[0] ? jinja_eval(r, node->child[0]) : r->block_text;
    struct jinja_call call = jinja_eval_arguments(r, node, 1);
    if (r->failed)
        return value_none();
    r->line = node->line;
    if (!node->builtin)
        return jinja_run_fail(r, "the %s '%.100s' is not supported",
                              node->kind == NODE_FILTER ? "filter" : "test", node->name->text);
    return jinja_call_builtin(r, node->builtin, input, &call);
}

static struct jinja_value eval_item(struct jinja_run *r, const struct jinja_node *node)
{
    struct jinja_value object = jinja_eval(r, node->child[0]), key = jinja_eval(r, node->child[1]);
    return r->failed ? value_none() : jinja_get_item(r, object, key);
}

static struct jinja_value eval_node(struct jinja_run *r, const struct jinja_node *node)
{
    switch ((enum node_kind)node->kind) {
    case NODE_CONST:
        return node->value;
    case NODE_NAME:
        return jinja_scope_get(r, node->name);
    case NODE_LIST:
    case NODE_TUPLE:
        return eval_items(r, node);
    case NODE_DICT:
        return eval_dict(r, node);
    case NODE_AND:
    case NODE_OR:
        return eval_logic(r, node);
    case NODE_NOT:
        return value_bool(!jinja_value_is_true(jinja_eval(r, node->child[0])));
    case NODE_NEGATE:
        return jinja_negate(r, jinja_eval(r, node->child[0]));
    case NODE_PLUS:
        return jinja_operate(r, OP_ADD, value_int(0), jinja_eval(r, node->child[0]));
    case NODE_CHAIN:
        return eval_chain(r, node);
    case NODE_CONCAT:
        return eval_concat(r, node);
    case NODE_COMPARE:
        return eval_compare(r, node);
    case NODE_CONDITION:
        return eval_condition(r, node);
    case NODE_ATTRIBUTE:
        return jinja_get_attribute(r, jinja_eval(r, node->child[0]),
                                   (struct hone_text){node->name->text, node->name->size});
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
        return jinja_run_fail(r, "not an expression");
    }
}

struct jinja_value jinja_eval(struct jinja_run *r, const struct jinja_node *node)
{
    struct jinja_value v = value_none();
    if (!jinja_run_work(r, RUN_NODE_WORK))
        return v;
    r->line = node->line;
    if (++r->depth > RUN_MAX_NESTING)
        jinja_run_fail(r, "calls are nested too deeply");
    else
        v = eval_node(r, node);
    r->depth--;
    return v;
}
