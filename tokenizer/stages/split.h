/* Cutting a piece at delimiters: what becomes of the delimiters (tokenizers' SplitDelimiterBehavior). */
#ifndef TOKENIZER_STAGES_SPLIT_H
#define TOKENIZER_STAGES_SPLIT_H

#include "tokenizer/component.h"
#include "tokenizer/stages/piece.h"

enum split_behavior {
    SPLIT_REMOVED,
    SPLIT_ISOLATED,
    SPLIT_MERGED_PREVIOUS,
    SPLIT_MERGED_NEXT,
    SPLIT_CONTIGUOUS
};

/* The member "behavior", or the default where there is none. */
bool tok_split_behavior(const json_t *spec, enum split_behavior otherwise, enum split_behavior *out,
                        struct complaint *c);

/* Is told, in order and without gaps, which stretches of `whole` are delimiters and which are not. */
struct splitter {
    struct tok_piece whole;
    struct sink sink;
    enum split_behavior behavior;
    bool delimiter; /* the last stretch was one */
    bool holding;   /* [start, end) may still grow */
    size_t start, end;
};

/* The next stretch, [start, end). false: the sink stopped. */
bool tok_splitter_stretch(struct splitter *s, size_t start, size_t end, bool delimiter);
/* After the last one. */
bool tok_splitter_finish(struct splitter *s);

/* Cuts at the characters that `matches` says are delimiters. */
bool tok_split_characters(struct tok_piece piece, bool (*matches)(const void *arg, uint32_t point),
                          const void *arg, enum split_behavior behavior, struct sink sink);

#endif
