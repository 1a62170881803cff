/* Folders of models without layers: a table of vectors or of weights, one a token, and a tokenizer without special tokens.
 * Sentence Transformers' StaticEmbedding and SparseStaticEmbedding have no config.json; model2vec has one of its own. */
#include "runtime/load/import/folder.h"

#include "runtime/base/order.h"
#include "runtime/base/utf8.h"
#include "runtime/load/import/keys.h"
#include "runtime/load/import/sentence/modules.h"
#include "tokenizer/tokenizer.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LONGEST (1u << 20) /* tokens of a text; there is no limit but memory */

#define MODEL2VEC_LONGEST 512 /* tokens: what its encode() cuts texts to where nobody says */

const struct module *folder_table(const struct folder *f)
{
    const struct module *m = modules_find(f->modules, MODULE_STATIC);
    return m ? m : modules_find(f->modules, MODULE_WEIGHTS);
}

bool folder_is_model2vec(const struct folder *f)
{
    const char *type = json_string_value(json_object_get(f->config, "model_type"));
    bool named =
        type ? strcmp(type, "model2vec") == 0 : json_is_boolean(json_object_get(f->config, "normalize"));
    return !f->modules->listed && named;
}

/* In place of the config.json that there is not. */
json_t *folder_table_config(const struct folder *f)
{
    bool words = modules_find(f->modules, MODULE_WEIGHTS);
    return json_pack("{s:s}", "model_type", words ? "static-words" : "static");
}

/* ---- elements ---- */

static bool element_at(const struct safetensor *t, size_t i, double *out)
{
    double f64;
    int64_t i64;
    int32_t i32;
    if (strcmp(t->dtype, "F64") == 0)
        *out = (memcpy(&f64, (const char *)t->data + i * 8, 8), f64);
    else if (strcmp(t->dtype, "I64") == 0)
        *out = (memcpy(&i64, (const char *)t->data + i * 8, 8), (double)i64);
    else if (strcmp(t->dtype, "I32") == 0)
        *out = (memcpy(&i32, (const char *)t->data + i * 4, 4), (double)i32);
    else if (strcmp(t->dtype, "I8") == 0)
        *out = ((const int8_t *)t->data)[i];
    else
        return false;
    return true;
}

/* Whether the data is as large as the shape says: of dtypes that are read here alone nobody has looked. */
static bool is_whole(const struct safetensor *t)
{
    static const struct {
        const char *dtype;
        uint64_t size;
    } sizes[] = {{"F64", 8}, {"I64", 8}, {"I32", 4}, {"I8", 1}};
    uint64_t n = 1;
    bool fits = true;
    for (unsigned i = 0; i < t->n_dims; i++)
        fits = fits && !__builtin_mul_overflow(n, t->dims[i], &n);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        if (strcmp(t->dtype, sizes[i].dtype) == 0)
            return fits && !__builtin_mul_overflow(n, sizes[i].size, &n) && n == t->size;
    return t->type != NULL;
}

/* n elements from `first` on as float32. */
static bool read_floats(const struct safetensor *t, size_t first, size_t n, float *out)
{
    double x;
    if (t->type) {
        t->type->dequantize(out, (const char *)t->data + first * t->type->block_size, n);
        return true;
    }
    for (size_t i = 0; i < n; i++) {
        if (!element_at(t, first + i, &x))
            return false;
        out[i] = (float)x;
    }
    return true;
}

static enum hone_status refuse_type(const struct folder *f, const struct safetensor *t,
                                    struct hone_error *err)
{
    return hone_fail(err, HONE_BAD_MODEL, "%s: tensor '%s' is of type %s, which is not supported", f->dir,
                     t->name, t->dtype);
}

/* ---- tables ---- */

/* Row i of the table is that of `rows` which `mapping` names, times weight i; both may be NULL. */
struct static_table {
    const struct safetensor *rows, *mapping, *weights;
    size_t n_rows, width;
};

static enum hone_status check_table(const struct folder *f, struct static_table *t, struct hone_error *err)
{
    const struct safetensor *bad = NULL;
    t->n_rows = t->mapping ? (size_t)t->mapping->dims[0] : (size_t)t->rows->dims[0];
    t->width = t->rows->n_dims == 2 ? (size_t)t->rows->dims[1] : 1;
    if (t->rows->n_dims < 1 || t->rows->n_dims > 2 || t->rows->size == 0 || t->width > 1 << 15 ||
        t->n_rows > INT32_MAX || t->n_rows == 0)
        bad = t->rows;
    if (t->mapping && t->mapping->n_dims != 1)
        bad = t->mapping;
    if (t->weights && (t->weights->n_dims != 1 || t->weights->dims[0] != t->n_rows))
        bad = t->weights;
    const struct safetensor *const all[] = {t->rows, t->mapping, t->weights};
    for (size_t i = 0; i < 3; i++)
        if (all[i] && !is_whole(all[i]))
            bad = all[i];
    return bad ? hone_fail(err, HONE_BAD_MODEL,
                           "%s: tensor '%s' has a type, shape or size that makes no table of tokens", f->dir,
                           bad->name)
               : HONE_OK;
}

static enum hone_status fill_row(const struct folder *f, const struct static_table *t, size_t i, float *out,
                                 struct hone_error *err)
{
    double row = (double)i;
    float weight = 1;
    if (t->mapping && !element_at(t->mapping, i, &row))
        return refuse_type(f, t->mapping, err);
    if (row < 0 || row >= (double)t->rows->dims[0])
        return hone_fail(err, HONE_BAD_MODEL, "%s: token %zu has row %.0f of a table of %llu", f->dir, i, row,
                         (unsigned long long)t->rows->dims[0]);
    if (!read_floats(t->rows, (size_t)row * t->width, t->width, out))
        return refuse_type(f, t->rows, err);
    if (t->weights && !read_floats(t->weights, i, 1, &weight))
        return refuse_type(f, t->weights, err);
    for (size_t j = 0; j < t->width && t->weights; j++)
        out[j] *= weight;
    return HONE_OK;
}

static enum hone_status add_floats(struct folder *f, float *floats, size_t n_rows, size_t width,
                                   struct hone_error *err)
{
    struct gguf_tensor out = {.name = "token_embd.weight",
                              .type = quant_type_by_id(QUANT_F32),
                              .n_dims = 2,
                              .size = n_rows * width * sizeof *floats,
                              .data = floats,
                              .dims = {width, n_rows, 1, 1}};
    return folder_set(gguf_add_tensor(f->g, &out), out.name, err);
}

/* The caller fills what *out points to, [n_rows, width], which g keeps. */
static enum hone_status allocate(struct folder *f, size_t n_rows, size_t width, float **out,
                                 struct hone_error *err)
{
    *out = calloc(n_rows * width + 1, sizeof **out);
    if (*out && gguf_own_memory(f->g, *out))
        return HONE_OK;
    free(*out);
    *out = NULL;
    return hone_no_memory(err, "the table of tokens", n_rows * width * sizeof **out);
}

static enum hone_status add_table(struct folder *f, struct static_table *t, struct hone_error *err)
{
    float *floats;
    enum hone_status status = check_table(f, t, err);
    if (status == HONE_OK && t->rows->type && t->rows->n_dims == 2 && !t->mapping && !t->weights)
        return folder_add_tensor(f, "token_embd.weight", t->rows, 0, t->rows->dims[0], err);
    if (status == HONE_OK)
        status = allocate(f, t->n_rows, t->width, &floats, err);
    for (size_t i = 0; i < t->n_rows && status == HONE_OK; i++)
        status = fill_row(f, t, i, floats + i * t->width, err);
    return status == HONE_OK ? add_floats(f, floats, t->n_rows, t->width, err) : status;
}

static enum hone_status import_vectors(struct folder *f, struct hone_error *err)
{
    struct static_table t = {.rows = safetensors_find(f->tensors, "embedding.weight")};
    if (!t.rows)
        t = (struct static_table){.rows = safetensors_find(f->tensors, "embeddings"),
                                  .mapping = safetensors_find(f->tensors, "mapping"),
                                  .weights = safetensors_find(f->tensors, "weights")};
    if (!t.rows)
        return hone_fail(err, HONE_BAD_MODEL,
                         "%s: the safetensors hold neither 'embedding.weight' nor 'embeddings'", f->dir);
    return add_table(f, &t, err);
}

/* ---- weights of words ---- */

static enum hone_status import_weights(struct folder *f, struct hone_error *err)
{
    struct static_table t = {.rows = safetensors_find(f->tensors, "weight")};
    if (!t.rows)
        return hone_fail(err, HONE_BAD_MODEL, "%s: the safetensors hold no tensor 'weight'", f->dir);
    return add_table(f, &t, err);
}

bool folder_has_table(const struct folder *f)
{
    return folder_table(f) || folder_is_model2vec(f);
}

bool folder_reads_plain_tokenizer(const struct folder *f)
{
    return folder_is_model2vec(f) || modules_find(f->modules, MODULE_STATIC);
}

bool folder_weights_by_name(const struct folder *f)
{
    const struct module *m = modules_find(f->modules, MODULE_WEIGHTS);
    return m && json_is_string(json_object_get(m->config, "path"));
}

/* A file of weights by token ("idf.json") beside the tokenizer; tokens that it does not name weigh nothing. */
enum hone_status folder_import_named_weights(struct folder *f, const struct tok_vocab *vocab,
                                             struct hone_error *err)
{
    const struct module *m = modules_find(f->modules, MODULE_WEIGHTS);
    const char *name = json_string_value(json_object_get(m->config, "path"));
    const char *slash = strrchr(name, '/');
    json_t *weights = NULL;
    float *floats = NULL;
    enum hone_status status = folder_json(f, slash ? slash + 1 : name, true, &weights, err);
    if (status == HONE_OK && !json_is_object(weights))
        status =
            hone_fail(err, HONE_BAD_MODEL, "%s/%s: expected an object of tokens and weights", f->dir, name);
    if (status == HONE_OK)
        status = allocate(f, vocab->n_tokens, 1, &floats, err);
    for (size_t i = 0; i < vocab->n_tokens && status == HONE_OK; i++)
        floats[i] =
            (float)json_number_value(json_object_getn(weights, vocab->tokens[i].data, vocab->tokens[i].size));
    json_decref(weights);
    return status == HONE_OK ? add_floats(f, floats, vocab->n_tokens, 1, err) : status;
}

/* ---- limits of texts ---- */

static size_t count_characters(struct hone_text text)
{
    size_t n = 0, bytes;
    for (size_t at = 0; at < text.size; at += bytes, n++)
        utf8_character(text.data + at, text.size - at, &bytes);
    return n;
}

/* So many tokens, each of as many characters as the middle one of the vocabulary has (numpy's median, cut to a whole number). */
enum hone_status folder_import_characters(struct folder *f, const struct tok_vocab *vocab,
                                          struct hone_error *err)
{
    size_t n = vocab->n_tokens;
    if (f->longest <= 0 || n == 0)
        return HONE_OK;
    size_t *sizes = calloc(n, sizeof *sizes);
    if (!sizes)
        return hone_no_memory(err, "lengths of tokens", n * sizeof *sizes);
    for (size_t i = 0; i < n; i++)
        sizes[i] = count_characters((struct hone_text){vocab->tokens[i].data, vocab->tokens[i].size});
    qsort(sizes, n, sizeof *sizes, order_size);
    const size_t lower = sizes[(n - 1) / 2], median = (lower + sizes[n / 2]) / 2;
    double most = f->longest * (double)median;
    free(sizes);
    /* Tokens without characters would leave nothing of any text, as they do there. */
    return most < UINT32_MAX ? folder_set(gguf_set_u32(f->g, "hone.max_characters", (uint32_t)most),
                                          "hone.max_characters", err)
                             : HONE_OK;
}

/* ---- numbers ---- */

static enum hone_status set_size(struct folder *f, const char *name, size_t n, struct hone_error *err)
{
    char key[128];
    snprintf(key, sizeof key, "%s.%s", f->arch->name, name);
    return folder_set(gguf_set_u32(f->g, key, (uint32_t)n), key, err);
}

/* tokenizer.json cuts texts where nothing else does. */
static enum hone_status import_truncation(struct folder *f, struct hone_error *err)
{
    json_t *file;
    enum hone_status status = folder_json(f, "tokenizer.json", false, &file, err);
    json_t *limit = json_object_get(json_object_get(file, "truncation"), "max_length");
    json_int_t n = json_integer_value(limit);
    if (n > 0 && n < LONGEST && modules_find(f->modules, MODULE_STATIC))
        f->longest = (double)n;
    json_decref(file);
    return status;
}

/* model2vec's own: unknown tokens are left out, and texts are cut. */
static enum hone_status import_model2vec(struct folder *f, struct hone_error *err)
{
    static const struct key_spec keys[] = {{"model_type", NULL},
                                           {"architectures", NULL},
                                           {"tokenizer_name", NULL},
                                           {"apply_pca", NULL},
                                           {"pca_dims", NULL},
                                           {"apply_zipf", NULL},
                                           {"sif_coefficient", NULL},
                                           {"hidden_dim", NULL},
                                           {"seq_length", NULL},
                                           {"normalize", "true|false"},
                                           {"max_length", NULL},
                                           {"embedding_dtype", NULL},
                                           {"vocabulary_quantization", NULL},
                                           {"language", NULL},
                                           {"pooling", "\"mean\""},
                                           {NULL, NULL}};
    char path[PATH_MAX];
    json_t *limit = json_object_get(f->config, "max_length");
    double longest = json_is_number(limit) ? json_number_value(limit) : limit ? 0 : MODEL2VEC_LONGEST;
    snprintf(path, sizeof path, "%s/config.json", f->dir);
    enum hone_status status =
        keys_check(f->keys, path, f->config, (const struct key_spec *const[]){keys, NULL}, err);
    f->longest = longest >= 1 && longest < LONGEST ? longest : 0;
    f->drops_unknown = true;
    f->plain = !json_is_true(json_object_get(f->config, "normalize"));
    return status;
}

enum hone_status import_table_config(struct folder *f, struct hone_error *err)
{
    enum hone_status status = folder_is_model2vec(f) ? import_model2vec(f, err) : import_truncation(f, err);
    if (status == HONE_OK)
        status = set_size(f, "context_length", LONGEST, err);
    return status == HONE_OK
               ? folder_set(gguf_set_bool(f->g, "hone.bare_texts", true), "hone.bare_texts", err)
               : status;
}

enum hone_status import_table(struct folder *f, struct hone_error *err)
{
    enum hone_status status = HONE_OK;
    bool words = modules_find(f->modules, MODULE_WEIGHTS);
    if (words && folder_weights_by_name(f))
        return set_size(f, "embedding_length", 1, err); /* their table is made when the tokens are known */
    status = words ? import_weights(f, err) : import_vectors(f, err);
    const struct gguf_tensor *table = gguf_find_tensor(f->g, "token_embd.weight");
    return status == HONE_OK ? set_size(f, "embedding_length", (size_t)table->dims[0], err) : status;
}
