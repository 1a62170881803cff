#include "tokenizer/template/run.h"

#include <string.h>

struct scope *jinja_scope_new(struct jinja_run *r, struct scope *parent)
{
    struct scope *scope = jinja_arena_alloc(&r->arena, 1, sizeof *scope);
    if (!scope) {
        jinja_run_fail(r, "it takes too much memory");
        return parent;
    }
    *scope = (struct scope){.parent = parent};
    return scope;
}

/* A binding that is looked at is a byte's work: hundreds of them are more than a node's own. */
static struct binding *find(struct jinja_run *r, struct scope *scope, const struct name *name)
{
    for (size_t i = 0; i < scope->n && jinja_run_work(r, 1); i++)
        if (scope->bindings[i].name == name)
            return &scope->bindings[i];
    return NULL;
}

void jinja_scope_set(struct jinja_run *r, struct scope *scope, const struct name *name,
                     struct jinja_value value)
{
    struct binding *binding = find(r, scope, name);
    if (binding) {
        binding->value = value;
        return;
    }
    if (scope->n == scope->capacity) {
        size_t capacity = scope->capacity ? 2 * scope->capacity : 4;
        struct binding *bindings = jinja_arena_alloc(&r->arena, capacity, sizeof *bindings);
        if (!bindings) {
            jinja_run_fail(r, "it takes too much memory");
            return;
        }
        if (scope->n)
            memcpy(bindings, scope->bindings, scope->n * sizeof *bindings);
        scope->bindings = bindings;
        scope->capacity = capacity;
    }
    scope->bindings[scope->n++] = (struct binding){name, value};
}

/* What Jinja or Python have under that name, and this does not. */
static bool is_unsupported(const char *name)
{
    static const char *const names[] = {"cycler", "joiner", "lipsum", "self"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

struct jinja_value jinja_scope_get(struct jinja_run *r, const struct name *name)
{
    for (struct scope *scope = r->scope; scope; scope = scope->parent) {
        struct binding *binding = find(r, scope, name);
        if (binding && binding->value.kind != VALUE_MISSING)
            return binding->value;
    }
    const struct builtin *function = jinja_builtin_function((struct hone_text){name->text, name->size});
    if (function)
        return (struct jinja_value){.kind = VALUE_FUNCTION, .function = function};
    if (is_unsupported(name->text))
        return jinja_run_fail(r, "the function '%s' is not supported", name->text);
    return value_undefined(UNDEFINED_NAME, name->text, name->size);
}
