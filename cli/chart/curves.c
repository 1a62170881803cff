#include "cli/chart/curves.h"
#include "cli/chart/svg.h"

#include <math.h>
#include <stdio.h>

#define WIDTH  760.0
#define HEIGHT 420.0
#define LEFT   70.0
#define RIGHT  640.0
#define TOP    76.0
#define BOTTOM 356.0

static const char *const colours[] = {"#a8b3c2", "#7b4bb7", "#1c6fb5", "#d9480f"};

struct frame {
    double low, high; /* natural logarithms */
    size_t n;
};

static double x_at(const struct frame *f, size_t i)
{
    return f->n > 1 ? LEFT + 30 + (RIGHT - LEFT - 60) * (double)i / (double)(f->n - 1) : (LEFT + RIGHT) / 2;
}

static double y_at(const struct frame *f, double y)
{
    return BOTTOM - (log(y) - f->low) / (f->high - f->low) * (BOTTOM - TOP);
}

static bool is_shown(double y)
{
    return isfinite(y) && y > 0;
}

static struct frame frame_of(const struct curve *curves, size_t n_curves, size_t n)
{
    double low = INFINITY, high = 0;
    for (size_t i = 0; i < n_curves; i++)
        for (size_t j = 0; j < n; j++)
            if (is_shown(curves[i].y[j])) {
                low = fmin(low, curves[i].y[j]);
                high = fmax(high, curves[i].y[j]);
            }
    if (high == 0)
        low = high = 1;
    return (struct frame){log(low / 1.3), log(high * 1.3), n};
}

/* Lines at 1, 2 and 5 times powers of ten; where these are many, at the powers alone. */
static void draw_grid(struct output *o, const struct frame *f)
{
    static const double steps[] = {1, 2, 5};
    bool is_wide = f->high - f->low > log(1e4);
    int first = (int)floor(f->low / log(10)), last = (int)ceil(f->high / log(10));
    for (int power = first; power <= last; power++)
        for (size_t i = 0; i < (is_wide ? 1 : 3); i++) {
            double y = steps[i] * pow(10, power);
            char text[32];
            if (log(y) < f->low || log(y) > f->high)
                continue;
            svg_line(o, LEFT, y_at(f, y), RIGHT, y_at(f, y), "stroke=\"" SVG_LINES "\"");
            snprintf(text, sizeof text, "%g", y);
            svg_text(o, LEFT - 8, y_at(f, y) + 4, "text-anchor=\"end\" fill=\"" SVG_MUTED "\"", text);
        }
}

static void draw_curve(struct output *o, const struct frame *f, const struct curve *c, const char *colour)
{
    char style[96];
    size_t last = f->n;
    snprintf(style, sizeof style, "stroke=\"%s\" stroke-width=\"2\"", colour);
    for (size_t i = 0; i < f->n; i++) {
        if (!is_shown(c->y[i]))
            continue;
        if (last < f->n)
            svg_line(o, x_at(f, last), y_at(f, c->y[last]), x_at(f, i), y_at(f, c->y[i]), style);
        last = i;
        output_format(o, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3.5\" fill=\"%s\"><title>", x_at(f, i),
                      y_at(f, c->y[i]), colour);
        svg_words(o, c->name);
        output_format(o, ": %.6g</title></circle>\n", c->y[i]);
    }
}

static void draw_legend(struct output *o, const struct curve *curves, size_t n)
{
    const size_t n_colours = sizeof colours / sizeof *colours;
    for (size_t i = 0; i < n; i++) {
        char style[64];
        double y = (TOP + BOTTOM) / 2 + 22 * ((double)(n - 1 - i) - (double)(n - 1) / 2);
        snprintf(style, sizeof style, "stroke=\"%s\" stroke-width=\"3\"", colours[n_colours - n + i]);
        svg_line(o, RIGHT + 12, y, RIGHT + 34, y, style);
        svg_text(o, RIGHT + 40, y + 4, "", curves[i].name);
    }
}

void curves_write(struct output *o, const char *title, const char *subtitle, const char *x_label,
                  const char *y_label, const char *const *places, size_t n_places, const struct curve *curves,
                  size_t n_curves)
{
    const size_t n_colours = sizeof colours / sizeof *colours;
    n_curves = n_curves < n_colours ? n_curves : n_colours;
    struct frame f = frame_of(curves, n_curves, n_places);
    svg_begin(o, WIDTH, HEIGHT);
    svg_text(o, LEFT, 30, "font-size=\"16\" font-weight=\"bold\"", title);
    svg_text(o, LEFT, 50, "fill=\"" SVG_MUTED "\"", subtitle);
    svg_text(o, LEFT - 8, TOP - 10, "text-anchor=\"end\" fill=\"" SVG_MUTED "\"", y_label);
    draw_grid(o, &f);
    for (size_t i = 0; i < n_places; i++)
        svg_text(o, x_at(&f, i), BOTTOM + 20, "text-anchor=\"middle\" fill=\"" SVG_MUTED "\"", places[i]);
    svg_text(o, (LEFT + RIGHT) / 2, BOTTOM + 44, "text-anchor=\"middle\" fill=\"" SVG_MUTED "\"", x_label);
    for (size_t i = 0; i < n_curves; i++)
        draw_curve(o, &f, &curves[i], colours[n_colours - n_curves + i]);
    draw_legend(o, curves, n_curves);
    svg_end(o);
}
