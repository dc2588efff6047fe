#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/count.h"
#include "page.h"

/* The page of an invitation and its button, as bytes; tests/browser tests it in a browser. */

TestSuite(page, .init = service_set_up, .fini = service_tear_down, .timeout = 120);

static struct answer change(const char *method, const struct member *member, const char *more)
{
    char *path = member_path(member, PATH_OF_ACCOUNT_USER, more);
    struct answer answer = request(server, method, path, account->token, NULL, NULL);

    free(path);
    return answer;
}

Test(page, shows_the_state_of_an_invitation)
{
    struct member *member = member_invite_new(server, account);
    struct answer answer;

    expect_state(member, 200, "open");
    press(member);
    expect_state(member, 200, "accepted");
    answer = change("DELETE", member, "");
    answer_free(&answer);
    expect_state(member, 410, "revoked");
    member_free(member);

    member = member_invite_new(server, account);
    answer = change("POST", member, "/resend-invite");
    answer_free(&answer);
    expect_state(member, 410, "superseded");
    member_free(member);

    member = member_invite_new(server, account);
    free(database_query(pg,
        "update accounts.invitation set sent_at = sent_at - interval '8 days', expires_at = expires_at - "
        "interval '8 days' where account_user_key = internal.account_user_key($1)",
        member->id, NULL));
    expect_state(member, 410, "expired");
    member_free(member);

    member = member_invite_new(server, account);
    free(database_query(pg,
        "update accounts.account set status = 'Disabled' where key = internal.account_key($1)", account->id,
        NULL));
    expect_state(member, 409, "disabled");
    press(member);
    expect_state(member, 409, "disabled");
    member_free(member);
}

Test(page, get_changes_nothing)
{
    struct member *member = member_invite_new(server, account);
    char *before = page_contents(member), *after;

    for (int i = 0; i < 100; i++) {
        struct answer answer = page_ask_member(i % 2 == 0 ? "GET" : "HEAD", member, NULL);

        cr_expect_eq(answer.status, 200);
        answer_free(&answer);
    }
    after = page_contents(member);
    cr_expect_str_eq(after, before);
    free(before);
    free(after);
    member_free(member);
}

Test(page, the_button_accepts_once)
{
    struct member *member = member_invite_new(server, account);
    char *first, *second, *status;

    press(member);
    first = page_contents(member);
    status = database_query(pg,
        "select status from accounts.account_user where key = internal.account_user_key($1)", member->id,
        NULL);
    cr_expect_str_eq(status, "Active");
    press(member);
    press(member);
    second = page_contents(member);
    cr_expect_str_eq(second, first);
    expect_state(member, 200, "accepted");
    free(status);
    free(first);
    free(second);
    member_free(member);
}

Test(page, ignores_what_programs_send)
{
    struct member *member = member_invite_new(server, account);
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
    answer = page_ask_member("GET", member, "en");
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

Test(page, may_be_switched_off)
{
    struct member *member = member_invite_new(server, account);
    static const char *const methods[] = {"GET", "HEAD", "POST"};
    struct answer answer;

    server_end(server);
    server = server_start(url, (const char *[]){"--invitation-page", "0", NULL});
    for (size_t i = 0; i < COUNT(methods); i++) {
        answer = page_ask_member(methods[i], member, NULL);
        cr_expect_eq(answer.status, 404);
        expect_header(&answer, "content-type", "application/problem+json");
        expect_header(&answer, "content-security-policy", "");
        answer_free(&answer);
    }
    answer = page_ask("GET", "/invitations/x", NULL);
    cr_expect_eq(answer.status, 404);
    cr_expect_str_eq(answer_text(&answer, "title", NULL), "Not Found");
    answer_free(&answer);
    member_free(member);
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
