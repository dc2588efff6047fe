#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/count.h"
#include "harness/cluster.h"
#include "page.h"

/* Refusals and failures below the page's path are answered with pages. */

Test(page, answers_a_damaged_link)
{
    struct member *member = member_invite_new(server, account), *another = member_invite_new(server, account);
    static const char *const paths[] = {"/invitations/", "/invitations//", "/invitations/AUSR-0000-0000-0000",
        "/invitations/AUSR-0000-0000-0000/", "/invitations/AUSR-0000-0000-0000/x", "/invitations/ausr-0000/x",
        "/invitations/%41USR-0000-0000-0000/x", "/invitations/AUSR-0000-0000-0000/x/",
        "/invitations/favicon.ico", "/invitations/AUSR-0000-0000-0000/x.", "/invitations/<script>",
        "/invitations/a?b=<script>"};
    struct answer answer;
    char *path = page_path(member), *before = page_contents(member), *after;

    for (size_t i = 0; i < COUNT(paths); i++) {
        answer = page_ask("GET", paths[i], NULL);
        cr_expect_null(strstr(answer.text, "<script>"));
        expect_page(&answer, 404, "wrong");
    }
    for (size_t len = strlen(INVITATIONS); len < strlen(path); len++) {
        char *cut = strndup(path, len);

        answer = page_ask("GET", cut, NULL);
        expect_page(&answer, 404, "wrong");
        free(cut);
    }
    /* Well-formed, and wrong. */
    path[strlen(path) - 1] = path[strlen(path) - 1] == 'A' ? 'B' : 'A';
    answer = page_ask("GET", path, NULL);
    expect_page(&answer, 404, "wrong");
    answer = page_ask("POST", path, NULL);
    cr_expect_eq(answer.status, 303);
    answer_free(&answer);
    free(another->code);
    another->code = strdup(member->code);
    expect_state(another, 404, "wrong");
    press(another);
    after = page_contents(member);
    cr_expect_str_eq(after, before);
    free(before);
    free(after);
    free(path);
    member_free(member);
    member_free(another);
}

#define LONG_16 "aaaaaaaaaaaaaaaa"
#define LONG_256                                                                                             \
    LONG_16 LONG_16 LONG_16 LONG_16 LONG_16 LONG_16 LONG_16 LONG_16 LONG_16 LONG_16 LONG_16 LONG_16 LONG_16  \
        LONG_16 LONG_16 LONG_16
#define LONG_4096                                                                                            \
    LONG_256 LONG_256 LONG_256 LONG_256 LONG_256 LONG_256 LONG_256 LONG_256 LONG_256 LONG_256 LONG_256       \
        LONG_256 LONG_256 LONG_256 LONG_256 LONG_256
#define LONG LONG_4096 LONG_4096 LONG_4096 LONG_4096

Test(page, answers_a_refused_request)
{
    static const char *const methods[] = {"PUT", "DELETE", "PATCH", "OPTIONS"};
    static const struct {
        const char *bytes;
        int status;
    } rows[] = {
        {"GET /invitations/x HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nContent-Length: 0\r\n\r\n", 400},
        {"POST /invitations/x HTTP/1.1\r\nHost: a\r\nExpect: wonders\r\nContent-Length: 1\r\n\r\n", 417},
        {"POST /invitations/x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 411},
        {"POST http://a/invitations/x?y HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\n\r\n", 413},
        {"GET /invitations/x HTTP/1.1\r\nHost: a\r\nX: " LONG, 431},
        {"GET /invitations/x HTTP/2\r\n\r\n", 400},
    };
    struct member *member = member_invite_new(server, account);
    char *large = malloc(70001);
    struct answer answer;

    for (size_t i = 0; i < COUNT(methods); i++) {
        answer = page_ask_member(methods[i], member, NULL);
        expect_header(&answer, "allow", "GET, HEAD, POST");
        expect_page(&answer, 405, "refused");
        answer = page_ask(methods[i], "/invitations/x", NULL);
        expect_page(&answer, 404, "wrong");
    }
    for (size_t i = 0; i < COUNT(rows); i++) {
        char *received = send_raw(server, rows[i].bytes, strlen(rows[i].bytes)), line[32];

        snprintf(line, sizeof(line), "HTTP/1.1 %d ", rows[i].status);
        cr_expect_eq(strncmp(received, line, strlen(line)), 0, "%s: %s", rows[i].bytes, received);
        cr_expect_not_null(strstr(received, "content-type: " PAGE_MEDIA_TYPE), "%s", received);
        cr_expect_not_null(strstr(received, "content-security-policy: default-src 'none'"), "%s", received);
        cr_expect_not_null(strstr(received, "<body class=\"refused\">"), "%s", received);
        cr_expect_not_null(strstr(received, "\r\nDate: "), "%s", received);
        free(received);
    }
    memset(large, 'a', 70000);
    large[70000] = '\0';
    char *path = page_path(member);
    answer = request(server, "POST", path, NULL, large, NULL);
    expect_page(&answer, 413, "refused");
    expect_state(member, 200, "open");
    free(path);
    free(large);
    member_free(member);
}

/* In the language of the headers received so far. */
Test(page, answers_an_incomplete_request)
{
    static const struct {
        const char *bytes;
        const char *language;
    } rows[] = {
        {"GET /invitations/x", "en"}, {"GET /invitations/x HTTP/1.1\r\nAccept-Language: de\r\n", "de"}};
    struct server *impatient = server_start(url, (const char *[]){"--request-timeout", "300", NULL});

    for (size_t i = 0; i < COUNT(rows); i++) {
        char *received = send_raw(impatient, rows[i].bytes, strlen(rows[i].bytes)), line[64];

        cr_expect_eq(strncmp(received, "HTTP/1.1 408 ", 13), 0, "%s", received);
        snprintf(line, sizeof(line), "\r\ncontent-language: %s\r\n", rows[i].language);
        cr_expect_not_null(strstr(received, line), "%s", received);
        cr_expect_not_null(strstr(received, "\r\nDate: "), "%s", received);
        cr_expect_not_null(strstr(received, "<body class=\"refused\">"), "%s", received);
        free(received);
    }
    server_end(impatient);
}

Test(page, reports_an_unavailable_database)
{
    struct cluster *cluster = cluster_start("page");
    PGconn *of_test = pg;
    struct account *account_of_test = account;
    struct member *member;
    struct answer answer;

    server_end(server);
    pg = database_connect(cluster->url);
    account = account_make(pg, "Client");
    server = server_start(cluster->server_url, NULL);
    member = member_invite_new(server, account);
    expect_state(member, 200, "open");
    PQfinish(pg);
    account_free(account);
    pg = of_test;
    account = account_of_test;
    cluster_run(cluster, "stop", "immediate");
    for (int i = 0; i < 4; i++) {
        answer = page_ask_member(i % 2 == 0 ? "GET" : "POST", member, "de");
        expect_header(&answer, "retry-after", "1");
        expect_header(&answer, "content-language", "de");
        cr_expect_not_null(strstr(answer.text, "<a href=\"\">Noch einmal versuchen</a>"));
        expect_page(&answer, 503, "busy");
    }
    answer = page_ask("GET", "/invitations/x", NULL);
    expect_page(&answer, 404, "wrong");
    cluster_remove(cluster);
    member_free(member);
}

Test(page, reports_a_lock_timeout)
{
    struct member *member = member_invite_new(server, account);
    struct answer answer;

    member_lock(pg, member);
    answer = page_ask_member("POST", member, NULL);
    expect_header(&answer, "retry-after", "1");
    expect_page(&answer, 503, "busy");
    expect_state(member, 200, "open");
    free(database_query(pg, "commit", NULL));
    press(member);
    member_free(member);
}
