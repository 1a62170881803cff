/* What the readers of tokenizer files fill: the arrays that a struct tokenizer_file shows, and what their texts point
 * into. */
#ifndef TOKENIZER_FILES_FILE_MEMORY_H
#define TOKENIZER_FILES_FILE_MEMORY_H

#include "runtime/base/buffer.h"
#include "tokenizer/component.h"
#include "tokenizer/files/tokenizer_json.h"

struct file_memory {
    size_t n; /* tokens */
    struct hone_text *tokens;
    double *scores;
    int32_t *types; /* 0: nothing has this id yet */
    struct tok_merge *merges;
    size_t n_merges;
    json_t *root;
    char *names, *pipeline, *text;
    struct buffer charsmap;
    bool truncate_left;
    struct tokenizer_file *pieces; /* what the model cuts words into, where that is not the tokens */
    bool leading_codes;
};

/* Room for n tokens; m is zeroed. */
bool tok_file_allocate(struct file_memory *m, size_t n, bool scores);

static inline void file_set_token(struct file_memory *m, size_t id, struct hone_text text, enum tok_type type)
{
    m->tokens[id] = text;
    m->types[id] = type;
}

/* Makes up tokens, TOK_UNUSED, for ids that nothing has. */
void tok_file_name_holes(struct file_memory *m);

/* Ids of special tokens by their usual names. */
struct tok_preset tok_file_find_ids(const struct file_memory *m);

/* Fills *out, whose memory is m. */
void tok_file_show(const struct file_memory *m, struct tokenizer_file *out);

#endif
