/* jina-reranker-v3 (Wang et al., 2025, arXiv:2509.25085): Qwen 3 and two matrices behind it, by which what is read together is
 * compared (infer/listwise.h). The folder has a class of its own, and says nothing of how long texts may be: its code does. */
#include "runtime/load/import/folder.h"

#include "runtime/load/import/keys.h"
#include "runtime/load/import/sentence/modules.h"

#include <stdio.h>
#include <string.h>

static bool is_listwise(const struct folder *f)
{
    const json_t *list = json_object_get(f->config, "architectures"),
                 *map = json_object_get(f->config, "auto_map");
    const char *class = json_string_value(json_array_get(list, 0)),
               *mapped = json_string_value(json_object_get(map, "AutoModel")),
               *dot = mapped ? strrchr(mapped, '.') : NULL;
    static const char name[] = "JinaForRanking";
    return (class && strcmp(class, name) == 0) || (dot && strcmp(dot + 1, name) == 0);
}

/* Of the second matrix no activation is told; the first one's is the one that torch numbers between them. */
static enum hone_status add_matrices(struct folder *f, struct hone_error *err)
{
    static const char *const names[2][2] = {{"projector.0.weight", "dense_2.weight"},
                                            {"projector.2.weight", "dense_3.weight"}};
    static const struct hone_text modules[] = {{"dense_2", 7}, {"dense_3", 7}};
    enum hone_status status = HONE_OK;
    for (size_t i = 0; i < 2 && status == HONE_OK; i++) {
        const struct safetensor *t = safetensors_find(f->tensors, names[i][0]);
        if (!t)
            return hone_fail(err, HONE_BAD_MODEL, "%s: a listwise reranker without the tensor '%s'", f->dir,
                             names[i][0]);
        f->projections[i] = t;
        status = folder_add_tensor(f, names[i][1], t, 0, t->dims[0], err);
    }
    if (status != HONE_OK)
        return status;
    return folder_set(gguf_set_texts(f->g, "hone.modules", modules, 2) &&
                          gguf_set_string(f->g, "hone.dense_2.activation", "relu"),
                      "hone.modules", err);
}

enum hone_status import_listwise(struct folder *f, bool *is_one, struct hone_error *err)
{
    *is_one = f->arch->causal && is_listwise(f);
    if (!*is_one)
        return HONE_OK;
    if (f->modules->listed || f->two_sided)
        return hone_fail(err, HONE_BAD_MODEL, "%s: the class 'JinaForRanking' %s, which is not supported",
                         f->dir, f->two_sided ? "in a model that sees both sides" : "beside a modules.json");
    /* The code of version 3.5, whose layers are the first with windows, lets texts be longer. */
    const bool longer = json_is_true(json_object_get(f->config, "use_sliding_window"));
    enum hone_status status = add_matrices(f, err);
    if (status == HONE_OK)
        status = folder_set(gguf_set_string(f->g, "hone.head", "listwise") &&
                                gguf_set_u32(f->g, "hone.query_length", longer ? 1024 : 512) &&
                                gguf_set_u32(f->g, "hone.document_length", longer ? 8192 : 2048),
                            "hone.head", err);
    return status;
}
