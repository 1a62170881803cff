/* Experts' matrices that a folder writes as products take them from the left, [n_experts, n_in, n_out], gate and up side by
 * side in turns; and the same in MXFP4, where blocks and scales are tensors of their own. */
#include "runtime/load/import/folder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_LEN  32 /* of MXFP4 */
#define BLOCK_SIZE 17 /* as GGUF has it: a scale, then 16 bytes of two elements */

/* Which outputs are taken of one tensor. */
struct share {
    size_t n_experts, n_out; /* of an expert, those that are not taken included */
    size_t first, end, step;
};

static size_t n_taken(const struct share *s)
{
    return (s->end - s->first + s->step - 1) / s->step;
}

static enum hone_status wrong_shape(const struct folder *f, const struct safetensor *t, const char *expected,
                                    struct hone_error *err)
{
    return hone_fail(err, HONE_BAD_MODEL, "%s: tensor '%s' of type %s should be %s", f->dir, t->name,
                     t->dtype, expected);
}

/* Memory that becomes the file's. */
static void *keep(struct folder *f, size_t size, const char *name, struct hone_error *err)
{
    void *p = malloc(size + 1);
    if (p && gguf_own_memory(f->g, p))
        return p;
    free(p);
    hone_no_memory(err, name, size);
    return NULL;
}

static enum hone_status add(struct folder *f, const char *gguf, const char *suffix,
                            const struct quant_type *type, const struct share *s, size_t n_in,
                            const void *data, struct hone_error *err)
{
    char name[192];
    struct gguf_tensor out = {.name = name, .type = type, .n_dims = n_in ? 3 : 2, .data = data};
    snprintf(name, sizeof name, "%s%s", gguf, suffix);
    out.dims[0] = n_in ? n_in : n_taken(s);
    out.dims[1] = n_in ? n_taken(s) : s->n_experts;
    out.dims[2] = n_in ? s->n_experts : 1;
    return folder_set(gguf_add_tensor(f->g, &out), name, err);
}

static enum hone_status take_outputs(struct share *s, const struct folder *f, const struct safetensor *t,
                                     uint64_t n_out, enum cut cut, struct hone_error *err)
{
    s->n_experts = (size_t)t->dims[0];
    s->n_out = (size_t)n_out;
    const bool halves = cut == CUT_EXPERTS_TURNED_FIRST || cut == CUT_EXPERTS_TURNED_SECOND;
    s->first = cut == CUT_EXPERTS_ODD ? 1 : cut == CUT_EXPERTS_TURNED_SECOND ? s->n_out / 2 : 0;
    s->end = cut == CUT_EXPERTS_TURNED_FIRST ? s->n_out / 2 : s->n_out;
    s->step = cut == CUT_EXPERTS_TURNED || halves ? 1 : 2;
    const bool pairs = cut != CUT_EXPERTS_TURNED;
    return s->n_out > 0 && (!pairs || s->n_out % 2 == 0)
               ? HONE_OK
               : wrong_shape(f, t, "matrices with pairs of outputs", err);
}

/* ---- floats ---- */

static void turn(char *to, const char *from, const struct share *s, size_t n_in, size_t size)
{
    for (size_t e = 0; e < s->n_experts; e++, from += n_in * s->n_out * size)
        for (size_t o = s->first; o < s->end; o += s->step)
            for (size_t i = 0; i < n_in; i++, to += size)
                memcpy(to, from + (i * s->n_out + o) * size, size);
}

static enum hone_status import_floats(struct folder *f, const char *gguf, const struct safetensor *t,
                                      enum cut cut, struct hone_error *err)
{
    struct share s;
    if (!t->type || t->n_dims != 3 || t->size == 0)
        return wrong_shape(f, t, "matrices of F32, F16 or BF16", err);
    enum hone_status status = take_outputs(&s, f, t, t->dims[2], cut, err);
    if (status != HONE_OK)
        return status;
    char *copy = keep(f, (size_t)t->size / s.n_out * n_taken(&s), t->name, err);
    if (!copy)
        return HONE_FAILED;
    turn(copy, t->data, &s, (size_t)t->dims[1], t->type->block_size);
    return add(f, gguf, ".weight", t->type, &s, (size_t)t->dims[1], copy, err);
}

static enum hone_status import_biases(struct folder *f, const char *gguf, const struct safetensor *t,
                                      enum cut cut, struct hone_error *err)
{
    struct share s;
    if (!t->type || t->n_dims != 2 || t->size == 0)
        return wrong_shape(f, t, "the biases of experts, F32, F16 or BF16", err);
    enum hone_status status = take_outputs(&s, f, t, t->dims[1], cut, err);
    if (status != HONE_OK)
        return status;
    char *copy = keep(f, (size_t)t->size / s.n_out * n_taken(&s), t->name, err);
    if (!copy)
        return HONE_FAILED;
    turn(copy, t->data, &s, 1, t->type->block_size);
    return add(f, gguf, ".bias", t->type, &s, 0, copy, err);
}

/* ---- MXFP4 ---- */

/* A byte has neighbours there, and in GGUF files elements i and i + 16. */
static void turn_block(uint8_t *to, const uint8_t *from, uint8_t scale)
{
    to[0] = scale;
    for (size_t i = 0; i < BLOCK_LEN / 2; i++) {
        int low = from[i / 2] >> i % 2 * 4 & 15, high = from[8 + i / 2] >> i % 2 * 4 & 15;
        to[1 + i] = (uint8_t)(low | high << 4);
    }
}

static enum hone_status import_blocks(struct folder *f, const char *gguf, const struct safetensor *t,
                                      const struct safetensor *scales, enum cut cut, struct hone_error *err)
{
    struct share s;
    if (strcmp(t->dtype, "U8") != 0 || t->n_dims != 4 || t->dims[3] != BLOCK_LEN / 2 || t->size == 0)
        return wrong_shape(f, t, "blocks of 16 bytes, U8", err);
    if (strcmp(scales->dtype, "U8") != 0 || scales->n_dims != 3 || scales->size != t->size / 16 ||
        memcmp(scales->dims, t->dims, 3 * sizeof *t->dims) != 0)
        return wrong_shape(f, scales, "a byte a block, U8", err);
    enum hone_status status = take_outputs(&s, f, t, t->dims[1], cut, err);
    if (status != HONE_OK)
        return status;
    const size_t n_blocks = (size_t)t->dims[2];
    uint8_t *copy = keep(f, s.n_experts * n_taken(&s) * n_blocks * BLOCK_SIZE, t->name, err), *to = copy;
    if (!copy)
        return HONE_FAILED;
    for (size_t e = 0; e < s.n_experts; e++)
        for (size_t o = s.first; o < s.end; o += s.step)
            for (size_t i = 0; i < n_blocks; i++, to += BLOCK_SIZE) {
                size_t block = (e * s.n_out + o) * n_blocks + i;
                turn_block(to, (const uint8_t *)t->data + 16 * block, ((const uint8_t *)scales->data)[block]);
            }
    return add(f, gguf, ".weight", quant_type_by_id(QUANT_MXFP4), &s, n_blocks * BLOCK_LEN, copy, err);
}

/* ---- one below the other ---- */

/* [n_experts * rows, cols], turned or not. */
static enum hone_status import_stacked(struct folder *f, const char *gguf, const struct safetensor *stack,
                                       enum cut cut, struct hone_error *err)
{
    char name[192];
    size_t n;
    struct safetensor t = *stack;
    enum hone_status status = import_count_experts(f, &n, err);
    if (status != HONE_OK)
        return status;
    if (!t.type || t.size == 0 || t.n_dims != 2 || t.dims[0] % n != 0)
        return hone_fail(err, HONE_BAD_MODEL, "%s: tensor '%s' should be the matrices of %zu experts", f->dir,
                         t.name, n);
    t.n_dims = 3;
    t.dims[2] = t.dims[1];
    t.dims[1] = t.dims[0] / n;
    t.dims[0] = n;
    if (cut == CUT_EXPERTS_STACKED_TURNED)
        return import_floats(f, gguf, &t, CUT_EXPERTS_TURNED, err);
    snprintf(name, sizeof name, "%s.weight", gguf);
    return import_expert_halves(f, name, &t, 0, err);
}

/* ---- turned or not ---- */

/* Published folders have matrices [n_in, n_out], and those that transformers 5 saves [n_out, n_in]; as it reads both, what has the
 * right shape is taken as it is. */
static enum hone_status is_turned(const struct folder *f, const char *gguf, const struct safetensor *t,
                                  bool *out, struct hone_error *err)
{
    char key[128];
    size_t n_embd = 0, n_ff = 0;
    const bool down = strstr(gguf, "ffn_down_exps");
    snprintf(key, sizeof key, "%s.embedding_length", f->arch->name);
    enum hone_status status = gguf_get_size(f->g, key, 1 << 20, &n_embd, err);
    snprintf(key, sizeof key, "%s.expert_feed_forward_length", f->arch->name);
    if (status == HONE_OK)
        status = gguf_get_size(f->g, key, 1 << 20, &n_ff, err);
    *out = t->n_dims != 3 || t->dims[1] != (down ? n_embd : 2 * n_ff) || t->dims[2] != (down ? n_ff : n_embd);
    return status;
}

static enum hone_status import_maybe_turned(struct folder *f, const char *gguf, const struct safetensor *t,
                                            struct hone_error *err)
{
    char name[192];
    bool turned;
    enum hone_status status = is_turned(f, gguf, t, &turned, err);
    snprintf(name, sizeof name, "%s.weight", gguf);
    if (status != HONE_OK)
        return status;
    return turned ? import_floats(f, gguf, t, CUT_EXPERTS_TURNED, err)
                  : import_expert_halves(f, name, t, 0, err);
}

/* ---- any of them ---- */

enum hone_status import_turned_experts(struct folder *f, const char *gguf, const char *hf, enum cut cut,
                                       const struct safetensor *(*find)(const struct folder *f,
                                                                        const char *name),
                                       struct hone_error *err)
{
    static const char *const suffixes[] = {"", "_blocks", "_scales", "_bias"};
    const struct safetensor *parts[4];
    for (size_t i = 0; i < 4; i++) {
        char name[192];
        snprintf(name, sizeof name, "%s%s", hf, suffixes[i]);
        parts[i] = find(f, name);
        if (parts[i])
            f->used[safetensors_index(f->tensors, parts[i])] = true;
    }
    enum hone_status status;
    if (parts[0] && cut == CUT_EXPERTS_MAYBE_TURNED)
        return import_maybe_turned(f, gguf, parts[0], err);
    if (parts[0] && cut >= CUT_EXPERTS_STACKED)
        return import_stacked(f, gguf, parts[0], cut, err);
    if (parts[0])
        status = import_floats(f, gguf, parts[0], cut, err);
    else if (parts[1] && parts[2])
        status = import_blocks(f, gguf, parts[1], parts[2], cut, err);
    else
        return hone_fail(err, HONE_BAD_MODEL,
                         "%s: the safetensors hold no tensor '%s', nor '%s_blocks' with '%s_scales'", f->dir,
                         hf, hf, hf);
    return status == HONE_OK && parts[3] ? import_biases(f, gguf, parts[3], cut, err) : status;
}
