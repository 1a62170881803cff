#include "runtime/generate/grammar/token_trie.h"

#include "runtime/base/text.h"
#include "runtime/generate/grammar/string_tokens.h"

#include <stdlib.h>
#include <string.h>

struct trie_piece {
    uint64_t key; /* the first eight bytes, as a number: mostly enough to compare by, and at hand */
    const char *data;
    size_t size;
    int32_t id;
    uint16_t run; /* characters that were before data */
};

static uint64_t key_of(struct hone_text piece)
{
    uint64_t key = 0;
    for (size_t i = 0; i < 8; i++)
        key = key << 8 | (i < piece.size ? (unsigned char)piece.data[i] : 0);
    return key;
}

static int compare_pieces(const void *a, const void *b)
{
    const struct trie_piece *x = a, *y = b;
    if (x->key != y->key)
        return x->key < y->key ? -1 : 1;
    int order = text_compare((struct hone_text){x->data, x->size}, (struct hone_text){y->data, y->size});
    return order ? order : (x->id > y->id) - (x->id < y->id);
}

static bool is_end_id(const int32_t *end_ids, size_t n, int32_t id)
{
    for (size_t i = 0; i < n; i++)
        if (end_ids[i] == id)
            return true;
    return false;
}

/* A node whose pieces, all from `first` on that begin as it does, are not looked at yet; they have so many bytes before it. */
struct open_node {
    uint32_t node, depth;
};

static unsigned byte_at(const struct trie_piece *piece, uint32_t depth)
{
    return (unsigned char)piece->data[depth];
}

/* Gives the node its own pieces, which come first, and those below it theirs. */
static size_t split_node(struct byte_trie *t, const struct trie_piece *pieces, struct open_node at,
                         struct open_node *open, size_t n_open)
{
    struct token_trie_node *node = &t->nodes[at.node];
    uint32_t i = node->first, end = i + node->n_ids;
    while (i < end && pieces[i].size == at.depth)
        i++;
    node->n_ids = i - node->first;
    node->child = (uint32_t)t->n;
    for (uint32_t begin = i; i < end; begin = i) {
        while (i < end && byte_at(&pieces[i], at.depth) == byte_at(&pieces[begin], at.depth))
            i++;
        t->bytes[t->n] = (unsigned char)byte_at(&pieces[begin], at.depth);
        t->nodes[t->n++] = (struct token_trie_node){.first = begin, .n_ids = i - begin};
    }
    node->n_children = (uint32_t)t->n - node->child;
    for (uint32_t k = node->n_children; k > 0; k--) /* the first one is the next to be split */
        open[n_open++] = (struct open_node){node->child + k - 1, at.depth + 1};
    return n_open;
}

/* Of sorted pieces. open [n_pieces + 1] */
static void add_nodes(struct byte_trie *t, const struct trie_piece *pieces, size_t n_pieces,
                      struct open_node *open)
{
    size_t n_open = 1;
    open[0] = (struct open_node){0, 0};
    t->nodes[0] = (struct token_trie_node){.n_ids = (uint32_t)n_pieces};
    t->bytes[0] = 0;
    t->n = 1;
    while (n_open > 0) {
        struct open_node at = open[--n_open];
        n_open = split_node(t, pieces, at, open, n_open);
    }
    for (size_t i = 0; i < n_pieces; i++) {
        t->ids[i] = pieces[i].id;
        t->runs[i] = pieces[i].run;
        t->max_depth = pieces[i].size > t->max_depth ? (unsigned)pieces[i].size : t->max_depth;
    }
}

/* Sorts the pieces. false: out of memory. */
static bool make_trie(struct byte_trie *t, struct trie_piece *pieces, size_t n)
{
    size_t size = 1;
    for (size_t i = 0; i < n; i++)
        size += pieces[i].size;
    struct open_node *open = malloc((n + 1) * sizeof *open);
    t->nodes = size < UINT32_MAX ? malloc(size * sizeof *t->nodes) : NULL;
    t->bytes = malloc(size);
    t->ids = malloc((n + 1) * sizeof *t->ids);
    t->runs = malloc((n + 1) * sizeof *t->runs);
    bool ok = open && t->nodes && t->bytes && t->ids && t->runs;
    if (ok) {
        qsort(pieces, n, sizeof *pieces, compare_pieces);
        add_nodes(t, pieces, n, open);
        struct token_trie_node *fit = realloc(t->nodes, t->n * sizeof *t->nodes);
        t->nodes = fit ? fit : t->nodes;
        unsigned char *fit_bytes = realloc(t->bytes, t->n);
        t->bytes = fit_bytes ? fit_bytes : t->bytes;
    }
    free(open);
    return ok;
}

static void release_trie(struct byte_trie *t)
{
    free(t->nodes);
    free(t->bytes);
    free(t->ids);
    free(t->runs);
}

/* ---- inside of strings ---- */

static bool add_inside(struct string_tokens *s, size_t n_words, size_t run, int32_t id)
{
    if (!s->inside[run] && !(s->inside[run] = calloc(n_words, sizeof **s->inside)))
        return false;
    s->inside[run][id / 64] |= (uint64_t)1 << (id % 64);
    s->max_run = run > s->max_run ? run : s->max_run;
    return true;
}

/* Masks of just so many characters become those of at most so many. */
static void join_inside(struct string_tokens *s, size_t n_words)
{
    for (size_t run = 1; run <= TOKEN_MAX_RUN; run++) {
        if (!s->inside[run])
            s->inside[run] = s->inside[run - 1];
        else
            for (size_t i = 0; s->inside[run - 1] && i < n_words; i++)
                s->inside[run][i] |= s->inside[run - 1][i];
    }
}

static bool look_at_all(struct string_tokens *s, bool escapes, const struct trie_piece *pieces, size_t n,
                        size_t n_words)
{
    struct trie_piece *closing = malloc((n + 1) * sizeof *closing);
    size_t n_closing = 0;
    bool ok = closing != NULL;
    for (size_t i = 0; i < n && ok; i++) {
        size_t run, size;
        struct hone_text text = {pieces[i].data, pieces[i].size};
        enum string_token token = string_token_look(text, escapes, &run, &size);
        if (token == STRING_TOKEN_NEVER || run > TOKEN_MAX_RUN)
            continue;
        struct hone_text behind = {text.data + size, text.size - size};
        if (token == STRING_TOKEN_INSIDE)
            ok = add_inside(s, n_words, run, pieces[i].id);
        else
            closing[n_closing++] =
                (struct trie_piece){key_of(behind), behind.data, behind.size, pieces[i].id, (uint16_t)run};
    }
    ok = ok && make_trie(&s->closing, closing, n_closing);
    join_inside(s, n_words);
    free(closing);
    return ok;
}

static void release_strings(struct string_tokens *s)
{
    for (size_t run = TOKEN_MAX_RUN; run > 0; run--)
        if (s->inside[run] != s->inside[run - 1])
            free(s->inside[run]);
    release_trie(&s->closing);
}

/* ---- all ---- */

static uint64_t next_serial(void)
{
    static _Atomic uint64_t n;
    return ++n;
}

enum hone_status token_trie_new(struct token_trie **out, const struct hone_text *pieces, size_t n_vocab,
                                const int32_t *end_ids, size_t n_end_ids, struct hone_error *err)
{
    size_t n = 0, size = 0;
    *out = NULL;
    if (n_vocab > INT32_MAX)
        return hone_fail(err, HONE_USAGE, "a vocabulary of %zu tokens is too large", n_vocab);
    struct trie_piece *sorted = malloc((n_vocab + 1) * sizeof *sorted);
    struct token_trie *t = calloc(1, sizeof *t);
    if (!sorted || !t)
        goto done;
    for (size_t i = 0; i < n_vocab; i++)
        if (pieces[i].size > 0 && pieces[i].size <= TOKEN_MAX_SIZE &&
            !is_end_id(end_ids, n_end_ids, (int32_t)i)) {
            sorted[n++] =
                (struct trie_piece){key_of(pieces[i]), pieces[i].data, pieces[i].size, (int32_t)i, 0};
            size += pieces[i].size;
        }
    t->serial = next_serial();
    t->n_vocab = n_vocab;
    t->end_ids = malloc((n_end_ids + 1) * sizeof *t->end_ids);
    size_t n_words = (n_vocab + 63) / 64;
    if (!t->end_ids || !make_trie(&t->all, sorted, n) ||
        !token_sets_init(&t->sets, pieces, n_vocab, t->all.ids, n) ||
        !look_at_all(&t->strings[0], false, sorted, n, n_words) ||
        !look_at_all(&t->strings[1], true, sorted, n, n_words))
        goto done;
    for (size_t i = 0; i < n_end_ids; i++)
        if (end_ids[i] >= 0 && (size_t)end_ids[i] < n_vocab)
            t->end_ids[t->n_end_ids++] = end_ids[i];
    *out = t;
    t = NULL;
done:
    free(sorted);
    token_trie_free(t);
    return *out ? HONE_OK : hone_no_memory(err, "the tokens' bytes", size);
}

void token_trie_free(struct token_trie *t)
{
    if (!t)
        return;
    release_trie(&t->all);
    release_strings(&t->strings[0]);
    release_strings(&t->strings[1]);
    token_sets_release(&t->sets);
    free(t->end_ids);
    free(t);
}
