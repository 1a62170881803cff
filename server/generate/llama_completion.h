/* What llama.cpp's paths for texts that go on have in common. */
#ifndef SERVER_GENERATE_LLAMA_COMPLETION_H
#define SERVER_GENERATE_LLAMA_COMPLETION_H

#include "server/generate/choices.h"

/* Reads all but the text. NULL: that has been answered. */
struct choices *llama_completion_open(struct http_request *r, struct fields *f);
void llama_completion_submit(struct http_request *r);

#endif
