/* A head of spans (nn/spans.h), as a file says it: hone.spans.*, and the tensors span.*. */
#include "runtime/load/finder.h"
#include "runtime/nn/head.h"

#include <string.h>

#define MAX_LONGEST 128       /* words of a span: where spans overlap is looked up in a table of its square */
#define MAX_WORDS   (1 << 16) /* of a text */
#define MAX_TOKENS  (1 << 13) /* of a text, where nothing else limits it */

static enum hone_status load_size(const struct net *m, const char *key, size_t max, size_t *out,
                                  struct hone_error *err)
{
    *out = 0;
    enum hone_status status = gguf_get_size(m->gguf, key, max, out, err);
    if (status != HONE_OK || *out > 0)
        return status;
    return hone_fail(err, HONE_BAD_MODEL, "%s: the key '%s' should be 1 to %zu", gguf_path(m->gguf), key,
                     max);
}

static enum hone_status load_pooling(const struct net *m, struct span_shape *s, struct hone_error *err)
{
    struct hone_text name = {"cls", 3};
    enum hone_status status = gguf_get_text(m->gguf, "hone.spans.pooling", &name, err);
    s->pooling = pooling_by_name(name);
    bool known = s->pooling == POOL_CLS || s->pooling == POOL_LAST || s->pooling == POOL_MEAN ||
                 s->pooling == POOL_MAX;
    if (status != HONE_OK || known)
        return status;
    return hone_fail(err, HONE_BAD_MODEL, "%s: the key 'hone.spans.pooling' should be cls, last, mean or max",
                     gguf_path(m->gguf));
}

/* Positions that are looked up end somewhere; distances do not. */
static void limit_tokens(const struct net *m, struct span_shape *s)
{
    const size_t most =
        m->hp.n_positions > 0 && m->hp.n_positions < MAX_TOKENS ? m->hp.n_positions : MAX_TOKENS;
    s->max_tokens = s->max_tokens > 0 && s->max_tokens < most ? s->max_tokens : most;
}

enum hone_status spans_load(struct net *m, struct hone_error *err)
{
    struct span_shape *s = &m->hp.spans;
    size_t token = 0;
    if (m->hp.head != HEAD_SPANS)
        return HONE_OK;
    if (m->arch->causal || m->arch->has_decoder)
        return hone_fail(err, HONE_BAD_MODEL,
                         "%s: a head of spans behind a model of type '%s' is not supported",
                         gguf_path(m->gguf), m->arch->name);
    enum hone_status status = load_size(m, "hone.spans.width", MAX_WIDTH / 4, &s->width, err);
    if (status == HONE_OK)
        status = load_size(m, "hone.spans.max_span", MAX_LONGEST, &s->longest, err);
    if (status == HONE_OK)
        status = load_size(m, "hone.spans.max_words", MAX_WORDS, &s->max_words, err);
    if (status == HONE_OK)
        status = gguf_get_size(m->gguf, "hone.spans.max_tokens", SIZE_MAX, &s->max_tokens, err);
    if (status == HONE_OK)
        status = gguf_get_size(m->gguf, "hone.spans.label_token_id", INT32_MAX, &token, err);
    if (status == HONE_OK)
        status = gguf_get_bool(m->gguf, "hone.spans.label_behind", &s->behind, err);
    s->label_token = (int32_t)token;
    limit_tokens(m, s);
    return status == HONE_OK ? load_pooling(m, s, err) : status;
}

/* An LSTM over the words, where the file has one: in both directions, each of half the width. */
static enum hone_status find_rnn(const struct finder *f, struct span_weights *w, size_t n)
{
    if (!gguf_find_tensor(f->m->gguf, "span.rnn.weight"))
        return HONE_OK;
    if (n % 2 != 0)
        return hone_fail(f->err, HONE_BAD_MODEL, "%s: the key 'hone.spans.width' should be even, not %zu",
                         gguf_path(f->m->gguf), n);
    enum hone_status status = finder_part(f, "span.rnn", 2 * n, n, 0, &w->rnn);
    if (status == HONE_OK)
        status = finder_part(f, "span.rnn_reverse", 2 * n, n, 0, &w->rnn);
    if (status == HONE_OK)
        status = finder_floats(f, "span.rnn_state.weight", 2 * n, n / 2, true, &w->rnn_state[0]);
    return status == HONE_OK
               ? finder_floats(f, "span.rnn_state_reverse.weight", 2 * n, n / 2, true, &w->rnn_state[1])
               : status;
}

enum hone_status spans_find(const struct finder *f)
{
    struct span_weights *w = &f->m->weights.spans;
    const size_t n = f->m->hp.spans.width, n_embd = f->m->hp.n_embd;
    const struct {
        const char *name;
        size_t rows, cols;
        unsigned flags;
        struct dense *to;
    } parts[] = {{"span.start_up", 4 * n, n, 0, &w->start_up},
                 {"span.start_down", n, 4 * n, 0, &w->start_down},
                 {"span.end_up", 4 * n, n, 0, &w->end_up},
                 {"span.end_down", n, 4 * n, 0, &w->end_down},
                 {"span.label_up", 4 * n, n, 0, &w->label_up},
                 {"span.label_down", n, 4 * n, 0, &w->label_down},
                 {"span.pair_start", 4 * n, n, 0, &w->pair_start},
                 {"span.pair_end", 4 * n, n, TENSOR_NO_BIAS, &w->pair_end},
                 {"span.pair_turned", 4 * n, n, TENSOR_NO_BIAS, &w->pair_turned}};
    enum hone_status status = HONE_OK;
    if (n != n_embd || gguf_find_tensor(f->m->gguf, "span.proj.weight"))
        status = finder_part(f, "span.proj", n, n_embd, 0, &w->proj);
    if (status == HONE_OK)
        status = find_rnn(f, w, n);
    for (size_t i = 0; i < sizeof parts / sizeof *parts && status == HONE_OK; i++)
        status = finder_part(f, parts[i].name, parts[i].rows, parts[i].cols, parts[i].flags, parts[i].to);
    return status == HONE_OK ? finder_floats(f, "span.pair.bias", n, 0, true, &w->pair_bias) : status;
}
