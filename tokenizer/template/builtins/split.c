#include "tokenizer/template/builtins/split.h"

#include "runtime/base/utf8.h"
#include "tokenizer/template/builtins/strings.h"
#include "tokenizer/template/text.h"

#include <string.h>

bool jinja_text_cut(struct hone_text text, struct hone_text by, bool backward, struct hone_text *before,
                    struct hone_text *behind)
{
    const char *match = NULL, *end = text.data + text.size;
    if (!backward)
        match = text.size ? memmem(text.data, text.size, by.data, by.size) : NULL;
    for (const char *p = end; backward && (size_t)(p - text.data) >= by.size && !match; p--)
        if (memcmp(p - by.size, by.data, by.size) == 0)
            match = p - by.size;
    if (!match)
        return false;
    *before = (struct hone_text){text.data, (size_t)(match - text.data)};
    *behind = (struct hone_text){match + by.size, (size_t)(end - match) - by.size};
    return true;
}

/* The same at white space, all that stands together. */
static bool cut_space(struct hone_text text, bool backward, struct hone_text *before,
                      struct hone_text *behind)
{
    const char *p = text.data, *end = p + text.size, *next;
    const char *space = NULL, *stop = NULL;
    while (p < end && (backward || !space)) {
        next = p;
        if (jinja_text_is_space(utf8_next(&next))) {
            space = p;
            stop = jinja_text_skip_space(p, end);
            next = stop;
        }
        p = next;
    }
    if (!space)
        return false;
    *before = (struct hone_text){text.data, (size_t)(space - text.data)};
    *behind = (struct hone_text){stop, (size_t)(end - stop)};
    return true;
}

static void push(struct jinja_run *r, struct buffer *parts, struct hone_text part, bool safe)
{
    struct jinja_value v = value_text(part.data, part.size);
    v.safe = safe;
    if (jinja_run_work(r, sizeof v))
        buffer_append(parts, &v, sizeof v);
}

static struct jinja_value take_parts(struct jinja_run *r, struct buffer *parts, bool reversed)
{
    size_t n = parts->failed ? 0 : parts->size / sizeof(struct jinja_value);
    struct list *list = jinja_run_list(r, n);
    for (size_t i = 0; i < list->n; i++)
        memcpy(&list->items[i], parts->data + (reversed ? n - 1 - i : i) * sizeof(struct jinja_value),
               sizeof(struct jinja_value));
    jinja_run_fits(r, parts);
    buffer_release(parts);
    return jinja_make_list(r, VALUE_LIST, list);
}

/* Takes the white space from the side that splitting begins at; false: nothing is left. */
static bool trim_side(struct hone_text *text, bool backward)
{
    const char *end = text->data + text->size,
               *start = backward ? text->data : jinja_text_skip_space(text->data, end);
    end = backward ? jinja_text_trim_end(start, end) : end;
    *text = (struct hone_text){start, (size_t)(end - start)};
    return text->size > 0;
}

static struct jinja_value split_any(struct jinja_run *r, const struct jinja_value *v, bool backward)
{
    bool space = v[1].kind == VALUE_MISSING || v[1].kind == VALUE_NONE;
    int64_t most = jinja_integer_or(r, v[2], -1);
    struct hone_text left = value_string(v[0]), by = {NULL, 0}, before, behind;
    struct buffer parts = {0};
    if (r->failed || (!space && !jinja_is_text(r, v[1], "split")))
        return v[0];
    if (!space && !(by = value_string(v[1])).size)
        return jinja_run_fail(r, "a text cannot be split by an empty one");
    jinja_run_work(r, left.size);
    bool more = !space || trim_side(&left, backward);
    while (more && most-- != 0 && jinja_run_work(r, 1)) {
        if (!(space ? cut_space(left, backward, &before, &behind)
                    : jinja_text_cut(left, by, backward, &before, &behind)))
            break;
        if (backward || space)
            jinja_run_work(r, left.size);
        push(r, &parts, backward ? behind : before, v[0].safe);
        left = backward ? before : behind;
        more = !space || left.size;
    }
    if (more)
        push(r, &parts, left, v[0].safe);
    return take_parts(r, &parts, backward);
}

struct jinja_value jinja_string_split(struct jinja_run *r, const struct jinja_value *v)
{
    return split_any(r, v, false);
}

struct jinja_value jinja_string_rsplit(struct jinja_run *r, const struct jinja_value *v)
{
    return split_any(r, v, true);
}

static struct jinja_value partition_any(struct jinja_run *r, const struct jinja_value *v, bool backward)
{
    struct hone_text whole = value_string(v[0]), before = whole, behind = {whole.data + whole.size, 0};
    if (!jinja_is_text(r, v[1], "partition") || !jinja_run_work(r, whole.size))
        return v[0];
    if (!v[1].size)
        return jinja_run_fail(r, "a text cannot be split by an empty one");
    bool found = jinja_text_cut(whole, value_string(v[1]), backward, &before, &behind);
    if (!found && backward) {
        behind = whole;
        before.size = 0;
    }
    struct list *list = jinja_run_list(r, 3);
    if (list->n) {
        list->items[0] = value_text(before.data, before.size);
        list->items[1] = found ? v[1] : value_literal("");
        list->items[2] = value_text(behind.data, behind.size);
    }
    return jinja_make_list(r, VALUE_TUPLE, list);
}

struct jinja_value jinja_string_partition(struct jinja_run *r, const struct jinja_value *v)
{
    return partition_any(r, v, false);
}

struct jinja_value jinja_string_rpartition(struct jinja_run *r, const struct jinja_value *v)
{
    return partition_any(r, v, true);
}
