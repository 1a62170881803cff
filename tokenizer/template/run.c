#include "tokenizer/template/run.h"

#include "tokenizer/text/fail.h"

#include <stdarg.h>
#include <stdio.h>

struct jinja_value jinja_run_fail(struct jinja_run *r, const char *format, ...)
{
    char what[300];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    if (!r->failed)
        tok_fail(r->err, HONE_USAGE, "chat template, line %u: %s", r->line, what);
    r->failed = true;
    return value_undefined(UNDEFINED_HINT, "", 0);
}

struct jinja_value jinja_run_raise(struct jinja_run *r, struct hone_text sentence)
{
    int size = sentence.size < 2000 ? (int)sentence.size : 2000;
    if (!r->failed)
        tok_fail(r->err, HONE_USAGE, "%.*s", size, sentence.data);
    r->failed = true;
    return value_undefined(UNDEFINED_HINT, "", 0);
}

struct jinja_value jinja_run_fail_undefined(struct jinja_run *r, struct jinja_value v)
{
    int size = run_shown(v.size);
    if (v.reason == UNDEFINED_NAME)
        return jinja_run_fail(r, "'%.*s' is undefined", size, v.text);
    if (v.reason == UNDEFINED_ATTRIBUTE)
        return jinja_run_fail(r, "a value of type %s has no '%.*s'",
                              jinja_value_type_name((struct jinja_value){.kind = v.owner_kind}), size,
                              v.text);
    return jinja_run_fail(r, "%.*s", size, v.text);
}

/* A bound is reached: nothing is left, for what comes after this rendering neither (chat/abilities.c). */
static struct jinja_value exhausted(struct jinja_run *r, const char *what)
{
    r->work = 0;
    return jinja_run_fail(r, "%s", what);
}

bool jinja_run_work(struct jinja_run *r, size_t bytes)
{
    if (r->failed)
        return false;
    if (r->arena.failed)
        exhausted(r, "it takes too much memory");
    else if (bytes > r->work)
        exhausted(r, "it takes too long");
    else
        r->work -= bytes;
    return !r->failed;
}

struct jinja_value jinja_run_string(struct jinja_run *r, const char *text, size_t size)
{
    char *copy = jinja_run_work(r, size) ? jinja_arena_copy(&r->arena, text, size) : NULL;
    if (!copy && !r->failed)
        exhausted(r, "it takes too much memory");
    return copy ? value_text(copy, size)
                : value_literal(""); /* a text in any case: who asks for one reads it */
}

bool jinja_run_fits(struct jinja_run *r, const struct buffer *out)
{
    r->arena.no_memory |= out->failed;
    if (out->failed || out->size > RUN_MAX_OUTPUT)
        exhausted(r, "it makes a text that is too long");
    return !r->failed;
}

struct jinja_value jinja_run_take(struct jinja_run *r, struct buffer *buffer)
{
    struct jinja_value v =
        jinja_run_fits(r, buffer) ? jinja_run_string(r, buffer->data, buffer->size) : value_literal("");
    buffer_release(buffer);
    return v;
}
