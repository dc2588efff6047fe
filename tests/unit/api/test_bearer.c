#include <criterion/criterion.h>
#include <string.h>

#include "api/bearer.h"
#include "base/count.h"

#define SECRET "abcdefghijklmnopqrstuv"

Test(bearer, parses_the_id_and_hashes_the_secret)
{
    static const char *const values[] = {
        "Bearer idt:TKN-7670-9957:" SECRET, "bearer  idt:TKN-7670-9957:" SECRET};
    struct token bearer;

    for (size_t i = 0; i < 2; i++) {
        cr_assert_eq(bearer_parse(values[i], strlen(values[i]), &bearer), BEARER_OK);
        cr_assert_str_eq(bearer.id, "TKN-7670-9957");
        /* printf abcdefghijklmnopqrstuv | sha256sum */
        cr_assert_str_eq(
            bearer.secret_sha256, "f69f9b70d1c9a5442258ca76f8b0a7a45fcb4e31c36141b6357ec591328b0624");
    }
}

Test(bearer, refuses_malformed_values_and_keeps_the_result)
{
    static const char *const values[] = {"", "Bearer", "Bearer ", "Basic idt:TKN-7670-9957:" SECRET,
        "Bearer TKN-7670-9957:" SECRET, "Bearer idt:TKN-7670-9957",
        "Bearer idt:TKN-7670-9957:", "Bearer idt:TKN-7670-9957:short",
        /* 126 bits, which is too short. */
        "Bearer idt:TKN-7670-9957:abcdefghijklmnopqrstu", "Bearer idt:TKN-76709957:" SECRET,
        "Bearer idt:ACC-7670-9957:" SECRET, "Bearer idt:TKN-7670-9957:" SECRET " ",
        "Bearer idt:TKN-7670-9957:" SECRET "\"", "Beareridt:TKN-7670-9957:" SECRET,
        "Bearer IDT:TKN-7670-9957:" SECRET};
    struct token bearer, before;
    char long_value[300] = "Bearer idt:TKN-7670-9957:";

    memset(&bearer, 'x', sizeof(bearer));
    before = bearer;
    for (size_t i = 0; i < COUNT(values); i++)
        cr_assert_eq(
            bearer_parse(values[i], strlen(values[i]), &bearer), BEARER_MALFORMED, "taken: %s", values[i]);
    memset(long_value + strlen(long_value), 'a', 129);
    cr_assert_eq(bearer_parse(long_value, strlen(long_value), &bearer), BEARER_MALFORMED);
    cr_assert_arr_eq(&bearer, &before, sizeof(bearer));
}

Test(bearer, computes_an_hmac_with_the_secret)
{
    static const char value[] = "Bearer idt:TKN-7670-9957:" SECRET;
    char mac[TOKEN_HASH_LEN + 1];

    cr_assert(bearer_mac(value, strlen(value), "a-key", 5, mac));
    /* printf a-key | openssl dgst -sha256 -hmac abcdefghijklmnopqrstuv */
    cr_assert_str_eq(mac, "4221c1f4a4f62607efebc32452496ab643dcf79ca3f80ff65820d2b79bdecf13");
}
