#ifndef ACCOUNTSD_REFUSED_TOKENS_H
#define ACCOUNTSD_REFUSED_TOKENS_H

/* A cache of tokens that the database has refused as unknown or disabled. For --refusal-lifetime, requests
 * with such a token do not reach the database. The cache has a fixed size; overwriting an entry costs one
 * more check by the database. Accepted tokens are never cached. */

#include <stdbool.h>
#include <stdint.h>

#include "database/token.h"

struct refused_tokens;

/* lifetime_us: 0 disables the cache. */
struct refused_tokens *refused_tokens_create(uint64_t lifetime_us);
void refused_tokens_free(struct refused_tokens *refused_tokens);

/* now: of clock_now_us(). */
void refused_tokens_add(struct refused_tokens *refused_tokens, const struct token *token, uint64_t now);
bool refused_tokens_has(const struct refused_tokens *refused_tokens, const struct token *token, uint64_t now);

#endif
