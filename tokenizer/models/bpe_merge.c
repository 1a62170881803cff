#include "tokenizer/models/bpe.h"

#define SHORT 48 /* symbols up to which looking at all of them each time is faster than a heap */

/* Ranks of neighbours are kept beside the symbols: ranks[i] is of i and the one behind it. */
static size_t merge_short(const struct merges *m, int32_t *ids, size_t n)
{
    uint32_t ranks[SHORT];
    int32_t becomes[SHORT];
    for (size_t i = 0; i + 1 < n; i++) {
        const struct merge *merge = merges_find(m, ids[i], ids[i + 1]);
        ranks[i] = merge->rank;
        becomes[i] = merge->id;
    }
    while (n > 1) {
        size_t best = 0;
        for (size_t i = 1; i + 1 < n; i++)
            best = ranks[i] < ranks[best] ? i : best;
        if (ranks[best] == MERGE_NONE)
            break;
        ids[best] = becomes[best];
        n--;
        for (size_t i = best + 1; i < n; i++) {
            ids[i] = ids[i + 1];
            ranks[i - 1] = ranks[i];
            becomes[i - 1] = becomes[i];
        }
        for (size_t i = best ? best - 1 : 0; i <= best && i + 1 < n; i++) {
            const struct merge *merge = merges_find(m, ids[i], ids[i + 1]);
            ranks[i] = merge->rank;
            becomes[i] = merge->id;
        }
    }
    return n;
}

/* A symbol of a long word: a doubly linked list, at whose places a heap of ranks looks. */
struct bpe_symbol {
    int32_t id, becomes;
    uint32_t rank; /* of it and the next */
    uint32_t before, next;
    bool gone;
};

#define NOWHERE UINT32_MAX

struct word {
    const struct merges *merges;
    struct bpe_symbol *symbols;
    struct buffer *heap; /* of uint64_t: rank << 32 | place, least first */
};

static void push(struct buffer *heap, uint64_t key)
{
    buffer_append(heap, &key, sizeof key);
    if (heap->failed)
        return;
    uint64_t *keys = (uint64_t *)(void *)heap->data;
    size_t i = heap->size / sizeof key - 1;
    for (; i && keys[(i - 1) / 2] > key; i = (i - 1) / 2)
        keys[i] = keys[(i - 1) / 2];
    keys[i] = key;
}

static uint64_t pop(struct buffer *heap)
{
    uint64_t *keys = (uint64_t *)(void *)heap->data, top = keys[0];
    size_t n = heap->size / sizeof top - 1, i = 0;
    uint64_t last = keys[n];
    heap->size -= sizeof top;
    for (size_t child; (child = 2 * i + 1) < n; i = child) {
        if (child + 1 < n && keys[child + 1] < keys[child])
            child++;
        if (keys[child] >= last)
            break;
        keys[i] = keys[child];
    }
    if (n)
        keys[i] = last;
    return top;
}

/* Looks up the merge of a symbol and the one behind it. */
static void look(struct word *w, uint32_t at)
{
    struct bpe_symbol *s = &w->symbols[at];
    s->rank = MERGE_NONE;
    if (s->next == NOWHERE)
        return;
    const struct merge *merge = merges_find(w->merges, s->id, w->symbols[s->next].id);
    s->rank = merge->rank;
    s->becomes = merge->id;
    if (s->rank != MERGE_NONE)
        push(w->heap, (uint64_t)s->rank << 32 | at);
}

static void merge_at(struct word *w, uint32_t at)
{
    struct bpe_symbol *s = &w->symbols[at], *right = &w->symbols[s->next];
    s->id = s->becomes;
    s->next = right->next;
    right->gone = true;
    if (s->next != NOWHERE)
        w->symbols[s->next].before = at;
    look(w, at);
    if (s->before != NOWHERE)
        look(w, s->before);
}

static size_t merge_long(const struct merges *m, int32_t *ids, size_t n, struct bpe_scratch *scratch)
{
    buffer_clear(&scratch->symbols);
    buffer_clear(&scratch->heap);
    if (n >= NOWHERE || !buffer_reserve(&scratch->symbols, n * sizeof(struct bpe_symbol)))
        return SIZE_MAX;
    struct word w = {m, (struct bpe_symbol *)(void *)scratch->symbols.data, &scratch->heap};
    for (uint32_t i = 0; i < n; i++)
        w.symbols[i] = (struct bpe_symbol){
            ids[i], 0, MERGE_NONE, i ? i - 1 : NOWHERE, i + 1 < n ? i + 1 : NOWHERE, false};
    for (uint32_t i = 0; i < n; i++)
        look(&w, i);
    while (w.heap->size && !w.heap->failed) {
        uint64_t key = pop(w.heap);
        uint32_t at = (uint32_t)key;
        if (!w.symbols[at].gone &&
            w.symbols[at].rank == key >> 32) /* otherwise it was merged in the meantime */
            merge_at(&w, at);
    }
    if (w.heap->failed)
        return SIZE_MAX;
    size_t left = 0;
    for (uint32_t i = 0; i < n; i++)
        if (!w.symbols[i].gone)
            ids[left++] = w.symbols[i].id;
    return left;
}

size_t tok_bpe_merge(const struct merges *m, int32_t *ids, size_t n, struct bpe_scratch *s)
{
    return n <= SHORT ? merge_short(m, ids, n) : merge_long(m, ids, n, s);
}
