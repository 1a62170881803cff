#include "runtime/load/import/sentence/router.h"

#include "runtime/gguf/gguf.h"
#include "runtime/load/import/folder.h"
#include "runtime/load/import/keys.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MODALITY "text" /* that hone's inputs are of */

static const char config_name[] = "router_config.json", old_name[] = "config.json";

/* ---- which route ---- */

static json_t *parameter(const struct sentence_router *r, const char *name)
{
    return json_object_get(json_object_get(r->config, "parameters"), name);
}

static bool is_route(const struct sentence_router *r, const char *name)
{
    return name && json_is_array(json_object_get(json_object_get(r->config, "structure"), name));
}

/* route_mappings: {"('query', 'text')": "route"}, as Python writes pairs of names, or None where any will do. */
static const char *mapped(const struct sentence_router *r, const char *task, const char *modality)
{
    char key[160], quoted[2][64];
    const char *parts[] = {task, modality};
    for (size_t i = 0; i < 2; i++)
        snprintf(quoted[i], sizeof quoted[i], parts[i] ? "'%s'" : "None", parts[i] ? parts[i] : "");
    snprintf(key, sizeof key, "(%s, %s)", quoted[0], quoted[1]);
    return json_string_value(json_object_get(parameter(r, "route_mappings"), key));
}

/* In the order that Sentence Transformers asks. A text without a task goes where the router leads such, if anywhere. */
static const char *route_of(const struct sentence_router *r, const char *task)
{
    const char *route = mapped(r, task, MODALITY);
    route = route ? route : mapped(r, task, NULL);
    route = route ? route : mapped(r, NULL, MODALITY);
    route = route ? route : mapped(r, NULL, NULL);
    if (!route && is_route(r, task))
        route = task;
    if (!route && is_route(r, MODALITY))
        route = MODALITY;
    if (route || task)
        return route;
    const char *usual = json_string_value(parameter(r, "default_route"));
    bool first = !json_is_false(parameter(r, "allow_empty_key"));
    json_t *structure = json_object_get(r->config, "structure");
    return usual ? usual : first ? json_object_iter_key(json_object_iter(structure)) : NULL;
}

/* Documents' route has other names, too, in the examples of the older class. */
static const char *route_of_documents(const struct sentence_router *r)
{
    static const char *const names[] = {"document", "doc", "passage", "corpus"};
    const char *route = NULL;
    for (size_t i = 0; i < sizeof names / sizeof *names && !route; i++)
        route = i == 0 || is_route(r, names[i]) ? route_of(r, names[i]) : NULL;
    return route;
}

static enum hone_status refuse(const struct sentence_router *r, const char *what, const char *name,
                               struct hone_error *err)
{
    return hone_fail(err, HONE_BAD_MODEL, "%s/%s: %s '%s'", r->module->dir, config_name, what, name);
}

static enum hone_status find_routes(struct sentence_router *r, struct hone_error *err)
{
    r->of_task[ROUTER_NO_TASK] = route_of(r, NULL);
    r->of_task[ROUTER_QUERY] = route_of(r, "query");
    r->of_task[ROUTER_DOCUMENT] = route_of_documents(r);
    for (size_t task = 0; task < ROUTER_N_TASKS; task++) {
        const char *name = r->of_task[task];
        bool known = !name;
        if (name && !is_route(r, name))
            return refuse(r, "there is no route", name, err);
        if (name && !gguf_route_name_ok((struct hone_text){name, strlen(name)}))
            return refuse(r, "a route's name should be letters, digits, '-' and '_', not", name, err);
        for (size_t i = 0; i < r->n && !known; i++)
            known = strcmp(r->names[i], name) == 0;
        if (!known)
            r->names[r->n++] = name;
    }
    return r->n > 0 ? HONE_OK : refuse(r, "there is no route for texts of a search, as in", "structure", err);
}

/* ---- reading ---- */

static enum hone_status check_config(const struct sentence_router *r, struct keys *k, const char *name,
                                     struct hone_error *err)
{
    static const struct key_spec keys[] = {
        {"types", NULL}, {"structure", NULL}, {"parameters", NULL}, {NULL, NULL}};
    static const struct key_spec parameters[] = {
        {"default_route", NULL}, {"allow_empty_key", "true|false"}, {"route_mappings", NULL}, {NULL, NULL}};
    char path[512];
    snprintf(path, sizeof path, "%.400s/%s", r->module->dir, name);
    enum hone_status status =
        keys_check(k, path, r->config, (const struct key_spec *const[]){keys, NULL}, err);
    if (status != HONE_OK)
        return status;
    if (!json_is_object(json_object_get(r->config, "structure")) ||
        !json_is_object(json_object_get(r->config, "types")))
        return hone_fail(err, HONE_BAD_MODEL, "%s: expected the objects 'types' and 'structure'", path);
    return keys_check(k, path, json_object_get(r->config, "parameters"),
                      (const struct key_spec *const[]){parameters, NULL}, err);
}

enum hone_status router_read(struct sentence_router *out, const struct modules *m, struct keys *k,
                             struct hone_error *err)
{
    *out = (struct sentence_router){.around = m, .module = modules_find(m, MODULE_ROUTER)};
    const char *dir = out->module->dir, *name = config_name;
    enum hone_status status = folder_json_in(dir, name, false, &out->config, err);
    if (status == HONE_OK && !out->config)
        status = folder_json_in(dir, name = old_name, true, &out->config, err);
    if (status == HONE_OK)
        status = check_config(out, k, name, err);
    return status == HONE_OK ? find_routes(out, err) : status;
}

void router_release(struct sentence_router *r)
{
    json_decref(r->config);
    *r = (struct sentence_router){0};
}

/* ---- a route's modules ---- */

/* Its modules lie in folders of their names beside router_config.json. */
static enum hone_status add_route(struct modules *out, const struct sentence_router *r, const char *route,
                                  struct hone_error *err)
{
    json_t *ids = json_object_get(json_object_get(r->config, "structure"), route), *id;
    json_t *types = json_object_get(r->config, "types");
    const char *inside = r->module->dir + strlen(r->around->root);
    enum hone_status status = HONE_OK;
    char *path;
    size_t i;
    inside += *inside == '/';
    json_array_foreach (ids, i, id) {
        const char *name = json_string_value(id),
                   *class = name ? json_string_value(json_object_get(types, name)) : NULL;
        if (!name)
            return refuse(r, "a list of names of modules should be the route", route, err);
        if (asprintf(&path, "%s%s%s", inside, *inside ? "/" : "", name) < 0)
            return hone_no_memory(err, "a module", strlen(name));
        status = modules_add(out, config_name, class, path, err);
        free(path);
        if (status == HONE_OK && out->of[out->n - 1].kind == MODULE_ROUTER)
            status = refuse(r, "a router in a route is not supported:", name, err);
        if (status != HONE_OK)
            return status;
    }
    return HONE_OK;
}

enum hone_status router_modules(struct modules *out, const struct sentence_router *r, const char *route,
                                struct keys *k, struct hone_error *err)
{
    const struct modules *m = r->around;
    enum hone_status status = modules_begin(out, m, err);
    for (size_t i = 0; i < m->n && status == HONE_OK; i++)
        status = &m->of[i] == r->module ? add_route(out, r, route, err)
                 : m->of[i].kind == MODULE_ROUTER
                     ? refuse(r, "a second router is not supported:", m->of[i].dir, err)
                     : modules_copy(out, &m->of[i], err);
    return status == HONE_OK ? modules_check_keys(out, k, err) : status;
}
