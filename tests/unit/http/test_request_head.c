#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "base/count.h"
#include "http/request_head.h"

#define MAX_LEN 1024
#define START "POST /x HTTP/1.1\r\n"
#define HOST "host: a\r\n"

static enum request_head_verdict check(const char *head)
{
    const char *reason = NULL;
    struct request_head found;
    enum request_head_verdict verdict = request_head_check(head, strlen(head), MAX_LEN, &found, &reason);

    cr_assert_eq(verdict == REQUEST_HEAD_OK || verdict == REQUEST_HEAD_INCOMPLETE, reason == NULL,
        "%s: reason %s", head, reason);
    return verdict;
}

Test(wire, accepts_a_valid_head)
{
    static const char *const heads[] = {START HOST "\r\n", START HOST "content-length: 12\r\n\r\nbody\n: x",
        START "Host: a\r\nContent-Length: \t3\r\nx-any: a\tb\r\nx-any: c\r\n\r\n", "GET / HTTP/1.0\r\n\r\n",
        "\r\n" START HOST "\r\n", START HOST "x-empty:\r\n\r\n", START "host:\r\n\r\n",
        START "host: \t[::1]:80 \r\n\r\n", START "host: a-b.example:8080\r\n\r\n",
        "!#$%&'*+-.^_`|~ / HTTP/1.1\r\n" HOST "\r\n"};

    for (size_t i = 0; i < COUNT(heads); i++)
        cr_assert_eq(check(heads[i]), REQUEST_HEAD_OK, "%s", heads[i]);
}

Test(wire, refuses_ambiguous_framing)
{
    static const char *const heads[] = {START HOST "content-length: 1\r\ntransfer-encoding: chunked\r\n\r\n",
        START HOST "Transfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n",
        START HOST "content-length: 1\r\ncontent-length: 2\r\n\r\n",
        START HOST "content-length: 1\r\ncontent-length: 1\r\n\r\n",
        START HOST "transfer-encoding: chunked\r\ntransfer-encoding: identity\r\n\r\n",
        "POST / HTTP/1.0\r\ntransfer-encoding: chunked\r\n\r\n", START HOST "content-length: +1\r\n\r\n",
        START HOST "content-length: 1, 1\r\n\r\n", START HOST "content-length: 0x1\r\n\r\n",
        START HOST "content-length:\r\n\r\n", START HOST "content-length: 18446744073709551615\r\n\r\n",
        START HOST "x: a\r\n folded\r\n\r\n", START HOST "x: a\r\n\tfolded\r\n\r\n",
        START HOST "x: a\r\n folded: b\r\n\r\n", START HOST "x: a\r\n\tfolded: b\r\n\r\n",
        START HOST "x: a\n\r\n", START "host: a\nx: b\r\n\r\n", START HOST "\n",
        "POST / HTTP/1.1\n" HOST "\r\n", START "\r\n", START HOST HOST "\r\n",
        START HOST "authorization: a\r\nAuthorization: b\r\n\r\n",
        START HOST "content-type: a\r\ncontent-type: b\r\n\r\n", START HOST "content-length : 1\r\n\r\n",
        START HOST ": nameless\r\n\r\n", START HOST "no colon\r\n\r\n", START HOST "x: a\rb\r\n\r\n",
        START HOST "x: a\x01\r\n\r\n", START HOST "x: a\x7f\r\n\r\n", "POST /\x01 HTTP/1.1\r\n" HOST "\r\n",
        "POST\t/ HTTP/1.1\r\n" HOST "\r\n", START "host: a, b\r\n\r\n", START "host: a/b\r\n\r\n",
        START "host: b@a\r\n\r\n", START "host: \xc3\xa4\r\n\r\n", "P@ST / HTTP/1.1\r\n" HOST "\r\n",
        "P(ST / HTTP/1.1\r\n" HOST "\r\n",
        /* Heads that libh2o would answer with a text of its own. */
        "\r\n\r\n" START HOST "\r\n", "\n" START HOST "\r\n", " / HTTP/1.1\r\n" HOST "\r\n",
        "GET  / HTTP/1.1\r\n" HOST "\r\n", "GET / HTTP/1.1 \r\n" HOST "\r\n", "GET /\r\n" HOST "\r\n",
        "GET / a HTTP/1.1\r\n" HOST "\r\n", "GET / HTTP/1.\r\n" HOST "\r\n",
        "GET / HTTP/1.10\r\n" HOST "\r\n", "GET / HTTP/2.0\r\n" HOST "\r\n", "GET / http/1.1\r\n" HOST "\r\n",
        "GET\r\n" HOST "\r\n", START HOST "x y: a\r\n\r\n", START HOST "x\xc3\xa4: a\r\n\r\n",
        START HOST "(x): a\r\n\r\n", START HOST "content-length: 1 \r\n\r\n",
        START HOST "transfer-encoding: gzip, chunked\r\n\r\n",
        START HOST "transfer-encoding: chunked \r\n\r\n"};

    for (size_t i = 0; i < COUNT(heads); i++)
        cr_assert_eq(check(heads[i]), REQUEST_HEAD_BAD_REQUEST, "taken: %s", heads[i]);
}

Test(wire, refuses_a_nul_in_a_head)
{
    static const char head[] = START HOST "x: a\0b\r\n\r\n";
    const char *reason = NULL;
    struct request_head found;

    cr_assert_eq(
        request_head_check(head, sizeof(head) - 1, MAX_LEN, &found, &reason), REQUEST_HEAD_BAD_REQUEST);
}

Test(wire, refuses_chunked_bodies_with_411)
{
    cr_assert_eq(check(START HOST "transfer-encoding: chunked\r\n\r\n"), REQUEST_HEAD_LENGTH_REQUIRED);
    cr_assert_eq(check(START HOST "Transfer-Encoding:\t CHUNKED\r\n\r\n"), REQUEST_HEAD_LENGTH_REQUIRED);
}

Test(wire, accepts_only_100_continue_with_a_body)
{
    cr_expect_eq(check(START HOST "content-length: 1\r\nexpect: 100-Continue\r\n\r\n"), REQUEST_HEAD_OK);
    cr_expect_eq(check(START HOST "expect: miracles\r\n\r\n"), REQUEST_HEAD_OK);
    cr_expect_eq(
        check(START HOST "content-length: 1\r\nexpect: miracles\r\n\r\n"), REQUEST_HEAD_EXPECTATION_FAILED);
    cr_expect_eq(check(START HOST "content-length: 1\r\nexpect: 100-continue \r\n\r\n"),
        REQUEST_HEAD_EXPECTATION_FAILED);
    cr_expect_eq(check(START HOST "expect: miracles\r\nexpect: 100-continue\r\ncontent-length: 1\r\n\r\n"),
        REQUEST_HEAD_EXPECTATION_FAILED);
}

Test(wire, measures_a_request)
{
    static const char head[] = "\r\n" START HOST "content-length: 0042\r\n\r\n",
                      input[] = "\r\n" START HOST "content-length: 0042\r\n\r\nbody";
    struct request_head found;
    const char *reason;

    cr_assert_eq(request_head_check(input, sizeof(input) - 1, MAX_LEN, &found, &reason), REQUEST_HEAD_OK);
    cr_expect_eq(found.len, sizeof(head) - 1);
    cr_expect_eq(found.content_length, 42);
}

/* Every prefix of a valid head is incomplete, and a prefix of an invalid one is refused at the byte that
 * shows it. */
Test(wire, checks_an_incomplete_head)
{
    static const char sound[] = "\r\n" START HOST "x-any: \t a \r\ncontent-length: 12\r\n\r\n";
    static const char *const broken[] = {"\x16", "G\t", " ", "GET  ", "GET / x", "GET / HTTP/2",
        "GET / HTTP/1.1x", "GET / HTTP/1.1\n", "GET / HTTP/1.1\rx", START ":", START " ", START "x ",
        START "x\t", START "x: a\x01", START "x: a\rb", START "x: a\n", "\r\n\r\n"};
    struct request_head found;
    const char *reason;

    for (size_t len = 0; len < sizeof(sound) - 1; len++) {
        cr_expect_eq(request_head_check(sound, len, MAX_LEN, &found, &reason), REQUEST_HEAD_INCOMPLETE,
            "%.*s: %s", (int)len, sound, reason);
        cr_expect_not(request_head_has_end(sound, len, 0));
        cr_expect_eq(request_head_has_end(sound, sizeof(sound) - 1, len), true, "%zu", len);
    }
    for (size_t i = 0; i < COUNT(broken); i++) {
        cr_expect_eq(check(broken[i]), REQUEST_HEAD_BAD_REQUEST, "%s", broken[i]);
        cr_expect_eq(request_head_check(broken[i], strlen(broken[i]) - 1, MAX_LEN, &found, &reason),
            REQUEST_HEAD_INCOMPLETE, "%s: %s", broken[i], reason);
    }
}

Test(wire, bounds_the_fields)
{
    static const char field[] = "x:\r\n";
    char head[MAX_LEN];

    for (size_t fields = REQUEST_HEAD_MAX_FIELDS; fields <= REQUEST_HEAD_MAX_FIELDS + 1; fields++) {
        int len = snprintf(head, sizeof(head), "%s", START HOST);

        /* Host is one of them. */
        for (size_t i = 1; i < fields; i++)
            len += snprintf(head + len, sizeof(head) - (size_t)len, "%s", field);
        snprintf(head + len, sizeof(head) - (size_t)len, "\r\n");
        cr_expect_eq(check(head),
            fields <= REQUEST_HEAD_MAX_FIELDS ? REQUEST_HEAD_OK : REQUEST_HEAD_TOO_LARGE, "%zu", fields);
    }
}

Test(wire, bounds_only_the_head)
{
    char head[MAX_LEN + 64] = START HOST "x: ";
    size_t len = strlen(head);

    memset(head + len, 'a', MAX_LEN - len - 4);
    memcpy(head + MAX_LEN - 4, "\r\n\r\n", 5);
    cr_assert_eq(strlen(head), MAX_LEN);
    cr_assert_eq(check(head), REQUEST_HEAD_OK);
    memcpy(head + MAX_LEN, "a body that is not counted", 27);
    cr_assert_eq(check(head), REQUEST_HEAD_OK);
    memcpy(head + MAX_LEN - 4, "a\r\n\r\n", 6);
    cr_assert_eq(check(head), REQUEST_HEAD_TOO_LARGE);
    /* An incomplete line counts as well. */
    memset(head + MAX_LEN - 4, 'a', 5);
    head[MAX_LEN + 1] = '\0';
    cr_assert_eq(check(head), REQUEST_HEAD_TOO_LARGE);
    head[MAX_LEN] = '\0';
    cr_assert_eq(check(head), REQUEST_HEAD_INCOMPLETE);
}

Test(wire, finds_the_path_in_a_target)
{
    static const struct {
        const char *target;
        size_t start;
    } targets[] = {{"/a", 0}, {"*", 0}, {"", 0}, {"a:443", 0}, {"http://a/b", 8}, {"HTTPS://[::1]:80/b", 16},
        {"http://a", 0}, {"http://a?b/c", 0}, {"http:///b", 0}, {"http://", 0}, {"ftp://a/b", 0}};

    for (size_t i = 0; i < COUNT(targets); i++)
        cr_expect_eq(request_head_path_start(targets[i].target, strlen(targets[i].target)), targets[i].start,
            "%s", targets[i].target);
}

Test(wire, finds_a_field_in_an_incomplete_head)
{
    static const struct {
        const char *head;
        const char *value;
    } heads[] = {{START HOST "X: 1\r\n\r\n", "1"}, {START "x:\t 1 2 \r\n" HOST, "1 2"}, {START "x:\r\n", ""},
        {START "x: 1\n", "1"}, {START "x: 1", NULL}, {START "x: 1\r\nX: 1\r\n\r\n", NULL},
        {START HOST "\r\nx: in the body\r\n", NULL}, {START "xy: 1\r\ny: x: 1\r\n\r\n", NULL},
        {"x: 1\r\n\r\n", NULL}, {START, NULL}, {"", NULL}, {"\n", NULL}, {START "x", NULL},
        {START "x\r\n", NULL}};

    for (size_t i = 0; i < COUNT(heads); i++) {
        const char *value = NULL;
        size_t len = 0;
        bool found = request_head_find_field(heads[i].head, strlen(heads[i].head), "x", &value, &len);

        cr_expect_eq(found, heads[i].value != NULL, "%zu", i);
        cr_expect(!found || heads[i].value == NULL ||
                      (len == strlen(heads[i].value) && memcmp(value, heads[i].value, len) == 0),
            "%zu: %.*s", i, (int)len, value);
    }
}
