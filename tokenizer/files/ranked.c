#include "tokenizer/files/ranked.h"

#include "runtime/base/json.h"
#include "tokenizer/stages/bytelevel.h"

#include <stdlib.h>
#include <string.h>

bool tok_ranked_start(struct ranked *r, size_t n, size_t first)
{
    *r = (struct ranked){.n = n, .first = first};
    r->vocab = json_object();
    r->merges = json_array();
    r->names = calloc(n + 1, sizeof *r->names);
    return r->vocab && r->merges && r->names;
}

bool tok_ranked_add(struct ranked *r, size_t rank, struct hone_text bytes)
{
    struct buffer *name = &r->names[rank];
    tok_bytelevel_append(name, bytes.data, bytes.size);
    buffer_byte(name, 0);
    return !name->failed && json_object_set_new(r->vocab, name->data,
                                                json_integer((json_int_t)rank + (json_int_t)r->first)) == 0;
}

struct ranked_split {
    json_int_t left, right;
    size_t at;
};

static int compare_splits(const void *a, const void *b)
{
    const struct ranked_split *x = a, *y = b;
    return x->left != y->left ? (x->left > y->left) - (x->left < y->left)
                              : (x->right > y->right) - (x->right < y->right);
}

static json_int_t id_of(const struct ranked *r, const char *text, size_t size)
{
    const json_t *id = json_object_getn(r->vocab, text, size);
    return id ? json_integer_value(id) : -1;
}

/* A token comes of any two that make it, in the order of ranks. */
bool tok_ranked_merge(struct ranked *r)
{
    const json_int_t first = (json_int_t)r->first, end = first + (json_int_t)r->n;
    for (size_t i = 0; i < r->n; i++) {
        struct ranked_split splits[RANKED_MAX_BYTES] = {{0}};
        const char *name = r->names[i].data;
        size_t size = name ? strlen(name) : 0, n = 0;
        for (size_t at = 1; at < size && n < RANKED_MAX_BYTES; at++) {
            if ((name[at] & 0xc0) == 0x80)
                continue;
            const struct ranked_split s = {id_of(r, name, at), id_of(r, name + at, size - at), at};
            if (s.left >= first && s.right >= first && s.left < end && s.right < end)
                splits[n++] = s;
        }
        qsort(splits, n, sizeof *splits, compare_splits);
        for (size_t k = 0; k < n; k++)
            json_list_add(&r->merges, json_pack("[s%, s]", name, splits[k].at, name + splits[k].at));
        if (!r->merges)
            return false;
    }
    return true;
}

void tok_ranked_release(struct ranked *r)
{
    for (size_t i = 0; r->names && i < r->n; i++)
        buffer_release(&r->names[i]);
    free(r->names);
    json_decref(r->vocab);
    json_decref(r->merges);
    *r = (struct ranked){0};
}
