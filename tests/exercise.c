#include "tests/exercise.h"

#include <hone.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

static const struct hone_text texts[] = {{"The quick brown fox", 19}, {"naïve café", 12}};
enum { N_TEXTS = 2, N_WRITTEN = 6 };

static uint64_t digest_of(const void *data, size_t size)
{
    uint64_t digest = XXH3_64bits(data, size);
    return digest ? digest : 1;
}

/* Of a function that fills rows the caller has. */
static enum hone_status fill_rows(struct hone_model *model, enum exercise which, uint64_t *digest,
                                  struct hone_error *err)
{
    const struct hone_model_info *info = hone_model_info(model);
    size_t n = (which == EXERCISE_CLASSIFY ? info->n_labels
                : which == EXERCISE_RERANK ? 1
                                           : info->n_dims) +
               1;
    float *out = calloc(N_TEXTS * n, sizeof *out);
    if (!out) {
        snprintf(err->message, sizeof err->message, "no memory for the results of a test");
        return HONE_FAILED;
    }
    enum hone_status status =
        which == EXERCISE_EMBED    ? hone_embed(model, texts, N_TEXTS, NULL, out, NULL, err)
        : which == EXERCISE_RERANK ? hone_rerank(model, texts[0], texts, N_TEXTS, NULL, out, NULL, err)
                                   : hone_classify(model, texts, NULL, N_TEXTS, NULL, out, NULL, err);
    *digest = status == HONE_OK ? digest_of(out, N_TEXTS * n * sizeof *out) : 0;
    free(out);
    return status;
}

/* Of a function that makes as many rows as it finds. */
static enum hone_status make_rows(struct hone_model *model, enum exercise which, uint64_t *digest,
                                  struct hone_error *err)
{
    const struct hone_model_info *info = hone_model_info(model);
    void *out = NULL;
    size_t *starts = NULL, width = sizeof(struct hone_word), step = 0; /* without what fills a struct up */
    enum hone_status status;
    if (which == EXERCISE_TOKENS) {
        width = sizeof(float) * (strcmp(info->pooling, "tokens") == 0 ? info->n_dims : info->n_embd);
        status = hone_embed_tokens(model, texts, N_TEXTS, NULL, (float **)&out, &starts, NULL, err);
    } else if (which == EXERCISE_LABELS) {
        width = sizeof(float) * info->n_labels;
        status = hone_classify_tokens(model, texts, N_TEXTS, NULL, (float **)&out, &starts, NULL, err);
    } else if (which == EXERCISE_ANSWERS) {
        width = offsetof(struct hone_answer, score) + sizeof(float);
        step = sizeof(struct hone_answer);
        status = hone_answer(model, texts, texts, N_TEXTS, NULL, NULL, (struct hone_answer **)&out, &starts,
                             NULL, err);
    } else if (which == EXERCISE_SPANS) {
        width = offsetof(struct hone_labeled_span, score) + sizeof(float);
        step = sizeof(struct hone_labeled_span);
        status = hone_find_spans(model, texts, N_TEXTS, texts, N_TEXTS, NULL, NULL,
                                 (struct hone_labeled_span **)&out, &starts, NULL, err);
    } else {
        status =
            hone_embed_sparse(model, texts, N_TEXTS, NULL, (struct hone_word **)&out, &starts, NULL, err);
    }
    *digest = status == HONE_OK;
    for (size_t i = 0; status == HONE_OK && i < starts[N_TEXTS]; i++)
        *digest = 31 * *digest + digest_of((const char *)out + i * (step ? step : width), width);
    hone_free(out);
    hone_free(starts);
    return status;
}

static enum hone_status write_on(struct hone_model *model, uint64_t *digest, struct hone_error *err)
{
    struct hone_generation list[N_TEXTS] = {{.prompt = texts[0], .max_tokens = N_WRITTEN, .ignore_end = true},
                                            {.prompt = texts[1], .max_tokens = N_WRITTEN, .n_draft = 2}};
    enum hone_status status = hone_generate(model, list, N_TEXTS, NULL, err);
    *digest = status != HONE_OK
                  ? 0
                  : digest_of(list[0].out_ids, list[0].n_out * sizeof *list[0].out_ids) ^
                        digest_of(list[1].out_ids, list[1].n_out * sizeof *list[1].out_ids) << 1;
    for (size_t i = 0; i < N_TEXTS; i++)
        hone_generation_release(&list[i]);
    return status;
}

void exercise_model(struct hone_model *model, struct outcome *outcomes)
{
    for (enum exercise which = 0; which < EXERCISE_N; which++) {
        struct outcome *o = &outcomes[which];
        struct hone_error err = {0};
        *o = (struct outcome){0};
        o->status = which == EXERCISE_GENERATE ? write_on(model, &o->digest, &err)
                    : which >= EXERCISE_TOKENS && which <= EXERCISE_SPANS
                        ? make_rows(model, which, &o->digest, &err)
                        : fill_rows(model, which, &o->digest, &err);
        if (o->status != HONE_OK)
            memcpy(o->sentence, err.message, sizeof o->sentence);
    }
}
