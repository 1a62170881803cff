#include "tokenizer/template/template.h"

#include "runtime/base/utf8.h"
#include "tokenizer/template/builtins/json.h"
#include "tokenizer/template/parser.h"
#include "tokenizer/text/fail.h"

#include <stdlib.h>

enum { MAX_SOURCE = 4 << 20 }; /* templates of models have up to some ten KB */

struct jinja {
    struct arena arena;
    struct jinja_node *root;
    struct name *names;
};

struct jinja *jinja_new(struct hone_text source, struct hone_error *err)
{
    struct jinja *t = calloc(1, sizeof *t);
    if (!t) {
        tok_no_memory(err);
        return NULL;
    }
    t->arena.limit = RUN_MAX_MEMORY;
    if (source.size > MAX_SOURCE)
        tok_fail(err, HONE_BAD_MODEL, "chat template: longer than %d bytes", MAX_SOURCE);
    else if (utf8_valid_prefix(source.data, source.size) < source.size)
        tok_fail(err, HONE_BAD_MODEL, "chat template: not valid UTF-8");
    else
        t->root = jinja_parse(&t->arena, source, &t->names, err);
    if (t->root)
        return t;
    if (t->arena.no_memory)
        tok_no_memory(err);
    jinja_free(t);
    return NULL;
}

void jinja_free(struct jinja *t)
{
    if (t)
        jinja_arena_release(&t->arena);
    free(t);
}

/* The variables that the template speaks of. */
static void set_variables(struct jinja_run *r, const json_t *variables)
{
    for (const struct name *name = r->names; name; name = name->next) {
        const json_t *json = json_object_get(variables, name->text);
        if (json)
            jinja_scope_set(r, r->scope, name, jinja_value_from_json(r, json));
    }
}

bool jinja_render(const struct jinja *t, const json_t *variables, int64_t now, uint64_t *work, char **out,
                  size_t *size, struct hone_error *err)
{
    struct buffer text = {0};
    struct jinja_run r = {.arena = {.limit = RUN_MAX_MEMORY},
                          .out = &text,
                          .names = t->names,
                          .block_text = value_literal(""),
                          .now = now,
                          .work = *work,
                          .line = 1,
                          .err = err};
    r.scope = jinja_scope_new(&r, NULL);
    if (r.scope)
        set_variables(&r, variables);
    jinja_exec(&r, t->root);
    /* Whether there was memory enough to the end. */
    jinja_run_work(&r, 0);
    buffer_byte(&text, '\0');
    jinja_run_fits(&r, &text);
    if (r.failed && r.arena.no_memory)
        tok_no_memory(err); /* nobody's fault, whatever was said of it */
    jinja_arena_release(&r.arena);
    *work = r.work;
    *out = r.failed ? NULL : text.data;
    *size = r.failed ? 0 : text.size - 1;
    if (r.failed)
        buffer_release(&text);
    return !r.failed;
}
