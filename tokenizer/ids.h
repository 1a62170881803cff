/* A growing list of token ids. As a buffer, it remembers a failed allocation. */
#ifndef TOKENIZER_IDS_H
#define TOKENIZER_IDS_H

#include "tokenizer/buffer.h"

struct ids {
    struct buffer bytes;
};

static inline size_t ids_n(const struct ids *ids)
{
    return ids->bytes.size / sizeof(int32_t);
}

static inline int32_t *ids_data(const struct ids *ids)
{
    return (int32_t *)(void *)ids->bytes.data;
}

static inline void ids_append(struct ids *ids, int32_t id)
{
    buffer_append(&ids->bytes, &id, sizeof id);
}

#endif
