#include "cli/chart/roofline.h"
#include "cli/chart/svg.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Pixels. Above, operations a second by operations a byte; below, a row of dots for each kernel. */
#define WIDTH       960.0
#define LEFT        150.0
#define RIGHT       920.0
#define TOP         96.0
#define BOTTOM      500.0
#define ROWS_TOP    606.0
#define ROW         26.0
#define MAX_KERNELS 64

static const char *const colours[HONE_N_NUMBERS] = {"#1c6fb5", "#7b4bb7", "#d9480f"};
static const char *const number_names[HONE_N_NUMBERS] = {"f32", "bf16", "int8"};

struct kernel {
    const char *slot, *level;
};

struct picture {
    struct output *o;
    const struct hone_bench_result *results;
    size_t n;
    double x_low, x_high, y_low, y_high; /* decimal logarithms, whole ones */
    double ops[HONE_N_NUMBERS];          /* limits; 0: nothing was measured */
    double memory;
    struct kernel kernels[MAX_KERNELS];
    size_t n_kernels;
};

/* ---- what there is to show ---- */

static double intensity(const struct hone_bench_result *r)
{
    return r->ops / r->bytes;
}

/* Of arithmetic the largest limits, those of the best instruction set; of memory, which others use too, the middle. */
static void find_limits(struct picture *p)
{
    double sum = 0, n = 0;
    for (size_t i = 0; i < p->n; i++) {
        const struct hone_bench_result *r = &p->results[i];
        if (r->ops <= 0)
            continue;
        p->ops[r->number] = fmax(p->ops[r->number], r->ops_limit);
        if (r->memory == HONE_MEMORY_MAIN) {
            sum += log(r->bytes_limit);
            n++;
        }
    }
    p->memory = n > 0 ? exp(sum / n) : 0;
}

static void find_bounds(struct picture *p)
{
    double x_low = 0.5, x_high = 100, y_low = 10e9, y_high = 100e9;
    for (size_t i = 0; i < p->n; i++) {
        const struct hone_bench_result *r = &p->results[i];
        if (r->ops <= 0)
            continue;
        x_low = fmin(x_low, intensity(r));
        x_high = fmax(x_high, intensity(r));
        y_low = fmin(y_low, r->ops);
        y_high = fmax(y_high, fmax(r->ops, r->ops_limit));
    }
    p->x_low = floor(log10(x_low));
    p->x_high = ceil(log10(x_high * 1.2));
    p->y_low = floor(log10(y_low));
    p->y_high = ceil(log10(y_high * 1.2));
}

static void find_kernels(struct picture *p)
{
    for (size_t i = 0; i < p->n; i++) {
        const struct hone_bench_result *r = &p->results[i];
        const struct kernel *last = p->n_kernels ? &p->kernels[p->n_kernels - 1] : NULL;
        bool same = last && strcmp(last->slot, r->slot) == 0 && strcmp(last->level, r->level) == 0;
        if (!same && p->n_kernels < MAX_KERNELS)
            p->kernels[p->n_kernels++] = (struct kernel){r->slot, r->level};
    }
}

/* ---- places ---- */

static double x_at(const struct picture *p, double ops_a_byte)
{
    return LEFT + (log10(ops_a_byte) - p->x_low) / (p->x_high - p->x_low) * (RIGHT - LEFT);
}

static double y_at(const struct picture *p, double ops)
{
    return BOTTOM - (log10(ops) - p->y_low) / (p->y_high - p->y_low) * (BOTTOM - TOP);
}

static double share_at(double share)
{
    return LEFT + fmin(share, 1.1) / 1.1 * (RIGHT - LEFT);
}

/* ---- pieces ---- */

static void dot(const struct picture *p, double x, double y, const struct hone_bench_result *r)
{
    output_format(p->o, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3.4\" fill=\"%s\" fill-opacity=\"0.5\"><title>",
                  x, y, colours[r->number]);
    output_format(p->o, "%s, %s: %s %s, M %zu: ", r->slot, r->level, r->model, r->shape, r->m);
    if (r->ops > 0)
        output_format(p->o, "%.1f GOP/s, ", r->ops * 1e-9);
    output_format(p->o, "%.1f GB/s, %.1f %% of %s</title></circle>\n", r->bytes * 1e-9, r->share * 100,
                  r->bound);
}

/* ---- the roof ---- */

static void draw_axes(const struct picture *p)
{
    char text[32];
    for (int e = (int)p->x_low; e <= (int)p->x_high; e++) {
        double x = x_at(p, pow(10, e));
        svg_line(p->o, x, TOP, x, BOTTOM, "stroke=\"" SVG_LINES "\"");
        snprintf(text, sizeof text, "%g", pow(10, e));
        svg_text(p->o, x, BOTTOM + 18, "text-anchor=\"middle\" fill=\"" SVG_MUTED "\"", text);
    }
    for (int e = (int)p->y_low; e <= (int)p->y_high; e++) {
        double y = y_at(p, pow(10, e));
        svg_line(p->o, LEFT, y, RIGHT, y, "stroke=\"" SVG_LINES "\"");
        snprintf(text, sizeof text, "%g", pow(10, e - 9));
        svg_text(p->o, LEFT - 8, y + 4, "text-anchor=\"end\" fill=\"" SVG_MUTED "\"", text);
    }
    svg_text(p->o, (LEFT + RIGHT) / 2, BOTTOM + 38, "text-anchor=\"middle\"",
             "operations for each byte that is read");
    output_format(p->o,
                  "<text transform=\"translate(%.0f %.0f) rotate(-90)\" text-anchor=\"middle\">billions of "
                  "operations a second</text>\n",
                  LEFT - 60, (TOP + BOTTOM) / 2);
}

/* Reading sets the limit up to the ridge, arithmetic behind it. */
static void draw_roof(const struct picture *p)
{
    double low = pow(10, p->x_low), high = pow(10, p->x_high), top = 0;
    char text[64], style[160];
    for (int i = 0; i < HONE_N_NUMBERS; i++) {
        if (p->ops[i] <= 0)
            continue;
        double ridge = p->memory > 0 ? fmin(fmax(p->ops[i] / p->memory, low), high) : low,
               y = y_at(p, p->ops[i]);
        top = fmax(top, ridge);
        snprintf(style, sizeof style, "stroke=\"%s\" stroke-width=\"2\"", colours[i]);
        svg_line(p->o, x_at(p, ridge), y, RIGHT, y, style);
        snprintf(text, sizeof text, "%s: %.0f GOP/s", number_names[i], p->ops[i] * 1e-9);
        snprintf(style, sizeof style, SVG_HALO "text-anchor=\"end\" font-weight=\"bold\" fill=\"%s\"",
                 colours[i]);
        svg_text(p->o, RIGHT - 4, y - 7, style, text);
    }
    if (p->memory <= 0)
        return;
    double start = fmax(low, pow(10, p->y_low) / p->memory);
    svg_line(p->o, x_at(p, start), y_at(p, start * p->memory), x_at(p, top), y_at(p, top * p->memory),
             "stroke=\"" SVG_INK "\" stroke-width=\"2\"");
    double middle = sqrt(start * top),
           slope = (y_at(p, top * p->memory) - y_at(p, start * p->memory)) / (x_at(p, top) - x_at(p, start));
    output_format(p->o,
                  "<text transform=\"translate(%.1f %.1f) rotate(%.1f)\" " SVG_HALO "text-anchor=\"middle\" "
                  "font-weight=\"bold\">memory: %.0f GB/s</text>\n",
                  x_at(p, middle), y_at(p, middle * p->memory) - 16, atan(slope) * 180 / M_PI,
                  p->memory * 1e-9);
}

/* ---- the rows ---- */

static void draw_rows(const struct picture *p)
{
    double bottom = ROWS_TOP + ROW * (double)p->n_kernels;
    char text[96];
    svg_text(p->o, LEFT, ROWS_TOP - 34, "font-size=\"15\" font-weight=\"bold\"",
             "Share of its own limit: arithmetic, or reading from where the data are");
    for (int i = 0; i <= 4; i++) {
        double x = share_at(0.25 * i);
        svg_line(p->o, x, ROWS_TOP - 4, x, bottom,
                 i == 4 ? "stroke=\"" SVG_INK "\"" : "stroke=\"" SVG_LINES "\"");
        snprintf(text, sizeof text, "%d %%", 25 * i);
        svg_text(p->o, x, ROWS_TOP - 10, "text-anchor=\"middle\" fill=\"" SVG_MUTED "\"", text);
    }
    for (size_t k = 0; k < p->n_kernels; k++) {
        double y = ROWS_TOP + ROW * ((double)k + 0.5);
        bool only = true;
        for (size_t j = 0; j < p->n_kernels; j++)
            only &= j == k || strcmp(p->kernels[j].slot, p->kernels[k].slot) != 0;
        svg_text(p->o, LEFT - 10, y + (only ? 4 : -1), "text-anchor=\"end\"", p->kernels[k].slot);
        if (!only)
            svg_text(p->o, LEFT - 10, y + 9, "text-anchor=\"end\" font-size=\"9\" fill=\"" SVG_MUTED "\"",
                     p->kernels[k].level);
        svg_line(p->o, LEFT, y, RIGHT, y, "stroke=\"" SVG_LINES "\"");
        for (size_t i = 0; i < p->n; i++)
            if (strcmp(p->results[i].slot, p->kernels[k].slot) == 0 &&
                strcmp(p->results[i].level, p->kernels[k].level) == 0)
                dot(p, share_at(p->results[i].share), y, &p->results[i]);
    }
}

void roofline_write(struct output *o, const struct hone_bench_result *results, size_t n, int n_threads)
{
    struct picture p = {.o = o, .results = results, .n = n};
    char text[256];
    find_limits(&p);
    find_bounds(&p);
    find_kernels(&p);
    double height = ROWS_TOP + ROW * (double)p.n_kernels + 30;
    svg_begin(o, WIDTH, height);
    svg_text(o, 30, 38, "font-size=\"18\" font-weight=\"bold\"", "Kernels and the limits of the machine");
    snprintf(text, sizeof text,
             "%s, %s, %d thread%s. Each dot is a kernel at one shape of a real model; those "
             "with products appear in both parts.",
             hone_machine()->cpu, hone_machine()->level, n_threads, n_threads == 1 ? "" : "s");
    svg_text(o, 30, 60, "fill=\"" SVG_MUTED "\"", text);
    draw_axes(&p);
    for (size_t i = 0; i < n; i++)
        if (results[i].ops > 0)
            dot(&p, x_at(&p, intensity(&results[i])), y_at(&p, results[i].ops), &results[i]);
    draw_roof(&p);
    draw_rows(&p);
    svg_end(o);
}
