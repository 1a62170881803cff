/* Tokens of a file by their texts, for readers that look up one for each other: files list tens of thousands. */
#ifndef TOKENIZER_FILES_TOKEN_LIST_H
#define TOKENIZER_FILES_TOKEN_LIST_H

#include "runtime/base/tables/hash_table.h"

#include <hone.h>
#include <jansson.h>

struct listed_token {
    struct hash_node node;
    struct hone_text text;
    json_int_t id;
    json_t *entry; /* that says more of it; or NULL */
};

/* All zero: empty. */
struct token_list {
    struct hash_table by_text;
};

/* The first one that was added under that text; NULL: there is none. */
const struct listed_token *tok_list_find(const struct token_list *list, struct hone_text text);
/* Text and entry must outlive the list. false: no memory. */
bool tok_list_add(struct token_list *list, struct hone_text text, json_int_t id, json_t *entry);
void tok_list_release(struct token_list *list);

#endif
