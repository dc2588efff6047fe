#include "database/backoff.h"

#include <stdlib.h>

#include "base/clock.h"

void backoff_extend(struct backoff *backoff, unsigned *seed, long min_ms, long max_ms)
{
    backoff->ms = backoff->ms == 0 ? min_ms : backoff->ms * 2;
    if (backoff->ms > max_ms)
        backoff->ms = max_ms;
    backoff->until = clock_now_ms() + backoff->ms / 2 + rand_r(seed) % (backoff->ms - backoff->ms / 2 + 1);
}
