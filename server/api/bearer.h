#ifndef ACCOUNTSD_BEARER_H
#define ACCOUNTSD_BEARER_H

/* The Authorization header's API token: "Bearer idt:TKN-1234-5678:<secret>" (RFC 6750). */

#include <stdbool.h>
#include <stddef.h>

#include "database/token.h"

/* Makes OpenSSL prepare, for all threads, what it else prepares at its first use, where it does not survive
 * that memory runs out. False when it cannot hash. */
bool bearer_prepare(void);

enum bearer_verdict {
    BEARER_OK,
    BEARER_MALFORMED,
    /* Memory ran out, so that nobody can say. */
    BEARER_OUT_OF_MEMORY,
};

/* Whether the value of an Authorization header is of the scheme Bearer. */
bool bearer_is_sent(const char *value, size_t len);

/* Reads the value of an Authorization header. Unless BEARER_OK *token is untouched. */
enum bearer_verdict bearer_parse(const char *value, size_t len, struct token *token);

/* Writes HMAC-SHA-256 (RFC 2104) of a text under the secret in a value that bearer_parse has taken, as
 * lower-case hex. It can be made again by who has both and by nobody else, the database included, which knows
 * the secret's hash. False when memory ran out. */
bool bearer_mac(
    const char *value, size_t len, const char *text, size_t text_len, char mac[TOKEN_HASH_LEN + 1]);

#endif
