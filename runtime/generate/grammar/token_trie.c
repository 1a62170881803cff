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

static size_t common_size(const struct trie_piece *a, const struct trie_piece *b)
{
    size_t n = 0;
    while (n < a->size && n < b->size && a->data[n] == b->data[n])
        n++;
    return n;
}

/* Appends the steps of sorted pieces. open: the step at each depth of the piece before. */
static void add_steps(struct trie *t, const struct trie_piece *pieces, size_t n_pieces, uint32_t *open)
{
    size_t n_open = 0;
    for (size_t i = 0; i < n_pieces; i++) {
        size_t common = i > 0 ? common_size(&pieces[i - 1], &pieces[i]) : 0;
        while (n_open > common)
            t->steps[open[--n_open]].end = (uint32_t)t->n;
        for (size_t at = common; at < pieces[i].size; at++) {
            open[n_open++] = (uint32_t)t->n;
            t->steps[t->n++] = (struct trie_step){
                .first = (uint32_t)i, .depth = (uint16_t)at, .byte = (unsigned char)pieces[i].data[at]};
        }
        t->ids[i] = pieces[i].id;
        t->runs[i] = pieces[i].run;
        t->max_depth = pieces[i].size > t->max_depth ? (unsigned)pieces[i].size : t->max_depth;
    }
    while (n_open > 0)
        t->steps[open[--n_open]].end = (uint32_t)t->n;
    t->steps[t->n] = (struct trie_step){.end = (uint32_t)t->n, .first = (uint32_t)n_pieces};
}

/* Sorts the pieces. false: out of memory. */
static bool make_trie(struct trie *t, struct trie_piece *pieces, size_t n)
{
    size_t size = 0;
    for (size_t i = 0; i < n; i++)
        size += pieces[i].size;
    uint32_t *open = malloc(TOKEN_MAX_SIZE * sizeof *open);
    t->steps = size < UINT32_MAX ? malloc((size + 1) * sizeof *t->steps) : NULL;
    t->ids = malloc((n + 1) * sizeof *t->ids);
    t->runs = malloc((n + 1) * sizeof *t->runs);
    bool ok = open && t->steps && t->ids && t->runs;
    if (ok) {
        qsort(pieces, n, sizeof *pieces, compare_pieces);
        add_steps(t, pieces, n, open);
        struct trie_step *fit = realloc(t->steps, (t->n + 1) * sizeof *t->steps);
        t->steps = fit ? fit : t->steps;
    }
    free(open);
    return ok;
}

static void release_trie(struct trie *t)
{
    free(t->steps);
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
    t->n_vocab = n_vocab;
    t->end_ids = malloc((n_end_ids + 1) * sizeof *t->end_ids);
    size_t n_words = (n_vocab + 63) / 64;
    if (!t->end_ids || !make_trie(&t->all, sorted, n) ||
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
    free(t->end_ids);
    free(t);
}
