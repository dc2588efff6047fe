#include "database/token.h"

#include <stddef.h>

uint64_t token_hash(const struct token *token)
{
    const unsigned char *bytes = (const unsigned char *)token;
    uint64_t hash = 14695981039346656037U;

    /* FNV-1a suffices: the secret is already hashed. */
    for (size_t i = 0; i < sizeof(*token); i++)
        hash = (hash ^ bytes[i]) * 1099511628211U;
    return hash;
}
