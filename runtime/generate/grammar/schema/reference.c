/* What a $ref stands for: a place in the schema, found by a JSON pointer, an $anchor or an $id (RFC 6901, RFC 3986). */
#include "runtime/generate/grammar/schema/translate.h"

#include "runtime/base/text.h"

#include <string.h>

/* Longer ones are looked for as they stand, without what they would be relative to. */
enum { MAX_URI = 1024, MAX_STEPS = 64 };

/* ---- URIs ---- */

static int hex_of(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* A fragment without its escapes. NULL: failed. */
static char *decode(struct schema *s, const char *text, size_t size, size_t *n)
{
    char *out = schema_alloc(&s->w, size + 1, 1);
    *n = 0;
    for (size_t i = 0; out && i < size; i++) {
        bool is_escape =
            text[i] == '%' && size - i > 2 && hex_of(text[i + 1]) >= 0 && hex_of(text[i + 2]) >= 0;
        out[(*n)++] = is_escape ? (char)(hex_of(text[i + 1]) << 4 | hex_of(text[i + 2])) : text[i];
        i += is_escape ? 2 : 0;
    }
    return out;
}

/* The size of "scheme:", 0: it has none. */
static size_t scheme_size(struct hone_text uri)
{
    size_t n = strcspn(uri.data, ":/?#");
    return n > 0 && n < uri.size && uri.data[n] == ':' ? n + 1 : 0;
}

/* The size of "scheme://host". */
static size_t host_size(struct hone_text uri)
{
    size_t n = scheme_size(uri);
    if (n + 2 <= uri.size && memcmp(uri.data + n, "//", 2) == 0)
        n += 2 + strcspn(uri.data + n + 2, "/?#");
    return n;
}

/* Takes "." and ".." out of a path in place; returns its size. */
static size_t cut_dots(char *path, size_t size)
{
    size_t n = 0;
    for (size_t i = 0; i < size;) {
        size_t step = i + 1; /* of "/name" */
        while (step < size && path[step] != '/')
            step++;
        size_t n_name = step - i;
        if (n_name == 3 && memcmp(path + i, "/..", 3) == 0) {
            while (n > 0 && path[--n] != '/')
                ;
            if (step == size)
                path[n++] = '/';
        } else if (n_name == 2 && memcmp(path + i, "/.", 2) == 0) {
            if (step == size)
                path[n++] = '/';
        } else {
            memmove(path + n, path + i, n_name);
            n += n_name;
        }
        i = step;
    }
    return n;
}

/* ref, seen from base; both without fragments, and with a NUL behind them. */
static struct hone_text resolve(struct schema *s, struct hone_text base, struct hone_text ref)
{
    size_t host = host_size(base), kept = host;
    if (ref.size == 0 || base.size + ref.size > MAX_URI)
        return ref.size == 0 ? base : ref;
    if (scheme_size(ref) > 0 || base.size == 0)
        return ref;
    if (text_begins(ref, "//"))
        kept = scheme_size(base);
    else if (ref.data[0] != '/') /* beside the last step of the base */
        for (size_t i = host; i < base.size && base.data[i] != '?'; i++)
            kept = base.data[i] == '/' ? i + 1 : kept;
    char *out = schema_alloc(&s->w, base.size + ref.size + 2, 1);
    if (!out)
        return ref;
    memcpy(out, base.data, kept);
    size_t n = kept;
    if (kept == host && host > 0 && ref.data[0] != '/')
        out[n++] = '/';
    memcpy(out + n, ref.data, ref.size);
    n += ref.size;
    if (host < n && out[host] == '/' && kept >= host)
        n = host + cut_dots(out + host, n - host);
    out[n] = 0;
    return (struct hone_text){out, n};
}

static struct hone_text before_fragment(struct schema *s, struct hone_text uri)
{
    const char *hash = memchr(uri.data, '#', uri.size);
    size_t n = hash ? (size_t)(hash - uri.data) : uri.size;
    char *copy = schema_copy_text(&s->w, uri.data, n);
    return (struct hone_text){copy ? copy : "", copy ? n : 0};
}

/* ---- resources: the whole, and what has an $id ---- */

static const struct schema_value *id_of(struct schema *s, const struct schema_value *v)
{
    const struct schema_value *id = schema_keyword(s, v, "$id");
    return id && id->kind == VALUE_STRING && id->text.size > 0 && id->text.data[0] != '#' ? id : NULL;
}

/* The number of the resource that a value belongs to. */
static size_t resource_of(struct schema *s, const struct schema_value *v)
{
    while (v && v != s->root && !id_of(s, v))
        v = v->parent;
    for (size_t i = s->n_resources; v && i-- > 0 && schema_pay(&s->w, 1);)
        if (s->resources[i] == v)
            return i;
    return 0;
}

static bool add_resources(struct schema *s, const struct schema_value *v, struct hone_text base)
{
    const struct schema_value *id = id_of(s, v);
    if ((id || v == s->root) && !s->w.failed) {
        if (id)
            base = resolve(s, base, before_fragment(s, id->text));
        if (!schema_room(&s->w, &s->resources, &s->resources_capacity, s->n_resources,
                         sizeof *s->resources) ||
            !schema_room(&s->w, &s->uris, &s->uris_capacity, s->n_resources, sizeof *s->uris))
            return false;
        s->resources[s->n_resources] = v;
        s->uris[s->n_resources++] = base;
    }
    for (uint32_t i = 0; v->kind >= VALUE_ARRAY && i < v->n; i++) {
        bool names_values =
            v->kind == VALUE_OBJECT && (text_is(v->names[i], "enum") || text_is(v->names[i], "const"));
        if (!names_values && v->items[i]->kind >= VALUE_ARRAY && !add_resources(s, v->items[i], base))
            return false;
    }
    return schema_pay(&s->w, 1);
}

bool schema_find_resources(struct schema *s)
{
    return add_resources(s, s->root, (struct hone_text){"", 0});
}

/* ---- targets ---- */

static const struct schema_value *find_anchor(struct schema *s, const struct schema_value *v,
                                              struct hone_text name)
{
    static const char *const keys[] = {"$anchor", "$dynamicAnchor", "$id"};
    for (int i = 0; i < 3; i++) {
        const struct schema_value *anchor = schema_keyword(s, v, keys[i]);
        struct hone_text own =
            anchor && anchor->kind == VALUE_STRING ? anchor->text : (struct hone_text){"", 0};
        if (i == 2) /* before 2019: "$id": "#name" */
            own = own.size > 0 && own.data[0] == '#' ? (struct hone_text){own.data + 1, own.size - 1}
                                                     : (struct hone_text){"", 0};
        if (own.size > 0 && text_equal(own, name))
            return v;
    }
    const struct schema_value *found = NULL;
    for (uint32_t i = 0; v->kind >= VALUE_ARRAY && i < v->n && !found && schema_pay(&s->w, 1); i++)
        if (v->items[i]->kind >= VALUE_ARRAY && !id_of(s, v->items[i]))
            found = find_anchor(s, v->items[i], name);
    return found;
}

/* One step of a JSON pointer. */
static const struct schema_value *step_to(struct schema *s, const struct schema_value *v, const char *step,
                                          size_t size)
{
    char *name = schema_alloc(&s->w, size + 1, 1);
    size_t n = 0, index = 0;
    bool is_index = size > 0 && size < 9;
    for (size_t i = 0; name && i < size; i++) {
        bool is_escape = step[i] == '~' && i + 1 < size && (step[i + 1] == '0' || step[i + 1] == '1');
        name[n++] = !is_escape ? step[i] : step[i + 1] == '0' ? '~' : '/';
        is_index &= step[i] >= '0' && step[i] <= '9';
        index = is_index ? 10 * index + (size_t)(step[i] - '0') : 0;
        i += is_escape;
    }
    if (!name || (v->kind == VALUE_ARRAY && (!is_index || index >= v->n)))
        return NULL;
    return v->kind == VALUE_ARRAY ? v->items[index]
                                  : schema_value_find(&s->w, v, (struct hone_text){name, n});
}

static const struct schema_value *find_place(struct schema *s, const struct schema_value *from,
                                             const char *at, size_t size)
{
    size_t n = 0;
    const char *pointer = decode(s, at, size, &n);
    if (!pointer)
        return from;
    const char *end = pointer + n;
    if (n > 0 && pointer[0] != '/')
        return find_anchor(s, from, (struct hone_text){pointer, n});
    while (pointer < end && from) {
        const char *step = pointer + 1;
        for (pointer = step; pointer < end && *pointer != '/';)
            pointer++;
        from = schema_pay(&s->w, 1) ? step_to(s, from, step, (size_t)(pointer - step)) : NULL;
    }
    return from;
}

const struct schema_value *schema_target(struct schema *s, const struct schema_value *schema)
{
    const struct schema_value *ref = schema_keyword(s, schema, "$ref");
    struct schema_node *node = ref ? schema_node_of(s, ref) : NULL;
    if (!node || node->target || ref->kind != VALUE_STRING) {
        if (node && !node->target)
            schema_fail_at(&s->w, ref, "$ref is not a string");
        return node ? node->target : NULL;
    }
    struct hone_text text = ref->text, uri = before_fragment(s, text);
    size_t own = resource_of(s, schema), n = uri.size < text.size ? uri.size + 1 : text.size;
    int n_shown = (int)(text.size < 100 ? text.size : 100);
    const struct schema_value *resource = uri.size == 0 ? s->resources[own] : NULL;
    struct hone_text whole = resource ? uri : resolve(s, s->uris[own], uri);
    for (size_t i = 0; i < s->n_resources && !resource && schema_pay(&s->w, 1); i++)
        if (text_equal(s->uris[i], whole))
            resource = s->resources[i];
    if (!resource) {
        schema_fail_at(&s->w, ref, "$ref %.*s does not point into the schema", n_shown, text.data);
        return NULL;
    }
    node->target = find_place(s, resource, text.data + n, text.size - n);
    if (!node->target)
        schema_fail_at(&s->w, ref, "$ref %.*s points to nothing", n_shown, text.data);
    return node->target;
}
