/* What the names of tokenizer.ggml.pre stand for. */
#ifndef TOKENIZER_FILES_PRE_NAMES_H
#define TOKENIZER_FILES_PRE_NAMES_H

#include "tokenizer/stages/words.h"

#define PRE_MAX_CUTS 6 /* what deepseek-llm has, the longest */

struct pre_name {
    const char *name, *others; /* others: with spaces around each */
    /* Text is cut up by each of these expressions in turn, what one cuts out by the next; ends with NULL. */
    const char *cuts[PRE_MAX_CUTS + 1];
    bool digits;           /* each digit is cut out */
    enum words_kind words; /* and what remains by this; WORDS_NONE: no more */
    bool nfc;
    bool ignore_merges;
    bool add_bos;        /* where the file does not say */
    bool add_sep, twice; /* RoBERTa's template */
    bool mask_lstrip;
};

/* NULL: not known. A file that names none has "default". */
const struct pre_name *tok_pre_find(const char *pre);

/* The name of what is cut up by these expressions alone; cuts ends with NULL. NULL: none. */
const char *tok_pre_name_of(const char *const *cuts);

#endif
