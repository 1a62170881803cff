/* What one text may cost a tokenizer. The rules and the vocabulary are a file's, so they may be made to turn a short text
 * into gigabytes ("Replace" with a long content, sixty-four steps that double), or to compare each place of a text with
 * tokens of 64 KB. What is counted is the text's growth in bytes, over all its pieces and all steps, and the bytes of
 * tokens that were compared with it. */
#ifndef TOKENIZER_TEXT_EFFORT_H
#define TOKENIZER_TEXT_EFFORT_H

#include "runtime/base/buffer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Growth: NFKC makes 11 bytes of one at most, ByteLevel 2, marks for spaces 3; what is short may be prepended to. Steps: the
 * longest tokens of vocabularies are runs of some 100 spaces; 64 MB are some tenths of a second. */
#define EFFORT_GROWTH      16
#define EFFORT_GROWTH_FREE ((size_t)1 << 20)
#define EFFORT_STEPS       256
#define EFFORT_STEPS_FREE  ((uint64_t)1 << 26)

struct tok_effort {
    size_t growth;
    uint64_t steps;
    bool grew, walked; /* which of them did not suffice */
};

/* For texts of `size` bytes. */
static inline struct tok_effort effort_of(size_t size)
{
    return (struct tok_effort){.growth = EFFORT_GROWTH * size + EFFORT_GROWTH_FREE,
                               .steps = EFFORT_STEPS * (uint64_t)size + EFFORT_STEPS_FREE};
}

/* false: there is not so much left. */
static inline bool effort_grow(struct tok_effort *e, size_t before, size_t after)
{
    size_t more = after > before ? after - before : 0;
    e->grew |= more > e->growth;
    e->growth -= e->grew ? e->growth : more;
    return !e->grew;
}

/* A step begins to write what `before` bytes become: the buffer takes no more than there may be. */
static inline void effort_begin(const struct tok_effort *e, struct buffer *out, size_t before)
{
    out->most = before + e->growth + 4; /* who appends a character asks for 4 bytes */
}

/* It has written them; false: too many. */
static inline bool effort_end(struct tok_effort *e, const struct buffer *out, size_t before)
{
    bool grew = effort_grow(e, before, out->size);
    e->grew |= out->full;
    return grew && !out->failed;
}

static inline bool effort_walk(struct tok_effort *e, size_t steps)
{
    e->walked |= steps > e->steps;
    e->steps -= e->walked ? e->steps : steps;
    return !e->walked;
}

#endif
