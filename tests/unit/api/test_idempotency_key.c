#include <criterion/criterion.h>
#include <string.h>

#include "api/idempotency_key.h"
#include "base/count.h"

#define TEN "abcdefghi-"
#define TEN_ESCAPED "\\\"\\\"\\\"\\\"\\\"\\\"\\\"\\\"\\\"\\\""
#define FIFTY(ten) ten ten ten ten ten
#define FIVE_MORE "12345"
#define LONGEST FIFTY(FIFTY(TEN)) FIVE_MORE

Test(idempotency, accepts_both_forms_of_a_key)
{
    static const struct {
        const char *value, *key;
    } cases[] = {
        {"a", "a"},
        {"\"a\"", "a"},
        {"8e03978e-40d5-43dd-bc93-6894a57f9324", "8e03978e-40d5-43dd-bc93-6894a57f9324"},
        {"\"8e03978e-40d5-43dd-bc93-6894a57f9324\"", "8e03978e-40d5-43dd-bc93-6894a57f9324"},
        {"!~", "!~"},
        {"\"!~\"", "!~"},
        {"\"a\\\"b\"", "a\"b"},
        {"a\"b", "a\"b"},
        {"a\"", "a\""},
        {"\"a\\\\b\"", "a\\b"},
        {"a\\b", "a\\b"},
        {"\"\\\"\"", "\""},
        {"\"\\\\\"", "\\"},
        {"\"\\\\\\\"\"", "\\\""},
        {"a,b;c=d", "a,b;c=d"},
        {LONGEST, LONGEST},
        {"\"" LONGEST "\"", LONGEST},
        {"\"" FIFTY(FIFTY(TEN_ESCAPED)) FIVE_MORE "\"", NULL},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct idempotency_key key;
        size_t len = cases[i].key != NULL ? strlen(cases[i].key) : IDEMPOTENCY_KEY_MAX;

        cr_expect(idempotency_key_parse(cases[i].value, strlen(cases[i].value), &key), "refused: %s",
            cases[i].value);
        cr_expect(key.len == len && (cases[i].key == NULL || memcmp(key.text, cases[i].key, len) == 0),
            "%s is %.*s", cases[i].value, (int)key.len, key.text);
    }
}

Test(idempotency, refuses_malformed_keys_and_keeps_the_result)
{
    static const char *const values[] = {"", "\"\"", "\"", "\"a", "\"a\"b", "\"a\"b\"", "\"a\\b\"", "\"a\\\"",
        "\"\\", "\"a\"; q=1", "\"a\";q", "\"a\" ", "a b", "\"a b\"", "a, b", "a\tb", "a\x7f", "caf\xc3\xa9",
        "\"\xc3\xa9\"", "a\x01", LONGEST "x", "\"" LONGEST "x\"",
        "\"" FIFTY(FIFTY(TEN_ESCAPED)) FIVE_MORE "x\""};
    struct idempotency_key key, before;

    memset(&key, 'x', sizeof(key));
    before = key;
    for (size_t i = 0; i < COUNT(values); i++)
        cr_expect_not(idempotency_key_parse(values[i], strlen(values[i]), &key), "taken: %s", values[i]);
    cr_expect_not(idempotency_key_parse("a\0b", 3, &key));
    cr_expect_arr_eq(&key, &before, sizeof(key));
}
