/* The methods of texts. */
#include "runtime/base/text.h"
#include "runtime/base/utf8.h"
#include "tokenizer/template/builtins/split.h"
#include "tokenizer/template/builtins/strings.h"
#include "tokenizer/template/text.h"

#include <string.h>

static struct jinja_value upper(struct jinja_run *r, const struct jinja_value *v)
{
    return jinja_string_upper(r, v[0]);
}

static struct jinja_value lower(struct jinja_run *r, const struct jinja_value *v)
{
    return jinja_string_lower(r, v[0]);
}

static struct jinja_value capitalize(struct jinja_run *r, const struct jinja_value *v)
{
    return jinja_string_capitalize(r, v[0]);
}

static struct jinja_value title(struct jinja_run *r, const struct jinja_value *v)
{
    return jinja_string_title(r, v[0]);
}

static struct jinja_value strip(struct jinja_run *r, const struct jinja_value *v)
{
    return jinja_string_strip(r, v[0], v[1], STRIP_START | STRIP_END);
}

static struct jinja_value lstrip(struct jinja_run *r, const struct jinja_value *v)
{
    return jinja_string_strip(r, v[0], v[1], STRIP_START);
}

static struct jinja_value rstrip(struct jinja_run *r, const struct jinja_value *v)
{
    return jinja_string_strip(r, v[0], v[1], STRIP_END);
}

static struct jinja_value splitlines(struct jinja_run *r, const struct jinja_value *v)
{
    return jinja_string_lines(r, v[0], jinja_value_is_true(v[1]));
}

/* ---- looking for something ----------------------------------------------------------------------------- */

static bool begins(struct jinja_run *r, struct jinja_value text, struct jinja_value with, bool at_end)
{
    return with.size <= text.size && jinja_run_work(r, with.size) &&
           (!with.size ||
            memcmp(text.text + (at_end ? text.size - with.size : 0), with.text, with.size) == 0);
}

/* One text, or a tuple of them. */
static struct jinja_value begins_any(struct jinja_run *r, const struct jinja_value *v, bool at_end)
{
    bool several = v[1].kind == VALUE_TUPLE;
    struct jinja_value one = v[1], *all = several ? v[1].list->items : &one;
    size_t n = several ? v[1].list->n : 1;
    for (size_t i = 0; i < n && jinja_is_text(r, all[i], "startswith") && jinja_run_work(r, 1); i++)
        if (begins(r, v[0], all[i], at_end))
            return value_bool(true);
    return value_bool(false);
}

static struct jinja_value startswith(struct jinja_run *r, const struct jinja_value *v)
{
    return begins_any(r, v, false);
}

static struct jinja_value endswith(struct jinja_run *r, const struct jinja_value *v)
{
    return begins_any(r, v, true);
}

/* The character where it is found, or -1. */
static int64_t position(struct jinja_run *r, const struct jinja_value *v, bool backward)
{
    struct hone_text whole = value_string(v[0]), before = {whole.data, backward ? whole.size : 0}, behind;
    if (!jinja_is_text(r, v[1], "find") || !jinja_run_work(r, 2 * whole.size))
        return -1;
    if (v[1].size && !jinja_text_cut(whole, value_string(v[1]), backward, &before, &behind))
        return -1;
    return (int64_t)jinja_text_length(before);
}

static struct jinja_value find(struct jinja_run *r, const struct jinja_value *v)
{
    return value_int(position(r, v, false));
}

static struct jinja_value rfind(struct jinja_run *r, const struct jinja_value *v)
{
    return value_int(position(r, v, true));
}

static struct jinja_value index_any(struct jinja_run *r, const struct jinja_value *v, bool backward)
{
    int64_t at = position(r, v, backward);
    return at < 0 ? jinja_run_fail(r, "'index' does not find the text") : value_int(at);
}

static struct jinja_value index_of(struct jinja_run *r, const struct jinja_value *v)
{
    return index_any(r, v, false);
}

static struct jinja_value rindex_of(struct jinja_run *r, const struct jinja_value *v)
{
    return index_any(r, v, true);
}

static struct jinja_value count(struct jinja_run *r, const struct jinja_value *v)
{
    struct hone_text left = value_string(v[0]), before;
    int64_t n = 0;
    if (!jinja_is_text(r, v[1], "count") || !jinja_run_work(r, left.size))
        return value_none();
    if (!v[1].size)
        return value_int((int64_t)jinja_text_length(left) + 1);
    while (jinja_text_cut(left, value_string(v[1]), false, &before, &left))
        n++;
    return value_int(n);
}

/* Whether a text that is marked safe can take this one in without escaping it. */
static bool fits(struct jinja_run *r, struct jinja_value self, struct jinja_value v)
{
    struct buffer out = {0};
    if (!self.safe || v.safe || v.kind != VALUE_STRING)
        return true;
    jinja_print_escaped(&out, value_string(v));
    bool same = out.size == v.size;
    buffer_release(&out);
    if (!same)
        jinja_run_fail(r, "a method that puts a text into one marked safe is not supported");
    return same;
}

static struct jinja_value replace(struct jinja_run *r, const struct jinja_value *v)
{
    int64_t most = jinja_integer_or(r, v[3], -1);
    if (!jinja_is_text(r, v[1], "replace") || !jinja_is_text(r, v[2], "replace") || !fits(r, v[0], v[2]))
        return v[0];
    return jinja_string_replace(r, v[0], v[1], v[2], most);
}

static struct jinja_value removeprefix(struct jinja_run *r, const struct jinja_value *v)
{
    struct jinja_value text = v[0];
    if (jinja_is_text(r, v[1], "removeprefix") && begins(r, text, v[1], false)) {
        text.text += v[1].size;
        text.size -= v[1].size;
    }
    return text;
}

static struct jinja_value removesuffix(struct jinja_run *r, const struct jinja_value *v)
{
    struct jinja_value text = v[0];
    if (jinja_is_text(r, v[1], "removesuffix") && begins(r, text, v[1], true))
        text.size -= v[1].size;
    return text;
}

static struct jinja_value join(struct jinja_run *r, const struct jinja_value *v)
{
    struct list *list = jinja_iterate(r, v[1]);
    for (size_t i = 0; i < list->n && fits(r, v[0], list->items[i]); i++)
        jinja_run_work(r, 1);
    return jinja_string_join(r, v[0], list, false);
}

/* ---- what a text is made of ---------------------------------------------------------------------------- */

enum { IS_DIGIT, IS_ALPHA, IS_ALNUM, IS_SPACE };

static bool is_of(struct jinja_run *r, uint32_t point, int what)
{
    if (what == IS_SPACE)
        return jinja_text_is_space(point);
    if (point >= 0x80)
        jinja_run_fail(r, "whether a character beyond ASCII is a digit or a letter is not supported");
    bool digit = point >= '0' && point <= '9';
    bool letter = (point | 0x20) >= 'a' && (point | 0x20) <= 'z';
    return (digit && what != IS_ALPHA) || (letter && what != IS_DIGIT);
}

static struct jinja_value is_all(struct jinja_run *r, struct jinja_value text, int what)
{
    const char *p = text.text, *end = p + text.size;
    while (p < end && jinja_run_work(r, RUN_CHARACTER_WORK))
        if (!is_of(r, utf8_next(&p), what))
            return value_bool(false);
    return value_bool(text.size > 0);
}

static struct jinja_value isdigit_(struct jinja_run *r, const struct jinja_value *v)
{
    return is_all(r, v[0], IS_DIGIT);
}

static struct jinja_value isalpha_(struct jinja_run *r, const struct jinja_value *v)
{
    return is_all(r, v[0], IS_ALPHA);
}

static struct jinja_value isalnum_(struct jinja_run *r, const struct jinja_value *v)
{
    return is_all(r, v[0], IS_ALNUM);
}

static struct jinja_value isspace_(struct jinja_run *r, const struct jinja_value *v)
{
    return is_all(r, v[0], IS_SPACE);
}

static struct jinja_value isupper_(struct jinja_run *r, const struct jinja_value *v)
{
    return jinja_string_has_case(r, v[0], 1);
}

static struct jinja_value islower_(struct jinja_run *r, const struct jinja_value *v)
{
    return jinja_string_has_case(r, v[0], -1);
}

/* ---- format -------------------------------------------------------------------------------------------- */

/* The value of a field: a number, a name, or the next argument. */
static struct jinja_value field(struct jinja_run *r, const struct jinja_call *call, struct hone_text name,
                                size_t *next)
{
    size_t index = 0;
    bool is_index = name.size > 0 && name.size < 4;
    for (size_t i = 0; i < name.size; i++) {
        is_index = is_index && name.data[i] >= '0' && name.data[i] <= '9';
        index = index * 10 + (size_t)(name.data[i] - '0');
    }
    if (!name.size || is_index) {
        index = name.size ? index : (*next)++;
        return index < call->n_args ? call->args[index] : jinja_run_fail(r, "'format' lacks an argument");
    }
    for (size_t i = 0; i < call->n_keywords; i++)
        if (text_equal(call->keywords[i].name, name))
            return call->keywords[i].value;
    return jinja_run_fail(r, "'format' with the field '%.*s' is not supported, or lacks its argument",
                          run_shown(name.size), name.data);
}

static struct jinja_value format(struct jinja_run *r, struct jinja_value self, const struct jinja_call *call)
{
    const char *p = self.text, *end = p + self.size;
    struct buffer out = {0};
    size_t next = 0;
    while (p < end && jinja_run_work(r, 1)) {
        bool brace = *p == '{' || *p == '}';
        if (!brace || (p + 1 < end && p[1] == *p)) {
            buffer_byte(&out, *p);
            p += 1 + brace;
            continue;
        }
        const char *stop = *p == '{' ? memchr(p, '}', (size_t)(end - p)) : NULL;
        if (!stop) {
            jinja_run_fail(r, "a single brace in what 'format' is applied to");
            break;
        }
        struct jinja_value v = field(r, call, (struct hone_text){p + 1, (size_t)(stop - p) - 1}, &next);
        if (fits(r, self, v))
            jinja_print(r, &out, v);
        p = stop + 1;
    }
    return jinja_run_take(r, &out);
}

const struct builtin jinja_text_methods[] = {
    {"upper", upper, NULL, 0, ""},
    {"lower", lower, NULL, 0, ""},
    {"capitalize", capitalize, NULL, 0, ""},
    {"title", title, NULL, 0, ""},
    {"strip", strip, NULL, 0, "-"},
    {"lstrip", lstrip, NULL, 0, "-"},
    {"rstrip", rstrip, NULL, 0, "-"},
    {"split", jinja_string_split, NULL, 0, "sep maxsplit"},
    {"rsplit", jinja_string_rsplit, NULL, 0, "sep maxsplit"},
    {"splitlines", splitlines, NULL, 0, "keepends"},
    {"partition", jinja_string_partition, NULL, 1, "-"},
    {"rpartition", jinja_string_rpartition, NULL, 1, "-"},
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
