/* What the parts of the import share: the folder, its configuration, and the file being built from them. */
#ifndef RUNTIME_LOAD_IMPORT_FOLDER_H
#define RUNTIME_LOAD_IMPORT_FOLDER_H

#include "runtime/load/import/safetensors.h"
#include "runtime/nn/arch.h"

#include <jansson.h>
#include <limits.h>

#define MAX_LAYERS 1024 /* as the families' tables have it */

struct keys;
struct module;
struct modules;
struct tok_vocab;

struct folder {
    const char *dir;     /* of the transformer: the folder itself, or one in it */
    const char *adapter; /* the folder of one, or NULL; */
    char base[PATH_MAX]; /* the folder of the model that it changes, where that is another one */
    struct modules *modules;
    struct keys *keys;
    json_t *transformer; /* sentence_bert_config.json, or NULL */
    json_t *config;      /* config.json */
    json_t *spans;       /* gliner_config.json, or NULL */
    const struct arch *arch;
    const struct hf_form *form;
    const char *prefix; /* the form's, or where its model lies in another one */
    struct gguf *g;
    struct safetensors *tensors;
    bool *used;           /* [safetensors_n]: those that have a place in g */
    size_t n_layers;      /* once tensors are looked for */
    size_t n_labels;      /* 0: an embedding model */
    enum head head;       /* what the labels are of */
    bool tells_words;     /* SPLADE */
    bool no_positions;    /* a table of positions that may be there is not used */
    size_t n_adaptations; /* adapters for tasks that the folder has */
    size_t n_scores;      /* of a classifier whose head are modules; 0: it is none */
    bool two_sided;       /* layers of a causal family that see both sides */
    bool drops_unknown;   /* tokens that the vocabulary does not have are left out of texts */
    bool plain;           /* vectors are as they are, where no list of modules says so */
    bool two_tables;      /* a decoder behind an encoder has other token embeddings than it */
    bool own_head;        /* what predicts tokens behind an encoder is not tied to the token embeddings */
    char markers[2][64];  /* what stands before queries and documents, where it may be one token; or "" */
    /* Of Stanford's ColBERT, and of a listwise reranker, among the others; or NULL. */
    const struct safetensor *projections[2];
    uint32_t max_length; /* hone.max_length; 0: nothing limits texts */
    double longest;      /* tokens of a text at most, as the family's own numbers say it; 0: they do not */
    size_t padding_rows; /* of the position table, which no position has */
};

/* What a path names in a JSON object: "a|b.c" is a, or where there is none (or null), c in the object b. NULL: none. */
json_t *json_at(json_t *object, const char *path);

/* Reads dir/name as JSON. A file that is not there leaves *out NULL: an error only where it is required. */
enum hone_status folder_json(const struct folder *f, const char *name, bool required, json_t **out,
                             struct hone_error *err);
/* The same of any folder. */
enum hone_status folder_json_in(const char *dir, const char *name, bool required, json_t **out,
                                struct hone_error *err);
/* Maps dir/name; NULL and 0 where it is not there (or empty). To be given back with unmap_file. */
enum hone_status folder_map(const struct folder *f, const char *name, void **data, size_t *size,
                            struct hone_error *err);
/* The result of a gguf_set_... call. */
enum hone_status folder_set(bool ok, const char *key, struct hone_error *err);
/* HONE_BAD_MODEL: config.json's `name` is what the words say. */
enum hone_status folder_refuse(const struct folder *f, const char *name, const char *words,
                               struct hone_error *err);
/* Of config.json, NaN where there is something else than a number. */
double folder_number(const struct folder *f, const char *path, double otherwise);
/* The family's key ARCH.suffix, a whole number from 1 to `max`; config.json calls it `name`. */
enum hone_status folder_set_count(struct folder *f, const char *suffix, double x, double max,
                                  const char *name, struct hone_error *err);
/* Gives the number of one of the family's keys to another, too. */
enum hone_status folder_copy_size(struct folder *f, const char *from, const char *to, struct hone_error *err);

/* tensors.c: whether there is a tensor of that name, with one of the form's prefixes or without. */
bool folder_has_tensor(const struct folder *f, const char *name);

/* Adds rows `first` up to `end` of a tensor to f->g. */
enum hone_status folder_add_tensor(struct folder *f, const char *name, const struct safetensor *t,
                                   uint64_t first, uint64_t end, struct hone_error *err);

/* The activation that config.json names at `path` under `key`. */
enum hone_status folder_set_activation(struct folder *f, const char *path, enum activation otherwise,
                                       const char *key, struct hone_error *err);

/* One part of the import each; they fill f->g. */
enum hone_status import_config(struct folder *f, struct hone_error *err); /* numbers, labels, scores */
/* labels.c: of a classifier; and of one whose head are modules that give n scores. */
enum hone_status import_labels(struct folder *f, struct hone_error *err);
enum hone_status import_scored(struct folder *f, size_t n, struct hone_error *err);
/* sentence.c: limits, prompts, what vectors are compared by; the keys of the transformer module, or NULL. */
enum hone_status import_sentence(struct folder *f, struct hone_error *err);
enum hone_status folder_transformer_config(const struct folder *f, json_t **out, struct hone_error *err);
/* multi_vector.c: what is told of queries and documents by models that make a vector of each token; *is_one tells. */
enum hone_status import_multi_vector(struct folder *f, bool *is_one, struct hone_error *err);
/* listwise.c: jina-reranker-v3; *is_one tells. */
enum hone_status import_listwise(struct folder *f, bool *is_one, struct hone_error *err);
/* heads.c: BGE-M3's of tokens. */
enum hone_status import_token_heads(struct folder *f, struct hone_error *err);
/* steps.c: what the list of modules puts behind the layers. */
enum hone_status import_steps(struct folder *f, enum pooling *pooling, bool *normalize,
                              struct hone_error *err);
/* tables.c: models without layers, by a module (NULL: none) or as model2vec writes them. */
const struct module *folder_table(const struct folder *f);
bool folder_is_model2vec(const struct folder *f);
bool folder_has_table(const struct folder *f);
/* tokenizer.json is read as it is, and nothing beside it. */
bool folder_reads_plain_tokenizer(const struct folder *f);
json_t *folder_table_config(const struct folder *f); /* NULL: no memory */
enum hone_status import_table_config(struct folder *f, struct hone_error *err);
enum hone_status import_table(struct folder *f, struct hone_error *err);
/* Of model2vec, which cuts texts by characters before it makes tokens of them. */
enum hone_status folder_import_characters(struct folder *f, const struct tok_vocab *vocab,
                                          struct hone_error *err);
/* Weights of words in a file by their names, which are to be found among the tokens. */
bool folder_weights_by_name(const struct folder *f);
enum hone_status folder_import_named_weights(struct folder *f, const struct tok_vocab *vocab,
                                             struct hone_error *err);
enum hone_status import_tokenizer(struct folder *f, struct hone_error *err); /* after import_tensors */
/* expected.c: what other programs ask for and nothing here reads; after all others. */
enum hone_status import_expected(struct folder *f, struct hone_error *err);
/* generation.c: end tokens and the chat template. */
enum hone_status import_generation(struct folder *f, struct hone_error *err);
/* distances.c: of disentangled attention. */
enum hone_status import_distances(struct folder *f, struct hone_error *err);
/* rules.c: how a model with an encoder searches, and which tokens may come. */
enum hone_status import_rules(struct folder *f, struct hone_error *err);
/* decoder.c: what a decoder behind an encoder begins with, and its head. */
enum hone_status import_decoder(struct folder *f, struct hone_error *err);
/* rope.c: how positions are scaled. */
enum hone_status import_rope_names(struct folder *f, struct hone_error *err);
enum hone_status import_rope(struct folder *f, struct hone_error *err);
/* What the base is multiplied by, once and for all (Hunyuan). */
double import_rope_alpha(const struct folder *f);
/* causal.c: a tensor under its GGUF name, changed as `cut` says. */
enum hone_status import_changed(struct folder *f, const char *gguf, const struct safetensor *t, enum cut cut,
                                struct hone_error *err);
/* recurrent.c: what config.json says of layers that recur; and their tensors, under their GGUF names. */
enum hone_status import_recurrent(struct folder *f, struct hone_error *err);
enum hone_status import_recurrent_tensor(struct folder *f, const char *gguf, const struct safetensor *t,
                                         enum cut cut, struct hone_error *err);
enum hone_status import_conv_parts(struct folder *f, const char *gguf, const char *hf, unsigned i_layer,
                                   const struct safetensor *(*find)(const struct folder *f, const char *name),
                                   struct hone_error *err);
/* Which of n layers attend, each with as many heads of keys and values as config.json says. */
enum hone_status import_attending(struct folder *f, const bool *attends, size_t n, struct hone_error *err);
/* layers/selective.c: what config.json says of Mamba's scan, and of the layers beside it. */
enum hone_status import_selective(struct folder *f, struct hone_error *err);
/* layers/own_heads.c: of a family whose layers have heads of their own, what each has. */
enum hone_status import_own_heads(struct folder *f, struct hone_error *err);
/* layers/bends.c: of an activation with numbers of each layer's own, tensors that are keys in GGUF files; before import_tensors. */
enum hone_status import_bends(struct folder *f, struct hone_error *err);
/* layers/halves.c: of a family whose layers are halves of others, which half each is. */
enum hone_status import_halves(struct folder *f, struct hone_error *err);
/* layers/shared_blocks.c: blocks that layers share, as tensors of each, with its adapters; before import_tensors. */
enum hone_status import_shared_blocks(struct folder *f, struct hone_error *err);
/* layers/altup.c: of Gemma 3n how wide layers are, and how many gates are shut. */
enum hone_status import_altup(struct folder *f, struct hone_error *err);
/* layers/latent.c: of latent attention the sizes of heads; layers/depth_scales.c: of MiniCPM what is multiplied. */
enum hone_status import_latent(struct folder *f, struct hone_error *err);
enum hone_status import_depth_scales(struct folder *f, struct hone_error *err);
/* delta.c: rows in the order that GGUF files have, copied. */
enum hone_status import_delta_rows(struct folder *f, struct gguf_tensor *t, enum cut cut,
                                   struct hone_error *err);
/* experts.c: how many there are, at least one. `hf` has the numbers of a layer and an expert; half: 0 all, 1 the first, 2 the second half of each one's rows. */
enum hone_status import_count_experts(const struct folder *f, size_t *n, struct hone_error *err);
enum hone_status import_experts(struct folder *f, const char *gguf, const char *hf, unsigned i_layer,
                                const struct safetensor *(*find)(const struct folder *f, const char *name),
                                struct hone_error *err);
/* layers/adaptations.c: the tasks that a model has adapters for, and their prompts; after import_sentence. And their matrices. */
enum hone_status import_adaptations(struct folder *f, struct hone_error *err);
enum hone_status import_adapted(struct folder *f, const char *gguf, const struct safetensor *t, enum cut cut,
                                struct hone_error *err);
/* The same of matrices that one number names, one less than a token has rows. */
/* A vector for each head, until there is none of the next number; nothing is done where there is none at all. */
enum hone_status import_head_norms(struct folder *f, const char *gguf, const char *hf, unsigned i_layer,
                                   const struct safetensor *(*find)(const struct folder *f, const char *name),
                                   struct hone_error *err);
enum hone_status import_streams(struct folder *f, const char *gguf, const char *hf,
                                const struct safetensor *(*find)(const struct folder *f, const char *name),
                                struct hone_error *err);
enum hone_status import_expert_halves(struct folder *f, const char *gguf, const struct safetensor *t,
                                      int half, struct hone_error *err);
/* Which layers have experts is known in one form only: all behind the first ones. */
enum hone_status import_routing(struct folder *f, struct hone_error *err);
/* packed/: matrices in few bits become float32 ones, before import_tensors. */
enum hone_status import_packed(struct folder *f, struct hone_error *err);
/* turned_experts.c: one of the two or all of the tensors whose name `hf` is the start of, as `cut` says. */
enum hone_status import_turned_experts(struct folder *f, const char *gguf, const char *hf, enum cut cut,
                                       const struct safetensor *(*find)(const struct folder *f,
                                                                        const char *name),
                                       struct hone_error *err);
/* layers/span_head.c: of a GLiNER model its configuration, checked, and that of its encoder, where there is gliner_config.json; its
 * numbers; and its tensors, once the encoder's are there. */
enum hone_status import_find_spans(struct folder *f, struct hone_error *err);
enum hone_status import_span_numbers(struct folder *f, struct hone_error *err);
enum hone_status import_span_tensors(struct folder *f, struct hone_error *err);
/* layers/span_tokens.c: the tokens of its prompt, where the configuration does not say their numbers (import_adds_span_tokens): they
 * are added to a tokenizer's configuration, and found in its vocabulary. Else nothing. */
struct tok_vocab;
bool import_adds_span_tokens(const struct folder *f);
enum hone_status import_span_tokens(const struct folder *f, json_t *config, struct hone_error *err);
enum hone_status import_span_label(struct folder *f, const struct tok_vocab *vocab, struct hone_error *err);
enum hone_status import_tensors(struct folder *f, struct hone_error *err);

#endif
