#include "tokenizer/added.h"

#include "runtime/base/text.h"
#include "runtime/base/utf8.h"
#include "tokenizer/text/unicode.h"

#include <stdlib.h>

#define MAX_SIZE 4096 /* bytes of an added token */

static bool read_token(struct added_token *token, const json_t *spec, const struct vocab *vocab,
                       struct complaint *c)
{
    struct hone_text text = tok_component_text(spec, "content");
    if (!json_is_object(spec) || text.size > MAX_SIZE)
        return tok_fail(c->err, HONE_BAD_MODEL, "an added token is malformed or longer than %d bytes",
                        MAX_SIZE);
    token->id = tok_vocab_find(vocab, text.data, text.size);
    if (token->id < 0)
        return tok_fail(c->err, HONE_BAD_MODEL, "the added token \"%.100s\" is not in the vocabulary",
                        text.data);
    token->special = tok_component_bool(spec, "special", false);
    token->normalized = tok_component_bool(spec, "normalized", !token->special);
    token->single_word = tok_component_bool(spec, "single_word", false);
    token->lstrip = tok_component_bool(spec, "lstrip", false);
    token->rstrip = tok_component_bool(spec, "rstrip", false);
    return true;
}

/* What normalized text has in place of the token. */
static bool normalize_token(struct added_token *token, struct hone_text text,
                            const struct normalizer *normalizer, struct normalizer_scratch *scratch)
{
    struct tok_piece form = {.data = text.data, .size = text.size, .front = true};
    tok_normalizer_run(normalizer, &form, scratch);
    if (scratch->failed)
        return false;
    if (text_equal((struct hone_text){form.data, form.size}, text))
        return true;
    token->form = malloc(form.size + 1);
    if (!token->form)
        return false;
    if (form.size)
        memcpy(token->form, form.data, form.size);
    token->form_size = form.size;
    return true;
}

static struct hone_text form_of(const struct added_token *token, const struct vocab *vocab)
{
    return token->form ? (struct hone_text){token->form, token->form_size}
                       : vocab_text(vocab, (size_t)token->id);
}

static bool init_matcher(struct added_matcher *m, const struct added *a, bool normalized,
                         const struct vocab *vocab)
{
    struct trie_key *keys = calloc(a->n + 1, sizeof *keys);
    size_t n = 0;
    int n_starts = 0;
    for (size_t i = 0; keys && i < a->n; i++) {
        struct hone_text form = form_of(&a->tokens[i], vocab);
        if (a->tokens[i].normalized != normalized || !form.size)
            continue;
        keys[n++] = (struct trie_key){form.data, (uint32_t)form.size, (int32_t)i};
        m->starts[(unsigned char)form.data[0]] = 1;
    }
    m->empty = n == 0;
    for (int b = 0; b < 256; b++) {
        n_starts += m->starts[b];
        m->only_start = m->starts[b] ? b : m->only_start;
    }
    if (n_starts != 1)
        m->only_start = -1;
    bool ok = keys && tok_trie_build(&m->trie, keys, n);
    free(keys);
    return ok;
}

/* Of entries for the same token the last counts. */
static bool drop_repeated(struct added *a, const struct vocab *vocab)
{
    uint8_t *seen = calloc(vocab->n, 1);
    size_t kept = a->n;
    if (!seen)
        return false;
    for (size_t i = a->n; i-- > 0;)
        if (!seen[a->tokens[i].id]++)
            a->tokens[--kept] = a->tokens[i];
    memmove(a->tokens, a->tokens + kept, (a->n - kept) * sizeof *a->tokens);
    a->n -= kept;
    free(seen);
    return true;
}

bool tok_added_init(struct added *a, const json_t *spec, const struct vocab *vocab,
                    const struct normalizer *normalizer, struct complaint *c)
{
    size_t n = json_array_size(spec), total = 0;
    struct tok_effort effort = effort_of(0);
    struct normalizer_scratch scratch = {.effort = &effort};
    bool ok = false;
    a->tokens = calloc(n + 1, sizeof *a->tokens);
    a->kinds = calloc(vocab->n, 1);
    if (!a->tokens || !a->kinds)
        goto error;
    for (size_t i = 0; i < n; i++) {
        const json_t *token = json_array_get(spec, i);
        if (json_is_object(token) && !tok_component_text(token, "content").size)
            continue;
        if (!read_token(&a->tokens[a->n], token, vocab, c))
            goto done;
        a->n++;
    }
    if (!drop_repeated(a, vocab))
        goto error;
    for (size_t i = 0; i < a->n; i++)
        total += vocab_text(vocab, (size_t)a->tokens[i].id).size;
    effort = effort_of(total);
    for (size_t i = 0; i < a->n; i++) {
        struct added_token *token = &a->tokens[i];
        if (token->normalized &&
            !normalize_token(token, vocab_text(vocab, (size_t)token->id), normalizer, &scratch))
            goto error;
        if (token->form && !a->other_forms && !(a->other_forms = calloc(vocab->n, sizeof *a->other_forms)))
            goto error;
        if (token->form)
            a->other_forms[token->id] = (uint32_t)i;
        a->kinds[token->id] = token->form ? ADDED_OTHER_FORM : token->special ? ADDED_SPECIAL : 0;
    }
    ok = init_matcher(&a->raw, a, false, vocab) && init_matcher(&a->normal, a, true, vocab);
error:
    if (!ok && effort.grew)
        tok_fail(c->err, HONE_BAD_MODEL, "the normalizer makes the added tokens more than %d times as long",
                 EFFORT_GROWTH);
    else if (!ok)
        tok_no_memory(c->err);
done:
    tok_normalizer_scratch_release(&scratch);
    return ok;
}

void tok_added_release(struct added *a)
{
    for (size_t i = 0; i < a->n; i++)
        free(a->tokens[i].form);
    free(a->tokens);
    free(a->kinds);
    free(a->other_forms);
    tok_trie_release(&a->raw.trie);
    tok_trie_release(&a->normal.trie);
    *a = (struct added){0};
}

static uint32_t properties_at(const char *p)
{
    return unicode_properties(utf8_next(&p));
}

/* Where the next token begins, at `at` or behind it, and which it is; the piece's end: there is none. */
static size_t find(const struct added_matcher *m, struct tok_piece piece, size_t at, size_t *length,
                   int32_t *index, struct tok_effort *effort)
{
    for (; at < piece.size; at++) {
        if (m->only_start >= 0) {
            const char *found = memchr(piece.data + at, m->only_start, piece.size - at);
            if (!found)
                return piece.size;
            at = (size_t)(found - piece.data);
        } else if (!m->starts[(unsigned char)piece.data[at]]) {
            continue;
        }
        size_t walked = 0;
        *index = trie_longest(&m->trie, TRIE_ROOT, piece.data + at, piece.size - at, length, &walked);
        if (!effort_walk(effort, walked) || *index != TRIE_NONE)
            return at;
    }
    return at;
}

static bool inside_word(struct tok_piece piece, size_t start, size_t end)
{
    return (start > 0 && properties_at(utf8_before(piece.data + start)) & UC_WORD) ||
           (end < piece.size && properties_at(piece.data + end) & UC_WORD);
}

/* Whether a token that was found is text for this sink. */
static bool is_plain(const struct added_token *token, const struct added_sink *sink)
{
    bool plain = sink->plain && token->special;
    for (size_t i = 0; sink->plain && i < sink->n_plain_ids && !plain; i++)
        plain = sink->plain_ids[i] == token->id;
    return plain;
}

bool tok_added_split(const struct added *a, const struct added_matcher *matcher, struct tok_piece piece,
                     struct added_sink sink)
{
    size_t done = 0, length = 0;
    int32_t index = 0;
    for (size_t at = 0; !matcher->empty;) {
        at = find(matcher, piece, at, &length, &index, sink.effort);
        if (sink.effort->walked)
            return false;
        if (at >= piece.size)
            break;
        const struct added_token *token = &a->tokens[index];
        size_t start = at, end = at + length;
        bool plain = is_plain(token, &sink);
        at = plain ? start + 1 : end;
        if (plain || (token->single_word && inside_word(piece, start, end)))
            continue;
        if (token->lstrip && start < done) /* the one before took it */
            start = done;
        while (token->lstrip && start > done && properties_at(utf8_before(piece.data + start)) & UC_SPACE)
            start = (size_t)(utf8_before(piece.data + start) - piece.data);
        while (token->rstrip && end < piece.size && properties_at(piece.data + end) & UC_SPACE)
            end += utf8_size(piece.data[end]);
        if (done < start && !sink.take(sink.arg, piece_slice(piece, done, start), -1))
            return false;
        if (start < end && !sink.take(sink.arg, piece_slice(piece, start, end), token->id))
            return false;
        done = end;
    }
    if (done >= piece.size)
        return true;
    return sink.take(sink.arg, piece_slice(piece, done, piece.size), -1);
}
