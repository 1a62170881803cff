/* Statements. */
#include "tokenizer/template/run.h"

static void exec_text(struct jinja_run *r, struct hone_text text)
{
    if (jinja_run_work(r, text.size))
        buffer_append(r->out, text.data, text.size);
    jinja_run_fits(r, r->out);
}

static void exec_print(struct jinja_run *r, const struct jinja_node *node)
{
    struct jinja_value v = jinja_eval(r, node->child[0]);
    if (r->failed)
        return;
    if (v.kind != VALUE_STRING)
        v = jinja_to_string(r, v);
    if (!r->failed)
        exec_text(r, value_string(v));
}

struct jinja_value jinja_exec_captured(struct jinja_run *r, const struct jinja_node *block)
{
    struct buffer text = {0}, *out = r->out;
    r->out = &text;
    jinja_exec(r, block);
    r->out = out;
    return jinja_run_take(r, &text);
}

static void assign_member(struct jinja_run *r, const struct jinja_node *target, struct jinja_value value)
{
    struct jinja_value space = jinja_scope_get(r, target->child[0]->name);
    const struct name *name = target->name;
    if (space.kind != VALUE_NAMESPACE)
        jinja_run_fail(r, "'%.60s' is no namespace, so '%.60s' cannot be set in it",
                       target->child[0]->name->text, name->text);
    else if (name->text[0] == '_')
        jinja_run_fail(r, "'%.60s' cannot be set: names in a namespace must not start with '_'", name->text);
    else
        jinja_put(r, space.dict, value_text(name->text, name->size), value);
}

void jinja_assign(struct jinja_run *r, const struct jinja_node *target, struct jinja_value value)
{
    if (target->kind == NODE_NAME) {
        jinja_scope_set(r, r->scope, target->name, value);
    } else if (target->kind == NODE_MEMBER) {
        assign_member(r, target, value);
    } else {
        struct list *list = jinja_iterate(r, value);
        if (!r->failed && list->n != target->n)
            jinja_run_fail(r, "%zu values cannot be set to %zu names", list->n, target->n);
        for (size_t i = 0; i < target->n && !r->failed; i++)
            jinja_assign(r, target->child[i], list->items[i]);
    }
}

static void exec_in_scope(struct jinja_run *r, const struct jinja_node *block)
{
    struct scope *scope = r->scope;
    r->scope = jinja_scope_new(r, scope);
    jinja_exec(r, block);
    r->scope = scope;
}

static void exec_if(struct jinja_run *r, const struct jinja_node *node)
{
    size_t i = 0;
    for (; i + 1 < node->n && !r->failed; i += 2)
        if (jinja_value_is_true(jinja_eval(r, node->child[i]))) {
            jinja_exec(r, node->child[i + 1]);
            return;
        }
    if (i < node->n)
        jinja_exec(r, node->child[i]);
}

/* The items for which the condition holds. */
static struct list *choose(struct jinja_run *r, const struct jinja_node *node, struct list *all)
{
    struct list *chosen = jinja_run_list(r, all->n);
    struct scope *scope = r->scope;
    size_t n = 0;
    for (size_t i = 0; i < chosen->n && !r->failed; i++) {
        r->scope = jinja_scope_new(r, scope);
        jinja_assign(r, node->child[0], all->items[i]);
        if (jinja_value_is_true(jinja_eval(r, node->child[2])))
            chosen->items[n++] = all->items[i];
    }
    r->scope = scope;
    if (chosen->n)
        chosen->n = n;
    return chosen;
}

/* One pass after the other; false: none came to its end, so that an else block is for it. */
static bool repeat(struct jinja_run *r, const struct jinja_node *node, struct jinja_loop *loop)
{
    struct scope *scope = r->scope;
    bool completed = false;
    for (; loop->index < loop->n && r->flow != FLOW_BREAK && jinja_run_work(r, RUN_NODE_WORK);
         loop->index++) {
        r->flow = FLOW_ON;
        r->scope = jinja_scope_new(r, scope);
        jinja_assign(r, node->child[0], loop->items[loop->index]);
        jinja_scope_set(r, r->scope, node->name, (struct jinja_value){.kind = VALUE_LOOP, .loop = loop});
        jinja_exec(r, node->child[3]);
        completed |= r->flow == FLOW_ON;
    }
    r->flow = FLOW_ON;
    r->scope = scope;
    return completed;
}

static void exec_for(struct jinja_run *r, const struct jinja_node *node)
{
    struct list *list = jinja_iterate(r, jinja_eval(r, node->child[1]));
    struct jinja_loop *loop = jinja_arena_alloc(&r->arena, 1, sizeof *loop);
    if (!r->failed && node->child[2])
        list = choose(r, node, list);
    if (r->failed || !loop)
        return;
    *loop = (struct jinja_loop){.items = list->items, .n = list->n};
    if (!repeat(r, node, loop) && node->child[4])
        exec_in_scope(r, node->child[4]);
}

static void exec_set_block(struct jinja_run *r, const struct jinja_node *node)
{
    struct scope *scope = r->scope;
    r->scope = jinja_scope_new(r, scope);
    struct jinja_value text = jinja_exec_captured(r, node->child[2]);
    if (node->child[1] && !r->failed) {
        r->block_text = text;
        text = jinja_eval(r, node->child[1]);
    }
    r->scope = scope;
    if (!r->failed && r->flow == FLOW_ON)
        jinja_assign(r, node->child[0], text);
}

static void exec_filter_block(struct jinja_run *r, const struct jinja_node *node)
{
    struct scope *scope = r->scope;
    r->scope = jinja_scope_new(r, scope);
    r->block_text = jinja_exec_captured(r, node->child[1]);
    if (!r->failed && r->flow == FLOW_ON)
        exec_print(r, node);
    r->scope = scope;
}

static void exec_with(struct jinja_run *r, const struct jinja_node *node)
{
    struct scope *outer = r->scope, *inner = jinja_scope_new(r, outer);
    for (size_t i = 0; i + 1 < node->n && !r->failed; i += 2) {
        struct jinja_value v = jinja_eval(r, node->child[i + 1]);
        r->scope = inner;
        jinja_assign(r, node->child[i], v);
        r->scope = outer;
    }
    r->scope = inner;
    jinja_exec(r, node->child[node->n - 1]);
    r->scope = outer;
}

static struct jinja_value make_macro(struct jinja_run *r, const struct jinja_node *node)
{
    struct macro *macro = jinja_arena_alloc(&r->arena, 1, sizeof *macro);
    if (!macro)
        return jinja_run_fail(r, "it takes too much memory");
    *macro = (struct macro){node, r->scope};
    return (struct jinja_value){.kind = VALUE_MACRO, .macro = macro};
}

static void exec_call_block(struct jinja_run *r, const struct jinja_node *node)
{
    const struct jinja_node *target = node->child[0];
    struct jinja_value callee = jinja_eval(r, target->child[0]);
    struct jinja_call call = jinja_eval_arguments(r, target, 1);
    struct keyword *keywords = jinja_arena_alloc(&r->arena, call.n_keywords + 1, sizeof *keywords);
    if (r->failed || !keywords)
        return;
    for (size_t i = 0; i < call.n_keywords; i++)
        keywords[i] = call.keywords[i];
    keywords[call.n_keywords++] = (struct keyword){{"caller", 6}, make_macro(r, node->child[1])};
    call.keywords = keywords;
    struct jinja_value text = jinja_to_string(r, jinja_call_value(r, callee, &call));
    if (!r->failed)
        exec_text(r, value_string(text));
}

static void exec_block(struct jinja_run *r, const struct jinja_node *node)
{
    for (size_t i = 0; i < node->n && !r->failed && r->flow == FLOW_ON; i++)
        jinja_exec(r, node->child[i]);
}

static void exec_node(struct jinja_run *r, const struct jinja_node *node)
{
    switch ((enum node_kind)node->kind) {
    case NODE_BLOCK:
        exec_block(r, node);
        break;
    case NODE_TEXT:
        exec_text(r, value_string(node->value));
        break;
    case NODE_PRINT:
        exec_print(r, node);
        break;
    case NODE_SET: {
        struct jinja_value v = jinja_eval(r, node->child[1]);
        if (!r->failed)
            jinja_assign(r, node->child[0], v);
        break;
    }
    case NODE_SET_BLOCK:
        exec_set_block(r, node);
        break;
    case NODE_FOR:
        exec_for(r, node);
        break;
    case NODE_IF:
        exec_if(r, node);
        break;
    case NODE_MACRO:
        jinja_scope_set(r, r->scope, node->name, make_macro(r, node));
        break;
    case NODE_CALL_BLOCK:
        exec_call_block(r, node);
        break;
    case NODE_FILTER_BLOCK:
        exec_filter_block(r, node);
        break;
    case NODE_WITH:
        exec_with(r, node);
        break;
    case NODE_GENERATION:
        exec_in_scope(r, node->child[0]);
        break;
    case NODE_BREAK:
        r->flow = FLOW_BREAK;
        break;
    case NODE_CONTINUE:
        r->flow = FLOW_CONTINUE;
        break;
    default:
        jinja_run_fail(r, "not a statement");
    }
}

void jinja_exec(struct jinja_run *r, const struct jinja_node *node)
{
    if (!jinja_run_work(r, RUN_NODE_WORK))
        return;
    r->line = node->line;
    if (++r->depth > RUN_MAX_NESTING)
        jinja_run_fail(r, "calls are nested too deeply");
    else
        exec_node(r, node);
    r->depth--;
}
