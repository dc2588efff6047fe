#include <criterion/criterion.h>
#include <string.h>

#include "base/count.h"
#include "http/headers.h"

static h2o_req_t req;

static void begin(void)
{
    memset(&req, 0, sizeof(req));
    h2o_mem_init_pool(&req.pool);
    req.http1_is_persistent = 1;
}

static void end(void)
{
    h2o_mem_clear_pool(&req.pool);
}

TestSuite(headers, .init = begin, .fini = end);

static void add(const char *name, const char *value)
{
    h2o_add_header_by_str(&req.pool, &req.headers, name, strlen(name), 1, NULL, value, strlen(value));
}

static void expect_value(const char *name, const char *expected)
{
    h2o_iovec_t value = header_find(&req, name);

    cr_expect(value.len == strlen(expected) && memcmp(value.base, expected, value.len) == 0, "%s: %.*s", name,
        (int)value.len, value.base);
}

Test(headers, are_trimmed)
{
    add("x-a", "one \t ");
    add("x-b", " \t");
    add("x-c", " two words");
    header_trim(&req);
    expect_value("x-a", "one");
    expect_value("x-b", "");
    expect_value("x-c", " two words");
}

Test(headers, are_found_by_name)
{
    add("x-a", "one");
    add("x-a", "two");
    expect_value("x-a", "one");
    cr_expect_null(header_find(&req, "x-b").base);
}

Test(headers, say_whether_a_body_is_json)
{
    static const char *const json[] = {"application/json", "APPLICATION/JSON",
        "application/json ; charset=UTF-8", "application/json; charset=\"utf-8\"", "application/problem+json",
        "application/json;v=1;charset=utf-8", "application/json; title=\"a; charset=latin1\"",
        "application/json; charset=\"\\utf-8\"", "application/json; title=\"a\\\"; charset=latin1\""};
    static const char *const others[] = {"", "text/json", "application/jsonp", "application/+json",
        "application/a/b+json", "application/json; charset=latin1", "application/json; v=1; Charset=utf-16",
        "text/plain; application/json"};

    for (size_t i = 0; i < COUNT(json); i++)
        cr_expect(header_is_json(h2o_iovec_init(json[i], strlen(json[i]))), "%s", json[i]);
    for (size_t i = 0; i < COUNT(others); i++)
        cr_expect_not(header_is_json(h2o_iovec_init(others[i], strlen(others[i]))), "%s", others[i]);
    cr_expect_not(header_is_json(h2o_iovec_init(NULL, 0)));
}

Test(headers, close_is_honored_in_any_position)
{
    static const struct {
        const char *first, *second;
        bool closes;
    } rows[] = {{"close", NULL, true}, {"keep-alive, close", NULL, true}, {"keep-alive", "Close", true},
        {"keep-alive", NULL, false}, {"closed", "x-close", false}};

    for (size_t i = 0; i < COUNT(rows); i++) {
        begin();
        h2o_add_header(
            &req.pool, &req.headers, H2O_TOKEN_CONNECTION, NULL, rows[i].first, strlen(rows[i].first));
        if (rows[i].second != NULL)
            h2o_add_header(
                &req.pool, &req.headers, H2O_TOKEN_CONNECTION, NULL, rows[i].second, strlen(rows[i].second));
        header_honor_close(&req);
        cr_expect_eq(!req.http1_is_persistent, rows[i].closes, "row %zu", i);
        if (i + 1 < COUNT(rows))
            end();
    }
}
