#include "runtime/load/import/pickle.h"

#include "runtime/base/text.h"
#include "runtime/load/import/pickle_machine.h"

#include <stdlib.h>

static bool read_sizes(const struct pickle_machine *m, const struct pickle_node *tuple, uint64_t *out)
{
    for (size_t i = 0; i < tuple->n_items; i++) {
        const struct pickle_node *n = pickle_item(m, tuple, i);
        if (n->kind != K_INT || n->number < 0)
            return false;
        out[i] = (uint64_t)n->number;
    }
    return true;
}

static enum hone_status add_tensor(struct pickle *out, const struct pickle_machine *m, struct hone_text name,
                                   const struct pickle_node *t)
{
    struct pickle_tensor *tensor = &out->tensors[out->n];
    const struct pickle_node *storage = &m->nodes[t->storage], *offset = pickle_item(m, t, 0),
                             *dims = pickle_item(m, t, 1), *strides = pickle_item(m, t, 2);
    *tensor = (struct pickle_tensor){.name = name,
                                     .storage = storage->text,
                                     .dtype = storage->global->dtype,
                                     .item_size = storage->global->item_size,
                                     .offset = (uint64_t)offset->number,
                                     .n_dims = (unsigned)dims->n_items};
    bool good = offset->number >= 0 && dims->n_items <= PICKLE_MAX_DIMS &&
                strides->n_items == dims->n_items && read_sizes(m, dims, tensor->dims) &&
                read_sizes(m, strides, tensor->strides);
    if (!good)
        return hone_fail(m->err, HONE_BAD_MODEL, "%s: the shape of tensor '%.*s' is none", m->path,
                         (int)(name.size < 100 ? name.size : 100), name.data);
    out->n++;
    return HONE_OK;
}

/* The dictionary itself, or that under "state_dict" in it. */
static const struct pickle_node *find_tensors(const struct pickle_machine *m, const struct pickle_node *top)
{
    for (size_t i = 0; i + 1 < top->n_items; i += 2) {
        const struct pickle_node *key = pickle_item(m, top, i), *value = pickle_item(m, top, i + 1);
        if (key->kind == K_TEXT && text_is(key->text, "state_dict") && value->kind == K_DICT)
            return value;
    }
    return top;
}

static enum hone_status collect(struct pickle *out, const struct pickle_machine *m,
                                const struct pickle_node *top)
{
    enum hone_status status = HONE_OK;
    if (top->kind == K_LIST) {
        out->texts = calloc(top->n_items + 1, sizeof *out->texts);
        for (size_t i = 0; out->texts && i < top->n_items; i++)
            out->texts[out->n_texts++] = pickle_item(m, top, i)->text;
        return out->texts ? HONE_OK : hone_no_memory(m->err, m->path, top->n_items * sizeof *out->texts);
    }
    if (top->kind != K_DICT)
        return HONE_OK;
    top = find_tensors(m, top);
    out->tensors = calloc(top->n_items / 2 + 1, sizeof *out->tensors);
    if (!out->tensors)
        return hone_no_memory(m->err, m->path, top->n_items * sizeof *out->tensors);
    for (size_t i = 0; i + 1 < top->n_items && status == HONE_OK; i += 2) {
        const struct pickle_node *key = pickle_item(m, top, i), *value = pickle_item(m, top, i + 1);
        if (key->kind == K_TEXT && value->kind == K_TENSOR)
            status = add_tensor(out, m, key->text, value);
    }
    return status;
}

enum hone_status pickle_read(struct pickle *out, const void *data, size_t size, const char *path,
                             struct hone_error *err)
{
    struct pickle_machine m = {.data = data, .size = size, .path = path, .err = err, .status = HONE_OK};
    *out = (struct pickle){0};
    uint32_t top = pickle_machine_run(&m);
    out->size = m.at;
    enum hone_status status = m.status == HONE_OK ? collect(out, &m, &m.nodes[top]) : m.status;
    pickle_machine_release(&m);
    if (status != HONE_OK)
        pickle_release(out);
    return status;
}

void pickle_release(struct pickle *p)
{
    free(p->tensors);
    free(p->texts);
    *p = (struct pickle){0};
}
