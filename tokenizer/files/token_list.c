#include "tokenizer/files/token_list.h"

#include "runtime/base/hash.h"
#include "runtime/base/text.h"

#include <stdlib.h>

static bool same_text(const struct hash_node *node, const void *text)
{
    return text_equal(((const struct listed_token *)node)->text, *(const struct hone_text *)text);
}

const struct listed_token *tok_list_find(const struct token_list *list, struct hone_text text)
{
    return (const struct listed_token *)hash_table_find(&list->by_text, hash_bytes(text.data, text.size),
                                                        same_text, &text);
}

bool tok_list_add(struct token_list *list, struct hone_text text, json_int_t id, json_t *entry)
{
    if (tok_list_find(list, text))
        return true;
    struct listed_token *token = malloc(sizeof *token);
    if (!token)
        return false;
    *token = (struct listed_token){.text = text, .id = id, .entry = entry};
    if (hash_table_add(&list->by_text, &token->node, hash_bytes(text.data, text.size)))
        return true;
    free(token);
    return false;
}

void tok_list_release(struct token_list *list)
{
    for (size_t i = 0; i < list->by_text.n_slots; i++)
        for (struct hash_node *node = list->by_text.slots[i], *next; node; node = next) {
            next = node->next;
            free(node);
        }
    hash_table_clear(&list->by_text);
}
