/* Where a server is: http://HOST[:PORT][/PATH], HOST[:PORT] alone, or unix:PATH of a socket. */
#ifndef CLI_LOAD_ADDRESS_H
#define CLI_LOAD_ADDRESS_H

#include <hone.h>

#include <sys/socket.h>

struct load_address {
    struct sockaddr_storage to;
    socklen_t n_to;
    char host[320]; /* as the Host header has it */
    char path[512]; /* as given, without a slash at its end; "": there is none */
};

/* Finds the server's address by its name. HONE_USAGE: no URL, or one of a scheme that is not spoken. Failures are
 * reported. */
enum hone_status load_address_read(struct load_address *a, const char *url);

/* HONE_FAILED: nobody takes connections there, which is reported, with what was given as the address. */
enum hone_status load_address_check(const struct load_address *a, const char *given);

/* A socket that does not wait, on its way to the server; -1: errno says why. */
int load_address_connect(const struct load_address *a);

#endif
