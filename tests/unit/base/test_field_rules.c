#include <criterion/criterion.h>
#include <string.h>

#include "base/field_rules.h"

/* tests/vectors tests the rules themselves; this file tests what a vector cannot express. */

Test(text, says_every_mistake_of_a_name)
{
    const char *messages[FIELD_MAX_MESSAGES];
    char name[102];

    memset(name, 'a', 101);
    name[50] = '\x01';
    cr_assert_eq(field_check(FIELD_NAME, name, 101, messages), 2);
    cr_assert_str_eq(messages[0], "is longer than 100 characters");
    cr_assert_str_eq(messages[1], "has a control character");
}

Test(text, does_not_read_past_the_length)
{
    const char *messages[FIELD_MAX_MESSAGES];

    cr_assert_eq(field_check(FIELD_PHONE_NUMBER, "12345x", 5, messages), 0);
    cr_assert_eq(field_check(FIELD_EMAIL, "a@b.cd\xff", 6, messages), 0);
    cr_assert_eq(field_check(FIELD_NAME, "", 0, messages), 1);
    cr_assert_eq(field_check(FIELD_EMAIL, "", 0, messages), 1);
    cr_assert_eq(field_check(FIELD_LANGUAGE_TAG, "", 0, messages), 1);
}

Test(text, knows_the_shape_of_ids)
{
    cr_assert(field_is_id("ACC-1671-0642", 13, "ACC-", 2));
    cr_assert(field_is_id("AUSR-4134-7183-7330", 19, "AUSR-", 3));
    cr_assert(field_is_id("MOD-1756", 8, "MOD-", 1));
    cr_assert_not(field_is_id("ACC-1671-064", 12, "ACC-", 2));
    cr_assert_not(field_is_id("ACC-1671-06420", 14, "ACC-", 2));
    cr_assert_not(field_is_id("ACC-167100642", 13, "ACC-", 2));
    cr_assert_not(field_is_id("ACC-1671-O642", 13, "ACC-", 2));
    cr_assert_not(field_is_id("acc-1671-0642", 13, "ACC-", 2));
    cr_assert_not(field_is_id("USR-1671-0642", 13, "ACC-", 2));
    cr_assert_not(field_is_id("", 0, "ACC-", 2));
}
