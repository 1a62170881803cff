/* What follows a model's layers, as its file says it: poolings, heads, labels. */
#include "runtime/base/text.h"
#include "runtime/load/finder.h"
#include "runtime/load/load.h"
#include "runtime/nn/head.h"

#include <string.h>

/* Several, whose vectors stand one behind the other. */
static enum hone_status load_poolings(struct net *m, struct hone_error *err)
{
    const struct gguf_value *v = gguf_find(m->gguf, "hone.poolings");
    struct hparams *hp = &m->hp;
    hp->poolings[0] = hp->pooling;
    hp->n_poolings = 1;
    bool right = !v || (v->is_array && v->type == GGUF_STRING && v->n > 0 && v->n <= MAX_POOLINGS);
    for (size_t i = 0; right && v && i < v->n; i++) {
        hp->poolings[i] = pooling_by_name(v->strings[i]);
        right = hp->poolings[i] != N_POOLINGS;
        hp->n_poolings = i + 1;
    }
    if (right)
        return HONE_OK;
    return hone_fail(err, HONE_BAD_MODEL, "%s: the key 'hone.poolings' should be 1 to %d names of poolings",
                     gguf_path(m->gguf), MAX_POOLINGS);
}

enum hone_status hparams_load_pooling(struct net *m, struct hone_error *err)
{
    char key[128];
    size_t pooling = m->arch->pooling;
    m->hp.normalize = m->hp.segments = true;
    enum hone_status status =
        gguf_get_size(m->gguf, hparams_key(m, "pooling_type", key), N_POOLINGS - 1, &pooling, err);
    if (status == HONE_OK)
        status = gguf_get_bool(m->gguf, "hone.normalize", &m->hp.normalize, err);
    if (status == HONE_OK)
        status = gguf_get_bool(m->gguf, "hone.segments", &m->hp.segments, err);
    if (m->hp.two_sided && m->arch->pooling == POOL_LAST && !gguf_find(m->gguf, key))
        pooling = POOL_MEAN;
    m->hp.generates = (m->arch->causal || m->arch->has_decoder) && !m->hp.two_sided &&
                      (pooling == POOL_NONE || !gguf_find(m->gguf, hparams_key(m, "pooling_type", key)));
    m->hp.pooling = pooling == POOL_NONE ? m->arch->pooling : (enum pooling)pooling;
    if (status == HONE_OK)
        status = load_poolings(m, err);
    if (status == HONE_OK)
        status = gguf_get_bool(m->gguf, "hone.pooling_skips_prompt", &m->hp.skips_prompt, err);
    if (status == HONE_OK)
        status = gguf_get_size(m->gguf, "hone.truncate_dim", MAX_WIDTH, &m->hp.truncate_dim, err);
    if (status == HONE_OK)
        status = gguf_get_bool(m->gguf, "hone.words_summed", &m->hp.words_summed, err);
    if (status == HONE_OK)
        status = gguf_get_bool(m->gguf, "hone.words_twice", &m->hp.words_twice, err);
    return status == HONE_OK
               ? gguf_get_size(m->gguf, "hone.max_active_dims", INT32_MAX, &m->hp.max_words, err)
               : status;
}

/* Files of other converters may have a head and not say so by their pooling. */
static bool has_labels(const struct net *m)
{
    char key[128];
    return !m->hp.scores_by_steps &&
           (m->hp.pooling == POOL_RANK || gguf_find_tensor(m->gguf, "cls.output.weight") ||
            gguf_find(m->gguf, hparams_key(m, "classifier.output_labels", key)));
}

/* Whether the family knows a head of that kind: TENSOR_HEAD or TENSOR_MLM. */
static bool knows_head(const struct arch *arch, unsigned kind)
{
    for (const struct tensor_spec *spec = arch->tensors; spec->gguf; spec++)
        if (spec->flags & kind)
            return true;
    return false;
}

/* A file may ask for any pooling, but a family has only the heads of its table; one that is not there would be a product
 * with a matrix of no size. */
static enum hone_status check_heads(struct net *m, struct hone_error *err)
{
    const char *missing =
        has_labels(m) && !knows_head(m->arch, TENSOR_HEAD) ? "classification head"
        : m->hp.pooling == POOL_SPLADE && !knows_head(m->arch, TENSOR_MLM) && !m->arch->words_looked_up
            ? "head that weighs words (SPLADE)"
            : NULL;
    if (!missing)
        return HONE_OK;
    return hone_fail(
        err, HONE_BAD_MODEL,
        "%s: the key '%s.pooling_type' or a tensor asks for a %s, which models of type '%s' do not have",
        gguf_path(m->gguf), m->arch->name, missing, m->arch->name);
}

static bool has_row(const struct arch *arch, const char *name)
{
    const struct tensor_spec *spec = arch->tensors;
    while (spec->gguf && strcmp(spec->gguf, name) != 0)
        spec++;
    return spec->gguf != NULL;
}

/* Whether the head has all its matrices. */
static bool sees_all(const struct net *m)
{
    return m->hp.head == HEAD_LABELS || m->arch->tokens_through_head;
}

/* What the labels are of; a file that does not say has those of texts. */
static enum hone_status load_head(struct net *m, struct hone_error *err)
{
    static const char *const names[N_HEADS] = {"none",  "labels", "token_labels", "answers",
                                               "words", "spans",  "listwise"};
    struct hone_text name = {NULL, 0};
    enum hone_status status = gguf_get_text(m->gguf, "hone.head", &name, err);
    m->hp.head = has_labels(m) ? HEAD_LABELS : HEAD_NONE;
    if (status != HONE_OK || !name.data)
        return status;
    m->hp.head = N_HEADS;
    for (enum head h = HEAD_NONE; h < N_HEADS; h++)
        if (text_is(name, names[h])) {
            m->hp.head = h;
            break;
        }
    bool fits = m->hp.head != HEAD_WORDS || knows_head(m->arch, TENSOR_MLM);
    if (m->hp.head < N_HEADS && fits)
        return HONE_OK;
    return hone_fail(err, HONE_BAD_MODEL,
                     "%s: hone.head should be labels, token_labels, answers, words, spans or listwise",
                     gguf_path(m->gguf));
}

static enum hone_status load_labels(struct net *m, struct hone_error *err)
{
    static const char *const needed[] = {"cls.output.weight", "cls.weight"};
    for (size_t i = 0; i < 2 && has_labels(m); i++)
        if (has_row(m->arch, i == 0 ? "cls.output" : "cls") && (i == 0 || sees_all(m)) &&
            !gguf_find_tensor(m->gguf, needed[i]))
            return hone_fail(
                err, HONE_BAD_MODEL,
                "%s: a cross-encoder or classifier without its whole head: the tensor '%s' is missing. "
                "Files of other converters lose the pooler; convert the Hugging Face folder with "
                "`hone convert`",
                gguf_path(m->gguf), needed[i]);
    if (!has_labels(m))
        return HONE_OK;
    m->hp.pooling = POOL_RANK;
    return hparams_table_rows(m, "cls.output.weight", MAX_LABELS, &m->hp.n_labels, err);
}

/* What the head sees. */
static enum hone_status load_head_pooling(struct net *m, struct hone_error *err)
{
    char key[128];
    struct hone_text name = {NULL, 0};
    size_t pooling = m->arch->head_pooling;
    enum hone_status status =
        gguf_get_size(m->gguf, hparams_key(m, "classifier.pooling_type", key), N_POOLINGS - 1, &pooling, err);
    if (status == HONE_OK)
        status = gguf_get_text(m->gguf, "hone.head_pooling", &name, err);
    m->hp.head_late = text_is(name, "late");
    m->hp.head_pooling = m->hp.head_late ? POOL_MEAN
                         : name.data     ? pooling_by_name(name)
                                         : (enum pooling)pooling;
    bool known =
        m->hp.head_pooling != POOL_RANK && m->hp.head_pooling >= POOL_MEAN && m->hp.head_pooling <= POOL_MAX;
    if (status != HONE_OK || known)
        return status;
    return hone_fail(err, HONE_BAD_MODEL, "%s: hone.head_pooling should be mean, cls, last, max or late",
                     gguf_path(m->gguf));
}

enum hone_status hparams_load_heads(struct net *m, struct hone_error *err)
{
    enum hone_status status = check_heads(m, err);
    if (status == HONE_OK)
        status = load_head(m, err);
    if (status == HONE_OK)
        status = load_labels(m, err);
    return status == HONE_OK ? load_head_pooling(m, err) : status;
}
