/* GET /dashboard: a page that shows /metrics.json as it changes. */
#include "server/endpoints/endpoints.h"

#include <nettle/sha2.h>
#include <stdio.h>
#include <string.h>

/* The page itself; the build finds it in the source folder. */
__asm__(".section .rodata\n"
        "dashboard_page:\n"
        ".incbin \"server/dashboard.html\"\n"
        ".byte 0\n"
        ".previous\n");
extern const char dashboard_page[] __attribute__((visibility("hidden")));

/* The page's own script alone runs, whatever else comes into the page, and speaks with this server alone. */
static char policy[512];

static void make_policy(void)
{
    struct reply_buffer hash = {0};
    struct sha256_ctx sha;
    uint8_t digest[SHA256_DIGEST_SIZE];
    const char *script = strstr(dashboard_page, "<script>") + 8, *end = strstr(script, "</script>");
    sha256_init(&sha);
    sha256_update(&sha, (size_t)(end - script), (const uint8_t *)script);
    sha256_digest(&sha, sizeof digest, digest);
    reply_buffer_json_base64(&hash, digest, sizeof digest); /* in quotes */
    if (!hash.failed)
        snprintf(policy, sizeof policy,
                 "Content-Security-Policy: default-src 'none'; script-src 'sha256-%.*s'; style-src "
                 "'unsafe-inline'; "
                 "img-src data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors "
                 "'none'\r\n"
                 "Referrer-Policy: no-referrer\r\n",
                 (int)hash.size - 2, hash.data + 1);
    reply_buffer_release(&hash);
}

void dashboard_handle(struct http_request *r)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, make_policy);
    r->type = "text/html; charset=utf-8";
    r->headers = policy;
    reply_buffer_text(&r->out, dashboard_page);
    http_reply(r, *policy ? 200 : 503);
}
