/* BGE-M3's heads beside the dense vector: what a token weighs as a word of its text, and a vector of each token. They lie in
 * files of torch.save beside the model's, of which nothing is executed. */
#include "runtime/load/import/folder.h"
#include "runtime/load/import/sentence/modules.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static enum hone_status add_head(struct folder *f, const char *file, const char *name, bool one_row,
                                 struct safetensors *tensors, struct hone_error *err)
{
    char gguf[64];
    const struct safetensor *weight = safetensors_find(tensors, "weight"),
                            *bias = safetensors_find(tensors, "bias");
    size_t n_embd = 0;
    snprintf(gguf, sizeof gguf, "%s.embedding_length", f->arch->name);
    enum hone_status status = gguf_get_size(f->g, gguf, UINT32_MAX, &n_embd, err);
    if (status != HONE_OK)
        return status;
    if (!weight || safetensors_n(tensors) != (bias ? 2 : 1) || weight->n_dims != 2 ||
        weight->dims[1] != n_embd || (one_row && weight->dims[0] != 1))
        return hone_fail(err, HONE_BAD_MODEL,
                         "%s/%s: expected 'weight' of %s of %zu numbers, and perhaps 'bias'",
                         f->modules->root, file, one_row ? "one row" : "rows", n_embd);
    snprintf(gguf, sizeof gguf, "%s.weight", name);
    status = folder_add_tensor(f, gguf, weight, 0, weight->dims[0], err);
    snprintf(gguf, sizeof gguf, "%s.bias", name);
    return status == HONE_OK && bias ? folder_add_tensor(f, gguf, bias, 0, bias->dims[0], err) : status;
}

static enum hone_status import_head(struct folder *f, const char *file, const char *name, bool one_row,
                                    struct hone_error *err)
{
    char path[PATH_MAX];
    struct safetensors *tensors;
    const char *root = f->modules->root;
    if (snprintf(path, sizeof path, "%s/%s", root, file) >= PATH_MAX || access(path, F_OK) != 0)
        return HONE_OK;
    enum hone_status status = safetensors_open_file(&tensors, root, file, err);
    if (status == HONE_OK)
        status = add_head(f, file, name, one_row, tensors, err);
    if (status == HONE_OK && !safetensors_give_mappings(tensors, f->g))
        status = hone_no_memory(err, path, sizeof *f);
    safetensors_close(&tensors);
    return status;
}

enum hone_status import_token_heads(struct folder *f, struct hone_error *err)
{
    if (f->n_labels > 0 || f->tells_words || f->arch->causal || f->arch->has_decoder)
        return HONE_OK;
    enum hone_status status = import_head(f, "sparse_linear.pt", "lexical", true, err);
    return status == HONE_OK ? import_head(f, "colbert_linear.pt", "multi_vector", false, err) : status;
}
