#include "cli/io/progress.h"
#include "runtime/base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BAR 24 /* columns */

static struct {
    const char *noun;
    double started, drawn;
    bool on, visible;
} progress;

double progress_clock(void)
{
    return clock_seconds(&clock_monotonic);
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

static void put_time(double seconds)
{
    long s = (long)(seconds + 0.5);
    if (s >= 3600)
        fprintf(stderr, "%ld:%02ld:%02ld", s / 3600, s / 60 % 60, s % 60);
    else
        fprintf(stderr, "%ld:%02ld", s / 60, s % 60);
}

void progress_show(size_t n_done, double part)
{
    double t = progress_clock();
    if (!progress.on || t - progress.drawn < 0.1)
        return;
    progress.drawn = t;
    progress.visible = true;
    double elapsed = t - progress.started;
    fputs("\r\033[K", stderr);
    if (part >= 0)
        put_bar(part > 1 ? 1 : part);
    fprintf(stderr, "%zu %s  %.0f/s", n_done, progress.noun, (double)n_done / elapsed);
    if (part > 0 && part <= 1) {
        fputs("  ", stderr);
        put_time(elapsed * (1 - part) / part);
        fputs(" left", stderr);
    }
    fflush(stderr);
}

void progress_hide(void)
{
    if (!progress.visible)
        return;
    progress.visible = false;
    fputs("\r\033[K", stderr);
}
