/* What PEFT's folder changes, in the model's tensors: first what comes whole, then sums, then lengths. */
#include "runtime/load/lora/lora.h"

#include <string.h>

static const char table[] = "token_embd.weight", head[] = "output.weight";

/* A head that is tied to the token embeddings, and has no tensor of its own. */
static bool is_tied(const struct gguf *g, const struct arch *arch)
{
    const bool told = arch->causal || arch->has_decoder || gguf_find_tensor(g, "mlm.weight");
    return told && !gguf_find_tensor(g, "mlm.output.weight") && !gguf_find_tensor(g, head);
}

/* PEFT changes one of the two then, and the other stays as it was. */
static enum hone_status untie(struct gguf *g, const struct lora_sets *sets, const struct gguf *changes,
                              const struct arch *arch, const char *dir, struct hone_error *err)
{
    const bool touched = gguf_find_tensor(changes, table) || gguf_find_tensor(changes, head);
    if (!touched || !is_tied(g, arch))
        return HONE_OK;
    if (arch->causal && !arch->has_decoder && !sets->keeps_ties)
        return lora_untie(g, err);
    return hone_fail(err, HONE_BAD_MODEL,
                     "%s: the adapter changes the token embeddings, which the model's head is tied to%s: "
                     "that is not supported",
                     dir, sets->keeps_ties ? ", and is to stay so ('ensure_weight_tying')" : "");
}

static bool same_values(const struct gguf_tensor *a, const struct gguf_tensor *b)
{
    return a && b && a->type == b->type && a->size == b->size &&
           memcmp(a->data, b->data, (size_t)a->size) == 0;
}

/* Embeddings and head that PEFT wrote beside the adapter, though nobody trained them: loading either changes what both are. */
static enum hone_status check_both(const struct gguf *g, const struct gguf *changes, const struct arch *arch,
                                   const char *dir, struct hone_error *err)
{
    const struct gguf_tensor *own = gguf_find_tensor(changes, head),
                             *other = gguf_find_tensor(changes, table);
    if (!own || !other || !is_tied(g, arch) || same_values(own, other))
        return HONE_OK;
    return hone_fail(err, HONE_BAD_MODEL,
                     "%s: the adapter has a head, not in 'modules_to_save', which is not that of its token "
                     "embeddings, though the model's head is tied to them",
                     dir);
}

static enum hone_status replace_all(struct gguf *g, const struct gguf *whole, const struct arch *arch,
                                    const char *dir, struct hone_error *err)
{
    enum hone_status status = HONE_OK;
    for (size_t i = 0; i < gguf_n_tensors(whole) && status == HONE_OK; i++) {
        struct gguf_tensor t = *gguf_tensor_at(whole, i);
        if (strcmp(t.name, head) == 0 && is_tied(g, arch))
            t.name = table;
        status = lora_replace(g, &t, dir, err);
    }
    return status;
}

static enum hone_status apply_whole(struct gguf *g, const struct lora_sets *sets, const struct arch *arch,
                                    const char *dir, struct hone_error *err)
{
    struct gguf *whole = NULL;
    if (safetensors_n(sets->whole) == 0)
        return HONE_OK;
    enum hone_status status = import_changes(&whole, g, arch, sets->whole, true, dir, err);
    if (status == HONE_OK && sets->saves_embeddings)
        status = untie(g, sets, whole, arch, dir, err);
    else if (status == HONE_OK)
        status = check_both(g, whole, arch, dir, err);
    if (status == HONE_OK)
        status = replace_all(g, whole, arch, dir, err);
    gguf_close(&whole);
    return status;
}

static enum hone_status apply_changes(struct gguf *g, const struct lora_sets *sets, const struct arch *arch,
                                      const char *dir, struct hone_error *err)
{
    struct gguf *changes = NULL;
    enum hone_status status = import_changes(&changes, g, arch, sets->changes, false, dir, err);
    if (status == HONE_OK)
        status = untie(g, sets, changes, arch, dir, err);
    for (size_t i = 0; status == HONE_OK && i < gguf_n_tensors(changes); i++) {
        const struct gguf_tensor *t = gguf_tensor_at(changes, i);
        status = lora_add(g, t->name, t->data, t->dims[1], t->dims[0], dir, err);
    }
    gguf_close(&changes);
    return status;
}

static enum hone_status apply_lengths(struct gguf *g, const struct lora_sets *sets, const struct arch *arch,
                                      const char *dir, struct hone_error *err)
{
    struct gguf *lengths = NULL;
    if (safetensors_n(sets->lengths) == 0)
        return HONE_OK;
    enum hone_status status = import_changes(&lengths, g, arch, sets->lengths, false, dir, err);
    for (size_t i = 0; status == HONE_OK && i < gguf_n_tensors(lengths); i++)
        status = lora_set_lengths(g, gguf_tensor_at(lengths, i), dir, err);
    gguf_close(&lengths);
    return status;
}

enum hone_status lora_apply(struct gguf *g, const struct lora_sets *sets, const struct arch *arch,
                            const char *dir, struct hone_error *err)
{
    enum hone_status status = apply_whole(g, sets, arch, dir, err);
    if (status == HONE_OK)
        status = apply_changes(g, sets, arch, dir, err);
    return status == HONE_OK ? apply_lengths(g, sets, arch, dir, err) : status;
}
