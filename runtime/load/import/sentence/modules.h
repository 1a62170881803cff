/* The list of modules that Sentence Transformers makes a model of: modules.json, each module's folder and config. */
#ifndef RUNTIME_LOAD_IMPORT_SENTENCE_MODULES_H
#define RUNTIME_LOAD_IMPORT_SENTENCE_MODULES_H

#include "runtime/base/error.h"

#include <jansson.h>

enum module_kind {
    MODULE_TRANSFORMER,
    MODULE_POOLING,
    MODULE_DENSE,
    MODULE_NORM,
    MODULE_NORMALIZE,
    MODULE_SPLADE,
    MODULE_LOGIT_SCORE,
    MODULE_MASK,    /* which vectors of tokens count */
    MODULE_STATIC,  /* a table of vectors, one a token */
    MODULE_WEIGHTS, /* a table of weights, one a token */
    MODULE_ROUTER,
    MODULE_DROPOUT, /* has no effect where nothing is trained */
    N_MODULE_KINDS
};

struct keys;

struct module {
    enum module_kind kind;
    char *dir;      /* its folder */
    json_t *config; /* of it; NULL: there is none */
};

struct modules {
    char *root;        /* the folder with the list */
    bool listed;       /* there is a modules.json */
    bool pylate;       /* a module is PyLate's */
    bool custom;       /* the transformer is custom_st.py's */
    struct module *of; /* [n] */
    size_t n;
    json_t *settings; /* config_sentence_transformers.json, or NULL */
};

/* *out is to be released, after a failure too. Without a modules.json it has no modules. */
enum hone_status modules_read(struct modules *out, const char *root, struct keys *k, struct hone_error *err);
void modules_release(struct modules *m);

/* Another list with the settings and the folder of one that is there; to be released, after a failure too. */
enum hone_status modules_begin(struct modules *out, const struct modules *like, struct hone_error *err);
/* A module of that class in a folder of the list's own, which the file `list` names; and one of another list. */
enum hone_status modules_add(struct modules *m, const char *list, const char *class, const char *path,
                             struct hone_error *err);
enum hone_status modules_copy(struct modules *m, const struct module *of, struct hone_error *err);
/* The keys of all modules' configs. */
enum hone_status modules_check_keys(const struct modules *m, struct keys *k, struct hone_error *err);

/* The first of that kind; NULL: none. */
const struct module *modules_find(const struct modules *m, enum module_kind kind);

/* What the settings say; "" and NULL: nothing. */
const char *modules_text(const struct modules *m, const char *key);

/* Whether they make a vector of each token, to be compared one by one. */
bool modules_are_multi_vector(const struct modules *m);

/* Whether the transformer is read by code of the folder's own (custom_st.py), which takes the task that texts are for. */
bool modules_are_custom(const struct modules *m);

/* The features that a module reads and writes, by its config, or `otherwise`. */
const char *module_reads(const struct module *m, const char *otherwise);
const char *module_writes(const struct module *m, const char *otherwise);

#endif
