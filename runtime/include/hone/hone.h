/* hone: embed, rerank, classify and generate on a CPU.
 *
 * The public C API: <hone.h> is all of it. This header has what the others build on, and the functions that turn texts
 * into numbers; generate.h those that write texts, scheduler.h many requests on one model, files.h model files, bench.h
 * what a machine can do.
 *
 * Errors. A function that can fail returns enum hone_status and, where `err` is not NULL, leaves a sentence in
 * err->message that names the file, tensor, field or text and says what was expected. Nothing aborts. After a
 * failure every output pointer is NULL or untouched and nothing needs to be freed.
 *
 * Structs. One that may grow begins with `size`, which its ..._DEFAULTS sets: a program that was compiled against an older
 * header goes on working with a newer library. 0 counts as sizeof.
 *
 * Threads. Different models may be used from different threads at once. One model may be shared: calls on it
 * are serialised inside. A model must not be closed while a call on it runs.
 *
 * Texts are bytes with a length, UTF-8, and may hold NUL. Invalid UTF-8 is read with U+FFFD in place of each
 * maximal invalid part (as Python's errors="replace") and counted in struct hone_stats.
 *
 * Files. A model's file is mapped while the model is open. Where it is shortened meanwhile, or its disk fails, reading it
 * raises SIGBUS; the first file that is opened therefore installs a handler, and calls on that model fail with HONE_FAILED
 * and a sentence, until it is closed and opened anew. A SIGBUS from anywhere else goes to the handler that was there
 * before. A program with one of its own installs it first. Writing other bytes into a file that is open changes results.
 */
#ifndef HONE_HONE_H
#define HONE_HONE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define HONE_API __attribute__((visibility("default")))
#else
#define HONE_API
#endif

#define HONE_VERSION "0.1.0"

/* The values are the exit statuses of the command line. */
enum hone_status {
    HONE_OK = 0,
    HONE_FAILED = 1,    /* while running: memory, a file that cannot be read or written */
    HONE_USAGE = 2,     /* an argument that makes no sense, a task the model is not for */
    HONE_BAD_MODEL = 3, /* a model file that is damaged, incomplete or of an unknown kind */
    HONE_REFUSED = 4,   /* an input text was refused (too long in strict mode) */
    HONE_BUSY = 5,      /* a scheduler's queue is full: later there may be room */
    HONE_LATE = 6,      /* a request's time was over before its result was there */
    HONE_CANCELLED =
        7, /* by hone_cancel, by a function that was called back, or since the scheduler was closed */
};

struct hone_error {
    enum hone_status status;
    char message[1024]; /* one sentence, NUL-terminated, no newline */
};

struct hone_text {
    const char *data; /* NULL is as good as any where there are no bytes */
    size_t size;      /* bytes */
};

/* ---- models ------------------------------------------------------------------------------------------- */

enum hone_compute {
    HONE_COMPUTE_AUTO, /* int8 for files whose weights are quantised already, f32 for the others */
    HONE_COMPUTE_F32,  /* hone's own float32 products: a text's result never depends on its batch */
    HONE_COMPUTE_INT8, /* weights and activations as bytes, exact integer sums; never depends on the batch either */
    HONE_COMPUTE_BF16, /* bfloat16 products summed in float32 */
    HONE_COMPUTE_BLAS, /* float32 products by OpenBLAS: results may differ in the last bits with the batch */
};

enum hone_kv {
    HONE_KV_AUTO, /* f32 where f32 is computed, else f16 */
    HONE_KV_F32,
    HONE_KV_F16,
    HONE_KV_INT8,
};

/* An adapter of low rank: a GGUF file, or PEFT's folder. Scale times what it learned is added to the model's matrices. */
struct hone_lora {
    const char *path;
    float scale; /* 1: as it was trained */
};

struct hone_options {
    size_t size;   /* of this struct, as its defaults set it; 0 counts as sizeof */
    int n_threads; /* 0: as many as the affinity mask and the cgroup quota allow */
    enum hone_compute compute;
    size_t max_length;   /* tokens a text, special tokens included; 0: the model's own limit */
    size_t batch_tokens; /* tokens computed together; 0: 4096. Bounds the memory used for activations. */
    bool strict;         /* refuse a text that is too long instead of truncating it */
    bool force;          /* open a file with tensors that nothing reads */
    enum hone_kv kv;     /* how keys and values of generated texts are held */
    size_t
        kv_tokens; /* for how many tokens there is room, all sequences together; 0: as many as a call needs */
    bool no_cache; /* packed weights are neither read from the cache folder nor kept there */
    bool
        vocab_only; /* load just the tokenizer; only hone_tokenize, hone_detokenize and their kind work then */
    const struct hone_lora *loras; /* [n_loras], added in their order; what is packed is not kept then */
    size_t n_loras;
    /* Read and check everything, but hold no weights: for what tells of a model (hone_model_info, hone_model_need), its tokens,
     * its templates, and what is made of results that are there (hone_entities_of). Computing is HONE_USAGE. */
    bool no_weights;
    /* A model that was opened from the same path: its file, as it was then, and its vocabulary are shared instead of read once
     * more. It must outlive this one; one of another path, or adapters beside it, are HONE_USAGE. A file of several models is
     * read all the same. NULL: none. */
    const struct hone_model *like;
};

#define HONE_OPTIONS_DEFAULTS                                                                                \
    {                                                                                                        \
        .size = sizeof(struct hone_options)                                                                  \
    }

struct hone_model;

/* Opens a GGUF file or a Hugging Face folder. `options` may be NULL. On success *out is the caller's, to be
 * closed with hone_model_close; on failure *out is NULL. */
HONE_API enum hone_status hone_model_open(struct hone_model **out, const char *path,
                                          const struct hone_options *options, struct hone_error *err);

/* Closes *model and sets it to NULL. NULL and a pointer to NULL are allowed. */
HONE_API void hone_model_close(struct hone_model **model);

enum hone_task {
    HONE_TASK_NONE,            /* a vocabulary alone */
    HONE_TASK_EMBED,           /* hone_embed; hone_rerank by cosine similarity */
    HONE_TASK_CLASSIFY,        /* hone_classify, and hone_rerank where there is one label */
    HONE_TASK_GENERATE,        /* hone_generate */
    HONE_TASK_CLASSIFY_TOKENS, /* hone_classify_tokens, hone_find_entities */
    HONE_TASK_ANSWER,          /* hone_answer */
    HONE_TASK_FIND_SPANS,      /* hone_find_spans */
    HONE_TASK_RERANK, /* hone_rerank alone: all documents are read together, and scores are cosines */
};

struct hone_model_info {
    const char *path;
    const char *name;         /* general.name, or "" */
    const char *architecture; /* as in the file: "bert" */
    enum hone_task task;
    const char
        *pooling;   /* "mean", "cls", "last", "max"; "tokens": hone_embed_tokens; "splade": hone_embed_sparse;
                             * or "none" */
    bool normalize; /* embeddings are L2-normalised by default */
    const char *activation;         /* what turns logits into scores: "sigmoid", "softmax" or "none" */
    struct hone_text chat_template; /* Jinja, as the file has it; empty: there is none */
    size_t n_params, n_vocab, n_layers, n_embd, n_heads, n_ff;
    size_t n_kv_heads, head_dim; /* heads of keys and values, and numbers of each head */
    size_t n_local, window;      /* so many layers see so many tokens alone; 0: all see all */
    /* How they are told apart, in words: "rotary, base 10000"; "" where it is not so. */
    const char *positions;
    size_t n_dims;     /* width of an embedding; n_embd but for models that project it */
    size_t max_length; /* tokens a text, special tokens included */
    size_t n_labels;   /* 0 for embedding models */
    bool fills_masks;  /* hone_fill_masks */
    bool has_decoder;  /* behind an encoder, which reads the prompt */
    size_t n_prompts;
    size_t n_threads;
    const char *compute; /* what runs: "f32" */
    const char *cpu;     /* instruction set the kernels use: "avx512" */
    /* Which one of several models it is, that a router leads texts to; "": there is no router. */
    const char *route;
    size_t n_token_dims;    /* width of a token's vector (hone_embed_tokens) */
    bool vectors_of_tokens; /* there is a head for these beside that of texts (BGE-M3) */
    bool weighs_words;      /* hone_embed_sparse */
    /* Tokens that it reads: n_vocab, which it writes, but where an encoder and its decoder have a vocabulary each (Marian). */
    size_t n_input_vocab;
};

/* The strings live as long as the model. */
HONE_API const struct hone_model_info *hone_model_info(const struct hone_model *model);

/* Bytes that a model takes at most while it is open, foretold from its file and its options: a model that was opened with
 * no_weights tells the same as one that holds them. */
struct hone_need {
    size_t weights;     /* packed for products */
    size_t tables;      /* of the file, read where they lie: mapped, so that several processes share them */
    size_t vocabulary;  /* the tokenizer, about */
    size_t activations; /* of all threads, for texts of up to batch_tokens tokens */
    size_t
        kv; /* keys, values and recurrent states: for kv_tokens where that is set, else of one context; 0: none */
    size_t kv_token; /* of that each token of a text that is generated; 0: none */
    /* Of `weights` those of experts, and what of them a token goes through: in a mapped file, so that those that are not
     * chosen may leave the memory. */
    size_t experts, experts_token;
};

/* HONE_USAGE: the model was opened for its vocabulary alone. */
HONE_API enum hone_status hone_model_need(const struct hone_model *model, struct hone_need *out,
                                          struct hone_error *err);

/* Name of label i < n_labels; "LABEL_0" and so on where the model names none. Lives as long as the model. */
HONE_API const char *hone_model_label(const struct hone_model *model, size_t i);

/* Name and text of prompt i < n_prompts. They live as long as the model. */
HONE_API const char *hone_model_prompt(const struct hone_model *model, size_t i, const char **text);

/* Name of task i that the model has an adapter for (hone_run_options.adaptation); NULL behind the last. Lives as long as the
 * model. */
HONE_API const char *hone_model_adaptation(const struct hone_model *model, size_t i);

/* Remark i on what hone_model_open passed over because of `force`: a sentence; NULL behind the last. Lives as long as the
 * model. */
HONE_API const char *hone_model_remark(const struct hone_model *model, size_t i);

/* What a text is in a search, where a model reads queries and documents each in their own way. */
enum hone_role { HONE_ROLE_NONE, HONE_ROLE_QUERY, HONE_ROLE_DOCUMENT };

/* The model that reads texts of that role: one of several where the file has a router (Sentence Transformers' Router), else
 * `model` itself. It lives as long as `model` and must not be closed. NULL: the model does not read such texts.
 * hone_model_info and the functions that have no role for a text tell of the route of HONE_ROLE_NONE, or where there is none of
 * the first. */
HONE_API struct hone_model *hone_model_route(struct hone_model *model, enum hone_role as);

/* ---- texts to numbers --------------------------------------------------------------------------------- */

/* What happened to the inputs. The functions below add to it, so one struct can count a whole run. */
struct hone_stats {
    size_t n_texts;     /* texts or pairs */
    size_t n_tokens;    /* computed, special tokens included */
    size_t n_truncated; /* texts that were cut to max_length */
    size_t n_invalid;   /* texts with invalid UTF-8 */
    size_t n_refused;
};

/* Called now and then from the calling thread with the number of texts finished so far in this call: after each few
 * hundred tokens that this thread has computed. false: enough. The call then ends as soon as what is being computed is,
 * and is HONE_CANCELLED; which rows of its results have been filled is not told. */
typedef bool (*hone_progress)(void *arg, size_t n_done);

/* Called from the calling thread, before anything is computed, for a text that is refused: its index and a sentence. */
typedef void (*hone_refusal)(void *arg, size_t index, const char *sentence);

/* From which side of a text that is too long tokens are dropped. */
enum hone_side {
    HONE_SIDE_USUAL, /* as the model's tokenizer says */
    HONE_SIDE_RIGHT, /* its end */
    HONE_SIDE_LEFT
};

struct hone_run_options {
    size_t size;               /* of this struct, as its defaults set it; 0 counts as sizeof */
    const char *pooling;       /* NULL: the model's own; "mean", "cls", "last", "max" */
    size_t n_dims;             /* the first so many of an embedding's dimensions (matryoshka); 0: all */
    const char *prompt;        /* NULL: the model's default; name of a prompt, "" for none */
    int normalize;             /* -1: the model's own; 0 or 1 */
    bool raw;                  /* logits instead of scores */
    enum hone_side cut;        /* not of what a model that generates judges */
    hone_progress on_progress; /* may be NULL */
    void *progress_arg;
    /* NULL: the first text that must be refused (strict mode) fails the call. Otherwise each is told here, its row
     * is filled with NaN, and the others are computed. */
    hone_refusal on_refused;
    void *refused_arg;
    /* What documents are judged by, in a sentence, where a model that generates reranks; NULL: whether they answer a web
     * search. Not for other models. */
    const char *instruction;
    bool keep_second; /* of a pair that is too long the first text alone is cut */
    /* What is kept of this call, or found of earlier ones (token ids, results, keys and values of past tokens), is shared
     * with calls of the same number alone, so that how long a call takes tells nothing of what others asked. 0: with all
     * that say 0. */
    uint64_t partition;
    /* Of embeddings: with a role the prompt of that name, if the model has one and none is asked for, its limits, and the route
     * that a router leads such texts to; of models of late interaction which vectors there are. hone_rerank knows it of
     * itself. */
    enum hone_role as;
    /* Of embeddings of a model that has adapters for tasks (hone_model_adaptation): which task texts are for. With it comes the
     * prompt of its name, unless one is asked for. "": none; NULL: that of `as`, or else the model's default, if it has one. */
    const char *adaptation;
};
#define HONE_RUN_DEFAULTS                                                                                    \
    {                                                                                                        \
        .size = sizeof(struct hone_run_options), .normalize = -1                                             \
    }

/* out: float32 [n_texts, n_dims], caller's: the model's n_dims, or those of `run`. `run` and `stats` may be NULL. Texts are sorted by length inside and
 * computed in batches of at most batch_tokens tokens; row i is the embedding of text i. */
HONE_API enum hone_status hone_embed(struct hone_model *model, const struct hone_text *texts, size_t n_texts,
                                     const struct hone_run_options *run, float *out, struct hone_stats *stats,
                                     struct hone_error *err);

/* A vector for each token, special ones included, for late interaction (ColBERT). *out: float32 [rows, n_dims]; those
 * of text i are rows (*starts)[i] up to (*starts)[i + 1], none where it was refused. n_dims is the model's n_token_dims; of
 * models that have neither the pooling "tokens" nor a head for it these are the last hidden states, as long as they are, unless
 * `run` says otherwise. *out and *starts [n_texts + 1] are to be freed with hone_free. */
HONE_API enum hone_status hone_embed_tokens(struct hone_model *model, const struct hone_text *texts,
                                            size_t n_texts, const struct hone_run_options *run, float **out,
                                            size_t **starts, struct hone_stats *stats,
                                            struct hone_error *err);

struct hone_word {
    int32_t id; /* of a token of the vocabulary */
    float weight;
};

/* The words of the vocabulary that fit a text, with their weights, by rising id (SPLADE, or BGE-M3's words of the text itself;
 * the model's weighs_words). Those of text i are (*out)[(*starts)[i]] up to (*starts)[i + 1]. *out and *starts are to be freed with
 * hone_free. */
HONE_API enum hone_status hone_embed_sparse(struct hone_model *model, const struct hone_text *texts,
                                            size_t n_texts, const struct hone_run_options *run,
                                            struct hone_word **out, size_t **starts, struct hone_stats *stats,
                                            struct hone_error *err);

/* Three of these at once, in one pass, of a model that has heads for them (BGE-M3). out: as hone_embed's, or NULL; *rows and
 * *row_starts as hone_embed_tokens', without the first token, which stands for the text, or both NULL; *words and *word_starts
 * as hone_embed_sparse's, or both NULL. HONE_USAGE: the model does not make what is asked for. */
HONE_API enum hone_status hone_embed_hybrid(struct hone_model *model, const struct hone_text *texts,
                                            size_t n_texts, const struct hone_run_options *run, float *out,
                                            float **rows, size_t **row_starts, struct hone_word **words,
                                            size_t **word_starts, struct hone_stats *stats,
                                            struct hone_error *err);

/* out: float32 [n_docs], caller's; larger is better. A cross-encoder's score (or logit, with run->raw); how probable a
 * model that generates and knows Qwen's form of a chat finds "yes" (raw: the odds' logarithm); or the
 * cosine similarity of the two embeddings where the model only embeds. Of a model whose task is HONE_TASK_RERANK a document's
 * score depends on the others beside it. */
HONE_API enum hone_status hone_rerank(struct hone_model *model, struct hone_text query,
                                      const struct hone_text *docs, size_t n_docs,
                                      const struct hone_run_options *run, float *out,
                                      struct hone_stats *stats, struct hone_error *err);

/* out: float32 [n_texts, n_labels], caller's. `pairs` is NULL or holds the second text of each. */
HONE_API enum hone_status hone_classify(struct hone_model *model, const struct hone_text *texts,
                                        const struct hone_text *pairs, size_t n_texts,
                                        const struct hone_run_options *run, float *out,
                                        struct hone_stats *stats, struct hone_error *err);

/* Labels that the model was not trained for: it tells whether a text entails that one of them fits (NLI; a label of its own
 * that begins with "entail", or else its last one). */
struct hone_zero_shot_options {
    size_t size;                 /* of this struct, as its defaults set it; 0 counts as sizeof */
    struct hone_text hypothesis; /* with {} where a label goes; empty: "This example is {}." */
    bool
        multi_label; /* any number of them may fit: each is weighed against its contradiction. Else one does, and the scores
                         of a text sum up to 1. */
};
#define HONE_ZERO_SHOT_DEFAULTS                                                                              \
    {                                                                                                        \
        .size = sizeof(struct hone_zero_shot_options)                                                        \
    }

/* out: float32 [n_texts, n_labels], caller's. A text that is too long is cut, not the hypothesis. `options` may be NULL; of
 * `run`, which may be, too, neither raw nor on_progress count. */
HONE_API enum hone_status hone_zero_shot(struct hone_model *model, const struct hone_text *texts,
                                         size_t n_texts, const struct hone_text *labels, size_t n_labels,
                                         const struct hone_zero_shot_options *options,
                                         const struct hone_run_options *run, float *out,
                                         struct hone_stats *stats, struct hone_error *err);

/* The scores of one text, from the logits [n_labels, the model's labels] that hone_classify with run->raw gives for it and
 * each hypothesis. out: [n_labels]. The model may be used by others at the same time. */
HONE_API enum hone_status hone_zero_shot_scores(const struct hone_model *model, const float *logits,
                                                size_t n_labels, const struct hone_zero_shot_options *options,
                                                float *out, struct hone_error *err);

/* The words that fit best where a text has the model's mask token, with their probabilities (or logits, with run->raw), best
 * first: n_words for each mask, in its order; at most n_vocab. Those of text i are (*out)[(*starts)[i]] up to (*starts)[i + 1],
 * none where it has no mask. The model has a head for words (fills_masks). *out and *starts [n_texts + 1] are to be freed
 * with hone_free. */
HONE_API enum hone_status hone_fill_masks(struct hone_model *model, const struct hone_text *texts,
                                          size_t n_texts, size_t n_words, const struct hone_run_options *run,
                                          struct hone_word **out, size_t **starts, struct hone_stats *stats,
                                          struct hone_error *err);

/* Scores (or logits, with run->raw) of each token's labels, special tokens included: *out: float32 [rows, n_labels]; those
 * of text i are rows (*starts)[i] up to (*starts)[i + 1]. The model's task is HONE_TASK_CLASSIFY_TOKENS. *out and *starts
 * [n_texts + 1] are to be freed with hone_free. */
HONE_API enum hone_status hone_classify_tokens(struct hone_model *model, const struct hone_text *texts,
                                               size_t n_texts, const struct hone_run_options *run,
                                               float **out, size_t **starts, struct hone_stats *stats,
                                               struct hone_error *err);

/* How labels of tokens become those of what they name together, as transformers' aggregation strategies. */
enum hone_aggregate {
    HONE_AGGREGATE_SIMPLE,  /* neighbours of one label; "B-" begins a new one */
    HONE_AGGREGATE_NONE,    /* each token */
    HONE_AGGREGATE_FIRST,   /* the tokens of a word have the label of its first one, */
    HONE_AGGREGATE_AVERAGE, /* of their mean scores, */
    HONE_AGGREGATE_MAX,     /* of the one that is surest; then as SIMPLE */
};

struct hone_entity_options {
    size_t size; /* of this struct, as its defaults set it; 0 counts as sizeof */
    enum hone_aggregate aggregate;
    bool outside; /* tell those of the label "O", too */
};
#define HONE_ENTITY_DEFAULTS                                                                                 \
    {                                                                                                        \
        .size = sizeof(struct hone_entity_options)                                                           \
    }

struct hone_entity {
    size_t start, end; /* bytes of the text, [start, end) */
    const char *
        label; /* but for HONE_AGGREGATE_NONE without what is before its first '-'; lives as long as the model */
    float score;
};

/* What a text names, in its order. Those of text i are (*out)[(*starts)[i]] up to (*starts)[i + 1]; none where it was
 * refused. `options` may be NULL. *out and *starts [n_texts + 1] are to be freed with hone_free. */
HONE_API enum hone_status hone_find_entities(struct hone_model *model, const struct hone_text *texts,
                                             size_t n_texts, const struct hone_entity_options *options,
                                             const struct hone_run_options *run, struct hone_entity **out,
                                             size_t **starts, struct hone_stats *stats,
                                             struct hone_error *err);

/* The same for one text whose rows of scores are there: those that hone_classify_tokens gave, with `cut` as it had it. The
 * model may be used by others at the same time. *out [*n] is to be freed with hone_free. */
HONE_API enum hone_status hone_entities_of(const struct hone_model *model, struct hone_text text,
                                           const float *rows, size_t n_rows, enum hone_side cut,
                                           const struct hone_entity_options *options,
                                           struct hone_entity **out, size_t *n, struct hone_error *err);

/* What a text names, by labels that are given with it (GLiNER). */
struct hone_span_options {
    size_t size;      /* of this struct, as its defaults set it; 0 counts as sizeof */
    float threshold;  /* spans whose score is above this are told, 0 to 1 */
    bool nested;      /* a span may lie in another one; else none overlaps another, and the surest is told */
    bool multi_label; /* a span may have several labels; else the surest is told */
};
#define HONE_SPAN_DEFAULTS                                                                                   \
    {                                                                                                        \
        .size = sizeof(struct hone_span_options), .threshold = 0.5f                                          \
    }

struct hone_labeled_span {
    size_t start, end; /* bytes of the text, [start, end) */
    size_t label;      /* among those that were given */
    float score;       /* a probability */
};

/* The spans of words of a text that one of the labels fits, in its order; of those that begin together the surest first. Those of
 * text i are (*out)[(*starts)[i]] up to (*starts)[i + 1]; none where it was refused. Of a label that is there twice the first one
 * counts. The model's task is HONE_TASK_FIND_SPANS. `options` may be NULL. HONE_USAGE: no label, or more than the model reads with
 * a text. *out and *starts [n_texts + 1] are to be freed with hone_free. */
HONE_API enum hone_status hone_find_spans(struct hone_model *model, const struct hone_text *texts,
                                          size_t n_texts, const struct hone_text *labels, size_t n_labels,
                                          const struct hone_span_options *options,
                                          const struct hone_run_options *run, struct hone_labeled_span **out,
                                          size_t **starts, struct hone_stats *stats, struct hone_error *err);

struct hone_answer_options {
    size_t size;         /* of this struct, as its defaults set it; 0 counts as sizeof */
    size_t n_best;       /* so many answers of each context, at most */
    size_t max_tokens;   /* of an answer */
    bool may_lack;       /* that there is none is one of the answers: bytes [0, 0) */
    bool parts_of_words; /* answers begin and end where the best tokens do, not where their words do */
    /* Longer contexts are read in windows of so many tokens, the question included, or of as many as the model reads where
     * these are fewer (0: always); neighbours share `overlap` tokens of the context, or half a window's where that is less. */
    size_t window, overlap;
};
#define HONE_ANSWER_DEFAULTS                                                                                 \
    {                                                                                                        \
        .size = sizeof(struct hone_answer_options), .n_best = 1, .max_tokens = 15, .window = 384,            \
        .overlap = 128                                                                                       \
    }

struct hone_answer {
    size_t start, end; /* bytes of the context, [start, end) */
    float score;       /* a probability; of answers that are found in several places the sum */
};

/* Where question i is answered in context i, best first, as transformers' pipeline tells it. Those of i are
 * (*out)[(*starts)[i]] up to (*starts)[i + 1]; none of an empty context. `options` may be NULL. The model's task is
 * HONE_TASK_ANSWER. A question that leaves a context no room is refused. *out and *starts [n + 1] are to be freed with
 * hone_free. */
HONE_API enum hone_status hone_answer(struct hone_model *model, const struct hone_text *questions,
                                      const struct hone_text *contexts, size_t n,
                                      const struct hone_answer_options *options,
                                      const struct hone_run_options *run, struct hone_answer **out,
                                      size_t **starts, struct hone_stats *stats, struct hone_error *err);

/* ---- tokens ------------------------------------------------------------------------------------------- */

/* The ids of many texts, made by all threads: those of text i are (*ids)[(*starts)[i]] up to (*starts)[i + 1].
 * `pairs` is NULL or holds the second text of each; nothing is truncated. *ids and *starts [n_texts + 1] are to be
 * freed with hone_free. `stats` may be NULL. */
HONE_API enum hone_status hone_tokenize(struct hone_model *model, const struct hone_text *texts,
                                        const struct hone_text *pairs, size_t n_texts, bool add_special,
                                        int32_t **ids, size_t **starts, struct hone_stats *stats,
                                        struct hone_error *err);

/* Which bytes of its text a token stands for, [start, end): those of whole characters, so that tokens may share one, and
 * none of a special token that was added: start and end are SIZE_MAX. */
struct hone_span {
    size_t start, end;
};

/* The ids of one text and what each of them stands for, as Hugging Face's tokenizers tells it. *ids and *spans [*n] are
 * to be freed with hone_free; after a failure they are NULL. HONE_USAGE: the text cannot be tokenized; HONE_FAILED: no
 * memory. The model may be used by others at the same time. */
HONE_API enum hone_status hone_tokenize_spans(const struct hone_model *model, const struct hone_text *text,
                                              bool add_special, int32_t **ids, struct hone_span **spans,
                                              size_t *n, struct hone_error *err);

/* Bytes of the tokens of these ids, each with one for what may stand between: known before hone_detokenize takes memory for
 * them, since a few bytes of ids may be many tokens of 64 KB. An id that there is not has none. */
HONE_API size_t hone_detokenize_size(const struct hone_model *model, const int32_t *ids, size_t n_ids);

/* text: NUL-terminated, *size bytes without the NUL, to be freed with hone_free. HONE_FAILED: no memory, or rules of the
 * tokenizer that make more than 16 times as much of the tokens as they are. */
HONE_API enum hone_status hone_detokenize(const struct hone_model *model, const int32_t *ids, size_t n_ids,
                                          bool skip_special, char **text, size_t *size,
                                          struct hone_error *err);

/* The same of ids that a model reads, which hone_tokenize gives. hone_detokenize is for those that it writes: this differs
 * where an encoder and its decoder have a vocabulary each (Marian). */
HONE_API enum hone_status hone_detokenize_input(const struct hone_model *model, const int32_t *ids,
                                                size_t n_ids, bool skip_special, char **text, size_t *size,
                                                struct hone_error *err);

/* The bytes that a token adds to a text: whole characters, or parts of one; none of a special token. They live as long as
 * the model. The first call takes as long as the vocabulary is large, and waits for what is computed; a model that was
 * opened with vocab_only never does. HONE_USAGE: an id that there is not, or a tokenizer that does not tell. */
HONE_API enum hone_status hone_token_bytes(struct hone_model *model, int32_t id, struct hone_text *out,
                                           struct hone_error *err);

HONE_API void hone_free(void *p);

#ifdef __cplusplus
}
#endif
#endif
