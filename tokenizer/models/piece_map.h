/* From what a model cuts words into to tokens, where these are two vocabularies (Marian's, M2M100's): by the text. */
#ifndef TOKENIZER_MODELS_PIECE_MAP_H
#define TOKENIZER_MODELS_PIECE_MAP_H

#include "tokenizer/models/model.h"

struct piece_map {
    size_t n;
    struct vocab vocab;        /* of the pieces */
    uint8_t *outside;          /* [n] 1: a piece that the model does not know */
    int32_t *tokens;           /* [n] */
    int32_t unknown;           /* the token of what is none */
    int32_t unknown_piece;     /* -1: there is none */
    const struct vocab *names; /* the tokens */
};

/* tokens must outlive the map; spec: the "model" of a pipeline. After a failure too, release. */
bool tok_piece_map_init(struct piece_map *m, const struct tok_vocab *pieces, const struct vocab *tokens,
                        const json_t *spec, struct complaint *c);
void tok_piece_map_release(struct piece_map *m);

/* Makes tokens of the pieces of a word, which are those from `first` on in out. run: room. */
void tok_piece_map_apply(const struct piece_map *m, const struct tok_model *model, struct hone_text word,
                         size_t first, struct model_scratch *s, struct tok_ids *run, struct tok_ids *out);

#endif
