/* Calls: arguments, macros, what is built in. */
#include "runtime/base/text.h"
#include "tokenizer/template/run.h"
#include "tokenizer/template/text.h"

#include <string.h>

/* ---- arguments ----------------------------------------------------------------------------------------- */

static void add_keyword(struct jinja_run *r, struct jinja_call *call, struct hone_text name,
                        struct jinja_value value)
{
    jinja_run_work(r, RUN_NODE_WORK * call->n_keywords + name.size);
    for (size_t i = 0; i < call->n_keywords && !r->failed; i++)
        if (text_equal(call->keywords[i].name, name)) {
            jinja_run_fail(r, "an argument is given twice");
            return;
        }
    call->keywords[call->n_keywords++] = (struct keyword){name, value};
}

static void spread_keywords(struct jinja_run *r, struct jinja_call *call, struct jinja_value v)
{
    if (v.kind != VALUE_DICT) {
        jinja_run_fail(r, "** needs a dict, not a value of type %s", jinja_value_type_name(v));
        return;
    }
    struct keyword *keywords = jinja_arena_alloc(&r->arena, call->n_keywords + v.dict->n, sizeof *keywords);
    if (!keywords)
        return;
    if (call->n_keywords)
        memcpy(keywords, call->keywords, call->n_keywords * sizeof *keywords);
    call->keywords = keywords;
    for (size_t i = 0; i < v.dict->n && !r->failed; i++) {
        struct jinja_value key = v.dict->entries[i].key;
        if (key.kind == VALUE_STRING)
            add_keyword(r, call, value_string(key), v.dict->entries[i].value);
        else
            jinja_run_fail(r, "the name of an argument is no string");
    }
}

static void spread_args(struct jinja_run *r, struct jinja_call *call, struct jinja_value v)
{
    struct list *more = jinja_iterate(r, v);
    struct jinja_value *args = jinja_arena_alloc(&r->arena, call->n_args + more->n, sizeof *args);
    if (r->failed || !args)
        return;
    if (call->n_args)
        memcpy(args, call->args, call->n_args * sizeof *args);
    if (more->n)
        memcpy(args + call->n_args, more->items, more->n * sizeof *args);
    call->args = args;
    call->n_args += more->n;
}

struct jinja_call jinja_eval_arguments(struct jinja_run *r, const struct jinja_node *node, size_t first)
{
    size_t n = node->n - first;
    struct jinja_call call = {0};
    if (!n)
        return call;
    call.args = jinja_arena_alloc(&r->arena, n, sizeof *call.args);
    call.keywords = jinja_arena_alloc(&r->arena, n, sizeof *call.keywords);
    if (!call.args || !call.keywords) {
        jinja_run_fail(r, "it takes too much memory");
        return (struct jinja_call){0};
    }
    for (size_t i = first; i < node->n && !r->failed; i++) {
        const struct jinja_node *child = node->child[i];
        bool plain = child->kind != NODE_KEYWORD && child->kind != NODE_STAR && child->kind != NODE_STAR_STAR;
        struct jinja_value v = jinja_eval(r, plain ? child : child->child[0]);
        if (plain)
            call.args[call.n_args++] = v;
        else if (child->kind == NODE_STAR)
            spread_args(r, &call, v);
        else if (child->kind == NODE_STAR_STAR)
            spread_keywords(r, &call, v);
        else
            add_keyword(r, &call, (struct hone_text){child->name->text, child->name->size}, v);
    }
    return call;
}

/* ---- macros -------------------------------------------------------------------------------------------- */

/* Takes the keyword out of the call; VALUE_MISSING: it is not there. */
static struct jinja_value take_keyword(struct jinja_run *r, struct jinja_call *call, const char *name,
                                       size_t size)
{
    jinja_run_work(r, RUN_NODE_WORK * call->n_keywords);
    for (size_t i = 0; i < call->n_keywords && !r->failed; i++)
        if (text_equal(call->keywords[i].name, (struct hone_text){name, size})) {
            struct jinja_value v = call->keywords[i].value;
            memmove(call->keywords + i, call->keywords + i + 1,
                    (--call->n_keywords - i) * sizeof *call->keywords);
            return v;
        }
    return value_missing();
}

/* One parameter: the argument, else its default, which may speak of those before it. */
static void set_parameter(struct jinja_run *r, const struct jinja_node *parameter, struct jinja_value v)
{
    static const char hint[] = "a parameter of a macro was not given";
    if (v.kind == VALUE_MISSING)
        v = parameter->n && parameter->child[0] ? jinja_eval(r, parameter->child[0])
                                                : value_undefined(UNDEFINED_HINT, hint, sizeof hint - 1);
    jinja_scope_set(r, r->scope, parameter->name, v);
}

/* A variable of the macro's that is not among its parameters. */
static void set_unasked(struct jinja_run *r, const char *name, struct jinja_value v)
{
    for (const struct name *n = r->names; n && jinja_run_work(r, 1); n = n->next)
        if (strcmp(n->text, name) == 0)
            jinja_scope_set(r, r->scope, n, v);
}

static struct jinja_value remaining_keywords(struct jinja_run *r, struct jinja_call *call)
{
    struct dict *d = jinja_dict_new(&r->arena, call->n_keywords);
    for (size_t i = 0; i < call->n_keywords; i++)
        jinja_put(r, d, value_text(call->keywords[i].name.data, call->keywords[i].name.size),
                  call->keywords[i].value);
    call->n_keywords = 0;
    return jinja_value_dict(d);
}

static struct jinja_value remaining_args(struct jinja_run *r, struct jinja_call *call, size_t n_taken)
{
    size_t n = call->n_args > n_taken ? call->n_args - n_taken : 0;
    struct list *list = jinja_run_list(r, n);
    for (size_t i = 0; i < list->n; i++)
        list->items[i] = call->args[n_taken + i];
    call->n_args -= n;
    return jinja_make_list(r, VALUE_TUPLE, list);
}

/* caller, varargs and kwargs, as far as the body speaks of them; what is left over then is too much. */
static void set_rest(struct jinja_run *r, const struct jinja_node *node, struct jinja_call *call,
                     size_t n_parameters)
{
    static const char hint[] = "no caller defined";
    if (node->flags & USES_CALLER) {
        struct jinja_value caller = take_keyword(r, call, "caller", 6);
        if (caller.kind == VALUE_MISSING || caller.kind == VALUE_NONE)
            caller = value_undefined(UNDEFINED_HINT, hint, sizeof hint - 1);
        set_unasked(r, "caller", caller);
    }
    if (node->flags & USES_KWARGS)
        set_unasked(r, "kwargs", remaining_keywords(r, call));
    if (node->flags & USES_VARARGS)
        set_unasked(r, "varargs", remaining_args(r, call, n_parameters));
    if (call->n_keywords)
        jinja_run_fail(r, "a macro takes no argument '%.*s'", run_shown(call->keywords[0].name.size),
                       call->keywords[0].name.data);
    if (call->n_args > n_parameters)
        jinja_run_fail(r, "a macro takes at most %zu arguments", n_parameters);
}

static struct jinja_value call_macro(struct jinja_run *r, const struct macro *macro,
                                     const struct jinja_call *given)
{
    const struct jinja_node *node = macro->node;
    struct scope *scope = r->scope;
    size_t n_parameters = node->n - 1;
    struct jinja_call call = *given;
    r->scope = jinja_scope_new(r, macro->scope);
    call.keywords = jinja_arena_alloc(&r->arena, given->n_keywords, sizeof *call.keywords);
    if (call.keywords && given->n_keywords)
        memcpy(call.keywords, given->keywords, given->n_keywords * sizeof *call.keywords);
    for (size_t i = 0; i < n_parameters && call.keywords && !r->failed; i++) {
        const struct name *name = node->child[i]->name;
        set_parameter(r, node->child[i],
                      i < call.n_args ? call.args[i] : take_keyword(r, &call, name->text, name->size));
    }
    if (call.keywords && !r->failed)
        set_rest(r, node, &call, n_parameters);
    struct jinja_value text = jinja_exec_captured(r, node->child[n_parameters]);
    r->scope = scope;
    return text;
}

/* ---- what is built in ---------------------------------------------------------------------------------- */

/* The index of the parameter of that name, or -1. */
static int find_parameter(const char *parameters, struct hone_text name)
{
    for (int i = 0; *parameters; i++) {
        size_t size = strcspn(parameters, " ");
        if (text_equal(name, (struct hone_text){parameters, size}) && *parameters != '-')
            return i;
        parameters += size + (parameters[size] == ' ');
    }
    return -1;
}

static size_t count_parameters(const char *parameters)
{
    size_t n = *parameters != '\0';
    for (; *parameters; parameters++)
        n += *parameters == ' ';
    return n;
}

static struct jinja_value run_builtin(struct jinja_run *r, const struct builtin *builtin,
                                      struct jinja_value self, const struct jinja_call *call)
{
    struct jinja_value v[1 + BUILTIN_MAX_PARAMETERS];
    size_t n = count_parameters(builtin->parameters);
    v[0] = self;
    if (call->n_args > n)
        return jinja_run_fail(r, "'%s' takes at most %zu arguments", builtin->name, n);
    for (size_t i = 0; i < BUILTIN_MAX_PARAMETERS; i++)
        v[1 + i] = i < call->n_args ? call->args[i] : value_missing();
    for (size_t i = 0; i < call->n_keywords; i++) {
        int at = find_parameter(builtin->parameters, call->keywords[i].name);
        if (at < 0 || v[1 + at].kind != VALUE_MISSING)
            return jinja_run_fail(r, "'%s' takes no argument '%.*s' there", builtin->name,
                                  run_shown(call->keywords[i].name.size), call->keywords[i].name.data);
        v[1 + at] = call->keywords[i].value;
    }
    for (int i = 0; i < builtin->n_required; i++)
        if (v[1 + i].kind == VALUE_MISSING)
            return jinja_run_fail(r, "'%s' lacks an argument", builtin->name);
    return builtin->run(r, v);
}

struct jinja_value jinja_call_builtin(struct jinja_run *r, const struct builtin *builtin,
                                      struct jinja_value self, const struct jinja_call *call)
{
    if (r->failed)
        return value_none();
    return builtin->call ? builtin->call(r, self, call) : run_builtin(r, builtin, self, call);
}

struct jinja_value jinja_call_value(struct jinja_run *r, struct jinja_value callee,
                                    const struct jinja_call *call)
{
    if (callee.kind == VALUE_MACRO)
        return call_macro(r, callee.macro, call);
    if (callee.kind == VALUE_FUNCTION)
        return jinja_call_builtin(r, callee.function, value_missing(), call);
    if (callee.kind == VALUE_METHOD)
        return jinja_call_builtin(r, callee.method->builtin, callee.method->self, call);
    if (callee.kind == VALUE_UNDEFINED)
        return jinja_run_fail_undefined(r, callee);
    return jinja_run_fail(r, "a value of type %s cannot be called", jinja_value_type_name(callee));
}
