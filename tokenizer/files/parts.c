#include "tokenizer/files/parts.h"

#include <string.h>

const char *tok_token_text(const json_t *token)
{
    const char *text = json_string_value(json_is_object(token) ? json_object_get(token, "content") : token);
    return text ? text : "";
}

const char *tok_named_token(const json_t *config, const char *name, const char *usual)
{
    const json_t *token = json_object_get(config, name);
    return token ? tok_token_text(token) : usual;
}

bool tok_flag(const json_t *config, const char *key, bool otherwise)
{
    const json_t *value = json_object_get(config, key);
    return json_is_boolean(value) ? json_is_true(value) : otherwise;
}

json_t *tok_added_token(const json_t *root, const char *text)
{
    const json_t *list = json_object_get(root, "added_tokens");
    for (size_t i = 0; i < json_array_size(list); i++) {
        json_t *token = json_array_get(list, i);
        if (strcmp(tok_token_text(token), text) == 0)
            return token;
    }
    return NULL;
}

json_int_t tok_token_id(const json_t *root, const char *text)
{
    const json_t *vocab = json_object_get(json_object_get(root, "model"), "vocab");
    for (size_t i = 0; i < json_array_size(vocab); i++) { /* Unigram's: pairs of a piece and its score */
        const char *piece = json_string_value(json_array_get(json_array_get(vocab, i), 0));
        if (piece && strcmp(piece, text) == 0)
            return (json_int_t)i;
    }
    const json_t *id = json_object_get(vocab, text);
    id = id ? id : json_object_get(tok_added_token(root, text), "id");
    return json_is_integer(id) ? json_integer_value(id) : -1;
}
