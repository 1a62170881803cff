/* GET /openapi.json: what the server understands, as OpenAPI 3.1 describes it (spec.openapis.org). */
#include "server/endpoints/endpoints.h"

/* The build finds it in the source folder. */
__asm__(".section .rodata\n"
        "openapi_description:\n"
        ".incbin \"server/openapi.json\"\n"
        "openapi_end:\n"
        ".previous\n");
extern const char openapi_description[] __attribute__((visibility("hidden")));
extern const char openapi_end[] __attribute__((visibility("hidden")));

void openapi_handle(struct http_request *r)
{
    buffer_write(&r->out, openapi_description, (size_t)(openapi_end - openapi_description));
    http_reply(r, 200);
}
