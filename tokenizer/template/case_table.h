/* Characters that become several in upper or title case, in the order of their code points. */
#ifndef TOKENIZER_TEMPLATE_CASE_TABLE_H
#define TOKENIZER_TEMPLATE_CASE_TABLE_H

#include <stddef.h>
#include <stdint.h>

struct case_row {
    uint32_t point;
    const char *upper, *title; /* UTF-8 */
};

extern const struct case_row jinja_case_table[];
extern const size_t jinja_case_n_rows;

#endif
