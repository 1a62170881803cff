#include "runtime/generate/grammar/string_tokens.h"

#include <ctype.h>
#include <string.h>

/* What the bytes of a character are: how many, 0: they are none; *is_whole: all are there. */
static size_t char_bytes(const unsigned char *at, size_t left, bool *is_whole)
{
    size_t n = *at < 0x80 ? 1 : *at < 0xc2 ? 0 : *at < 0xe0 ? 2 : *at < 0xf0 ? 3 : *at < 0xf5 ? 4 : 0;
    *is_whole = n <= left;
    n = *is_whole ? n : left;
    for (size_t i = 1; i < n; i++)
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    if (n < 2)
        return n;
    /* No longer than need be, no surrogates, nothing above 0x10ffff. */
    bool is_wrong = (*at == 0xe0 && at[1] < 0xa0) || (*at == 0xed && at[1] > 0x9f) ||
                    (*at == 0xf0 && at[1] < 0x90) || (*at == 0xf4 && at[1] > 0x8f);
    return is_wrong ? 0 : n;
}

/* The bytes of an escape, as char_bytes. A form has a letter for each byte: x a hexadecimal digit, others a set. */
static size_t match(const char *form, const unsigned char *at, size_t left, bool *is_whole)
{
    size_t n = strlen(form);
    *is_whole = n <= left;
    for (size_t i = 0; i < n && i < left; i++) {
        const char *set = form[i] == 'b'   ? "\\"
                          : form[i] == 'u' ? "u"
                          : form[i] == 'o' ? "0123456789abcABCeEfF"
                          : form[i] == 'd' ? "dD"
                          : form[i] == '7' ? "01234567"
                          : form[i] == '8' ? "89abAB"
                          : form[i] == 'c' ? "cdefCDEF"
                          : form[i] == 's' ? "\"\\/bfnrt"
                                           : "0123456789abcdefABCDEF";
        if (!at[i] || !strchr(set, at[i]))
            return 0;
    }
    return *is_whole ? n : left;
}

static size_t escape_bytes(const unsigned char *at, size_t left, bool *is_whole)
{
    static const char *const forms[] = {"bs", "buoxxx", "bud7xx", "bud8xxbudcxx"};
    size_t n = 0;
    for (size_t i = 0; i < sizeof forms / sizeof *forms && n == 0; i++)
        n = match(forms[i], at, left, is_whole);
    return n;
}

enum string_token string_token_look(struct hone_text token, bool escapes, size_t *n, size_t *size)
{
    const unsigned char *at = (const unsigned char *)token.data;
    *n = *size = 0;
    while (*size < token.size) {
        bool is_whole;
        unsigned char c = at[*size];
        if (c == '"') {
            ++*size;
            return STRING_TOKEN_CLOSES;
        }
        if (c < 0x20 || c == 0x7f || (c == '\\' && !escapes))
            return STRING_TOKEN_NEVER;
        size_t bytes = (c == '\\' ? escape_bytes : char_bytes)(at + *size, token.size - *size, &is_whole);
        if (bytes == 0)
            return STRING_TOKEN_NEVER;
        *size += bytes;
        ++*n;
    }
    return STRING_TOKEN_INSIDE;
}

size_t string_token_length(struct hone_text token)
{
    const unsigned char *at = (const unsigned char *)token.data;
    size_t n = 0, bytes;
    bool is_whole;
    for (size_t i = 0; i < token.size; i += bytes, n++)
        if ((bytes = char_bytes(at + i, token.size - i, &is_whole)) == 0)
            return 0;
    return n;
}
