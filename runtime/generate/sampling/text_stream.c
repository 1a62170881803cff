#include "runtime/generate/sampling/text_stream.h"

#include "runtime/generate/sampling/stop.h"

#include <stdlib.h>
#include <string.h>

/* Decoders look at neighbours (a space before the first token is dropped, bytes are joined), so the newest tokens are
 * decoded together with some before them whose text is known: what is behind that text is new. */
enum { MAX_WINDOW = 64 };

struct text_stream {
    const struct tokenizer *tokenizer;
    bool skip_special, is_over;
    const int32_t *specials; /* [n_specials] special tokens that are not skipped; the caller's */
    size_t n_specials;
    struct stop_strings stops;
    int32_t ids[MAX_WINDOW];
    size_t n, n_context; /* ids; of these, at the front, known ones */
    size_t n_done;       /* bytes of the window's text that were passed on */
    char *text;          /* passed on, and not shown yet but for the first n_shown */
    size_t size, n_shown, capacity;
};

enum hone_status text_stream_new(struct text_stream **out, const struct tokenizer *tokenizer,
                                 bool skip_special, const struct hone_text *stops, size_t n_stops,
                                 struct hone_error *err)
{
    *out = NULL;
    struct text_stream *s = calloc(1, sizeof *s);
    if (!s)
        return hone_no_memory(err, "a stream of text", sizeof *s);
    s->tokenizer = tokenizer;
    s->skip_special = skip_special;
    enum hone_status status = stop_strings_init(&s->stops, stops, n_stops, err);
    if (status)
        free(s);
    else
        *out = s;
    return status;
}

void text_stream_show(struct text_stream *s, const int32_t *ids, size_t n)
{
    s->specials = ids;
    s->n_specials = n;
}

void text_stream_free(struct text_stream *s)
{
    if (!s)
        return;
    stop_strings_release(&s->stops);
    free(s->text);
    free(s);
}

static bool append(struct text_stream *s, const char *data, size_t size)
{
    if (s->capacity - s->size < size) {
        size_t capacity = 2 * s->capacity + size + 64;
        char *text = realloc(s->text, capacity);
        if (!text)
            return false;
        s->text = text;
        s->capacity = capacity;
    }
    if (size > 0)
        memcpy(s->text + s->size, data, size);
    s->size += size;
    return true;
}

/* The size of text without U+FFFD at its end: a character may be about to become complete there. */
static size_t sure_size(const char *text, size_t size)
{
    while (size >= 3 && memcmp(text + size - 3, "\xef\xbf\xbd", 3) == 0)
        size -= 3;
    return size;
}

static bool is_shown(const struct text_stream *s, int32_t id)
{
    for (size_t i = 0; i < s->n_specials; i++)
        if (s->specials[i] == id)
            return true;
    return false;
}

static enum hone_status decode(const struct text_stream *s, size_t n, char **text, size_t *size,
                               struct hone_error *err)
{
    struct hone_error why;
    int32_t kept[MAX_WINDOW];
    size_t n_kept = 0;
    for (size_t i = 0; i < n; i++)
        if (!s->skip_special || !tokenizer_is_special(s->tokenizer, s->ids[i]) || is_shown(s, s->ids[i]))
            kept[n_kept++] = s->ids[i];
    if (tokenizer_decode(s->tokenizer, kept, n_kept, false, text, size, &why))
        return HONE_OK;
    return hone_fail(err, why.status, "%s", why.message);
}

/* Forgets the known tokens; the new ones are known now. */
static enum hone_status advance(struct text_stream *s, struct hone_error *err)
{
    char *text = NULL;
    s->n -= s->n_context;
    memmove(s->ids, s->ids + s->n_context, s->n * sizeof *s->ids);
    s->n_context = s->n;
    enum hone_status status = decode(s, s->n, &text, &s->n_done, err);
    free(text);
    return status;
}

/* Appends the text of the window that is new and sure, or all that is new. */
static enum hone_status take_window(struct text_stream *s, bool all, struct hone_error *err)
{
    char *text = NULL;
    size_t size;
    enum hone_status status = decode(s, s->n, &text, &size, err);
    if (status)
        return status;
    bool is_full = s->n == MAX_WINDOW;
    size_t sure = all || is_full ? size : sure_size(text, size);
    while (s->n_done < sure &&
           (text[s->n_done] & 0xc0) == 0x80) /* the text before has changed: invalid bytes */
        s->n_done++;
    bool is_new = sure > s->n_done;
    if (is_new && !append(s, text + s->n_done, sure - s->n_done))
        status = hone_no_memory(err, "text", sure);
    if (is_new)
        s->n_done = sure;
    free(text);
    if (is_full && s->n_context < MAX_WINDOW / 2)
        s->n_context = MAX_WINDOW / 2;
    if (!status && ((is_new && sure == size) || is_full))
        status = advance(s, err);
    return status;
}

/* What was appended since `start` goes through the stop strings. */
static void show(struct text_stream *s, size_t start, bool all, struct hone_text *text, bool *stopped)
{
    size_t n_taken;
    const char *shown = s->text ? s->text : ""; /* NULL where nothing was ever appended */
    const struct stop_string *found = stop_strings_feed(&s->stops, shown + start, s->size - start, &n_taken);
    s->is_over = found || all;
    size_t end = found ? start + n_taken - found->size : s->size - (all ? 0 : stop_strings_held(&s->stops));
    *text = (struct hone_text){shown + s->n_shown, end - s->n_shown};
    s->n_shown = end;
    *stopped = found != NULL;
}

static enum hone_status take(struct text_stream *s, bool all, struct hone_text *text, bool *stopped,
                             struct hone_error *err)
{
    if (s->n_shown > 0)
        memmove(s->text, s->text + s->n_shown, s->size - s->n_shown);
    s->size -= s->n_shown;
    s->n_shown = 0;
    size_t start = s->size;
    enum hone_status status = take_window(s, all, err);
    if (!status)
        show(s, start, all, text, stopped);
    return status;
}

enum hone_status text_stream_push(struct text_stream *s, int32_t id, struct hone_text *text, bool *stopped,
                                  struct hone_error *err)
{
    *text = (struct hone_text){"", 0};
    *stopped = false;
    if (s->is_over)
        return hone_fail(err, HONE_USAGE, "the text is over; no token can follow");
    s->ids[s->n++] = id;
    return take(s, false, text, stopped, err);
}

enum hone_status text_stream_end(struct text_stream *s, struct hone_text *text, bool *stopped,
                                 struct hone_error *err)
{
    *text = (struct hone_text){"", 0};
    *stopped = false;
    return s->is_over ? HONE_OK : take(s, true, text, stopped, err);
}
