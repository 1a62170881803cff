/* The ids of words that came up before: most words of a text do again. Direct-mapped: a newer word takes an older
 * one's place. Belongs to one thread and, at a time, one tokenizer. */
#ifndef TOKENIZER_MODELS_WORD_CACHE_H
#define TOKENIZER_MODELS_WORD_CACHE_H

#include "runtime/base/hash.h"
#include "tokenizer/ids.h"

/* An entry is a line of the cache, 64 bytes, and has room for nearly all words of most languages; all of them are 512 KB for
 * each thread that tokenizes. */
#define WORD_CACHE_ENTRIES 8192
#define WORD_CACHE_WORD    30 /* bytes */
#define WORD_CACHE_IDS     8

struct word_cache_entry {
    uint8_t size, n_ids; /* size 0: empty */
    char word[WORD_CACHE_WORD];
    int32_t ids[WORD_CACHE_IDS];
};

struct word_cache {
    struct word_cache_entry *entries; /* NULL until the first word */
};

/* The word's entry, or the one it would be kept in; NULL: it is too long to be kept, or there is no memory. */
struct word_cache_entry *tok_word_cache_find(struct word_cache *c, const char *word, size_t size);

static inline bool word_cache_has(const struct word_cache_entry *e, const char *word, size_t size)
{
    return e->size == size && memcmp(e->word, word, size) == 0;
}

/* Keeps the ids of a word in the entry that tok_word_cache_find gave for it, if they are few enough. */
void tok_word_cache_keep(struct word_cache_entry *e, const char *word, size_t size, const int32_t *ids,
                         size_t n_ids);

void tok_word_cache_clear(struct word_cache *c);
void tok_word_cache_release(struct word_cache *c);

#endif
