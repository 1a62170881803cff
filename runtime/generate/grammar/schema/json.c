/* The reader. JSON as RFC 8259 has it: nothing behind the value, no member twice, and only whole characters. */
#include "runtime/generate/grammar/schema/json.h"

#include "runtime/base/hash.h"
#include "runtime/base/text.h"
#include "runtime/base/utf8.h"

#include <string.h>
#include <utf8proc.h>

/* A depth of recursion; and members that are compared with each other in less time than a table of them is made. */
enum { MAX_DEPTH = 1000, FEW_MEMBERS = 8 };

struct json_reader {
    struct schema_work *w;
    const char *start, *at, *end;
    unsigned depth;
    uint32_t n_values;
};

static struct schema_value *read_value(struct json_reader *r, const struct schema_value *parent,
                                       uint32_t place);

static bool fail(struct json_reader *r, const char *what)
{
    size_t line = 1;
    for (const char *c = r->start; c < r->at; c++)
        line += *c == '\n';
    return schema_fail(r->w, ", line %zu: %s", line, what);
}

static void skip_blanks(struct json_reader *r)
{
    while (r->at < r->end && (*r->at == ' ' || *r->at == '\t' || *r->at == '\n' || *r->at == '\r'))
        r->at++;
}

/* Whether it goes on with c, which is then read. */
static bool take(struct json_reader *r, char c)
{
    skip_blanks(r);
    if (r->at == r->end || *r->at != c)
        return false;
    r->at++;
    return true;
}

struct schema_value *schema_value_make(struct schema_work *w, enum schema_value_kind kind,
                                       const struct schema_value *at)
{
    struct schema_value *v = schema_alloc(w, 1, sizeof *v);
    if (!v)
        return NULL;
    v->kind = kind;
    v->parent = at ? at->parent : NULL;
    v->place = at ? at->place : 0;
    v->hash = hash_seeded(&kind, sizeof kind, 1);
    return v;
}

static uint64_t hash_of_string(struct hone_text text)
{
    return hash_seeded(text.data, text.size, 2);
}

struct schema_value *schema_value_string(struct schema_work *w, struct hone_text text,
                                         const struct schema_value *at)
{
    struct schema_value *v = schema_value_make(w, VALUE_STRING, at);
    if (!v)
        return NULL;
    v->text = text;
    v->hash = hash_of_string(text);
    return v;
}

/* ---- strings ---- */

static bool read_unit(struct json_reader *r, uint32_t *unit)
{
    *unit = 0;
    for (int i = 0; i < 4; i++, r->at++) {
        const char *digits = "0123456789abcdef";
        const char *found = r->at < r->end && *r->at ? strchr(digits, *r->at | 0x20) : NULL;
        if (!found || *r->at < '0')
            return fail(r, "expected four hexadecimal digits behind \\u");
        *unit = *unit << 4 | (uint32_t)(found - digits);
    }
    return true;
}

static bool read_point(struct json_reader *r, uint32_t *point)
{
    uint32_t low;
    if (!read_unit(r, point))
        return false;
    if (*point < 0xd800 || *point > 0xdfff)
        return true;
    if (*point > 0xdbff || r->end - r->at < 2 || r->at[0] != '\\' || r->at[1] != 'u')
        return fail(r, "half of a pair of UTF-16 stands alone");
    r->at += 2;
    if (!read_unit(r, &low))
        return false;
    if (low < 0xdc00 || low > 0xdfff)
        return fail(r, "half of a pair of UTF-16 stands alone");
    *point = 0x10000 + ((*point - 0xd800) << 10) + (low - 0xdc00);
    return true;
}

static bool read_escape(struct json_reader *r, char *out, size_t *n)
{
    static const char names[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
    uint32_t point;
    char c = r->at < r->end ? *r->at++ : 0;
    const char *found = c ? strchr(names, c) : NULL;
    if (found) {
        out[(*n)++] = meant[found - names];
        return true;
    }
    if (c != 'u')
        return fail(r, "an unknown escape in a string");
    if (!read_point(r, &point))
        return false;
    *n += (size_t)utf8proc_encode_char((utf8proc_int32_t)point, (utf8proc_uint8_t *)out + *n);
    return true;
}

static bool read_string(struct json_reader *r, struct hone_text *text)
{
    const char *close = r->at;
    while (close < r->end && *close != '"')
        close += *close == '\\' && close + 1 < r->end ? 2 : 1;
    if (close >= r->end)
        return fail(r, "a string has no closing quote");
    char *out = schema_alloc(r->w, (size_t)(close - r->at) + 1, 1);
    size_t n = 0;
    if (!out)
        return false;
    while (r->at < close) {
        utf8proc_int32_t point;
        if (*r->at == '\\') {
            r->at++;
            if (!read_escape(r, out, &n))
                return false;
            continue;
        }
        utf8proc_ssize_t size = utf8proc_iterate((const utf8proc_uint8_t *)r->at, close - r->at, &point);
        if (size <= 0 || point < 0x20)
            return fail(r, size <= 0 ? "it is not UTF-8" : "a control character in a string");
        memcpy(out + n, r->at, (size_t)size);
        n += (size_t)size;
        r->at += size;
    }
    r->at = close + 1;
    *text = (struct hone_text){out, n};
    return true;
}

/* ---- numbers ---- */

static size_t skip_digits(struct json_reader *r)
{
    const char *start = r->at;
    while (r->at < r->end && *r->at >= '0' && *r->at <= '9')
        r->at++;
    return (size_t)(r->at - start);
}

static bool read_number(struct json_reader *r, struct schema_value *v)
{
    const char *start = r->at;
    struct decimal *number = schema_alloc(r->w, 1, sizeof *number);
    r->at += *r->at == '-';
    bool ok = r->at < r->end && *r->at == '0' ? r->at++ != NULL : skip_digits(r) > 0;
    if (ok && r->at < r->end && *r->at == '.')
        ok = r->at++ && skip_digits(r) > 0;
    if (ok && r->at < r->end && (*r->at == 'e' || *r->at == 'E')) {
        r->at++;
        r->at += r->at < r->end && (*r->at == '-' || *r->at == '+');
        ok = skip_digits(r) > 0;
    }
    if (!ok)
        return fail(r, "what stands here is no JSON value");
    v->text = (struct hone_text){start, (size_t)(r->at - start)};
    if (!number || !decimal_read(r->w, v->text, number))
        return false;
    v->number = number;
    v->hash = decimal_hash(number);
    return true;
}

/* ---- arrays and objects ---- */

static bool add_slot(struct schema_work *w, struct schema_value *v, uint32_t i)
{
    size_t slot = hash_bytes(v->names[i].data, v->names[i].size) & (v->n_slots - 1);
    for (; v->slots[slot]; slot = (slot + 1) & (v->n_slots - 1))
        if (!schema_pay(w, 1) || text_equal(v->names[v->slots[slot] - 1], v->names[i]))
            return false;
    v->slots[slot] = i + 1;
    return true;
}

/* false: a name is there twice, or failed. */
static bool index_names(struct schema_work *w, struct schema_value *v)
{
    if (v->n <= FEW_MEMBERS) {
        for (uint32_t i = 0; i < v->n; i++)
            for (uint32_t j = 0; j < i; j++)
                if (text_equal(v->names[i], v->names[j]))
                    return false;
        return true;
    }
    for (v->n_slots = 16; v->n_slots < 2 * v->n;)
        v->n_slots *= 2;
    v->slots = schema_alloc(w, v->n_slots, sizeof *v->slots);
    for (uint32_t i = 0; v->slots && i < v->n; i++)
        if (!add_slot(w, v, i))
            return false;
    return v->slots != NULL;
}

static bool read_members(struct json_reader *r, struct schema_value *v, bool is_object)
{
    size_t items = 0, names = 0;
    char close = is_object ? '}' : ']';
    r->at++;
    for (bool more = !take(r, close); more; more = take(r, ',')) {
        if (!schema_pay(r->w, 1) || !schema_room(r->w, &v->items, &items, v->n, sizeof *v->items) ||
            (is_object && !schema_room(r->w, &v->names, &names, v->n, sizeof *v->names)))
            return false;
        if (is_object) {
            if (!take(r, '"'))
                return fail(r, "expected the name of a member");
            if (!read_string(r, &v->names[v->n]))
                return false;
            if (!take(r, ':'))
                return fail(r, "expected ':' behind the name of a member");
        }
        struct schema_value *item = read_value(r, v, v->n);
        if (!item)
            return false;
        v->items[v->n++] = item;
        uint64_t mixed[2] = {item->hash, 0};
        if (is_object)
            mixed[1] = hash_bytes(v->names[v->n - 1].data, v->names[v->n - 1].size);
        uint64_t hash = hash_bytes(mixed, sizeof mixed);
        v->hash = is_object ? v->hash + hash : hash_seeded(&hash, sizeof hash, v->hash);
        skip_blanks(r);
        if (r->at < r->end && *r->at == close)
            return r->at++ && (!is_object || index_names(r->w, v) ||
                               fail(r, "a member of an object stands there twice"));
    }
    return v->n == 0 || fail(r, is_object ? "expected ',' or '}'" : "expected ',' or ']'");
}

static bool read_word(struct json_reader *r, const char *word)
{
    size_t n = strlen(word);
    if ((size_t)(r->end - r->at) < n || memcmp(r->at, word, n) != 0)
        return fail(r, "what stands here is no JSON value");
    r->at += n;
    return true;
}

static enum schema_value_kind kind_at(char c)
{
    switch (c) {
    case '{':
        return VALUE_OBJECT;
    case '[':
        return VALUE_ARRAY;
    case '"':
        return VALUE_STRING;
    case 't':
        return VALUE_TRUE;
    case 'f':
        return VALUE_FALSE;
    case 'n':
        return VALUE_NULL;
    default:
        return VALUE_NUMBER;
    }
}

static struct schema_value *read_value(struct json_reader *r, const struct schema_value *parent,
                                       uint32_t place)
{
    static const char *const words[] = {
        [VALUE_NULL] = "null", [VALUE_FALSE] = "false", [VALUE_TRUE] = "true"};
    skip_blanks(r);
    if (r->at == r->end || ++r->depth > MAX_DEPTH) {
        fail(r, r->at == r->end ? "it ends too soon" : "it is nested more than 1000 deep");
        return NULL;
    }
    enum schema_value_kind kind = kind_at(*r->at);
    struct schema_value *v = schema_value_make(r->w, kind, NULL);
    if (!v)
        return NULL;
    v->id = r->n_values++;
    v->parent = parent;
    v->place = place;
    bool ok;
    if (kind == VALUE_OBJECT || kind == VALUE_ARRAY) {
        ok = read_members(r, v, kind == VALUE_OBJECT);
    } else if (kind == VALUE_STRING) {
        r->at++;
        ok = read_string(r, &v->text);
        v->hash = ok ? hash_of_string(v->text) : 0;
    } else {
        ok = kind == VALUE_NUMBER ? read_number(r, v) : read_word(r, words[kind]);
    }
    r->depth--;
    return ok ? v : NULL;
}

const struct schema_value *schema_read(struct schema_work *w, struct hone_text text, size_t *n_values)
{
    struct json_reader r = {.w = w, .start = text.data, .at = text.data, .end = text.data + text.size};
    const struct schema_value *v = read_value(&r, NULL, 0);
    skip_blanks(&r);
    if (v && r.at < r.end)
        fail(&r, "something stands behind the schema");
    *n_values = r.n_values;
    return w->failed ? NULL : v;
}
