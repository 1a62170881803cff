#include "tokenizer/models/word_cache.h"

#include <stdlib.h>

struct word_cache_entry *tok_word_cache_find(struct word_cache *c, const char *word, size_t size)
{
    if (size == 0 || size > WORD_CACHE_WORD)
        return NULL;
    if (!c->entries)
        c->entries = calloc(WORD_CACHE_ENTRIES, sizeof *c->entries);
    return c->entries ? &c->entries[hash_bytes(word, size) % WORD_CACHE_ENTRIES] : NULL;
}

void tok_word_cache_keep(struct word_cache_entry *e, const char *word, size_t size, const int32_t *ids,
                         size_t n_ids)
{
    if (n_ids > WORD_CACHE_IDS)
        return;
    e->size = (uint8_t)size;
    e->n_ids = (uint8_t)n_ids;
    memcpy(e->word, word, size);
    if (n_ids)
        memcpy(e->ids, ids, n_ids * sizeof *ids);
}

void tok_word_cache_clear(struct word_cache *c)
{
    for (size_t i = 0; c->entries && i < WORD_CACHE_ENTRIES; i++)
        c->entries[i].size = 0;
}

void tok_word_cache_release(struct word_cache *c)
{
    free(c->entries);
    c->entries = NULL;
}
