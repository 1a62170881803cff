/* What the reader of GBNF shares: a place in the text, mistakes, and characters. */
#ifndef RUNTIME_GENERATE_GRAMMAR_READER_H
#define RUNTIME_GENERATE_GRAMMAR_READER_H

#include "runtime/generate/grammar/rules.h"

struct reader {
    const char *start, *at, *end;
    struct hone_error *err;
};

size_t reader_line(const struct reader *r, const char *at);

/* Leaves a sentence with the line in err; false. */
bool reader_fail(struct reader *r, const char *format, ...) __attribute__((format(printf, 2, 3)));

static inline bool looking_at(const struct reader *r, char c)
{
    return r->at < r->end && *r->at == c;
}

/* Blanks and comments, and the ends of lines too where `newlines` says so. */
void reader_skip(struct reader *r, bool newlines);

/* A character or an escape; there must be one. */
bool reader_char(struct reader *r, uint32_t *point);

/* A character, or two with '-' between them, of a class. */
bool reader_range(struct reader *r, struct char_range *range);

/* Sorts and joins; returns how many are left. */
size_t ranges_join(struct char_range *ranges, size_t n);
/* What lies between joined ranges, in place: there is room for one more. Returns how many there are. */
size_t ranges_invert(struct char_range *ranges, size_t n);

#endif
