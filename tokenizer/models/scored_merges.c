/* SentencePiece's BPE vocabularies have scores in place of merges: of all pairs of neighbours the one that makes the
 * token with the best score becomes one. As merges: each way to part a token into two others, the best token's first;
 * those of one token by the ids of their parts. */
#include "tokenizer/models/vocab.h"
#include "tokenizer/text/fail.h"

#include <stdlib.h>

struct way {
    double score;
    int32_t id, left, right;
    uint32_t left_size; /* bytes */
};

struct ways {
    struct way *data;
    size_t n, room;
};

static int compare(const void *a, const void *b)
{
    const struct way *x = a, *y = b;
    if (x->score != y->score)
        return x->score > y->score ? -1 : 1;
    if (x->id != y->id)
        return x->id < y->id ? -1 : 1;
    if (x->left != y->left)
        return x->left < y->left ? -1 : 1;
    return (x->right > y->right) - (x->right < y->right);
}

static bool add(struct ways *w, struct way way)
{
    if (w->n == w->room) {
        size_t room = w->room * 2 + 1024;
        struct way *data = realloc(w->data, room * sizeof *data);
        if (!data)
            return false;
        w->data = data;
        w->room = room;
    }
    w->data[w->n++] = way;
    return true;
}

static bool is_word(const struct tok_vocab *source, size_t id)
{
    int32_t type = source->types ? source->types[id] : TOK_NORMAL;
    return (type == TOK_NORMAL || type == TOK_USER_DEFINED) && source->scores[id] == source->scores[id];
}

static bool find_ways(const struct tok_vocab *source, const struct vocab *vocab, struct ways *w)
{
    for (size_t id = 0; id < vocab->n; id++) {
        struct hone_text token = vocab_text(vocab, id);
        for (size_t cut = 1; cut < token.size && is_word(source, id); cut++) {
            if ((token.data[cut] & 0xc0) == 0x80)
                continue;
            int32_t left = tok_vocab_find(vocab, token.data, cut);
            int32_t right = left < 0 ? -1 : tok_vocab_find(vocab, token.data + cut, token.size - cut);
            struct way way = {source->scores[id], (int32_t)id, left, right, (uint32_t)cut};
            if (right >= 0 && !add(w, way))
                return false;
        }
    }
    return true;
}

bool tokenizer_scored_merges(const struct tok_vocab *source, struct tok_merge **merges, size_t *n,
                             struct hone_error *err)
{
    struct vocab vocab = {0};
    struct ways w = {0};
    bool ok = source->scores ? tok_vocab_init(&vocab, source, err)
                             : tok_fail(err, HONE_BAD_MODEL, "the vocabulary has neither merges nor scores");
    *merges = NULL;
    *n = 0;
    if (!ok)
        goto done;
    ok = find_ways(source, &vocab, &w) && (*merges = calloc(w.n + 1, sizeof **merges));
    if (!ok) {
        tok_no_memory(err);
        goto done;
    }
    if (w.n)
        qsort(w.data, w.n, sizeof *w.data, compare);
    for (; *n < w.n; ++*n) {
        struct hone_text token = source->tokens[w.data[*n].id];
        size_t left = w.data[*n].left_size;
        (*merges)[*n] = (struct tok_merge){{token.data, left}, {token.data + left, token.size - left}};
    }
done:
    tok_vocab_release(&vocab);
    free(w.data);
    return ok;
}
