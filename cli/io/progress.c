#include "cli/io/progress.h"
#include "cli/io/report.h"
#include "runtime/base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BAR          24 /* columns */
#define NOTE_SECONDS 60 /* between two lines of a log */

static struct {
    const char *noun;
    double started, drawn;
    bool on, visible; /* on: it is drawn; else it is told now and then */
} progress;

static const struct clock *the_clock = &clock_monotonic;

void progress_go_by(const struct clock *clock)
{
    the_clock = clock;
}

double progress_clock(void)
{
    return clock_seconds(the_clock);
}

void progress_start(const char *noun, bool quiet)
{
    const char *term = getenv("TERM");
    progress.noun = noun;
    progress.started = progress_clock();
    progress.drawn = progress.started;
    progress.on = !quiet && isatty(STDERR_FILENO) && !(term && strcmp(term, "dumb") == 0);
}

static void put_bar(double part)
{
    int full = (int)(part * BAR);
    for (int i = 0; i < BAR; i++)
        fputs(i < full ? "█" : "░", stderr);
    fprintf(stderr, " %3d%%  ", (int)(100 * part));
}

/* What is told: how much, how fast, how long. */
static void write_words(char *out, size_t size, size_t n_done, double part, double elapsed)
{
    int n = snprintf(out, size, "%zu %s  %.0f/s", n_done, progress.noun, (double)n_done / elapsed);
    if (!(part > 0 && part <= 1) || n < 0 || (size_t)n >= size)
        return;
    long s = (long)(elapsed * (1 - part) / part + 0.5);
    if (s >= 3600)
        snprintf(out + n, size - (size_t)n, "  %ld:%02ld:%02ld left", s / 3600, s / 60 % 60, s % 60);
    else
        snprintf(out + n, size - (size_t)n, "  %ld:%02ld left", s / 60, s % 60);
}

void progress_show(size_t n_done, double part)
{
    char words[160];
    double t = progress_clock();
    if (!progress.noun || t - progress.drawn < (progress.on ? 0.1 : NOTE_SECONDS))
        return;
    progress.drawn = t;
    write_words(words, sizeof words, n_done, part, t - progress.started);
    if (!progress.on) {
        report_note(part >= 0 ? "%s  (%d%%)" : "%s", words, (int)(100 * part));
        return;
    }
    progress.visible = true;
    fputs("\r\033[K", stderr);
    if (part >= 0)
        put_bar(part > 1 ? 1 : part);
    fputs(words, stderr);
    fflush(stderr);
}

void progress_hide(void)
{
    if (!progress.visible)
        return;
    progress.visible = false;
    fputs("\r\033[K", stderr);
}
