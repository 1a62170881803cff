#include "runtime/infer/adaptations.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char names_key[] = "hone.adaptations", default_key[] = "hone.default_adaptation";

enum hone_status adaptations_load(struct hone_model *model, struct hone_error *err)
{
    const struct gguf *g = model->net.gguf;
    const struct gguf_value *names = gguf_find(g, names_key);
    struct hone_text usual = {NULL, 0};
    const size_t n = model->net.hp.n_adaptations; /* as many as there are names */
    enum hone_status status = gguf_get_text(g, default_key, &usual, err);
    if (status != HONE_OK || n == 0)
        return status;
    model->adaptations = calloc(n, sizeof *model->adaptations);
    if (!model->adaptations)
        return hone_no_memory(err, "tasks", n * sizeof *model->adaptations);
    for (size_t i = 0; i < n; i++) {
        const struct hone_text name = {names->strings[i].data, names->strings[i].size};
        model->adaptations[i] = model_copy_text(name);
        if (!model->adaptations[i])
            return hone_no_memory(err, "a task", name.size);
        if (usual.data && usual.size == name.size && memcmp(usual.data, name.data, name.size) == 0)
            model->default_adaptation = (uint32_t)i + 1;
    }
    if (!usual.data || model->default_adaptation > 0)
        return HONE_OK;
    return hone_fail(err, HONE_BAD_MODEL, "%s: the key '%s' names none of '%s'", gguf_path(g), default_key,
                     names_key);
}

void adaptations_free(struct hone_model *model)
{
    for (size_t i = 0; model->adaptations && i < model->net.hp.n_adaptations; i++)
        free(model->adaptations[i]);
    free(model->adaptations);
    model->adaptations = NULL;
}

const char *hone_model_adaptation(const struct hone_model *model, size_t i)
{
    return model->adaptations && i < model->net.hp.n_adaptations ? model->adaptations[i] : NULL;
}

static uint32_t find(const struct hone_model *model, const char *name)
{
    for (size_t i = 0; i < model->net.hp.n_adaptations; i++)
        if (strcmp(model->adaptations[i], name) == 0)
            return (uint32_t)i + 1;
    return 0;
}

static enum hone_status unknown(const struct hone_model *model, const char *name, struct hone_error *err)
{
    char known[512] = "";
    for (size_t i = 0; i < model->net.hp.n_adaptations; i++)
        snprintf(known + strlen(known), sizeof known - strlen(known), "%s%s", i ? ", " : "",
                 model->adaptations[i]);
    if (!*known)
        return hone_fail(err, HONE_USAGE, "%s has no adapters for tasks, and none for '%s'", model->path,
                         name);
    return hone_fail(err, HONE_USAGE, "the model has no adapter for the task '%s', expected one of: %s", name,
                     known);
}

enum hone_status adaptations_choose(const struct hone_model *model, const struct hone_run_options *run,
                                    const char **name, uint32_t *number, struct hone_error *err)
{
    /* As Jina's models call a search's sides. */
    const char *side = run->as == HONE_ROLE_QUERY      ? "retrieval.query"
                       : run->as == HONE_ROLE_DOCUMENT ? "retrieval.passage"
                                                       : NULL;
    *name = NULL;
    *number = 0;
    if (run->adaptation) {
        *number = find(model, run->adaptation);
        if (*number == 0 && *run->adaptation)
            return unknown(model, run->adaptation, err);
    } else {
        *number = side ? find(model, side) : 0;
        if (*number == 0)
            *number = model->default_adaptation;
    }
    if (*number > 0)
        *name = model->adaptations[*number - 1];
    return HONE_OK;
}
