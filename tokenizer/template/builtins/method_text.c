/* The methods of texts. */
#include "runtime/base/utf8.h"
#include "tokenizer/template/builtins/split.h"
#include "tokenizer/template/builtins/strings.h"
#include "tokenizer/template/text.h"

#include <string.h>

static struct value upper(struct run *r, const struct value *v)
{
    return string_upper(r, v[0]);
}

static struct value lower(struct run *r, const struct value *v)
{
    return string_lower(r, v[0]);
}

static struct value capitalize(struct run *r, const struct value *v)
{
    return string_capitalize(r, v[0]);
}

static struct value title(struct run *r, const struct value *v)
{
    return string_title(r, v[0]);
}

static struct value strip(struct run *r, const struct value *v)
{
    return string_strip(r, v[0], v[1], STRIP_START | STRIP_END);
}

static struct value lstrip(struct run *r, const struct value *v)
{
    return string_strip(r, v[0], v[1], STRIP_START);
}

static struct value rstrip(struct run *r, const struct value *v)
{
    return string_strip(r, v[0], v[1], STRIP_END);
}

static struct value splitlines(struct run *r, const struct value *v)
{
    return string_lines(r, v[0], value_is_true(v[1]));
}

/* ---- looking for something ----------------------------------------------------------------------------- */

static bool begins(struct value text, struct value with, bool at_end)
{
    return with.size <= text.size && (!with.size || memcmp(text.text + (at_end ? text.size - with.size : 0),
                                                           with.text, with.size) == 0);
}

/* One text, or a tuple of them. */
static struct value begins_any(struct run *r, const struct value *v, bool at_end)
{
    bool several = v[1].kind == VALUE_TUPLE;
    struct value one = v[1], *all = several ? v[1].list->items : &one;
    size_t n = several ? v[1].list->n : 1;
    for (size_t i = 0; i < n && is_text(r, all[i], "startswith") && run_work(r, all[i].size); i++)
        if (begins(v[0], all[i], at_end))
            return value_bool(true);
    return value_bool(false);
}

static struct value startswith(struct run *r, const struct value *v)
{
    return begins_any(r, v, false);
}

static struct value endswith(struct run *r, const struct value *v)
{
    return begins_any(r, v, true);
}

/* The character where it is found, or -1. */
static int64_t position(struct run *r, const struct value *v, bool backward)
{
    struct tok_text whole = value_string(v[0]), before = {whole.data, backward ? whole.size : 0}, behind;
    if (!is_text(r, v[1], "find") || !run_work(r, 2 * whole.size))
        return -1;
    if (v[1].size && !text_cut(whole, value_string(v[1]), backward, &before, &behind))
        return -1;
    return (int64_t)text_length(before);
}

static struct value find(struct run *r, const struct value *v)
{
    return value_int(position(r, v, false));
}

static struct value rfind(struct run *r, const struct value *v)
{
    return value_int(position(r, v, true));
}

static struct value index_any(struct run *r, const struct value *v, bool backward)
{
    int64_t at = position(r, v, backward);
    return at < 0 ? run_fail(r, "'index' does not find the text") : value_int(at);
}

static struct value index_of(struct run *r, const struct value *v)
{
    return index_any(r, v, false);
}

static struct value rindex_of(struct run *r, const struct value *v)
{
    return index_any(r, v, true);
}

static struct value count(struct run *r, const struct value *v)
{
    struct tok_text left = value_string(v[0]), before;
    int64_t n = 0;
    if (!is_text(r, v[1], "count") || !run_work(r, left.size))
        return value_none();
    if (!v[1].size)
        return value_int((int64_t)text_length(left) + 1);
    while (text_cut(left, value_string(v[1]), false, &before, &left))
        n++;
    return value_int(n);
}

/* Whether a text that is marked safe can take this one in without escaping it. */
static bool fits(struct run *r, struct value self, struct value v)
{
    struct buffer out = {0};
    if (!self.safe || v.safe || v.kind != VALUE_STRING)
        return true;
    print_escaped(&out, value_string(v));
    bool same = out.size == v.size;
    buffer_release(&out);
    if (!same)
        run_fail(r, "a method that puts a text into one marked safe is not supported");
    return same;
}

static struct value replace(struct run *r, const struct value *v)
{
    int64_t most = integer_or(r, v[3], -1);
    if (!is_text(r, v[1], "replace") || !is_text(r, v[2], "replace") || !fits(r, v[0], v[2]))
        return v[0];
    return string_replace(r, v[0], v[1], v[2], most);
}

static struct value removeprefix(struct run *r, const struct value *v)
{
    struct value text = v[0];
    if (is_text(r, v[1], "removeprefix") && begins(text, v[1], false)) {
        text.text += v[1].size;
        text.size -= v[1].size;
    }
    return text;
}

static struct value removesuffix(struct run *r, const struct value *v)
{
    struct value text = v[0];
    if (is_text(r, v[1], "removesuffix") && begins(text, v[1], true))
        text.size -= v[1].size;
    return text;
}

static struct value join(struct run *r, const struct value *v)
{
    struct list *list = iterate(r, v[1]);
    for (size_t i = 0; i < list->n && fits(r, v[0], list->items[i]); i++)
        run_work(r, 1);
    return string_join(r, v[0], list, false);
}

/* ---- what a text is made of ---------------------------------------------------------------------------- */

enum { IS_DIGIT, IS_ALPHA, IS_ALNUM, IS_SPACE };

static bool is_of(struct run *r, uint32_t point, int what)
{
    if (what == IS_SPACE)
        return text_is_space(point);
    if (point >= 0x80)
        run_fail(r, "whether a character beyond ASCII is a digit or a letter is not supported");
    bool digit = point >= '0' && point <= '9';
    bool letter = (point | 0x20) >= 'a' && (point | 0x20) <= 'z';
    return (digit && what != IS_ALPHA) || (letter && what != IS_DIGIT);
}

static struct value is_all(struct run *r, struct value text, int what)
{
    const char *p = text.text, *end = p + text.size;
    while (p < end && !r->failed)
        if (!is_of(r, utf8_next(&p), what))
            return value_bool(false);
    return value_bool(text.size > 0);
}

static struct value isdigit_(struct run *r, const struct value *v)
{
    return is_all(r, v[0], IS_DIGIT);
}

static struct value isalpha_(struct run *r, const struct value *v)
{
    return is_all(r, v[0], IS_ALPHA);
}

static struct value isalnum_(struct run *r, const struct value *v)
{
    return is_all(r, v[0], IS_ALNUM);
}

static struct value isspace_(struct run *r, const struct value *v)
{
    return is_all(r, v[0], IS_SPACE);
}

static struct value isupper_(struct run *r, const struct value *v)
{
    return string_has_case(r, v[0], 1);
}

static struct value islower_(struct run *r, const struct value *v)
{
    return string_has_case(r, v[0], -1);
}

/* ---- format -------------------------------------------------------------------------------------------- */

/* The value of a field: a number, a name, or the next argument. */
static struct value field(struct run *r, const struct call *call, struct tok_text name, size_t *next)
{
    size_t index = 0;
    bool is_index = name.size > 0 && name.size < 4;
    for (size_t i = 0; i < name.size; i++) {
        is_index = is_index && name.data[i] >= '0' && name.data[i] <= '9';
        index = index * 10 + (size_t)(name.data[i] - '0');
    }
    if (!name.size || is_index) {
        index = name.size ? index : (*next)++;
        return index < call->n_args ? call->args[index] : run_fail(r, "'format' lacks an argument");
    }
    for (size_t i = 0; i < call->n_keywords; i++)
        if (text_equal(call->keywords[i].name, name))
            return call->keywords[i].value;
    return run_fail(r, "'format' with the field '%.*s' is not supported, or lacks its argument",
                    run_shown(name.size), name.data);
}

static struct value format(struct run *r, struct value self, const struct call *call)
{
    const char *p = self.text, *end = p + self.size;
    struct buffer out = {0};
    size_t next = 0;
    while (p < end && run_work(r, 1)) {
        bool brace = *p == '{' || *p == '}';
        if (!brace || (p + 1 < end && p[1] == *p)) {
            buffer_byte(&out, *p);
            p += 1 + brace;
            continue;
        }
        const char *stop = *p == '{' ? memchr(p, '}', (size_t)(end - p)) : NULL;
        if (!stop) {
            run_fail(r, "a single brace in what 'format' is applied to");
            break;
        }
        struct value v = field(r, call, (struct tok_text){p + 1, (size_t)(stop - p) - 1}, &next);
        if (fits(r, self, v))
            print(r, &out, v);
        p = stop + 1;
    }
    return run_take(r, &out);
}

const struct builtin text_methods[] = {
    {"upper", upper, NULL, 0, ""},
    {"lower", lower, NULL, 0, ""},
    {"capitalize", capitalize, NULL, 0, ""},
    {"title", title, NULL, 0, ""},
    {"strip", strip, NULL, 0, "-"},
    {"lstrip", lstrip, NULL, 0, "-"},
    {"rstrip", rstrip, NULL, 0, "-"},
    {"split", string_split, NULL, 0, "sep maxsplit"},
    {"rsplit", string_rsplit, NULL, 0, "sep maxsplit"},
    {"splitlines", splitlines, NULL, 0, "keepends"},
    {"partition", string_partition, NULL, 1, "-"},
    {"rpartition", string_rpartition, NULL, 1, "-"},
    {"startswith", startswith, NULL, 1, "-"},
    {"endswith", endswith, NULL, 1, "-"},
    {"find", find, NULL, 1, "-"},
    {"rfind", rfind, NULL, 1, "-"},
    {"index", index_of, NULL, 1, "-"},
    {"rindex", rindex_of, NULL, 1, "-"},
    {"count", count, NULL, 1, "-"},
    {"replace", replace, NULL, 2, "- - -"},
    {"removeprefix", removeprefix, NULL, 1, "-"},
    {"removesuffix", removesuffix, NULL, 1, "-"},
    {"join", join, NULL, 1, "-"},
    {"isdigit", isdigit_, NULL, 0, ""},
    {"isalpha", isalpha_, NULL, 0, ""},
    {"isalnum", isalnum_, NULL, 0, ""},
    {"isspace", isspace_, NULL, 0, ""},
    {"isupper", isupper_, NULL, 0, ""},
    {"islower", islower_, NULL, 0, ""},
    {"format", NULL, format, 0, NULL},
    {0},
};
