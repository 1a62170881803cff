/* A growing list of token ids and, where somebody asks, of what each stands for. As a buffer, it remembers a failed
 * allocation. */
#ifndef TOKENIZER_IDS_H
#define TOKENIZER_IDS_H

#include "runtime/base/buffer.h"
#include "tokenizer/tokenizer.h"

struct tok_ids {
    struct buffer bytes;
    struct buffer spans; /* of struct tok_span: of the word while a model encodes it, then of the text */
    bool spanned;        /* somebody asks */
};

static inline size_t ids_n(const struct tok_ids *ids)
{
    return ids->bytes.size / sizeof(int32_t);
}

static inline int32_t *ids_data(const struct tok_ids *ids)
{
    return (int32_t *)(void *)ids->bytes.data;
}

/* The ids from number i on, the end included; NULL where there is no list yet, since C does not define NULL + 0. */
static inline int32_t *ids_from(const struct tok_ids *ids, size_t i)
{
    return ids->bytes.data ? ids_data(ids) + i : NULL;
}

static inline struct tok_span *ids_spans(const struct tok_ids *ids)
{
    return (struct tok_span *)(void *)ids->spans.data;
}

static inline void ids_append(struct tok_ids *ids, int32_t id)
{
    buffer_append(&ids->bytes, &id, sizeof id);
}

/* What the next id without a span stands for. */
static inline void ids_span(struct tok_ids *ids, size_t start, size_t end)
{
    struct tok_span span = {(uint32_t)start, (uint32_t)end & TOK_SPAN_MAX, false};
    if (ids->spanned)
        buffer_append(&ids->spans, &span, sizeof span);
    ids->bytes.failed |= ids->spans.failed;
}

#endif
