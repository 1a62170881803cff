#include "runtime/infer/pair_template.h"

#include "tokenizer/template/chat_template.h"

#include <stdlib.h>
#include <string.h>

struct pair_template {
    struct chat_template *template;
    bool parts;   /* a message's content is a list of parts */
    bool answers; /* ends with the start of an answer */
    json_t *variables;
};

void pair_template_free(struct pair_template *p)
{
    if (!p)
        return;
    chat_template_free(p->template);
    json_decref(p->variables);
    free(p);
}

/* ---- rendering ---- */

static json_t *message(const struct pair_template *p, const char *role, struct hone_text content)
{
    if (p->parts)
        return json_pack("{s:s, s:[{s:s, s:s%}]}", "role", role, "content", "type", "text", "text",
                         content.size ? content.data : "", content.size);
    return json_pack("{s:s, s:s%}", "role", role, "content", content.size ? content.data : "", content.size);
}

/* *out: malloc'ed. */
static enum hone_status render(const struct pair_template *p, const struct pair *pair, char **out,
                               size_t *size, struct hone_error *err)
{
    const char *prompt = pair->prompt ? pair->prompt : "";
    json_t *messages = json_array();
    bool ok =
        messages &&
        (!*prompt || json_array_append_new(
                         messages, message(p, "system", (struct hone_text){prompt, strlen(prompt)})) == 0);
    ok = ok && json_array_append_new(messages, message(p, "query", pair->query)) == 0 &&
         json_array_append_new(messages, message(p, "document", pair->document)) == 0;
    struct chat_request request = {.messages = messages,
                                   .variables = p->variables,
                                   .add_generation_prompt = p->answers,
                                   .as_it_is = true};
    enum hone_status status = HONE_OK;
    struct hone_error why = {0};
    *out = NULL;
    if (!ok)
        status = hone_fail(err, HONE_USAGE, "the query or a document is not valid UTF-8");
    else if (!chat_template_render(p->template, &request, out, size, &why))
        status = hone_fail(err, why.status, "the chat template: %s", why.message);
    json_decref(messages);
    return status;
}

/* ---- whether there is one ---- */

static bool differs(const struct pair_template *p, const char *query, const char *document, const char *base)
{
    const struct pair pair = {.query = {query, strlen(query)}, .document = {document, strlen(document)}};
    char *text;
    size_t size;
    struct hone_error why = {0};
    bool other = render(p, &pair, &text, &size, &why) == HONE_OK && strcmp(text, base) != 0;
    free(text);
    return other;
}

/* Whether a template names the two roles. Those of chats that show any role were not made for pairs, as a rule. */
static bool names_roles(struct hone_text source)
{
    return memmem(source.data, source.size, "query", 5) && memmem(source.data, source.size, "document", 8);
}

/* Both messages of a pair come through. */
static bool shows_pairs(const struct pair_template *p)
{
    const struct pair probe = {.query = {"q0", 2}, .document = {"d0", 2}};
    char *base;
    size_t size;
    struct hone_error why = {0};
    bool shown = render(p, &probe, &base, &size, &why) == HONE_OK && differs(p, "q1", "d0", base) &&
                 differs(p, "q0", "d1", base);
    free(base);
    return shown;
}

static void set_token(const struct gguf *g, json_t *variables, const char *name, const char *key)
{
    const struct gguf_value *tokens = gguf_find(g, "tokenizer.ggml.tokens");
    size_t id = SIZE_MAX;
    struct hone_error why = {0};
    bool named = gguf_get_size(g, key, SIZE_MAX, &id, &why) == HONE_OK && tokens && tokens->is_array &&
                 tokens->type == GGUF_STRING && id < tokens->n;
    if (named)
        json_object_set_new(variables, name,
                            json_stringn(tokens->strings[id].data, tokens->strings[id].size));
}

enum hone_status pair_template_load(struct hone_model *model, struct hone_error *err)
{
    const struct gguf *g = model->net.gguf;
    struct hone_text source = {NULL, 0};
    struct hone_error why = {0};
    bool demanded = false;
    struct pair_template *p = calloc(1, sizeof *p);
    if (!p)
        return hone_no_memory(err, "a chat template", sizeof *p);
    enum hone_status status = gguf_get_text(g, "tokenizer.chat_template", &source, err);
    if (status == HONE_OK)
        status = gguf_get_bool(g, "hone.pair_messages", &demanded, err);
    if (status == HONE_OK)
        status = gguf_get_bool(g, "hone.pair_parts", &p->parts, err);
    if (status == HONE_OK)
        status = gguf_get_bool(g, "hone.pair_answers", &p->answers, err);
    p->variables = json_object();
    set_token(g, p->variables, "bos_token", "tokenizer.ggml.bos_token_id");
    set_token(g, p->variables, "eos_token", "tokenizer.ggml.eos_token_id");
    if (status == HONE_OK && source.data && (demanded || names_roles(source)))
        p->template = chat_template_new(source, &why);
    bool shows = p->template && shows_pairs(p);
    if (status == HONE_OK && shows)
        model->pairs = p;
    else
        pair_template_free(p);
    if (status != HONE_OK || shows || !demanded)
        return status;
    return hone_fail(err, HONE_BAD_MODEL,
                     "%s: the chat template does not show messages of the roles 'query' and 'document'",
                     gguf_path(g));
}

/* ---- tokens ---- */

static enum hone_status encode(const struct hone_model *model, const struct pair *pair, size_t max_length,
                               struct tok_encoding *e, struct hone_error *err)
{
    char *text = NULL;
    size_t size = 0;
    struct hone_error why = {0};
    const struct tok_options options = {.max_length = max_length};
    enum hone_status status = render(model->pairs, pair, &text, &size, err);
    if (status == HONE_OK &&
        !tokenizer_encode(model->tokenizer, (struct hone_text){text, size}, NULL, &options, e, &why))
        status = hone_fail(err, why.status, "%s", why.message);
    free(text);
    return status;
}

/* Writes what the template ends with over the last tokens of a text that was cut: those that two pairs of different contents
 * have in common at their end. */
static enum hone_status restore_end(const struct hone_model *model, const struct pair *pair,
                                    struct tok_encoding *e, struct hone_error *err)
{
    struct tok_encoding a = {0}, b = {0};
    const struct pair one = {pair->prompt, {"0", 1}, {"0", 1}},
                      other = {pair->prompt, {"1 2 3 4", 7}, {"1 2 3 4", 7}};
    enum hone_status status = encode(model, &one, 0, &a, err);
    if (status == HONE_OK)
        status = encode(model, &other, 0, &b, err);
    size_t n = 0, least = a.n < b.n ? a.n : b.n;
    while (status == HONE_OK && n < least && a.ids[a.n - 1 - n] == b.ids[b.n - 1 - n])
        n++;
    if (status == HONE_OK && n < least) {
        n = n < e->n ? n : e->n;
        memcpy(e->ids + (e->n - n), a.ids + (a.n - n), n * sizeof *e->ids);
    }
    tok_encoding_release(&a);
    tok_encoding_release(&b);
    return status;
}

enum hone_status pair_template_encode(const struct hone_model *model, const struct pair *pair,
                                      size_t max_length, struct tok_encoding *e, struct hone_error *err)
{
    enum hone_status status = encode(model, pair, max_length, e, err);
    return status == HONE_OK && e->n_full > e->n ? restore_end(model, pair, e, err) : status;
}
