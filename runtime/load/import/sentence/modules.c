#include "runtime/load/import/sentence/modules.h"

#include "runtime/load/import/folder.h"
#include "runtime/load/import/keys.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_MODULES 32 /* a step of sentence-transformers each: most models have two or three */

/* By the last part of their class. */
static const struct {
    const char *name;
    enum module_kind kind;
    bool has_config; /* without which it cannot be read */
} kinds[] = {
    {"Transformer", MODULE_TRANSFORMER, false},
    {"MLMTransformer", MODULE_TRANSFORMER, false},
    {"Pooling", MODULE_POOLING, true},
    {"Dense", MODULE_DENSE, true},
    {"LayerNorm", MODULE_NORM, true},
    {"Normalize", MODULE_NORMALIZE, false},
    {"SpladePooling", MODULE_SPLADE, true},
    {"LogitScore", MODULE_LOGIT_SCORE, true},
    {"MultiVectorMask", MODULE_MASK, true},
    {"StaticEmbedding", MODULE_STATIC, false},
    {"SparseStaticEmbedding", MODULE_WEIGHTS, false},
    {"IDF", MODULE_WEIGHTS, false}, /* what SparseStaticEmbedding was called first */
    {"Router", MODULE_ROUTER, false},
    {"Asym", MODULE_ROUTER, false}, /* what Router was called first */
    {"Dropout", MODULE_DROPOUT, false},
};

#define PYLATE "pylate.models."

static bool starts(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

/* Classes of other packages may have the same names and be something else. */
static enum module_kind kind_of(const char *class, bool *has_config)
{
    const char *name = strrchr(class, '.');
    bool known = starts(class, "sentence_transformers.") || starts(class, PYLATE);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds && known && name; i++)
        if (strcmp(name + 1, kinds[i].name) == 0) {
            *has_config = kinds[i].has_config;
            return kinds[i].kind;
        }
    return N_MODULE_KINDS;
}

/* A module's folder lies in the model's. */
static bool is_inside(const char *path)
{
    return path && *path != '/' && !strstr(path, "..");
}

static char *join(const char *dir, const char *path)
{
    char *joined;
    if (!*path)
        return strdup(dir);
    return asprintf(&joined, "%s/%s", dir, path) < 0 ? NULL : joined;
}

enum hone_status modules_add(struct modules *m, const char *list, const char *class, const char *path,
                             struct hone_error *err)
{
    bool has_config = false;
    enum module_kind kind = class ? kind_of(class, &has_config) : N_MODULE_KINDS;
    const bool custom = class && strcmp(class, "custom_st.Transformer") == 0;
    if (custom)
        kind = MODULE_TRANSFORMER;
    m->custom = m->custom || custom;
    if (kind == N_MODULE_KINDS)
        return hone_fail(err, HONE_BAD_MODEL, "%s/%s: the module '%s' is not supported", m->root, list,
                         class ? class : "(none)");
    if (!is_inside(path))
        return hone_fail(err, HONE_BAD_MODEL,
                         "%s/%s: the module '%s' has the path '%s', expected one in the folder", m->root,
                         list, class, path ? path : "(none)");
    if (m->n == MAX_MODULES)
        return hone_fail(err, HONE_BAD_MODEL, "%s/%s: more than %d modules", m->root, list, MAX_MODULES);
    struct module *module = &m->of[m->n++];
    *module = (struct module){.kind = kind, .dir = join(m->root, path)};
    m->pylate = m->pylate || starts(class, PYLATE);
    if (!module->dir)
        return hone_no_memory(err, "a module", strlen(path));
    if (kind == MODULE_TRANSFORMER || kind == MODULE_ROUTER)
        return HONE_OK;                 /* their configs are larger and read elsewhere */
    if (kind != MODULE_STATIC || *path) /* at the root it is the model's own */
        return folder_json_in(module->dir, "config.json", has_config, &module->config, err);
    return HONE_OK;
}

static enum hone_status allocate(struct modules *out, const char *root, struct hone_error *err)
{
    *out = (struct modules){.root = strdup(root), .of = calloc(MAX_MODULES, sizeof *out->of)};
    return out->root && out->of ? HONE_OK : hone_no_memory(err, "the modules", MAX_MODULES * sizeof *out->of);
}

enum hone_status modules_check_keys(const struct modules *m, struct keys *k, struct hone_error *err)
{
    enum hone_status status = HONE_OK;
    for (size_t i = 0; i < m->n && status == HONE_OK; i++)
        status = keys_check_module(k, &m->of[i], err);
    return status;
}

enum hone_status modules_read(struct modules *out, const char *root, struct keys *k, struct hone_error *err)
{
    json_t *list = NULL, *entry;
    size_t i;
    enum hone_status status = allocate(out, root, err);
    if (status == HONE_OK)
        status = folder_json_in(root, "config_sentence_transformers.json", false, &out->settings, err);
    if (status == HONE_OK)
        status = folder_json_in(root, "modules.json", false, &list, err);
    if (list && !json_is_array(list))
        status = hone_fail(err, HONE_BAD_MODEL, "%s/modules.json: expected a list of modules", root);
    out->listed = list != NULL;
    json_array_foreach (list, i, entry) {
        if (status == HONE_OK)
            status = modules_add(out, "modules.json", json_string_value(json_object_get(entry, "type")),
                                 json_string_value(json_object_get(entry, "path")), err);
    }
    json_decref(list);
    char path[512];
    snprintf(path, sizeof path, "%.450s/config_sentence_transformers.json", root);
    if (status == HONE_OK)
        status = keys_check_settings(k, path, out->settings, err);
    return status == HONE_OK ? modules_check_keys(out, k, err) : status;
}

enum hone_status modules_begin(struct modules *out, const struct modules *like, struct hone_error *err)
{
    enum hone_status status = allocate(out, like->root, err);
    out->listed = like->listed;
    out->settings = json_incref(like->settings);
    return status;
}

enum hone_status modules_copy(struct modules *m, const struct module *of, struct hone_error *err)
{
    if (m->n == MAX_MODULES)
        return hone_fail(err, HONE_BAD_MODEL, "%s: more than %d modules", m->root, MAX_MODULES);
    struct module *copy = &m->of[m->n];
    *copy = (struct module){.kind = of->kind, .dir = strdup(of->dir), .config = json_incref(of->config)};
    m->n++;
    return copy->dir ? HONE_OK : hone_no_memory(err, "a module", strlen(of->dir));
}

void modules_release(struct modules *m)
{
    for (size_t i = 0; i < m->n; i++) {
        free(m->of[i].dir);
        json_decref(m->of[i].config);
    }
    free(m->of);
    free(m->root);
    json_decref(m->settings);
    *m = (struct modules){0};
}

const struct module *modules_find(const struct modules *m, enum module_kind kind)
{
    for (size_t i = 0; i < m->n; i++)
        if (m->of[i].kind == kind)
            return &m->of[i];
    return NULL;
}

bool modules_are_custom(const struct modules *m)
{
    return m->custom;
}

const char *modules_text(const struct modules *m, const char *key)
{
    return json_string_value(json_object_get(m->settings, key));
}

bool modules_are_multi_vector(const struct modules *m)
{
    const char *type = modules_text(m, "model_type");
    bool named = type && (strcmp(type, "MultiVectorEncoder") == 0 || strcmp(type, "ColBERT") == 0);
    return named || m->pylate || modules_find(m, MODULE_MASK);
}

const char *module_reads(const struct module *m, const char *otherwise)
{
    const char *name = json_string_value(json_object_get(m->config, "module_input_name"));
    return name ? name : otherwise;
}

const char *module_writes(const struct module *m, const char *otherwise)
{
    const char *name = json_string_value(json_object_get(m->config, "module_output_name"));
    return name ? name : module_reads(m, otherwise);
}
