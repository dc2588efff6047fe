#ifndef ACCOUNTSD_REFUSED_TOKENS_H
#define ACCOUNTSD_REFUSED_TOKENS_H

/* Tokens that the database has refused as unknown or disabled, each for --refusal-lifetime, so that who sends
 * one again and again costs the database nothing. A fixed number of them: a later one may take an earlier
 * one's place, which is then asked about again. What the database accepts is never kept. */

#include <stdbool.h>
#include <stdint.h>

#include "database/token.h"

struct refused_tokens;

/* lifetime_us: 0 keeps none. NULL when memory ran out. */
struct refused_tokens *refused_tokens_create(uint64_t lifetime_us);
void refused_tokens_free(struct refused_tokens *refused_tokens);

/* now: of clock_now_us(). */
void refused_tokens_add(struct refused_tokens *refused_tokens, const struct token *token, uint64_t now);
bool refused_tokens_has(const struct refused_tokens *refused_tokens, const struct token *token, uint64_t now);

#endif
