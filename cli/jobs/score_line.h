/* A line of hone score: what it asks for, and what it becomes. */
#ifndef CLI_JOBS_SCORE_LINE_H
#define CLI_JOBS_SCORE_LINE_H

#include "cli/jobs/score_prompt.h"

enum score_form {
    SCORE_TEXT,      /* {"text": ...}: a vector, or labels */
    SCORE_DOCUMENT,  /* {"query": ..., "document": ...}: a score */
    SCORE_DOCUMENTS, /* {"query": ..., "documents": [...]}: scores */
    SCORE_PAIR,      /* {"texts": [a, b]}: labels, a score where there is one, or the cosine */
    SCORE_PROMPT,    /* {"prompt": ...} or {"messages": [...]}: a text */
};

struct score_line {
    enum score_form form;
    json_t *json;             /* holds the texts */
    struct hone_text *texts;  /* of the request */
    size_t n_texts, n_values; /* n_values: [n_texts, width] or less */
    float *values;
    struct score_prompt prompt; /* of SCORE_PROMPT */
    struct hone_request request;
    enum hone_status status; /* of the reply */
    char why[256];           /* it was not HONE_OK */
};

/* Reads the line and makes its request for the model, whose texts are read by the one that info is of, but for what is called when it is done. On failure *why says what is wrong
 * with it. Always to be released. */
bool score_line_read(struct score_line *line, struct hone_text text, struct hone_model *model,
                     const struct hone_model_info *info);
/* The rest of its request. */
void score_line_finish(struct score_line *line, const struct hone_run_options *how,
                       void (*on_reply)(void *arg, const struct hone_reply *reply), void *arg);
/* {"index": 0, "id": ... */
void score_line_write_begin(const struct score_line *line, struct output *o, size_t index);
void score_line_write(const struct score_line *line, struct output *o, size_t index,
                      const struct hone_model *model);
/* In place of a result: why there is none. */
void score_line_write_error(const struct score_line *line, struct output *o, size_t index, const char *why);
void score_line_release(struct score_line *line);

#endif
