#include <criterion/criterion.h>

#include "mixture.h"

/* FLOOD_REQUESTS sets the length, FLOOD_SEED repeats a run. */

TestSuite(flood, .timeout = 1800);

Test(flood, leaves_every_neighbour_of_a_poisoned_request_alone)
{
    mixture_run(1, 3000);
}
