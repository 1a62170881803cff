#include "runtime/infer/spans/split.h"

#include "runtime/base/utf8.h"
#include "tokenizer/text/unicode.h"

enum character_kind { KIND_SPACE, KIND_WORD, KIND_OTHER };

/* What Python's \w and \s are of: letters, numbers of all kinds and "_", but no marks, unlike other engines' \w; White_Space, and
 * the separators of files, groups, records and units, which it counts as spaces. */
static enum character_kind kind_of(uint32_t point)
{
    const uint32_t properties = unicode_properties(point);
    const enum unicode_category c = unicode_category(properties);
    if ((properties & UC_SPACE) || (point >= 0x1c && point <= 0x1f))
        return KIND_SPACE;
    bool letter = c >= UC_LU && c <= UC_LO, number = c >= UC_ND && c <= UC_NO;
    return letter || number || point == '_' ? KIND_WORD : KIND_OTHER;
}

/* Of the character at `at`, which is not behind the text, and its bytes. */
static enum character_kind kind_at(struct hone_text text, size_t at, size_t *size)
{
    const char *p = text.data + at;
    return utf8_character(p, text.size - at, size) ? kind_of(utf8_next(&p)) : KIND_OTHER;
}

/* Where the run of word characters from `at` on ends. */
static size_t end_of_run(struct hone_text text, size_t at)
{
    size_t size;
    while (at < text.size && kind_at(text, at, &size) == KIND_WORD)
        at += size;
    return at;
}

bool span_next_word(struct hone_text text, size_t *at, struct hone_text *word)
{
    size_t size = 0;
    enum character_kind kind = KIND_SPACE;
    while (*at < text.size && (kind = kind_at(text, *at, &size)) == KIND_SPACE)
        *at += size;
    if (*at >= text.size)
        return false;
    size_t end = kind == KIND_WORD ? end_of_run(text, *at) : *at + size;
    while (kind == KIND_WORD && end < text.size && text.data[end] == '-') {
        const size_t more = end_of_run(text, end + 1);
        if (more == end + 1)
            break;
        end = more;
    }
    *word = (struct hone_text){text.data + *at, end - *at};
    *at = end;
    return true;
}
