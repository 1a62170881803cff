#include "runtime/infer/prompts.h"

#include "runtime/base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PROMPT_KEY "hone.prompt."

static const char special_key[] = "hone.special_token_ids";

/* Whether the file calls it special, or where it says nothing, decoding leaves it out. */
static bool is_special(const struct hone_model *model, int32_t id)
{
    const struct gguf_value *named = gguf_find(model->net.gguf, special_key);
    for (size_t i = 0; named && i < named->n; i++)
        if (gguf_int_at(named, i) == id)
            return true;
    if (named)
        return false;
    char *text = NULL;
    size_t size = 0;
    bool ok = tokenizer_decode(model->tokenizer, &id, 1, true, &text, &size, NULL);
    free(text);
    return ok && size == 0;
}

/* As Sentence Transformers counts them: the prompt as a text of its own, less the special token at its end. */
static enum hone_status count_tokens(const struct hone_model *model, struct prompt *p, struct hone_error *err)
{
    struct hone_error why = {0};
    struct tok_encoding e = {0};
    const struct tok_options options = {.add_special = true, .max_length = model->net.hp.max_length};
    const struct hone_text text = {p->text, strlen(p->text)};
    bool ok = tokenizer_encode(model->tokenizer, text, NULL, &options, &e, &why);
    p->n_tokens = e.n;
    if (ok && e.n > 0 && is_special(model, e.ids[e.n - 1]))
        p->n_tokens--;
    tok_encoding_release(&e);
    return ok ? HONE_OK : hone_fail(err, why.status, "the prompt '%s': %s", p->name, why.message);
}

static enum hone_status add_prompt(struct hone_model *model, const char *key, struct hone_error *err)
{
    struct hone_text text = {"", 0};
    enum hone_status status = gguf_get_text(model->net.gguf, key, &text, err);
    if (status != HONE_OK)
        return status;
    struct prompt *p = &model->prompts[model->n_prompts++];
    p->name = strdup(key + strlen(PROMPT_KEY));
    p->text = strndup(text.data, text.size);
    if (!p->name || !p->text)
        return hone_no_memory(err, "a prompt", text.size);
    return model->net.hp.skips_prompt && text.size > 0 ? count_tokens(model, p, err) : HONE_OK;
}

static enum hone_status find_default(struct hone_model *model, struct hone_error *err)
{
    struct hone_text name = {NULL, 0};
    enum hone_status status = gguf_get_text(model->net.gguf, "hone.default_prompt", &name, err);
    for (size_t i = 0; i < model->n_prompts && name.data; i++)
        if (text_is(name, model->prompts[i].name))
            model->default_prompt = &model->prompts[i];
    if (status != HONE_OK || !name.data || model->default_prompt)
        return status;
    return hone_fail(err, HONE_BAD_MODEL, "%s: the default prompt '%.*s' is none of the model's prompts",
                     gguf_path(model->net.gguf), (int)(name.size < 64 ? name.size : 64), name.data);
}

enum hone_status prompts_load(struct hone_model *model, struct hone_error *err)
{
    const struct gguf *g = model->net.gguf;
    const struct gguf_value *special = gguf_find(g, special_key);
    size_t n_keys = gguf_n_keys(g);
    if (special && (!special->is_array || special->type != GGUF_U32))
        return hone_fail(err, HONE_BAD_MODEL, "%s: the key '%s' should be an array of u32", gguf_path(g),
                         special_key);
    model->prompts = calloc(n_keys + 1, sizeof *model->prompts);
    if (!model->prompts)
        return hone_no_memory(err, "prompts", n_keys * sizeof *model->prompts);
    enum hone_status status = HONE_OK;
    for (size_t i = 0; i < n_keys && status == HONE_OK; i++)
        if (strncmp(gguf_key(g, i), PROMPT_KEY, strlen(PROMPT_KEY)) == 0)
            status = add_prompt(model, gguf_key(g, i), err);
    return status == HONE_OK ? find_default(model, err) : status;
}

void prompts_free(struct hone_model *model)
{
    for (size_t i = 0; i < model->n_prompts; i++) {
        free(model->prompts[i].name);
        free(model->prompts[i].text);
    }
    free(model->prompts);
}

const struct prompt *prompts_find(const struct hone_model *model, const char *name)
{
    for (size_t i = 0; i < model->n_prompts; i++)
        if (strcmp(model->prompts[i].name, name) == 0)
            return &model->prompts[i];
    return NULL;
}

const char *prompts_of_role(const struct hone_model *model, enum hone_role as)
{
    const char *name = as == HONE_ROLE_QUERY ? "query" : "document";
    if (as == HONE_ROLE_NONE)
        return NULL;
    return prompts_find(model, name) ? name : "";
}

enum hone_status prompts_choose(const struct hone_model *model, const char *name, struct request *out,
                                struct hone_error *err)
{
    const struct prompt *p = name ? prompts_find(model, name) : model->default_prompt;
    if (p) {
        out->inputs.prompt = p->text;
        out->n_skipped = p->n_tokens;
    }
    if (p || !name || !*name)
        return HONE_OK;
    char known[512] = "";
    for (size_t i = 0; i < model->n_prompts; i++)
        snprintf(known + strlen(known), sizeof known - strlen(known), "%s%s", i ? ", " : "",
                 model->prompts[i].name);
    return hone_fail(err, HONE_USAGE, "the model has no prompt '%s', expected one of: %s", name,
                     *known ? known : "(it has none)");
}
