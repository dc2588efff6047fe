#include <criterion/criterion.h>

#include "mixture.h"

/* FLOOD_REQUESTS sets the length, FLOOD_SEED repeats a run. */

TestSuite(flood, .timeout = 1800);

Test(flood, poisoned_requests_do_not_affect_others)
{
    mixture_run(1, 3000);
}
