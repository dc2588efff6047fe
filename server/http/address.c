#include "http/address.h"

#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/die.h"
#include "base/memory.h"

struct address {
    /* The IPv4 address, or the first half of the IPv6 address. */
    uint64_t prefix;
    bool is_v4;
    size_t connections;
    atomic_size_t requests;
    /* The next in the bucket or in the list of unused slots. */
    struct address *next;
};

struct addresses {
    pthread_mutex_t mutex;
    /* Random, so that clients cannot choose addresses that share a bucket. */
    uint64_t multiplier;
    unsigned shift;
    /* The first `touched` slots have been used; those that are free again are in the list unused. */
    struct address *slots, *unused;
    size_t touched, capacity;
    struct address *buckets[];
};

struct addresses *addresses_create(size_t max_connections)
{
    struct addresses *addresses;
    unsigned bits = 1;

    while (bits < 20 && (size_t)1 << bits < max_connections)
        bits++;
    addresses =
        memory_require(calloc(1, sizeof(*addresses) + ((size_t)1 << bits) * sizeof(struct address *)));
    addresses->slots = memory_require(calloc(max_connections, sizeof(struct address)));
    if (getrandom(&addresses->multiplier, sizeof(addresses->multiplier), 0) != sizeof(addresses->multiplier))
        die("the kernel has no random bytes");
    addresses->multiplier |= 1;
    addresses->shift = 64 - bits;
    addresses->capacity = max_connections;
    pthread_mutex_init(&addresses->mutex, NULL);
    return addresses;
}

void addresses_free(struct addresses *addresses)
{
    if (addresses == NULL)
        return;
    pthread_mutex_destroy(&addresses->mutex);
    free(addresses->slots);
    free(addresses);
}

/* False if the peer has no IP address. An IPv4-mapped IPv6 address is read as the IPv4 address. */
static bool read_peer(const struct sockaddr *peer, struct address *key)
{
    memset(key, 0, sizeof(*key));
    if (peer->sa_family == AF_INET) {
        key->is_v4 = true;
        key->prefix = ((const struct sockaddr_in *)(const void *)peer)->sin_addr.s_addr;
        return true;
    }
    if (peer->sa_family == AF_INET6) {
        const struct in6_addr *address = &((const struct sockaddr_in6 *)(const void *)peer)->sin6_addr;

        key->is_v4 = IN6_IS_ADDR_V4MAPPED(address);
        if (key->is_v4)
            memcpy(&key->prefix, &address->s6_addr[12], 4);
        else
            memcpy(&key->prefix, address->s6_addr, sizeof(key->prefix));
        return true;
    }
    return false;
}

static struct address **bucket_of(struct addresses *addresses, uint64_t prefix)
{
    return &addresses->buckets[prefix * addresses->multiplier >> addresses->shift];
}

static struct address *find(struct addresses *addresses, const struct address *key)
{
    struct address *address = *bucket_of(addresses, key->prefix);

    while (address != NULL && (address->prefix != key->prefix || address->is_v4 != key->is_v4))
        address = address->next;
    return address;
}

/* NULL if there is no slot, which cannot happen: there is one for each connection. */
static struct address *add(struct addresses *addresses, const struct address *key)
{
    struct address **bucket = bucket_of(addresses, key->prefix), *address = addresses->unused;

    if (address != NULL)
        addresses->unused = address->next;
    else if (addresses->touched < addresses->capacity)
        address = &addresses->slots[addresses->touched++];
    else
        return NULL;
    *address = *key;
    address->next = *bucket;
    *bucket = address;
    return address;
}

bool addresses_enter(
    struct addresses *addresses, const struct sockaddr *peer, size_t max, struct address **address)
{
    struct address key, *found;
    bool is_in;

    *address = NULL;
    if (!read_peer(peer, &key))
        return true;
    pthread_mutex_lock(&addresses->mutex);
    if ((found = find(addresses, &key)) == NULL)
        found = add(addresses, &key);
    is_in = found != NULL && found->connections < max;
    if (is_in) {
        found->connections++;
        *address = found;
    }
    pthread_mutex_unlock(&addresses->mutex);
    return is_in;
}

void addresses_leave(struct addresses *addresses, struct address *address)
{
    if (address == NULL)
        return;
    pthread_mutex_lock(&addresses->mutex);
    if (--address->connections == 0) {
        struct address **link = bucket_of(addresses, address->prefix);

        while (*link != address)
            link = &(*link)->next;
        *link = address->next;
        address->next = addresses->unused;
        addresses->unused = address;
    }
    pthread_mutex_unlock(&addresses->mutex);
}

bool address_begin_request(struct address *address, size_t max)
{
    if (atomic_fetch_add(&address->requests, 1) < max)
        return true;
    atomic_fetch_sub(&address->requests, 1);
    return false;
}

void address_end_request(struct address *address)
{
    atomic_fetch_sub(&address->requests, 1);
}
