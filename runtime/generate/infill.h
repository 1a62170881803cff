/* A gap in a text that a model fills in (fill in the middle): its tokens for that, and the prompt that they make. */
#ifndef RUNTIME_GENERATE_INFILL_H
#define RUNTIME_GENERATE_INFILL_H

#include "runtime/infer/model.h"

#include <hone/generate.h>

#define INFILL_ENDS 16 /* six marks, and other_ends */

struct infill_marks {
    int32_t prefix, suffix;    /* -1: the model has none */
    int32_t middle;            /* -1: the suffix comes first, and what is before the gap last */
    int32_t project, file;     /* -1: none, other files are told otherwise */
    bool path_inside;          /* the gap's own file is named behind the mark of its prefix */
    int32_t ends[INFILL_ENDS]; /* [n_ends] marks that never are part of what fills a gap */
    size_t n_ends;
};

/* By the keys of the model's file, or by names that its vocabulary has. false: it knows no gaps. */
bool infill_find(struct infill_marks *out, const struct hone_model *model);

/* The prompt for a gap between `prefix` and what `infill` says, with the special tokens that the model puts in front. *ids
 * [*n] are to be freed. HONE_USAGE: the model knows no gaps. */
enum hone_status infill_prompt(const struct hone_model *model, const struct infill_marks *marks,
                               struct hone_text prefix, const struct hone_infill *infill, int32_t **ids,
                               size_t *n, struct hone_error *err);

bool infill_is_end(const struct infill_marks *marks, int32_t id);

#endif
