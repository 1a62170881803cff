#include "runtime/generate/grammar/schema/named_chars.h"

#include <pthread.h>
#include <utf8proc.h>

enum { MOST_RANGES = 2000 }; /* Unicode 15 has 64 of digits and 748 of words */

static const struct char_range digits[] = {{'0', '9'}}, spaces[] = {{9, 13}, {' ', ' '}},
                               words[] = {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}},
                               all_spaces[] = {{9, 13},          {28, ' '},        {0x85, 0x85},
                                               {0xa0, 0xa0},     {0x1680, 0x1680}, {0x2000, 0x200a},
                                               {0x2028, 0x2029}, {0x202f, 0x202f}, {0x205f, 0x205f},
                                               {0x3000, 0x3000}, {0xfeff, 0xfeff}};

/* Of Unicode, made once. */
static struct char_range all_digits[MOST_RANGES], all_words[MOST_RANGES];
static size_t n_digits, n_words;
static pthread_once_t made = PTHREAD_ONCE_INIT;

static void add(struct char_range *list, size_t *n, uint32_t point)
{
    if (*n > 0 && list[*n - 1].last + 1 == point)
        list[*n - 1].last = point;
    else if (*n < MOST_RANGES)
        list[(*n)++] = (struct char_range){point, point};
}

static void make(void)
{
    for (uint32_t point = 0; point <= 0x10ffff; point++) {
        utf8proc_category_t category = utf8proc_category((utf8proc_int32_t)point);
        if (category == UTF8PROC_CATEGORY_ND)
            add(all_digits, &n_digits, point);
        if ((category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_LO) || point == '_' ||
            (category >= UTF8PROC_CATEGORY_ND && category <= UTF8PROC_CATEGORY_NO))
            add(all_words, &n_words, point);
    }
}

const struct char_range *named_ranges(char name, bool is_wide, size_t *n)
{
    const bool is_digit = name == 'd', is_word = name == 'w';
    if (!is_wide || name == 's') {
        *n = is_digit ? 1 : is_word ? 4 : is_wide ? sizeof all_spaces / sizeof *all_spaces : 2;
        return is_digit ? digits : is_word ? words : is_wide ? all_spaces : spaces;
    }
    pthread_once(&made, make);
    *n = is_digit ? n_digits : n_words;
    return is_digit ? all_digits : all_words;
}
