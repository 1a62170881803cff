#include "cli/translate/sentences.h"

#include "cli/io/report.h"

#include <stdlib.h>

static bool reserve(struct sentence_list *list)
{
    if (list->n < list->capacity)
        return true;
    size_t capacity = 2 * list->capacity + 64;
    struct hone_generation *items = realloc(list->items, capacity * sizeof *items);
    if (items)
        list->items = items;
    struct hone_text *spaces = items ? realloc(list->spaces, capacity * sizeof *spaces) : NULL;
    if (!spaces) {
        report_error(HONE_FAILED, "out of memory for %zu sentences", capacity);
        return false;
    }
    list->spaces = spaces;
    list->capacity = capacity;
    return true;
}

bool sentences_add(struct sentence_list *list, struct hone_text text, const struct hone_generation *how,
                   size_t *first, size_t *n)
{
    struct hone_text sentence, space;
    *first = list->n;
    while (hone_next_sentence(&text, &sentence, &space)) {
        if (!reserve(list))
            return false;
        list->items[list->n] = *how;
        list->items[list->n].prompt = sentence;
        list->spaces[list->n++] = space;
    }
    *n = list->n - *first;
    return true;
}

/* One of white space alone stays what it is: there is nothing to read. */
enum hone_status sentences_generate(struct sentence_list *list, struct hone_model *model,
                                    struct hone_stats *stats, struct hone_error *err)
{
    struct hone_generation *items = list->items;
    size_t n = 0;
    enum hone_status status = HONE_OK;
    for (size_t i = 0; i < list->n && status == HONE_OK; i += n) {
        for (n = 0; i + n < list->n && items[i + n].prompt.size > 0; n++)
            ;
        status = n > 0 ? hone_generate(model, items + i, n, stats, err) : HONE_OK;
        n += n == 0;
    }
    return status;
}

void sentences_write(const struct sentence_list *list, size_t first, size_t n, struct output *o)
{
    for (size_t i = first; i < first + n; i++) {
        const struct hone_generation *g = &list->items[i];
        output_write(o, g->text ? g->text : "", g->text_size);
        output_write(o, list->spaces[i].data, list->spaces[i].size);
    }
}

void sentences_release(struct sentence_list *list)
{
    for (size_t i = 0; i < list->n; i++)
        hone_generation_release(&list->items[i]);
    free(list->items);
    free(list->spaces);
    *list = (struct sentence_list){0};
}
