#include "api/refused_tokens.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

#define SIZE 1024

struct refused_tokens {
    uint64_t lifetime_us;
    struct {
        struct token token;
        uint64_t until;
    } refused[SIZE];
};

struct refused_tokens *refused_tokens_create(uint64_t lifetime_us)
{
    struct refused_tokens *refused_tokens = memory_require(calloc(1, sizeof(*refused_tokens)));

    refused_tokens->lifetime_us = lifetime_us;
    return refused_tokens;
}

void refused_tokens_free(struct refused_tokens *refused_tokens)
{
    free(refused_tokens);
}

void refused_tokens_add(struct refused_tokens *refused_tokens, const struct token *token, uint64_t now)
{
    size_t place = token_hash(token) % SIZE;

    refused_tokens->refused[place].token = *token;
    refused_tokens->refused[place].until = now + refused_tokens->lifetime_us;
}

bool refused_tokens_has(const struct refused_tokens *refused_tokens, const struct token *token, uint64_t now)
{
    size_t place = token_hash(token) % SIZE;

    return now < refused_tokens->refused[place].until &&
           memcmp(&refused_tokens->refused[place].token, token, sizeof(*token)) == 0;
}
