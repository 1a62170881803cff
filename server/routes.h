/* The table of all endpoints. */
#ifndef SERVER_ROUTES_H
#define SERVER_ROUTES_H

#include "server/http/http.h"

extern const struct route routes[]; /* path is NULL at the end, where what is no endpoint is counted */
extern const size_t n_routes;

/* HEAD is looked up as GET. NULL: there is none; *other, which lives as long as the program, is one for that path and
 * another method, or NULL. */
const struct route *route_find(const char *method, const char *path, const struct route **other);

/* The methods that its path takes, as the header Allow has them. */
const char *route_methods(const struct route *route);

extern const char *const endpoint_names[]; /* [ENDPOINT_N + 1] */

#endif
