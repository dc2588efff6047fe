#include "http/deadlines.h"

#include "base/clock.h"

void deadlines_init(struct deadlines *deadlines)
{
    *deadlines = (struct deadlines){.timeout_us = {0}};
    for (size_t i = 0; i < DEADLINE_KINDS; i++)
        h2o_linklist_init_anchor(&deadlines->lists[i]);
}

void deadlines_enter(struct deadlines *deadlines, struct deadline *deadline, enum deadline_kind kind)
{
    deadline_leave(deadline);
    deadline->since = clock_now_us();
    if (kind != DEADLINE_KINDS)
        h2o_linklist_insert(&deadlines->lists[kind], &deadline->link);
}

void deadline_leave(struct deadline *deadline)
{
    if (h2o_linklist_is_linked(&deadline->link))
        h2o_linklist_unlink(&deadline->link);
}

/* The first deadline of a kind; NULL if there is none. */
static struct deadline *first_of(const struct deadlines *deadlines, size_t kind)
{
    h2o_linklist_t *first = deadlines->lists[kind].next;

    return first == &deadlines->lists[kind] ? NULL : H2O_STRUCT_FROM_MEMBER(struct deadline, link, first);
}

/* When the first deadline of a kind passes; UINT64_MAX if there is none. */
static uint64_t first_moment(const struct deadlines *deadlines, size_t kind)
{
    const struct deadline *first = first_of(deadlines, kind);

    return first == NULL ? UINT64_MAX : first->since + deadlines->timeout_us[kind];
}

struct deadline *deadlines_find_passed(const struct deadlines *deadlines, uint64_t now)
{
    for (size_t kind = 0; kind < DEADLINE_KINDS; kind++) {
        if (first_moment(deadlines, kind) <= now)
            return first_of(deadlines, kind);
    }
    return NULL;
}

int32_t deadlines_max_wait(const struct deadlines *deadlines, int32_t min_ms)
{
    uint64_t now = clock_now_us(), soonest = UINT64_MAX;

    for (size_t kind = 0; kind < DEADLINE_KINDS; kind++) {
        uint64_t moment = first_moment(deadlines, kind);

        soonest = moment < soonest ? moment : soonest;
    }
    if (soonest <= now)
        return min_ms;
    return soonest - now < INT32_MAX ? (int32_t)((soonest - now) / 1000) + 1 : INT32_MAX;
}
