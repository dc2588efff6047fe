#include <criterion/criterion.h>
#include <string.h>

#include "base/count.h"
#include "base/trace.h"

#define ID "0af7651916cd43dd8448eb211c80319c"
#define PARENT "b7ad6b7169203331"

Test(trace, accepts_valid_traceparents)
{
    static const char *const values[] = {"00-" ID "-" PARENT "-01", "00-" ID "-" PARENT "-00",
        "cc-" ID "-" PARENT "-01-what-the-future-brings"};
    struct trace trace;

    for (size_t i = 0; i < COUNT(values); i++) {
        cr_assert(trace_parse(values[i], strlen(values[i]), &trace), "%s", values[i]);
        cr_assert_eq(strncmp(trace.parent, values[i], TRACE_PARENT_LEN), 0);
        cr_assert_eq(strlen(trace.parent), TRACE_PARENT_LEN);
        cr_assert_eq(strncmp(trace_id(&trace), ID, TRACE_ID_LEN), 0);
    }
}

Test(trace, refuses_what_is_malformed)
{
    static const char *const values[] = {"", "00-" ID "-" PARENT "-0", "ff-" ID "-" PARENT "-01",
        "00-00000000000000000000000000000000-" PARENT "-01", "00-" ID "-0000000000000000-01",
        "00-" ID "-" PARENT "-01-more", "00-" ID "-" PARENT "-0G",
        "00-0AF7651916CD43DD8448EB211C80319C-" PARENT "-01", "00_" ID "-" PARENT "-01",
        "00-" ID "_" PARENT "-01", "cc-" ID "-" PARENT "-01.more"};
    struct trace trace;

    for (size_t i = 0; i < COUNT(values); i++)
        cr_assert_not(trace_parse(values[i], strlen(values[i]), &trace), "taken: %s", values[i]);
}

Test(trace, generates_valid_traceparents)
{
    struct trace one, other, again;

    trace_make(&one);
    trace_make(&other);
    cr_assert_str_neq(one.parent, other.parent);
    cr_assert(trace_parse(one.parent, strlen(one.parent), &again));
    cr_assert_str_eq(one.parent, again.parent);
}
