/* hone_generate: a generator of its own for each call. */
#include "runtime/base/sizes.h"
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

enum hone_status hone_generate(struct hone_model *model, struct hone_generation *list, size_t n,
                               struct hone_stats *stats, struct hone_error *err)
{
    struct generate_call call = {.err = err};
    struct hone_stats own = {0};
    struct generator *gen;
    for (size_t i = 0; i < n; i++) {
        enum hone_status status = sizes_check(list[i].size, sizeof *list, "hone_generation", err);
        if (status != HONE_OK)
            return status;
        list[i].results = NULL;
        list[i].n_results = 0;
    }
    pthread_mutex_lock(&model->lock);
    enum hone_status status = generator_new(&gen, model, &clock_monotonic, on_end, &call, err);
    for (size_t i = 0; i < n && status == HONE_OK; i++)
        status = generator_add(gen, &list[i], err);
    while (status == HONE_OK && call.status == HONE_OK && generator_n_texts(gen) > 0) {
        generator_step(gen, &own);
        status = ask(list, n, err);
    }
    generator_free(gen);
    pthread_mutex_unlock(&model->lock);
    if (stats) {
        stats->n_texts += n;
        stats->n_tokens += own.n_tokens;
    }
    return status == HONE_OK ? call.status : status;
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
}
