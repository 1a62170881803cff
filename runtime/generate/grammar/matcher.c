#include "runtime/generate/grammar/mask.h"

#include <stdlib.h>
#include <string.h>

/* What was worked out is thrown away when it takes more than this; a state by itself must not. */
#define KEPT_MEMORY (MATCHER_MAX_MEMORY / 4)

struct matcher {
    struct places places;
    uint32_t state;
    struct mask_step *path; /* on the way down the trie */
    size_t path_size;
    uint64_t trie_serial; /* of the trie that masks are of; 0: there are none */
};

enum hone_status matcher_new(struct matcher **out, const struct grammar *g, struct hone_error *err)
{
    *out = NULL;
    struct matcher *m = calloc(1, sizeof *m);
    if (!m || !places_init(&m->places, g)) {
        free(m);
        return hone_no_memory(err, "a grammar's matcher", sizeof *m);
    }
    enum hone_status status = matcher_reset(m, err);
    if (status == HONE_OK)
        *out = m;
    else
        matcher_free(m);
    return status;
}

/* Lack of memory is nobody's fault; a grammar that needs too much of it is its author's. */
static enum hone_status fail(const struct matcher *m, const char *sentence, struct hone_error *err)
{
    return m->places.no_memory ? hone_no_memory(err, "what a grammar allows", m->places.memory)
                               : hone_fail(err, HONE_USAGE, "%s", sentence);
}

enum hone_status matcher_reset(struct matcher *m, struct hone_error *err)
{
    uint32_t start = places_start(&m->places); /* the state that it found the first time */
    if (m->places.failed)
        return fail(m, "the grammar has too many ways to begin", err);
    m->state = start;
    return HONE_OK;
}

void matcher_free(struct matcher *m)
{
    if (!m)
        return;
    places_release(&m->places);
    free(m->path);
    free(m);
}

size_t matcher_memory(const struct matcher *m)
{
    return sizeof *m + m->places.memory + m->path_size * sizeof *m->path;
}

bool matcher_fits(const struct matcher *m, const struct token_trie *t)
{
    return m->trie_serial == 0 || m->trie_serial == t->serial;
}

/* Another set of places with just the matcher's own state. */
static bool fresh_places(const struct matcher *m, struct places *places, uint32_t *state)
{
    if (!places_init(places, m->places.g))
        return false;
    *state = places_copy(places, &m->places, m->state);
    if (places->failed)
        places_release(places);
    return !places->failed;
}

enum hone_status matcher_fork(const struct matcher *m, struct matcher **out, struct hone_error *err)
{
    *out = NULL;
    struct matcher *copy = calloc(1, sizeof *copy);
    if (!copy || !fresh_places(m, &copy->places, &copy->state)) {
        free(copy);
        return hone_no_memory(err, "a grammar's matcher", m->places.memory);
    }
    *out = copy;
    return HONE_OK;
}

/* Makes room where much has been worked out, or where working on has just failed. */
static bool tidy(struct matcher *m)
{
    struct places places;
    uint32_t state;
    if (m->places.memory <= KEPT_MEMORY && !m->places.failed)
        return true;
    if (!fresh_places(m, &places, &state)) {
        m->places.no_memory = true; /* it needs less than there was room for */
        return false;
    }
    places_release(&m->places);
    m->places = places;
    m->state = state;
    return true;
}

static enum hone_status fail_memory(struct matcher *m, struct hone_error *err)
{
    enum hone_status status = fail(m, "the grammar leaves too many ways open here to follow them all", err);
    tidy(m);
    return status;
}

enum hone_status matcher_accept(struct matcher *m, struct hone_text bytes, struct hone_error *err)
{
    if (!tidy(m))
        return fail_memory(m, err);
    uint32_t state = m->state;
    for (size_t i = 0; i < bytes.size && state != STATE_DEAD; i++)
        state = places_next(&m->places, state, (unsigned char)bytes.data[i]);
    if (m->places.failed)
        return fail_memory(m, err);
    if (state == STATE_DEAD)
        return hone_fail(err, HONE_REFUSED, "the grammar does not allow this text here");
    m->state = state;
    return HONE_OK;
}

bool matcher_may_end(const struct matcher *m)
{
    return places_is_end(&m->places, m->state);
}

bool matcher_must_end(const struct matcher *m)
{
    return matcher_may_end(m) && m->places.states[m->state].n == 1;
}

enum hone_status matcher_mask(struct matcher *m, const struct token_trie *t, const uint64_t **mask,
                              struct hone_error *err)
{
    if (!tidy(m))
        return fail_memory(m, err);
    m->trie_serial = t->serial;
    if (m->path_size < t->all.max_depth + 2) {
        free(m->path);
        m->path = malloc((t->all.max_depth + 2) * sizeof *m->path);
        m->path_size = m->path ? t->all.max_depth + 2 : 0;
    }
    if (!m->path)
        return hone_no_memory(err, "a walk through tokens", (t->all.max_depth + 2) * sizeof *m->path);
    *mask = mask_find(&m->places, m->state, t, m->path);
    if (m->places.failed)
        return fail_memory(m, err);
    if (!*mask)
        return hone_fail(err, HONE_FAILED, "no token of the vocabulary goes on as the grammar wants");
    return HONE_OK;
}
