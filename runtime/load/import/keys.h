/* The inventory of keys. Each container of a folder has a table of the keys that are known in it: those that the import
 * honours, and those that have no effect on a result. A key that is in none of a container's tables could change numbers, so
 * it is refused by its name; with `force` it is passed over and told. A key whose value is null says nothing. */
#ifndef RUNTIME_LOAD_IMPORT_KEYS_H
#define RUNTIME_LOAD_IMPORT_KEYS_H

#include "runtime/nn/arch.h"

#include <jansson.h>

#define KEYS_MAX_REMARKS 64 /* of what --force passed over: those beyond are not told */

/* Where config.json says which activation the feed-forward part has: first where T5 and Jina's BERT do, beside another. */
#define KEYS_OF_ACTIVATION       "dense_act_fn|feed_forward_proj|feed_forward_type|" KEYS_OF_PLAIN_ACTIVATION
#define KEYS_OF_PLAIN_ACTIVATION "hidden_activation|hidden_act|activation_function|activation"

/* What was passed over. */
struct keys {
    bool force;
    size_t n_remarks;
    char *remarks[KEYS_MAX_REMARKS];
};
void keys_release(struct keys *k);
/* As hone.ignored_keys, where there are any. */
enum hone_status keys_write_remarks(const struct keys *k, struct gguf *g, struct hone_error *err);

/* Refuses with that sentence, or keeps it. */
enum hone_status keys_refuse(struct keys *k, struct hone_error *err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* 10000 and 10000.0 are the same. */
bool keys_are_same(const json_t *a, const json_t *b);

/* Of `only` (struct key_spec) there are two further forms: among the values "[1...]", a list of nothing but 1; and alone
 * "=a|b.c", the value of another key (its place as in param_spec), said twice. */
/* path: the file, and "key." of the object inside it; for sentences. tables: each ends with name == NULL, all of them with
 * NULL. */
enum hone_status keys_check(struct keys *k, const char *path, const json_t *object,
                            const struct key_spec *const *tables, struct hone_error *err);

/* One container each. */
struct module;
enum hone_status keys_check_module(struct keys *k, const struct module *m, struct hone_error *err);
enum hone_status keys_check_settings(struct keys *k, const char *path, const json_t *settings,
                                     struct hone_error *err);
enum hone_status keys_check_transformer(struct keys *k, const char *path, const json_t *config,
                                        struct hone_error *err);
enum hone_status keys_check_tokenizer(struct keys *k, const char *path, const json_t *config,
                                      struct hone_error *err);
enum hone_status keys_check_generation(struct keys *k, const char *path, const json_t *config,
                                       struct hone_error *err);
/* config.json of a family: what the form's tables read, what every configuration has, and the form's own `keys`. */
enum hone_status keys_check_config(struct keys *k, const char *path, json_t *config, const struct arch *arch,
                                   const struct hf_form *form, struct hone_error *err);

/* Classes that are not the family's own compute something else. */
enum hone_status keys_check_classes(struct keys *k, const char *path, const json_t *config,
                                    const struct hf_form *form, struct hone_error *err);

#endif
