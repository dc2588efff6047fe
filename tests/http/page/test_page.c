#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "harness/service.h"
#include "harness/trouble.h"

/* The page of an invitation, as bytes; tests/browser tests it in a browser. */

#define INVITATIONS "/invitations/"
#define PAGE_MEDIA_TYPE "text/html; charset=utf-8"

TestSuite(page, .init = service_set_up, .fini = service_tear_down, .timeout = 120);

static struct member *invite(void)
{
    char *email = new_email(), *body = create_body(email, NULL, NULL);
    struct member *member = member_invite(server, account->token, body);

    free(email);
    free(body);
    return member;
}

static char *page_path(const struct member *member)
{
    char *path = NULL;

    cr_assert_geq(asprintf(&path, INVITATIONS "%s/%s", member->id, member->code), 0);
    return path;
}

static struct answer ask(const char *method, const char *path, const char *languages)
{
    char header[8300];

    snprintf(header, sizeof(header), "Accept-Language: %s", languages != NULL ? languages : "");
    return request(server, method, path, NULL, strcmp(method, "POST") == 0 ? "" : NULL,
        (const char *[]){languages != NULL ? header : NULL, NULL});
}

static struct answer ask_member(const char *method, const struct member *member, const char *languages)
{
    char *path = page_path(member);
    struct answer answer = ask(method, path, languages);

    free(path);
    return answer;
}

/* The headers of every answer below the path. */
static void expect_page_headers(const struct answer *answer)
{
    static const char begin[] = "default-src 'none'; style-src 'sha256-",
                      end[] = "='; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";
    char *policy = answer_header(answer, "content-security-policy");

    cr_expect(strncmp(policy, begin, strlen(begin)) == 0 && strlen(policy) > strlen(begin) + strlen(end) &&
                  strcmp(policy + strlen(policy) - strlen(end), end) == 0,
        "%s", policy);
    free(policy);
    expect_header(answer, "cache-control", "no-store");
    expect_header(answer, "referrer-policy", "no-referrer");
    expect_header(answer, "vary", "Accept-Language");
    expect_header(answer, "x-content-type-options", "nosniff");
    expect_header(answer, "x-frame-options", "DENY");
    expect_header(answer, "x-robots-tag", "noindex");
}

/* state: the class of the page's body. */
static void expect_page(struct answer *answer, long status, const char *state)
{
    char body[64];

    snprintf(body, sizeof(body), "<body class=\"%s\">", state);
    cr_expect_eq(answer->status, status, "%ld, not %ld: %s", answer->status, status, answer->text);
    cr_expect_not_null(strstr(answer->text, body), "%s: %s", state, answer->text);
    cr_expect_eq(strncmp(answer->text, "<!doctype html>\n", 16), 0);
    expect_header(answer, "content-type", PAGE_MEDIA_TYPE);
    expect_page_headers(answer);
    answer_free(answer);
}

static void expect_state(const struct member *member, long status, const char *state)
{
    struct answer answer = ask_member("GET", member, NULL), head = ask_member("HEAD", member, NULL);

    cr_expect_eq(head.status, status);
    cr_expect_str_eq(head.text, "");
    expect_page_headers(&head);
    cr_expect_null(strstr(answer.text, member->code), "the code is in the page");
    answer_free(&head);
    expect_page(&answer, status, state);
}

/* POST, which always redirects to the page. */
static void press(const struct member *member)
{
    char *path = page_path(member), *pressed = NULL;
    struct answer answer;

    cr_assert_geq(asprintf(&pressed, "%s?from=mail", path), 0);
    answer = ask("POST", pressed, NULL);
    cr_expect_eq(answer.status, 303, "%ld: %s", answer.status, answer.text);
    cr_expect_str_eq(answer.text, "");
    expect_header(&answer, "location", path);
    expect_header(&answer, "content-type", "");
    expect_page_headers(&answer);
    answer_free(&answer);
    free(pressed);
    free(path);
}

static struct answer change(const char *method, const struct member *member, const char *more)
{
    char *path = member_path(member, PATH_OF_ACCOUNT_USER, more);
    struct answer answer = request(server, method, path, account->token, NULL, NULL);

    free(path);
    return answer;
}

/* The rows of a membership and its invitations. */
static char *contents(const struct member *member)
{
    return database_query(pg,
        "select jsonb_build_array(to_jsonb(u), (select jsonb_agg(to_jsonb(i) order by i.key) from "
        "accounts.invitation as i where i.account_user_key = u.key),"
        " (select count(*) from accounts.audit_record as r where r.object_id = $1))"
        " from accounts.account_user as u where u.key = internal.account_user_key($1)",
        member->id, NULL);
}

Test(page, tells_the_state_of_an_invitation)
{
    struct member *member = invite();
    struct answer answer;

    expect_state(member, 200, "open");
    press(member);
    expect_state(member, 200, "accepted");
    answer = change("DELETE", member, "");
    answer_free(&answer);
    expect_state(member, 410, "revoked");
    member_free(member);

    member = invite();
    answer = change("POST", member, "/resend-invite");
    answer_free(&answer);
    expect_state(member, 410, "superseded");
    member_free(member);

    member = invite();
    free(database_query(pg,
        "update accounts.invitation set sent_at = sent_at - interval '8 days', expires_at = expires_at - "
        "interval '8 days' where account_user_key = internal.account_user_key($1)",
        member->id, NULL));
    expect_state(member, 410, "expired");
    member_free(member);

    member = invite();
    free(database_query(pg,
        "update accounts.account set status = 'Disabled' where key = internal.account_key($1)", account->id,
        NULL));
    expect_state(member, 409, "disabled");
    press(member);
    expect_state(member, 409, "disabled");
    member_free(member);
}

Test(page, looking_changes_nothing)
{
    struct member *member = invite();
    char *before = contents(member), *after;

    for (int i = 0; i < 100; i++) {
        struct answer answer = ask_member(i % 2 == 0 ? "GET" : "HEAD", member, NULL);

        cr_expect_eq(answer.status, 200);
        answer_free(&answer);
    }
    after = contents(member);
    cr_expect_str_eq(after, before);
    free(before);
    free(after);
    member_free(member);
}

Test(page, the_button_accepts_once)
{
    struct member *member = invite();
    char *first, *second, *status;

    press(member);
    first = contents(member);
    status = database_query(pg,
        "select status from accounts.account_user where key = internal.account_user_key($1)", member->id,
        NULL);
    cr_expect_str_eq(status, "Active");
    press(member);
    press(member);
    second = contents(member);
    cr_expect_str_eq(second, first);
    expect_state(member, 200, "accepted");
    free(status);
    free(first);
    free(second);
    member_free(member);
}

Test(page, takes_no_notice_of_what_programs_send)
{
    struct member *member = invite();
    char *path = page_path(member);
    struct answer answer = request(server, "POST", path, NULL, "x=1",
        (const char *[]){"Prefer: tx=rollback", "Idempotency-Key: \"not\" \"one\"", "Authorization: nonsense",
            "Content-Type: application/x-www-form-urlencoded", NULL});

    cr_expect_eq(answer.status, 303, "%ld: %s", answer.status, answer.text);
    answer_free(&answer);
    expect_state(member, 200, "accepted");
    free(path);
    member_free(member);
}

Test(page, a_link_that_is_cut_or_changed_leads_to_a_page)
{
    struct member *member = invite(), *another = invite();
    static const char *const paths[] = {"/invitations/", "/invitations//", "/invitations/AUSR-0000-0000-0000",
        "/invitations/AUSR-0000-0000-0000/", "/invitations/AUSR-0000-0000-0000/x", "/invitations/ausr-0000/x",
        "/invitations/%41USR-0000-0000-0000/x", "/invitations/AUSR-0000-0000-0000/x/",
        "/invitations/favicon.ico", "/invitations/AUSR-0000-0000-0000/x.", "/invitations/<script>",
        "/invitations/a?b=<script>"};
    struct answer answer;
    char *path = page_path(member), *before = contents(member), *after;

    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        answer = ask("GET", paths[i], NULL);
        cr_expect_null(strstr(answer.text, "<script>"));
        expect_page(&answer, 404, "wrong");
    }
    for (size_t len = strlen(INVITATIONS); len < strlen(path); len++) {
        char *cut = strndup(path, len);

        answer = ask("GET", cut, NULL);
        expect_page(&answer, 404, "wrong");
        free(cut);
    }
    /* Well-formed, and wrong. */
    path[strlen(path) - 1] = path[strlen(path) - 1] == 'A' ? 'B' : 'A';
    answer = ask("GET", path, NULL);
    expect_page(&answer, 404, "wrong");
    answer = ask("POST", path, NULL);
    cr_expect_eq(answer.status, 303);
    answer_free(&answer);
    free(another->code);
    another->code = strdup(member->code);
    expect_state(another, 404, "wrong");
    press(another);
    after = contents(member);
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

Test(page, what_is_refused_is_told_by_a_page)
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
    struct member *member = invite();
    char *large = malloc(70001);
    struct answer answer;

    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
        answer = ask_member(methods[i], member, NULL);
        expect_header(&answer, "allow", "GET, HEAD, POST");
        expect_page(&answer, 405, "refused");
        answer = ask(methods[i], "/invitations/x", NULL);
        expect_page(&answer, 404, "wrong");
    }
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
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

Test(page, escapes_names)
{
    static const char name[] = "<script>alert(\"1\")</script> & 'x' 🎉 שלום {account}";
    struct member *member;
    struct answer answer;
    char *body = NULL, *email = new_email();

    free(database_query(pg, "update accounts.account set name = $2 where key = internal.account_key($1)",
        account->id, name, NULL));
    cr_assert_geq(
        asprintf(
            &body, "{\"user\":{\"email\":\"%s\",\"firstName\":\"<b>\",\"lastName\":\"\\\"&amp;\"}}", email),
        0);
    member = member_invite(server, account->token, body);
    answer = ask_member("GET", member, "en");
    cr_expect_null(strstr(answer.text, "<script>"), "%s", answer.text);
    cr_expect_not_null(strstr(answer.text, "<h1><bdi>Token of a test</bdi> invites you to join "
                                           "<bdi>&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt; "
                                           "&amp; &#39;x&#39; 🎉 שלום {account}</bdi></h1>"));
    cr_expect_not_null(strstr(answer.text, "<title>Invitation to &lt;script&gt;"));
    cr_expect_not_null(strstr(answer.text, "<bdi>&lt;b&gt; &quot;&amp;amp;</bdi>"), "%s", answer.text);
    expect_page(&answer, 200, "open");
    member_free(member);
    free(body);
    free(email);
}

Test(page, speaks_what_the_browser_asks_for)
{
    static const struct {
        const char *accepted, *language;
    } rows[] = {
        {NULL, "en"},
        {"de", "de"},
        {"fr-CA,fr;q=0.9,en;q=0.8", "fr"},
        {"nl;q=1, es;q=0.2, de;q=0.1", "es"},
        {"de;q=0, fr;q=0.1", "fr"},
        {"nl", "en"},
        {"*", "en"},
        {"nl, *;q=0.5", "en"},
        {"garbage;;;///,,,q=q", "en"},
        {"\xff\xfe", "en"},
        {"../../etc/passwd", "en"},
    };
    struct member *member = invite();
    char long_header[8193], *log;
    struct answer answer;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char lang[32];

        answer = ask_member("GET", member, rows[i].accepted);
        snprintf(lang, sizeof(lang), "<html lang=\"%s\" ", rows[i].language);
        cr_expect_not_null(strstr(answer.text, lang), "%s: %.80s", rows[i].accepted, answer.text);
        expect_header(&answer, "content-language", rows[i].language);
        expect_page(&answer, 200, "open");
    }
    for (size_t i = 0; i < sizeof(long_header) - 1; i++)
        long_header[i] = "ja-JP,ko;q=0.5,"[i % 15];
    memcpy(long_header + sizeof(long_header) - 4, ",de", 4);
    answer = ask_member("GET", member, long_header);
    expect_header(&answer, "content-language", "de");
    expect_page(&answer, 200, "open");
    answer = ask("GET", "/invitations/x", "es");
    expect_header(&answer, "content-language", "es");
    expect_page(&answer, 404, "wrong");

    log = server_log(server);
    cr_expect_null(strstr(log, member->code), "the code is in the log");
    cr_expect_not_null(strstr(log, "\"route\":\"/invitations/{accountUser}/{code}\""), "%s", log);
    free(log);
    member_free(member);
}

Test(page, dates_are_the_readers)
{
    struct member *member = invite();
    struct answer answer;

    free(database_query(pg,
        "update accounts.invitation set expires_at = '2099-12-02 15:04:05.678Z' where account_user_key = "
        "internal.account_user_key($1)",
        member->id, NULL));
    answer = ask_member("GET", member, "en-GB, en-US;q=0.5");
    cr_expect_not_null(strstr(answer.text, "2 December 2099 at 15:04 UTC"), "%s", answer.text);
    answer_free(&answer);
    answer = ask_member("GET", member, "de-AT");
    cr_expect_not_null(strstr(answer.text, "2. Dezember 2099 um 15:04 UTC"), "%s", answer.text);
    answer_free(&answer);
    member_free(member);
}

Test(page, a_database_that_is_away_is_told)
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
    member = invite();
    expect_state(member, 200, "open");
    PQfinish(pg);
    account_free(account);
    pg = of_test;
    account = account_of_test;
    cluster_run(cluster, "stop", "immediate");
    for (int i = 0; i < 4; i++) {
        answer = ask_member(i % 2 == 0 ? "GET" : "POST", member, "de");
        expect_header(&answer, "retry-after", "1");
        expect_header(&answer, "content-language", "de");
        cr_expect_not_null(strstr(answer.text, "<a href=\"\">Noch einmal versuchen</a>"));
        expect_page(&answer, 503, "busy");
    }
    answer = ask("GET", "/invitations/x", NULL);
    expect_page(&answer, 404, "wrong");
    cluster_remove(cluster);
    member_free(member);
}

Test(page, a_lock_that_is_held_is_told)
{
    struct member *member = invite();
    struct answer answer;

    free(database_query(pg, "begin", NULL));
    free(database_query(pg,
        "select key from accounts.account_user where key = internal.account_user_key($1) for update",
        member->id, NULL));
    answer = ask_member("POST", member, NULL);
    expect_header(&answer, "retry-after", "1");
    expect_page(&answer, 503, "busy");
    expect_state(member, 200, "open");
    free(database_query(pg, "commit", NULL));
    press(member);
    member_free(member);
}

Test(page, may_be_switched_off)
{
    struct member *member = invite();
    static const char *const methods[] = {"GET", "HEAD", "POST"};
    struct answer answer;

    server_end(server);
    server = server_start(url, (const char *[]){"--invitation-page", "0", NULL});
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
        answer = ask_member(methods[i], member, NULL);
        cr_expect_eq(answer.status, 404);
        expect_header(&answer, "content-type", "application/problem+json");
        expect_header(&answer, "content-security-policy", "");
        answer_free(&answer);
    }
    answer = ask("GET", "/invitations/x", NULL);
    cr_expect_eq(answer.status, 404);
    cr_expect_str_eq(answer_text(&answer, "title", NULL), "Not Found");
    answer_free(&answer);
    member_free(member);
}

/* In the language of the headers received so far. */
Test(page, what_does_not_arrive_is_told_by_a_page)
{
    static const struct {
        const char *bytes;
        const char *language;
    } rows[] = {
        {"GET /invitations/x", "en"}, {"GET /invitations/x HTTP/1.1\r\nAccept-Language: de\r\n", "de"}};
    struct server *hasty = server_start(url, (const char *[]){"--request-timeout", "300", NULL});

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char *received = send_raw(hasty, rows[i].bytes, strlen(rows[i].bytes)), line[64];

        cr_expect_eq(strncmp(received, "HTTP/1.1 408 ", 13), 0, "%s", received);
        snprintf(line, sizeof(line), "\r\ncontent-language: %s\r\n", rows[i].language);
        cr_expect_not_null(strstr(received, line), "%s", received);
        cr_expect_not_null(strstr(received, "\r\nDate: "), "%s", received);
        cr_expect_not_null(strstr(received, "<body class=\"refused\">"), "%s", received);
        free(received);
    }
    server_end(hasty);
}

Test(page, templates_are_checked_before_the_server_starts)
{
    char *said;
    int status =
        server_run((const char *[]){"--check-config", "--templates", "/nowhere/at/all", NULL}, &said);

    cr_expect_neq(status, 0);
    cr_expect_str_eq(said, "accountsd: /nowhere/at/all: No such file or directory\n");
    free(said);
}
