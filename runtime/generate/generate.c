/* hone_generate: a generator of its own for each call. */
#include "runtime/base/sizes.h"
#include "runtime/generate/compiled.h"
#include "runtime/generate/generator.h"
#include "runtime/generate/result.h"
#include "runtime/infer/model.h"

#include <stdlib.h>

struct generate_call {
    enum hone_status status;
    struct hone_error *err;
};

/* The first failure is the call's. */
static void on_end(void *arg, struct hone_generation *g, enum hone_status status, const char *message)
{
    struct generate_call *call = arg;
    (void)g;
    if (status != HONE_OK && call->status == HONE_OK)
        call->status = hone_fail(call->err, status, "%s", message);
}

/* Whether all whom a step was made for want another one. */
static enum hone_status ask(const struct hone_generation *list, size_t n, struct hone_error *err)
{
    for (size_t i = 0; i < n; i++)
        if (list[i].on_step && !list[i].on_step(list[i].arg))
            return hone_fail(err, HONE_CANCELLED, "the call was cancelled by on_step");
    return HONE_OK;
}

static void release_compiled(struct compiled **compiled, size_t n)
{
    for (size_t i = 0; compiled && i < n; i++)
        compiled_release(compiled[i]);
    free(compiled);
}

/* What the texts must look like, before the model's lock is taken: it may take long. */
static enum hone_status compile_all(struct compiled ***out, const struct hone_generation *list, size_t n,
                                    struct hone_error *err)
{
    *out = calloc(n + 1, sizeof **out);
    enum hone_status status = *out ? HONE_OK : hone_no_memory(err, "texts", n * sizeof **out);
    for (size_t i = 0; i < n && status == HONE_OK; i++)
        status = compiled_of(&(*out)[i], &list[i], NULL, err);
    return status;
}

/* All texts, with the model's lock. */
static enum hone_status generate_all(struct hone_model *model, struct hone_generation *list,
                                     struct compiled **compiled, size_t n, struct hone_stats *stats,
                                     struct hone_error *err)
{
    struct generate_call call = {.err = err};
    struct generator *gen;
    enum hone_status status = generator_new(&gen, model, &clock_monotonic, on_end, &call, err);
    for (size_t i = 0; i < n && status == HONE_OK; i++)
        status = generator_add(gen, &list[i], compiled[i], err);
    while (status == HONE_OK && call.status == HONE_OK && generator_n_texts(gen) > 0) {
        generator_step(gen, stats);
        status = ask(list, n, err);
    }
    generator_free(gen);
    return status == HONE_OK ? call.status : status;
}

enum hone_status hone_generate(struct hone_model *model, struct hone_generation *list, size_t n,
                               struct hone_stats *stats, struct hone_error *err)
{
    struct hone_stats own = {0};
    struct compiled **compiled;
    for (size_t i = 0; i < n; i++) {
        enum hone_status status = sizes_check(list[i].size, sizeof *list, "hone_generation", err);
        if (status != HONE_OK)
            return status;
        list[i].results = NULL;
        list[i].n_results = 0;
        list[i].notes = NULL;
    }
    enum hone_status status = compile_all(&compiled, list, n, err);
    if (status == HONE_OK) {
        pthread_mutex_lock(&model->lock);
        status = generate_all(model, list, compiled, n, &own, err);
        pthread_mutex_unlock(&model->lock);
    }
    release_compiled(compiled, n);
    if (stats) {
        stats->n_texts += n;
        stats->n_tokens += own.n_tokens;
    }
    return status;
}

void hone_generation_release(struct hone_generation *g)
{
    for (size_t i = 0; i < g->n_results; i++)
        result_release_generated(&g->results[i]);
    free(g->results);
    g->results = NULL;
    g->n_results = 0;
    g->out_ids = NULL;
    g->text = NULL;
    g->n_out = g->text_size = 0;
    free(g->notes);
    free(g->prompt_ids);
    free(g->prompt_values);
    free(g->prompt_top);
    g->notes = NULL;
    g->prompt_ids = NULL;
    g->prompt_values = NULL;
    g->prompt_top = NULL;
}
