#include "base/unicode.h"

#include <stddef.h>

struct range {
    uint32_t first, last;
};

#include "base/count.h"
#include "base/unicode_tables.h"

#define SET(ranges)                                                                                          \
    {                                                                                                        \
        ranges, COUNT(ranges)                                                                                \
    }

static const struct {
    const struct range *ranges;
    size_t count;
} sets[] = {
    [UNICODE_NOT_IN_ADDRESS] = SET(not_in_address_ranges),
    [UNICODE_IN_DOMAIN] = SET(in_domain_ranges),
    [UNICODE_BLANK] = SET(blank_ranges),
    [UNICODE_EXTENDING] = SET(extending_ranges),
    [UNICODE_NONCHARACTER] = SET(noncharacter_ranges),
};

bool unicode_is_in(enum unicode_set set, uint32_t c)
{
    size_t from = 0, to = sets[set].count;

    while (from < to) {
        size_t middle = from + (to - from) / 2;

        if (sets[set].ranges[middle].last < c)
            from = middle + 1;
        else
            to = middle;
    }
    return from < sets[set].count && sets[set].ranges[from].first <= c;
}
