#ifndef ACCOUNTSD_ADDRESS_H
#define ACCOUNTSD_ADDRESS_H

/* Counts the connections and requests of each client address over all workers. An address is an IPv4 address
 * or an IPv6 /64, which usually belongs to one client. Addresses without connections are forgotten. Any
 * thread. */

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

struct addresses;
struct address;

struct addresses *addresses_create(size_t max_connections);
void addresses_free(struct addresses *addresses);

/* Counts a connection. False, without counting it, if its address already has max. *address is set to NULL,
 * and nothing is counted, for a peer without an IP address, such as of a Unix socket. */
bool addresses_enter(
    struct addresses *addresses, const struct sockaddr *peer, size_t max, struct address **address);
/* Must be called when a counted connection ends; address may be NULL. */
void addresses_leave(struct addresses *addresses, struct address *address);

/* Counts a request of a counted connection. False, without counting it, if its address already has max. */
bool address_begin_request(struct address *address, size_t max);
void address_end_request(struct address *address);

#endif
