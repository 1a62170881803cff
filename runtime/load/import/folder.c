#include "runtime/load/import/folder.h"

#include "runtime/base/files.h"
#include "runtime/base/json.h"
#include "runtime/load/import/import.h"
#include "runtime/load/import/keys.h"
#include "runtime/load/import/sentence/modules.h"
#include "runtime/load/import/sentence/router.h"
#include "runtime/load/lora/lora.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_FILE ((size_t)256 << 20)

static bool path_in(const char *dir, const char *name, char path[PATH_MAX])
{
    int n = snprintf(path, PATH_MAX, "%s/%s", dir, name);
    return n > 0 && n < PATH_MAX;
}

static enum hone_status map_in(const char *dir, const char *name, void **data, size_t *size,
                               struct hone_error *err)
{
    char path[PATH_MAX];
    *data = NULL;
    *size = 0;
    if (!path_in(dir, name, path))
        return hone_fail(err, HONE_USAGE, "%s: the path is too long", dir);
    if (access(path, F_OK) != 0)
        return HONE_OK;
    enum hone_status status = map_file(path, data, size, err);
    if (status == HONE_OK && *size > MAX_FILE) {
        unmap_file(*data, *size);
        *data = NULL;
        return hone_fail(err, HONE_BAD_MODEL, "%s: larger than %zu bytes", path, MAX_FILE);
    }
    return status;
}

enum hone_status folder_map(const struct folder *f, const char *name, void **data, size_t *size,
                            struct hone_error *err)
{
    return map_in(f->dir, name, data, size, err);
}

/* Python writes "Infinity", which is no JSON: it becomes null, since what has no limit needs none. */
static void hide_infinity(char *text, size_t size)
{
    static const char word[] = "Infinity";
    const size_t n = sizeof word - 1;
    bool in_string = false;
    for (size_t i = 0; i < size; i++) {
        if (in_string && text[i] == '\\')
            i++;
        else if (text[i] == '"')
            in_string = !in_string;
        else if (!in_string && size - i >= n && memcmp(text + i, word, n) == 0)
            memcpy(text + i, "null    ", n);
    }
}

/* What JSON does not have, but folders do. */
static json_t *read_python(const void *data, size_t size, json_error_t *at)
{
    char *copy = malloc(size);
    if (!copy)
        return NULL;
    memcpy(copy, data, size);
    hide_infinity(copy, size);
    json_t *json = json_read(copy, size, JSON_ALLOW_NUL, at);
    free(copy);
    return json;
}

enum hone_status folder_json_in(const char *dir, const char *name, bool required, json_t **out,
                                struct hone_error *err)
{
    void *data;
    size_t size;
    *out = NULL;
    enum hone_status status = map_in(dir, name, &data, &size, err);
    if (status != HONE_OK)
        return status;
    if (!data)
        return required ? hone_fail(err, HONE_BAD_MODEL, "%s: there is no %s", dir, name) : HONE_OK;
    json_error_t at;
    *out = json_read(data, size, JSON_ALLOW_NUL, &at);
    /* "No limit" is written as an integer that no integer type holds. */
    if (!*out && data && json_error_code(&at) == json_error_numeric_overflow)
        *out = json_read(data, size, JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL, &at);
    if (!*out && data && memmem(data, size, "Infinity", 8))
        *out = read_python(data, size, &at);
    unmap_file(data, size);
    if (*out)
        return HONE_OK;
    if (json_had_no_memory(&at))
        return hone_no_memory(err, name, size);
    return hone_fail(err, HONE_BAD_MODEL, "%s/%s: line %d: %s", dir, name, at.line, at.text);
}

enum hone_status folder_json(const struct folder *f, const char *name, bool required, json_t **out,
                             struct hone_error *err)
{
    return folder_json_in(f->dir, name, required, out, err);
}

enum hone_status folder_set(bool ok, const char *key, struct hone_error *err)
{
    return ok ? HONE_OK : hone_fail(err, HONE_FAILED, "out of memory, or a second value: the key '%s'", key);
}

enum hone_status folder_refuse(const struct folder *f, const char *name, const char *words,
                               struct hone_error *err)
{
    return hone_fail(err, HONE_BAD_MODEL, "%s/config.json: '%s' %s", f->dir, name, words);
}

double folder_number(const struct folder *f, const char *path, double otherwise)
{
    const json_t *value = json_at(f->config, path);
    if (value && !json_is_number(value))
        return NAN;
    return value ? json_number_value(value) : otherwise;
}

enum hone_status folder_set_count(struct folder *f, const char *suffix, double x, double max,
                                  const char *name, struct hone_error *err)
{
    char key[128];
    snprintf(key, sizeof key, "%s.%s", f->arch->name, suffix);
    if (!(x >= 1 && x <= max && x == floor(x)))
        return folder_refuse(f, name, "should be a number above 0, and not too large a one", err);
    return folder_set(gguf_set_u32(f->g, key, (uint32_t)x), key, err);
}

enum hone_status folder_copy_size(struct folder *f, const char *from, const char *to, struct hone_error *err)
{
    char key[128];
    size_t n = 0;
    snprintf(key, sizeof key, "%s.%s", f->arch->name, from);
    enum hone_status status = gguf_get_size(f->g, key, UINT32_MAX, &n, err);
    snprintf(key, sizeof key, "%s.%s", f->arch->name, to);
    return status == HONE_OK ? folder_set(gguf_set_u32(f->g, key, (uint32_t)n), key, err) : status;
}

json_t *json_at(json_t *object, const char *path)
{
    json_t *at = object;
    while (*path) {
        size_t n = strcspn(path, ".|");
        at = json_object_getn(at, path, n);
        path += n;
        if (*path != '.' && at && !json_is_null(at))
            return at;
        if (*path == '|' || !at)
            at = (path = strchr(path, '|')) ? object : NULL;
        if (!path)
            return NULL;
        path += *path != 0;
    }
    return NULL;
}

static bool holds(const json_t *value, const char *word)
{
    const char *text = json_string_value(value);
    for (size_t i = 0; i < json_array_size(value); i++) {
        const char *one = json_string_value(json_array_get(value, i));
        if (one && strcmp(one, word) == 0)
            return true;
    }
    return text && strstr(text, word);
}

static bool is_true(const void *config, const char *option)
{
    for (const char *next = option; *next; next += *next == '|') {
        char name[64];
        snprintf(name, sizeof name, "%.*s", (int)strcspn(next, "|"), next);
        char *word = strpbrk(name, "=~");
        const bool part = word && *word == '~';
        if (word)
            *word++ = 0;
        const json_t *value = json_at((json_t *)config, name);
        const char *text = json_string_value(value);
        if (part   ? holds(value, word)
            : word ? text && strcmp(text, word) == 0
                   : json_is_true(value) || json_number_value(value) > 0)
            return true;
        next += strcspn(next, "|");
    }
    return false;
}

static enum hone_status find_arch(struct folder *f, struct hone_error *err)
{
    char known[640];
    const char *type = json_string_value(json_object_get(f->config, "model_type"));
    const char *class = json_string_value(json_array_get(json_object_get(f->config, "architectures"), 0));
    const char *part = json_string_value(json_at(f->config, "text_config.model_type"));
    if (folder_is_model2vec(f))
        type = "static";
    const struct hf_traits traits = {.type = type,
                                     .class = class ? class : "",
                                     .part_type = part ? part : "",
                                     .is_true = is_true,
                                     .config = f->config};
    f->arch = type ? arch_by_hf_traits(&traits, &f->form) : NULL;
    f->prefix = f->spans ? "token_rep_layer.bert_layer.model." : f->arch ? f->form->prefix : NULL;
    if (f->arch)
        return HONE_OK;
    arch_names(true, known, sizeof known);
    return hone_fail(err, HONE_BAD_MODEL,
                     "%s/config.json: the model_type '%s' is not supported, expected one of %s", f->dir,
                     type ? type : "(none)", known);
}

/* Of a model that sees more than text, what describes the part that reads it; what that leaves out is as around it. */
static enum hone_status take_part(struct folder *f, struct hone_error *err)
{
    if (!f->form->part)
        return HONE_OK;
    json_t *part = json_object_get(f->config, f->form->part);
    if (!json_is_object(part))
        return hone_fail(err, HONE_BAD_MODEL, "%s/config.json: there is no object '%s'", f->dir,
                         f->form->part);
    json_incref(part);
    json_t *whole = f->config;
    json_object_del(whole, f->form->part); /* it is not to hold itself */
    f->config = part;
    int failed = json_object_update_missing(part, whole);
    json_decref(whole);
    return failed ? hone_no_memory(err, "config.json", json_object_size(part)) : HONE_OK;
}

/* The transformer may lie in a folder of its own. */
static enum hone_status find_transformer(struct folder *f, struct hone_error *err)
{
    const struct module *m = modules_find(f->modules, MODULE_TRANSFORMER),
                        *table = m ? NULL : folder_table(f);
    if (m || table)
        f->dir = m ? m->dir : table->dir;
    if (table)
        return (f->config = folder_table_config(f)) ? HONE_OK : hone_no_memory(err, "a model", sizeof *f);
    if (f->modules->listed && !m)
        return hone_fail(err, HONE_BAD_MODEL, "%s/modules.json: there is no module that reads text", f->dir);
    return folder_transformer_config(f, &f->transformer, err);
}

/* Sentence Transformers hands these to the configuration, whose own values they go before. */
static enum hone_status add_config_args(struct folder *f, struct hone_error *err)
{
    static const char *const names[] = {"config_args", "config_kwargs"};
    static const char *const of_loading[] = {"trust_remote_code", "revision",        "code_revision", "token",
                                             "cache_dir",         "local_files_only"};
    for (size_t i = 0; i < 2; i++) {
        json_t *args = json_object_get(f->transformer, names[i]);
        json_t *copy = json_is_object(args) ? json_copy(args) : NULL;
        for (size_t k = 0; copy && k < sizeof of_loading / sizeof *of_loading; k++)
            json_object_del(copy, of_loading[k]);
        bool failed = (json_is_object(args) && !copy) || (copy && json_object_update(f->config, copy) != 0);
        json_decref(copy);
        if (failed)
            return hone_no_memory(err, names[i], json_object_size(args));
    }
    return HONE_OK;
}

/* transformers adds an adapter's matrices to those of the model that it names: these lie here, too, or that is a folder. */
static enum hone_status find_base(struct folder *f, struct hone_error *err)
{
    json_t *adapter = NULL, *config = NULL;
    struct stat st, own;
    if (!lora_is_beside(f->dir))
        return HONE_OK;
    enum hone_status status = folder_json(f, "adapter_config.json", true, &adapter, err);
    const char *base = json_string_value(json_object_get(adapter, "base_model_name_or_path"));
    if (status == HONE_OK)
        status = folder_json(f, "config.json", false, &config, err);
    f->adapter = f->dir;
    const bool is_folder = base && stat(base, &st) == 0 && S_ISDIR(st.st_mode) && stat(f->dir, &own) == 0 &&
                           (st.st_dev != own.st_dev || st.st_ino != own.st_ino);
    if (status == HONE_OK && is_folder && snprintf(f->base, sizeof f->base, "%s", base) >= PATH_MAX)
        status =
            hone_fail(err, HONE_BAD_MODEL, "%s/adapter_config.json: the model's path is too long", f->dir);
    if (status == HONE_OK && is_folder)
        f->dir = f->base;
    if (status == HONE_OK && !is_folder && !config)
        status = hone_fail(
            err, HONE_BAD_MODEL,
            "%s/adapter_config.json: this is an adapter of the model %.256s: open that with --lora %s",
            f->dir, base ? base : "that it does not name", f->dir);
    json_decref(adapter);
    json_decref(config);
    return status;
}

/* Before the part that reads text is taken out of a larger configuration, and that part too. */
static enum hone_status check_config(const struct folder *f, struct hone_error *err)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, f->spans ? "%s/gliner_config.json: encoder_config" : "%s/config.json",
             f->dir);
    json_t *part = f->form->part ? json_object_get(f->config, f->form->part) : NULL;
    enum hone_status status = keys_check_classes(f->keys, path, f->config, f->form, err);
    if (status == HONE_OK)
        status = keys_check_config(f->keys, path, part ? part : f->config, f->arch, f->form, err);
    return status;
}

static enum hone_status import_parts(struct folder *f, struct hone_error *err)
{
    enum hone_status status = find_transformer(f, err);
    if (status == HONE_OK)
        status = find_base(f, err);
    if (status == HONE_OK)
        status = import_find_spans(f, err);
    if (status == HONE_OK && !f->config)
        status = folder_json(f, "config.json", true, &f->config, err);
    if (status == HONE_OK)
        status = add_config_args(f, err);
    if (status == HONE_OK)
        status = find_arch(f, err);
    if (status == HONE_OK && !folder_has_table(f))
        status = check_config(f, err);
    if (status == HONE_OK)
        status = take_part(f, err);
    if (status == HONE_OK && !(f->g = gguf_new(f->modules->root)))
        status = hone_no_memory(err, f->dir, sizeof *f);
    if (status == HONE_OK)
        status = safetensors_open(&f->tensors, f->dir, err);
    if (status == HONE_OK)
        status = import_config(f, err);
    if (status == HONE_OK)
        status = import_sentence(f, err);
    if (status == HONE_OK)
        status = import_adaptations(f, err);
    if (status == HONE_OK)
        status = import_packed(f, err);
    if (status == HONE_OK)
        status = import_bends(f, err);
    if (status == HONE_OK)
        status = import_shared_blocks(f, err);
    if (status == HONE_OK)
        status = import_tensors(f, err);
    if (status == HONE_OK)
        status = import_tokenizer(f, err);
    if (status == HONE_OK && !folder_has_table(f))
        status = import_expected(f, err);
    if (status == HONE_OK && f->adapter)
        status = lora_merge(f->g, f->adapter, 1, err);
    if (status == HONE_OK && !safetensors_give_mappings(f->tensors, f->g))
        status = hone_no_memory(err, f->dir, sizeof *f);
    return status;
}

/* One model, of the modules that are listed. */
static enum hone_status import_model(struct gguf **out, const char *dir, struct modules *modules,
                                     struct keys *keys, struct hone_error *err)
{
    struct folder f = {.dir = dir, .modules = modules, .keys = keys};
    *out = NULL;
    enum hone_status status = import_parts(&f, err);
    safetensors_close(&f.tensors);
    json_decref(f.config);
    json_decref(f.spans);
    json_decref(f.transformer);
    free(f.used);
    if (status == HONE_OK)
        *out = f.g;
    else
        gguf_close(&f.g);
    return status;
}

static enum hone_status import_route(struct gguf **out, const char *dir, const struct sentence_router *r,
                                     const char *route, struct keys *keys, struct hone_error *err)
{
    struct modules modules;
    enum hone_status status = router_modules(&modules, r, route, keys, err);
    if (status == HONE_OK)
        status = import_model(out, dir, &modules, keys, err);
    modules_release(&modules);
    return status;
}

static enum hone_status tell_tasks(struct gguf *g, const struct sentence_router *r, struct hone_error *err)
{
    static const int places[] = {[ROUTER_NO_TASK] = GGUF_ROUTE_OF_TEXTS,
                                 [ROUTER_QUERY] = GGUF_ROUTE_OF_QUERIES,
                                 [ROUTER_DOCUMENT] = GGUF_ROUTE_OF_DOCUMENTS};
    enum hone_status status = HONE_OK;
    for (size_t i = 0; i < ROUTER_N_TASKS && status == HONE_OK; i++)
        if (r->of_task[i]) {
            const char *key = gguf_route_keys[places[i]];
            status = folder_set(gguf_set_string(g, key, r->of_task[i]), key, err);
        }
    return status;
}

/* Each route as a model of its own; those that no text is led to are not looked at. */
static enum hone_status import_routes(struct gguf **out, const char *dir, const struct modules *modules,
                                      struct keys *keys, struct hone_error *err)
{
    struct sentence_router router;
    struct gguf *routes[ROUTER_N_TASKS] = {NULL};
    enum hone_status status = router_read(&router, modules, keys, err);
    for (size_t i = 0; i < router.n && status == HONE_OK; i++)
        status = import_route(&routes[i], dir, &router, router.names[i], keys, err);
    if (status == HONE_OK)
        status = gguf_join_routes(out, dir, router.names, routes, router.n, err);
    if (status == HONE_OK)
        status = tell_tasks(*out, &router, err);
    for (size_t i = 0; i < ROUTER_N_TASKS; i++)
        gguf_close(&routes[i]);
    router_release(&router);
    return status;
}

enum hone_status import_folder(struct gguf **out, const char *dir, bool force, struct hone_error *err)
{
    struct keys keys = {.force = force};
    struct modules modules;
    *out = NULL;
    enum hone_status status = modules_read(&modules, dir, &keys, err);
    if (status == HONE_OK)
        status = modules_find(&modules, MODULE_ROUTER) ? import_routes(out, dir, &modules, &keys, err)
                                                       : import_model(out, dir, &modules, &keys, err);
    if (status == HONE_OK)
        status = keys_write_remarks(&keys, *out, err);
    if (status != HONE_OK)
        gguf_close(out);
    modules_release(&modules);
    keys_release(&keys);
    return status;
}
