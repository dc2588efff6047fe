#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/count.h"
#include "harness/service.h"
#include "http/concurrency/mixture.h"

/* Prefer: tx=rollback over HTTP; tests/sql tests the database's part. */

TestSuite(rehearsal, .init = service_set_up, .fini = service_tear_down, .timeout = 60);

/* All rows of the account's members, and of the person with an address. */
static char *contents(const char *email)
{
    char *members = mixture_fingerprint(pg, account), *person, *all = NULL;

    person = database_query(pg,
        "select string_agg(p::text || coalesce(k::text, ''), e'\n') from accounts.person as p"
        " left join accounts.account_user as u on u.person_key = p.key"
        " left join accounts.idempotency_key as k on k.id = internal.account_user_id(u.key) where "
        "p.email_key = internal.email_key($1)",
        email, NULL);
    cr_assert_geq(asprintf(&all, "%s\n%s", members, person), 0);
    free(members);
    free(person);
    return all;
}

Test(rehearsal, changes_nothing)
{
    static const struct {
        const char *method, *path, *body;
        long status;
    } cases[] = {
        {"POST", "/resend-invite", NULL, 200},
        {"POST", "/send-new-invite", NULL, 400},
        {"POST", "/accept-invite", "code", 200},
        {"POST", "/groups", "{\"id\":", 200},
        {"PUT", "/groups", "[{\"id\":", 200},
        {"DELETE", "", NULL, 204},
    };
    char *email = new_email(), *body = create_body(email, NULL, NULL), *before, *after;
    struct member *member = member_invite(server, account->token, body);

    before = contents(email);
    for (size_t i = 0; i < COUNT(cases); i++) {
        for (enum path_form form = PATH_OF_ACCOUNT_USER; form < PATH_FORMS; form++) {
            char *path = member_path(member, form, cases[i].path), *sent = NULL;
            struct answer answer;

            if (cases[i].body != NULL && strcmp(cases[i].body, "code") == 0)
                sent = accept_body(member->code);
            else if (cases[i].body != NULL)
                cr_assert_geq(asprintf(&sent, "%s\"%s\"%s", cases[i].body, account->other_group,
                                  cases[i].body[0] == '[' ? "}]" : "}"),
                    0);
            answer = send_json(cases[i].method, path, account->token, sent, "Prefer: tx=rollback", NULL);
            cr_expect_eq(answer.status, cases[i].status, "%s %s: %ld %s", cases[i].method, path,
                answer.status, answer.text);
            expect_header(&answer, "preference-applied", "tx=rollback");
            answer_free(&answer);
            free(path);
            free(sent);
        }
    }
    after = contents(email);
    cr_expect_str_eq(after, before);
    member_free(member);
    free(email);
    free(body);
    free(before);
    free(after);
}

Test(rehearsal, answers_like_an_invitation)
{
    static const char *const prefer[][2] = {{"Prefer: tx=rollback", NULL},
        {"prefer: respond-async , TX = \"RollBack\";a=b", NULL}, {"Prefer: wait=1", "Prefer: tx=rollback"}};
    char *email = new_email(), *body = create_body(email, NULL, NULL), *count;
    struct answer answer;

    for (size_t i = 0; i < COUNT(prefer); i++) {
        answer = send_json("POST", ACCOUNT_USERS, account->token, body, prefer[i][0], prefer[i][1]);
        cr_expect_eq(answer.status, 201, "%ld %s", answer.status, answer.text);
        cr_expect_str_eq(answer_text(&answer, "user", "name", NULL), "Ann Lee");
        expect_header(&answer, "preference-applied", "tx=rollback");
        answer_free(&answer);
    }
    for (int i = 0; i < 2; i++) {
        answer = send_json("POST", ACCOUNT_USERS, account->token, body, prefer[0][0], "Idempotency-Key: dry");
        cr_expect_eq(answer.status, 201, "%ld %s", answer.status, answer.text);
        expect_header(&answer, "idempotency-replayed", "");
        answer_free(&answer);
    }
    answer = send_json("POST", ACCOUNT_USERS, account->token, "{}", prefer[0][0], NULL);
    cr_expect_eq(answer.status, 400, "%ld %s", answer.status, answer.text);
    answer_free(&answer);
    answer = send_json("GET", ACCOUNT_USERS "?limit=0", account->token, NULL, prefer[0][0], NULL);
    cr_expect_eq(answer.status, 200, "%ld %s", answer.status, answer.text);
    expect_header(&answer, "preference-applied", "");
    answer_free(&answer);
    count = database_query(
        pg, "select count(*) from accounts.person where email_key = internal.email_key($1)", email, NULL);
    cr_expect_str_eq(count, "0", "something was kept");
    free(count);
    answer = send_json("POST", ACCOUNT_USERS, account->token, body, "Prefer: tx=commit, tx=rollback",
        "Idempotency-Key: dry");
    cr_expect_eq(answer.status, 201, "%ld %s", answer.status, answer.text);
    expect_header(&answer, "preference-applied", "");
    count = database_query(pg,
        "select count(*) from accounts.account_user where key = internal.account_user_key($1)",
        answer_text(&answer, "id", NULL), NULL);
    cr_expect_str_eq(count, "1", "it was only rehearsed");
    answer_free(&answer);
    free(count);
    free(email);
    free(body);
}
