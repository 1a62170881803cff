/* What charts are drawn with: lines and words in SVG, in the colours that all of them have. Places are pixels, from the
 * upper left. */
#ifndef CLI_CHART_SVG_H
#define CLI_CHART_SVG_H

#include "cli/io/output.h"

#define SVG_INK   "#1f2430"
#define SVG_MUTED "#6b7280"
#define SVG_LINES "#e3e7ee" /* of a grid */
/* A style: words that stand on lines stay readable. */
#define SVG_HALO "stroke=\"#ffffff\" stroke-width=\"4\" paint-order=\"stroke\" "

/* A white sheet, and its end. */
void svg_begin(struct output *o, double width, double height);
void svg_end(struct output *o);

/* style: attributes as SVG writes them; they are not escaped, the text is. */
void svg_line(struct output *o, double x1, double y1, double x2, double y2, const char *style);
void svg_text(struct output *o, double x, double y, const char *style, const char *text);
/* The text alone, escaped, without control characters. */
void svg_words(struct output *o, const char *text);

#endif
