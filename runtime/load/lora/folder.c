/* PEFT's folders: adapter_config.json and adapter_model.safetensors. */
#include "runtime/load/import/folder.h"
#include "runtime/load/import/keys.h"
#include "runtime/load/lora/lora.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char config_name[] = "adapter_config.json", weights_name[] = "adapter_model.safetensors";

/* What the product has to know, and what has no effect on it. */
static const struct key_spec known[] = {
    {"peft_type", "\"LORA\""},
    {"r", NULL},
    {"lora_alpha", NULL},
    {"use_rslora", "true|false"},
    {"fan_in_fan_out", "true|false"},
    {"bias", "\"none\""},
    {"use_dora", "false"},
    {"lora_bias", "false"},
    {"use_qalora", "false"},
    {"modules_to_save", "[]"},
    {"rank_pattern", NULL},
    {"alpha_pattern", "{}"},
    {"trainable_token_indices", "[]"},
    {"layer_replication", "[]"},
    {"alora_invocation_tokens", "[]"},
    {"base_model_name_or_path", NULL},
    {"task_type", NULL},
    {"auto_mapping", NULL},
    {"inference_mode", NULL},
    {"revision", NULL},
    {"peft_version", NULL},
    {"lora_dropout", NULL},
    /* Others (pissa, olora, corda, loftq) change the weights that the adapter is added to. */
    {"init_lora_weights", "true|false|\"gaussian\"|\"eva\"|\"orthogonal\""},
    {"layers_*", NULL},
    {"target_*", NULL},
    {"exclude_modules", NULL},
    {"megatron_*", NULL},
    {"loftq_config", NULL},
    {"eva_config", NULL},
    {"corda_config", NULL},
    {"lora_ga_config", NULL},
    {"qalora_group_size", NULL},
    {"runtime_config", NULL},
    {"ensure_weight_tying", NULL},
    {NULL, NULL},
};

bool lora_is_beside(const char *dir)
{
    char path[PATH_MAX];
    int n = snprintf(path, sizeof path, "%s/%s", dir, config_name);
    return n > 0 && n < (int)sizeof path && access(path, F_OK) == 0;
}

struct peft {
    const char *dir;
    struct safetensors *tensors, *changes; /* changes: matrices, by the model's own names */
    struct gguf *memory;                   /* that owns their data */
    float alpha;
    bool root; /* alpha is divided by the rank's root */
    float scale;
    const struct arch *arch; /* of the model */
    uint64_t room;           /* numbers that the model has, but for those of changes so far */
};

static float *floats_of(const struct safetensor *t, bool turned)
{
    return lora_floats(t->type, t->data, (size_t)t->dims[0], (size_t)t->dims[1], turned);
}

/* Whether a name ends as a pattern says, in which %u is a number. */
static bool ends_as(const char *name, const char *pattern)
{
    while (*pattern) {
        size_t n = strspn(name, "0123456789");
        if (pattern[0] == '%' && n == 0)
            return false;
        if (pattern[0] != '%' && *name != *pattern)
            return false;
        name += pattern[0] == '%' ? n : 1;
        pattern += pattern[0] == '%' ? 2 : 1;
    }
    return strcmp(name, ".weight") == 0;
}

/* Whether the family writes a matrix as [n_in, n_out]. PEFT asks the layer, too, and sets fan_in_fan_out by it, whatever the
 * adapter says. */
static bool is_turned(const struct arch *arch, const char *name)
{
    for (const struct hf_form *const *f = arch->forms; *f; f++)
        for (const struct hf_name *n = (*f)->names; n && n->gguf; n++)
            for (const char *at = name; at && n->cut == CUT_TRANSPOSED; at = strchr(at, '.')) {
                at += *at == '.';
                if (ends_as(at, n->hf))
                    return true;
            }
    return false;
}

/* a: [rank, n_in], b: [n_out, rank]; of a table of embeddings n_in are its rows. */
static enum hone_status make_change(struct peft *p, const char *name, bool table, const struct safetensor *a,
                                    const struct safetensor *b, struct hone_error *err)
{
    size_t size;
    const bool turned = table || is_turned(p->arch, name);
    if (!a->type || !b->type || a->n_dims != 2 || b->n_dims != 2 || a->dims[0] != b->dims[1] ||
        a->size == 0 || b->size == 0 || a->dims[1] > INT32_MAX || b->dims[0] > INT32_MAX)
        return hone_fail(err, HONE_BAD_MODEL, "%s: '%s' and its partner do not fit each other", p->dir,
                         a->name);
    const size_t rank = (size_t)a->dims[0], n_in = (size_t)a->dims[1], n_out = (size_t)b->dims[0];
    const float scale = p->scale * p->alpha / (p->root ? sqrtf((float)rank) : (float)rank);
    /* Two vectors of a file stand for a matrix of any size; the model has none that is larger than itself. */
    if (n_in * n_out > p->room)
        return hone_fail(err, HONE_BAD_MODEL,
                         "%s: the adapter changes more than the model has, with '%s' of %zu by %zu: it is of "
                         "another model",
                         p->dir, name, n_out, n_in);
    p->room -= n_in * n_out;
    if (__builtin_mul_overflow(n_in * n_out, sizeof(float), &size))
        return hone_no_memory(err, name, SIZE_MAX);
    float *l = floats_of(b, false), *r = floats_of(a, true), *delta = malloc(size);
    bool ok = l && r && delta && gguf_own_memory(p->memory, delta);
    if (ok && turned)
        lora_product(delta, r, l, n_in, n_out, rank, scale);
    else if (ok)
        lora_product(delta, l, r, n_out, n_in, rank, scale);
    else {
        free(delta);
        delta = NULL;
    }
    free(l);
    free(r);
    const struct safetensor made = {.name = name,
                                    .dtype = "F32",
                                    .type = quant_type_by_id(QUANT_F32),
                                    .n_dims = 2,
                                    .dims = {turned ? n_in : n_out, turned ? n_out : n_in, 1, 1, 1, 1, 1, 1},
                                    .size = size,
                                    .data = delta};
    return ok ? safetensors_put(p->changes, &made, err) : hone_no_memory(err, name, size);
}

static const char *bare(const char *name)
{
    static const char start[] = "base_model.model.";
    return strncmp(name, start, strlen(start)) == 0 ? name + strlen(start) : name;
}

/* How the names of a pair end. */
struct lora_ends {
    const char *a, *b;
    bool table;
};

static bool ends_with(const char *name, const char *end)
{
    const size_t n = strlen(name), n_end = strlen(end);
    return n > n_end && n < 500 && strcmp(name + n - n_end, end) == 0;
}

static const struct lora_ends *ends_of(const char *name)
{
    static const struct lora_ends known_ends[] = {{".lora_A.weight", ".lora_B.weight", false},
                                                  {".lora_embedding_A", ".lora_embedding_B", true}};
    for (size_t i = 0; i < sizeof known_ends / sizeof *known_ends; i++)
        if (ends_with(name, known_ends[i].a) || ends_with(name, known_ends[i].b))
            return &known_ends[i];
    return &known_ends[0];
}

static enum hone_status make_changes(struct peft *p, struct hone_error *err)
{
    enum hone_status status = HONE_OK;
    for (size_t i = 0; i < safetensors_n(p->tensors) && status == HONE_OK; i++) {
        char other[600], name[600];
        const struct safetensor *t = safetensors_at(p->tensors, i);
        const struct lora_ends *ends = ends_of(t->name);
        const bool is_a = ends_with(t->name, ends->a), is_b = ends_with(t->name, ends->b);
        const size_t n = strlen(t->name), n_end = is_a || is_b ? strlen(ends->a) : n;
        snprintf(other, sizeof other, "%.*s%s", (int)(n - n_end), t->name, is_a ? ends->b : ends->a);
        const struct safetensor *b = safetensors_find(p->tensors, other);
        if ((!is_a && !is_b) || !b)
            return hone_fail(
                err, HONE_BAD_MODEL,
                "%s: the tensor '%.300s' of the adapter is not supported, expected pairs of lora_A.weight "
                "and lora_B.weight, or of lora_embedding_A and lora_embedding_B",
                p->dir, t->name);
        snprintf(name, sizeof name, "%.*s.weight", (int)(n - n_end - (size_t)(bare(t->name) - t->name)),
                 bare(t->name));
        if (is_a)
            status = make_change(p, name, ends->table, t, b, err);
    }
    return status;
}

static enum hone_status read_config(struct peft *p, struct hone_error *err)
{
    char path[PATH_MAX];
    json_t *config;
    struct keys keys = {.force = false};
    enum hone_status status = folder_json_in(p->dir, config_name, true, &config, err);
    if (status != HONE_OK)
        return status;
    snprintf(path, sizeof path, "%s/%s", p->dir, config_name);
    status = keys_check(&keys, path, config, (const struct key_spec *const[]){known, NULL}, err);
    keys_release(&keys);
    const double alpha = json_number_value(json_object_get(config, "lora_alpha"));
    if (status == HONE_OK && !(alpha > 0 && alpha < 1e6))
        status = hone_fail(err, HONE_BAD_MODEL, "%s: 'lora_alpha' should be a number above 0", path);
    p->alpha = (float)alpha;
    p->root = json_is_true(json_object_get(config, "use_rslora"));
    json_decref(config);
    return status;
}

/* A head that is tied to the token embeddings keeps them as they were: PEFT changes the looking up alone. */
static bool is_tied(const struct gguf *g, const struct arch *arch)
{
    const bool told = arch->causal || arch->has_decoder || gguf_find_tensor(g, "mlm.weight");
    return told && !gguf_find_tensor(g, "mlm.output.weight") && !gguf_find_tensor(g, "output.weight");
}

static enum hone_status add_changes(struct gguf *g, const struct gguf *changes, const struct arch *arch,
                                    const char *dir, struct hone_error *err)
{
    enum hone_status status = HONE_OK;
    if (gguf_find_tensor(changes, "token_embd.weight") && is_tied(g, arch))
        return hone_fail(err, HONE_BAD_MODEL,
                         "%s: the adapter changes the token embeddings, which the model's head is tied to: "
                         "that is not supported",
                         dir);
    for (size_t i = 0; i < gguf_n_tensors(changes) && status == HONE_OK; i++) {
        const struct gguf_tensor *t = gguf_tensor_at(changes, i);
        status = lora_add(g, t->name, t->data, t->dims[1], t->dims[0], dir, err);
    }
    return status;
}

static const struct arch *arch_of(const struct gguf *g)
{
    char name[64] = "";
    struct hone_text text = {"", 0};
    if (gguf_get_text(g, "general.architecture", &text, NULL) == HONE_OK && text.size < sizeof name)
        memcpy(name, text.data, text.size);
    return arch_by_name(name);
}

static uint64_t n_numbers(const struct gguf *g)
{
    uint64_t n = 0;
    for (size_t i = 0; i < gguf_n_tensors(g); i++) {
        const struct gguf_tensor *t = gguf_tensor_at(g, i);
        n += t->dims[0] * t->dims[1] * t->dims[2] * t->dims[3];
    }
    return n;
}

enum hone_status lora_merge_folder(struct gguf *g, const char *dir, float scale, struct hone_error *err)
{
    const struct arch *arch = arch_of(g);
    struct peft p = {.dir = dir, .scale = scale, .memory = gguf_new(dir), .arch = arch, .room = n_numbers(g)};
    struct gguf *changes = NULL;
    enum hone_status status = p.memory ? HONE_OK : hone_no_memory(err, dir, sizeof p);
    if (status == HONE_OK && !arch)
        status = hone_fail(err, HONE_BAD_MODEL, "%s: the architecture is not known", gguf_path(g));
    if (status == HONE_OK)
        status = read_config(&p, err);
    if (status == HONE_OK)
        status = safetensors_open_file(&p.tensors, dir, weights_name, err);
    if (status == HONE_OK)
        status = safetensors_open_file(&p.changes, dir, NULL, err);
    if (status == HONE_OK)
        status = make_changes(&p, err);
    if (status == HONE_OK)
        status = import_changes(&changes, g, arch, p.changes, dir, err);
    if (status == HONE_OK)
        status = add_changes(g, changes, arch, dir, err);
    gguf_close(&changes);
    safetensors_close(&p.changes);
    safetensors_close(&p.tensors);
    gguf_close(&p.memory);
    return status;
}
