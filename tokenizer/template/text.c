#include "tokenizer/template/text.h"

#include "runtime/base/utf8.h"
#include "tokenizer/template/case_table.h"
#include "tokenizer/text/unicode.h"

#include <utf8proc.h>

bool jinja_text_is_line_end(uint32_t c)
{
    return (c >= 0x0a && c <= 0x0d) || (c >= 0x1c && c <= 0x1e) || c == 0x85 || c == 0x2028 || c == 0x2029;
}

bool jinja_text_is_space(uint32_t c)
{
    if (c < 0x80)
        return c == ' ' || (c >= 0x09 && c <= 0x0d) || (c >= 0x1c && c <= 0x1f);
    return c == 0x85 || c == 0xa0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200a) || c == 0x2028 ||
           c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x3000;
}

const char *jinja_text_skip_space(const char *p, const char *end)
{
    while (p < end) {
        const char *next = p;
        if (!jinja_text_is_space(utf8_next(&next)))
            break;
        p = next;
    }
    return p;
}

const char *jinja_text_trim_end(const char *start, const char *end)
{
    while (end > start) {
        const char *last = utf8_before(end), *p = last;
        if (!jinja_text_is_space(utf8_next(&p)))
            break;
        end = last;
    }
    return end;
}

size_t jinja_text_length(struct hone_text text)
{
    size_t n = 0;
    for (size_t i = 0; i < text.size; i++)
        n += (text.data[i] & 0xc0) != 0x80;
    return n;
}

size_t jinja_text_offset(struct hone_text text, size_t i)
{
    size_t at = 0;
    for (; i > 0 && at < text.size; i--)
        at += utf8_size(text.data[at]);
    return at;
}

static const struct case_row *special(uint32_t point)
{
    size_t low = 0, high = jinja_case_n_rows;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (jinja_case_table[middle].point < point)
            low = middle + 1;
        else
            high = middle;
    }
    return low < jinja_case_n_rows && jinja_case_table[low].point == point ? &jinja_case_table[low] : NULL;
}

int jinja_text_case_of(uint32_t point)
{
    enum unicode_category category = unicode_category(unicode_properties(point));
    if (category == UC_LU || category == UC_LT)
        return 1;
    if (category == UC_LL)
        return -1;
    int32_t c = (int32_t)point;
    return utf8proc_tolower(c) != c ? 1 : utf8proc_toupper(c) != c ? -1 : 0;
}

/* Whether Unicode's Case_Ignorable holds, as far as a final sigma asks: marks, modifiers and some punctuation. */
static bool is_case_ignorable(uint32_t c)
{
    enum unicode_category category = unicode_category(unicode_properties(c));
    return category == UC_MN || category == UC_ME || category == UC_CF || category == UC_LM ||
           category == UC_SK || c == '\'' || c == '.' || c == ':' || c == 0xb7 || c == 0x2018 ||
           c == 0x2019 || c == 0x2024 || c == 0x2027;
}

/* Sigma is final behind a letter with case, where none follows. */
static bool is_final(struct hone_text text, const char *sigma)
{
    const char *p = sigma, *end = text.data + text.size, *before = sigma;
    uint32_t c = 0;
    while (before > text.data) {
        before = p = utf8_before(before);
        c = utf8_next(&p);
        if (!is_case_ignorable(c))
            break;
        c = 0;
    }
    if (!c || !jinja_text_case_of(c))
        return false;
    p = sigma;
    utf8_next(&p);
    while (p < end) {
        c = utf8_next(&p);
        if (!is_case_ignorable(c))
            return !jinja_text_case_of(c);
    }
    return true;
}

static void convert(struct buffer *out, struct hone_text text, const char **p, enum text_case to)
{
    const char *start = *p;
    uint32_t point = utf8_next(p);
    const struct case_row *row = to == TEXT_LOWER || point < 0x80 ? NULL : special(point);
    if (row) {
        const char *several = to == TEXT_UPPER ? row->upper : row->title;
        buffer_append(out, several, strlen(several));
    } else if (to == TEXT_LOWER && point == 0x130) {
        buffer_append(out, "i\xcc\x87", 3);
    } else if (to == TEXT_LOWER && point == 0x3a3) {
        buffer_point(out, is_final(text, start) ? 0x3c2 : 0x3c3);
    } else {
        int32_t c = (int32_t)point;
        buffer_point(out, (uint32_t)(to == TEXT_UPPER   ? utf8proc_toupper(c)
                                     : to == TEXT_LOWER ? utf8proc_tolower(c)
                                                        : utf8proc_totitle(c)));
    }
}

void jinja_text_convert(struct buffer *out, struct hone_text text, enum text_case to)
{
    for (const char *p = text.data; p < text.data + text.size;)
        convert(out, text, &p, to);
}

void jinja_text_capitalize(struct buffer *out, struct hone_text text)
{
    const char *p = text.data, *end = text.data + text.size;
    if (p < end)
        convert(out, text, &p, TEXT_TITLE);
    while (p < end)
        convert(out, text, &p, TEXT_LOWER);
}

void jinja_text_title(struct buffer *out, struct hone_text text)
{
    bool in_word = false;
    for (const char *p = text.data; p < text.data + text.size;) {
        const char *now = p;
        uint32_t point = utf8_next(&now);
        convert(out, text, &p, in_word ? TEXT_LOWER : TEXT_TITLE);
        in_word = jinja_text_case_of(point) != 0;
    }
}
