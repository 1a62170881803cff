/* The texts that a model generates for one request: OpenAI's "choices". A handler's state begins with a struct choices
 * and is released with choices_release. It reads fields, sets prompts, and submits; the answer is either written when
 * all is there, or told token by token (server-sent events). */
#ifndef SERVER_GENERATE_CHOICES_H
#define SERVER_GENERATE_CHOICES_H

#include "server/chat/answer.h"
#include "server/http/fields.h"

struct choice {
    struct choices *all;
    size_t index, prompt; /* of all choices; of the prompt that it goes on with */
    struct hone_generation generation;
    struct hone_request request;
    size_t n_tokens;      /* so far; from here on the scheduler's thread writes, until the reply */
    uint64_t first, last; /* ns: tokens came */
    size_t n_told;        /* for `tell`: what it wants to remember, */
    struct answer answer; /* and what it found */
};

/* What a text must look like: nothing; a grammar, which may allow calls of tools, too; or a value that the client reads. */
enum choice_constraint { CONSTRAINT_NONE, CONSTRAINT_GRAMMAR, CONSTRAINT_VALUE };

struct choices {
    struct http_request *r;
    struct hone_generation like; /* what all have in common */
    struct texts texts;          /* prompts, or */
    struct ids *lists;           /* [n_prompts] lists of ids, or */
    struct hone_text *made;      /* [n_prompts] those that were made of conversations, owned */
    /* [n_prompts] how long is thought before the answer to each, owned; NULL, or without marks: as long as
     * the model likes */
    struct hone_thinking *thinking;
    struct hone_infill gap;         /* that prompts end at, where like.infill says so, */
    struct hone_infill_file *files; /* with its files; owned */
    size_t n_prompts, n_each;       /* n_each choices a prompt; 0: 1 */
    struct choice *items;           /* [n] */
    size_t n;
    bool stream;
    const char *stream_type; /* NULL: server-sent events */
    /* Writes the event that tells of a token, or nothing. Called from the scheduler's thread. */
    void (*tell)(struct choice *c, const struct hone_token *token, struct reply_buffer *out);
    char id[25]; /* a random name */
    long long created;
    uint64_t began;
    /* Owned; the generations point to them. */
    struct texts stops, breakers;
    struct hone_bias *biases;
    char *schema, *grammar;
    enum choice_constraint constraint;
    const json_t *within; /* an object within the request that has fields of choices_read, too; NULL: none */
    json_t *within_asked; /* names of those that were read; owned */
    char headers[2048];   /* "X-Ignored-Fields: ..." and "X-Schema-Notes: ...", or empty */
    bool asks_prompt;     /* log-probabilities of the prompt are to be told */
    bool no_text;         /* the one token that is generated is none of the answer */
    bool noted;           /* these notes are among them, if there are any */
};

void choices_release(void *choices);

/* A state that begins with a struct choices, as http_state. */
void *choices_state(struct http_request *r, size_t size, void (*release)(void *state));

/* stream, stop, logit_bias, seed, and how tokens are chosen, by the names of OpenAI, vLLM and llama.cpp. What the
 * client does not say stays as it is in c->like. */
void choices_read(struct fields *f, struct choices *c);

/* How many tokens at most: -1 is as many as there is room for, 0 none. */
void choices_read_length(struct fields *f, const char *name, struct choices *c);
/* Strings that end a text, in a field of another name. */
void choices_read_stops(struct fields *f, const char *name, struct choices *c);

/* A text, a list of texts, a list of ids, or a list of such lists. */
void choices_prompts(struct fields *f, const char *name, struct choices *c);
/* What stands behind a gap that each prompt ends at; an empty text is none. Behind the prompts. */
void choices_read_suffix(struct fields *f, const char *name, struct choices *c);
/* One prompt more, which is taken over. False: no memory, and it was freed. */
bool choices_add_prompt(struct choices *c, char *text, size_t size);

/* The text must be JSON of that schema, or follow that grammar, which are kept; NULL is out of memory. field: a constant, what the
 * client calls it. */
void choices_constrain(struct choices *c, const char *field, char *schema);
void choices_follow(struct choices *c, const char *field, char *grammar, enum choice_constraint constraint);

/* Submits them all; `then` is called when each has its end, or one has failed. */
void choices_submit(struct http_request *r, struct choices *c, http_handler then);

/* For `then`: whether an answer that came bit by bit has failed, of which the client has been told. */
bool choices_failed(struct choices *c);
/* For `then`: the last words of such an answer, which are taken over. */
void choices_end(struct choices *c, struct reply_buffer *out);

const struct hone_generated *choice_result(const struct choice *c);
/* The stop string that ended the text; NULL: it ended otherwise. */
const struct hone_text *choice_stop(const struct choice *c);
/* "stop" or "length" */
const char *choice_finish(const struct choice *c);

/* Tokens of all prompts, of these found in the cache; generated. */
struct choices_usage {
    size_t n_prompt, n_cached, n_generated;
};
struct choices_usage choices_usage(const struct choices *c);

/* The bytes of a token, or a special token's name, to be freed. */
char *choices_spell(const struct choices *c, int32_t id, size_t *size);
/* {"id": 3, "token": "...", "bytes": [...], "logprob": -0.1, "top_logprobs": [as many like it]} */
void choices_write_token(struct reply_buffer *out, const struct choices *c, const struct hone_token *token,
                         bool with_ids);

/* "prompt_logprobs":[null,{"ID":{"logprob":-0.1,"rank":1,"decoded_token":"..."}}], as vLLM has it, and a comma before; nothing
 * where nobody asked for them. */
void choices_write_prompt(struct reply_buffer *out, const struct choice *c);

/* What a streamed token would say of token i of a text that is complete. */
struct hone_token choice_token(const struct choice *c, size_t i);

#endif
