#include "http/deadlines.h"

#include <criterion/criterion.h>

#define MINUTE_US (60 * 1000000ULL)

static struct deadlines deadlines;
static struct deadline a, b;

static void begin(void)
{
    deadlines_init(&deadlines);
    deadlines.timeout_us[DEADLINE_REQUEST] = MINUTE_US;
    deadlines.timeout_us[DEADLINE_RESPONSE] = 2 * MINUTE_US;
    a = b = (struct deadline){.since = 0};
}

TestSuite(deadlines, .init = begin);

Test(deadlines, pass_at_the_end_of_their_timeout)
{
    deadlines_enter(&deadlines, &a, DEADLINE_REQUEST);
    cr_expect_null(deadlines_find_passed(&deadlines, a.since + MINUTE_US - 1));
    cr_expect_eq(deadlines_find_passed(&deadlines, a.since + MINUTE_US), &a);
}

Test(deadlines, pass_in_the_order_of_entry)
{
    deadlines_enter(&deadlines, &a, DEADLINE_REQUEST);
    deadlines_enter(&deadlines, &b, DEADLINE_REQUEST);
    cr_expect_eq(deadlines_find_passed(&deadlines, UINT64_MAX - 1), &a);
    deadlines_enter(&deadlines, &a, DEADLINE_REQUEST);
    cr_expect_eq(deadlines_find_passed(&deadlines, UINT64_MAX - 1), &b);
}

Test(deadlines, have_one_kind_at_a_time)
{
    deadlines_enter(&deadlines, &a, DEADLINE_REQUEST);
    deadlines_enter(&deadlines, &a, DEADLINE_RESPONSE);
    cr_expect_null(deadlines_find_passed(&deadlines, a.since + MINUTE_US));
    cr_expect_eq(deadlines_find_passed(&deadlines, a.since + 2 * MINUTE_US), &a);
    deadlines_enter(&deadlines, &a, DEADLINE_KINDS);
    cr_expect_null(deadlines_find_passed(&deadlines, UINT64_MAX - 1));
}

Test(deadlines, leave_and_may_leave_twice)
{
    deadlines_enter(&deadlines, &a, DEADLINE_REQUEST);
    deadline_leave(&a);
    deadline_leave(&a);
    cr_expect_null(deadlines_find_passed(&deadlines, UINT64_MAX - 1));
}

Test(deadlines, bound_the_wait_of_the_loop)
{
    cr_expect_eq(deadlines_max_wait(&deadlines, 1), INT32_MAX);
    deadlines_enter(&deadlines, &a, DEADLINE_RESPONSE);
    cr_expect_gt(deadlines_max_wait(&deadlines, 1), 60 * 1000);
    deadlines_enter(&deadlines, &b, DEADLINE_REQUEST);
    cr_expect_leq(deadlines_max_wait(&deadlines, 1), 60 * 1000 + 1);
    cr_expect_gt(deadlines_max_wait(&deadlines, 1), 59 * 1000);
    deadlines.timeout_us[DEADLINE_REQUEST] = 0;
    cr_expect_eq(deadlines_max_wait(&deadlines, 7), 7);
}
