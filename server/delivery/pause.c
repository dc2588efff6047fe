#include "delivery/pause.h"

#include <stdlib.h>

#include "base/clock.h"

void pause_extend(struct pause *pause, unsigned *seed, long min_ms, long max_ms)
{
    pause->ms = pause->ms == 0 ? min_ms : pause->ms * 2;
    if (pause->ms > max_ms)
        pause->ms = max_ms;
    pause->until = clock_now_ms() + pause->ms / 2 + rand_r(seed) % (pause->ms - pause->ms / 2 + 1);
}
