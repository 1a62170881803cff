#include "tokenizer/models/vocab.h"

#include "runtime/base/hash.h"
#include "runtime/base/text.h"
#include "runtime/base/utf8.h"
#include "tokenizer/text/fail.h"

#include <stdlib.h>

#define MARK "\xe2\x96\x81" /* U+2581 */

/* Whether GGUF's WordPiece form leaves a token as it is: control tokens and [names]. */
static bool is_name(const struct tok_vocab *source, size_t id)
{
    struct hone_text token = source->tokens[id];
    if (source->types && source->types[id] != TOK_NORMAL && source->types[id] != TOK_USER_DEFINED)
        return true;
    return token.size >= 2 && token.data[0] == '[' && token.data[token.size - 1] == ']';
}

/* Writes a token as vocab.txt has it; at most 2 bytes longer. */
static size_t copy_token(const struct tok_vocab *source, size_t id, char *out)
{
    struct hone_text token = source->tokens[id];
    size_t prefix = 0;
    if (source->phantom_space && !is_name(source, id)) {
        if (token.size > 3 && text_begins(token, MARK)) {
            token.data += 3;
            token.size -= 3;
        } else {
            memcpy(out, "##", prefix = 2);
        }
    }
    text_put(out + prefix, token);
    return prefix + token.size;
}

static bool copy_tokens(struct vocab *v, const struct tok_vocab *source, struct hone_error *err)
{
    size_t total = 0, n = source->n_tokens;
    for (size_t i = 0; i < n; i++) {
        struct hone_text token = source->tokens[i];
        if (token.size > VOCAB_MAX_TOKEN)
            return tok_fail(err, HONE_BAD_MODEL, "token %zu is longer than %u bytes", i, VOCAB_MAX_TOKEN);
        if (utf8_valid_prefix(token.data, token.size) != token.size)
            return tok_fail(err, HONE_BAD_MODEL, "token %zu is not valid UTF-8", i);
        total += token.size + 2;
    }
    if (total > UINT32_MAX)
        return tok_fail(err, HONE_BAD_MODEL, "the tokens have more than 4 GiB");
    v->starts = malloc((n + 1) * sizeof *v->starts);
    v->bytes = malloc(total + 1);
    if (!v->starts || !v->bytes)
        return tok_no_memory(err);
    uint32_t at = 0;
    for (size_t i = 0; i < n; i++) {
        v->starts[i] = at;
        size_t size = copy_token(source, i, v->bytes + at);
        v->limit = size > v->limit ? size : v->limit;
        at += (uint32_t)size;
    }
    v->starts[n] = at;
    return true;
}

/* The slot of a token, or the empty one where it would be. */
static struct vocab_slot *find_slot(const struct vocab *v, const char *data, size_t size, uint64_t hash)
{
    for (size_t i = hash & v->mask;; i = (i + 1) & v->mask) {
        struct vocab_slot *slot = &v->slots[i];
        if (slot->id < 0)
            return slot;
        if (slot->hash != (uint32_t)(hash >> 32))
            continue;
        struct hone_text token = vocab_text(v, (size_t)slot->id);
        if (text_equal(token, (struct hone_text){data, size}))
            return slot;
    }
}

bool tok_vocab_init(struct vocab *v, const struct tok_vocab *source, struct hone_error *err)
{
    *v = (struct vocab){.n = source->n_tokens, .mask = 15};
    if (v->n == 0 || v->n > VOCAB_MAX_TOKENS)
        return tok_fail(err, HONE_BAD_MODEL, "a vocabulary of %zu tokens; 1 to %u can be had", v->n,
                        VOCAB_MAX_TOKENS);
    if (!copy_tokens(v, source, err))
        return false;
    while (v->mask < v->n * 3 / 2)
        v->mask = v->mask * 2 + 1;
    v->slots = malloc((v->mask + 1) * sizeof *v->slots);
    if (!v->slots)
        return tok_no_memory(err);
    memset(v->slots, 0xff, (v->mask + 1) * sizeof *v->slots);
    for (size_t i = 0; i < v->n; i++) {
        if (source->types && source->types[i] == TOK_UNUSED)
            continue;
        struct hone_text token = vocab_text(v, i);
        uint64_t hash = hash_bytes(token.data, token.size);
        struct vocab_slot *slot = find_slot(v, token.data, token.size, hash);
        *slot = (struct vocab_slot){(uint32_t)(hash >> 32), (int32_t)i};
    }
    return true;
}

void tok_vocab_release(struct vocab *v)
{
    free(v->starts);
    free(v->bytes);
    free(v->slots);
    *v = (struct vocab){0};
}

int32_t tok_vocab_find(const struct vocab *v, const char *data, size_t size)
{
    return find_slot(v, data, size, hash_bytes(data, size))->id;
}

void tok_vocab_prepare_slot(const struct vocab *v, uint64_t hash)
{
    __builtin_prefetch(&v->slots[hash & v->mask]);
}

void tok_vocab_prepare_text(const struct vocab *v, uint64_t hash)
{
    int32_t id = v->slots[hash & v->mask].id;
    if (id >= 0)
        __builtin_prefetch(&v->starts[id]);
}

int32_t tok_vocab_find_hashed(const struct vocab *v, const char *data, size_t size, uint64_t hash)
{
    return find_slot(v, data, size, hash)->id;
}
