/* What can go wrong with a request, and how each dialect says so. */
#ifndef SERVER_HTTP_ERRORS_H
#define SERVER_HTTP_ERRORS_H

#include "server/http/reply_buffer.h"

enum dialect {
    DIALECT_HONE,      /* {"error": "..."} */
    DIALECT_OPENAI,    /* {"error": {"message", "type", "param", "code"}} */
    DIALECT_COHERE,    /* {"message"} */
    DIALECT_JINA,      /* {"detail"} */
    DIALECT_TEI,       /* {"error", "error_type"}: Hugging Face's text-embeddings-inference */
    DIALECT_LLAMA,     /* {"error": {"code", "message", "type"}}: llama.cpp's server */
    DIALECT_ANTHROPIC, /* {"type": "error", "error": {"type", "message"}} */
    DIALECT_OLLAMA,    /* {"error": "..."} */
};

enum problem {
    PROBLEM_SYNTAX, /* the body is not JSON, or the head not HTTP */
    PROBLEM_FIELD,  /* a field that is missing, of another type, or out of bounds */
    PROBLEM_EMPTY,  /* no text at all */
    PROBLEM_BATCH,  /* too many texts */
    PROBLEM_LENGTH, /* a text that is too long */
    PROBLEM_KEY,
    PROBLEM_ORIGIN, /* a page of another site asks */
    PROBLEM_HOST,   /* the Host is no name of this server */
    PROBLEM_TYPE,   /* the body is no JSON, as its type says */
    PROBLEM_PATH,
    PROBLEM_METHOD,
    PROBLEM_MODEL,   /* no model has that name */
    PROBLEM_TASK,    /* the model is not for that */
    PROBLEM_SLOW,    /* the request did not come in time */
    PROBLEM_BODY,    /* the body is too large */
    PROBLEM_TARGET,  /* the path is */
    PROBLEM_HEADERS, /* the headers are */
    PROBLEM_VERSION, /* of HTTP */
    PROBLEM_BUSY,
    PROBLEM_LATE,     /* the answer would not come in time */
    PROBLEM_STOPPING, /* the server ends */
    PROBLEM_MEMORY,
    PROBLEM_FAILED,
};

int problem_status(enum problem problem, enum dialect dialect);

/* The body. field may be NULL. */
void problem_write(struct reply_buffer *out, enum problem problem, enum dialect dialect, const char *field,
                   const char *sentence);

/* The same as an event of a stream that has begun. */
void problem_write_event(struct reply_buffer *out, enum problem problem, enum dialect dialect,
                         const char *sentence);

enum problem problem_of(enum hone_status status);

#endif
