/* The server: embeddings, reranking, classification and generation over HTTP, in the dialects that clients speak. */
#ifndef SERVER_SERVER_H
#define SERVER_SERVER_H

#include "server/settings.h"

/* Serves until SIGTERM or SIGINT; SIGHUP reads the settings, keys, certificates and changed models anew. To be called
 * from a program's first thread, before it has others. HONE_OK: it ended as it was told. */
enum hone_status server_run(const struct setting_flags *flags, struct hone_error *err);

/* Whether it was built with TLS. */
bool server_has_tls(void);

#endif
