#include "tokenizer/models/piece_map.h"

#include <stdlib.h>

static int32_t token_of(const struct piece_map *m, const char *text, size_t size)
{
    int32_t id = tok_vocab_find(m->names, text, size);
    return id >= 0 ? id : m->unknown;
}

bool tok_piece_map_init(struct piece_map *m, const struct tok_vocab *pieces, const struct vocab *tokens,
                        const json_t *spec, struct complaint *c)
{
    const json_t *unk = json_object_get(spec, "unk_id");
    struct hone_text name = tok_component_text(spec, "unk_token");
    *m = (struct piece_map){.n = pieces->n_tokens, .names = tokens, .unknown_piece = -1};
    if (!tok_vocab_init(&m->vocab, pieces, c->err))
        return false;
    m->outside = calloc(m->n + 1, 1);
    m->tokens = calloc(m->n + 1, sizeof *m->tokens);
    if (!m->outside || !m->tokens)
        return tok_no_memory(c->err);
    m->unknown = tok_vocab_find(tokens, "<unk>", 5);
    if (m->n == 0 || m->unknown < 0)
        return tok_fail(c->err, HONE_BAD_MODEL, "pieces need the token '<unk>'");
    for (size_t i = 0; i < m->n; i++) {
        struct hone_text text = vocab_text(&m->vocab, i);
        m->outside[i] = pieces->types && pieces->types[i] == TOK_UNUSED;
        m->tokens[i] = token_of(m, text.data, text.size);
    }
    m->unknown_piece = json_is_integer(unk) ? (int32_t)json_integer_value(unk)
                       : name.size          ? tok_vocab_find(&m->vocab, name.data, name.size)
                                            : -1;
    return true;
}

void tok_piece_map_release(struct piece_map *m)
{
    tok_vocab_release(&m->vocab);
    free(m->outside);
    free(m->tokens);
    *m = (struct piece_map){0};
}

/* A run that no piece is made for may be a token all the same: its text is wanted. */
static bool has_unknown(const struct piece_map *m, const int32_t *ids, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (ids[i] == m->unknown_piece)
            return true;
    return false;
}

void tok_piece_map_apply(const struct piece_map *m, const struct tok_model *model, struct hone_text word,
                         size_t first, struct model_scratch *s, struct tok_ids *run, struct tok_ids *out)
{
    size_t n = out->bytes.failed ? 0 : ids_n(out) - first;
    int32_t *ids = ids_from(out, first);
    const struct tok_span *spans = NULL;
    if (n > 0 && has_unknown(m, ids, n)) {
        buffer_clear(&run->bytes);
        buffer_clear(&run->spans);
        run->spanned = true;
        tok_model_encode(model, word.data, word.size, s, run);
        out->bytes.failed |= run->bytes.failed || run->spans.failed || ids_n(run) != n;
        spans = out->bytes.failed ? NULL : ids_spans(run);
    }
    for (size_t i = 0; i < n && !out->bytes.failed; i++)
        ids[i] = spans && ids[i] == m->unknown_piece
                     ? token_of(m, word.data + spans[i].start, spans[i].end - spans[i].start)
                     : m->tokens[ids[i]];
}
