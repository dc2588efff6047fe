#include "database/lane.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

/* Lanes that are kept although they have no calls. */
#define IDLE_MAX 1024

static void clear(struct lane *lane)
{
    *lane = (struct lane){.first = NULL};
    lane->last = &lane->first;
}

void lanes_init(struct lanes *lanes, size_t in_use)
{
    size_t buckets = 1;

    *lanes = (struct lanes){.capacity = in_use + IDLE_MAX};
    clear(&lanes->anonymous);
    clear(&lanes->unverified);
    while (buckets < lanes->capacity)
        buckets *= 2;
    lanes->bucket_mask = buckets - 1;
    /* Lanes that are never used take no memory: their pages stay untouched. */
    lanes->lanes = memory_require(calloc(lanes->capacity, sizeof(*lanes->lanes)));
    lanes->buckets = memory_require(calloc(buckets, sizeof(struct lane *)));
}

void lanes_dispose(struct lanes *lanes)
{
    free(lanes->lanes);
    free(lanes->buckets);
}

/* The link to a token's lane, or to the end of its hash chain. */
static struct lane **find(struct lanes *lanes, const struct token *token)
{
    struct lane **link = &lanes->buckets[token_hash(token) & lanes->bucket_mask];

    while (*link != NULL && memcmp(&(*link)->token, token, sizeof(*token)) != 0)
        link = &(*link)->next;
    return link;
}

struct lane *lanes_find(struct lanes *lanes, const struct token *token)
{
    struct lane *lane;

    if (token == NULL)
        return &lanes->anonymous;
    lane = *find(lanes, token);
    return lane != NULL ? lane : &lanes->unverified;
}

/* Removes a token from the table. Calls in its lane are not affected. */
static void forget(struct lanes *lanes, const struct token *token)
{
    struct lane **link = find(lanes, token), *lane = *link;

    if (lane == NULL)
        return;
    *link = lane->next;
    lane->is_known = false;
}

/* NULL if all lanes are busy. */
static struct lane *make_room(struct lanes *lanes)
{
    struct lane *oldest = NULL;

    if (lanes->count < lanes->capacity)
        return &lanes->lanes[lanes->count++];
    for (size_t i = 0; i < lanes->count; i++) {
        struct lane *lane = &lanes->lanes[i];

        if (!lane_is_busy(lane) && (oldest == NULL || lane->tag < oldest->tag))
            oldest = lane;
    }
    if (oldest != NULL && oldest->is_known)
        forget(lanes, &oldest->token);
    return oldest;
}

struct lane *lanes_accept(struct lanes *lanes, const struct token *token)
{
    struct lane *lane = *find(lanes, token), **link;

    if (lane != NULL)
        return lane;
    if ((lane = make_room(lanes)) == NULL)
        return &lanes->unverified;
    clear(lane);
    lane->token = *token;
    lane->is_known = true;
    link = find(lanes, token);
    *link = lane;
    return lane;
}

void lanes_refuse(struct lanes *lanes, const struct token *token)
{
    forget(lanes, token);
}

bool lane_is_busy(const struct lane *lane)
{
    return lane->waiting + lane->running > 0;
}
