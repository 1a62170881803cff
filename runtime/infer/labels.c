/* What a classifier's labels are called. */
#include "runtime/infer/model.h"

#include "runtime/base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char *model_copy_text(struct hone_text text)
{
    char *copy = malloc(text.size + 1);
    if (copy)
        *text_put(copy, text) = 0;
    return copy;
}

static int compare_labels(const void *a, const void *b)
{
    return strcmp(**(char **const *)a, **(char **const *)b);
}

/* Labels of texts that are called the same could not be told apart where results go by name: each gets its number. (Tokens
 * of one name are joined by it.) */
static enum hone_status number_labels(struct hone_model *model, struct hone_error *err)
{
    size_t n = model->net.hp.n_labels;
    bool number_next = false;
    char ***sorted = calloc(n + 1, sizeof *sorted), *numbered;
    enum hone_status status = sorted ? HONE_OK : hone_no_memory(err, "labels", n * sizeof *sorted);
    for (size_t i = 0; i < n && sorted; i++)
        sorted[i] = &model->labels[i];
    if (sorted)
        qsort(sorted, n, sizeof *sorted, compare_labels);
    for (size_t i = 0; i < n && status == HONE_OK; i++) {
        bool number = number_next;
        number_next = i + 1 < n && strcmp(*sorted[i], *sorted[i + 1]) == 0;
        if (!number && !number_next)
            continue;
        if (asprintf(&numbered, "%s (%td)", *sorted[i], sorted[i] - model->labels) < 0) {
            status = hone_no_memory(err, "a label", strlen(*sorted[i]));
        } else {
            free(*sorted[i]);
            *sorted[i] = numbered;
        }
    }
    free(sorted);
    return status;
}

enum hone_status model_load_labels(struct hone_model *model, struct hone_error *err)
{
    const struct net *m = &model->net;
    char key[128];
    snprintf(key, sizeof key, "%s.classifier.output_labels", m->arch->name);
    const struct gguf_value *v = gguf_find(m->gguf, key);
    if (v && (!v->is_array || v->type != GGUF_STRING || v->n != m->hp.n_labels))
        return hone_fail(err, HONE_BAD_MODEL, "%s: the key '%s' should be %zu strings, one a label",
                         gguf_path(m->gguf), key, m->hp.n_labels);
    model->labels = calloc(m->hp.n_labels + 1, sizeof *model->labels);
    if (!model->labels)
        return hone_no_memory(err, "labels", m->hp.n_labels * sizeof *model->labels);
    for (size_t i = 0; i < m->hp.n_labels; i++) {
        char name[32];
        int size = snprintf(name, sizeof name, "LABEL_%zu", i);
        model->labels[i] = model_copy_text(v ? v->strings[i] : (struct hone_text){name, (size_t)size});
        if (!model->labels[i])
            return hone_no_memory(err, "a label", v ? v->strings[i].size : sizeof name);
    }
    return m->hp.head == HEAD_TOKEN_LABELS || m->hp.head == HEAD_ANSWERS ? HONE_OK
                                                                         : number_labels(model, err);
}
