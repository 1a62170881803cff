#include "tokenizer/models/model.h"

bool tok_model_init(struct tok_model *m, const struct vocab *vocab, const struct tok_vocab *source,
                    const uint8_t *outside, bool bytes, const json_t *spec, struct complaint *c)
{
    if (strcmp(tok_component_type(spec), "WordPiece") == 0) {
        m->kind = MODEL_WORDPIECE;
        return tok_wordpiece_init(&m->wordpiece, vocab, outside, spec, c);
    }
    if (strcmp(tok_component_type(spec), "BPE") == 0) {
        m->kind = MODEL_BPE;
        return tok_bpe_init(&m->bpe, vocab, source, outside, bytes, spec, c);
    }
    if (strcmp(tok_component_type(spec), "Unigram") == 0) {
        m->kind = MODEL_UNIGRAM;
        return tok_unigram_init(&m->unigram, vocab, source, outside, spec, c);
    }
    return tok_component_refuse(c, "model", spec);
}

void tok_model_release(struct tok_model *m)
{
    if (m->kind == MODEL_WORDPIECE)
        tok_wordpiece_release(&m->wordpiece);
    else if (m->kind == MODEL_BPE)
        tok_bpe_release(&m->bpe);
    else
        tok_unigram_release(&m->unigram);
}

void tok_model_scratch_release(struct model_scratch *s)
{
    tok_word_cache_release(&s->cache);
    tok_bpe_scratch_release(&s->bpe);
    buffer_release(&s->unigram);
}

void tok_model_encode(const struct tok_model *m, const char *word, size_t size, struct model_scratch *s,
                      struct tok_ids *out)
{
    if (m->kind == MODEL_WORDPIECE) {
        tok_wordpiece_encode(&m->wordpiece, word, size, s->effort, out);
        return;
    }
    struct word_cache_entry *e = out->spanned ? NULL : tok_word_cache_find(&s->cache, word, size);
    if (e && word_cache_has(e, word, size)) {
        buffer_append(&out->bytes, e->ids, e->n_ids * sizeof *e->ids);
        return;
    }
    size_t before = ids_n(out);
    if (m->kind == MODEL_BPE)
        tok_bpe_encode(&m->bpe, word, size, &s->bpe, out);
    else
        tok_unigram_encode(&m->unigram, word, size, &s->unigram, s->effort, out);
    if (e && !out->bytes.failed)
        tok_word_cache_keep(e, word, size, ids_from(out, before), ids_n(out) - before);
}
