/* The tensors of the folder's safetensors files under the family's GGUF names. */
#include "runtime/load/import/folder.h"
#include "runtime/load/load.h"
#include "runtime/load/lora/lora.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_SIZE 160 /* of patterns of our own tables, with the number of a layer and of an expert in them */

/* The one that starts at *next; the next one's start there, or NULL. */
static size_t prefix_at(const char **next)
{
    size_t n = strcspn(*next, "|");
    *next = (*next)[n] ? *next + n + 1 : NULL;
    return n;
}

/* By its name, or by that of old checkpoints, or of a matrix that adapters for tasks change. */
static const struct safetensor *find_either(const struct folder *f, const char *name)
{
    static const struct {
        const char *now, *then;
    } old[] = {{".LayerNorm.weight", ".LayerNorm.gamma"},
               {".LayerNorm.bias", ".LayerNorm.beta"},
               {".weight", ".parametrizations.weight.original"}};
    char full[NAME_SIZE + 64];
    const struct safetensor *t = safetensors_find(f->tensors, name);
    for (size_t i = 0; i < sizeof old / sizeof *old && !t; i++) {
        size_t n = strlen(name), suffix = strlen(old[i].now);
        if (i == 2 && f->n_adaptations == 0) /* what else changes the weights nobody knows */
            break;
        if (n < suffix || strcmp(name + n - suffix, old[i].now) != 0)
            continue;
        snprintf(full, sizeof full, "%.*s%s", (int)(n - suffix), name, old[i].then);
        t = safetensors_find(f->tensors, full);
    }
    return t;
}

/* The tensor called `name`, with one of the form's prefixes or without. */
static const struct safetensor *find(const struct folder *f, const char *name)
{
    char full[NAME_SIZE + 64];
    const struct safetensor *t = find_either(f, name);
    for (const char *next = f->prefix; next && !t;) {
        const char *prefix = next;
        size_t n = prefix_at(&next);
        snprintf(full, sizeof full, "%.*s%s", (int)n, prefix, name);
        t = find_either(f, full);
    }
    return t;
}

bool folder_has_tensor(const struct folder *f, const char *name)
{
    return find(f, name) != NULL;
}

/* ---- one tensor ---- */

/* The rows that are taken: *first up to *end of t's. */
static enum hone_status cut_rows(const struct folder *f, const struct safetensor *t, enum cut cut,
                                 uint64_t *first, uint64_t *end, struct hone_error *err)
{
    uint64_t n = t->dims[0], half = n / 2;
    *first = cut == CUT_SECOND_HALF ? half : cut == CUT_PADDING ? f->padding_rows : 0;
    *end = cut == CUT_FIRST_HALF ? half : n;
    if ((cut == CUT_FIRST_HALF || cut == CUT_SECOND_HALF) && n % 2 != 0)
        return hone_fail(err, HONE_BAD_MODEL, "%s: tensor '%s' has %llu rows, which cannot be halved", f->dir,
                         t->name, (unsigned long long)n);
    if (*first < *end)
        return HONE_OK;
    return hone_fail(err, HONE_BAD_MODEL, "%s: tensor '%s' has %llu rows, expected more than %llu", f->dir,
                     t->name, (unsigned long long)n, (unsigned long long)*first);
}

/* Doubles as floats, which the file keeps. */
static enum hone_status narrow(struct folder *f, const struct safetensor *t, struct safetensor *out,
                               struct hone_error *err)
{
    *out = *t;
    if (strcmp(t->dtype, "F64") != 0)
        return HONE_OK;
    size_t n = t->size / sizeof(double);
    float *floats = malloc((n + 1) * sizeof *floats);
    if (!floats || !gguf_own_memory(f->g, floats)) {
        free(floats);
        return hone_no_memory(err, t->name, n * sizeof *floats);
    }
    for (size_t i = 0; i < n; i++) {
        double x;
        memcpy(&x, (const char *)t->data + i * sizeof x, sizeof x);
        floats[i] = (float)x;
    }
    out->dtype = "F32";
    out->type = quant_type_by_id(QUANT_F32);
    out->size = n * sizeof *floats;
    out->data = floats;
    return HONE_OK;
}

enum hone_status folder_add_tensor(struct folder *f, const char *name, const struct safetensor *given,
                                   uint64_t first, uint64_t end, struct hone_error *err)
{
    struct safetensor floats, *t = &floats;
    enum hone_status status = narrow(f, given, &floats, err);
    if (status != HONE_OK)
        return status;
    if (!t->type)
        return hone_fail(err, HONE_BAD_MODEL, "%s: tensor '%s' is of type %s, expected F32, F16, BF16 or F64",
                         f->dir, t->name, t->dtype);
    if (t->n_dims < 1 || t->n_dims > 2 || t->size == 0)
        return hone_fail(err, HONE_BAD_MODEL,
                         "%s: tensor '%s' should have 1 or 2 dimensions and not be empty", f->dir, t->name);
    uint64_t row_size = t->size / t->dims[0];
    struct gguf_tensor out = {.name = name,
                              .type = t->type,
                              .n_dims = t->n_dims,
                              .size = row_size * (end - first),
                              .data = (const char *)t->data + row_size * first,
                              .dims = {end - first, 1, 1, 1}};
    if (t->n_dims == 2) {
        out.dims[0] = t->dims[1];
        out.dims[1] = end - first;
    }
    return folder_set(gguf_add_tensor(f->g, &out), name, err);
}

static bool is_zero(const char *data, uint64_t size)
{
    for (uint64_t i = 0; i < size; i++)
        if (data[i])
            return false;
    return true;
}

/* The padding token's row, which training leaves at zero as a rule: then there is no tensor. */
static enum hone_status add_padding(struct folder *f, const char *gguf, const struct safetensor *t,
                                    struct hone_error *err)
{
    uint64_t row = f->padding_rows - 1, row_size = t->dims[0] ? t->size / t->dims[0] : 0;
    if (t->n_dims != 2 || row >= t->dims[0] || is_zero((const char *)t->data + row * row_size, row_size))
        return HONE_OK;
    struct safetensor vector = *t;
    vector.n_dims = 1;
    vector.dims[0] = t->dims[1];
    vector.dims[1] = 1;
    vector.size = row_size;
    vector.data = (const char *)t->data + row * row_size;
    return folder_add_tensor(f, gguf, &vector, 0, vector.dims[0], err);
}

/* [1, n] under a name of its own becomes the bias of what it is added to; where it is zero there is none. */
static enum hone_status add_logits_bias(struct folder *f, const struct hf_name *name, struct hone_error *err)
{
    char gguf[NAME_SIZE];
    const struct safetensor *t = find(f, name->hf);
    if (!t)
        return HONE_OK;
    f->used[safetensors_index(f->tensors, t)] = true;
    if (t->n_dims != 2 || t->dims[0] != 1)
        return hone_fail(err, HONE_BAD_MODEL, "%s: tensor '%s' should be one row", f->dir, t->name);
    if (is_zero(t->data, t->size))
        return HONE_OK;
    struct safetensor vector = *t;
    vector.n_dims = 1;
    vector.dims[0] = t->dims[1];
    vector.dims[1] = 1;
    snprintf(gguf, sizeof gguf, "%s.bias", name->gguf);
    return folder_add_tensor(f, gguf, &vector, 0, vector.dims[0], err);
}

static enum hone_status add(struct folder *f, const char *gguf, const struct safetensor *t, enum cut cut,
                            struct hone_error *err)
{
    uint64_t first, end;
    if (cut == CUT_PADDING_ROW)
        return add_padding(f, gguf, t, err);
    enum hone_status status = cut_rows(f, t, cut, &first, &end, err);
    f->used[safetensors_index(f->tensors, t)] = true;
    if (cut == CUT_ADAPTED || cut == CUT_ADAPTED_TURNED)
        return import_adapted(f, gguf, t, cut, err);
    if (cut == CUT_EXPERTS || cut == CUT_EXPERTS_FIRST || cut == CUT_EXPERTS_SECOND)
        return import_expert_halves(f, gguf, t,
                                    cut == CUT_EXPERTS         ? 0
                                    : cut == CUT_EXPERTS_FIRST ? 1
                                                               : 2,
                                    err);
    struct safetensor floats;
    if (cut == CUT_BARE)
        cut = CUT_NONE;
    if (status == HONE_OK && cut >= CUT_PAIRS && t->type == NULL) {
        status = narrow(f, t, &floats, err);
        t = &floats;
    }
    if (status == HONE_OK && cut >= CUT_CONV)
        return import_recurrent_tensor(f, gguf, t, cut, err);
    if (status == HONE_OK && cut >= CUT_PAIRS)
        return import_changed(f, gguf, t, cut, err);
    return status == HONE_OK ? folder_add_tensor(f, gguf, t, first, end, err) : status;
}

/* ---- one row of the form's names ---- */

static const struct tensor_spec *spec_of(const struct folder *f, const char *gguf)
{
    const struct tensor_spec *spec = f->arch->tensors;
    while (spec->gguf && strcmp(spec->gguf, gguf) != 0)
        spec++;
    return spec;
}

/* Whether nothing is wrong where the folder has none of that name: the family can do without, another name may be
 * there, or the first half of the same tensor was looked for already. */
static bool is_optional(const struct folder *f, const struct hf_name *name)
{
    const struct hf_name *next = name + 1;
    bool more = next->gguf && strcmp(next->gguf, name->gguf) == 0;
    return more || name->cut == CUT_SECOND_HALF ||
           (spec_of(f, name->gguf)->flags &
            (TENSOR_OPTIONAL | TENSOR_TIED | TENSOR_GATE | TENSOR_OWN_KEY | TENSOR_OWN_QUERY |
             TENSOR_TOKEN_PROJ | TENSOR_LM | TENSOR_PER_LAYER | TENSOR_FUSED | TENSOR_SHARED |
             TENSOR_QUERY_LATENT | TENSOR_QUERY_WHOLE | TENSOR_AS_FIRST));
}

static enum hone_status import_name(struct folder *f, const struct hf_name *name, unsigned i_layer,
                                    struct hone_error *err)
{
    const bool bare = spec_of(f, name->gguf)->flags & TENSOR_BARE;
    const char *const suffixes[] = {bare ? "" : ".weight", ".bias"};
    char hf[NAME_SIZE], gguf[NAME_SIZE];
    const char *hf_format = name->hf, *gguf_format = name->gguf; /* ours, from the form's table */
    if (name->cut == CUT_STREAMS) {
        snprintf(hf, sizeof hf, "%s.weight", hf_format);
        snprintf(gguf, sizeof gguf, "%s.weight", gguf_format);
        return import_streams(f, gguf, hf, find, err);
    }
    if (name->cut == CUT_EXPERTS && strstr(strstr(hf_format, "%u") + 2, "%u")) {
        char full[NAME_SIZE], each[NAME_SIZE];
        int n = snprintf(full, sizeof full, gguf_format, i_layer);
        snprintf(full + n, sizeof full - (size_t)n, ".weight");
        snprintf(each, sizeof each, "%s.weight", hf_format);
        return import_experts(f, full, each, i_layer, find, err);
    }
    if (name->cut == CUT_HEAD_NORMS) {
        int n = snprintf(gguf, sizeof gguf, gguf_format, i_layer);
        snprintf(gguf + n, sizeof gguf - (size_t)n, ".weight");
        return import_head_norms(f, gguf, hf_format, i_layer, find, err);
    }
    if (name->cut == CUT_CONV_PARTS) {
        snprintf(hf, sizeof hf, "%s.weight", hf_format);
        int n = snprintf(gguf, sizeof gguf, gguf_format, i_layer);
        snprintf(gguf + n, sizeof gguf - (size_t)n, ".weight");
        return gguf_find_tensor(f->g, gguf) ? HONE_OK : import_conv_parts(f, gguf, hf, i_layer, find, err);
    }
    if (name->cut == CUT_LOGITS_BIAS)
        return add_logits_bias(f, name, err);
    if (name->cut >= CUT_EXPERTS_EVEN && name->cut <= CUT_EXPERTS_STACKED_TURNED) {
        snprintf(hf, sizeof hf, hf_format, i_layer);
        snprintf(gguf, sizeof gguf, gguf_format, i_layer);
        return import_turned_experts(f, gguf, hf, name->cut, find, err);
    }
    for (size_t i = 0; i < (bare || name->cut == CUT_BARE ? 1 : 2); i++) {
        int n = snprintf(hf, sizeof hf, hf_format, i_layer),
            m = snprintf(gguf, sizeof gguf, gguf_format, i_layer);
        if (name->cut != CUT_BARE)
            snprintf(hf + n, sizeof hf - (size_t)n, "%s", suffixes[i]);
        snprintf(gguf + m, sizeof gguf - (size_t)m, "%s", suffixes[i]);
        const struct safetensor *t = gguf_find_tensor(f->g, gguf) ? NULL : find(f, hf);
        if (!t && i == 0 && name->cut >= CUT_EXPERTS && name->cut <= CUT_EXPERTS_SECOND &&
            !gguf_find_tensor(f->g, gguf)) { /* parameters of a class of their own */
            hf[n] = 0;
            t = find(f, hf);
        }
        const bool of_weights = name->cut == CUT_PLUS_ONE && i == 1; /* a bias stays what it is */
        enum hone_status status = t ? add(f, gguf, t, of_weights ? CUT_NONE : name->cut, err) : HONE_OK;
        if (status != HONE_OK)
            return status;
        if (i == 0 && !gguf_find_tensor(f->g, gguf) && !is_optional(f, name))
            return hone_fail(err, HONE_BAD_MODEL, "%s: the safetensors hold no tensor '%s' (nor '%s%s')",
                             f->dir, hf, f->prefix, hf);
    }
    return HONE_OK;
}

/* What a folder has nevertheless of a layer that borrows keys and values. */
static void pass_over(const struct folder *f, const struct hf_name *name, unsigned i_layer)
{
    static const char *const suffixes[] = {".weight", ".bias"};
    char hf[NAME_SIZE];
    const char *format = name->hf; /* ours, from the form's table */
    for (size_t i = 0; i < 2; i++) {
        int n = snprintf(hf, sizeof hf, format, i_layer);
        snprintf(hf + n, sizeof hf - (size_t)n, "%s", suffixes[i]);
        const struct safetensor *t = find(f, hf);
        if (t)
            f->used[safetensors_index(f->tensors, t)] = true;
    }
}

/* ---- all of them ---- */

static bool ends_with(const char *name, const char *end)
{
    size_t n = strlen(name), n_end = strlen(end);
    return n >= n_end && strcmp(name + n - n_end, end) == 0;
}

static bool is_ignored(const struct folder *f, const char *name)
{
    if (f->arch->causal && strstr(name, ".rotary_emb.")) /* old files: what follows from the configuration */
        return true;
    for (const char *next = f->prefix, *prefix = next; next; prefix = next) {
        size_t n = prefix_at(&next);
        if (strncmp(name, prefix, n) == 0) {
            name += n;
            break;
        }
    }
    unsigned number;
    if (f->form->skips_more_layers && sscanf(name, "layers.%u.", &number) == 1 && number >= f->n_layers)
        return true;
    for (const char *const *start = f->form->ignored; *start; start++)
        if (**start == '*' ? ends_with(name, *start + 1) : strncmp(name, *start, strlen(*start)) == 0)
            return true;
    return false;
}

static enum hone_status check_used(const struct folder *f, struct hone_error *err)
{
    for (size_t i = 0; i < safetensors_n(f->tensors); i++) {
        const struct safetensor *t = safetensors_at(f->tensors, i);
        if (!f->used[i] && !t->is_part && t != f->projections[0] && t != f->projections[1] &&
            !is_ignored(f, t->name))
            return hone_fail(err, HONE_BAD_MODEL, "%s: tensor '%s' has no place in a model of type '%s'",
                             f->dir, t->name, f->form->type);
    }
    return HONE_OK;
}

static bool is_of_tokens(enum head head)
{
    return head == HEAD_TOKEN_LABELS || head == HEAD_ANSWERS;
}

/* The matrix of tokens' labels, which all classes for them call alike whatever a text's head is called. */
static enum hone_status import_token_head(struct folder *f, const struct hf_name *name,
                                          struct hone_error *err)
{
    static const char *const names[] = {"classifier.weight", "score.weight", "qa_outputs.weight"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char plain[32];
        snprintf(plain, sizeof plain, "%.*s", (int)strcspn(names[i], "."), names[i]);
        const struct hf_name list[] = {{name->gguf, plain, CUT_NONE}, {.gguf = NULL}};
        if (find(f, names[i]))
            return import_name(f, list, 0, err);
    }
    return hone_fail(err, HONE_BAD_MODEL, "%s: the safetensors hold no tensor '%s'", f->dir, names[0]);
}

static bool is_labels(const struct hf_name *name)
{
    return strcmp(name->gguf, "cls.output") == 0;
}

/* Whether it is the matrix of a model that writes, where a head for masked words goes by the same name in the folder: a copy
 * that nobody reads, or, where the head has the table's rows, a bias without a matrix. */
static bool is_of_words(const struct folder *f, const struct hf_name *name)
{
    return f->tells_words && strcmp(name->gguf, "output") == 0 && spec_of(f, "mlm.output")->gguf;
}

static bool wanted(const struct folder *f, const struct hf_name *name)
{
    unsigned flags = spec_of(f, name->gguf)->flags;
    if (f->no_positions && strcmp(name->gguf, "position_embd") == 0)
        return false;
    if (is_of_words(f, name))
        return false;
    if (flags & TENSOR_ADAPTED)
        return f->n_adaptations > 0;
    if (flags & TENSOR_MLM)
        return f->tells_words;
    if (name->cut == CUT_HEAD)
        return f->own_head;
    if (name->cut == CUT_OWN_TABLE)
        return f->two_tables;
    if ((flags & TENSOR_HEAD) && is_of_tokens(f->head))
        return f->arch->tokens_through_head && !is_labels(name);
    return f->n_labels > 0 || !(flags & TENSOR_HEAD);
}

/* block_count, or of a decoder behind an encoder its own. */
static enum hone_status count_layers(const struct folder *f, size_t *n_layers, size_t *n_decoder,
                                     struct hone_error *err)
{
    char key[128];
    *n_layers = 0;
    snprintf(key, sizeof key, "%s.block_count", f->arch->name);
    enum hone_status status = gguf_get_size(f->g, key, 1 << 16, n_layers, err);
    snprintf(key, sizeof key, "%s.block_group_count", f->arch->name);
    if (status == HONE_OK)
        status = gguf_get_size(f->g, key, 1 << 16, n_layers, err);
    *n_decoder = *n_layers;
    snprintf(key, sizeof key, "%s.decoder_block_count", f->arch->name);
    return status == HONE_OK ? gguf_get_size(f->g, key, 1 << 16, n_decoder, err) : status;
}

/* The task that texts are of, which is the first where nobody says another, and nobody can here. */
static enum hone_status add_task_types(struct folder *f, struct hone_error *err)
{
    static const char name[] = "embeddings.task_type_embeddings.weight", types_name[] = "token_types.weight";
    if (!f->form->task_types || !json_is_true(json_object_get(f->config, "use_task_id")))
        return HONE_OK;
    const struct safetensor *t = find(f, name);
    const struct gguf_tensor *types = gguf_find_tensor(f->g, types_name);
    if (!t || !types || !t->type || t->n_dims != 2 || t->size == 0 || t->dims[1] != types->dims[0])
        return hone_fail(err, HONE_BAD_MODEL,
                         "%s: 'use_task_id' needs a tensor '%s' as wide as 'token_type_embeddings'", f->dir,
                         name);
    f->used[safetensors_index(f->tensors, t)] = true;
    const size_t n = (size_t)types->dims[0], n_rows = (size_t)types->dims[1];
    float *rows = malloc(n * n_rows * sizeof *rows);
    if (!rows)
        return hone_no_memory(err, name, n * n_rows * sizeof *rows);
    for (size_t i = 0; i < n_rows; i++)
        t->type->dequantize(rows + i * n, t->data, n);
    enum hone_status status = lora_add(f->g, types_name, rows, n_rows, n, f->dir, err);
    free(rows);
    return status;
}

enum hone_status import_tensors(struct folder *f, struct hone_error *err)
{
    size_t n_layers, n_decoder;
    if (folder_has_table(f))
        return import_table(f, err);
    f->used = calloc(safetensors_n(f->tensors) + 1, sizeof *f->used);
    if (!f->used)
        return hone_no_memory(err, "the tensor list", safetensors_n(f->tensors));
    enum hone_status status = count_layers(f, &n_layers, &n_decoder, err);
    f->n_layers = n_layers;
    uint8_t *kinds = malloc(n_layers + 1);
    if (!kinds)
        return hone_no_memory(err, "the layers", n_layers);
    if (status == HONE_OK)
        status = layers_kinds(f->arch, f->g, n_layers, kinds, err);
    for (const struct hf_name *name = f->form->names; name->gguf && status == HONE_OK; name++) {
        bool decoder = spec_of(f, name->gguf)->flags & TENSOR_DECODER;
        size_t repeat = !strstr(name->gguf, "%u") ? 1 : decoder ? n_decoder : n_layers;
        for (size_t i = 0; i < repeat && wanted(f, name) && status == HONE_OK; i++)
            if (i >= n_layers || layers_has(kinds[i], spec_of(f, name->gguf)))
                status = import_name(f, name, (unsigned)i, err);
            else if (spec_of(f, name->gguf)->flags & TENSOR_OWN_KV)
                pass_over(f, name, (unsigned)i);
    }
    free(kinds);
    if (status == HONE_OK && is_of_tokens(f->head))
        status = import_token_head(f, &(struct hf_name){.gguf = "cls.output"}, err);
    if (status == HONE_OK)
        status = add_task_types(f, err);
    if (status == HONE_OK && f->spans)
        status = import_span_tensors(f, err);
    return status == HONE_OK ? check_used(f, err) : status;
}

/* ---- changes of some ---- */

/* How a change may be cut: what changes rows' places, and of tensors that come whole a norm. */
static bool is_known_change(enum cut cut, bool whole)
{
    return cut <= CUT_SECOND_HALF || cut == CUT_HEAD || cut == CUT_PAIRS || cut == CUT_KV_PAIRS ||
           cut == CUT_TRANSPOSED || cut == CUT_QKV_GROUPS || cut == CUT_QKV_BLOCKS ||
           (whole && cut == CUT_PLUS_ONE);
}

/* The tensors of one layer, or of none, that the folder has. */
static enum hone_status import_change(struct folder *f, const struct hf_name *name, unsigned i_layer,
                                      bool whole, struct hone_error *err)
{
    static const char *const suffixes[] = {".weight", ".bias"};
    char hf[NAME_SIZE], gguf[NAME_SIZE];
    const char *hf_format = name->hf, *gguf_format = name->gguf; /* ours, from the form's table */
    enum hone_status status = HONE_OK;
    for (size_t i = 0; i < 2 && status == HONE_OK; i++) {
        int n = snprintf(hf, sizeof hf, hf_format, i_layer),
            m = snprintf(gguf, sizeof gguf, gguf_format, i_layer);
        snprintf(hf + n, sizeof hf - (size_t)n, "%s", suffixes[i]);
        snprintf(gguf + m, sizeof gguf - (size_t)m, "%s", suffixes[i]);
        const struct safetensor *t = gguf_find_tensor(f->g, gguf) ? NULL : find(f, hf);
        if (t && is_known_change(name->cut, whole)) /* a bias is never more by 1 */
            status = add(f, gguf, t, i == 1 && name->cut == CUT_PLUS_ONE ? CUT_NONE : name->cut, err);
    }
    return status;
}

static enum hone_status import_form(struct folder *f, bool whole, struct hone_error *err)
{
    size_t n_layers, n_decoder;
    enum hone_status status = count_layers(f, &n_layers, &n_decoder, err);
    for (const struct hf_name *name = f->form->names; name->gguf && status == HONE_OK; name++) {
        bool decoder = spec_of(f, name->gguf)->flags & TENSOR_DECODER;
        size_t repeat = !strstr(name->gguf, "%u") ? 1 : decoder ? n_decoder : n_layers;
        for (size_t i = 0; i < repeat && status == HONE_OK; i++)
            status = import_change(f, name, (unsigned)i, whole, err);
    }
    return status;
}

/* A head of tokens' labels, where there is one of them. */
static enum hone_status import_token_change(struct folder *f, struct hone_error *err)
{
    const bool has = find(f, "classifier.weight") || find(f, "score.weight") || find(f, "qa_outputs.weight");
    return has ? import_token_head(f, &(struct hf_name){.gguf = "cls.output"}, err) : HONE_OK;
}

static enum hone_status start_changes(struct folder *f, const struct gguf *g, struct hone_error *err)
{
    f->g = gguf_new(f->dir);
    f->used = calloc(safetensors_n(f->tensors) + 1, sizeof *f->used);
    bool ok = f->g && f->used;
    for (size_t i = 0; i < gguf_n_keys(g) && ok; i++)
        if (strncmp(gguf_key(g, i), f->arch->name, strlen(f->arch->name)) == 0)
            ok = gguf_set_value(f->g, gguf_key(g, i), gguf_value_at(g, i));
    return ok ? HONE_OK : hone_no_memory(err, f->dir, sizeof *f);
}

enum hone_status import_changes(struct gguf **out, const struct gguf *g, const struct arch *arch,
                                struct safetensors *changes, bool whole, const char *dir,
                                struct hone_error *err)
{
    enum hone_status status = HONE_BAD_MODEL;
    *out = NULL;
    for (const struct hf_form *const *form = arch->forms; *form && status == HONE_BAD_MODEL; form++) {
        struct folder f = {
            .dir = dir, .arch = arch, .form = *form, .prefix = (*form)->prefix, .tensors = changes};
        status = start_changes(&f, g, err);
        if (status == HONE_OK)
            status = import_form(&f, whole, err);
        if (status == HONE_OK && whole && gguf_find_tensor(g, "cls.output.weight") &&
            !gguf_find_tensor(f.g, "cls.output.weight"))
            status = import_token_change(&f, err);
        if (status == HONE_OK)
            status = check_used(&f, err);
        free(f.used);
        if (status == HONE_OK)
            *out = f.g;
        else
            gguf_close(&f.g);
    }
    return status;
}
