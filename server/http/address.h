#ifndef ACCOUNTSD_ADDRESS_H
#define ACCOUNTSD_ADDRESS_H

/* How many connections and requests each client address has, over all workers; an address is one of IPv4, or
 * a /64 of IPv6, of which one client has all. Knows an address for as long as it has a connection. Any thread
 * may call. */

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

struct addresses;
struct address;

/* Room for as many addresses as there may be connections. NULL when memory ran out. */
struct addresses *addresses_create(size_t max_connections);
void addresses_free(struct addresses *addresses);

/* Counts a connection. False, and nothing counted, where its address has max of them. *address is NULL for a
 * peer that has none, such as a Unix socket's, which may have any number. */
bool addresses_enter(
    struct addresses *addresses, const struct sockaddr *peer, size_t max, struct address **address);
/* The end of a connection that was counted; NULL is fine. */
void addresses_leave(struct addresses *addresses, struct address *address);

/* Counts a request of a connection that is counted. False, and nothing counted, where its address has max of
 * them. */
bool address_begin_request(struct address *address, size_t max);
void address_end_request(struct address *address);

#endif
