/* What the public functions that turn texts into numbers have in common. */
#ifndef RUNTIME_INFER_TASKS_H
#define RUNTIME_INFER_TASKS_H

#include "runtime/infer/engine.h"

/* What a caller asked for, or the defaults where `given` is NULL. */
enum hone_status task_take_options(struct hone_run_options *out, const struct hone_run_options *given,
                                   struct hone_error *err);

/* Fills what `run` and the model say of out->output. `prompt`: a name, "" for none, NULL for the model's default. */
enum hone_status task_embed_request(const struct hone_model *model, const struct hone_run_options *run,
                                    const char *prompt, struct request *out, struct hone_error *err);

/* Whether the model classifies; `what` says of one without weights what it is. */
enum hone_status task_needs_head(const struct hone_model *model, const char *what, struct hone_error *err);

/* entities.c: the same for labels of tokens, for a model that has them. */
enum hone_status token_labels_request(const struct hone_model *model, const struct hone_run_options *how,
                                      struct request *out, struct hone_error *err);

/* fill.c: the same for words where tokens are masked, n_words each. */
enum hone_status fill_request(const struct hone_model *model, size_t n_words,
                              const struct hone_run_options *how, struct request *out,
                              struct hone_error *err);

/* answers.c: whether the model finds answers, and these options (or NULL) make sense. */
enum hone_status task_check_answers(const struct hone_model *model, const struct hone_answer_options *options,
                                    struct hone_error *err);

/* out: [n, n_labels] */
enum hone_status task_with_head(struct hone_model *model, const struct inputs *inputs,
                                const struct hone_run_options *run, float *out, struct hone_stats *stats,
                                struct hone_error *err);

/* A sink that keeps one row a text; NaN for those that were refused. */
struct rows {
    float *out;
    size_t width;
};
void task_store_rows(void *arg, size_t i, const float *row, size_t n_rows);

enum hone_status task_run_locked(struct hone_model *model, const struct request *request,
                                 struct hone_stats *stats, struct hone_error *err);

#endif
