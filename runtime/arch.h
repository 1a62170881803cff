/* What a model family is: what its files call things, which tensors it has, and its forward pass.
 *
 * A family is one file in runtime/models/ that defines a struct arch, and one row in arch.c. Its two tables serve
 * both directions: the import of a Hugging Face folder reads the `hf` names and writes the GGUF ones, the loader
 * reads the GGUF ones. The GGUF names are those of llama.cpp's files.
 */
#ifndef RUNTIME_ARCH_H
#define RUNTIME_ARCH_H

#include "runtime/batch.h"
#include "runtime/dense.h"
#include "runtime/gguf.h"

enum pooling {
    POOL_NONE = 0,
    POOL_MEAN = 1,
    POOL_CLS = 2,
    POOL_LAST = 3,
    POOL_RANK = 4
}; /* as GGUF numbers them */

struct hparams {
    size_t n_layers, n_embd, n_heads, head_dim, n_ff;
    size_t n_vocab, n_positions, n_types; /* rows of the embedding tables */
    size_t n_labels;                      /* 0: no classification head */
    size_t max_length;                    /* tokens a text, special tokens included */
    float norm_eps;
    enum activation activation; /* of the feed-forward layer */
    enum pooling pooling;
    bool normalize;
    bool segments; /* the second text of a pair has type id 1 */
};

/* One number of config.json and its GGUF key. */
struct param_spec {
    const char *hf;   /* key in config.json */
    const char *gguf; /* key, behind "ARCHITECTURE." */
    enum { PARAM_SIZE, PARAM_FLOAT } kind;
    size_t offset; /* in struct hparams */
    size_t max;    /* PARAM_SIZE: 1 to max */
};
#define PARAM(member) offsetof(struct hparams, member)

/* An option of config.json that the family's forward pass knows in one form only, as JSON text. */
struct fixed_spec {
    const char *hf, *value;
};

/* Symbolic sizes in tensor shapes. */
enum dim { DIM_NONE, DIM_EMBD, DIM_HEADS, DIM_FF, DIM_VOCAB, DIM_POSITIONS, DIM_TYPES, DIM_LABELS, N_DIMS };

enum tensor_kind {
    TENSOR_TABLE,  /* struct embedding: rows are looked up where they lie in the file */
    TENSOR_FLOATS, /* const float *: a vector or matrix held as f32 */
    TENSOR_WEIGHT, /* struct dense: the next part of its weight */
    TENSOR_BIAS,   /* struct dense: the bias of the part named just before */
};

enum {
    TENSOR_LAYER = 1, /* one a layer; the names hold %u, the offset is in struct layer */
    TENSOR_OPTIONAL = 2,
    TENSOR_HEAD = 4, /* of the classification head: exactly where n_labels > 0 */
};

struct tensor_spec {
    const char *gguf;
    const char *hf; /* without the family's prefix ("bert.") */
    enum tensor_kind kind;
    enum dim rows, cols; /* a vector has no cols */
    unsigned flags;
    size_t offset; /* in struct weights, or struct layer */
};
#define AT(member)       offsetof(struct weights, member)
#define LAYER_AT(member) offsetof(struct layer, member)

struct embedding {
    const struct gguf_tensor *table; /* [n_rows, n_embd] */
};

struct norm {
    const float *gamma, *beta; /* [n_embd] */
};

struct layer {
    struct dense qkv;      /* [3 * n_heads * head_dim, n_embd] */
    struct dense attn_out; /* [n_embd, n_heads * head_dim] */
    struct norm attn_norm; /* after attention and residual */
    struct dense ffn_up;   /* [n_ff, n_embd] */
    struct dense ffn_down; /* [n_embd, n_ff] */
    struct norm ffn_norm;  /* after the feed-forward layer and residual */
};

struct weights {
    struct embedding token_embd;
    const float *position_embd, *type_embd; /* [n_positions, n_embd] and [n_types, n_embd], or NULL */
    struct norm embd_norm;
    struct layer *layers; /* [n_layers] */
    void *packed;         /* the packed matrices of all struct dense */
    size_t packed_size;
    size_t row_bytes;          /* of workspace that a row of any product needs */
    struct dense cls, cls_out; /* the classification head: cls_out(tanh(cls(x))) */
};

struct model;

struct arch {
    const char *name;                  /* general.architecture */
    const char *hf_type;               /* model_type in config.json */
    const char *hf_prefix;             /* in front of tensor names, where a file has one: "bert." */
    const char *tokenizer_model;       /* tokenizer.ggml.model that its files are written with */
    enum pooling pooling;              /* where a file does not say */
    const struct param_spec *params;   /* ends with hf == NULL */
    const struct tensor_spec *tensors; /* ends with gguf == NULL */
    const struct fixed_spec *fixed;    /* ends with hf == NULL */
    const char *const *ignored; /* starts of tensor names that the import passes over; ends with NULL */

    /* Floats of workspace a token that forward needs, its result included. */
    size_t (*workspace)(const struct hparams *hp);
    /* The last hidden states, [n_tokens, n_embd], in the workspace. Cannot fail: everything was checked before. */
    float *(*forward)(const struct model *model, const struct batch *batch, struct workspace *ws);
};

/* NULL: unknown. */
const struct arch *arch_by_name(const char *name);
const struct arch *arch_by_hf_type(const char *hf_type);
/* "bert, ..." for error sentences: the GGUF names, or the Hugging Face ones; cut to size bytes. */
void arch_names(bool hf, char *out, size_t size);

#endif
