/* What a folder says of generating: which tokens end a text, and how a chat is written. */
#include "runtime/load/import/folder.h"

#include "runtime/base/files.h"

#include <stdio.h>
#include <string.h>

#define MAX_ENDS 16 /* tokens that end a text: models of chats have two or three */

static enum hone_status import_ends(struct folder *f, struct hone_error *err)
{
    json_t *json;
    uint32_t ids[MAX_ENDS];
    size_t n = 0;
    enum hone_status status = folder_json(f, "generation_config.json", false, &json, err);
    if (status != HONE_OK)
        return status;
    json_t *list = json_at(json, "eos_token_id");
    list = list ? list : json_at(f->config, "eos_token_id");
    bool is_list = json_is_array(list), right = !list || is_list || json_is_integer(list);
    for (size_t i = 0; i < (is_list ? json_array_size(list) : list != NULL) && right; i++) {
        const json_t *id = is_list ? json_array_get(list, i) : list;
        right = json_is_integer(id) && json_integer_value(id) <= INT32_MAX && n < MAX_ENDS;
        if (right && json_integer_value(id) >= 0) /* -1: none, in old folders */
            ids[n++] = (uint32_t)json_integer_value(id);
    }
    if (!right)
        status = hone_fail(err, HONE_BAD_MODEL,
                           "%s: 'eos_token_id' should be a token, or a list of at most %d", f->dir, MAX_ENDS);
    if (status == HONE_OK && n > 0)
        status = folder_set(gguf_set_array(f->g, "hone.end_token_ids", GGUF_U32, ids, n),
                            "hone.end_token_ids", err);
    json_decref(json);
    return status;
}

/* ---- chat templates: one, or several by name, of which one is the default ---- */

static const char template_key[] = "tokenizer.chat_template";

/* name NULL: the default one. */
static enum hone_status set_template(struct folder *f, const char *name, struct hone_text text,
                                     struct hone_error *err)
{
    char key[128];
    snprintf(key, sizeof key, "%s%s%s", template_key, name ? "." : "", name ? name : "");
    return folder_set(gguf_set_text(f->g, key, text), key, err);
}

/* Those that transformers chooses by itself are taken; others are only ever named by a program. */
static bool is_variant(const char *name)
{
    return strcmp(name, "tool_use") == 0 || strcmp(name, "rag") == 0;
}

static enum hone_status import_named(struct folder *f, const json_t *list, struct hone_error *err)
{
    json_t *one;
    size_t i;
    enum hone_status status = HONE_OK;
    json_array_foreach (list, i, one) {
        const char *name = json_string_value(json_object_get(one, "name"));
        const json_t *text = json_object_get(one, "template");
        bool is_default = name && strcmp(name, "default") == 0;
        if (status == HONE_OK && name && json_is_string(text) && (is_default || is_variant(name)))
            status = set_template(f, is_default ? NULL : name,
                                  (struct hone_text){json_string_value(text), json_string_length(text)}, err);
    }
    return status;
}

/* *found: whether there is such a file. */
static enum hone_status import_file(struct folder *f, const char *file, const char *name, bool *found,
                                    struct hone_error *err)
{
    void *data;
    size_t size;
    enum hone_status status = folder_map(f, file, &data, &size, err);
    *found = status == HONE_OK && data;
    if (!*found)
        return status;
    status = set_template(f, name, (struct hone_text){data, size}, err);
    unmap_file(data, size);
    return status;
}

static enum hone_status import_template(struct folder *f, struct hone_error *err)
{
    json_t *config;
    bool found, more;
    enum hone_status status = import_file(f, "chat_template.jinja", NULL, &found, err);
    if (status == HONE_OK)
        status = import_file(f, "additional_chat_templates/tool_use.jinja", "tool_use", &more, err);
    if (status == HONE_OK)
        status = import_file(f, "additional_chat_templates/rag.jinja", "rag", &more, err);
    if (status != HONE_OK || found)
        return status;
    status = folder_json(f, "tokenizer_config.json", false, &config, err);
    if (status != HONE_OK)
        return status;
    const json_t *value = json_object_get(config, "chat_template");
    if (json_is_string(value))
        status = set_template(f, NULL,
                              (struct hone_text){json_string_value(value), json_string_length(value)}, err);
    else
        status = import_named(f, value, err);
    json_decref(config);
    return status;
}

enum hone_status import_generation(struct folder *f, struct hone_error *err)
{
    enum hone_status status = import_ends(f, err);
    return status == HONE_OK ? import_template(f, err) : status;
}
