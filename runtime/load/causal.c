/* Numbers of causal layers that few families have: in which order their halves come, and what changes attention's scores. */
#include "runtime/load/load.h"

#include <math.h>
#include <stdio.h>

/* Floats of a table of what ALiBi adds. */
#define MAX_ALIBI ((size_t)1 << 26)

static enum hone_status load_order(struct net *m, struct hone_error *err)
{
    char key[128];
    m->hp.parallel = m->arch->parallel;
    if (m->arch->parallel_unnormed)
        m->hp.parallel = !gguf_find_tensor(m->gguf, "blk.0.ffn_norm.weight");
    if (!m->arch->parallel_if_told)
        return HONE_OK;
    return gguf_get_bool(m->gguf, hparams_key(m, "use_parallel_residual", key), &m->hp.parallel, err);
}

/* 0 says that there is nothing of the kind. */
static enum hone_status check_number(const struct net *m, const char *suffix, float x, struct hone_error *err)
{
    if (x >= 0 && x < 1e6F)
        return HONE_OK;
    return hone_fail(err, HONE_BAD_MODEL, "%s: the key '%s.%s' is %g, expected a number from 0 to 1000000",
                     gguf_path(m->gguf), m->arch->name, suffix, (double)x);
}

static enum hone_status check_alibi(const struct net *m, struct hone_error *err)
{
    const struct hparams *hp = &m->hp;
    if (hp->two_sided)
        return hone_fail(err, HONE_BAD_MODEL,
                         "%s: attention to both sides with ALiBi is not supported in '%s'",
                         gguf_path(m->gguf), m->arch->name);
    if (layers_differ(m))
        return hone_fail(err, HONE_BAD_MODEL,
                         "%s: layers with heads of their own are not supported with ALiBi",
                         gguf_path(m->gguf));
    if (hp->max_length <= MAX_ALIBI / hp->n_heads)
        return HONE_OK;
    return hone_fail(err, HONE_BAD_MODEL,
                     "%s: the key '%s.context_length' is %zu, expected at most %zu with ALiBi in %zu heads",
                     gguf_path(m->gguf), m->arch->name, hp->max_length, MAX_ALIBI / hp->n_heads, hp->n_heads);
}

/* Hidden states go through one more matrix before they become logits; nothing else here knows it. */
static enum hone_status check_narrow(const struct net *m, struct hone_error *err)
{
    if (m->hp.n_token == 0 || m->hp.generates)
        return HONE_OK;
    return hone_fail(
        err, HONE_BAD_MODEL,
        "%s: token embeddings that are not as wide as the layers are supported in a model of type "
        "'%s' that generates, but not with a head of labels or a pooling",
        gguf_path(m->gguf), m->arch->name);
}

enum hone_status hparams_load_causal(struct net *m, struct hone_error *err)
{
    struct hparams *hp = &m->hp;
    if (!m->arch->causal)
        return HONE_OK;
    enum hone_status status = load_order(m, err);
    if (status == HONE_OK)
        status = gguf_get_bool(m->gguf, "hone.norms_last", &hp->norms_last, err);
    if (status == HONE_OK)
        status = check_narrow(m, err);
    if (status == HONE_OK)
        status = check_number(m, "attention.clamp_kqv", hp->qkv_clip, err);
    if (status == HONE_OK)
        status = check_number(m, "attention.max_alibi_bias", hp->alibi, err);
    if (status != HONE_OK || hp->alibi == 0)
        return status;
    hp->rope_base = 0; /* it is instead of rotary positions */
    return check_alibi(m, err);
}
