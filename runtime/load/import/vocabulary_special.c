/* Which tokens transformers has for special ones. That is not what tokenizer.json marks so: its tokenizer knows those that the
 * configuration names, and its class's own where that says nothing. */
#include "runtime/base/text.h"
#include "runtime/load/import/keys.h"
#include "runtime/load/import/vocabulary.h"
#include "tokenizer/files/amend.h"
#include "tokenizer/files/classes.h"

#include <stdlib.h>
#include <string.h>

struct special_ids {
    const struct tok_vocab *vocab;
    uint32_t *ids; /* [n] */
    size_t n, room;
    bool failed; /* no memory */
};

/* A name that the vocabulary does not have stands for no token of a text. */
static void add(struct special_ids *s, const char *text)
{
    size_t i = 0;
    if (!text || !*text)
        return;
    while (i < s->vocab->n_tokens && !text_is(s->vocab->tokens[i], text))
        i++;
    if (i == s->vocab->n_tokens)
        return;
    if (s->n == s->room) {
        size_t room = s->room * 2 + 16;
        uint32_t *ids = realloc(s->ids, room * sizeof *ids);
        s->failed = s->failed || !ids;
        if (!ids)
            return;
        s->ids = ids;
        s->room = room;
    }
    s->ids[s->n++] = (uint32_t)i;
}

/* A token is a string, or an object with its content. */
static const char *content_of(const json_t *token)
{
    return json_string_value(json_is_object(token) ? json_object_get(token, "content") : token);
}

/* Lists of tokens, and objects that give each a name. */
static void add_all(struct special_ids *s, const json_t *tokens)
{
    const char *name;
    json_t *token;
    for (size_t i = 0; i < json_array_size(tokens); i++)
        add(s, content_of(json_array_get(tokens, i)));
    json_object_foreach ((json_t *)tokens, name, token) {
        add(s, content_of(token));
    }
}

static bool ends_with(const char *text, const char *end)
{
    size_t n = strlen(text), n_end = strlen(end);
    return n >= n_end && strcmp(text + n - n_end, end) == 0;
}

static void find_all(struct special_ids *s, const char *class, const json_t *config)
{
    static const char *const names[] = {"bos_token", "eos_token", "unk_token", "sep_token",
                                        "pad_token", "cls_token", "mask_token"};
    const char *name;
    json_t *value, *extra = tok_extra_tokens(config, class);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!json_object_get(config, names[i]))
            add(s, tok_usual_token(class, names[i]));
    json_object_foreach ((json_t *)config, name, value)
        if (ends_with(name, "_token"))
            add(s, content_of(value));
    add_all(s, json_object_get(config, "model_specific_special_tokens"));
    add_all(s, extra);
    s->failed = s->failed || !extra;
    json_decref(extra);
}

enum hone_status vocabulary_set_special(struct folder *f, const char *class, const json_t *config,
                                        const struct tok_vocab *vocab, struct hone_error *err)
{
    /* Classes without tokens of their own. */
    static const char *const plain[] = {"TokenizersBackend", "PreTrainedTokenizer"};
    const char *end = content_of(json_object_get(config, "sep_token"));
    bool known = tok_usual_token(class, "sep_token") != NULL;
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
        known = known || strcmp(class, plain[i]) == 0;
    if (!gguf_find(f->g, "hone.pooling_skips_prompt"))
        return HONE_OK;
    if (!known && !end && !content_of(json_object_get(config, "eos_token")))
        return keys_refuse(
            f->keys, err,
            "%s/tokenizer_config.json: there is neither 'sep_token' nor 'eos_token', so that it is not "
            "known which tokens the 'tokenizer_class' '%s' leaves out of a prompt's length, which "
            "'include_prompt' needs",
            f->dir, class);
    struct special_ids s = {.vocab = vocab};
    find_all(&s, class, config);
    enum hone_status status = HONE_OK;
    if (s.failed)
        status = hone_no_memory(err, "special tokens", s.room * sizeof *s.ids);
    else
        status = folder_set(gguf_set_array(f->g, "hone.special_token_ids", GGUF_U32, s.ids, s.n),
                            "hone.special_token_ids", err);
    free(s.ids);
    return status;
}
