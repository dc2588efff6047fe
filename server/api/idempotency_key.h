#ifndef ACCOUNTSD_IDEMPOTENCY_KEY_H
#define ACCOUNTSD_IDEMPOTENCY_KEY_H

/* The Idempotency-Key of a request. Pure. */

#include <stdbool.h>
#include <stddef.h>

#define IDEMPOTENCY_KEY_MAX 255

struct idempotency_key {
    char text[IDEMPOTENCY_KEY_MAX];
    /* 0: no key. */
    size_t len;
};

/* Parses a field's value without white space around it: 1 to 255 visible ASCII characters, bare or as a
 * string of RFC 8941, section 3.3.3, which draft-ietf-httpapi-idempotency-key-header requires. Both forms
 * denote the same key. False, with *key unchanged, for anything else, including a string with parameters. */
bool idempotency_key_parse(const char *value, size_t len, struct idempotency_key *key);

#endif
