#include "refusals.h"

#include <stdlib.h>
#include <string.h>

#define SIZE 1024

struct refusals {
    uint64_t lifetime_us;
    struct {
        struct bearer bearer;
        uint64_t until;
    } refused[SIZE];
};

struct refusals *refusals_create(uint64_t lifetime_us)
{
    struct refusals *refusals = calloc(1, sizeof(*refusals));

    if (refusals != NULL)
        refusals->lifetime_us = lifetime_us;
    return refusals;
}

void refusals_free(struct refusals *refusals)
{
    free(refusals);
}

void refusals_add(struct refusals *refusals, const struct bearer *bearer, uint64_t now)
{
    size_t place = bearer_hash(bearer) % SIZE;

    refusals->refused[place].bearer = *bearer;
    refusals->refused[place].until = now + refusals->lifetime_us;
}

bool refusals_has(const struct refusals *refusals, const struct bearer *bearer, uint64_t now)
{
    size_t place = bearer_hash(bearer) % SIZE;

    return now < refusals->refused[place].until &&
           memcmp(&refusals->refused[place].bearer, bearer, sizeof(*bearer)) == 0;
}
