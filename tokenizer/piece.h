/* A piece of text on its way through the pre-tokenizers, and who takes it next. */
#ifndef TOKENIZER_PIECE_H
#define TOKENIZER_PIECE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct piece {
    const char *data;
    size_t size;
    bool front; /* begins where the caller's text began (Metaspace's "first" asks) */
};

/* take returns false to stop everything: out of memory. */
struct sink {
    bool (*take)(void *arg, struct piece piece);
    void *arg;
};

/* The part [start, end) of a piece, on to the sink; nothing for an empty one. */
static inline bool piece_part(struct piece whole, size_t start, size_t end, struct sink sink)
{
    struct piece part = {whole.data + start, end - start, whole.front && start == 0};
    return part.size == 0 || sink.take(sink.arg, part);
}

#endif
