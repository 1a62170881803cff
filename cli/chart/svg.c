#include "cli/chart/svg.h"

void svg_begin(struct output *o, double width, double height)
{
    output_format(o,
                  "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%.0f\" height=\"%.0f\" viewBox=\"0 0 "
                  "%.0f %.0f\" font-family=\"sans-serif\" font-size=\"12\" fill=\"" SVG_INK "\">\n",
                  width, height, width, height);
    output_text(o, "<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n");
}

void svg_end(struct output *o)
{
    output_text(o, "</svg>\n");
}

void svg_words(struct output *o, const char *text)
{
    for (; *text; text++) {
        if (*text == '<' || *text == '>' || *text == '&' || *text == '"')
            output_format(o, "&#%d;", *text);
        else if ((unsigned char)*text >= ' ')
            output_write(o, text, 1);
    }
}

void svg_line(struct output *o, double x1, double y1, double x2, double y2, const char *style)
{
    output_format(o, "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" %s/>\n", x1, y1, x2, y2, style);
}

void svg_text(struct output *o, double x, double y, const char *style, const char *text)
{
    output_format(o, "<text x=\"%.1f\" y=\"%.1f\" %s>", x, y, style);
    svg_words(o, text);
    output_text(o, "</text>\n");
}
