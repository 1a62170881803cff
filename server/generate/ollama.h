/* Ollama's API: github.com/ollama/ollama/blob/main/docs/api.md */
#ifndef SERVER_GENERATE_OLLAMA_H
#define SERVER_GENERATE_OLLAMA_H

#include "server/generate/chat.h"

struct ollama {
    struct chat chat;
    bool completion; /* of a prompt: what is written is "response", else a "message" */
    char *call;      /* the name of the tool whose arguments are coming; they are gathered in */
    struct reply_buffer arguments;
    size_t n_calls; /* that were told */
};

/* The model by its name, which may end with ":latest". */
bool ollama_model(struct fields *f, enum hone_task task);

/* Ollama's settings where the client says nothing; the model; then options, format, stream, think and what choices_read
 * reads. false: that has been answered. */
bool ollama_read(struct fields *f, struct ollama *o, struct conversation *c);

/* messages and tools as OpenAI writes them. */
void ollama_read_messages(struct fields *f, struct conversation *c);

extern const struct chat_dialect ollama_dialect;

/* Answers that the model is there, which is all that was asked: a request without a text. */
void ollama_loaded(struct http_request *r, const struct ollama *o);

#endif
