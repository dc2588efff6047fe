#ifndef ACCOUNTSD_REFUSALS_H
#define ACCOUNTSD_REFUSALS_H

/* Tokens that the database has refused as unknown or disabled, each for --refusal-lifetime, so that who sends
 * one again and again costs the database nothing. A fixed number of them: a later one may take an earlier
 * one's place, which is then asked about again. What the database accepts is never kept. */

#include <stdbool.h>
#include <stdint.h>

#include "bearer.h"

struct refusals;

/* lifetime_us: 0 keeps none. NULL when memory ran out. */
struct refusals *refusals_create(uint64_t lifetime_us);
void refusals_free(struct refusals *refusals);

/* now: of metrics_now(). */
void refusals_add(struct refusals *refusals, const struct bearer *bearer, uint64_t now);
bool refusals_has(const struct refusals *refusals, const struct bearer *bearer, uint64_t now);

#endif
