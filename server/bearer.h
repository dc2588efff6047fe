#ifndef ACCOUNTSD_BEARER_H
#define ACCOUNTSD_BEARER_H

/* The Authorization header's API token: "Bearer idt:TKN-1234-5678:<secret>" (RFC 6750). */

#include <stdbool.h>
#include <stddef.h>

#define BEARER_ID_LEN 13
#define BEARER_HASH_LEN 64

struct bearer {
    char id[BEARER_ID_LEN + 1];
    /* Lower-case hex SHA-256 of the secret. The secret itself goes no further than this module. */
    char secret_sha256[BEARER_HASH_LEN + 1];
};

/* Reads the value of an Authorization header. False, with *bearer untouched, where it is malformed. */
bool bearer_parse(const char *value, size_t len, struct bearer *bearer);

#endif
