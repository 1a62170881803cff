/* What `hone inspect` shows, and its two ways of showing it. */
#ifndef CLI_COMMANDS_INSPECT_H
#define CLI_COMMANDS_INSPECT_H

#include "cli/io/output.h"
#include "cli/options.h"

/* A file, and the model in it where it opens. */
struct subject {
    const struct options *options;
    struct hone_file *file;
    struct hone_model *model; /* NULL: it does not open, and `why` says why */
    const struct hone_model_info *info;
    struct hone_error why;
    struct output *o;
};

/* Tensors of one type. */
struct type_count {
    const char *name;
    size_t n;
    uint64_t size; /* bytes */
};
#define MAX_TYPES 32 /* GGUF has 31: 26 that hone reads, whole numbers and doubles */
size_t inspect_types(const struct hone_file *file, struct type_count counts[MAX_TYPES]);
uint64_t inspect_size(const struct hone_file *file); /* bytes of all tensors */

void inspect_show_json(const struct subject *s);
void inspect_show_tables(const struct subject *s);

#endif
