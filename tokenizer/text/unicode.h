/* Code points as Hugging Face's tokenizers sees them: properties (a table, unicode_table.py), lowercase, and the
 * normalization forms of UAX #15. */
#ifndef TOKENIZER_TEXT_UNICODE_H
#define TOKENIZER_TEXT_UNICODE_H

#include "runtime/base/buffer.h"

/* Properties. The order is that of FLAGS in unicode_table.py. */
enum {
    UC_CONTROL = 1 << 0, /* BERT's clean_text drops it */
    UC_SPACE = 1 << 1,   /* White_Space */
    UC_MARK = 1 << 2,    /* BERT's strip_accents drops it */
    UC_PUNCT = 1 << 3,   /* BERT's punctuation */
    UC_WORD = 1 << 4,    /* \w */
    UC_NUMERIC = 1 << 5,
    UC_CASED = 1 << 6,  /* has another lowercase */
    UC_CJK = 1 << 7,    /* BERT's Chinese character */
    UC_ACCENT = 1 << 8, /* StripAccents drops it */
    UC_NFC = 1 << 9,    /* may change, move or be swallowed in that form */
    UC_NFD = 1 << 10,
    UC_NFKC = 1 << 11,
    UC_NFKD = 1 << 12,
    UC_FIRST = 1 << 13, /* composes with some following character */
    UC_LATE = 1 << 14   /* unassigned, or not yet in Unicode 14: other libraries may not know it */
};

/* General categories, in the order of CATEGORIES in unicode_table.py. */
enum unicode_category {
    UC_CN,
    UC_LU,
    UC_LL,
    UC_LT,
    UC_LM,
    UC_LO,
    UC_MN,
    UC_MC,
    UC_ME,
    UC_ND,
    UC_NL,
    UC_NO,
    UC_PC,
    UC_PD,
    UC_PS,
    UC_PE,
    UC_PI,
    UC_PF,
    UC_PO,
    UC_SM,
    UC_SC,
    UC_SK,
    UC_SO,
    UC_ZS,
    UC_ZL,
    UC_ZP,
    UC_CC,
    UC_CF,
    UC_CO
};

/* Grapheme cluster break classes, in the order of BREAKS in unicode_table.py. Extend comes in three parts, by what it is
 * to Indic conjuncts. */
enum unicode_break {
    UC_BREAK_OTHER,
    UC_BREAK_CR,
    UC_BREAK_LF,
    UC_BREAK_CONTROL,
    UC_BREAK_EXTEND,
    UC_BREAK_EXTEND_INDIC,
    UC_BREAK_LINKER,
    UC_BREAK_ZWJ,
    UC_BREAK_SPACING,
    UC_BREAK_PREPEND,
    UC_BREAK_FLAG,
    UC_BREAK_L,
    UC_BREAK_V,
    UC_BREAK_T,
    UC_BREAK_LV,
    UC_BREAK_LVT,
    UC_BREAK_PICTURE,
    UC_BREAK_CONSONANT
};

struct unicode_case {
    uint32_t first, last, step;
    int32_t difference;
};

extern const uint32_t unicode_classes[];
extern const uint16_t unicode_blocks[];
extern const uint8_t unicode_leaves[];
extern const struct unicode_case unicode_cases[];
extern const size_t unicode_n_cases;

/* Flags in the low 16 bits, the category in the next 8, the grapheme break class above. point < 0x110000. */
static inline uint32_t unicode_properties(uint32_t point)
{
    return unicode_classes[unicode_leaves[unicode_blocks[point >> 7] * 128u + (point & 127)]];
}

static inline enum unicode_category unicode_category(uint32_t properties)
{
    return (enum unicode_category)(properties >> 16 & 0xff);
}

static inline enum unicode_break unicode_break(uint32_t properties)
{
    return (enum unicode_break)(properties >> 24);
}

/* The lowercase of a code point: 1 or 2 code points into out; returns how many. No context (Sigma is sigma). */
unsigned unicode_lower(uint32_t point, uint32_t out[2]);

/* Decomposes one code point fully, canonically or for compatibility; returns how many, at most 18. */
unsigned unicode_decompose(uint32_t point, bool compatibility, uint32_t out[18]);

uint8_t unicode_combining_class(uint32_t point);

static inline bool unicode_is_starter(uint32_t point)
{
    return point < 0x300 || unicode_combining_class(point) == 0;
}

/* Canonical order: sorts each run of non-starters by combining class, stably. spare: n. */
void unicode_reorder(uint32_t *points, size_t n, uint32_t *spare);

/* Appends text (valid UTF-8) in a form: UC_NFC, UC_NFD, UC_NFKC or UC_NFKD. out may have origins (origins.h). */
void unicode_normalize(struct buffer *out, int form, const char *text, size_t size);

#endif
