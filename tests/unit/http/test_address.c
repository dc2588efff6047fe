#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "base/count.h"
#include "http/address.h"

/* Which addresses count as one client, and for how long. */

#define ROOM 8

static struct addresses *addresses;

static void set_up(void)
{
    addresses = addresses_create(ROOM);
    cr_assert_not_null(addresses);
}

static void tear_down(void)
{
    addresses_free(addresses);
}

TestSuite(address, .init = set_up, .fini = tear_down);

static bool enter(const char *text, size_t max, struct address **address)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};

    if (strchr(text, ':') == NULL) {
        cr_assert_eq(inet_pton(AF_INET, text, &v4.sin_addr), 1);
        return addresses_enter(addresses, (struct sockaddr *)&v4, max, address);
    }
    cr_assert_eq(inet_pton(AF_INET6, text, &v6.sin6_addr), 1);
    return addresses_enter(addresses, (struct sockaddr *)&v6, max, address);
}

Test(address, is_an_ipv4_address_or_an_ipv6_prefix)
{
    static const struct {
        const char *first, *second;
        bool is_same;
    } pairs[] = {
        {"192.0.2.1", "192.0.2.1", true},
        {"192.0.2.1", "192.0.2.2", false},
        {"192.0.2.1", "::ffff:192.0.2.1", true},
        {"::ffff:192.0.2.1", "::ffff:192.0.2.2", false},
        {"2001:db8::1", "2001:db8::2", true},
        {"2001:db8::1", "2001:db8:0:0:ffff:ffff:ffff:ffff", true},
        {"2001:db8::1", "2001:db8:0:1::1", false},
        {"::1", "::2", true},
        /* Its first half is 0, like that of mapped addresses. */
        {"::1", "0.0.0.0", false},
    };

    for (size_t i = 0; i < COUNT(pairs); i++) {
        struct address *first, *second;

        cr_assert(enter(pairs[i].first, 2, &first));
        cr_assert(enter(pairs[i].second, 2, &second));
        cr_expect_eq(first == second, pairs[i].is_same, "%s and %s", pairs[i].first, pairs[i].second);
        addresses_leave(addresses, first);
        addresses_leave(addresses, second);
    }
}

Test(address, has_a_limit_of_connections)
{
    struct address *first, *second, *refused, *other;

    cr_expect(enter("192.0.2.1", 2, &first));
    cr_expect(enter("192.0.2.1", 2, &second));
    cr_expect_not(enter("192.0.2.1", 2, &refused));
    cr_expect_null(refused);
    cr_expect(enter("192.0.2.2", 2, &other));
    addresses_leave(addresses, second);
    cr_expect(enter("192.0.2.1", 2, &second));
    cr_expect_not(enter("192.0.2.1", 2, &refused));
    addresses_leave(addresses, refused);
}

/* More of them than there are entries, but not at the same time. */
Test(address, is_forgotten_with_its_last_connection)
{
    struct address *held[ROOM];
    char text[32];

    for (int round = 0; round < 100; round++) {
        for (int i = 0; i < ROOM; i++) {
            snprintf(text, sizeof(text), "2001:db8:%x:%x::1", round, i);
            cr_assert(enter(text, 1, &held[i]), "%s", text);
            cr_expect(address_begin_request(held[i], 1));
            cr_expect_not(address_begin_request(held[i], 1));
        }
        for (int i = 0; i < ROOM; i++)
            address_end_request(held[i]);
        /* In another order. */
        for (int i = 0; i < ROOM; i++)
            addresses_leave(addresses, held[(i * 3) % ROOM]);
    }
}

Test(address, of_a_unix_socket_is_not_counted)
{
    struct sockaddr_un peer = {.sun_family = AF_UNIX};
    struct address *address;

    for (int i = 0; i < 2 * ROOM; i++) {
        cr_expect(addresses_enter(addresses, (struct sockaddr *)&peer, 1, &address));
        cr_expect_null(address);
    }
}
