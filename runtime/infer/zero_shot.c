/* Labels that a model was not trained for: one that tells whether a text entails another is asked of each (Yin et al., 2019,
 * arXiv:1909.00161), as transformers' pipeline does. */
#include "runtime/base/sizes.h"
#include "runtime/base/text.h"
#include "runtime/infer/tasks.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define USUAL_TEMPLATE "This example is {}."

struct zero_shot {
    struct hone_text *firsts, *seconds; /* [n_texts * n_labels] */
    char *hypotheses;                   /* [n_labels] behind one another */
    float *logits;                      /* [n_texts * n_labels, the model's labels] */
};

static void release(struct zero_shot *z)
{
    free(z->firsts);
    free(z->seconds);
    free(z->hypotheses);
    free(z->logits);
}

/* The template with a label in place of the first {}. */
static enum hone_status write_hypotheses(struct zero_shot *z, const struct hone_text *labels, size_t n_labels,
                                         struct hone_text template, struct hone_error *err)
{
    const char *at = memmem(template.data, template.size, "{}", 2);
    size_t size = 1, before = at ? (size_t)(at - template.data) : 0;
    if (!at)
        return hone_fail(err, HONE_USAGE, "the template '%.*s' has no {} for a label",
                         (int)(template.size < 200 ? template.size : 200), template.data);
    for (size_t i = 0; i < n_labels; i++)
        if (__builtin_add_overflow(size, labels[i].size + template.size, &size))
            return hone_no_memory(err, "hypotheses", SIZE_MAX);
    char *to = z->hypotheses = malloc(size);
    if (!to)
        return hone_no_memory(err, "hypotheses", size);
    for (size_t i = 0; i < n_labels; i++) {
        size_t after = template.size - before - 2, n = before + labels[i].size + after;
        memcpy(to, template.data, before);
        memcpy(text_put(to + before, labels[i]), at + 2, after);
        z->seconds[i] = (struct hone_text){to, n};
        to += n;
    }
    return HONE_OK;
}

static enum hone_status allocate(struct zero_shot *z, size_t n_texts, size_t n_labels, size_t width,
                                 struct hone_error *err)
{
    size_t n, n_logits;
    if (__builtin_mul_overflow(n_texts, n_labels, &n) || __builtin_mul_overflow(n, width, &n_logits) ||
        n_logits > SIZE_MAX / 64)
        return hone_no_memory(err, "pairs", SIZE_MAX);
    z->firsts = calloc(n + 1, sizeof *z->firsts);
    z->seconds = calloc(n + n_labels, sizeof *z->seconds);
    z->logits = calloc(n_logits + 1, sizeof *z->logits);
    return z->firsts && z->seconds && z->logits ? HONE_OK
                                                : hone_no_memory(err, "pairs", n * sizeof *z->firsts);
}

/* ---- scores ---- */

/* Of the model's labels; where none says that it is entailment, the last. */
static size_t entailment_of(const struct hone_model *model)
{
    size_t n = model->net.hp.n_labels;
    for (size_t i = 0; i < n; i++)
        if (strncasecmp(model->labels[i], "entail", 6) == 0)
            return i;
    return n - 1;
}

/* The labels' probabilities together, or each label's against its contradiction. */
static void score_labels(const struct hone_model *model, const float *logits, size_t n_labels, bool alone,
                         float *out)
{
    size_t width = model->net.hp.n_labels, yes = entailment_of(model), no = yes == 0 ? width - 1 : 0;
    for (size_t k = 0; k < n_labels; k++) {
        const float *row = logits + k * width;
        out[k] = alone ? (float)(1 / (1 + exp((double)row[no] - (double)row[yes]))) : row[yes];
    }
    if (!alone)
        model->net.kernels->softmax(out, n_labels);
}

static enum hone_status take_options(const struct hone_model *model, struct hone_zero_shot_options *out,
                                     const struct hone_zero_shot_options *given, struct hone_error *err)
{
    *out = (struct hone_zero_shot_options)HONE_ZERO_SHOT_DEFAULTS;
    enum hone_status status = sizes_take(out, sizeof *out, given, "hone_zero_shot_options", err);
    if (status == HONE_OK && out->hypothesis.size == 0)
        out->hypothesis = (struct hone_text){USUAL_TEMPLATE, sizeof USUAL_TEMPLATE - 1};
    if (status == HONE_OK)
        status = task_needs_head(model, "has no weights", err);
    if (status == HONE_OK && model->net.hp.n_labels < 2)
        return hone_fail(err, HONE_USAGE, "%s has one label; other labels need a model that knows entailment",
                         model->path);
    return status;
}

enum hone_status hone_zero_shot_scores(const struct hone_model *model, const float *logits, size_t n_labels,
                                       const struct hone_zero_shot_options *options, float *out,
                                       struct hone_error *err)
{
    struct hone_zero_shot_options o;
    enum hone_status status = take_options(model, &o, options, err);
    if (status == HONE_OK)
        score_labels(model, logits, n_labels, o.multi_label || n_labels == 1, out);
    return status;
}

/* A text's refusal is told once, not for each label. */
struct refusals {
    hone_refusal told;
    void *arg;
    size_t n_labels;
};

static void on_refused(void *arg, size_t index, const char *sentence)
{
    const struct refusals *r = arg;
    if (index % r->n_labels == 0)
        r->told(r->arg, index / r->n_labels, sentence);
}

enum hone_status hone_zero_shot(struct hone_model *model, const struct hone_text *texts, size_t n_texts,
                                const struct hone_text *labels, size_t n_labels,
                                const struct hone_zero_shot_options *options,
                                const struct hone_run_options *run, float *out, struct hone_stats *stats,
                                struct hone_error *err)
{
    struct zero_shot z = {0};
    struct hone_zero_shot_options o;
    struct hone_run_options how = HONE_RUN_DEFAULTS;
    size_t width = model->net.hp.n_labels;
    enum hone_status status = take_options(model, &o, options, err);
    if (status == HONE_OK)
        status = task_take_options(&how, run, err);
    if (status == HONE_OK && n_labels == 0)
        return hone_fail(err, HONE_USAGE, "no label was given");
    if (status == HONE_OK)
        status = allocate(&z, n_texts, n_labels, width, err);
    if (status == HONE_OK)
        status = write_hypotheses(&z, labels, n_labels, o.hypothesis, err);
    for (size_t i = 0; i < n_texts * n_labels && status == HONE_OK; i++) {
        z.firsts[i] = texts[i / n_labels];
        z.seconds[i] = z.seconds[i % n_labels];
    }
    struct refusals refusals = {how.on_refused, how.refused_arg, n_labels};
    how.raw = how.keep_second = true;
    how.on_progress = NULL;
    how.refused_arg = &refusals;
    how.on_refused = refusals.told ? on_refused : NULL;
    struct inputs inputs = {.n = n_texts * n_labels, .first = z.firsts, .second = z.seconds};
    if (status == HONE_OK)
        status = task_with_head(model, &inputs, &how, z.logits, stats, err);
    for (size_t i = 0; i < n_texts && status == HONE_OK; i++)
        score_labels(model, z.logits + i * n_labels * width, n_labels, o.multi_label || n_labels == 1,
                     out + i * n_labels);
    release(&z);
    return status;
}
