#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "harness.h"

static struct server *server;

static void set_up(void)
{
    char *url = server_database_url(database_url());

    server = server_start(url, (const char *[]){"--request-timeout", "700", NULL});
    free(url);
}

static void tear_down(void)
{
    server_end(server);
}

TestSuite(wire, .init = set_up, .fini = tear_down, .timeout = 120);

static size_t count_of(const char *text, const char *part)
{
    size_t count = 0;

    for (; (text = strstr(text, part)) != NULL; text++)
        count++;
    return count;
}

#define HOST "Host: a\r\n"
#define SMUGGLED "GET /smuggled HTTP/1.1\r\n" HOST "\r\n"

/* One answer with the status, the connection closed, and what followed never run. */
static void assert_closed(const char *bytes, size_t len, int status)
{
    char *answer = send_raw(server, bytes, len), line[32];

    snprintf(line, sizeof(line), "HTTP/1.1 %d ", status);
    cr_expect_eq(strncmp(answer, line, strlen(line)), 0, "%s\nanswered %s", bytes, answer);
    cr_expect_eq(count_of(answer, "HTTP/1.1 "), 1, "%s\nanswered %s", bytes, answer);
    cr_expect(strstr(answer, "Connection: close\r\n") != NULL, "%s\nanswered %s", bytes, answer);
    cr_expect(strstr(answer, "application/problem+json") != NULL, "%s\nanswered %s", bytes, answer);
    cr_expect_eq(strncmp(bytes, "HEAD ", 5) == 0, strcmp(strstr(answer, "\r\n\r\n"), "\r\n\r\n") == 0,
        "%s\nanswered %s", bytes, answer);
    free(answer);
}

#define CLOSED(text, status) assert_closed(text, sizeof(text) - 1, status)

Test(wire, no_request_hides_in_another)
{
    CLOSED("POST /a HTTP/1.1\r\n" HOST
           "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" SMUGGLED,
        400);
    CLOSED("POST /a HTTP/1.1\r\n" HOST
           "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n" SMUGGLED,
        400);
    CLOSED("POST /a HTTP/1.1\r\n" HOST "Content-Length: 0\r\nContent-Length: 50\r\n\r\n" SMUGGLED, 400);
    CLOSED("POST /a HTTP/1.1\r\n" HOST "transfer-encoding: chunked\r\n\r\n0x5\r\nhello\r\n0\r\n\r\n" SMUGGLED,
        411);
    CLOSED("POST /a HTTP/1.1\r\n" HOST "transfer-encoding: chunked\r\n\r\n0\r\n\r\n" SMUGGLED, 411);
    CLOSED("POST /a HTTP/1.0\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n" SMUGGLED, 400);
    CLOSED("GET /a HTTP/1.1\r\n" HOST "X: a\r\n folded\r\n\r\n" SMUGGLED, 400);
    CLOSED("GET /a HTTP/1.1\n" HOST "\r\n" SMUGGLED, 400);
    CLOSED("GET /a HTTP/1.1\r\n\r\n" SMUGGLED, 400);
    CLOSED("GET /a HTTP/1.1\r\n" HOST HOST "\r\n" SMUGGLED, 400);
    CLOSED("GET /a HTTP/1.1\r\n" HOST "Authorization: a\r\nAuthorization: b\r\n\r\n" SMUGGLED, 400);
}

Test(wire, answers_of_the_library_are_problems_too)
{
    CLOSED("POST /a HTTP/1.1\r\n" HOST "Content-Length: 1\r\nExpect: miracles\r\n\r\nx", 417);
    CLOSED("POST /a HTTP/1.1\r\n" HOST "Content-Length: 999999999\r\n\r\nx", 413);
    CLOSED("POST /a HTTP/1.1\r\n" HOST "Content-Length: x\r\n\r\nx", 400);
}

Test(wire, head_gets_no_body_from_the_library_either)
{
    CLOSED("HEAD /a HTTP/1.1\r\n" HOST "Content-Length: 1\r\nExpect: miracles\r\n\r\nx", 417);
    CLOSED("HEAD /a HTTP/1.1\r\n" HOST "Content-Length: 999999999\r\n\r\nx", 413);
    CLOSED("HEAD /a HTTP/1.1\r\n" HOST "Content-Length: x\r\n\r\nx", 400);
    CLOSED("HEAD /a HTTP/1.1\r\n\r\n" SMUGGLED, 400);
    CLOSED("HEAD /a HTTP/1.1\r\n" HOST "transfer-encoding: chunked\r\n\r\n0\r\n\r\n" SMUGGLED, 411);
}

/* What cannot be parsed never becomes a request: libh2o answers it by itself, in plain text, and closes. */
static void assert_no_request(const char *bytes, size_t len)
{
    char *answer = send_raw(server, bytes, len);

    cr_expect_eq(strncmp(answer, "HTTP/1.1 400 Bad Request\r\n", 26), 0, "%s\nanswered %s", bytes, answer);
    cr_expect_eq(count_of(answer, "HTTP/1.1 "), 1, "%s\nanswered %s", bytes, answer);
    cr_expect(strstr(answer, "Connection: close\r\n") != NULL, "%s\nanswered %s", bytes, answer);
    free(answer);
}

#define NO_REQUEST(text) assert_no_request(text, sizeof(text) - 1)

Test(wire, garbage_is_no_request)
{
    NO_REQUEST("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03");
    NO_REQUEST("GET\r\n\r\n" SMUGGLED);
}

Test(wire, http_2_is_off)
{
    char *answer;

    NO_REQUEST("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00");
    answer = send_raw(server,
        "GET /a HTTP/1.1\r\n" HOST "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
        "HTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n\r\n",
        strlen("GET /a HTTP/1.1\r\n" HOST "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
               "HTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n\r\n"));
    cr_expect_eq(strncmp(answer, "HTTP/1.1 404 ", 13), 0, "%s", answer);
    free(answer);
}

Test(wire, serves_pipelined_requests_in_order)
{
    static const char bytes[] =
        "GET /a HTTP/1.1\r\n" HOST "\r\nDELETE " ACCOUNT_USERS " HTTP/1.1\r\n" HOST "\r\n";
    char *answer = send_raw(server, bytes, sizeof(bytes) - 1), *second;

    cr_assert_eq(count_of(answer, "HTTP/1.1 "), 2, "%s", answer);
    cr_expect_eq(strncmp(answer, "HTTP/1.1 404 ", 13), 0);
    second = strstr(answer + 1, "HTTP/1.1 405 ");
    cr_expect_not_null(second, "%s", answer);
    free(answer);
}

static int connect_to(const struct server *to)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)to->port)};
    struct timeval timeout = {.tv_sec = 5};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
    cr_assert_eq(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

/* 700 ms for a whole request: an idle client and one that never ends its head are let go, by the server. */
Test(wire, slow_requests_are_let_go)
{
    static const char *const beginnings[] = {
        "", "POST /a HTTP/1.1\r\nHost", "POST /a HTTP/1.1\r\n" HOST "Content-Length: 9\r\n\r\nx"};

    for (size_t i = 0; i < sizeof(beginnings) / sizeof(beginnings[0]); i++) {
        int fd = connect_to(server);
        char byte;

        cr_assert_eq(
            send(fd, beginnings[i], strlen(beginnings[i]), MSG_NOSIGNAL), (ssize_t)strlen(beginnings[i]));
        cr_expect_eq(recv(fd, &byte, 1, 0), 0, "not closed: %s", beginnings[i]);
        close(fd);
    }
}

Test(wire, connections_are_capped)
{
    char *url = server_database_url(database_url());
    struct server *small =
        server_start(url, (const char *[]){"--workers", "1", "--max-connections", "2", NULL});
    static const char bytes[] = "GET /a HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n";
    int first = connect_to(small), second = connect_to(small);
    char *answer = send_raw(small, bytes, sizeof(bytes) - 1);

    cr_expect_str_eq(answer, "", "a third connection is served: %s", answer);
    free(answer);
    close(first);
    close(second);
    answer = send_raw(small, bytes, sizeof(bytes) - 1);
    cr_expect_eq(
        strncmp(answer, "HTTP/1.1 404 ", 13), 0, "none is served after the two have gone: %s", answer);
    free(answer);
    server_end(small);
    free(url);
}
