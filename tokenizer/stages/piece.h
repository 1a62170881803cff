/* A piece of text on its way through the pre-tokenizers, and who takes it next. */
#ifndef TOKENIZER_STAGES_PIECE_H
#define TOKENIZER_STAGES_PIECE_H

#include "tokenizer/tokenizer.h"

struct tok_piece {
    const char *data;
    size_t size;
    bool front;                     /* begins where the caller's text began (Metaspace's "first" asks) */
    const struct tok_span *origins; /* of each byte in the caller's text; NULL: nobody asks */
};

/* take returns false to stop everything: out of memory. */
struct sink {
    bool (*take)(void *arg, struct tok_piece piece);
    void *arg;
};

/* [start, end) of a piece. */
static inline struct tok_piece piece_slice(struct tok_piece whole, size_t start, size_t end)
{
    return (struct tok_piece){whole.data + start, end - start, whole.front && start == 0,
                              whole.origins ? whole.origins + start : NULL};
}

/* The part [start, end) of a piece, on to the sink; nothing for an empty one. */
static inline bool piece_part(struct tok_piece whole, size_t start, size_t end, struct sink sink)
{
    return start == end || sink.take(sink.arg, piece_slice(whole, start, end));
}

#endif
