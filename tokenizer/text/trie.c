#include "tokenizer/text/trie.h"

#include <stdlib.h>

#define BLOCK     256        /* a child's place differs from its parent's base in a byte's bits alone */
#define MAX_NODES (1u << 23) /* a link has 9 of its 32 bits for the byte and whether there is one */
#define TRIES     8          /* blocks with free places that are looked at before a new one is begun */

/* Keys that agree in their first `depth` bytes, to be hung below a node. */
struct trie_job {
    struct trie_key *keys;
    size_t n;
    uint32_t node, depth;
};

struct builder {
    struct trie *t;
    struct trie_key *spare;
    struct trie_job *jobs; /* a stack */
    uint64_t (*free)[4];   /* [blocks] a bit for each place */
    uint64_t (*unused)[4]; /* [blocks] a bit for each base nobody has */
    uint32_t open[TRIES];  /* blocks worth trying, newest first */
    size_t n_open, n_blocks, n_jobs;
    size_t room, rest_size, rest_room, tails_room, jobs_room;
};

static bool has(const uint64_t set[4], unsigned i)
{
    return set[i >> 6] >> (i & 63) & 1;
}

static void drop(uint64_t set[4], unsigned i)
{
    set[i >> 6] &= ~((uint64_t)1 << (i & 63));
}

/* Grows *p to hold n elements. */
static bool grow(void *p, size_t *room, size_t n, size_t element)
{
    if (n <= *room)
        return true;
    size_t more = *room + *room / 2 + 64 > n ? *room + *room / 2 + 64 : n;
    void *grown = realloc(*(void **)p, more * element);
    if (!grown)
        return false;
    *(void **)p = grown;
    *room = more;
    return true;
}

static bool new_block(struct builder *b)
{
    size_t n = b->n_blocks;
    if ((n + 1) * BLOCK > MAX_NODES)
        return false;
    if (n == b->room) {
        size_t more = b->room ? b->room * 2 : 64;
        struct trie_node *nodes = realloc(b->t->nodes, more * BLOCK * sizeof *nodes);
        if (nodes)
            b->t->nodes = nodes;
        void *free_places = realloc(b->free, more * sizeof *b->free);
        if (free_places)
            b->free = free_places;
        void *unused = realloc(b->unused, more * sizeof *b->unused);
        if (unused)
            b->unused = unused;
        if (!nodes || !free_places || !unused)
            return false;
        b->room = more;
    }
    for (unsigned i = 0; i < BLOCK; i++)
        b->t->nodes[n * BLOCK + i] = (struct trie_node){0, TRIE_NONE};
    memset(b->free[n], 0xff, sizeof *b->free);
    memset(b->unused[n], 0xff, sizeof *b->unused);
    memmove(b->open + 1, b->open, (TRIES - 1) * sizeof *b->open);
    b->open[0] = (uint32_t)n;
    b->n_open += b->n_open < TRIES;
    b->n_blocks++;
    return true;
}

/* A base in a block such that the places of all n bytes are free; -1: none. */
static int fit(const struct builder *b, uint32_t block, const uint8_t *bytes, unsigned n)
{
    const uint64_t *places = b->free[block];
    for (int w = 0; w < 4; w++) {
        for (uint64_t left = places[w]; left; left &= left - 1) {
            unsigned base = (unsigned)(w * 64 + __builtin_ctzll(left)) ^ bytes[0];
            if (!has(b->unused[block], base))
                continue;
            unsigned k = 1;
            while (k < n && has(places, base ^ bytes[k]))
                k++;
            if (k == n)
                return (int)base;
        }
    }
    return -1;
}

/* Finds and takes places for a node's children; 0: no memory. */
static uint32_t place_children(struct builder *b, const uint8_t *bytes, unsigned n)
{
    uint32_t block = 0;
    int base = -1;
    for (size_t i = 0; i < b->n_open && base < 0; i++) {
        block = b->open[i];
        base = fit(b, block, bytes, n);
        if (base < 0 && n == 1) { /* full, or without a base for its few free places */
            memmove(b->open + i, b->open + i + 1, (b->n_open - i - 1) * sizeof *b->open);
            b->n_open--;
            i--;
        }
    }
    if (base < 0) {
        if (!new_block(b))
            return 0;
        block = (uint32_t)b->n_blocks - 1;
        base = fit(b, block, bytes, n);
    }
    drop(b->unused[block], (unsigned)base);
    for (unsigned i = 0; i < n; i++) {
        drop(b->free[block], (unsigned)base ^ bytes[i]);
        b->t->nodes[block * BLOCK + ((unsigned)base ^ bytes[i])].link = 0x100u | bytes[i];
    }
    return block * BLOCK + (uint32_t)base;
}

static bool add_tail(struct builder *b, uint32_t node, const struct trie_key *key, uint32_t depth)
{
    struct trie *t = b->t;
    uint32_t size = key->size - depth;
    if (!size) {
        t->nodes[node].value = key->value;
        return true;
    }
    if (!grow(&t->tails, &b->tails_room, t->n_tails + 1, sizeof *t->tails) ||
        !grow(&t->rest, &b->rest_room, b->rest_size + size, 1))
        return false;
    memcpy(t->rest + b->rest_size, key->data + depth, size);
    t->tails[t->n_tails] = (struct trie_tail){(uint32_t)b->rest_size, size, key->value};
    t->nodes[node].value = -1 - (int32_t)t->n_tails++;
    b->rest_size += size;
    return true;
}

static int byte_at(const struct trie_key *key, uint32_t depth)
{
    return key->size == depth ? -1 : (unsigned char)key->data[depth];
}

/* Sorts keys, which agree up to depth, by the byte there, those that end first. Stable. */
static void sort_by_byte(struct builder *b, struct trie_key *keys, size_t n, uint32_t depth)
{
    if (n <= 16) {
        for (size_t i = 1; i < n; i++) {
            struct trie_key key = keys[i];
            int c = byte_at(&key, depth);
            size_t k = i;
            for (; k && byte_at(&keys[k - 1], depth) > c; k--)
                keys[k] = keys[k - 1];
            keys[k] = key;
        }
        return;
    }
    size_t start[258] = {0};
    for (size_t i = 0; i < n; i++)
        start[byte_at(&keys[i], depth) + 2]++;
    for (int c = 1; c < 258; c++)
        start[c] += start[c - 1];
    for (size_t i = 0; i < n; i++)
        b->spare[start[byte_at(&keys[i], depth) + 1]++] = keys[i];
    memcpy(keys, b->spare, n * sizeof *keys);
}

static bool push(struct builder *b, struct trie_job job)
{
    if (!grow(&b->jobs, &b->jobs_room, b->n_jobs + 1, sizeof *b->jobs))
        return false;
    b->jobs[b->n_jobs++] = job;
    return true;
}

/* Hangs the job's keys, which agree in their first `depth` bytes, below its node: one level, the rest is new jobs. */
static bool build_node(struct builder *b, struct trie_job job)
{
    struct trie_key *keys = job.keys;
    uint8_t bytes[256];
    size_t from[257];
    unsigned n_bytes = 0;
    if (job.n == 1)
        return add_tail(b, job.node, keys, job.depth);
    sort_by_byte(b, keys, job.n, job.depth);
    for (size_t i = 0; i < job.n; i++) {
        int c = byte_at(&keys[i], job.depth);
        if (c < 0) {
            b->t->nodes[job.node].value = keys[i].value;
        } else if (!n_bytes || bytes[n_bytes - 1] != c) {
            bytes[n_bytes] = (uint8_t)c;
            from[n_bytes++] = i;
        }
    }
    if (!n_bytes)
        return true;
    from[n_bytes] = job.n;
    uint32_t base = place_children(b, bytes, n_bytes);
    if (!base)
        return false;
    b->t->nodes[job.node].link |= base << 9;
    for (unsigned i = 0; i < n_bytes; i++)
        if (!push(b,
                  (struct trie_job){keys + from[i], from[i + 1] - from[i], base ^ bytes[i], job.depth + 1}))
            return false;
    return true;
}

bool tok_trie_build(struct trie *t, struct trie_key *keys, size_t n)
{
    *t = (struct trie){0};
    struct builder b = {.t = t};
    size_t kept = 0;
    for (size_t i = 0; i < n; i++)
        if (keys[i].size)
            keys[kept++] = keys[i];
    bool ok = (b.spare = calloc(kept + 1, sizeof *b.spare)) && new_block(&b);
    if (!ok)
        goto done;
    drop(b.free[0], 0); /* the root; its place is nobody's child, and base 0 says there are none */
    drop(b.unused[0], 0);
    ok = !kept || push(&b, (struct trie_job){keys, kept, TRIE_ROOT, 0});
    while (ok && b.n_jobs)
        ok = build_node(&b, b.jobs[--b.n_jobs]);
    t->n_nodes = b.n_blocks * BLOCK;
done:
    free(b.spare);
    free(b.jobs);
    free(b.free);
    free(b.unused);
    if (!ok)
        tok_trie_release(t);
    return ok;
}

void tok_trie_release(struct trie *t)
{
    free(t->nodes);
    free(t->tails);
    free(t->rest);
    *t = (struct trie){0};
}
