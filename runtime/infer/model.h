/* A model in memory: its file, its family, its numbers, its weights and its tokenizer. */
#ifndef RUNTIME_INFER_MODEL_H
#define RUNTIME_INFER_MODEL_H

#include "runtime/nn/arch.h"
#include "tokenizer/tokenizer.h"

#include <pthread.h>

enum score_activation { SCORE_SIGMOID, SCORE_SOFTMAX, SCORE_NONE };

struct prompt {
    char *name, *text;
};

struct model {
    struct gguf *gguf;
    const struct arch *arch;
    const struct kernels *kernels;
    /* The kernels', of the kind that suits the dense products. */
    void (*attention)(const struct attention_args *args);
    void (*tile_attention)(const struct tile_attention_args *args);
    struct hparams hp;
    struct weights weights;
    struct tokenizer *tokenizer;
    enum score_activation score;
    char **labels; /* [hp.n_labels] */
    struct prompt *prompts;
    size_t n_prompts;
    const struct prompt *default_prompt; /* or NULL */
};

/* What one thread works with. */
struct worker {
    struct workspace ws;
    struct batch batch;
    size_t max_tokens, max_seqs; /* that batch has room for */
    float *head;                 /* [head_size] */
    size_t head_size;            /* floats */
};
void worker_release(struct worker *w);

/* What the steps of a decoder reuse. */
struct stepper {
    struct workspace ws;
    struct batch batch;
    struct kv_seq **kvs;     /* [max_seqs] */
    struct source **sources; /* [max_seqs] */
    float *rows;             /* hidden states whose logits are wanted */
    size_t max_tokens, max_seqs;
};
void stepper_release(struct stepper *s);

struct kv_cache;
struct token_pieces;
struct vocabulary;

/* What calls on a model share; hone.h's struct. */
struct hone_model {
    struct model model;
    struct hone_options options; /* with the defaults filled in */
    struct hone_model_info info;
    char *path, *name;
    char positions[160];
    pthread_mutex_t lock;           /* held during a call that computes */
    struct worker *workers;         /* [options.n_threads] */
    struct tok_encoding *encodings; /* the same */
    struct stepper stepper;
    struct kv_cache *kv;           /* of the texts that were generated; NULL: none yet */
    struct vocabulary *vocabulary; /* what generation knows of it; NULL: it was not asked for */
};

/* hparams.c: the numbers of the file; of each layer, whether it is local. */
enum hone_status hparams_load(struct model *m, struct hone_error *err);
enum hone_status layers_mark_local(struct model *m, struct hone_error *err);
/* What a family's scores are divided by the root of; n_heads > 0. */
float hparams_attn_divisor(const struct arch *arch, size_t n_layers, size_t n_embd, size_t n_heads,
                           size_t head_dim);

/* weights.c: every tensor of the family's table, found and its shape checked, and no other in the file (but with
 * `force`); then the matrices packed for the kernels. After a failure too, weights_free. Needs the numbers, m->gguf and
 * m->arch; packing m->kernels. */
enum hone_status weights_find(struct model *m, bool force, struct hone_error *err);
enum hone_status weights_pack(struct model *m, enum dense_kind kind, int n_threads, struct hone_error *err);
void weights_free(struct model *m);

/* model.c: whether g holds all that its family needs. Nothing is packed or kept. */
enum hone_status model_check(struct gguf *g, struct hone_error *err);

/* vocab.c: the tokenizer of a file; *out is NULL after a failure. */
enum hone_status vocab_load(struct tokenizer **out, const struct gguf *g, struct hone_error *err);
/* The bytes of its tokens; to be released with token_pieces_release after HONE_OK. */
enum hone_status vocab_pieces(struct token_pieces *out, const struct gguf *g, struct hone_error *err);

#endif
