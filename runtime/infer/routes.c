#include "runtime/infer/routes.h"

#include "runtime/base/text.h"
#include "runtime/nn/head.h"

#include <stdlib.h>
#include <string.h>

static const int keys[N_ROLES] = {[HONE_ROLE_NONE] = GGUF_ROUTE_OF_TEXTS,
                                  [HONE_ROLE_QUERY] = GGUF_ROUTE_OF_QUERIES,
                                  [HONE_ROLE_DOCUMENT] = GGUF_ROUTE_OF_DOCUMENTS};

/* ---- which route is whose ---- */

static size_t place_of(struct hone_text name, const struct hone_text *names, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (text_equal(names[i], name))
            return i;
    return n;
}

/* places: of each role's route among the names; SIZE_MAX where no text of that role is read. */
static enum hone_status read_roles(const struct gguf *g, const struct hone_text *names, size_t n,
                                   size_t places[N_ROLES], struct hone_error *err)
{
    enum hone_status status = HONE_OK;
    for (size_t role = 0; role < N_ROLES && status == HONE_OK; role++) {
        struct hone_text name = {NULL, 0};
        const char *key = gguf_route_keys[keys[role]];
        status = gguf_get_text(g, key, &name, err);
        places[role] = name.data ? place_of(name, names, n) : SIZE_MAX;
        if (places[role] == n)
            status = hone_fail(err, HONE_BAD_MODEL, "%s: the key '%s' names no route of '%s'", gguf_path(g),
                               key, GGUF_ROUTES);
    }
    return status;
}

/* The route that the model itself is: that of texts without a role, or the first. */
static size_t own_place(const size_t places[N_ROLES])
{
    return places[HONE_ROLE_NONE] == SIZE_MAX ? 0 : places[HONE_ROLE_NONE];
}

enum hone_status routes_take(struct hone_model *model, struct gguf *whole, struct hone_error *err)
{
    const struct hone_text *names;
    size_t n, places[N_ROLES];
    model->whole = whole;
    enum hone_status status = gguf_route_names(whole, &names, &n, err);
    if (status == HONE_OK)
        status = read_roles(whole, names, n, places, err);
    if (status != HONE_OK)
        return status;
    model->route = model_copy_text(names[own_place(places)]);
    if (!model->route)
        return hone_no_memory(err, "a route", sizeof *model);
    return gguf_open_route(&model->net.gguf, whole, names[own_place(places)], err);
}

/* ---- opening ---- */

static enum hone_status open_route(struct hone_model *model, struct hone_text name, struct hone_error *err)
{
    struct gguf *part;
    struct hone_model *route, *elder = model->n_routes > 0 ? model->routes[model->n_routes - 1] : model;
    enum hone_status status = gguf_open_route(&part, model->whole, name, err);
    if (status == HONE_OK)
        status = model_open_part(&route, model->path, part, &elder->net, &model->options, err);
    if (status != HONE_OK)
        return status;
    model->routes[model->n_routes++] = route;
    route->number = model->n_routes;
    route->route = model_copy_text(name);
    route->info.route = route->route;
    return route->route ? HONE_OK : hone_no_memory(err, "a route", name.size);
}

static const char *kind_of(const struct net *m)
{
    return m->hp.pooling == POOL_SPLADE   ? "weights of words"
           : m->hp.pooling == POOL_TOKENS ? "a vector of each token"
                                          : "one vector";
}

static size_t width_of(const struct net *m)
{
    size_t cut = m->hp.truncate_dim;
    return m->hp.pooling == POOL_SPLADE ? m->hp.n_vocab : cut && cut < m->hp.n_out ? cut : m->hp.n_out;
}

enum hone_status routes_compare(const struct net *a, const struct net *b, struct hone_error *err)
{
    const char *path = gguf_path(a->gguf);
    if (a->hp.generates != b->hp.generates || a->hp.n_labels != b->hp.n_labels || a->hp.head != b->hp.head)
        return hone_fail(err, HONE_BAD_MODEL, "%s: the routes are for different tasks", path);
    if (strcmp(kind_of(a), kind_of(b)) != 0)
        return hone_fail(err, HONE_BAD_MODEL, "%s: one route makes %s, another one %s: they do not compare",
                         path, kind_of(a), kind_of(b));
    if (a->weights.lexical.n_out != b->weights.lexical.n_out ||
        a->weights.multi_vector.n_out != b->weights.multi_vector.n_out)
        return hone_fail(err, HONE_BAD_MODEL, "%s: the routes have different heads for tokens", path);
    if (width_of(a) != width_of(b))
        return hone_fail(err, HONE_BAD_MODEL,
                         "%s: one route makes %zu numbers of a text, another one %zu: they do not compare",
                         path, width_of(a), width_of(b));
    return HONE_OK;
}

enum hone_status routes_open(struct hone_model *model, struct hone_error *err)
{
    const struct hone_text *names;
    size_t n, places[N_ROLES], at[GGUF_MAX_ROUTES] = {0};
    for (size_t role = 0; role < N_ROLES; role++)
        model->of_role[role] = model;
    if (!model->whole)
        return HONE_OK;
    enum hone_status status = gguf_route_names(model->whole, &names, &n, err);
    if (status == HONE_OK)
        status = read_roles(model->whole, names, n, places, err);
    if (status != HONE_OK)
        return status;
    model->routes = calloc(n, sizeof *model->routes);
    if (!model->routes)
        return hone_no_memory(err, "routes", n * sizeof *model->routes);
    for (size_t i = 0; i < n && status == HONE_OK; i++) {
        if (i == own_place(places))
            continue;
        status = open_route(model, names[i], err);
        at[i] = model->n_routes;
        if (status == HONE_OK && !model->options.vocab_only)
            status = routes_compare(&model->net, &model->routes[model->n_routes - 1]->net, err);
    }
    for (size_t role = 0; role < N_ROLES && status == HONE_OK; role++) {
        size_t place = places[role] == SIZE_MAX ? 0 : at[places[role]];
        model->of_role[role] = place ? model->routes[place - 1] : model;
        if (places[role] == SIZE_MAX)
            model->of_role[role] = NULL;
    }
    return status;
}

void routes_close(struct hone_model *model)
{
    while (model->n_routes > 0) /* who was opened first has what others use, too */
        hone_model_close(&model->routes[--model->n_routes]);
    free(model->routes);
    model->routes = NULL;
}

/* ---- asking ---- */

enum hone_status routes_choose(struct hone_model **model, enum hone_role as, struct hone_error *err)
{
    static const char *const what[N_ROLES] = {
        [HONE_ROLE_NONE] = "reads queries and documents each in their own way: say which of them a text is",
        [HONE_ROLE_QUERY] = "has no route for queries",
        [HONE_ROLE_DOCUMENT] = "has no route for documents"};
    if ((unsigned)as >= N_ROLES)
        return hone_fail(err, HONE_USAGE, "there is no role %d of a text", (int)as);
    struct hone_model *route = (*model)->of_role[as];
    if (!route)
        return hone_fail(err, HONE_USAGE, "%s %s", (*model)->path, what[as]);
    *model = route;
    return HONE_OK;
}

enum hone_status routes_choose_tokens(struct hone_model **model, enum hone_role as, struct hone_error *err)
{
    const struct hone_model *opened = *model;
    enum hone_status status = routes_choose(model, as, err);
    size_t wanted = opened->net.hp.n_embd, own = (*model)->net.hp.n_embd;
    if (status != HONE_OK || opened->net.hp.pooling == POOL_TOKENS || wanted == own)
        return status;
    return hone_fail(err, HONE_USAGE,
                     "%s: the route for these texts has %zu numbers a token, that for others %zu: it makes "
                     "vectors of texts alone",
                     opened->path, own, wanted);
}

const struct gguf *routes_file(const struct hone_model *model)
{
    return model->whole ? model->whole : model->net.gguf;
}

struct hone_model *hone_model_route(struct hone_model *model, enum hone_role as)
{
    return (unsigned)as < N_ROLES ? model->of_role[as] : NULL;
}
