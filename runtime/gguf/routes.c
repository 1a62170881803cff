/* Several models in one file: what each is told apart by. */
#include "runtime/gguf/impl.h"

#include "runtime/base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEY_START    "hone.route."
#define TENSOR_START "route."

const char *const gguf_route_keys[GGUF_N_ROUTE_KEYS] = {[GGUF_ROUTE_OF_TEXTS] = "hone.route_of_texts",
                                                        [GGUF_ROUTE_OF_QUERIES] = "hone.route_of_queries",
                                                        [GGUF_ROUTE_OF_DOCUMENTS] =
                                                            "hone.route_of_documents"};

bool gguf_has_routes(const struct gguf *g)
{
    return gguf_find(g, GGUF_ROUTES) != NULL;
}

bool gguf_route_name_ok(struct hone_text name)
{
    for (size_t i = 0; i < name.size; i++) {
        const char c = name.data[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
              c == '-'))
            return false;
    }
    return name.size >= 1 && name.size <= GGUF_MAX_ROUTE_NAME;
}

const char *gguf_name_in_route(const char *name)
{
    if (strncmp(name, TENSOR_START, strlen(TENSOR_START)) != 0)
        return name;
    const char *dot = strchr(name + strlen(TENSOR_START), '.');
    return dot ? dot + 1 : name;
}

/* Behind "START" and "ROUTE."; NULL: it is not of that route. */
static const char *of_route(const char *name, const char *start, struct hone_text route)
{
    size_t n = strlen(start);
    if (strncmp(name, start, n) != 0 || strncmp(name + n, route.data, route.size) != 0 ||
        name[n + route.size] != '.')
        return NULL;
    return name + n + route.size + 1;
}

/* ---- joining ---- */

static bool same_value(const struct gguf_value *a, const struct gguf_value *b)
{
    if (!b || a->type != b->type || a->is_array != b->is_array || a->n != b->n)
        return false;
    if (a->type != GGUF_STRING)
        return a->n == 0 || memcmp(a->data, b->data, a->n * gguf_type_size(a->type)) == 0;
    for (size_t i = 0; i < a->n; i++)
        if (!text_equal(a->strings[i], b->strings[i]))
            return false;
    return true;
}

static bool same_tensor(const struct gguf_tensor *a, const struct gguf_tensor *b)
{
    return b && a->type == b->type && a->n_dims == b->n_dims &&
           memcmp(a->dims, b->dims, sizeof a->dims) == 0 && memcmp(a->data, b->data, a->size) == 0;
}

struct joining {
    struct gguf *whole;
    const char *const *names;
    struct gguf **routes;
    size_t n;
};

/* What the file is of is each route's own: no program is to take the file for one of them. */
static bool all_have_key(const struct joining *j, const char *key, const struct gguf_value *value)
{
    bool all = strcmp(key, "general.architecture") != 0;
    for (size_t i = 0; i < j->n && all; i++)
        all = same_value(value, gguf_find(j->routes[i], key));
    return all;
}

static bool all_have_tensor(const struct joining *j, const struct gguf_tensor *t)
{
    bool all = true;
    for (size_t i = 0; i < j->n && all; i++)
        all = same_tensor(t, gguf_find_tensor(j->routes[i], t->name));
    return all;
}

/* What was added without a route's name is what all have alike. */
static bool add_keys(const struct joining *j, size_t route)
{
    const struct gguf *g = j->routes[route];
    char name[GGUF_MAX_NAME + GGUF_MAX_ROUTE_NAME + 32];
    bool ok = true;
    for (size_t i = 0; i < gguf_n_keys(g) && ok; i++) {
        const char *key = gguf_key(g, i);
        const struct gguf_value *value = gguf_value_at(g, i);
        bool shared = all_have_key(j, key, value);
        if (shared && route > 0)
            continue;
        int n = snprintf(name, sizeof name, KEY_START "%s.%s", j->names[route], key);
        ok = n < (int)sizeof name && gguf_set_value(j->whole, shared ? key : name, value);
    }
    return ok;
}

static bool add_tensors(const struct joining *j, size_t route)
{
    const struct gguf *g = j->routes[route];
    char name[GGUF_MAX_NAME + GGUF_MAX_ROUTE_NAME + 32];
    bool ok = true;
    for (size_t i = 0; i < gguf_n_tensors(g) && ok; i++) {
        struct gguf_tensor t = *gguf_tensor_at(g, i);
        bool shared = all_have_tensor(j, &t);
        if (shared && route > 0) {
            gguf_forget(g, t.data, t.size); /* it was read to be compared, and nobody reads it again */
            continue;
        }
        snprintf(name, sizeof name, TENSOR_START "%s.%s", j->names[route], t.name);
        t.name = shared ? t.name : name;
        ok = gguf_add_tensor(j->whole, &t);
    }
    return ok;
}

static bool take_memory(struct gguf *to, struct gguf *from)
{
    bool ok = true;
    while (from->n_owned > 0 && ok) {
        const struct gguf_owned *last = &from->owned[from->n_owned - 1];
        ok =
            last->map_size > 0 ? gguf_own_mapping(to, last->p, last->map_size) : gguf_own_memory(to, last->p);
        from->n_owned -= ok;
    }
    return ok;
}

enum hone_status gguf_join_routes(struct gguf **out, const char *path, const char *const *names,
                                  struct gguf **routes, size_t n, struct hone_error *err)
{
    struct hone_text texts[GGUF_MAX_ROUTES];
    struct joining j = {.whole = gguf_new(path), .names = names, .routes = routes, .n = n};
    bool ok = j.whole != NULL && n <= GGUF_MAX_ROUTES;
    for (size_t i = 0; i < n && ok; i++)
        texts[i] = (struct hone_text){names[i], strlen(names[i])};
    ok = ok && gguf_set_string(j.whole, "general.architecture", GGUF_ROUTER) &&
         gguf_set_texts(j.whole, GGUF_ROUTES, texts, n);
    for (size_t i = 0; i < n && ok; i++)
        ok = add_keys(&j, i) && add_tensors(&j, i);
    for (size_t i = 0; i < n && ok; i++)
        ok = take_memory(j.whole, routes[i]);
    *out = ok ? j.whole : NULL;
    if (!ok)
        gguf_close(&j.whole);
    return ok ? HONE_OK : hone_no_memory(err, path, n * sizeof *routes);
}

/* ---- taking apart ---- */

#define ANY_KEY "hone.route" /* all of the above begin so */

/* Whether a key that begins so is one that is known. */
static bool is_known(const char *key, const struct gguf_value *names)
{
    bool known = strcmp(key, GGUF_ROUTES) == 0;
    for (size_t i = 0; i < names->n && !known; i++)
        known = of_route(key, KEY_START, names->strings[i]);
    for (size_t i = 0; i < GGUF_N_ROUTE_KEYS && !known; i++)
        known = strcmp(key, gguf_route_keys[i]) == 0;
    return known;
}

enum hone_status gguf_route_names(const struct gguf *whole, const struct hone_text **names, size_t *n,
                                  struct hone_error *err)
{
    const struct gguf_value *v = gguf_find(whole, GGUF_ROUTES);
    bool right = v && v->is_array && v->type == GGUF_STRING && v->n >= 1 && v->n <= GGUF_MAX_ROUTES;
    for (size_t i = 0; right && i < v->n; i++)
        right = gguf_route_name_ok(v->strings[i]);
    for (size_t i = 0; right && i < gguf_n_keys(whole); i++) {
        const char *key = gguf_key(whole, i);
        if (strncmp(key, ANY_KEY, strlen(ANY_KEY)) == 0 && !is_known(key, v))
            return hone_fail(err, HONE_BAD_MODEL, "%s: the key '%s' is of no route that '%s' names",
                             whole->path, key, GGUF_ROUTES);
    }
    if (!right)
        return hone_fail(err, HONE_BAD_MODEL,
                         "%s: the key '" GGUF_ROUTES "' should be 1 to %d names of letters, digits, '-' and "
                         "'_', each of at most %d",
                         whole->path, GGUF_MAX_ROUTES, GGUF_MAX_ROUTE_NAME);
    *names = v->strings;
    *n = v->n;
    return HONE_OK;
}

/* Those of other routes are not its own; what it has under its name goes before what all have. */
static bool copy_keys(struct gguf *g, const struct gguf *whole, struct hone_text route)
{
    bool ok = true;
    for (size_t i = 0; i < gguf_n_keys(whole) && ok; i++) {
        const char *key = of_route(gguf_key(whole, i), KEY_START, route);
        if (key)
            ok = gguf_set_value(g, key, gguf_value_at(whole, i));
    }
    for (size_t i = 0; i < gguf_n_keys(whole) && ok; i++) {
        const char *key = gguf_key(whole, i);
        if (strncmp(key, ANY_KEY, strlen(ANY_KEY)) != 0 && !gguf_find(g, key))
            ok = gguf_set_value(g, key, gguf_value_at(whole, i));
    }
    return ok;
}

/* A tensor that is neither a route's own nor all routes' is found by nobody, and told: nothing reads it. */
static bool copy_tensors(struct gguf *g, const struct gguf *whole, struct hone_text route,
                         const struct hone_text *names, size_t n_names)
{
    bool ok = true;
    for (size_t i = 0; i < gguf_n_tensors(whole) && ok; i++) {
        struct gguf_tensor t = *gguf_tensor_at(whole, i);
        const char *own = of_route(t.name, TENSOR_START, route);
        bool other = false;
        for (size_t k = 0; k < n_names && !own; k++)
            other = other || of_route(t.name, TENSOR_START, names[k]);
        t.name = own ? own : t.name;
        ok = other || gguf_add_tensor(g, &t);
    }
    return ok;
}

enum hone_status gguf_open_route(struct gguf **out, const struct gguf *whole, struct hone_text route,
                                 struct hone_error *err)
{
    const struct hone_text *names = NULL;
    size_t n = 0;
    *out = NULL;
    enum hone_status status = gguf_route_names(whole, &names, &n, err);
    if (status != HONE_OK)
        return status;
    struct gguf *g = gguf_new(whole->path);
    if (g && copy_keys(g, whole, route) && copy_tensors(g, whole, route, names, n)) {
        g->within = whole;
        *out = g;
        return HONE_OK;
    }
    gguf_close(&g);
    return hone_fail(err, HONE_BAD_MODEL, "%s: out of memory, or a key or tensor twice, in the route '%.*s'",
                     whole->path, (int)route.size, route.data);
}
