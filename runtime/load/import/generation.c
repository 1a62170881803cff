/* What a folder says of generating: which tokens end a text, and how a chat is written. */
#include "runtime/load/import/folder.h"

#include "runtime/base/map_file.h"

#include <string.h>

#define MAX_ENDS 16

static enum hone_status import_ends(struct folder *f, struct hone_error *err)
{
    json_t *json, *id;
    uint32_t ids[MAX_ENDS];
    size_t n = 0, i;
    enum hone_status status = folder_json(f, "generation_config.json", false, &json, err);
    if (status != HONE_OK)
        return status;
    json_t *list = json_at(json, "eos_token_id");
    list = list ? list : json_at(f->config, "eos_token_id");
    if (json_is_integer(list) && json_integer_value(list) >= 0 && json_integer_value(list) <= INT32_MAX)
        ids[n++] = (uint32_t)json_integer_value(list);
    json_array_foreach (list, i, id)
        if (n < MAX_ENDS && json_integer_value(id) >= 0 && json_integer_value(id) <= INT32_MAX)
            ids[n++] = (uint32_t)json_integer_value(id);
    if (n > 0)
        status = folder_set(gguf_set_array(f->g, "hone.end_token_ids", GGUF_U32, ids, n),
                            "hone.end_token_ids", err);
    json_decref(json);
    return status;
}

/* A text, or a list of named ones, of which one is the default. */
static const json_t *template_of(const json_t *config)
{
    json_t *value = json_object_get(config, "chat_template"), *one;
    size_t i;
    if (json_is_string(value))
        return value;
    json_array_foreach (value, i, one) {
        const char *name = json_string_value(json_object_get(one, "name"));
        if (name && strcmp(name, "default") == 0)
            return json_object_get(one, "template");
    }
    return NULL;
}

static enum hone_status set_template(struct folder *f, const char *data, size_t size, struct hone_error *err)
{
    const char *const key = "tokenizer.chat_template";
    return folder_set(gguf_set_text(f->g, key, (struct hone_text){data, size}), key, err);
}

static enum hone_status import_template(struct folder *f, struct hone_error *err)
{
    void *data;
    size_t size;
    json_t *config;
    enum hone_status status = folder_map(f, "chat_template.jinja", &data, &size, err);
    if (status != HONE_OK)
        return status;
    if (data) {
        status = set_template(f, data, size, err);
        unmap_file(data, size);
        return status;
    }
    status = folder_json(f, "tokenizer_config.json", false, &config, err);
    if (status != HONE_OK)
        return status;
    const json_t *text = template_of(config);
    if (json_is_string(text))
        status = set_template(f, json_string_value(text), json_string_length(text), err);
    json_decref(config);
    return status;
}

enum hone_status import_generation(struct folder *f, struct hone_error *err)
{
    enum hone_status status = import_ends(f, err);
    return status == HONE_OK ? import_template(f, err) : status;
}
