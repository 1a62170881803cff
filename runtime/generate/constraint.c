#include "runtime/generate/constraint.h"

#include <stdlib.h>

struct constraint {
    const struct vocabulary *vocabulary;
    struct compiled *compiled;
    struct matcher *matcher;
};

enum hone_status constraint_new(struct constraint **out, struct vocabulary *v, const struct net *m,
                                struct compiled *compiled, struct hone_error *err)
{
    *out = NULL;
    if (!compiled)
        return HONE_OK;
    enum hone_status status = vocabulary_spell(v, m, err);
    if (status != HONE_OK)
        return status;
    struct constraint *c = calloc(1, sizeof *c);
    if (!c)
        return hone_no_memory(err, "a grammar", sizeof *c);
    c->vocabulary = v;
    c->compiled = compiled;
    compiled_hold(compiled);
    status = compiled_take_matcher(compiled, v->trie, &c->matcher, err);
    if (status == HONE_OK)
        *out = c;
    else
        constraint_free(c);
    return status;
}

void constraint_free(struct constraint *c)
{
    if (!c)
        return;
    compiled_give_matcher(c->compiled, c->matcher);
    compiled_release(c->compiled);
    free(c);
}

enum hone_status constraint_mask(struct constraint *c, const uint64_t **mask, struct hone_error *err)
{
    return matcher_mask(c->matcher, c->vocabulary->trie, mask, err);
}

enum hone_status constraint_accept(struct constraint *c, int32_t id, bool *is_over, struct hone_error *err)
{
    enum hone_status status = matcher_accept(c->matcher, c->vocabulary->pieces.list[id], err);
    *is_over = status == HONE_OK && matcher_must_end(c->matcher);
    return status;
}
