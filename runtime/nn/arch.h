/* What a model family is: what its files call things, which tensors it has, and its forward pass.
 *
 * A family is one file in runtime/load/families/ that defines a struct arch, and one row in arch.c. Its tables serve both
 * directions: the loader reads the GGUF names, which are those of llama.cpp's files; the import of a Hugging Face
 * folder finds what a `struct hf_form` says and writes it under the GGUF names.
 */
#ifndef RUNTIME_NN_ARCH_H
#define RUNTIME_NN_ARCH_H

#include "runtime/gguf/gguf.h"
#include "runtime/nn/batch.h"
#include "runtime/nn/dense.h"

enum pooling {
    POOL_NONE = 0,
    POOL_MEAN = 1,
    POOL_CLS = 2,
    POOL_LAST = 3,
    POOL_RANK = 4, /* as GGUF numbers them so far */
    POOL_MAX = 5,
    POOL_TOKENS = 6,   /* every token has a vector of its own */
    POOL_SPLADE = 7,   /* a weight for each word of the vocabulary */
    POOL_WEIGHTED = 8, /* the mean, in which the first token counts once, the second twice, and so on */
    POOL_ROOT = 9,     /* the sum, divided by the root of the number of tokens */
    N_POOLINGS
};
#define MAX_POOLINGS 6 /* sentence-transformers has six modes that can stand together */

/* What a model has behind its layers, beside pooling. */
enum head {
    HEAD_NONE,
    HEAD_LABELS,       /* of a text */
    HEAD_TOKEN_LABELS, /* of each token */
    HEAD_ANSWERS,      /* how well an answer begins and ends with each token: two labels */
    HEAD_WORDS,        /* tells words, for tokens that are masked; beside it the model embeds */
    HEAD_SPANS,        /* how well labels that are read before a text fit spans of its words (nn/spans.h) */
    HEAD_LISTWISE,     /* what a document is worth, among others in one prompt (infer/listwise.h) */
    N_HEADS
};

#define MAX_POSITIONS (1 << 28) /* of a causal family */

/* How rotary frequencies are scaled, for texts that are longer than those of the training. */
struct rope_scaling {
    float factor; /* what they are divided by; 1: nothing */
    /* YaRN: pairs that turn more than beta_fast times within `length` tokens are not divided, those that turn fewer than
     * beta_slow times are. length 0: all are. */
    float length, beta_fast, beta_slow;
    bool whole_pairs; /* the pairs at which that begins and ends are whole numbers */
    /* LongRoPE (Ding et al., 2024, arXiv:2402.13753): each pair has a divisor of its own, another one in sequences of more
     * than `short_length` tokens (weights.rope_short, rope_long). 0: not so. */
    size_t short_length;
    float magnitude; /* of cosines and sines; 1: their own */
};

/* What layers have instead of attention, or beside it (recurrent/recurrent.h). */
enum recurrent_kind {
    RECURRENT_NONE,
    RECURRENT_CONV,      /* a gated short convolution (LFM2) */
    RECURRENT_SSM,       /* a state-space model's scan (Mamba 2) */
    RECURRENT_DELTA,     /* a gated delta rule (Qwen3-Next) */
    RECURRENT_SELECTIVE, /* a scan of channels (Mamba 1) */
};

struct recurrent_shape {
    size_t conv_len; /* tokens that the convolution sees, its own included */
    /* Of heads that carry matrices [n_state, n_inner / n_heads] on: how many, and of groups of them that share their keys
     * and queries, which in a state-space model are called B and C. */
    size_t n_heads, n_groups, n_state, n_inner;
    /* Of channels that each carry a vector [n_state] on, without heads: the rank of what makes their times; whether B, C and that
     * are normed, by norms without weights, and what these norms add to the mean. */
    size_t time_rank;
    bool norms_inputs;
    float inputs_eps;
    float norm_eps;    /* of the norm behind them; 0: the model's */
    float write_scale; /* of how much a delta rule writes, which is 0 to 1 without it; 0: there is none */
    float time_floor;  /* below which no unit of time of a scan is; 0: none */
    bool norm_first;   /* the norm behind them comes before the gate, not after it */
};

/* Of a head of spans. */
struct span_shape {
    size_t width;     /* of the vectors of words, labels and spans */
    size_t longest;   /* words of a span */
    size_t max_words; /* of a text: what follows is not read */
    size_t max_tokens;
    enum pooling pooling; /* of the tokens of a word */
    int32_t label_token;  /* stands before each label, and for it; */
    bool behind;          /* or the token behind it does */
};

struct hparams {
    size_t n_layers, n_embd, n_heads, head_dim, n_ff;
    size_t n_kv_heads;     /* of keys and values; a divisor of n_heads */
    size_t local_head_dim; /* of local layers, at most head_dim */
    size_t
        n_more_layers; /* of the file, behind the others: they guess further tokens, and nothing reads them */
    size_t n_borrowing; /* the last so many layers attend to keys and values of layers before them */
    size_t n_per_layer_rows;
    size_t
        n_per_layer; /* width of what each layer knows of a token by a table of its own; 0: there is none */
    size_t n_vocab, n_positions, n_types, n_buckets; /* rows of the embedding tables */
    size_t
        n_input_vocab; /* of the one that an encoder reads, where its decoder has another (Marian); else n_vocab */
    size_t n_token;    /* width of those tables where it is not n_embd; a matrix makes n_embd of it */
    size_t n_groups;   /* of neighbouring layers that share their weights; n_layers where each has its own */
    size_t n_labels;   /* 0: no classification head */
    size_t n_out;      /* width of an embedding */
    size_t max_length; /* tokens a text, special tokens included */
    float norm_eps;
    enum activation activation; /* of the feed-forward layer */
    struct activation_clamp clamp;
    enum pooling pooling;
    enum pooling
        poolings[MAX_POOLINGS]; /* whose vectors stand one behind the other; the first is `pooling` */
    size_t n_poolings;
    size_t truncate_dim;            /* the first so many numbers of an embedding are given; 0: all */
    bool skips_prompt;              /* what is pooled begins behind the prompt's tokens */
    bool words_summed, words_twice; /* SPLADE: the sum over tokens instead of the largest; log twice */
    size_t max_words;               /* so many of the largest weights are given; 0: all */
    bool scores_by_steps;           /* what the last step gives are logits of labels */
    bool normalize;
    bool generates; /* and nothing says how to pool */
    bool two_sided; /* of causal families: a token sees those behind it, too */
    bool gated;     /* the feed-forward layer's inner rows are activation(first half) * second half */
    size_t n_decoder_layers;              /* that see the past: of causal families n_layers */
    size_t n_decoder_heads, n_decoder_ff; /* of the layers behind an encoder; 0: as in the encoder's */
    int32_t decoder_start;            /* the token that a decoder begins with, where there is an encoder */
    float output_scale;               /* of hidden states before they become logits; 1: none */
    float logits_scale;               /* of logits; 1: none */
    float residual_scale;             /* of what each half of a causal layer adds; 1: none */
    bool segments;                    /* the second text of a pair has type id 1 */
    float rope_base, rope_base_local; /* 0: no rotary embedding */
    float rope_factor;                /* of the NTK scaling; 1: none */
    size_t n_rot;                     /* elements of a head that are rotated, its first ones; even */
    size_t n_rot_local;               /* the same of local layers */
    struct rope_scaling rope_scaling; /* of a causal family's layers that see all tokens */
    /* Tokens that a local layer spans: half of them on each side, or the last ones, where a token sees no others. */
    size_t window;
    /* Of a feed-forward layer of experts, of which each token goes through n_experts_used, and through one more, n_ff_shared
     * wide, if that is not 0. n_experts 0: there are none. Whether the weights of those that are used are made to sum to 1. */
    size_t n_experts, n_experts_used, n_ff_expert, n_ff_shared;
    size_t n_shared_experts; /* as wide together as n_ff_shared says, where a file does not say that */
    bool experts_sum_to_one;
    float experts_scale; /* of their weights; 1: none */
    float shared_scale;  /* of what the one that all tokens go through makes; 1: none */
    size_t routing;      /* ROUTE_...: what scores become */
    /* Experts are in so many groups, of which the best so many are looked into; 0: there are none. */
    size_t n_expert_groups, n_groups_used;
    size_t n_dense_layers; /* the first so many layers have no experts */
    size_t
        experts_every; /* 2: each second layer has experts, 4: the second of each four; 0: all behind n_dense_layers have */
    struct recurrent_shape recurrent;
    /* Of Gemma 3n's layers (layers/altup.h): rows of a token, which of them layers compute, and the rank of the product beside. */
    size_t n_streams, active_stream, n_laurel;
    /* Of latent attention (layers/latent.h): widths of the latent of keys and values and of that of queries, 0: these have none; and of a
     * head's key, without what is rotated, and value. There head_dim is n_latent + n_rot, and n_kv_heads 1. */
    size_t n_latent, n_query_latent, n_key, n_value;
    float embd_scale;   /* of token embeddings; 1: none */
    float attn_divisor; /* scores are divided by its root, */
    float
        query_growth; /* queries are multiplied by 1 + this log(1 + floor(position / rope_scaling.length)) */
    size_t growth_length; /* or, where this is not 0, by it instead of that length */
    float attn_scale;     /* or scores are multiplied by this; 0: it is not there */
    /* Of disentangled attention: how far tokens are told apart one by one, twice this (0: all are), and to where at all;
     * whether queries meet the keys of distances, and keys their queries; whether those have matrices of their own. */
    size_t near_distances, max_distance;
    bool meets_key, meets_query, own_positions;
    float attn_cap, logits_cap; /* x becomes cap * tanh(x / cap); 0: it does not */
    float qkv_clip;             /* no query, key or value is further from 0; 0: they may be */
    /* ALiBi (Press et al., 2021, arXiv:2108.12409) in causal attention: scores get what falls with the distance, by slopes
     * 2^-(this / n_heads), its square, its third power ...; 0: they do not. */
    float alibi;
    bool parallel;   /* both halves of a causal layer read its input, and it gets what both make of it */
    bool norms_last; /* norms of a causal layer come behind its halves and their residuals */
    enum activation head_activation; /* between the two matrices of the classification head */
    /* Padding tokens that stand in a text have no position, and those behind them do not count them. */
    bool skips_padding;
    int32_t padding;
    bool bare_texts;       /* no special tokens are put around texts, */
    size_t max_characters; /* of a text; what follows is not read; 0: no limit */
    bool drops;            /* and this one is left out of them: */
    int32_t dropped;
    enum pooling head_pooling; /* what the classification head sees, */
    bool heads_token;          /* or, where this is set, the last one of these in a text: */
    int32_t head_token;
    /* The decoder that reads a text again behind an encoder begins with its last token, not with decoder_start. */
    bool starts_with_last;
    enum head head;
    bool head_late; /* its first matrix and the activation see each token, and what they make is pooled */
    /* Adapters of low rank that the model itself has, one for each task that a text may be for, and what their products are
     * multiplied by. n_adaptations 0: there are none. */
    size_t n_adaptations, adaptation_rank;
    float adaptation_scale;
    struct span_shape spans;
};

/* How GGUF numbers what the scores of experts become: weights that sum to 1; or each a sigmoid. Another is hone's: the two best,
 * each weighed among those near it (router.h). */
enum { ROUTE_SOFTMAX = 1, ROUTE_SIGMOID = 2, ROUTE_SPARSE = 3 };

/* One number of config.json and its GGUF key. */
struct param_spec {
    const char
        *hf; /* where in config.json: "a|b.c" is a, or where there is none, c in the object b; "": nowhere */
    const char *gguf; /* key, behind "ARCHITECTURE."; "a|b": a, or where there is none, b; a is written */
    enum {
        PARAM_SIZE,
        PARAM_COUNT, /* a PARAM_SIZE that may be 0 in GGUF files */
        PARAM_POSITIONS, /* a PARAM_SIZE; with a form's `after_padding` that many rows fewer than in config.json */
        PARAM_FLOAT,
        PARAM_INVERSE_ROOT, /* one above the root of what config.json has */
        PARAM_FF,           /* a PARAM_SIZE; four times the width where config.json has none */
        PARAM_OR_HALF,      /* a PARAM_SIZE: of the second of two names half of what config.json has */
        PARAM_TWO_THIRDS    /* a PARAM_SIZE: that part of what config.json has, up to a multiple of 8 */
    } kind;
    size_t offset;    /* in struct hparams */
    size_t max;       /* sizes: 1 to max */
    double otherwise; /* where a file names none; 0: refused; below 0: it is 0 */
};
#define PARAM(member) offsetof(struct hparams, member)

/* Symbolic sizes in tensor shapes. */
enum dim {
    DIM_NONE,
    DIM_EMBD,
    DIM_EMBD2,       /* twice that */
    DIM_HEADS,       /* n_heads * head_dim */
    DIM_QKV,         /* three of these */
    DIM_KV,          /* n_kv_heads * head_dim */
    DIM_QKV_GROUPED, /* DIM_HEADS and two of these */
    DIM_HEAD,        /* head_dim */
    DIM_PAIRS,       /* half of it */
    DIM_FF,
    DIM_FF2, /* twice n_ff */
    DIM_VOCAB,
    DIM_INPUT_VOCAB,
    DIM_POSITIONS,
    DIM_TYPES,
    DIM_BUCKETS,
    DIM_DISTANCES, /* of disentangled attention, both ways */
    DIM_TOKEN,     /* n_token */
    DIM_N_HEADS,
    DIM_N_KV_HEADS,
    DIM_LABELS,
    DIM_EXPERTS,
    DIM_FF_EXPERT,
    DIM_FF_SHARED,
    DIM_ONE,
    DIM_HEADS2,       /* twice DIM_HEADS: queries and their gates */
    DIM_CONV_LEN,     /* of recurrent layers */
    DIM_CHANNELS,     /* that the convolution is over */
    DIM_RECURRENT_IN, /* all that a layer makes of its input at once */
    DIM_INNER,
    DIM_STATE_HEADS,
    DIM_STATE_HEADS2, /* twice as many */
    DIM_STATE_GROUPS,
    DIM_STATE_KEYS,  /* those times DIM_STATE */
    DIM_GROUP_WIDTH, /* DIM_INNER by those */
    DIM_TIME_RANK,
    DIM_STATE,
    DIM_SELECTED, /* DIM_TIME_RANK and two of these */
    DIM_VALUE,    /* DIM_INNER by heads */
    DIM_PER_LAYER,
    DIM_PER_LAYERS,     /* of all layers */
    DIM_PER_LAYER_ROWS, /* of their table */
    DIM_FF_EXPERT2,     /* twice DIM_FF_EXPERT */
    DIM_STREAMS,        /* of Gemma 3n's layers */
    DIM_STREAMS2,       /* its square */
    DIM_LAUREL,
    DIM_LATENT,     /* of latent attention: n_latent, */
    DIM_LATENT_KEY, /* with the key that is rotated, */
    DIM_QUERY_LATENT,
    DIM_QUERIES, /* n_heads * (n_key + n_rot) */
    DIM_KEY,
    DIM_HEAD_VALUE,
    DIM_VALUES, /* n_heads times this */
    DIM_RANK,   /* of adaptations, */
    DIM_RANKS,  /* of all of them, */
    DIM_ADAPTED_VOCAB,
    DIM_ADAPTED_TYPES,
    N_DIMS
};

enum tensor_kind {
    TENSOR_TABLE,  /* struct embedding: rows are looked up where they lie in the file */
    TENSOR_FLOATS, /* const float *: a matrix held as f32 */
    TENSOR_NORM,   /* struct norm; a vector of `rows`, or for each of them one of `cols`; with a bias */
    TENSOR_DENSE,  /* struct dense: its next part, with a bias */
    /* struct dense *: the next part of each expert's, slices of one tensor [n_experts, rows, cols] */
    TENSOR_EXPERTS,
    TENSOR_HEADS,   /* the same of each head's */
    TENSOR_STREAMS, /* and of each stream's but the first */
};

enum {
    TENSOR_LAYER = 1, /* one a layer; the names hold %u, the offset is in struct layer */
    TENSOR_OPTIONAL = 2,
    TENSOR_HEAD = 4,        /* of the classification head: exactly where n_labels > 0 */
    TENSOR_NO_BIAS = 8,     /* there is none */
    TENSOR_MAYBE_BIAS = 16, /* some models have one */
    /* All rows of a struct dense whose parts follow; these are looked for where it is not there. */
    TENSOR_FUSED = 32,
    TENSOR_TIED = 64, /* the token embeddings where its weight is not there */
    TENSOR_MLM =
        128, /* of the head that tells words: exactly where pooling is POOL_SPLADE, or head HEAD_WORDS */
    TENSOR_GATE = 256,             /* exactly where hp.gated */
    TENSOR_DECODER = 512,          /* with TENSOR_LAYER: one a layer of the decoder behind an encoder */
    TENSOR_OWN_KEY = 1024,         /* exactly where hp.own_positions and hp.meets_key */
    TENSOR_OWN_QUERY = 2048,       /* the same of hp.meets_query */
    TENSOR_TOKEN_PROJ = 4096,      /* exactly where hp.n_token */
    TENSOR_EXACT = 1 << 13,        /* a small matrix of a layer whose products stay in float32 */
    TENSOR_SHARED = 1 << 14,       /* exactly where hp.n_ff_shared */
    TENSOR_BESIDE = 1 << 15,       /* with experts there is a plain feed-forward layer, too */
    TENSOR_ROUTED = 1 << 16,       /* of layers with experts alone */
    TENSOR_OWN_KV = 1 << 17,       /* not of layers that borrow keys and values, in which nothing reads it */
    TENSOR_PER_LAYER = 1 << 18,    /* exactly where hp.n_per_layer */
    TENSOR_LM = 1 << 19,           /* of the head that predicts tokens: there where hp.generates, or anyway */
    TENSOR_BARE = 1 << 20,         /* the name is all of it, without ".weight" */
    TENSOR_QUERY_LATENT = 1 << 21, /* exactly where hp.n_query_latent */
    TENSOR_SIGMOID = 1 << 23,      /* exactly where hp.routing is ROUTE_SIGMOID */
    TENSOR_QUERY_WHOLE = 1 << 22,  /* exactly where it is 0 */
    TENSOR_ADAPTED = 1 << 24,      /* exactly where hp.n_adaptations */
    TENSOR_AS_FIRST = 1 << 25,     /* of all layers, or of none: as the first one has it or has it not */
    TENSOR_RECURS = 1 << 26,       /* of layers that recur alone */
    TENSOR_ATTENDS = 1 << 27,      /* of layers that attend alone */
};

/* Names are without ".weight" and ".bias", which follow. */
struct tensor_spec {
    const char *gguf;
    enum tensor_kind kind;
    enum dim rows, cols;
    unsigned flags;
    size_t offset; /* in struct weights, or struct layer */
};
#define AT(member)       offsetof(struct weights, member)
#define LAYER_AT(member) offsetof(struct layer, member)

struct embedding {
    const struct gguf_tensor *table; /* [n_rows, n_embd] */
};

struct norm {
    const float *gamma, *beta; /* [n]; gamma NULL: there is no such norm; beta NULL: no bias */
    size_t n;
    bool each; /* stretches of n elements have gammas of their own, one behind the other */
};

/* What a product gets beside itself in texts that are for a task (Hu et al., LoRA, 2021, arXiv:2106.09685), of all tasks one
 * below the other: up^T (down x), scaled. */
struct adaptation {
    const float
        *down; /* [n_adaptations * rank, n_in], or of a table of embeddings [n_adaptations * n_rows, rank] */
    const float *up; /* [n_adaptations * rank, n_out] */
};

/* Of a recurrent layer. */
struct recurrent_weights {
    struct dense in;    /* [DIM_RECURRENT_IN, n_embd] */
    struct dense gates; /* of a delta rule: [2 * heads, n_embd] how much is written, and how much is kept; */
    struct dense gates_mix; /* or the same, group after group */
    /* Of a scan of channels: [time_rank + 2 * n_state, n_inner] of what was convolved makes times in a lower rank, B and C, whose
     * norms (or NULL) follow; [n_inner, time_rank] makes the times. */
    struct dense select, times;
    const float *times_norm, *k_norm, *q_norm;
    const float *conv;      /* [channels, conv_len]; once all are found [conv_len, channels] */
    const float *conv_bias; /* [channels], or NULL */
    /* Below 0, logarithms of what is kept in a unit of time: [heads]; or [n_inner, n_state], once all are found in panels
     * [n_state][STATE_PANEL] of channels. */
    const float *decay;
    const float *time_bias; /* [heads] */
    const float *skip;      /* [heads], or [n_inner]: what is added of the input, or NULL */
    const float *norm;      /* [n_inner], or of a delta rule [n_inner / heads]; or NULL */
    struct dense out;       /* [n_embd, n_inner] */
};

struct layer {
    size_t n_heads, n_kv_heads, head_dim,
        n_ff; /* the net's, which are the largest of all layers', unless the file says otherwise */
    /* [3 * n_heads * head_dim, n_embd]; with gates (arch.gated_attention) each head's queries are followed by its gate's rows, or
     * all values by all gates' */
    struct dense qkv;
    struct norm q_norm, k_norm; /* of queries and keys, n elements at a time */
    struct dense attn_out;      /* [n_embd, n_heads * head_dim] */
    /* Of latent attention, instead of qkv: [n_query_latent or n_heads * (n_key + n_rot), and n_latent + n_rot; n_embd];
     * [n_heads * (n_key + n_rot), n_query_latent]; of each head [n_latent, n_key] and [n_value, n_latent]. */
    struct dense latent_in, query_up;
    struct norm latent_norm, query_latent_norm;
    struct dense *key_up, *value_up; /* [n_heads] */
    struct dense pos_k,
        pos_q; /* [n_heads * head_dim, n_embd] of distances, where they do not go through qkv */
    /* Made of those: [n_heads] times the panels of a matrix [distances, head_dim]; NULL: there are none. */
    float *key_of_distance, *query_of_distance;
    /* [n_buckets, n_heads] what scores get for distances, where layers do not share weights.distance_bias; and made of that, in a
     * decoder behind an encoder, [n_heads, weights.n_past]: for a key n_past - 1 to 0 tokens back; or NULL. */
    const float *distance_bias, *past_distances;
    const float *sinks;      /* [n_heads] scores of one more key, whose value is zeros; or NULL */
    struct norm attn_norm;   /* before attention in a pre-norm family, else after it and its residual */
    struct norm attn_norm_2; /* after the layer's input was added once more */
    /* [n_ff, n_embd]; gated: [2 * n_ff, n_embd], and what the activation is for comes first */
    struct dense ffn_up;
    struct dense ffn_down; /* [n_embd, n_ff] */
    /* Instead of these, where the net has experts: scores [n_experts, n_embd]; each expert's, gated as ffn_up is; those of
     * the one that is always used, and the matrix [1, n_embd] that it is weighed by, n_out 0: it counts whole. */
    struct dense router;
    struct dense *experts_up, *experts_down; /* [n_experts] */
    const float *experts_bias;               /* [n_embd] what is added to what they make together, or NULL */
    struct dense shared_up, shared_down, shared_gate;
    const float *router_bias; /* [n_experts] on top of scores, where the best are looked for; or NULL */
    /* Of a plain feed-forward layer beside experts: of what it makes, of what the experts read and make, and of what the router
     * reads; what each expert's weight is multiplied by. */
    struct norm plain_post_norm, experts_norm, experts_post_norm, router_norm;
    const float *expert_scales;                /* [n_experts], or NULL */
    struct norm ffn_norm;                      /* of the feed-forward layer, as attn_norm */
    struct norm attn_post_norm, ffn_post_norm; /* of causal families: before the residual */
    /* Of a decoder behind an encoder, between its attention and the feed-forward layer: attention over what the encoder
     * made of its input. */
    struct norm cross_norm;
    struct dense cross_q;   /* [n_heads * head_dim, n_embd] */
    struct dense cross_kv;  /* [2 * n_heads * head_dim, n_embd] */
    struct dense cross_out; /* [n_embd, n_heads * head_dim] */
    struct recurrent_weights recurrent;
    /* Of what a layer knows of a token by its own table: [n_per_layer, n_embd], [n_embd, n_per_layer] and what is added. */
    struct dense per_layer_gate, per_layer_out;
    struct norm per_layer_norm;
    /* Of Gemma 3n: [n_streams, n_embd] behind the norm of what it reads, [n_streams * n_streams, n_streams], [n_streams, n_streams]
     * and [n_embd]; [n_laurel, n_embd], [n_embd, n_laurel]; and whether gates are shut that are not so many standard deviations
     * above their mean. */
    struct dense stream_router;
    struct norm stream_norm;
    const float *stream_predict, *stream_correct, *stream_scale;
    struct dense laurel_left, laurel_right;
    struct norm laurel_norm;
    bool shuts;
    float deviations;
    struct activation_bend bend; /* of ACT_XIELU */
    const float *out_scale;      /* [1] of all that a layer gives, or NULL */
    /* Of a block that comes before a recurrence (decoder/joined.c): the norm of what it reads, 2 * n_embd, and [n_embd, n_embd]. */
    struct norm block_norm;
    struct dense block_out;
    struct adaptation qkv_adapted, out_adapted, up_adapted, down_adapted;
    uint8_t kinds;               /* of these (load.h): */
    bool attends, recurs, feeds; /* has attention, a recurrence, a feed-forward layer; */
    bool routes;                 /* that is one of experts */
    size_t kv_layer, state_at;   /* its place in the cache: its layer's, and floats before it in a state */
    bool borrows, lends;         /* keys and values of that place are another layer's; are read by others */
    bool values_are_keys;        /* as they are before their norm and rotation */
    bool local;                  /* attention sees hparams.window tokens alone */
    bool unrotated;              /* queries and keys of a causal layer know nothing of positions */
};

#define MAX_STEPS 16        /* models have up to three: dense layers, a norm */
#define MAX_WIDTH (1 << 18) /* of an embedding, and between two steps */

/* One thing that vectors go through behind the layers. */
struct head_step {
    enum { STEP_DENSE, STEP_NORM, STEP_NORMALIZE } kind;
    unsigned number; /* of its tensors */
    struct dense dense;
    enum activation activation; /* of it */
    bool adds_input;            /* to what the activation gives */
    struct dense residual;      /* n_parts > 0: and that is what is added, of the input */
    struct norm norm;
};

/* Of a head of spans (nn/spans.h), whose vectors have n numbers. */
struct span_weights {
    struct dense proj; /* [n, n_embd] of tokens; n_parts 0: they are as wide */
    struct dense
        rnn; /* [8 * n / 2, n] what gates see of a word: forwards, then backwards; n_parts 0: there are none */
    const float *rnn_state[2];               /* [4 * n / 2, n / 2] and of the word before it, or behind it */
    struct dense start_up, end_up, label_up; /* [4 * n, n] */
    struct dense start_down, end_down, label_down; /* [n, 4 * n] */
    /* What reads both ends, in two halves, [4 * n, n]; and what makes a vector of it, turned, [4 * n, n]; and its bias [n]. */
    struct dense pair_start, pair_end, pair_turned;
    const float *pair_bias;
};
#define SPAN_MATRICES 12 /* of these at most */

struct weights {
    struct embedding token_embd;
    const float *position_embd, *type_embd; /* [n_positions, n_embd] and [n_types, n_embd], or NULL */
    const float *position_pad;  /* [n_embd]: of padding tokens that stand in a text; or NULL: zeros */
    struct dense embd_proj;     /* [n_embd, n_token], where there is n_token */
    const float *distance_bias; /* [n_buckets, n_heads], or NULL */
    const float *distance_embd; /* [distances, n_embd], or NULL */
    struct norm distance_norm;
    const float *cross_bias;             /* in some files of the same decoder; it has no effect */
    size_t n_past;                       /* distances that a decoder's layers know */
    const float *rope_freqs;             /* [n_rot / 2] what rotary frequencies are divided by, or NULL */
    const float *rope_short, *rope_long; /* the same, by the length of the sequence; or NULL */
    struct dense output;                 /* [n_vocab, n_embd] of causal families; may be token_embd's rows */
    struct dense output_proj;            /* [n_token, n_embd] before it, which is n_token wide then */
    struct norm embd_norm, output_norm;
    /* What layers know of tokens: a row for all layers, to which a product of the token's embedding is added, normed layer by
     * layer. */
    struct embedding per_layer_embd;
    struct dense per_layer_proj; /* [n_layers * n_per_layer, n_embd] */
    struct norm per_layer_proj_norm;
    struct dense *stream_proj, *stream_unproj; /* [n_streams - 1] of Gemma 3n's rows: [n_embd, n_embd] */
    const float *ones;                         /* [head_dim], of a norm that has no weights; or NULL */
    const struct kv_layer *kv_layers;          /* of a cache whose layers differ; or NULL */
    struct norm encoder_norm;                  /* of an encoder before a decoder */
    const float *decoder_position_embd;        /* [n_positions, n_embd] of the decoder behind it, or NULL */
    struct embedding decoder_token_embd;       /* [n_vocab, n_embd]; table NULL: it reads token_embd */
    struct norm decoder_embd_norm;
    struct layer *layers;         /* [n_layers], and the decoder's behind them where there is an encoder */
    struct layer *decoder_layers; /* [n_decoder_layers], among `layers` */
    /* The classification head: cls_out(norm(activation(cls(x)))). */
    struct dense cls, cls_out;
    struct norm cls_norm;
    /* The head that tells words: mlm_out(norm(activation(mlm(x)))); some causal families have it before `output`, without
     * mlm_out. */
    struct dense mlm, mlm_out;
    struct norm mlm_norm;
    /* Beside the vector of a text (BGE-M3): what each token weighs as a word of it, [1, n_embd]; and a vector of each token. */
    struct dense lexical, multi_vector;
    struct span_weights spans;
    struct adaptation token_adapted, type_adapted;
    /* The first n_token_steps are for the vectors of tokens, before pooling. */
    struct head_step steps[MAX_STEPS];
    size_t n_steps, n_token_steps;
    struct dense **dense;   /* [n_dense + n_lent]: all of the above; first those that are packed here, */
    size_t n_dense, n_lent; /* then those that an elder of the net has packed (nn/net.h) */
    size_t n_unread;        /* tensors of the file that nothing reads, */
    const char *unread;     /* and the first one's name */
    void *packed;           /* the packed matrices of all struct dense */
    size_t packed_size;
    void *pack_map; /* the mapped file of the cache that `packed` lies in; NULL: it was packed here */
    size_t pack_map_size;
    struct checked_blocks *unchecked; /* of that file, or NULL: all of it is known to be right */
    size_t row_bytes;                 /* of workspace that a row of any product needs */
};

/* ---- Hugging Face folders ---- */

/* An option of config.json (its place as in param_spec) that the family's forward pass knows in one form only, as JSON
 * text. */
struct fixed_spec {
    const char *hf, *value;
};

/* A key of config.json that is known: read by the import, or without effect on results. A name that ends with "*" stands for
 * all that begin so. `only`: the values that are known, as JSON texts with "|" between them; NULL: any. */
struct key_spec {
    const char *name, *only;
};

/* A number where config.json has none. */
struct default_spec {
    size_t offset; /* PARAM(...) */
    double value;  /* 0: the list's end */
};

/* Which rows of a tensor are taken. */
enum cut {
    CUT_NONE,
    CUT_FIRST_HALF,
    CUT_SECOND_HALF,
    CUT_PADDING,     /* all behind the padding token's */
    CUT_PADDING_ROW, /* the padding token's, as a vector, where it is not zero */
    CUT_HEAD,        /* all of them, of a head that the configuration does not tie to the token embeddings */
    CUT_OWN_TABLE,   /* all of them, of a decoder that shares no table of tokens with its encoder */
    /* All of them, changed to what GGUF files hold: */
    CUT_PAIRS,      /* rows of the query's heads: halves that are rotated together come to lie side by side */
    CUT_KV_PAIRS,   /* of the key's heads */
    CUT_QKV_PAIRS,  /* both of a matrix that has the values' rows behind them */
    CUT_PLUS_ONE,   /* a vector whose elements are above what the folder says by 1 */
    CUT_QUERY_NORM, /* the same of queries, times what makes them meet the family's own scale of scores */
    CUT_TRANSPOSED, /* a matrix that is written [n_in, n_out] */
    CUT_EXPERTS, /* a matrix an expert, named by a second number, becomes one tensor; or a tensor that has them all */
    CUT_STREAMS,    /* the same of matrices that one number names, of Gemma 3n's rows of a token */
    CUT_HEAD_NORMS, /* vectors, each named by the number of a head, become one tensor */
    CUT_EXPERTS_FIRST,
    CUT_EXPERTS_SECOND, /* of such a tensor a half of each expert's rows */
    CUT_LOGITS_BIAS,    /* a bias [1, n] of its own name, where it is not zero */
    /* Of one whose matrices are written [n_in, n_out], and whose name has no ".weight": its outputs of even or odd number, or
     * all; its biases are behind "_bias". Or, in 4 bits, a tensor of blocks [n_out, n_in] and one of scales. */
    CUT_EXPERTS_EVEN,
    CUT_EXPERTS_ODD,
    CUT_EXPERTS_TURNED,
    CUT_EXPERTS_TURNED_FIRST, /* the first half of them, or the second */
    CUT_EXPERTS_TURNED_SECOND,
    CUT_EXPERTS_MAYBE_TURNED,   /* or not: where its shape is that of the GGUF tensor already */
    CUT_EXPERTS_STACKED,        /* experts' matrices one below the other, of a name without ".weight", */
    CUT_EXPERTS_STACKED_TURNED, /* and written [n_in, n_out] */
    CUT_BARE,                   /* all of it, of a name without ".weight" */
    /* [n, rows, cols], a matrix for each task, as [n * rows, cols]; or each turned before (import/layers/adaptations.c). */
    CUT_ADAPTED,
    CUT_ADAPTED_TURNED,
    CUT_QKV_BLOCKS, /* of each quarter of the heads queries, values, keys: first all queries, all keys, all values */
    CUT_QKV_GROUPS, /* queries that share a key, the key and the value lie side by side: first all queries, all keys, all values */
    /* Of recurrent layers (import/recurrent.c): */
    CUT_CONV,       /* [channels, 1, n] becomes [channels, n] */
    CUT_CONV_PARTS, /* the same of three, those of queries, keys and values, whose names have "%c" for q, k and v: one below the other */
    CUT_DECAY,      /* logarithms a become -exp(a) */
    CUT_COLUMN,     /* a vector, as a matrix of one column where the family has that */
    CUT_GROUPS,     /* a vector, as a matrix of a row for each group */
    CUT_SCALED,     /* multiplied as the form's scales say */
    /* Of a gated delta rule (import/delta.c): rows, or columns, by heads of values in another order; and what lies side by side
     * for each group apart, without the gates' rows, or these alone. */
    CUT_TILED,
    CUT_TILED_COLUMNS,
    CUT_QKV_OF_GROUPS,
    CUT_GATE_OF_GROUPS,
};

/* What a tensor is called there. Several rows of one GGUF name: the first that the folder has. */
struct hf_name {
    const char *gguf, *hf; /* hf is without the form's prefix */
    enum cut cut;
};

/* A tensor that GGUF files have multiplied by numbers of config.json: its weights by both, its bias by the second. Of a list
 * element `element`, or SCALE_PARTS: one each for parts of the rows. */
#define SCALE_PARTS SIZE_MAX
struct hf_scale {
    const char *gguf;           /* without "blk.%u." */
    const char *input, *output; /* NULL: 1 */
    size_t element;
};

struct folder;

/* How folders of one model_type are written. */
struct hf_form {
    const char *type; /* model_type in config.json */
    const char
        *class_start; /* starts ("A|B") of its architectures[0], where that tells types of one name apart */
    /* or a place in config.json, or one of several ("a|b"), that says true, or a number above 0, in folders of this form, and
     * no other; or is some word ("a=word"), or holds one ("a~word": a list or a text) */
    const char *option;
    const char *prefix;          /* in front of tensor names, where a file has one: "bert."; "a|b": either */
    const struct hf_name *names; /* ends with gguf == NULL */
    const struct fixed_spec *fixed; /* ends with hf == NULL; or NULL */
    /* Starts of tensor names that the import passes over, or behind "*" their ends; ends with NULL. */
    const char *const *ignored;
    /* The first position's row is the one behind the padding token's (pad_token_id, or 1). */
    bool after_padding;
    size_t rows_before;              /* or: so many rows of the position table come before it */
    enum activation head_activation; /* ACT_NONE: as struct arch says */
    const char *head_activation_key; /* in config.json; NULL: nowhere */
    const char *head_pooling_key;    /* the same of what a head sees */
    const char *
        head_pooling; /* what a head sees where config.json has no classifier_pooling; NULL: as struct arch says */
    const struct default_spec *defaults; /* where config.json has none: before those of params; or NULL */
    const char
        *experts_sum; /* whether the weights of experts that are used sum to 1; NULL: as struct arch says */
    bool experts_sum_usual; /* where config.json does not say experts_sum */
    /* The first local layer, where config.json says no max_window_layers; 0: the family has no such key. */
    size_t local_from;
    bool skips_more_layers; /* a folder may have layers behind the last one, which guess further tokens */
    float
        rotated; /* the part of a head that is, where config.json does not say; 0: all of it, whatever that says */
    bool rotates;   /* of arch.rotates_if_told: it does, but where the base is null */
    bool rope_told; /* transformers scales positions its own way where config.json says nothing of them */
    const char *usual_activation; /* where config.json has none; NULL: the family's */
    bool gelu_by_tanh;            /* the activation "gelu" of old configurations means its approximation */
    const char *part;      /* the object of config.json that describes the text model; NULL: all of it */
    const char *part_type; /* model_type there, in folders of this form and no other; NULL: any */
    bool both_sides;       /* of a causal family: its folders are of encoders, whatever is_causal says */
    bool halves_window;    /* of a family that sees both sides: half of the window lies on either */
    const char
        *window_if; /* there are local layers only where this option is true; NULL: where there is a window */
    bool no_window; /* there is none, whatever config.json says */
    bool some_local; /* layer_types may say so of some, where all of the family's are as a rule */
    size_t
        first_global; /* of so many layers the first is not, where layer_types does not tell; 0: as the family has it */
    enum {
        LOCAL_BY_NUMBER,        /* by a period, or all from one layer on */
        LOCAL_ALL,              /* all of them, whatever layer_types is */
        LOCAL_EVEN,             /* the first, third ... before max_window_layers */
        LOCAL_UNROTATED,        /* those that know nothing of positions */
        LOCAL_ROTATED           /* the others */
    } local;                    /* which layers are, where there is a window and layer_types does not tell */
    int end_token, start_token; /* of texts of a decoder behind an encoder, where config.json does not say */
    bool starts_with_last;      /* a classifier's decoder begins with the text's last token instead */
    bool plain_outputs;         /* a decoder's hidden states are never scaled before they become logits */
    /* What its classes begin with ("Bert"), or behind "=" are called, where architectures and auto_map name some; ends with
     * NULL. */
    const char *const *classes;
    size_t
        usual_kv_heads; /* where config.json says nothing, not even null, of layers that attend; 0: as many as of queries */
    /* Of a scan of channels, in config.json: what the norms of its B, C and times add, which have no weights; NULL: it has no
     * such norms. */
    const char *inputs_eps;
    const struct hf_scale *scales; /* of CUT_SCALED; ends with gguf == NULL */
    double depth_scales
        [3]; /* of arch.depth_scaled: scale_emb, scale_depth and dim_model_base where config.json has none */
    /* config.json may name tasks for which the checkpoint has adapters; matrices that they change are then called
     * "....parametrizations.weight.original". */
    bool adapted;
    bool
        task_types; /* where use_task_id is true a row of another table is added to all token types (ERNIE) */
    const char *packing; /* the quant_method that its names know how to read; NULL: none */
    /* Further keys that its configuration may have; ends with name == NULL; or NULL. */
    const struct key_spec *keys;
    /* What config.json says in ways that no table tells, before the family's params are read: a key that it sets stands. NULL:
     * nothing (load/import/folder.h). */
    enum hone_status (*import)(struct folder *folder, struct hone_error *err);
};

/* ---- families ---- */

struct net;

struct arch {
    const char *name;                   /* general.architecture */
    const struct hf_form *const *forms; /* ends with NULL */
    const struct param_spec *params;    /* ends with hf == NULL */
    const struct tensor_spec *tensors;  /* ends with gguf == NULL */
    const char *foreign_doubt;          /* why a file that hone did not write is refused; or NULL */
    /* Where a file does not say: */
    enum pooling pooling, head_pooling;
    enum activation activation, head_activation;
    enum activation mlm_activation; /* in the head that tells words; ACT_NONE: as in the layers */
    bool mlm_as_head;               /* instead as in the head that classifies */
    enum activation
        head_without_types; /* of a head in a model without segments; ACT_NONE: as head_activation */
    size_t
        global_every; /* of how many layers the first sees all tokens, where there is a window; 0: all do */
    bool global_last; /* of so many layers the last, not the first */
    bool
        experts_any_sum; /* the weights of experts that are used do not sum to 1, where a file does not say */
    size_t routing;      /* of its experts, where a file does not say; 0: ROUTE_SOFTMAX */
    bool norms_rotated;  /* norms of heads come behind the rotation */
    bool rope_alpha;     /* config.json may stretch the rotary base by an "alpha" */
    bool rope_mscale;    /* and say the magnitude of LongRoPE as "short_mscale" and "long_mscale" */
    bool
        rope_sections; /* rotary positions have parts, which a text's all fill alike: config.json's "mrope" */
    bool global_unrotated;  /* of a causal family: layers that see all tokens are, where there is a window */
    size_t unrotated_every; /* of so many causal layers the last is, where a file does not say; 0: none is */
    bool local_unscaled;    /* positions of local causal layers are not scaled */
    bool broken_pairs;      /* not rope_scaling.whole_pairs, where a file does not say */
    bool rotates_if_told;   /* positions are rotated only where rope.scaling.finetuned is true */
    enum recurrent_kind recurrent; /* what layers have that the file does not give keys and values */
    bool recurs_beside;            /* all layers have it, beside attention */
    bool
        joined_blocks; /* all have it, and some a block of attention and a feed-forward layer before (decoder/joined.c) */
    bool halves; /* each has one of attention, this and a feed-forward layer */
    bool
        routed_by_tensor; /* those layers have experts that have a router, or that hone.routed_layers marks */
    bool recurs_alone;    /* and none has attention or a feed-forward layer */
    size_t attends_every; /* or of so many layers only the last attends, where a file does not say */
    bool tiled_heads;     /* head h is of group h % n_groups, not of h / (heads of a group) */
    bool own_heads;       /* local layers have other heads than those that see all tokens */
    bool norms_values;    /* as queries and keys are, by a norm without weights */
    bool altup;           /* tokens have several rows (layers/altup.h) */
    bool latent;          /* attention is latent (layers/latent.h) */
    bool
        depth_scaled; /* halves of layers, embeddings and logits are scaled as MiniCPM's are, where a file does not say */
    bool gated_attention; /* attention's output is multiplied by sigmoid(gate) before its last product */
    enum {
        GATES_BESIDE,  /* the gate's rows are behind the queries' of each head, */
        GATES_BEHIND,  /* or behind all values; */
        GATES_OF_HEADS /* or there they are one row a head */
    } gates;
    bool
        local_chunks; /* local layers see those of their own chunk of hparams.window tokens alone: a text is cut into such */
    bool norms_heads; /* queries and keys that are rotated are normed, by a norm without weights */
    bool
        grows_unrotated; /* queries grow (hparams.query_growth) where they are not rotated alone, and one position earlier */
    bool weighs_inputs;    /* an expert's weight multiplies what it reads, not what it makes */
    bool averages_shared;  /* what experts make and what the one for all tokens makes are halved */
    bool parallel;         /* hparams.parallel, */
    bool parallel_if_told; /* or else as a file says; */
    bool
        parallel_unnormed; /* or just where layers have no norm before their second half, whatever a file says */
    /* What ALiBi adds is of the key's place alone, rounded to bfloat16, and divided as scores are: as Falcon has it. */
    bool alibi_of_keys;
    bool logits_divided;         /* by hp.logits_scale, as files have it */
    bool causal;                 /* a token sees those before it alone, and the next one is predicted, */
    bool two_sided;              /* unless it sees both sides: layers of such a family that only encode */
    bool rms;                    /* norms are RMS norms */
    bool rope_pairs;             /* elements rotated together lie side by side */
    bool scale_embd;             /* token embeddings are multiplied by the root of their width */
    bool gated;                  /* see hparams */
    enum activation maybe_gated; /* not ACT_NONE: files with "enc.blk.0.ffn_gate" are, with this activation */
    bool has_decoder; /* behind an encoder; it has causal layers, whose attention sees the encoder's output */
    /* Of an encoder, and of the decoder behind it: a norm comes before each part of a layer, not behind it and its residual. */
    bool pre_norm;
    bool
        head_scaled; /* hidden states are, before a head that is the token embeddings, where a file does not say */
    enum {
        POSITIONS_AS_GIVEN,
        POSITIONS_SINES, /* where a file has no table: Vaswani et al., 2017, all sines before all cosines */
        POSITIONS_FAIRSEQ /* their frequencies another way, and the first position is behind the padding token's */
    } positions;
    bool unscaled; /* scores of attention are not divided by anything */
    size_t
        wide_layers; /* a model of so many layers divides them by the root of n_embd / n_heads; 0: none does */
    enum {
        DISTANCE_NONE,
        DISTANCE_BUCKETS,
        DISTANCE_ALIBI,
        DISTANCE_DISENTANGLED
    } distance;               /* what is added to attention's scores */
    bool tokens_through_head; /* a head of tokens' labels has the matrices that one of a text's has */
    bool words_looked_up;     /* weights of words are those of its tokens, in the table of embeddings */
    bool proj_first;          /* the matrix behind token embeddings comes before the norm */

    /* Floats of workspace a token that forward needs, its result included. */
    size_t (*workspace)(const struct net *model);
    /* Floats of scratch a thread, for sequences of up to `longest` tokens; NULL: what kernels->attention asks for. */
    size_t (*scratch)(const struct net *model, size_t longest);
    /* Makes of the weights, once they are packed, what forward needs of them; NULL: nothing. */
    enum hone_status (*prepare)(struct net *net, int n_threads, struct hone_error *err);
    /* The last hidden states, [n_tokens, n_embd], in the workspace. Cannot fail: everything was checked before. */
    float *(*forward)(const struct net *model, const struct batch *batch, struct workspace *ws);
};

/* NULL: unknown. */
const struct arch *arch_by_name(const char *name);
/* What config.json says of a folder's form: model_type, architectures[0], and whether an option is true. */
struct hf_traits {
    const char *type, *class, *part_type; /* the last one of a part's: "" where there is none */
    bool (*is_true)(const void *config, const char *option);
    const void *config;
};
/* *form is the one with those traits. */
const struct arch *arch_by_hf_traits(const struct hf_traits *traits, const struct hf_form **form);
/* "bert, ..." for error sentences, each once: the GGUF names, or the Hugging Face ones; as many as size bytes hold. */
void arch_names(bool hf, char *out, size_t size);

#endif
