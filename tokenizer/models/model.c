#include "tokenizer/models/model.h"

bool model_init(struct model *m, const struct vocab *vocab, const struct tok_vocab *source,
                const uint8_t *outside, bool bytes, const json_t *spec, struct complaint *c)
{
    if (strcmp(component_type(spec), "WordPiece") == 0) {
        m->kind = MODEL_WORDPIECE;
        return wordpiece_init(&m->wordpiece, vocab, outside, spec, c);
    }
    if (strcmp(component_type(spec), "BPE") == 0) {
        m->kind = MODEL_BPE;
        return bpe_init(&m->bpe, vocab, source, outside, bytes, spec, c);
    }
    if (strcmp(component_type(spec), "Unigram") == 0) {
        m->kind = MODEL_UNIGRAM;
        return unigram_init(&m->unigram, vocab, source, outside, spec, c);
    }
    return component_refuse(c, "model", spec);
}

void model_release(struct model *m)
{
    if (m->kind == MODEL_WORDPIECE)
        wordpiece_release(&m->wordpiece);
    else if (m->kind == MODEL_BPE)
        bpe_release(&m->bpe);
    else
        unigram_release(&m->unigram);
}

void model_scratch_release(struct model_scratch *s)
{
    word_cache_release(&s->cache);
    bpe_scratch_release(&s->bpe);
    buffer_release(&s->unigram);
}

void model_encode(const struct model *m, const char *word, size_t size, struct model_scratch *s,
                  struct ids *out)
{
    if (m->kind == MODEL_WORDPIECE) {
        wordpiece_encode(&m->wordpiece, word, size, out);
        return;
    }
    struct word_cache_entry *e = out->spanned ? NULL : word_cache_find(&s->cache, word, size);
    if (e && word_cache_has(e, word, size)) {
        buffer_append(&out->bytes, e->ids, e->n_ids * sizeof *e->ids);
        return;
    }
    size_t before = ids_n(out);
    if (m->kind == MODEL_BPE)
        bpe_encode(&m->bpe, word, size, &s->bpe, out);
    else
        unigram_encode(&m->unigram, word, size, &s->unigram, out);
    if (e && !out->bytes.failed)
        word_cache_keep(e, word, size, ids_data(out) + before, ids_n(out) - before);
}
