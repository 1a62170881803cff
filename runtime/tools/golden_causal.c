/* Golden files of models that generate: the logits that follow a prompt, and what is most likely after it. */
#include "runtime/tools/verify.h"

#include <hone/generate.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MAX_IDS 4096 /* of a prompt */

/* An array of ids, to be freed. NULL: none, or lack of memory. */
static int32_t *read_ids(const json_t *row, size_t *n)
{
    *n = json_array_size(row);
    int32_t *ids = *n > 0 && *n <= MAX_IDS ? malloc(*n * sizeof *ids) : NULL;
    for (size_t i = 0; i < *n && ids; i++)
        ids[i] = (int32_t)json_integer_value(json_array_get(row, i));
    return ids;
}

/* The worst error of the last row, or of the decoder's first one, over the size of what is expected, or over 1 where that is smaller. */
static enum hone_status last_error(struct verifier *v, const int32_t *ids, size_t n, const json_t *expect,
                                   double *worst, struct hone_error *err)
{
    bool decodes = v->model->info.has_decoder;
    size_t n_vocab = v->model->info.n_vocab;
    float *logits = calloc(n * n_vocab, sizeof *logits);
    if (!logits)
        return hone_no_memory(err, "logits", n * n_vocab * sizeof *logits);
    const float *last = decodes ? logits : logits + (n - 1) * n_vocab;
    enum hone_status status = decodes ? hone_decoder_logits(v->model, ids, n, NULL, 0, logits, err)
                                      : hone_logits(v->model, ids, n, logits, err);
    for (size_t i = 0; i < n_vocab && status == HONE_OK; i++) {
        double want = json_number_value(json_array_get(expect, i)),
               error = fabs(last[i] - want) / fmax(fabs(want), 1);
        *worst = error > *worst || isnan(error) ? error : *worst;
    }
    free(logits);
    return status;
}

static enum hone_status same_greedy(struct verifier *v, const int32_t *ids, size_t n, const json_t *expect,
                                    bool *same, struct hone_error *err)
{
    bool decodes = v->model->info.has_decoder;
    struct hone_generation g = {.ids = ids,
                                .n_ids = n,
                                .max_tokens = json_array_size(expect),
                                .past_end = !decodes,
                                .ignore_end = decodes};
    g.sampling = (struct hone_sampling)HONE_SAMPLING_DEFAULTS;
    g.sampling.temperature = 0;
    enum hone_status status = hone_generate(v->model, &g, 1, NULL, err);
    *same = g.n_out == json_array_size(expect);
    for (size_t i = 0; i < g.n_out && *same; i++)
        *same = g.out_ids[i] == json_integer_value(json_array_get(expect, i));
    hone_generation_release(&g);
    return status;
}

static enum hone_status same_tokens(struct verifier *v, const json_t *text, const int32_t *expect, size_t n,
                                    bool *same, struct hone_error *err)
{
    struct hone_text input = {json_string_value(text), json_string_length(text)};
    int32_t *ids;
    size_t *starts;
    enum hone_status status = hone_tokenize(v->model, &input, NULL, 1, true, &ids, &starts, NULL, err);
    if (status != HONE_OK)
        return status;
    *same = starts[1] == n && memcmp(ids, expect, n * sizeof *ids) == 0;
    hone_free(ids);
    hone_free(starts);
    return HONE_OK;
}

enum hone_status verify_causal(struct verifier *v, const json_t *golden, bool exact, struct hone_error *err)
{
    const json_t *texts = json_object_get(golden, "texts"), *rows = json_object_get(golden, "ids");
    const json_t *logits =
                     json_object_get(golden, v->model->info.has_decoder ? "logits_first" : "logits_last"),
                 *greedy = json_object_get(golden, "greedy");
    size_t n_texts = json_array_size(rows), n_ids = 0, n_greedy = 0, n;
    double worst = 0, bound = exact ? 1e-4 : 1;
    enum hone_status status = HONE_OK;
    for (size_t i = 0; i < n_texts && status == HONE_OK; i++) {
        bool same = true, follows = true;
        int32_t *ids = read_ids(json_array_get(rows, i), &n);
        if (!ids || json_array_size(json_array_get(logits, i)) != v->model->info.n_vocab)
            status = hone_fail(err, HONE_USAGE,
                               "the golden file's text %zu has no ids, or not as many logits as %zu", i,
                               v->model->info.n_vocab);
        if (status == HONE_OK && texts)
            status = same_tokens(v, json_array_get(texts, i), ids, n, &same, err);
        if (status == HONE_OK)
            status = last_error(v, ids, n, json_array_get(logits, i), &worst, err);
        if (status == HONE_OK && greedy)
            status = same_greedy(v, ids, n, json_array_get(greedy, i), &follows, err);
        /* A reference that takes id 0 for padding goes on without it. */
        if (status == HONE_OK && greedy && !follows && n > 1 && ids[0] == 0)
            status = same_greedy(v, ids + 1, n - 1, json_array_get(greedy, i), &follows, err);
        n_ids += same;
        n_greedy += follows;
        free(ids);
    }
    if (status != HONE_OK)
        return status;
    verify_tell(v, "golden ids", n_ids == n_texts, "%zu of %zu texts alike", n_ids, n_texts);
    verify_tell(v, "golden numbers", worst <= bound,
                "worst error of a logit %.1e relative, expected at most %.0e", worst, bound);
    verify_tell(v, "golden greedy", n_greedy == n_texts || !exact, "%zu of %zu texts go on alike", n_greedy,
                n_texts);
    return HONE_OK;
}
