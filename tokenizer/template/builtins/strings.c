#include "tokenizer/template/builtins/strings.h"

#include "runtime/base/utf8.h"
#include "tokenizer/template/text.h"

#include <string.h>

bool jinja_is_text(struct jinja_run *r, struct jinja_value v, const char *who)
{
    if (v.kind == VALUE_UNDEFINED)
        jinja_run_fail_undefined(r, v);
    else if (v.kind != VALUE_STRING)
        jinja_run_fail(r, "'%s' needs a text, not a value of type %s", who, jinja_value_type_name(v));
    return !r->failed;
}

int64_t jinja_integer_or(struct jinja_run *r, struct jinja_value v, int64_t otherwise)
{
    if (v.kind == VALUE_MISSING)
        return otherwise;
    if (v.kind == VALUE_UNDEFINED)
        jinja_run_fail_undefined(r, v);
    else if (!value_is_integer(v))
        jinja_run_fail(r, "an integer is needed, not a value of type %s", jinja_value_type_name(v));
    return r->failed ? otherwise : value_integer(v);
}

static bool is_stripped(struct hone_text chars, const char *p, bool space)
{
    const char *next = p;
    if (space)
        return jinja_text_is_space(utf8_next(&next));
    return chars.size && memmem(chars.data, chars.size, p, utf8_size(*p)) != NULL;
}

struct jinja_value jinja_string_strip(struct jinja_run *r, struct jinja_value text, struct jinja_value chars,
                                      int sides)
{
    bool space = chars.kind == VALUE_MISSING || chars.kind == VALUE_NONE;
    struct hone_text set = {NULL, 0};
    const char *start = text.text, *end = text.text + text.size;
    if (!space && !jinja_is_text(r, chars, "strip"))
        return text;
    if (!space)
        set = value_string(chars);
    while (sides & STRIP_START && start < end && is_stripped(set, start, space) &&
           jinja_run_work(r, 8 + set.size))
        start += utf8_size(*start);
    while (sides & STRIP_END && start < end && is_stripped(set, utf8_before(end), space) &&
           jinja_run_work(r, 8 + set.size))
        end = utf8_before(end);
    text.text = start;
    text.size = (size_t)(end - start);
    return text;
}

/* Where `from` is empty, `to` goes before each character and behind the last. */
static void spread(struct buffer *out, struct jinja_value text, struct jinja_value to, int64_t count)
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

struct jinja_value jinja_string_replace(struct jinja_run *r, struct jinja_value text, struct jinja_value from,
                                        struct jinja_value to, int64_t count)
{
    const char *p = text.text, *end = p + text.size, *match;
    struct buffer out = {0};
    if (!jinja_run_work(r, text.size + 1))
        return text;
    if (!from.size) {
        spread(&out, text, to, count);
        return jinja_run_take(r, &out);
    }
    while (count-- != 0 && p < end && out.size < RUN_MAX_OUTPUT &&
           (match = memmem(p, (size_t)(end - p), from.text, from.size))) {
        buffer_append(&out, p, (size_t)(match - p));
        buffer_append(&out, to.text, to.size);
        p = match + from.size;
    }
    buffer_append(&out, p, (size_t)(end - p));
    struct jinja_value v = jinja_run_take(r, &out);
    v.safe = text.safe;
    return v;
}

static struct jinja_value taken(struct jinja_run *r, struct buffer *out, bool safe)
{
    struct jinja_value v = jinja_run_take(r, out);
    v.safe = safe;
    return v;
}

/* With the work of converting it; an empty text, where there is none left. */
static struct hone_text to_convert(struct jinja_run *r, struct jinja_value text)
{
    return jinja_run_work(r, RUN_CHARACTER_WORK * text.size) ? value_string(text) : (struct hone_text){"", 0};
}

struct jinja_value jinja_string_upper(struct jinja_run *r, struct jinja_value text)
{
    struct buffer out = {0};
    jinja_text_convert(&out, to_convert(r, text), TEXT_UPPER);
    return taken(r, &out, text.safe);
}

struct jinja_value jinja_string_lower(struct jinja_run *r, struct jinja_value text)
{
    struct buffer out = {0};
    jinja_text_convert(&out, to_convert(r, text), TEXT_LOWER);
    return taken(r, &out, text.safe);
}

struct jinja_value jinja_string_capitalize(struct jinja_run *r, struct jinja_value text)
{
    struct buffer out = {0};
    jinja_text_capitalize(&out, to_convert(r, text));
    return taken(r, &out, text.safe);
}

struct jinja_value jinja_string_title(struct jinja_run *r, struct jinja_value text)
{
    struct buffer out = {0};
    jinja_text_title(&out, to_convert(r, text));
    return taken(r, &out, text.safe);
}

struct jinja_value jinja_string_has_case(struct jinja_run *r, struct jinja_value v, int sign)
{
    struct jinja_value text = jinja_to_string(r, v);
    bool found = false;
    if (!jinja_run_work(r, RUN_CHARACTER_WORK * text.size))
        return value_bool(false);
    for (const char *p = text.text; p < text.text + text.size;) {
        int now = jinja_text_case_of(utf8_next(&p));
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
        if (jinja_text_is_line_end(c))
            return p;
        p = next;
    }
    *behind = end;
    return end;
}

struct jinja_value jinja_string_lines(struct jinja_run *r, struct jinja_value text, bool keep)
{
    const char *p = text.text, *end = p + text.size, *next, *stop;
    size_t n = 0;
    for (const char *q = p; q < end; q = next, n++)
        line_end(q, end, &next);
    jinja_run_work(r, 2 * text.size);
    struct list *list = jinja_run_list(r, n);
    for (size_t i = 0; i < list->n; i++, p = next) {
        stop = line_end(p, end, &next);
        list->items[i] = value_text(p, (size_t)((keep ? next : stop) - p));
    }
    return jinja_make_list(r, VALUE_LIST, list);
}

struct jinja_value jinja_string_join(struct jinja_run *r, struct jinja_value glue, const struct list *list,
                                     bool any)
{
    struct buffer out = {0};
    for (size_t i = 0; i < list->n && !r->failed; i++) {
        if (!any && list->items[i].kind != VALUE_STRING)
            jinja_run_fail(r, "join needs texts, not a value of type %s",
                           jinja_value_type_name(list->items[i]));
        if (i)
            jinja_print(r, &out, glue);
        jinja_print(r, &out, list->items[i]);
    }
    return jinja_run_take(r, &out);
}
