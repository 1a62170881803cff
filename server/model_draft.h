/* The smaller model that guesses tokens for one that generates (`draft-model`). It is a part of that one: it comes into memory
 * and leaves it with it, is counted with it, and nobody else asks it, so that models that are each other's may draft at once. */
#ifndef SERVER_MODEL_DRAFT_H
#define SERVER_MODEL_DRAFT_H

#include "server/models.h"

/* Takes what the options say into m->draft. HONE_USAGE, at `where`: they contradict each other. */
enum hone_status model_draft_name(struct served_model *m, const struct model_options *o, const char *where,
                                  struct hone_error *err);
void model_draft_release(struct served_model *m);

/* Whether two of the same path and files are drafted for in the same way. */
bool model_draft_same(const struct served_model *a, const struct served_model *b);

/* model_files_look of the model and of what drafts for it. */
bool model_draft_look(struct model_files *out, const struct served_model *m);

/* Of a model whose header is read: whether the other one can guess for it, and what it needs, which is added to m->need. One
 * that the settings name for all models is not for those that generate nothing, have an encoder, or are that model. */
enum hone_status model_draft_read(struct served_model *m, const struct model_options *o,
                                  struct hone_error *err);

/* Into memory, beside a model that was opened with these options; and out of it. */
enum hone_status model_draft_open(struct served_model *m, const struct hone_options *options,
                                  struct hone_error *err);
void model_draft_close(struct served_model *m);

/* How tokens are to be guessed for a text that m, which is in memory, is asked for. */
void model_draft_use(const struct served_model *m, struct hone_generation *g);

#endif
