/* GET /dashboard: a page that shows /metrics.json as it changes. */
#include "server/endpoints/endpoints.h"

/* The page itself; the build finds it in the source folder. */
__asm__(".section .rodata\n"
        "dashboard_page:\n"
        ".incbin \"server/dashboard.html\"\n"
        ".byte 0\n"
        ".previous\n");
extern const char dashboard_page[] __attribute__((visibility("hidden")));

void dashboard_handle(struct http_request *r)
{
    r->type = "text/html; charset=utf-8";
    reply_buffer_text(&r->out, dashboard_page);
    http_reply(r, 200);
}
