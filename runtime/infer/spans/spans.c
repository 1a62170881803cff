#include "runtime/infer/spans/spans.h"

#include "runtime/base/sizes.h"
#include "runtime/base/text.h"
#include "runtime/infer/ragged.h"
#include "runtime/infer/spans/choose.h"
#include "runtime/infer/spans/split.h"
#include "runtime/infer/tasks.h"
#include "runtime/nn/spans.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define MOST_LABELS 1024 /* with each span of a text a score for each */

/* ---- the model's own ---- */

static enum hone_status load_word(const struct hone_model *model, const char *key, char **out,
                                  struct hone_error *err)
{
    struct hone_text text = {NULL, 0};
    enum hone_status status = gguf_get_text(model->net.gguf, key, &text, err);
    if (status == HONE_OK && !text.data)
        status = hone_fail(err, HONE_BAD_MODEL, "%s: a head of spans needs the key '%s'",
                           gguf_path(model->net.gguf), key);
    if (status == HONE_OK && !(*out = model_copy_text(text)))
        status = hone_no_memory(err, key, text.size);
    return status;
}

enum hone_status span_load(struct hone_model *model, struct hone_error *err)
{
    const struct net *m = &model->net;
    if (m->hp.head != HEAD_SPANS)
        return HONE_OK;
    enum hone_status status = load_word(model, "hone.spans.label_token", &model->spans.label, err);
    if (status == HONE_OK)
        status = load_word(model, "hone.spans.separator", &model->spans.separator, err);
    if (status != HONE_OK)
        return status;
    const struct hone_text label = {model->spans.label, strlen(model->spans.label)};
    const int32_t id = tokenizer_id(model->tokenizer, label);
    if (id < 0)
        return hone_fail(err, HONE_BAD_MODEL,
                         "%s: the vocabulary has no token '%.64s', which stands before labels",
                         gguf_path(m->gguf), model->spans.label);
    if (id == m->hp.spans.label_token)
        return HONE_OK;
    return hone_fail(err, HONE_BAD_MODEL,
                     "%s: the token before labels is %d (class_token_index, hone.spans.label_token_id), but "
                     "'%.64s' is token %d",
                     gguf_path(m->gguf), m->hp.spans.label_token, model->spans.label, id);
}

void span_free(struct hone_model *model)
{
    free(model->spans.label);
    free(model->spans.separator);
}

enum hone_status span_check(const struct hone_model *model, const struct hone_text *labels, size_t n_labels,
                            const struct hone_span_options *options, struct hone_span_options *how,
                            struct hone_error *err)
{
    *how = (struct hone_span_options)HONE_SPAN_DEFAULTS;
    enum hone_status status = sizes_take(how, sizeof *how, options, "hone_span_options", err);
    if (status != HONE_OK)
        return status;
    if (model->info.task != HONE_TASK_FIND_SPANS)
        return hone_fail(err, HONE_USAGE, "%s does not find spans of labels: it has no head for them",
                         model->path);
    if (!labels || n_labels == 0 || n_labels > MOST_LABELS)
        return hone_fail(err, HONE_USAGE, "%zu labels were given, expected 1 to %d", n_labels, MOST_LABELS);
    if (!(how->threshold >= 0 && how->threshold <= 1))
        return hone_fail(err, HONE_USAGE, "the threshold of scores should be 0 to 1");
    return model_check_computes(model, err);
}

/* ---- tokens ---- */

struct span_ids {
    int32_t *ids; /* [n] */
    size_t n, capacity;
};

/* Where a text's words lie, and what stands for them. */
struct read_text {
    size_t first_id, n_ids;     /* among all ids */
    size_t first_word, n_words; /* among all words; */
    size_t first_mark;          /* among all marks, n_words + 1 of them */
};

struct finding {
    struct hone_model *model;
    const struct hone_text *texts;
    size_t n, n_labels;
    size_t n_silent; /* labels that have no token */
    struct hone_span_options how;
    uint32_t *label_of;     /* [n_labels]: the number that it was given as */
    struct span_ids prompt; /* what stands before each text, */
    struct span_ids behind; /* and behind it */
    uint32_t *labels;       /* [n_labels]: where they stand in the prompt */
    struct span_ids ids;    /* of all texts */
    struct hone_text *words;
    uint32_t *marks; /* tokens of a text where words begin */
    size_t n_words, words_held, n_marks, marks_held;
    struct read_text *read; /* [n] */
    struct token_run *runs; /* [n] */
    struct span_marks *of_texts;
    uint8_t *type_ids;
    struct tok_encoding e;
    struct ragged found;
};

/* Items with room for `more` behind n of them; doubling. NULL: there is no memory, and they stay as they are. */
static void *grow(void *items, size_t *held, size_t n, size_t more, size_t size)
{
    if (items && n + more <= *held)
        return items;
    const size_t wanted = 2 * (n + more) + 64;
    void *grown = realloc(items, wanted * size);
    *held = grown ? wanted : *held;
    return grown;
}

static enum hone_status add_ids(struct span_ids *to, const int32_t *ids, size_t n, struct hone_error *err)
{
    int32_t *grown = grow(to->ids, &to->capacity, to->n, n, sizeof *ids);
    if (!grown)
        return hone_no_memory(err, "token ids", (to->n + n) * sizeof *ids);
    to->ids = grown;
    if (n > 0)
        memcpy(to->ids + to->n, ids, n * sizeof *ids);
    to->n += n;
    return HONE_OK;
}

static enum hone_status keep_word(struct finding *f, struct hone_text word, struct hone_error *err)
{
    struct hone_text *words = grow(f->words, &f->words_held, f->n_words, 1, sizeof *words);
    if (!words)
        return hone_no_memory(err, "words of texts", f->n_words * sizeof *words);
    f->words = words;
    f->words[f->n_words++] = word;
    return HONE_OK;
}

/* Where n words' tokens begin. */
static enum hone_status add_marks(struct finding *f, size_t n, size_t token, struct hone_error *err)
{
    uint32_t *marks = grow(f->marks, &f->marks_held, f->n_marks, n, sizeof *marks);
    if (!marks)
        return hone_no_memory(err, "words of texts", f->n_marks * sizeof *marks);
    f->marks = marks;
    for (size_t i = 0; i < n; i++)
        f->marks[f->n_marks++] = (uint32_t)token;
    return HONE_OK;
}

/* Words are tokenized each for itself. */
static enum hone_status encode(struct finding *f, struct hone_text word, bool special, struct hone_error *err)
{
    const struct tok_options how = {.add_special = special, .spans = special};
    struct hone_error why = {0};
    return tokenizer_encode(f->model->tokenizer, word, NULL, &how, &f->e, &why)
               ? HONE_OK
               : hone_fail(err, why.status, "%s", why.message);
}

static enum hone_status add_word(struct finding *f, struct hone_text word, struct span_ids *to,
                                 struct hone_error *err)
{
    enum hone_status status = encode(f, word, false, err);
    return status == HONE_OK ? add_ids(to, f->e.ids, f->e.n, err) : status;
}

static struct hone_text text_of(const char *text)
{
    return (struct hone_text){text, strlen(text)};
}

/* What a template puts before and behind a text: what is around the separator's tokens. */
static enum hone_status find_template(struct finding *f, struct hone_error *err)
{
    enum hone_status status = encode(f, text_of(f->model->spans.separator), true, err);
    size_t first = 0, end = f->e.n;
    while (status == HONE_OK && first < end && f->e.spans[first].start == TOK_NO_TEXT)
        first++;
    while (status == HONE_OK && end > first && f->e.spans[end - 1].start == TOK_NO_TEXT)
        end--;
    if (status == HONE_OK)
        status = add_ids(&f->prompt, f->e.ids, first, err);
    return status == HONE_OK ? add_ids(&f->behind, f->e.ids + end, f->e.n - end, err) : status;
}

static bool is_new(const struct finding *f, const struct hone_text *labels, size_t i)
{
    for (size_t k = 0; k < f->n_labels; k++)
        if (text_equal(labels[f->label_of[k]], labels[i]))
            return false;
    return true;
}

/* All labels, each behind its token, and the separator. */
static enum hone_status make_prompt(struct finding *f, const struct hone_text *labels, size_t n_labels,
                                    struct hone_error *err)
{
    const struct hone_text label = text_of(f->model->spans.label),
                           separator = text_of(f->model->spans.separator);
    enum hone_status status = find_template(f, err);
    for (size_t i = 0; i < n_labels && status == HONE_OK; i++) {
        if (!is_new(f, labels, i))
            continue;
        f->label_of[f->n_labels++] = (uint32_t)i;
        status = add_word(f, label, &f->prompt, err);
        if (status != HONE_OK || labels[i].size == 0)
            continue;
        status = add_word(f, labels[i], &f->prompt, err);
        f->n_silent += status == HONE_OK && f->e.n == 0;
    }
    if (status == HONE_OK)
        status = add_word(f, separator, &f->prompt, err);
    const struct span_shape *s = &f->model->net.hp.spans;
    if (status == HONE_OK && f->prompt.n + f->behind.n >= s->max_tokens)
        return hone_fail(err, HONE_USAGE, "the labels have %zu tokens, but %s reads at most %zu with a text",
                         f->prompt.n, f->model->path, s->max_tokens);
    size_t n = 0;
    for (size_t t = 0; t < f->prompt.n && n < f->n_labels && status == HONE_OK; t++)
        if (f->prompt.ids[t] == s->label_token)
            f->labels[n++] = (uint32_t)t;
    if (status == HONE_OK && n < f->n_labels)
        status = hone_fail(err, HONE_BAD_MODEL, "%s: '%s' before a label does not become the token %d",
                           f->model->path, f->model->spans.label, s->label_token);
    return status;
}

/* The package counts words by those that have tokens, so that behind one without any (a mark that its tokenizer drops) each has
 * the vector of the next, and the last ones have none; and it takes as many of the first ones for labels as labels have no token.
 * That is how its models were trained, and what its results are. */
static enum hone_status read_words(struct finding *f, struct read_text *r, struct hone_text text,
                                   size_t *n_full, struct hone_error *err)
{
    const struct span_shape *s = &f->model->net.hp.spans;
    struct hone_text word;
    size_t n_spoken = 0;
    enum hone_status status = HONE_OK;
    for (size_t at = 0; status == HONE_OK && span_next_word(text, &at, &word);) {
        if (r->n_words == s->max_words) { /* what is cut off counts as a token a word */
            ++*n_full;
            continue;
        }
        const size_t token = f->ids.n - r->first_id;
        status = keep_word(f, word, err);
        r->n_words += status == HONE_OK;
        if (status == HONE_OK)
            status = add_word(f, word, &f->ids, err);
        if (status == HONE_OK && f->e.n > 0 && n_spoken++ >= f->n_silent)
            status = add_marks(f, 1, token, err);
        /* A text of one endless line would otherwise be held several times as tokens that nobody reads. */
        if (f->ids.n - r->first_id > s->max_tokens) {
            *n_full += f->ids.n - r->first_id - s->max_tokens;
            f->ids.n = r->first_id + s->max_tokens;
        }
    }
    return status;
}

/* The prompt, the words' tokens and what stands behind them; no more than fit. */
static enum hone_status read_text(struct finding *f, size_t i, struct hone_error *err)
{
    struct read_text *r = &f->read[i];
    const size_t room = f->model->net.hp.spans.max_tokens - f->behind.n;
    size_t n_cut = 0;
    *r = (struct read_text){.first_id = f->ids.n, .first_word = f->n_words, .first_mark = f->n_marks};
    enum hone_status status = add_ids(&f->ids, f->prompt.ids, f->prompt.n, err);
    if (status == HONE_OK)
        status = read_words(f, r, f->texts[i], &n_cut, err);
    size_t n = f->ids.n - r->first_id;
    n_cut += n > room ? n - room : 0;
    n = n > room ? room : n;
    f->ids.n = r->first_id + n;
    if (status == HONE_OK) /* words without a vector, and where the last one ends */
        status = add_marks(f, r->n_words + 1 - (f->n_marks - r->first_mark), n, err);
    if (status != HONE_OK)
        return status;
    for (size_t m = r->first_mark; m < f->n_marks; m++)
        f->marks[m] = f->marks[m] < n ? f->marks[m] : (uint32_t)n;
    status = add_ids(&f->ids, f->behind.ids, f->behind.n, err);
    r->n_ids = f->ids.n - r->first_id;
    if (r->n_words == 0) { /* nothing to find */
        f->ids.n = r->first_id;
        r->n_ids = 0;
    }
    f->runs[i].n_full = r->n_ids + (r->n_words > 0 ? n_cut : 0);
    return status;
}

/* Where everything lies, once nothing moves any more. */
static enum hone_status make_runs(struct finding *f, struct hone_error *err)
{
    size_t longest = 0;
    for (size_t i = 0; i < f->n; i++)
        longest = f->read[i].n_ids > longest ? f->read[i].n_ids : longest;
    f->type_ids = calloc(longest + 1, 1); /* one segment */
    if (!f->type_ids)
        return hone_no_memory(err, "token ids", longest);
    for (size_t i = 0; i < f->n; i++) {
        const struct read_text *r = &f->read[i];
        f->runs[i].ids = f->ids.ids + r->first_id;
        f->runs[i].type_ids = f->type_ids;
        f->runs[i].n = r->n_ids;
        f->of_texts[i] = (struct span_marks){.words = f->marks + r->first_mark,
                                             .n_words = r->n_words,
                                             .labels = f->labels,
                                             .n_labels = f->n_labels};
    }
    return HONE_OK;
}

static enum hone_status make_tokens(struct finding *f, const struct hone_text *labels, size_t n_labels,
                                    struct hone_error *err)
{
    f->label_of = calloc(n_labels, sizeof *f->label_of);
    f->labels = calloc(n_labels, sizeof *f->labels);
    f->read = calloc(f->n + 1, sizeof *f->read);
    f->runs = calloc(f->n + 1, sizeof *f->runs);
    f->of_texts = calloc(f->n + 1, sizeof *f->of_texts);
    if (!f->label_of || !f->labels || !f->read || !f->runs || !f->of_texts)
        return hone_no_memory(err, "texts", f->n * sizeof *f->read);
    enum hone_status status = make_prompt(f, labels, n_labels, err);
    for (size_t i = 0; i < f->n && status == HONE_OK; i++)
        status = read_text(f, i, err);
    return status == HONE_OK ? make_runs(f, err) : status;
}

/* ---- spans ---- */

/* A sink: of a text's logits the spans that are told, in bytes. */
static void keep_spans(void *arg, size_t i, const float *rows, size_t n_rows)
{
    struct finding *f = arg;
    const struct read_text *r = &f->read[i];
    const struct span_logits logits = {rows, n_rows, f->model->net.hp.spans.longest, f->n_labels};
    struct chosen_span *chosen;
    size_t n;
    if (!rows || n_rows == 0)
        return;
    bool ok = span_choose(&logits, &f->how, &chosen, &n);
    struct hone_labeled_span *spans = ok ? calloc(n + 1, sizeof *spans) : NULL;
    for (size_t k = 0; k < n && spans; k++) {
        const struct hone_text first = f->words[r->first_word + chosen[k].start],
                               last = f->words[r->first_word + chosen[k].start + chosen[k].length - 1];
        spans[k] = (struct hone_labeled_span){.start = (size_t)(first.data - f->texts[i].data),
                                              .end = (size_t)(last.data + last.size - f->texts[i].data),
                                              .label = f->label_of[chosen[k].label],
                                              .score = chosen[k].score};
    }
    if (spans)
        ragged_keep_items(&f->found, i, spans, n);
    else
        atomic_store(&f->found.failed, true);
    free(spans);
    free(chosen);
}

static enum hone_status compute(struct finding *f, const struct hone_run_options *run,
                                struct hone_stats *stats, struct hone_error *err)
{
    struct hone_run_options how;
    enum hone_status status = task_take_options(&how, run, err);
    if (status == HONE_OK)
        status = ragged_start(&f->found, f->n, sizeof(struct hone_labeled_span), 0, err);
    struct request request = {.inputs = {.n = f->n, .max_length = f->model->net.hp.spans.max_tokens},
                              .output = OUTPUT_SPANS,
                              .raw = true,
                              .n_dims = f->n_labels,
                              .marks = f->of_texts,
                              .run = &how,
                              .sink = keep_spans,
                              .arg = f};
    if (status != HONE_OK || f->n == 0)
        return status;
    pthread_mutex_lock(&f->model->lock);
    status = engine_compute(f->model, &request, f->runs, stats, err);
    pthread_mutex_unlock(&f->model->lock);
    return status == HONE_OK && f->found.failed ? hone_no_memory(err, "spans", f->n) : status;
}

static void release(struct finding *f)
{
    tok_encoding_release(&f->e);
    ragged_release(&f->found);
    free(f->label_of);
    free(f->labels);
    free(f->prompt.ids);
    free(f->behind.ids);
    free(f->ids.ids);
    free(f->words);
    free(f->marks);
    free(f->read);
    free(f->runs);
    free(f->of_texts);
    free(f->type_ids);
}

enum hone_status hone_find_spans(struct hone_model *model, const struct hone_text *texts, size_t n_texts,
                                 const struct hone_text *labels, size_t n_labels,
                                 const struct hone_span_options *options, const struct hone_run_options *run,
                                 struct hone_labeled_span **out, size_t **starts, struct hone_stats *stats,
                                 struct hone_error *err)
{
    struct finding f = {.model = model, .texts = texts, .n = n_texts};
    void *items = NULL;
    *out = NULL;
    *starts = NULL;
    enum hone_status status = span_check(model, labels, n_labels, options, &f.how, err);
    if (status == HONE_OK)
        status = make_tokens(&f, labels, n_labels, err);
    if (status == HONE_OK)
        status = compute(&f, run, stats, err);
    if (status == HONE_OK)
        status = ragged_flatten(&f.found, &items, starts, err);
    *out = items;
    release(&f);
    return status;
}
