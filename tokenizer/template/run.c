#include "tokenizer/template/run.h"

#include "tokenizer/fail.h"

#include <stdarg.h>
#include <stdio.h>

struct value run_fail(struct run *r, const char *format, ...)
{
    char what[300];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    if (!r->failed)
        tok_fail(r->why, r->why_size, "chat template, line %u: %s", r->line, what);
    r->failed = true;
    return value_undefined(UNDEFINED_HINT, "", 0);
}

struct value run_raise(struct run *r, struct tok_text sentence)
{
    int size = sentence.size < 2000 ? (int)sentence.size : 2000;
    if (!r->failed)
        tok_fail(r->why, r->why_size, "%.*s", size, sentence.data);
    r->failed = true;
    return value_undefined(UNDEFINED_HINT, "", 0);
}

struct value run_fail_undefined(struct run *r, struct value v)
{
    int size = run_shown(v.size);
    if (v.reason == UNDEFINED_NAME)
        return run_fail(r, "'%.*s' is undefined", size, v.text);
    if (v.reason == UNDEFINED_ATTRIBUTE)
        return run_fail(r, "a value of type %s has no '%.*s'",
                        value_type_name((struct value){.kind = v.owner_kind}), size, v.text);
    return run_fail(r, "%.*s", size, v.text);
}

bool run_work(struct run *r, size_t bytes)
{
    if (r->failed)
        return false;
    if (bytes > r->work)
        run_fail(r, "it takes too long");
    else if (r->arena.failed)
        run_fail(r, "it takes too much memory");
    else
        r->work -= bytes;
    return !r->failed;
}

struct value run_string(struct run *r, const char *text, size_t size)
{
    char *copy = run_work(r, size) ? arena_copy(&r->arena, text, size) : NULL;
    return copy ? value_text(copy, size) : run_fail(r, "it takes too much memory");
}

struct value run_take(struct run *r, struct buffer *buffer)
{
    struct value v = buffer->failed || buffer->size > RUN_MAX_OUTPUT
                         ? run_fail(r, "it makes a text that is too long")
                         : run_string(r, buffer->data, buffer->size);
    buffer_release(buffer);
    return v;
}
