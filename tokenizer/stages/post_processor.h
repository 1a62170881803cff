/* How the ids of one or two texts become one list: templates with special tokens, and truncation to fit. */
#ifndef TOKENIZER_STAGES_POST_PROCESSOR_H
#define TOKENIZER_STAGES_POST_PROCESSOR_H

#include "tokenizer/component.h"
#include "tokenizer/ids.h"

struct template_piece {
    int text; /* 0 or 1: the ids of that text; -1: the special token `id` */
    int32_t id;
    uint8_t type_id;
};

struct template
{
    struct template_piece *pieces;
    size_t n;
    size_t n_special;
    bool missing;   /* the pipeline does not say */
    bool ends_once; /* hone's own: a special token is left out behind a text that ends with it (ByT5) */
};

struct post_processor {
    struct template templates[2]; /* for one text, for a pair */
    bool trims;                   /* spans leave out white space at their ends, */
    bool has_prefix_space;        /* but for what may be a space that the pre-tokenizer put before the text */
};

/* spec: NULL or null for none. Special token ids are below n_tokens. */
bool tok_post_processor_init(struct post_processor *p, const json_t *spec, size_t n_tokens,
                             struct complaint *c);
void tok_post_processor_release(struct post_processor *p);

/* Takes the white space that a token starts and ends with out of its span, if spans are trimmed. first: in its text. */
void tok_post_processor_trim(const struct post_processor *p, struct hone_text token, bool first,
                             struct tok_span *span);

/* texts[n_texts]: ids, which are cut as the options say; the result goes to out, whose arrays grow. */
bool tok_post_processor_run(const struct post_processor *p, const struct tok_ids *texts, size_t n_texts,
                            const struct tok_options *options, struct tok_encoding *out, struct complaint *c);

#endif
