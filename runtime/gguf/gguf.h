/* A model file in memory: typed metadata and named tensors.
 *
 * The form is GGUF version 3 (https://github.com/ggml-org/ggml/blob/master/docs/gguf.md). A struct gguf is either
 * read from a file, which stays mapped and is checked completely at opening, or built up by the setters below (the
 * Hugging Face import does) and then written or used as it is. Not thread-safe while it is being built; any number
 * of readers afterwards.
 */
#ifndef RUNTIME_GGUF_GGUF_H
#define RUNTIME_GGUF_GGUF_H

#include "quant/types.h"
#include "runtime/base/error.h"
#include "runtime/base/files.h"

enum gguf_type {
    GGUF_U8,
    GGUF_I8,
    GGUF_U16,
    GGUF_I16,
    GGUF_U32,
    GGUF_I32,
    GGUF_F32,
    GGUF_BOOL,
    GGUF_STRING,
    GGUF_ARRAY,
    GGUF_U64,
    GGUF_I64,
    GGUF_F64,
    GGUF_N_TYPES
};

struct gguf_value {
    enum gguf_type type; /* of the value, or of an array's elements */
    bool is_array;
    size_t n;                        /* elements; 1 for a scalar */
    const void *data;                /* numbers: n values, any alignment; bool: n bytes */
    const struct hone_text *strings; /* GGUF_STRING: n of them, not NUL-terminated */
};

/* Bounds. A file that goes past one is refused. */
#define GGUF_MAX_DIMS      4
#define GGUF_MAX_KEY       65535      /* bytes */
#define GGUF_MAX_NAME      255        /* bytes of a tensor's name; GGUF itself says 64 */
#define GGUF_MAX_STRINGS   (1u << 24) /* elements of an array of strings */
#define GGUF_MAX_ALIGNMENT 65536

struct gguf_tensor {
    const char *name; /* NUL-terminated, no control characters */
    const struct quant_type *type;
    unsigned n_dims;
    uint64_t dims[GGUF_MAX_DIMS]; /* fastest first; unused ones are 1 */
    uint64_t size;                /* bytes */
    const void *data;             /* in the mapping, or owned by whoever added it */
};

struct gguf;

/* Reads a file; of a model in several all of them, of which it is one: they lie in one folder. Everything in it is checked before
 * this returns: HONE_BAD_MODEL with a sentence otherwise. */
enum hone_status gguf_open(struct gguf **out, const char *path, struct hone_error *err);
/* An empty one, to be built up. `path` is what error sentences call it. NULL on lack of memory. */
struct gguf *gguf_new(const char *path);
/* To look at a file that gguf_open refuses: its keys, and its tensors without their data, as far as they can be read. NULL:
 * there is nothing, or no memory. */
struct gguf *gguf_read_damaged(const char *path);
void gguf_close(struct gguf **g);
/* The same file once more, which takes memory of its own (gguf_own_memory) but whose keys, tensors and mappings are those of
 * `whole`: that must outlive it, and neither may be changed meanwhile. NULL: out of memory. */
struct gguf *gguf_borrow(const struct gguf *whole);

const char *gguf_path(const struct gguf *g);

/* Which files it was read from; none where it was built up. */
struct gguf_file {
    char *path;
    struct file_identity identity;
};
size_t gguf_n_files(const struct gguf *g);
const struct gguf_file *gguf_file_at(const struct gguf *g, size_t i);

/* HONE_FAILED with a sentence where a mapped file lost a part since it was opened, so that zeros were read there. To be
 * asked after data was used and before anything that was made of it goes on. Thread-safe, cheap. */
enum hone_status gguf_check_whole(const struct gguf *g, struct hone_error *err);

/* ---- metadata ---- */
size_t gguf_n_keys(const struct gguf *g);
const char *gguf_key(const struct gguf *g, size_t i);
const struct gguf_value *gguf_value_at(const struct gguf *g, size_t i);
const struct gguf_value *gguf_find(const struct gguf *g, const char *key); /* NULL: not there */

/* Typed getters. A missing key leaves *out as it is and is HONE_OK (set the default first); a value of another kind
 * or out of range is HONE_BAD_MODEL and named. Any integer type is accepted where it fits; u32/f32/bool widen. */
enum hone_status gguf_get_size(const struct gguf *g, const char *key, size_t max, size_t *out,
                               struct hone_error *err);
enum hone_status gguf_get_float(const struct gguf *g, const char *key, float *out, struct hone_error *err);
enum hone_status gguf_get_bool(const struct gguf *g, const char *key, bool *out, struct hone_error *err);
enum hone_status gguf_get_text(const struct gguf *g, const char *key, struct hone_text *out,
                               struct hone_error *err);
/* Element i of a numeric array (or scalar with i = 0), converted. i < value->n. */
int64_t gguf_int_at(const struct gguf_value *value, size_t i);
double gguf_float_at(const struct gguf_value *value, size_t i);

/* Bytes of one element; 0 for strings, arrays and unknown types. */
size_t gguf_type_size(enum gguf_type type);

/* ---- tensors ---- */
size_t gguf_n_tensors(const struct gguf *g);
const struct gguf_tensor *gguf_tensor_at(const struct gguf *g, size_t i);
size_t gguf_tensor_index(const struct gguf *g, const struct gguf_tensor *tensor);
const struct gguf_tensor *gguf_find_tensor(const struct gguf *g, const char *name); /* NULL: not there */

/* ---- building ---- they copy keys and values; false: out of memory, a duplicate or impossible key / name */
bool gguf_set_u32(struct gguf *g, const char *key, uint32_t value);
bool gguf_set_f32(struct gguf *g, const char *key, float value);
bool gguf_set_bool(struct gguf *g, const char *key, bool value);
bool gguf_set_text(struct gguf *g, const char *key, struct hone_text value);
bool gguf_set_string(struct gguf *g, const char *key, const char *value);
bool gguf_set_texts(struct gguf *g, const char *key, const struct hone_text *values, size_t n);
/* type: one of the numeric types or GGUF_BOOL; values: n of that type */
bool gguf_set_array(struct gguf *g, const char *key, enum gguf_type type, const void *values, size_t n);
/* Any value, another file's too: copies what it points to. */
bool gguf_set_value(struct gguf *g, const char *key, const struct gguf_value *value);
/* Copies the descriptor and the name and computes the size; tensor->data must outlive g. false also where rows are
 * not whole blocks or a dimension is 0. */
bool gguf_add_tensor(struct gguf *g, const struct gguf_tensor *tensor);
/* Gives a tensor of that name other values, of float32, which must outlive g. Nothing tells any more which files g was read from,
 * since it is not what they hold. */
bool gguf_change_tensor(struct gguf *g, const char *name, const float *values);
/* Hands g a block of memory or a mapping to release at gguf_close (tensor data that was made or mapped for it).
 * false: out of memory, and it stays the caller's. */
bool gguf_own_memory(struct gguf *g, void *p);
bool gguf_own_mapping(struct gguf *g, void *p, size_t size);

/* Gives the memory of a tensor's mapped data, or of a part of it, back; it is read from the file again where it is wanted
 * again. Thread-safe. */
void gguf_forget(const struct gguf *g, const void *bytes, size_t size);

/* ---- several models in one file ---- routes.c
 *
 * A router leads texts to one of several models, which lie in one file: what a route alone has is called
 * hone.route.NAME.KEY and route.NAME.TENSOR there, what all routes have alike has its own name, once. */
#define GGUF_ROUTER         "router"      /* general.architecture of such a file */
#define GGUF_ROUTES         "hone.routes" /* the routes' names, an array of strings */
#define GGUF_MAX_ROUTES     8
#define GGUF_MAX_ROUTE_NAME 32 /* bytes: it stands before each tensor's name */

/* Which of them reads texts that are neither, queries, documents; a key that is not there: none. */
enum { GGUF_ROUTE_OF_TEXTS, GGUF_ROUTE_OF_QUERIES, GGUF_ROUTE_OF_DOCUMENTS, GGUF_N_ROUTE_KEYS };
extern const char *const gguf_route_keys[GGUF_N_ROUTE_KEYS];

bool gguf_has_routes(const struct gguf *g);
/* Letters, digits, '-' and '_', at most GGUF_MAX_ROUTE_NAME of them. */
bool gguf_route_name_ok(struct hone_text name);
/* What a tensor of such a file, or of any other, is called in its own model. */
const char *gguf_name_in_route(const char *name);

/* One file of n models, whose tensors' data belongs to *out from then on; they themselves are to be closed by the caller, after a
 * failure too. */
enum hone_status gguf_join_routes(struct gguf **out, const char *path, const char *const *names,
                                  struct gguf **routes, size_t n, struct hone_error *err);
/* The names of its routes, checked; they live as long as the file. */
enum hone_status gguf_route_names(const struct gguf *whole, const struct hone_text **names, size_t *n,
                                  struct hone_error *err);
/* A route as a file of its own, which shares the tensors' data with `whole`: that must outlive it. */
enum hone_status gguf_open_route(struct gguf **out, const struct gguf *whole, struct hone_text route,
                                 struct hone_error *err);

/* ---- writing ---- write.c */

/* Which type a tensor is written as; NULL from it: as it is. */
typedef const struct quant_type *(*gguf_type_of)(const struct gguf_tensor *tensor, void *arg);

/* Takes the next bytes of a tensor; false: the file cannot take more, and whoever writes gives up. */
typedef bool (*gguf_put)(void *file, const void *data, size_t size);

/* How tensors are written that shall not stay as they are. */
struct gguf_encoder {
    gguf_type_of type_of;
    /* Puts the data of a tensor, of t->type, as it is written, of `to`, a window at a time so that memory stays bounded.
     * HONE_OK also where put said false. */
    enum hone_status (*encode)(const struct gguf_tensor *t, const struct gguf_tensor *to, gguf_put put,
                               void *file, void *arg, struct hone_error *err);
    void *arg; /* of both */
};

/* Writes g to `path` through a temporary file in the same folder that is renamed when it is complete (and removed
 * after a failure). encoder NULL: every tensor as it is. HONE_USAGE: a tensor cannot be of the type. */
enum hone_status gguf_write(const struct gguf *g, const char *path, const struct gguf_encoder *encoder,
                            struct hone_error *err);

#endif
