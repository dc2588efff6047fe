#include <criterion/criterion.h>
#include <string.h>

#include "database/call_json.h"

static h2o_mem_pool_t pool;

static void begin(void)
{
    h2o_mem_init_pool(&pool);
}

static void end(void)
{
    h2o_mem_clear_pool(&pool);
}

TestSuite(call_json, .init = begin, .fini = end);

static void expect(const struct call_json *call, const char *expected)
{
    h2o_iovec_t text;

    cr_assert_eq(call_json_render(&pool, call, &text), CALL_JSON_OK);
    cr_expect(text.len == strlen(expected) && memcmp(text.base, expected, text.len) == 0, "%.*s",
        (int)text.len, text.base);
}

Test(call_json, omits_missing_members)
{
    const struct call_json call = {
        .operation = "list", .kind = "user", .traceparent = "00-t", .query = h2o_iovec_init(H2O_STRLIT(""))};

    expect(&call, "{\"operation\":\"list\",\"kind\":\"user\",\"traceparent\":\"00-t\",\"query\":\"\"}");
}

Test(call_json, renders_all_members)
{
    const struct token token = {.id = "TKN-0000-0001", .secret_sha256 = "abc"};
    const struct call_json call = {
        .operation = "get",
        .kind = "user",
        .traceparent = "00-t",
        .token = &token,
        .ids = {{h2o_iovec_init(H2O_STRLIT("account")), h2o_iovec_init(H2O_STRLIT("ACC-1"))},
            {h2o_iovec_init(H2O_STRLIT("user")), h2o_iovec_init(H2O_STRLIT("USR-2"))}},
        .id_count = 2,
        .query = h2o_iovec_init(H2O_STRLIT("a=b")),
        .idempotency_key = h2o_iovec_init(H2O_STRLIT("key")),
        .code_seed = "seed",
        .body = h2o_iovec_init(H2O_STRLIT("{\"x\":1}")),
        .is_dry_run = true,
    };

    expect(&call, "{\"operation\":\"get\",\"kind\":\"user\",\"traceparent\":\"00-t\","
                  "\"token\":\"TKN-0000-0001:abc\",\"account\":\"ACC-1\",\"user\":\"USR-2\","
                  "\"codeSeed\":\"seed\",\"query\":\"a=b\",\"idempotencyKey\":\"key\",\"rollback\":true,"
                  "\"request\":{\"x\":1}}");
}

Test(call_json, escapes_strings_of_clients)
{
    const struct call_json call = {
        .operation = "list",
        .kind = "user",
        .traceparent = "00-t",
        .query = h2o_iovec_init(H2O_STRLIT("\"},{\\\n\0")),
        .idempotency_key = h2o_iovec_init(H2O_STRLIT("\"")),
    };

    expect(&call, "{\"operation\":\"list\",\"kind\":\"user\",\"traceparent\":\"00-t\","
                  "\"query\":\"\\\"},{\\\\\\n\\u0000\",\"idempotencyKey\":\"\\\"\"}");
}

Test(call_json, refuses_a_query_that_is_not_utf8)
{
    const struct call_json call = {.operation = "list",
        .kind = "user",
        .traceparent = "00-t",
        .query = h2o_iovec_init(H2O_STRLIT("a=\xff"))};
    h2o_iovec_t text = {.base = NULL, .len = 7};

    cr_expect_eq(call_json_render(&pool, &call, &text), CALL_JSON_NOT_UTF8);
    cr_expect_eq(text.len, 7);
}
