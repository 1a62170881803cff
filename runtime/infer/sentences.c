/* Where sentences end. */
#include <ctype.h>
#include <hone/generate.h>
#include <string.h>

/* One that ends a sentence at `at`, with what closes it behind it; its bytes, or 0. is_full_stop: a dot, which may also end
 * an abbreviation. */
static size_t end_mark(struct hone_text text, size_t at, bool *is_full_stop, bool *is_wide)
{
    static const char *const marks[] = {"!",      "?",      ".",      "\u2026", "\u3002",
                                        "\uff01", "\uff1f", "\u0964", "\u061f", "\u06d4"};
    *is_full_stop = text.data[at] == '.';
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
        size_t n = strlen(marks[i]);
        if (n <= text.size - at && memcmp(text.data + at, marks[i], n) == 0) {
            *is_wide = i >= 4 && i <= 6; /* of scripts without spaces */
            return n;
        }
    }
    return 0;
}

static size_t closing_mark(struct hone_text text, size_t at)
{
    static const char *const marks[] = {"\"",     "'",      ")",      "]",      "\u201d",
                                        "\u2019", "\u00bb", "\u300d", "\u300f", "\uff09"};
    for (size_t i = 0; i < sizeof marks / sizeof *marks && at < text.size; i++) {
        size_t n = strlen(marks[i]);
        if (n <= text.size - at && memcmp(text.data + at, marks[i], n) == 0)
            return n;
    }
    return 0;
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* The word before the full stop at `at` is an abbreviation: one letter, letters with dots between, or one of those known. */
static bool is_abbreviation(struct hone_text text, size_t at)
{
    static const char *const known[] = {
        "mr",  "mrs", "ms",     "dr",  "prof", "st",  "vs",  "etc", "inc", "ltd", "co", "no", "nr",
        "vol", "fig", "approx", "bzw", "ca",   "z.b", "d.h", "u.a", "usw", "str", "jr", "sr", "sig",
        "m",   "mme", "p.ex",   "gen", "sen",  "rep", "gov", "hr",  "fr",  "cf",  "al"};
    size_t start = at;
    while (start > 0 && !is_space(text.data[start - 1]) && text.data[start - 1] != '(')
        start--;
    size_t n = at - start;
    if (n == 1 && isalpha((unsigned char)text.data[start]))
        return true;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strlen(known[i]) == n && strncasecmp(text.data + start, known[i], n) == 0)
            return true;
    return n > 2 && n < 8 && memchr(text.data + start, '.', n) && isalpha((unsigned char)text.data[start]);
}

/* Whether what stands behind the sentence's end goes on with it: a small letter. */
static bool goes_on(struct hone_text text, size_t at)
{
    while (at < text.size && (text.data[at] == ' ' || text.data[at] == '\t'))
        at++;
    return at < text.size && islower((unsigned char)text.data[at]);
}

/* Behind the first sentence. */
static size_t sentence_end(struct hone_text text)
{
    for (size_t at = 0; at < text.size;) {
        bool dot = false, wide = false, any_dot = true, any_wide = false;
        size_t end = at, n;
        if (text.data[at] == '\n' || text.data[at] == '\r')
            return at;
        for (; end < text.size && (n = end_mark(text, end, &dot, &wide)) > 0; end += n) {
            any_dot = any_dot && dot;
            any_wide = any_wide || wide;
        }
        if (end == at) {
            at++;
            continue;
        }
        while ((n = closing_mark(text, end)) > 0)
            end += n;
        bool ends = end == text.size || is_space(text.data[end]) || any_wide;
        bool abbreviated = any_dot && end - at == 1 && is_abbreviation(text, at);
        if (ends && (end == text.size || (!abbreviated && !goes_on(text, end))))
            return end;
        at = end;
    }
    return text.size;
}

bool hone_next_sentence(struct hone_text *rest, struct hone_text *sentence, struct hone_text *space)
{
    if (rest->size == 0)
        return false;
    size_t end = sentence_end(*rest), behind = end;
    while (behind < rest->size && is_space(rest->data[behind]))
        behind++;
    *sentence = (struct hone_text){rest->data, end};
    *space = (struct hone_text){rest->data + end, behind - end};
    *rest = (struct hone_text){rest->data + behind, rest->size - behind};
    return true;
}
