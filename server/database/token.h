#ifndef ACCOUNTSD_TOKEN_H
#define ACCOUNTSD_TOKEN_H

/* An API token as the database knows it: its id and the hash of its secret. */

#include <stdint.h>

/* "TKN-1234-5678", or one group of digits more. */
#define TOKEN_ID_MAX 18
#define TOKEN_HASH_LEN 64

/* Tokens are compared with memcmp: the bytes after the end of the id must be zero. */
struct token {
    char id[TOKEN_ID_MAX + 1];
    /* Lower-case hex SHA-256. */
    char secret_sha256[TOKEN_HASH_LEN + 1];
};

/* For hash tables. */
uint64_t token_hash(const struct token *token);

#endif
