#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/count.h"
#include "harness/service.h"
#include "wire_rows.h"

/* Request smuggling: bytes that readers may interpret differently are answered once, or not at all, and
 * what follows them on the connection is never performed. */

static void set_up(void)
{
    service_start((const char *[]){"--request-timeout", "700", NULL});
}

TestSuite(wire, .init = set_up, .fini = service_tear_down, .timeout = 300);

static size_t count_of(const char *text, const char *part)
{
    size_t count = 0;

    for (; (text = strstr(text, part)) != NULL; text++)
        count++;
    return count;
}

static size_t count_logged(void)
{
    return server_log_count(server, "\"event\":\"request\"");
}

/* So many more than *logged, which is set to what there is: a line is written after its answer. */
static void expect_logged(size_t *logged, size_t more, const char *name)
{
    size_t found = count_logged();

    for (int tries = 0; tries < 100 && found < *logged + more; tries++)
        found = count_logged();
    cr_assert_eq(found - *logged, more, "%s\nlogged %zu times", name, found - *logged);
    *logged = found;
}

/* Bytes, followed by an invitation, followed by a text. */
static char *with_invitation(const char *bytes, size_t bytes_len, const char *last, size_t *len)
{
    char *request = create_request(account, NULL), *all = NULL;
    FILE *out = open_memstream(&all, len);

    fwrite(bytes, 1, bytes_len, out);
    fputs(request, out);
    fputs(last, out);
    fclose(out);
    free(request);
    return all;
}

static void expect_answer(const struct wire_row *row, const char *answer)
{
    const char *blank = strstr(answer, "\r\n\r\n");
    char line[32];

    snprintf(line, sizeof(line), "HTTP/1.1 %d ", row->status);
    cr_expect_eq(strncmp(answer, line, strlen(line)), 0, "%s\nnot %d: %s", row->bytes, row->status, answer);
    cr_expect_eq(count_of(answer, "HTTP/1.1 "), 1, "%s\nanswered %s", row->bytes, answer);
    cr_expect(strstr(answer, "\r\nConnection: close\r\n") != NULL, "%s\nanswered %s", row->bytes, answer);
    cr_expect_not_null(strstr(answer, "application/problem+json"), "%s\nanswered %s", row->bytes, answer);
    cr_assert_not_null(blank, "%s\nanswered %s", row->bytes, answer);
    cr_expect_eq(
        strncmp(row->bytes, "HEAD ", 5) == 0, strlen(blank) == 4, "%s\nanswered %s", row->bytes, answer);
}

static void expect_end(const struct wire_row *rows, size_t count)
{
    size_t logged = count_logged();

    for (size_t i = 0; i < count; i++) {
        size_t len;
        char *bytes = with_invitation(rows[i].bytes, rows[i].len, "", &len), *answer;
        bool closed;

        answer = exchange_raw(server, bytes, len, &closed);
        cr_expect(closed, "%s\nnot closed after %s", rows[i].bytes, answer);
        expect_answer(&rows[i], answer);
        expect_logged(&logged, 1, rows[i].bytes);
        cr_expect_eq(account_count_members(pg, account), 0, "%s\nthe request behind it ran", rows[i].bytes);
        free(answer);
        free(bytes);
    }
}

Test(wire, framing_is_never_ambiguous)
{
    expect_end(framing_rows, framing_row_count);
}

Test(wire, chunked_bodies_are_refused)
{
    expect_end(chunk_rows, chunk_row_count);
}

Test(wire, heads_are_read_strictly)
{
    expect_end(head_rows, head_row_count);
}

Test(wire, malformed_request_lines_are_refused)
{
    expect_end(target_rows, target_row_count);
}

/* A valid request is answered, and then the request behind it: the same invitation that never ran after
 * the others. */
Test(wire, pipelined_requests_are_answered_in_order)
{
    for (size_t i = 0; i < served_row_count; i++) {
        const struct wire_row *row = &served_rows[i];
        long members = account_count_members(pg, account);
        size_t len;
        /* Closes the connection, because the test would otherwise wait for the idle timeout. */
        char *bytes = with_invitation(row->bytes, row->len, GET "Connection: close\r\n\r\n", &len), *answer,
             line[32];

        answer = send_raw(server, bytes, len);
        snprintf(line, sizeof(line), "HTTP/1.1 %d ", row->status);
        cr_expect_eq(
            strncmp(answer, line, strlen(line)), 0, "%s\nnot %d: %s", row->bytes, row->status, answer);
        cr_expect_eq(count_of(answer, "HTTP/1.1 "), 3, "%s\nanswered %s", row->bytes, answer);
        cr_expect(strstr(answer + 1, "HTTP/1.1 201 ") != NULL, "%s\nanswered %s", row->bytes, answer);
        cr_expect_eq(account_count_members(pg, account) - members, 1, "%s", row->bytes);
        free(answer);
        free(bytes);
    }
}

/* Two requests in one write, of which the second is invalid: libh2o would go on with it by itself. */
static void expect_refused_behind(const struct wire_row *rows, size_t count)
{
    size_t logged = count_logged();

    for (size_t i = 0; i < count; i++) {
        size_t len;
        char *bytes = NULL, *answer, line[32];
        FILE *out = open_memstream(&bytes, &len);
        const char *second;
        bool closed;

        fputs(GET "\r\n", out);
        fwrite(rows[i].bytes, 1, rows[i].len, out);
        fclose(out);
        answer = exchange_raw(server, bytes, len, &closed);
        snprintf(line, sizeof(line), "HTTP/1.1 %d ", rows[i].status);
        second = strstr(answer + 1, "HTTP/1.1 ");
        cr_expect(closed, "%s\nnot closed after %s", rows[i].bytes, answer);
        cr_expect(second != NULL && strncmp(second, line, strlen(line)) == 0, "%s\nnot %d: %s", rows[i].bytes,
            rows[i].status, answer);
        expect_logged(&logged, 2, rows[i].bytes);
        free(answer);
        free(bytes);
    }
}

Test(wire, pipelined_requests_are_checked_as_strictly)
{
    expect_refused_behind(framing_rows, framing_row_count);
    expect_refused_behind(target_rows, target_row_count);
}

Test(wire, a_hundred_pipelined_requests)
{
    char *bytes = NULL, *answer;
    size_t len;
    FILE *out = open_memstream(&bytes, &len);
    const char *at;
    bool closed;

    for (int i = 0; i < 50; i++) {
        char *request = create_request(account, NULL);

        fprintf(out, "%sDELETE " ACCOUNT_USERS " HTTP/1.1\r\n" HOST "%s\r\n", request,
            i == 49 ? "Connection: close\r\n" : "");
        free(request);
    }
    fclose(out);
    at = answer = exchange_raw(server, bytes, len, &closed);
    for (int i = 0; i < 50; i++) {
        static const char *const lines[] = {"HTTP/1.1 201 ", "HTTP/1.1 405 "};

        for (size_t k = 0; k < 2; k++) {
            cr_assert_eq(strncmp(at, lines[k], strlen(lines[k])), 0, "not %s: %s", lines[k], at);
            at = strstr(at + 1, "HTTP/1.1 ");
            cr_assert(at != NULL || (i == 49 && k == 1), "answer %d is the last", 2 * i + (int)k);
        }
    }
    cr_expect(closed);
    cr_expect_eq(account_count_members(pg, account), 50);
    free(answer);
    free(bytes);
}

Test(wire, a_body_may_wait_for_100_continue)
{
    char *request = create_request(account, NULL), *blank = strstr(request, "\r\n\r\n"), head[1024],
         answer[4096];
    int fd = connect_raw(server), len = (int)(blank - request);
    ssize_t got;

    snprintf(head, sizeof(head), "%.*s\r\nExpect: 100-Continue\r\nConnection: close\r\n\r\n", len, request);
    cr_assert_eq(send(fd, head, strlen(head), MSG_NOSIGNAL), (ssize_t)strlen(head));
    got = recv(fd, answer, sizeof(answer) - 1, 0);
    cr_assert_gt(got, 0);
    answer[got] = '\0';
    cr_expect_str_eq(answer, "HTTP/1.1 100 Continue\r\n\r\n");
    cr_assert_eq(send(fd, blank + 4, strlen(blank + 4), MSG_NOSIGNAL), (ssize_t)strlen(blank + 4));
    got = recv(fd, answer, sizeof(answer) - 1, 0);
    cr_assert_gt(got, 0);
    answer[got] = '\0';
    cr_expect_eq(strncmp(answer, "HTTP/1.1 201 ", 13), 0, "%s", answer);
    cr_expect_eq(account_count_members(pg, account), 1);
    close(fd);
    free(request);
}

/* A head of this many bytes, with one long field or a long target, or with this many fields. */
static char *big_head(size_t field, size_t target, size_t fields)
{
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);

    fputs("GET /", out);
    for (size_t i = 0; i < target; i++)
        fputc('a', out);
    fputs(" HTTP/1.1\r\n" HOST, out);
    for (size_t i = 0; i < fields; i++)
        fprintf(out, "X-%zu: a\r\n", i);
    fputs("X: ", out);
    for (size_t i = 0; i < field; i++)
        fputc('a', out);
    fputs("\r\n\r\n", out);
    fclose(out);
    return text;
}

Test(wire, heads_are_bounded)
{
    static const struct {
        size_t field, target, fields;
        int status;
    } heads[] = {
        {0, 0, 98, 404},
        {16000, 0, 0, 404},
        {0, 16000, 0, 404},
        {16384, 0, 0, 431},
        {0, 16384, 0, 431},
        {400000, 0, 0, 431},
        {0, 400000, 0, 431},
        {0, 0, 99, 431},
        {0, 0, 1000, 431},
        {1000000, 0, 0, 431},
        {0, 1000000, 0, 431},
    };
    size_t logged = count_logged();

    for (size_t i = 0; i < COUNT(heads); i++) {
        char *head = big_head(heads[i].field, heads[i].target, heads[i].fields), name[64];
        struct wire_row row = {name, 0, heads[i].status};
        size_t len;
        char *bytes = with_invitation(head, strlen(head), "", &len), *answer;
        bool closed, is_served = heads[i].status == 404;

        snprintf(name, sizeof(name), "field of %zu, target of %zu, %zu fields", heads[i].field,
            heads[i].target, heads[i].fields);
        answer = exchange_raw(server, bytes, is_served ? strlen(head) : len, &closed);
        cr_expect(closed, "%s: not closed after %s", name, answer);
        if (is_served)
            cr_expect_eq(strncmp(answer, "HTTP/1.1 404 ", 13), 0, "%s: %s", name, answer);
        else
            expect_answer(&row, answer);
        expect_logged(&logged, 1, name);
        cr_expect_eq(account_count_members(pg, account), 0, "%s: the request behind it ran", name);
        free(answer);
        free(bytes);
        free(head);
    }
}
