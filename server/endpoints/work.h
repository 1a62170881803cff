/* Texts on their way through a model: what most endpoints do. A handler's state begins with a struct work, and is
 * released with work_release. */
#ifndef SERVER_ENDPOINTS_WORK_H
#define SERVER_ENDPOINTS_WORK_H

#include "server/http/fields.h"

struct work {
    struct hone_request request;
    struct texts texts; /* what the client sent, */
    struct ids *lists;  /* or [n] lists of ids; */
    struct hone_ids *ids;
    size_t n;
    bool alone;         /* it was no list */
    bool strict;        /* a text that is too long is refused, not cut */
    size_t width;       /* numbers a text */
    float *values;      /* [n, width] */
    uint32_t *n_tokens; /* [n] */
    bool *truncated;    /* [n] */
};

/* http_state for it, with the defaults of struct hone_run_options. */
void *work_state(struct http_request *r, size_t size, void (*release)(void *state));
void work_release(void *work);

/* http_model for what compares two texts: a cross-encoder, else what embeds, else what can be asked. */
bool rerank_model(struct http_request *r, struct hone_text name);

/* A text, a list of texts, a list of ids, or a list of such lists, for r->model. */
void work_inputs(struct fields *f, const char *name, struct work *w);

/* Reads what the texts are in a search. "input_type" is Cohere's, and others' who embed; "prompt_name" that of a prompt, which
 * may be named after it. */
void work_input_type(struct fields *f, struct work *w);
void work_prompt_name(struct fields *f, struct work *w);
/* Once the model is known: "task", Jina's, what embeddings are for. */
void work_task(struct fields *f, struct work *w);
/* Once the model is known. "prompt_name" may be the name of a role ("query"): where a router leads texts by their role, and
 * the model has no prompt of that name, it says the role alone. */
void work_choose_prompt(const struct http_request *r, struct work *w);

/* Texts that the caller has read into w->texts. */
void work_texts(struct work *w);

/* Submits what was read as a request of that kind, whose results are `width` numbers a text. */
void work_submit(struct http_request *r, struct work *w, enum hone_request_kind kind, size_t width,
                 http_handler then);

/* The same for embeddings; w->request.how may say how. */
void work_embed(struct http_request *r, struct work *w, http_handler then);

/* Whether a result is of a text that was cut, where such texts are refused; and how many tokens the model reads. */
bool work_is_too_long(const struct http_request *r, const struct work *w, size_t i);
size_t work_most_tokens(const struct http_request *r, const struct work *w);

/* To be asked before an answer: false, and that has been answered, where a text was too long. */
bool work_fits(struct http_request *r, const struct work *w);

size_t work_tokens(const struct work *w);

/* "usage": {"prompt_tokens": 5, "total_tokens": 5} */
void work_write_usage(struct reply_buffer *out, const struct work *w);

/* Where the client wants that: answers with the rows as float32, low bytes first, one behind the other. */
bool work_reply_raw(struct http_request *r, const struct work *w);

/* [[1, 2], [3, 4]] */
void work_write_rows(struct reply_buffer *out, const struct work *w);

#endif
