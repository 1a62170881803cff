/* Statements. */
#include "tokenizer/template/run.h"

static void exec_text(struct run *r, struct tok_text text)
{
    if (run_work(r, text.size))
        buffer_append(r->out, text.data, text.size);
    if (r->out->failed || r->out->size > RUN_MAX_OUTPUT)
        run_fail(r, "the text gets too long");
}

static void exec_print(struct run *r, const struct node *node)
{
    struct value v = eval(r, node->child[0]);
    if (r->failed)
        return;
    if (v.kind != VALUE_STRING)
        v = to_string(r, v);
    if (!r->failed)
        exec_text(r, value_string(v));
}

struct value exec_captured(struct run *r, const struct node *block)
{
    struct buffer text = {0}, *out = r->out;
    r->out = &text;
    exec(r, block);
    r->out = out;
    return run_take(r, &text);
}

static void assign_member(struct run *r, const struct node *target, struct value value)
{
    struct value space = scope_get(r, target->child[0]->name);
    const struct name *name = target->name;
    if (space.kind != VALUE_NAMESPACE)
        run_fail(r, "'%.60s' is no namespace, so '%.60s' cannot be set in it", target->child[0]->name->text,
                 name->text);
    else if (name->text[0] == '_')
        run_fail(r, "'%.60s' cannot be set: names in a namespace must not start with '_'", name->text);
    else
        dict_set(&r->arena, space.dict, value_text(name->text, name->size), value);
}

void assign(struct run *r, const struct node *target, struct value value)
{
    if (target->kind == NODE_NAME) {
        scope_set(r, r->scope, target->name, value);
    } else if (target->kind == NODE_MEMBER) {
        assign_member(r, target, value);
    } else {
        struct list *list = iterate(r, value);
        if (!r->failed && list->n != target->n)
            run_fail(r, "%zu values cannot be set to %zu names", list->n, target->n);
        for (size_t i = 0; i < target->n && !r->failed; i++)
            assign(r, target->child[i], list->items[i]);
    }
}

static void exec_in_scope(struct run *r, const struct node *block)
{
    struct scope *scope = r->scope;
    r->scope = scope_new(r, scope);
    exec(r, block);
    r->scope = scope;
}

static void exec_if(struct run *r, const struct node *node)
{
    size_t i = 0;
    for (; i + 1 < node->n && !r->failed; i += 2)
        if (value_is_true(eval(r, node->child[i]))) {
            exec(r, node->child[i + 1]);
            return;
        }
    if (i < node->n)
        exec(r, node->child[i]);
}

/* The items for which the condition holds. */
static struct list *choose(struct run *r, const struct node *node, struct list *all)
{
    struct list *chosen = run_list(r, all->n);
    struct scope *scope = r->scope;
    size_t n = 0;
    for (size_t i = 0; i < chosen->n && !r->failed; i++) {
        r->scope = scope_new(r, scope);
        assign(r, node->child[0], all->items[i]);
        if (value_is_true(eval(r, node->child[2])))
            chosen->items[n++] = all->items[i];
    }
    r->scope = scope;
    if (chosen->n)
        chosen->n = n;
    return chosen;
}

/* One pass after the other; false: none came to its end, so that an else block is for it. */
static bool repeat(struct run *r, const struct node *node, struct loop *loop)
{
    struct scope *scope = r->scope;
    bool completed = false;
    for (; loop->index < loop->n && r->flow != FLOW_BREAK && run_work(r, RUN_NODE_WORK); loop->index++) {
        r->flow = FLOW_ON;
        r->scope = scope_new(r, scope);
        assign(r, node->child[0], loop->items[loop->index]);
        scope_set(r, r->scope, node->name, (struct value){.kind = VALUE_LOOP, .loop = loop});
        exec(r, node->child[3]);
        completed |= r->flow == FLOW_ON;
    }
    r->flow = FLOW_ON;
    r->scope = scope;
    return completed;
}

static void exec_for(struct run *r, const struct node *node)
{
    struct list *list = iterate(r, eval(r, node->child[1]));
    struct loop *loop = arena_alloc(&r->arena, 1, sizeof *loop);
    if (!r->failed && node->child[2])
        list = choose(r, node, list);
    if (r->failed || !loop)
        return;
    *loop = (struct loop){.items = list->items, .n = list->n};
    if (!repeat(r, node, loop) && node->child[4])
        exec_in_scope(r, node->child[4]);
}

static void exec_set_block(struct run *r, const struct node *node)
{
    struct scope *scope = r->scope;
    r->scope = scope_new(r, scope);
    struct value text = exec_captured(r, node->child[2]);
    if (node->child[1] && !r->failed) {
        r->block_text = text;
        text = eval(r, node->child[1]);
    }
    r->scope = scope;
    if (!r->failed && r->flow == FLOW_ON)
        assign(r, node->child[0], text);
}

static void exec_filter_block(struct run *r, const struct node *node)
{
    struct scope *scope = r->scope;
    r->scope = scope_new(r, scope);
    r->block_text = exec_captured(r, node->child[1]);
    if (!r->failed && r->flow == FLOW_ON)
        exec_print(r, node);
    r->scope = scope;
}

static void exec_with(struct run *r, const struct node *node)
{
    struct scope *outer = r->scope, *inner = scope_new(r, outer);
    for (size_t i = 0; i + 1 < node->n && !r->failed; i += 2) {
        struct value v = eval(r, node->child[i + 1]);
        r->scope = inner;
        assign(r, node->child[i], v);
        r->scope = outer;
    }
    r->scope = inner;
    exec(r, node->child[node->n - 1]);
    r->scope = outer;
}

static struct value make_macro(struct run *r, const struct node *node)
{
    struct macro *macro = arena_alloc(&r->arena, 1, sizeof *macro);
    if (!macro)
        return run_fail(r, "it takes too much memory");
    *macro = (struct macro){node, r->scope};
    return (struct value){.kind = VALUE_MACRO, .macro = macro};
}

static void exec_call_block(struct run *r, const struct node *node)
{
    const struct node *target = node->child[0];
    struct value callee = eval(r, target->child[0]);
    struct call call = eval_arguments(r, target, 1);
    struct keyword *keywords = arena_alloc(&r->arena, call.n_keywords + 1, sizeof *keywords);
    if (r->failed || !keywords)
        return;
    for (size_t i = 0; i < call.n_keywords; i++)
        keywords[i] = call.keywords[i];
    keywords[call.n_keywords++] = (struct keyword){{"caller", 6}, make_macro(r, node->child[1])};
    call.keywords = keywords;
    struct value text = to_string(r, call_value(r, callee, &call));
    if (!r->failed)
        exec_text(r, value_string(text));
}

static void exec_block(struct run *r, const struct node *node)
{
    for (size_t i = 0; i < node->n && !r->failed && r->flow == FLOW_ON; i++)
        exec(r, node->child[i]);
}

static void exec_node(struct run *r, const struct node *node)
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
        struct value v = eval(r, node->child[1]);
        if (!r->failed)
            assign(r, node->child[0], v);
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
        scope_set(r, r->scope, node->name, make_macro(r, node));
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
        run_fail(r, "not a statement");
    }
}

void exec(struct run *r, const struct node *node)
{
    if (!run_work(r, RUN_NODE_WORK))
        return;
    r->line = node->line;
    if (++r->depth > RUN_MAX_NESTING)
        run_fail(r, "calls are nested too deeply");
    else
        exec_node(r, node);
    r->depth--;
}
