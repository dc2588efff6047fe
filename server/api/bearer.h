#ifndef ACCOUNTSD_BEARER_H
#define ACCOUNTSD_BEARER_H

/* The Authorization header's API token: "Bearer idt:TKN-1234-5678:<secret>" (RFC 6750). */

#include <stdbool.h>
#include <stddef.h>

#include "database/token.h"

/* Makes OpenSSL initialize what it otherwise initializes at its first use, where it crashes if memory runs
 * out. False if it cannot hash. */
bool bearer_prepare(void);

enum bearer_verdict {
    BEARER_OK,
    BEARER_MALFORMED,
    BEARER_OUT_OF_MEMORY,
};

/* Whether the value of an Authorization header has the scheme Bearer. */
bool bearer_is_sent(const char *value, size_t len);

/* Parses the value of an Authorization header. *token is set only on BEARER_OK. */
enum bearer_verdict bearer_parse(const char *value, size_t len, struct token *token);

/* Writes HMAC-SHA-256 (RFC 2104) of a text, keyed with the secret in a value that bearer_parse has accepted,
 * as lower-case hex. Only the holder of the secret can compute it: the database has only the secret's hash.
 * False if memory ran out. */
bool bearer_mac(
    const char *value, size_t len, const char *text, size_t text_len, char mac[TOKEN_HASH_LEN + 1]);

#endif
