/* A set of byte strings with numbers, as a double array whose children lie at base ^ byte (Aoe 1989; the layout is
 * that of cedar and darts: blocks of 256). A path that leads to one key only is not spelt out in nodes: what is left
 * of the key is kept as bytes. Immutable once built. */
#ifndef TOKENIZER_TEXT_TRIE_H
#define TOKENIZER_TEXT_TRIE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define TRIE_NONE INT32_MIN

struct trie_node {
    uint32_t link; /* base << 9 | 0x100 (in use) | the byte that leads here; base 0: no children */
    int32_t value; /* of the key that ends here, >= 0; TRIE_NONE; or -1 - i: see tails[i] */
};

struct trie_tail {
    uint32_t start, size; /* bytes of the rest */
    int32_t value;
};

struct trie {
    struct trie_node *nodes;
    struct trie_tail *tails;
    char *rest;
    size_t n_nodes, n_tails;
};

struct trie_key {
    const char *data;
    uint32_t size;
    int32_t value; /* >= 0 */
};

#define TRIE_ROOT 0u

/* keys[n] are sorted in place; of equal ones the last counts, empty ones do not. false: no memory, or too many nodes
 * (8 million). */
bool tok_trie_build(struct trie *t, struct trie_key *keys, size_t n);
void tok_trie_release(struct trie *t);

/* Moves *node along byte c; false: there is no such child. The node must not have a tail. */
static inline bool trie_step(const struct trie *t, uint32_t *node, unsigned char c)
{
    uint32_t next = t->nodes[*node].link >> 9 ^ c;
    if ((t->nodes[next].link & 0x1ff) != (0x100u | c))
        return false;
    *node = next;
    return true;
}

/* The value of the longest key that starts data, from `node` on (TRIE_ROOT, or where steps led); *length: its bytes.
 * TRIE_NONE: there is none. Adds to *walked how many bytes were compared. */
static inline int32_t trie_longest(const struct trie *t, uint32_t node, const char *data, size_t size,
                                   size_t *length, size_t *walked)
{
    int32_t best = TRIE_NONE;
    for (size_t i = 0;; i++) {
        int32_t value = t->nodes[node].value;
        if (value >= 0) {
            best = value;
            *length = i;
        } else if (value != TRIE_NONE) {
            const struct trie_tail *tail = &t->tails[-1 - value];
            *walked += i + tail->size;
            if (tail->size <= size - i && memcmp(t->rest + tail->start, data + i, tail->size) == 0) {
                best = tail->value;
                *length = i + tail->size;
            }
            return best;
        }
        if (i == size || !trie_step(t, &node, (unsigned char)data[i])) {
            *walked += i;
            return best;
        }
    }
}

#endif
