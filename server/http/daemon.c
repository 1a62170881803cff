#include "server/http/daemon.h"
#include "server/figures/log.h"
#include "server/figures/traffic.h"
#include "server/http/front.h"
#include "server/http/loop.h"
#include "server/http/request.h"
#include "server/routes.h"
#include "server/service.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

/* ---- connections ---- */

static void on_connection(void *front, struct MHD_Connection *mhd, void **context,
                          enum MHD_ConnectionNotificationCode what)
{
    struct front *f = front;
    if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
        if (*context)
            connections_remove(&f->connections, *context);
        return;
    }
    const union MHD_ConnectionInfo *fd = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
    *context = connections_add(&f->connections, fd->connect_fd, f->certificate);
}

static struct connection *connection_of(struct MHD_Connection *mhd)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info ? info->socket_context : NULL;
}

/* ---- requests ---- */

static void refuse(struct http_request *r, enum problem problem)
{
    r->refused = problem;
    r->is_refused = true;
}

/* The request's first line has come. What it returns is the request's context from here on. */
static void *on_request_line(void *front, const char *uri, struct MHD_Connection *mhd)
{
    struct connection *c = connection_of(mhd);
    struct http_request *r = c ? request_new(front, mhd) : NULL;
    if (!r)
        return NULL;
    r->connection = c;
    if (strstr(uri, "%00")) /* where the path would end */
        refuse(r, PROBLEM_PATH);
    c->dialect = DIALECT_HONE;
    c->service = r->service;
    connection_phase(&r->service->front->connections, c, CONNECTION_READING);
    return r;
}

static enum MHD_Result count_length(void *n, enum MHD_ValueKind kind, const char *name, const char *value)
{
    (void)kind;
    bool length = strcasecmp(name, MHD_HTTP_HEADER_CONTENT_LENGTH) == 0,
         chunked = strcasecmp(name, MHD_HTTP_HEADER_TRANSFER_ENCODING) == 0;
    *(unsigned *)n += length || chunked;
    if (chunked && (!value || strcasecmp(value, "chunked") != 0))
        *(unsigned *)n += 2;
    return MHD_YES;
}

/* Whether it says once at most how long its body is, in a way that is known here. What others between the client and us
 * may understand in another way is refused (RFC 9112, 6.3). */
static bool has_one_length(const struct http_request *r)
{
    unsigned n = 0;
    MHD_get_connection_values(r->mhd, MHD_HEADER_KIND, count_length, &n);
    return n <= 1;
}

/* All headers have come. */
static void on_headers(struct http_request *r, const char *method, const char *path)
{
    const char *priority = http_header(r, "X-Priority"),
               *length = http_header(r, MHD_HTTP_HEADER_CONTENT_LENGTH);
    r->phase = REQUEST_READING;
    r->route = route_find(method, path, &r->other);
    if (r->route || r->other)
        r->dialect = (r->route ? r->route : r->other)->dialect;
    r->connection->dialect = r->dialect;
    r->abrupt = http_header(r, MHD_HTTP_HEADER_EXPECT);
    r->bulk = priority && strcmp(priority, "bulk") == 0;
    if (!has_one_length(r)) {
        r->abrupt = true;
        refuse(r, PROBLEM_SYNTAX);
    } else if (r->service->settings.cors && strcmp(method, MHD_HTTP_METHOD_OPTIONS) == 0) {
        r->preflight = true;
    } else if (r->is_refused) {
        return;
    } else if (!r->route) {
        refuse(r, r->other ? PROBLEM_METHOD : PROBLEM_PATH);
    } else if (!(r->route->flags & ROUTE_OPEN) &&
               !keys_allow(&r->service->keys, http_header(r, MHD_HTTP_HEADER_AUTHORIZATION),
                           http_header(r, "X-API-Key"))) {
        refuse(r, PROBLEM_KEY);
    } else if (length && strtoull(length, NULL, 10) > service_max_body(r->service)) {
        refuse(r, PROBLEM_BODY);
    }
}

static enum MHD_Result on_request(void *front, struct MHD_Connection *mhd, const char *path,
                                  const char *method, const char *version, const char *data, size_t *size,
                                  void **context)
{
    (void)front, (void)mhd, (void)version;
    struct http_request *r = *context;
    if (!r)
        return MHD_NO; /* out of memory */
    if (r->phase == REQUEST_NEW) {
        on_headers(r, method, path);
        if (r->is_refused && r->abrupt && connection_complete(r->connection))
            request_dispatch(r);
        return MHD_YES;
    }
    if (*size > 0) {
        request_upload(r, data, *size);
        *size = 0;
        return MHD_YES;
    }
    if (r->phase == REQUEST_WORKING) {
        request_go_on(r);
        return MHD_YES;
    }
    if (!connection_complete(r->connection))
        return MHD_NO;
    r->rest = r->route ? path + strlen(r->route->path) : "";
    request_dispatch(r);
    return MHD_YES;
}

/* ---- the end of a request ---- */

static void client_of(struct MHD_Connection *mhd, char *out, size_t size)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    const struct sockaddr *address = info ? info->client_addr : NULL;
    snprintf(out, size, "unix");
    if (address && address->sa_family == AF_INET)
        inet_ntop(AF_INET, &((const struct sockaddr_in *)address)->sin_addr, out, (socklen_t)size);
    else if (address && address->sa_family == AF_INET6)
        inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)address)->sin6_addr, out, (socklen_t)size);
}

static void tell(const struct http_request *r, int status, uint64_t ns)
{
    char client[INET6_ADDRSTRLEN];
    client_of(r->mhd, client, sizeof client);
    log_request(&(struct log_request){
        .method = r->route ? r->route->method : "-",
        .path = r->route ? r->route->path : "-",
        .client = client,
        .model = r->model ? r->model->name : NULL,
        .status = status,
        .ms = (double)ns / 1e6,
        .n_received = r->body.size,
        .n_sent = r->n_sent,
    });
}

/* What the scheduler cannot know of a request's time. */
static void record(const struct http_request *r)
{
    enum endpoint endpoint = r->route ? r->route->endpoint : ENDPOINT_NONE;
    if (endpoint == ENDPOINT_NONE || !r->model || !r->worked)
        return;
    hone_record(r->model->scheduler, endpoint, HONE_STAGE_RECEIVE, (double)(r->dispatched - r->began) / 1e6);
    hone_record(r->model->scheduler, endpoint, HONE_STAGE_SEND,
                (double)(clock_now(r->service->clock) - r->worked) / 1e6);
}

static void on_completed(void *front, struct MHD_Connection *mhd, void **context,
                         enum MHD_RequestTerminationCode why)
{
    (void)mhd;
    struct front *f = front;
    struct http_request *r = *context;
    if (!r)
        return;
    *context = NULL;
    uint64_t ns = clock_now(r->service->clock) - r->began;
    int status = why == MHD_REQUEST_TERMINATED_COMPLETED_OK ? r->status : 0;
    traffic_count(r->route ? (size_t)(r->route - routes) : n_routes, status, ns);
    traffic.sent += r->n_sent;
    if (status)
        record(r);
    if (log_wants_requests())
        tell(r, status, ns);
    connection_waits(&f->connections, r->connection, NULL);
    r->connection->service = NULL;
    connection_phase(&f->connections, r->connection, CONNECTION_IDLE);
    request_leave(r);
}

/* ---- the daemon ---- */

static void on_log(void *arg, const char *format, va_list args)
{
    (void)arg;
    char text[512];
    vsnprintf(text, sizeof text, format, args);
    text[strcspn(text, "\n")] = '\0';
    log_info("libmicrohttpd: %s", text);
}

struct http_loop *daemon_start(struct front *front, int fd)
{
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0); /* MHD closes its own */
    size_t max_connections = (front->max_connections + front->n_threads - 1) / front->n_threads;
    unsigned flags =
        MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG | (front->certificate ? MHD_USE_TLS : 0);
    struct MHD_OptionItem options[] = {
        {MHD_OPTION_EXTERNAL_LOGGER, (intptr_t)on_log, NULL},
        {MHD_OPTION_LISTEN_SOCKET, copy, NULL},
        {MHD_OPTION_NOTIFY_CONNECTION, (intptr_t)on_connection, front},
        {MHD_OPTION_URI_LOG_CALLBACK, (intptr_t)on_request_line, front},
        {MHD_OPTION_NOTIFY_COMPLETED, (intptr_t)on_completed, front},
        {MHD_OPTION_CONNECTION_LIMIT, (intptr_t)max_connections, NULL},
        {MHD_OPTION_CONNECTION_MEMORY_LIMIT, (intptr_t)(front->max_header * 1024), NULL},
        {MHD_OPTION_CONNECTION_TIMEOUT, (intptr_t)front->stall_timeout, NULL},
        {front->certificate ? MHD_OPTION_HTTPS_MEM_CERT : MHD_OPTION_END, 0, front->certificate},
        {MHD_OPTION_HTTPS_MEM_KEY, 0, front->private_key},
        {MHD_OPTION_END, 0, NULL},
    };
    if (copy < 0)
        return NULL;
    struct MHD_Daemon *daemon =
        MHD_start_daemon(flags, 0, NULL, NULL, on_request, front, MHD_OPTION_ARRAY, options, MHD_OPTION_END);
    if (!daemon)
        close(copy);
    return daemon ? loop_start(daemon) : NULL;
}

bool daemon_has_tls(void)
{
    return MHD_is_feature_supported(MHD_FEATURE_TLS) == MHD_YES;
}
