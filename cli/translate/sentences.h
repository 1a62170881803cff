/* Texts that are read sentence by sentence: each is generated from for itself, and what comes of them is put together with
 * the white space that was between. */
#ifndef CLI_TRANSLATE_SENTENCES_H
#define CLI_TRANSLATE_SENTENCES_H

#include "cli/io/output.h"

struct sentence_list {
    struct hone_generation *items; /* [n] */
    struct hone_text *spaces;      /* [n] behind each; they point into the texts */
    size_t n, capacity;
};

/* Appends the sentences of a text, each to be generated as `how` says; *first and *n: where they are. false: out of memory,
 * which has been reported. */
bool sentences_add(struct sentence_list *list, struct hone_text text, const struct hone_generation *how,
                   size_t *first, size_t *n);
/* Generates from all of them, many at once. */
enum hone_status sentences_generate(struct sentence_list *list, struct hone_model *model,
                                    struct hone_stats *stats, struct hone_error *err);
void sentences_write(const struct sentence_list *list, size_t first, size_t n, struct output *o);
void sentences_release(struct sentence_list *list);

#endif
