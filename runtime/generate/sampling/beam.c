#include "runtime/generate/sampling/beam.h"

#include "runtime/generate/sampling/candidates.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define NO_NODE UINT32_MAX

/* A token of some beam and what came before it: beams are paths through these to the root. */
struct beam_node {
    uint32_t before;
    int32_t token;
};

struct beam {
    float score; /* sum of log-probabilities; of a result, divided */
    uint32_t node;
    uint32_t parent;
    int32_t token;
};

struct beam_search {
    struct beam_params params;
    int32_t *end_ids;
    size_t n_vocab, length; /* tokens that each live beam has */
    struct beam_node *nodes;
    size_t n_nodes, nodes_capacity;
    struct beam live[BEAM_MAX], results[BEAM_MAX];
    size_t n_live, n_results, n_keep; /* candidates a step */
    struct beam *candidates;          /* [n_keep * n_beams] */
};

enum hone_status beam_search_new(struct beam_search **out, const struct beam_params *params, size_t n_vocab,
                                 struct hone_error *err)
{
    const struct beam_params *p = params;
    *out = NULL;
    if (p->n_beams < 1 || p->n_beams > BEAM_MAX)
        return hone_fail(err, HONE_USAGE, "%zu beams; expected 1 to %d", p->n_beams, BEAM_MAX);
    if (p->max_length < 1 || n_vocab < 1 || n_vocab > INT32_MAX || !isfinite(p->length_penalty))
        return hone_fail(err, HONE_USAGE, "a beam search of %zu tokens, length penalty %g, makes no sense",
                         p->max_length, (double)p->length_penalty);
    struct beam_search *b = calloc(1, sizeof *b);
    if (!b)
        return hone_no_memory(err, "a beam search", sizeof *b);
    b->params = *p;
    b->n_vocab = n_vocab;
    b->n_keep = (p->n_end_ids > 1 ? p->n_end_ids + 1 : 2) * p->n_beams;
    b->end_ids = malloc((p->n_end_ids + 1) * sizeof *b->end_ids);
    b->candidates = calloc(b->n_keep, p->n_beams * sizeof *b->candidates);
    if (!b->end_ids || !b->candidates) {
        beam_search_free(b);
        return hone_no_memory(err, "a beam search", p->n_beams * p->n_beams * sizeof(struct beam));
    }
    if (p->n_end_ids > 0)
        memcpy(b->end_ids, p->end_ids, p->n_end_ids * sizeof *b->end_ids);
    b->live[0].node = NO_NODE;
    b->n_live = 1;
    *out = b;
    return HONE_OK;
}

void beam_search_free(struct beam_search *b)
{
    if (!b)
        return;
    free(b->end_ids);
    free(b->candidates);
    free(b->nodes);
    free(b);
}

/* ---- a step ---- */

static bool is_end(const struct beam_search *b, int32_t token)
{
    for (size_t i = 0; i < b->params.n_end_ids; i++)
        if (b->end_ids[i] == token)
            return true;
    return false;
}

/* Appends the best continuations of live beam i to the candidates; returns how many there are then. */
static size_t add_candidates(struct beam_search *b, size_t i, const float *logits, struct sampler_scratch *s,
                             size_t n, struct hone_error *err)
{
    memcpy(s->floats, logits, b->n_vocab * sizeof *logits);
    memcpy(s->logits, logits, b->n_vocab * sizeof *logits);
    float total = logits_log_sum_exp(s->floats, b->n_vocab);
    if (!isfinite(total)) {
        hone_fail(err, HONE_FAILED, "the model's logits are not all numbers");
        return SIZE_MAX;
    }
    for (size_t e = 0; b->params.ignore_end && e < b->params.n_end_ids; e++)
        if (b->end_ids[e] >= 0 && (size_t)b->end_ids[e] < b->n_vocab)
            s->logits[b->end_ids[e]] = -INFINITY;
    if (b->params.change) {
        for (size_t t = 0; t < b->n_vocab; t++)
            s->logits[t] -= total;
        b->params.change(b->params.arg, i, s->logits);
        total = 0;
    }
    size_t n_best =
        top_select(s->logits, b->n_vocab, b->n_keep < b->n_vocab ? b->n_keep : b->n_vocab, s->items, s->swap);
    for (size_t j = 0; j < n_best; j++) {
        int32_t token = (int32_t)s->items[j].id;
        if (s->logits[token] == -INFINITY)
            continue;
        b->candidates[n++] = (struct beam){.score = s->logits[token] - total + b->live[i].score,
                                           .node = b->live[i].node,
                                           .parent = (uint32_t)i,
                                           .token = token};
    }
    return n;
}

static int compare_beams(const void *a, const void *b)
{
    const struct beam *x = a, *y = b;
    if (x->score != y->score)
        return x->score < y->score ? 1 : -1;
    if (x->parent != y->parent)
        return x->parent < y->parent ? -1 : 1;
    return (x->token > y->token) - (x->token < y->token);
}

static bool reserve_nodes(struct beam_search *b, size_t n)
{
    if (b->n_nodes + n <= b->nodes_capacity)
        return true;
    size_t capacity = 2 * (b->n_nodes + n);
    struct beam_node *nodes = capacity < NO_NODE ? realloc(b->nodes, capacity * sizeof *nodes) : NULL;
    if (!nodes)
        return false;
    b->nodes = nodes;
    b->nodes_capacity = capacity;
    return true;
}

/* The candidate as a beam, its token on its path. */
static struct beam extend(struct beam_search *b, struct beam candidate)
{
    b->nodes[b->n_nodes] = (struct beam_node){candidate.node, candidate.token};
    candidate.node = (uint32_t)b->n_nodes++;
    return candidate;
}

/* Into the results, where it belongs among them; the worst may fall out. */
static void add_result(struct beam_search *b, struct beam result)
{
    size_t at = b->n_results;
    while (at > 0 && b->results[at - 1].score < result.score)
        at--;
    if (at == b->params.n_beams)
        return;
    if (b->n_results < b->params.n_beams)
        b->n_results++;
    memmove(&b->results[at + 1], &b->results[at], (b->n_results - 1 - at) * sizeof result);
    b->results[at] = result;
}

static float divided(const struct beam_search *b, float score, size_t length)
{
    return score / powf((float)length, b->params.length_penalty);
}

/* Whether live beams may still become results that count. */
static bool can_improve(const struct beam_search *b)
{
    const struct beam_params *p = &b->params;
    if (b->n_live == 0 || b->length >= p->max_length)
        return false;
    if (b->n_results < p->n_beams)
        return true;
    bool grows = p->stop == BEAM_STOP_NEVER && p->length_penalty > 0;
    float best = divided(b, b->live[0].score, grows ? p->max_length : b->length);
    return p->stop != BEAM_STOP_FIRST && best > b->results[b->n_results - 1].score;
}

/* From the sorted candidates: results, and the next live beams. */
static void choose(struct beam_search *b, size_t n)
{
    size_t length = b->length + 1, n_live = 0;
    for (size_t i = 0; i < n && i < b->n_keep; i++) {
        const struct beam candidate = b->candidates[i];
        bool ends = is_end(b, candidate.token) || length == b->params.max_length;
        if (ends && i < b->params.n_beams) {
            struct beam result = extend(b, candidate);
            result.score = divided(b, result.score, length);
            add_result(b, result);
        } else if (!ends && n_live < b->params.n_beams) {
            b->live[n_live++] = extend(b, candidate);
        }
    }
    b->n_live = n_live;
    b->length = length;
}

enum hone_status beam_search_step(struct beam_search *b, const float *logits, size_t ld,
                                  struct sampler_scratch *scratch, struct hone_error *err)
{
    size_t n = 0;
    if (!sampler_scratch_reserve(scratch, b->n_vocab, err))
        return HONE_FAILED;
    for (size_t i = 0; i < b->n_live; i++) {
        n = add_candidates(b, i, logits + i * ld, scratch, n, err);
        if (n == SIZE_MAX)
            return HONE_FAILED;
    }
    if (n == 0)
        return hone_fail(err, HONE_FAILED, "no token is left to choose from: all are forbidden");
    if (!reserve_nodes(b, 2 * b->params.n_beams))
        return hone_no_memory(err, "a beam search", b->n_nodes * sizeof *b->nodes);
    qsort(b->candidates, n, sizeof *b->candidates, compare_beams);
    choose(b, n);
    if (!can_improve(b))
        b->n_live = 0;
    return HONE_OK;
}

/* ---- what came of it ---- */

/* The tokens from the root to a node; returns how many. */
static size_t read_path(const struct beam_search *b, uint32_t node, int32_t *ids)
{
    size_t n = 0;
    for (uint32_t at = node; at != NO_NODE; at = b->nodes[at].before)
        n++;
    for (size_t i = n; i-- > 0; node = b->nodes[node].before)
        ids[i] = b->nodes[node].token;
    return n;
}

size_t beam_search_n_live(const struct beam_search *b)
{
    return b->n_live;
}

uint32_t beam_search_parent(const struct beam_search *b, size_t i)
{
    return b->live[i].parent;
}

size_t beam_search_tokens(const struct beam_search *b, size_t i, int32_t *ids)
{
    return read_path(b, b->live[i].node, ids);
}

size_t beam_search_n_results(const struct beam_search *b)
{
    return b->n_results;
}

float beam_search_result(const struct beam_search *b, size_t i, int32_t *ids, size_t *n)
{
    *n = read_path(b, b->results[i].node, ids);
    return b->results[i].score;
}
