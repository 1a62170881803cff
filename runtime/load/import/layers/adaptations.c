/* Adapters that a checkpoint itself has, one for each task that a text may be for: jina-embeddings-v3's, as its own code
 * writes them. */
#include "runtime/load/import/folder.h"
#include "runtime/load/import/keys.h"
#include "runtime/load/import/sentence/modules.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_ADAPTATIONS 256 /* X-MOD has 81, a language each */

/* ---- what config.json says ---- */

static enum hone_status set_names(struct folder *f, json_t *names, struct hone_error *err)
{
    struct hone_text texts[MOST_ADAPTATIONS];
    const size_t n = json_array_size(names);
    bool right = json_is_array(names) && n > 0 && n <= MOST_ADAPTATIONS;
    for (size_t i = 0; i < n && right; i++) {
        const json_t *name = json_array_get(names, i);
        right = json_is_string(name) && json_string_length(name) > 0;
        texts[i] = (struct hone_text){json_string_value(name), json_string_length(name)};
        for (size_t k = 0; k < i && right; k++)
            right =
                texts[k].size != texts[i].size || memcmp(texts[k].data, texts[i].data, texts[i].size) != 0;
    }
    if (!right)
        return hone_fail(err, HONE_BAD_MODEL,
                         "%s/config.json: 'lora_adaptations' should be a list of 1 to %d different names",
                         f->dir, MOST_ADAPTATIONS);
    f->n_adaptations = n;
    return folder_set(gguf_set_texts(f->g, "hone.adaptations", texts, n), "hone.adaptations", err);
}

static enum hone_status set_numbers(struct folder *f, struct hone_error *err)
{
    char key[128];
    const json_t *rank = json_object_get(f->config, "lora_rank"),
                 *alpha = json_object_get(f->config, "lora_alpha");
    const json_int_t n = rank ? json_integer_value(rank) : 4; /* as its class has it */
    const double scale = alpha ? json_number_value(alpha) : 1;
    if (n < 1 || n > 1 << 12)
        return hone_fail(err, HONE_BAD_MODEL, "%s/config.json: 'lora_rank' should be 1 to 4096", f->dir);
    if (!(scale > 0 && scale < 1e6))
        return hone_fail(err, HONE_BAD_MODEL, "%s/config.json: 'lora_alpha' should be a number above 0",
                         f->dir);
    snprintf(key, sizeof key, "%s.adaptation.rank", f->arch->name);
    enum hone_status status = folder_set(gguf_set_u32(f->g, key, (uint32_t)n), key, err);
    snprintf(key, sizeof key, "%s.adaptation.scale", f->arch->name);
    return status == HONE_OK ? folder_set(gguf_set_f32(f->g, key, (float)(scale / (double)n)), key, err)
                             : status;
}

/* What its code puts before texts of a task, unless Sentence Transformers' settings have a prompt of that name. */
static enum hone_status set_prompts(struct folder *f, struct hone_error *err)
{
    static const char *const names[] = {"task_instructions", "lora_prompts"};
    enum hone_status status = HONE_OK;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *task;
        json_t *text, *object = json_object_get(f->config, names[i]);
        if (object && !json_is_object(object) && !json_is_null(object))
            return hone_fail(err, HONE_BAD_MODEL, "%s/config.json: '%s' should be an object", f->dir,
                             names[i]);
        json_object_foreach (object, task, text) {
            char key[128];
            const int n = snprintf(key, sizeof key, "hone.prompt.%s", task);
            if (!json_is_string(text) || n >= (int)sizeof key)
                return hone_fail(err, HONE_BAD_MODEL,
                                 "%s/config.json: '%s' should be texts, by names of less than 116 bytes",
                                 f->dir, names[i]);
            if (status == HONE_OK && !gguf_find(f->g, key))
                status = folder_set(gguf_set_string(f->g, key, json_string_value(text)), key, err);
        }
    }
    return status;
}

static bool is_named(json_t *names, const char *name)
{
    size_t i;
    json_t *one;
    json_array_foreach (names, i, one)
        if (strcmp(json_string_value(one), name) == 0)
            return true;
    return false;
}

static enum hone_status set_default(struct folder *f, json_t *names, json_t *chosen, struct hone_error *err)
{
    const char *name = json_string_value(chosen);
    if (!chosen || json_is_null(chosen))
        return HONE_OK;
    if (f->n_adaptations == 0)
        return keys_refuse(f->keys, err,
                           "%s/sentence_bert_config.json: 'default_task' is for a model that has adapters "
                           "for tasks",
                           f->dir);
    if (!name || !is_named(names, name))
        return hone_fail(err, HONE_BAD_MODEL,
                         "%s/sentence_bert_config.json: the 'default_task' '%.200s' is none of "
                         "'lora_adaptations' in config.json",
                         f->dir, name ? name : "(no text)");
    return folder_set(gguf_set_string(f->g, "hone.default_adaptation", name), "hone.default_adaptation", err);
}

enum hone_status import_adaptations(struct folder *f, struct hone_error *err)
{
    json_t *names = f->form && f->form->adapted ? json_object_get(f->config, "lora_adaptations") : NULL;
    json_t *usual = json_at(f->transformer, "model_args.default_task|model_kwargs.default_task");
    enum hone_status status = HONE_OK;
    if (modules_are_custom(f->modules) && !(f->form && f->form->adapted))
        return hone_fail(err, HONE_BAD_MODEL,
                         "%s/modules.json: the module 'custom_st.Transformer' is code of the folder's own, "
                         "and known for models with adapters for tasks (jina-embeddings-v3) alone",
                         f->dir);
    if (names && !json_is_null(names)) {
        status = set_names(f, names, err);
        if (status == HONE_OK)
            status = set_numbers(f, err);
        if (status == HONE_OK)
            status = set_prompts(f, err);
    }
    return status == HONE_OK ? set_default(f, names, usual, err) : status;
}

/* ---- tensors ---- */

/* [n, rows, cols] as [n, cols, rows] */
static void turn(char *to, const char *from, size_t n, size_t rows, size_t cols, size_t size)
{
    for (size_t i = 0; i < n; i++, from += rows * cols * size)
        for (size_t c = 0; c < cols; c++)
            for (size_t r = 0; r < rows; r++, to += size)
                memcpy(to, from + (r * cols + c) * size, size);
}

enum hone_status import_adapted(struct folder *f, const char *gguf, const struct safetensor *t, enum cut cut,
                                struct hone_error *err)
{
    struct gguf_tensor out = {.name = gguf, .type = t->type, .n_dims = 2, .size = t->size, .data = t->data};
    if (!t->type || t->type->block_len != 1 || t->n_dims != 3 || t->size == 0 ||
        t->dims[0] != f->n_adaptations)
        return hone_fail(err, HONE_BAD_MODEL,
                         "%s: tensor '%s' of type %s should be %zu matrices of F32, F16 or BF16, one a task",
                         f->dir, t->name, t->dtype, f->n_adaptations);
    const size_t rows = (size_t)t->dims[1], cols = (size_t)t->dims[2];
    const bool turned = cut == CUT_ADAPTED_TURNED;
    if (turned) {
        char *copy = malloc((size_t)t->size);
        if (!copy || !gguf_own_memory(f->g, copy)) {
            free(copy);
            return hone_no_memory(err, t->name, (size_t)t->size);
        }
        turn(copy, t->data, f->n_adaptations, rows, cols, t->type->block_size);
        out.data = copy;
    }
    out.dims[0] = turned ? rows : cols;
    out.dims[1] = f->n_adaptations * (turned ? cols : rows);
    out.dims[2] = out.dims[3] = 1;
    return folder_set(gguf_add_tensor(f->g, &out), gguf, err);
}
