/* PEFT's folders: adapter_config.json and adapter_model.safetensors. */
#include "runtime/load/import/folder.h"
#include "runtime/load/lora/config.h"
#include "runtime/load/lora/lora.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char weights_name[] = "adapter_model.safetensors";

bool lora_is_beside(const char *dir)
{
    char path[PATH_MAX];
    int n = snprintf(path, sizeof path, "%s/%s", dir, lora_config_name);
    return n > 0 && n < (int)sizeof path && access(path, F_OK) == 0;
}

struct peft {
    const char *dir;
    struct lora_config config;
    struct safetensors *tensors;
    struct lora_sets sets;
    struct gguf *memory; /* that owns what was made */
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

static const char *bare(const char *name)
{
    static const char start[] = "base_model.model.";
    return strncmp(name, start, strlen(start)) == 0 ? name + strlen(start) : name;
}

/* ---- what is made of tensors ---- */

/* Where there are lengths: those of the sum's rows, as a matrix that is cut as that is. */
static enum hone_status put_lengths(struct peft *p, const char *name, bool table, const struct safetensor *a,
                                    size_t n_out, bool turned, struct hone_error *err)
{
    char full[700];
    const size_t n = strlen(a->name) - strlen(table ? ".lora_embedding_A" : ".lora_A.weight");
    snprintf(full, sizeof full, "%.*s.lora_magnitude_vector", (int)n, a->name);
    const struct safetensor *t = safetensors_find(p->tensors, full);
    if (!t) {
        snprintf(full, sizeof full, "%.*s.lora_magnitude_vector.weight", (int)n, a->name);
        t = safetensors_find(p->tensors, full);
    }
    if (!t && !p->config.dora)
        return HONE_OK;
    if (!t || !p->config.dora || !t->type || t->n_dims != 1 || t->dims[0] != n_out || t->size == 0)
        return hone_fail(err, HONE_BAD_MODEL,
                         "%s: where 'use_dora' is true, and only there, '%.200s' should have lengths "
                         "(lora_magnitude_vector) of its %zu rows",
                         p->dir, name, n_out);
    struct safetensor lengths = *t;
    lengths.name = name;
    lengths.n_dims = 2;
    lengths.dims[0] = turned ? 1 : n_out;
    lengths.dims[1] = turned ? n_out : 1;
    return safetensors_put(p->sets.lengths, &lengths, err);
}

/* A bias behind the product: it is scaled, too. */
static enum hone_status put_bias(struct peft *p, const char *module, const struct safetensor *t,
                                 struct hone_error *err)
{
    char name[700];
    float scale = 0;
    snprintf(name, sizeof name, "%s.lora_A.weight", module);
    const struct safetensor *a = safetensors_find(p->tensors, name);
    if (!a || !t->type || t->n_dims != 1 || t->size == 0 || a->n_dims != 2 || a->dims[0] == 0)
        return hone_fail(err, HONE_BAD_MODEL, "%s: '%s' should be a vector beside a pair of matrices", p->dir,
                         t->name);
    snprintf(name, sizeof name, "%s.weight", bare(module));
    enum hone_status status = lora_config_scale(&p->config, name, (size_t)a->dims[0], &scale, err);
    if (status != HONE_OK)
        return status;
    const size_t n = (size_t)t->dims[0];
    float *x = lora_floats(t->type, t->data, 1, n, false);
    if (!x || !gguf_own_memory(p->memory, x)) {
        free(x);
        return hone_no_memory(err, name, n * sizeof *x);
    }
    for (size_t i = 0; i < n; i++)
        x[i] *= p->scale * scale;
    snprintf(name, sizeof name, "%s.bias", bare(module));
    struct safetensor made = *t;
    made.name = name;
    made.dtype = "F32";
    made.type = quant_type_by_id(QUANT_F32);
    made.size = n * sizeof *x;
    made.data = x;
    return safetensors_put(p->sets.changes, &made, err);
}

/* A module that was trained whole, or a bias. PEFT calls those of a module that it changes besides "....base_layer.bias". */
static enum hone_status put_whole(struct peft *p, const struct safetensor *t, struct hone_error *err)
{
    static const char within[] = ".base_layer.";
    char name[700];
    const char *from = bare(t->name), *at = strstr(from, within);
    snprintf(name, sizeof name, "%.*s%s", (int)(at ? at - from : (ptrdiff_t)strlen(from)), from,
             at ? at + strlen(within) - 1 : "");
    struct safetensor whole = *t;
    whole.name = name;
    if (whole.size > 0 && whole.type && whole.n_dims >= 1 && whole.n_dims <= 2)
        return safetensors_put(p->sets.whole, &whole, err);
    return hone_fail(err, HONE_BAD_MODEL,
                     "%s: the tensor '%.300s' of the adapter should be a matrix or a vector", p->dir,
                     t->name);
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
    float scale;
    enum hone_status status = lora_config_scale(&p->config, name, rank, &scale, err);
    if (status != HONE_OK)
        return status;
    scale *= p->scale;
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
    status = ok ? safetensors_put(p->sets.changes, &made, err) : hone_no_memory(err, name, size);
    return status == HONE_OK ? put_lengths(p, name, table, a, n_out, turned, err) : status;
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

static enum hone_status no_pair(const struct peft *p, const struct safetensor *t, struct hone_error *err)
{
    return hone_fail(
        err, HONE_BAD_MODEL,
        "%s: the tensor '%.300s' of the adapter is not supported, expected pairs of lora_A.weight "
        "and lora_B.weight, or of lora_embedding_A and lora_embedding_B",
        p->dir, t->name);
}

static enum hone_status read_pair(struct peft *p, const struct safetensor *t, const struct lora_ends *ends,
                                  struct hone_error *err)
{
    char other[700], name[700];
    const bool is_a = ends_with(t->name, ends->a);
    const size_t n = strlen(t->name), n_end = strlen(ends->a);
    snprintf(other, sizeof other, "%.*s%s", (int)(n - n_end), t->name, is_a ? ends->b : ends->a);
    const struct safetensor *b = safetensors_find(p->tensors, other);
    if (!b)
        return no_pair(p, t, err);
    snprintf(name, sizeof name, "%.*s.weight", (int)(n - n_end - (size_t)(bare(t->name) - t->name)),
             bare(t->name));
    return is_a ? make_change(p, name, ends->table, t, b, err) : HONE_OK;
}

/* Lengths are read with the pair that they are of. */
static bool is_of_pair(const struct peft *p, const char *name)
{
    char pair[700];
    const char *at = strstr(name, ".lora_magnitude_vector");
    if (!at || strlen(name) > 500 || (!ends_with(name, "_vector") && !ends_with(name, "_vector.weight")))
        return false;
    snprintf(pair, sizeof pair, "%.*s.lora_A.weight", (int)(at - name), name);
    if (safetensors_find(p->tensors, pair))
        return true;
    snprintf(pair, sizeof pair, "%.*s.lora_embedding_A", (int)(at - name), name);
    return safetensors_find(p->tensors, pair);
}

/* A second copy, or the untrained one, of what lies under its plain name, too. */
static bool is_copy(const struct peft *p, const char *name)
{
    static const char *const kinds[] = {".modules_to_save.", ".original_module."};
    char plain[700];
    for (size_t i = 0; i < 2; i++) {
        const char *at = strstr(name, kinds[i]);
        if (!at || strlen(name) > 500)
            continue;
        snprintf(plain, sizeof plain, "%.*s%s", (int)(at - name), name, at + strlen(kinds[i]) - 1);
        if (safetensors_find(p->tensors, plain))
            return true;
    }
    return false;
}

static enum hone_status read_tensor(struct peft *p, const struct safetensor *t, struct hone_error *err)
{
    static const char bias_end[] = ".lora_B.bias";
    const struct lora_ends *ends = ends_of(t->name);
    if (ends_with(t->name, ends->a) || ends_with(t->name, ends->b))
        return read_pair(p, t, ends, err);
    if (is_of_pair(p, t->name) || is_copy(p, t->name))
        return HONE_OK;
    if (ends_with(t->name, bias_end) && p->config.bias) {
        char module[600];
        snprintf(module, sizeof module, "%.*s", (int)(strlen(t->name) - strlen(bias_end)), t->name);
        return put_bias(p, module, t, err);
    }
    const bool whole = ends_with(t->name, ".weight") || ends_with(t->name, ".bias");
    return whole && !strstr(t->name, ".lora_") ? put_whole(p, t, err) : no_pair(p, t, err);
}

static enum hone_status read_tensors(struct peft *p, struct hone_error *err)
{
    enum hone_status status = HONE_OK;
    for (size_t i = 0; i < safetensors_n(p->tensors) && status == HONE_OK; i++)
        status = read_tensor(p, safetensors_at(p->tensors, i), err);
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

static enum hone_status open_sets(struct peft *p, struct hone_error *err)
{
    struct safetensors **const made[] = {&p->sets.changes, &p->sets.lengths, &p->sets.whole};
    enum hone_status status = safetensors_open_file(&p->tensors, p->dir, weights_name, err);
    for (size_t i = 0; i < 3 && status == HONE_OK; i++)
        status = safetensors_open_file(made[i], p->dir, NULL, err);
    return status;
}

enum hone_status lora_merge_folder(struct gguf *g, const char *dir, float scale, struct hone_error *err)
{
    const struct arch *arch = arch_of(g);
    struct peft p = {.dir = dir, .scale = scale, .memory = gguf_new(dir), .arch = arch, .room = n_numbers(g)};
    enum hone_status status = p.memory ? HONE_OK : hone_no_memory(err, dir, sizeof p);
    if (status == HONE_OK && !arch)
        status = hone_fail(err, HONE_BAD_MODEL, "%s: the architecture is not known", gguf_path(g));
    if (status == HONE_OK)
        status = lora_config_read(&p.config, dir, err);
    p.sets.saves_embeddings = p.config.saves_embeddings;
    p.sets.keeps_ties = p.config.keeps_ties;
    if (status == HONE_OK)
        status = open_sets(&p, err);
    if (status == HONE_OK)
        status = read_tensors(&p, err);
    if (status == HONE_OK)
        status = lora_apply(g, &p.sets, arch, dir, err);
    safetensors_close(&p.sets.whole);
    safetensors_close(&p.sets.lengths);
    safetensors_close(&p.sets.changes);
    safetensors_close(&p.tensors);
    json_decref(p.config.json);
    gguf_close(&p.memory);
    return status;
}
