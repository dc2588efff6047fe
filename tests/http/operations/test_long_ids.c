#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "harness/fixture.h"

/* When the ids with the usual number of digits are used up, new ids have one more group of four, and
 * everything continues to work. In a database of its own, because ids of other tests must not change. */

static struct scratch *scratch;
static PGconn *pg;
static struct server *server;

static void set_up(void)
{
    scratch = scratch_make("long_ids", true);
    pg = scratch->pg;
    server = server_start(scratch->server_url, NULL);
}

static void tear_down(void)
{
    server_end(server);
    scratch_free(scratch);
}

TestSuite(long_ids, .init = set_up, .fini = tear_down, .timeout = 60);

static void use_up_ids(void)
{
    free(database_query(pg,
        "select count(setval(s.sequence, s.last)) from (values"
        " ('accounts.account_key_seq'::regclass, 99999998), ('accounts.user_group_key_seq', 99999997),"
        " ('accounts.buyer_key_seq', 99999998), ('accounts.api_token_key_seq', 99999998),"
        " ('accounts.person_key_seq', 99999998), ('accounts.account_user_key_seq', 999999999998))"
        " as s (sequence, last)",
        NULL));
}

static struct answer ask(
    const char *method, const char *path, const struct account *account, const char *body)
{
    return request_json(server, method, path, account->token, body);
}

/* The number of objects that GET finds with a query. */
static void expect_found(const struct account *account, const char *filter, const char *id)
{
    char *path;
    struct answer answer;

    cr_assert_geq(asprintf(&path, ACCOUNT_USERS "?%s%s&limit=1", filter, id), 0);
    answer = ask("GET", path, account, NULL);
    cr_expect_eq(answer.status, 200, "%s: %s", path, answer.text);
    cr_expect_not_null(strstr(answer.text, "\"total\" : 1}"), "%s: %s", path, answer.text);
    answer_free(&answer);
    free(path);
}

/* All operations on one invitation into an account, whose ids have this many characters. */
static void live(const struct account *account, size_t short_len, size_t long_len)
{
    char *email = new_email(), *body = create_body(email, account->id, account->default_group), *path,
         *filter;
    struct member *member = member_invite(server, account->token, body);
    struct answer answer;

    cr_expect_eq(strlen(account->id), short_len, "%s", account->id);
    cr_expect_eq(strlen(account->default_group), short_len, "%s", account->default_group);
    cr_expect_eq(strlen(account->token_id), short_len, "%s", account->token_id);
    cr_expect_eq(strlen(member->user_id), short_len, "%s", member->user_id);
    cr_expect_eq(strlen(member->id), long_len, "%s", member->id);
    expect_found(account, "id=", member->id);
    expect_found(account, "user.id=", member->user_id);
    cr_assert_geq(
        asprintf(&filter, "id=%s&any(groups,eq(id,%s))&account.id=", member->id, account->default_group), 0);
    expect_found(account, filter, account->id);
    free(filter);
    for (enum path_form form = PATH_OF_ACCOUNT_USER; form < PATH_FORMS; form++) {
        char *group;

        path = member_path(member, form, "");
        answer = ask("GET", path, account, NULL);
        cr_expect_eq(answer.status, 200, "%s: %s", path, answer.text);
        answer_free(&answer);
        free(path);
        path = member_path(member, form, "/groups");
        cr_assert_geq(asprintf(&group, "{\"id\": \"%s\"}", account->other_group), 0);
        answer = ask("POST", path, account, group);
        cr_expect_eq(answer.status, 200, "%s: %s", path, answer.text);
        answer_free(&answer);
        free(group);
        free(path);
        cr_assert_geq(asprintf(&group, "/groups/%s", account->other_group), 0);
        path = member_path(member, form, group);
        answer = ask("DELETE", path, account, NULL);
        cr_expect_eq(answer.status, 204, "%s: %ld %s", path, answer.status, answer.text);
        answer_free(&answer);
        free(group);
        free(path);
    }
    cr_assert_geq(asprintf(&path, "/invitations/%s/%s", member->id, member->code), 0);
    answer = request(server, "POST", path, NULL, "", NULL);
    cr_expect_eq(answer.status, 303, "%s: %ld %s", path, answer.status, answer.text);
    answer_free(&answer);
    free(path);
    path = member_path(member, PATH_OF_USER, "");
    answer = ask("DELETE", path, account, NULL);
    cr_expect_eq(answer.status, 204, "%s: %ld %s", path, answer.status, answer.text);
    answer_free(&answer);
    free(path);
    member_free(member);
    free(email);
    free(body);
}

Test(long_ids, follow_when_the_short_ones_are_used_up)
{
    struct account *account;

    use_up_ids();
    for (size_t i = 0; i < 2; i++) {
        account = account_make(pg, "Client");
        live(account, i == 0 ? strlen("ACC-0000-0000") : strlen("ACC-0000-0000-0000"),
            i == 0 ? strlen("AUSR-0000-0000-0000") : strlen("AUSR-0000-0000-0000-0000"));
        account_free(account);
    }
}

static char *keys_used(void)
{
    return database_query(
        pg, "select string_agg(concat(k.object, ' ', k.used), ', ') from api.key_space() as k", NULL);
}

Test(long_ids, dry_runs_and_known_people_use_up_no_ids)
{
    struct account *account = account_make(pg, "Client"), *other = account_make(pg, "Client");
    char *known = new_email(), *body = create_body(known, NULL, NULL), *before, *after;
    static const char *const headers[] = {"Content-Type: application/json", "Prefer: tx=rollback", NULL};

    member_free(member_invite(server, other->token, body));
    before = keys_used();
    for (size_t i = 0; i < 200; i++) {
        char *email = i % 2 == 0 ? strdup(known) : new_email(), *sent = create_body(email, NULL, NULL);
        struct answer answer = request(server, "POST", ACCOUNT_USERS, account->token, sent, headers);

        cr_assert_eq(answer.status, 201, "%ld %s", answer.status, answer.text);
        cr_expect_eq(strlen(answer_text(&answer, "user", "id", NULL)), strlen("USR-0000-0000"));
        answer_free(&answer);
        free(email);
        free(sent);
    }
    after = keys_used();
    cr_expect_str_eq(after, before);
    free(before);
    free(after);
    free(known);
    free(body);
    account_free(account);
    account_free(other);
}
