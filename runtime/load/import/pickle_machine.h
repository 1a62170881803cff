/* The machine that a pickle is a program of (PEP 307; Python's pickletools have the instructions). A value is a node; what it
 * is made of are numbers of other nodes. No instruction makes more than one node, so that memory is bounded by the file's
 * size. */
#ifndef RUNTIME_LOAD_IMPORT_PICKLE_MACHINE_H
#define RUNTIME_LOAD_IMPORT_PICKLE_MACHINE_H

#include "runtime/base/error.h"

#include <string.h>

enum pickle_kind {
    K_NONE,
    K_BOOL,
    K_INT,
    K_TEXT,
    K_TUPLE,
    K_LIST,
    K_DICT,
    K_GLOBAL,
    K_STORAGE,
    K_TENSOR,
    K_OTHER,
    K_MARK
};

/* The names that a dictionary of tensors is made with. */
enum pickle_global { G_REBUILD, G_PARAMETER, G_ORDERED, G_STORAGE };

struct pickle_name {
    const char *module, *name;
    enum pickle_global global;
    const char *dtype; /* of G_STORAGE, as is what follows */
    size_t item_size;
};

struct pickle_node {
    enum pickle_kind kind;
    int64_t number;
    struct hone_text text;            /* K_TEXT; of K_STORAGE its key */
    const struct pickle_name *global; /* K_GLOBAL; of K_STORAGE and K_TENSOR the storage's */
    uint32_t *items;                  /* [n_items]: of a dictionary keys and values in turn */
    size_t n_items, capacity;
    uint32_t storage; /* K_TENSOR */
};

struct pickle_machine {
    const unsigned char *data;
    size_t size, at;
    struct pickle_node *nodes;
    size_t n_nodes, node_capacity;
    uint32_t *stack;
    size_t n_stack, stack_capacity;
    uint32_t *memo; /* by number; UINT32_MAX: nothing */
    size_t n_memo, n_remembered;
    const char *path;
    struct hone_error *err;
    enum hone_status status;
};

/* Runs the program to its end. Returns the node that it leaves, and how many bytes it took in m->at; m->status: it failed.
 * To be released in each case. */
uint32_t pickle_machine_run(struct pickle_machine *m);
void pickle_machine_release(struct pickle_machine *m);

/* Item i of a node; the first node, which is K_NONE, where there is none. */
static inline const struct pickle_node *pickle_item(const struct pickle_machine *m,
                                                    const struct pickle_node *of, size_t i)
{
    return i < of->n_items ? &m->nodes[of->items[i]] : &m->nodes[0];
}

#endif
