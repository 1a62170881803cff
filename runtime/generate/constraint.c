#include "runtime/generate/constraint.h"

#include "runtime/generate/grammar/schema.h"

#include <stdlib.h>
#include <string.h>

struct constraint {
    const struct vocabulary *vocabulary;
    struct grammar *grammar;
    struct matcher *matcher;
};

enum hone_status constraint_new(struct constraint **out, struct vocabulary *v, const struct net *m,
                                const struct hone_generation *g, struct hone_error *err)
{
    *out = NULL;
    if (!g->grammar && !g->json_schema)
        return HONE_OK;
    if (g->grammar && g->json_schema)
        return hone_fail(err, HONE_USAGE, "a text follows a grammar or a JSON Schema, not both");
    enum hone_status status = vocabulary_spell(v, m, err);
    if (status != HONE_OK)
        return status;
    struct constraint *c = calloc(1, sizeof *c);
    if (!c)
        return hone_no_memory(err, "a grammar", sizeof *c);
    c->vocabulary = v;
    if (g->grammar)
        status = grammar_parse(&c->grammar, (struct hone_text){g->grammar, strlen(g->grammar)}, err);
    else
        status = grammar_from_schema(&c->grammar, (struct hone_text){g->json_schema, strlen(g->json_schema)},
                                     NULL, NULL, err);
    if (status == HONE_OK)
        status = matcher_new(&c->matcher, c->grammar, err);
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
    matcher_free(c->matcher);
    grammar_free(c->grammar);
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
