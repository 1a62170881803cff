#include "cli/version.h"
#include "cli/io/codec.h"
#include "cli/io/output.h"
#include "server/server.h"

#ifdef HONE_CURL
#include <curl/curl.h>
#endif

static void library(struct output *o, const char *name, const char *version, const char *use)
{
    output_format(o, "  %-14s %s%s\n", name, version ? version : "not there: no ", version ? "" : use);
}

static void libraries(struct output *o)
{
    const struct hone_machine *machine = hone_machine();
    const struct hone_library *list;
    size_t n = hone_libraries(&list);
    const char *curl = NULL;
#ifdef HONE_CURL
    curl = LIBCURL_VERSION;
#endif
    output_format(o, "kernels for %s, %d threads\n", machine->level, machine->n_threads);
    output_text(o, "libraries that it can do without:\n");
    for (size_t i = 0; i < n; i++)
        library(o, list[i].name, list[i].version, list[i].use);
    library(o, "libcurl", curl, "models by name (hone pull)");
    for (enum codec_kind kind = CODEC_GZIP; kind <= CODEC_XZ; kind++)
        library(o, codec_name(kind), codec_version(kind), "compressed files");
    library(o, "TLS", server_has_tls() ? "GnuTLS" : NULL, "https (--tls-cert)");
}

enum hone_status version_show(bool with_libraries)
{
    static struct output o;
    enum hone_status status = output_open(&o, NULL, false);
    if (status != HONE_OK)
        return status;
    output_text(&o, "hone " HONE_VERSION "\n");
    if (with_libraries)
        libraries(&o);
    return output_close(&o, true);
}
