#include "tokenizer/model.h"

bool model_init(struct model *m, const struct vocab *vocab, const struct tok_vocab *source,
                const uint8_t *outside, const json_t *spec, struct complaint *c)
{
    (void)source;
    if (strcmp(component_type(spec), "WordPiece") == 0) {
        m->kind = MODEL_WORDPIECE;
        return wordpiece_init(&m->wordpiece, vocab, outside, spec, c);
    }
    return component_refuse(c, "model", spec);
}

void model_release(struct model *m)
{
    wordpiece_release(&m->wordpiece);
}
