/* Reads the fields of a JSON object. The first one that is not as it should be is remembered, in a sentence that names
 * it; from there on nothing is read, so that a handler asks once, at the end. A field that is absent or null leaves
 * its place as it is, but for those that are required. */
#ifndef SERVER_HTTP_FIELDS_H
#define SERVER_HTTP_FIELDS_H

#include "server/http/http.h"

struct fields {
    struct http_request *r;
    const json_t *object;
    json_t *describing; /* as in struct http_request; NULL for objects inside */
    json_t *asked;      /* gets the names of fields that are read; NULL: nobody wants to know */
    bool failed;        /* and answered */
};

/* The request's own object, or one inside it. */
struct fields fields_of(struct http_request *r);
struct fields fields_in(struct http_request *r, const json_t *object);

/* The value, NULL where it is absent or null. */
const json_t *field_get(const struct fields *f, const char *name);

void field_bool(struct fields *f, const char *name, bool *out);
/* A whole number. */
void field_count(struct fields *f, const char *name, size_t min, size_t max, size_t *out);
void field_number(struct fields *f, const char *name, double min, double max, double *out);
void field_text(struct fields *f, const char *name, struct hone_text *out);
/* The same as a C string, which lives as long as the request. */
void field_name(struct fields *f, const char *name, const char **out);
/* One of `choices`, "float|base64": the first is 0. */
void field_choice(struct fields *f, const char *name, const char *choices, int *out);

/* Fails unless the field is there. */
void field_required(struct fields *f, const char *name);

/* A list of texts, or a text alone: at least one, at most as many as the server takes. */
struct texts {
    struct hone_text *items; /* [n], to be freed; they lie in the request's JSON */
    size_t n;
    bool alone; /* it was no list */
};
void field_texts(struct fields *f, const char *name, struct texts *out);
/* Zeroed room for n entries, to be freed; NULL: n is none or more than the server takes, which has been answered. */
void *field_reserve(struct fields *f, const char *name, size_t n, size_t size);

/* A list of token ids, each below `end`: to be freed. */
struct ids {
    int32_t *items; /* [n] */
    size_t n;
};
void field_ids(struct fields *f, const char *name, const json_t *list, size_t end, struct ids *out);

/* Answers that this field is not as it should be: "'input' must be a list". */
/* Names the fields of the request, and of an object `within` it, that no handler has read and that might change the result, in
 * the answer's X-Ignored-Fields; or, where the settings are strict, refuses the first one: false, it has been answered. Before
 * the work is handed over; further calls do nothing. */
bool fields_check_unknown(struct http_request *r, const json_t *within, const json_t *within_asked);

void field_fail(struct fields *f, enum problem problem, const char *name, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

#endif
