/* hone_chat_prompt: messages to the text that a model was trained on, by its own template. */
#include "runtime/model.h"

#include "tokenizer/jinja/template.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

/* The text of the token that a key names; "" where there is none. */
static json_t *token_text(const struct gguf *g, const char *key)
{
    size_t id = SIZE_MAX;
    struct hone_error ignored;
    const struct gguf_value *tokens = gguf_find(g, "tokenizer.ggml.tokens");
    if (gguf_get_size(g, key, SIZE_MAX, &id, &ignored) != HONE_OK || !tokens || !tokens->is_array ||
        tokens->type != GGUF_STRING || id >= tokens->n)
        return json_string("");
    json_t *text = json_stringn(tokens->strings[id].data, tokens->strings[id].size);
    return text ? text : json_string("");
}

/* NULL: a text is not UTF-8, or out of memory. */
static json_t *variables(const struct gguf *g, const struct hone_message *messages, size_t n, bool answer)
{
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++) {
        json_t *message = json_pack("{s:s, s:s%}", "role", messages[i].role, "content",
                                    messages[i].content.data, messages[i].content.size);
        if (!message || json_array_append_new(list, message) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return json_pack("{s:o, s:b, s:o, s:o}", "messages", list, "add_generation_prompt", answer, "bos_token",
                     token_text(g, "tokenizer.ggml.bos_token_id"), "eos_token",
                     token_text(g, "tokenizer.ggml.eos_token_id"));
}

static enum hone_status render(const struct hone_model *model, struct hone_text source, const json_t *values,
                               char **text, size_t *size, struct hone_error *err)
{
    char why[512] = "";
    struct jinja *t = jinja_new((struct tok_text){source.data, source.size}, why, sizeof why);
    bool ok = t && jinja_render(t, values, (int64_t)time(NULL), text, size, why, sizeof why);
    jinja_free(t);
    return ok ? HONE_OK : hone_fail(err, HONE_USAGE, "%s: the chat template: %s", model->path, why);
}

enum hone_status hone_chat_prompt(const struct hone_model *model, const struct hone_message *messages,
                                  size_t n, bool answer, char **text, size_t *size, struct hone_error *err)
{
    const struct gguf *g = model->model.gguf;
    struct hone_text source = {NULL, 0};
    *text = NULL;
    *size = 0;
    enum hone_status status = gguf_get_text(g, "tokenizer.chat_template", &source, err);
    if (status == HONE_OK && !source.data)
        return hone_fail(err, HONE_USAGE, "%s has no chat template: it is not a model to talk to",
                         model->path);
    if (status != HONE_OK)
        return status;
    json_t *values = variables(g, messages, n, answer);
    if (!values)
        return hone_fail(err, HONE_USAGE, "a message is not valid UTF-8");
    status = render(model, source, values, text, size, err);
    json_decref(values);
    return status;
}
