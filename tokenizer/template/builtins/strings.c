#include "tokenizer/template/builtins/strings.h"

#include "runtime/base/utf8.h"
#include "tokenizer/template/text.h"

#include <string.h>

bool is_text(struct run *r, struct value v, const char *who)
{
    if (v.kind == VALUE_UNDEFINED)
        run_fail_undefined(r, v);
    else if (v.kind != VALUE_STRING)
        run_fail(r, "'%s' needs a text, not a value of type %s", who, value_type_name(v));
    return !r->failed;
}

int64_t integer_or(struct run *r, struct value v, int64_t otherwise)
{
    if (v.kind == VALUE_MISSING)
        return otherwise;
    if (v.kind == VALUE_UNDEFINED)
        run_fail_undefined(r, v);
    else if (!value_is_integer(v))
        run_fail(r, "an integer is needed, not a value of type %s", value_type_name(v));
    return r->failed ? otherwise : value_integer(v);
}

static bool is_stripped(struct tok_text chars, const char *p, bool space)
{
    const char *next = p;
    if (space)
        return text_is_space(utf8_next(&next));
    return chars.size && memmem(chars.data, chars.size, p, utf8_size(*p)) != NULL;
}

struct value string_strip(struct run *r, struct value text, struct value chars, int sides)
{
    bool space = chars.kind == VALUE_MISSING || chars.kind == VALUE_NONE;
    struct tok_text set = {NULL, 0};
    const char *start = text.text, *end = text.text + text.size;
    if (!space && !is_text(r, chars, "strip"))
        return text;
    if (!space)
        set = value_string(chars);
    while (sides & STRIP_START && start < end && is_stripped(set, start, space) && run_work(r, 8 + set.size))
        start += utf8_size(*start);
    while (sides & STRIP_END && start < end && is_stripped(set, utf8_before(end), space) &&
           run_work(r, 8 + set.size))
        end = utf8_before(end);
    text.text = start;
    text.size = (size_t)(end - start);
    return text;
}

/* Where `from` is empty, `to` goes before each character and behind the last. */
static void spread(struct buffer *out, struct value text, struct value to, int64_t count)
{
    const char *p = text.text, *end = p + text.size;
    for (; count != 0 && !out->failed && out->size < RUN_MAX_OUTPUT; count--) {
        buffer_append(out, to.text, to.size);
        if (p == end)
            return;
        buffer_append(out, p, utf8_size(*p));
        p += utf8_size(*p);
    }
    buffer_append(out, p, (size_t)(end - p));
}

struct value string_replace(struct run *r, struct value text, struct value from, struct value to,
                            int64_t count)
{
    const char *p = text.text, *end = p + text.size, *match;
    struct buffer out = {0};
    if (!run_work(r, text.size + 1))
        return text;
    if (!from.size) {
        spread(&out, text, to, count);
        return run_take(r, &out);
    }
    while (count-- != 0 && p < end && out.size < RUN_MAX_OUTPUT &&
           (match = memmem(p, (size_t)(end - p), from.text, from.size))) {
        buffer_append(&out, p, (size_t)(match - p));
        buffer_append(&out, to.text, to.size);
        p = match + from.size;
    }
    buffer_append(&out, p, (size_t)(end - p));
    struct value v = run_take(r, &out);
    v.safe = text.safe;
    return v;
}

static struct value taken(struct run *r, struct buffer *out, bool safe)
{
    struct value v = run_take(r, out);
    v.safe = safe;
    return v;
}

struct value string_upper(struct run *r, struct value text)
{
    struct buffer out = {0};
    text_convert(&out, value_string(text), TEXT_UPPER);
    return taken(r, &out, text.safe);
}

struct value string_lower(struct run *r, struct value text)
{
    struct buffer out = {0};
    text_convert(&out, value_string(text), TEXT_LOWER);
    return taken(r, &out, text.safe);
}

struct value string_capitalize(struct run *r, struct value text)
{
    struct buffer out = {0};
    text_capitalize(&out, value_string(text));
    return taken(r, &out, text.safe);
}

struct value string_title(struct run *r, struct value text)
{
    struct buffer out = {0};
    text_title(&out, value_string(text));
    return taken(r, &out, text.safe);
}

struct value string_has_case(struct run *r, struct value v, int sign)
{
    struct value text = to_string(r, v);
    bool found = false;
    for (const char *p = text.text; p < text.text + text.size;) {
        int now = text_case_of(utf8_next(&p));
        if (now == -sign)
            return value_bool(false);
        found |= now == sign;
    }
    return value_bool(found);
}

/* The end of the line that starts at p, and what is behind its end. */
static const char *line_end(const char *p, const char *end, const char **behind)
{
    while (p < end) {
        const char *next = p;
        uint32_t c = utf8_next(&next);
        *behind = c == '\r' && next < end && *next == '\n' ? next + 1 : next;
        if (text_is_line_end(c))
            return p;
        p = next;
    }
    *behind = end;
    return end;
}

struct value string_lines(struct run *r, struct value text, bool keep)
{
    const char *p = text.text, *end = p + text.size, *next, *stop;
    size_t n = 0;
    for (const char *q = p; q < end; q = next, n++)
        line_end(q, end, &next);
    run_work(r, 2 * text.size);
    struct list *list = run_list(r, n);
    for (size_t i = 0; i < list->n; i++, p = next) {
        stop = line_end(p, end, &next);
        list->items[i] = value_text(p, (size_t)((keep ? next : stop) - p));
    }
    return make_list(r, VALUE_LIST, list);
}

struct value string_join(struct run *r, struct value glue, const struct list *list, bool any)
{
    struct buffer out = {0};
    for (size_t i = 0; i < list->n && !r->failed; i++) {
        if (!any && list->items[i].kind != VALUE_STRING)
            run_fail(r, "join needs texts, not a value of type %s", value_type_name(list->items[i]));
        if (i)
            print(r, &out, glue);
        print(r, &out, list->items[i]);
    }
    return run_take(r, &out);
}
