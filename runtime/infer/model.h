/* A model that calls share: hone.h's struct. Its net, its tokenizer, what it says of labels and prompts, and the memory that
 * calls on it reuse. */
#ifndef RUNTIME_INFER_MODEL_H
#define RUNTIME_INFER_MODEL_H

#include "runtime/infer/languages/languages.h"
#include "runtime/nn/net.h"
#include "runtime/nn/step.h"
#include "tokenizer/tokenizer.h"

#include <pthread.h>

/* What two embeddings are compared by; of vectors of tokens the sum of the nearest ones' products, or their mean. */
enum similarity {
    SIMILARITY_USUAL,
    SIMILARITY_COSINE,
    SIMILARITY_DOT,
    SIMILARITY_EUCLIDEAN,
    SIMILARITY_MANHATTAN,
    SIMILARITY_MAXSIM,
    SIMILARITY_MEANMAXSIM,
    N_SIMILARITIES
};

enum score_activation { SCORE_SIGMOID, SCORE_SOFTMAX, SCORE_NONE };

struct prompt {
    char *name, *text;
    size_t
        n_tokens; /* that pooling leaves out: the prompt's own and what the tokenizer puts before a text; 0: it leaves out none */
};

/* What one thread works with. */
struct worker {
    struct workspace ws;
    struct batch batch;
    uint32_t *tasks;             /* [max_seqs]: the batch's, where it has some */
    size_t max_tokens, max_seqs; /* that batch has room for */
    float *head;                 /* [head_size] */
    size_t head_size;            /* floats */
};
void worker_release(struct worker *w);

/* Of a model of late interaction; see multi_vector.h. */
struct multi_vector {
    size_t text_length, query_length, document_length; /* tokens at most; 0: as the model */
    size_t expand_to;                                  /* tokens that a query is filled up to; 0: it is not */
    bool expand_cuts;                                  /* and cut */
    bool attended;                                     /* real tokens see those that fill up */
    int32_t filler;
    int32_t *skipped; /* [n_skipped], rising: tokens whose vectors do not count */
    size_t n_skipped;
    bool skips_query, skips_document;
};

/* Of a head of spans: what stands before each label, and between labels and text. NULL: there is none. */
struct span_words {
    char *label, *separator;
};

struct vocabulary;
struct chat_templates;
struct pair_template;

/* What a causal model's score of a pair is made of: the logit of one token, less that of another. */
struct logit_score {
    bool is_there;
    int32_t yes, no; /* no -1: none */
};

#define N_UNUSED 4 /* begin, end, padding and unknown */
#define N_ROLES  (HONE_ROLE_DOCUMENT + 1)

struct hone_model {
    struct net net;
    struct tokenizer *tokenizer;
    struct tokenizer *target_tokenizer; /* of what is written; tokenizer, where there is one vocabulary */
    enum score_activation score;
    enum similarity similarity;
    char **labels; /* [net.hp.n_labels] */
    struct prompt *prompts;
    size_t n_prompts;
    const struct prompt *default_prompt; /* or NULL */
    char **adaptations; /* [net.hp.n_adaptations]: the tasks that it has adapters for; see adaptations.h */
    uint32_t default_adaptation; /* from 1 on; 0: none */
    struct pair_template
        *pairs; /* how a query and a document are read together; NULL: as the tokenizer pairs texts */
    struct logit_score logit_score;
    struct multi_vector multi;
    struct span_words spans;
    int32_t unused[N_UNUSED];   /* tokens that have no weight as words of a text, or -1; see hybrid.h */
    struct languages languages; /* that it translates from and to */
    char **remarks;             /* [n_remarks]: on what was passed over */
    size_t n_remarks;

    /* infer/routes.h: of a file of several models */
    struct gguf *whole;         /* which net.gguf is a part of; NULL: there is one model */
    struct hone_model **routes; /* [n_routes] beside this one */
    size_t n_routes;
    char *route;   /* the name of this one; NULL: there is one model */
    size_t number; /* among them, from 1 on; 0: the one that was opened */
    struct hone_model
        *of_role[N_ROLES]; /* the model that reads texts of each role: this one or another; NULL: none does */

    struct hone_options options; /* with the defaults filled in */
    struct hone_model_info info;
    int32_t mask; /* the token that stands for a word to be told; -1: there is none */
    char *path, *name;
    char positions[160];

    pthread_mutex_t lock;           /* held during a call that computes */
    struct worker *workers;         /* [options.n_threads] */
    struct tok_encoding *encodings; /* the same */
    struct stepper stepper;
    struct chat_templates *chats; /* read when a conversation first asks for them (infer/chat.h) */
    /* What generation knows of the model, and how to free it: generation stands above this room. NULL: it was not asked
     * for. */
    struct vocabulary *vocabulary;
    void (*vocabulary_free)(struct vocabulary *v);
};

/* labels.c: fills model->labels, by the file or by their numbers. */
enum hone_status model_load_labels(struct hone_model *model, struct hone_error *err);
/* To be freed; NULL: out of memory. */
char *model_copy_text(struct hone_text text);

/* hone_model_open of a file that was read already, which is the model's from now on, after a failure too; elder: a net of the
 * same file that was opened before and is closed after it. */
enum hone_status model_open_part(struct hone_model **out, const char *path, struct gguf *part,
                                 const struct net *elder, const struct hone_options *options,
                                 struct hone_error *err);

/* Whether g holds all that its family, or each route's, needs. Nothing is packed or kept. */
enum hone_status model_check(struct gguf *g, struct hone_error *err);

/* HONE_USAGE where it was opened without its weights. */
enum hone_status model_check_computes(const struct hone_model *model, struct hone_error *err);

/* Whether it can go through a text step by step. */
bool model_goes_stepwise(const struct hone_model *model);

/* How it holds keys and values, where that is asked for. */
enum kv_type model_kv_type(const struct hone_model *model, enum hone_kv kv);

/* HONE_USAGE where the model does not predict tokens. */
enum hone_status model_check_generates(const struct hone_model *model, struct hone_error *err);

#endif
