#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "harness/cluster.h"
#include "harness/service.h"

#define TWINS 50

TestSuite(create, .init = service_set_up, .fini = service_tear_down, .timeout = 120);

/* Invites, and expects 201. */
static struct answer invite(const char *email, const char *group)
{
    char *body = create_body(email, NULL, group);
    struct answer answer = post(server, account->token, body);

    cr_assert_eq(answer.status, 201, "%ld %s", answer.status, answer.text);
    free(body);
    return answer;
}

/* The keys of an object, with their types as letters; values as in the seed, null where none is known. */
static void assert_shape(const json_t *object, const char *path, const char *const *shape)
{
    size_t count = 0;

    cr_assert(json_is_object(object), "%s is no object", path);
    for (; shape[count] != NULL; count++) {
        const json_t *value = json_object_get(object, shape[count] + 2);

        cr_assert_not_null(value, "%s has no %s", path, shape[count] + 2);
        switch (shape[count][0]) {
        case 's':
            cr_expect(json_is_string(value), "%s.%s is no string", path, shape[count] + 2);
            break;
        case 'n':
            cr_expect(json_is_null(value), "%s.%s is not null", path, shape[count] + 2);
            break;
        case 'b':
            cr_expect(json_is_boolean(value), "%s.%s is no boolean", path, shape[count] + 2);
            break;
        case 'a':
            cr_expect(json_is_array(value), "%s.%s is no array", path, shape[count] + 2);
            break;
        case 'o':
            cr_expect(json_is_object(value), "%s.%s is no object", path, shape[count] + 2);
            break;
        default:
            cr_assert_fail("%s", shape[count]);
        }
    }
    cr_expect_eq(json_object_size(object), count, "%s has more keys than the contract: %s", path,
        json_dumps(object, JSON_COMPACT));
}

#define SHAPE(object, path, ...) assert_shape(object, path, (const char *const[]){__VA_ARGS__, NULL})

Test(create, answers_with_the_object_of_the_contract)
{
    char *email = new_email(), *location;
    struct answer answer;
    json_t *body, *audit, *module;

    free(database_query(pg,
        "select api.create_user_group(jsonb_build_object('account', jsonb_build_object('id', $1::text), "
        "'name', 'With a"
        " module', 'allBuyers', true, 'modules', jsonb_build_array(jsonb_build_object('id',"
        " api.create_module(jsonb_build_object('name', 'Module ' || gen_random_uuid())) ->> 'id'))))",
        account->id, NULL));
    char *group = database_query(pg,
        "select internal.user_group_id(key) from accounts.user_group where name = 'With a module' and "
        "account_key ="
        " internal.account_key($1)",
        account->id, NULL);
    answer = invite(email, group);
    body = answer.body;
    audit = json_object_get(body, "audit");
    SHAPE(body, "", "s id", "o audit", "o $meta", "o user", "a groups", "a buyers", "a modules", "o account",
        "o invitation", "n lastLoginAt");
    SHAPE(audit, "audit", "o created", "o updated", "n invitationAcceptedAt", "o access", "o joined");
    SHAPE(json_object_get(audit, "created"), "audit.created", "s at", "o by");
    SHAPE(json_object_get(json_object_get(audit, "created"), "by"), "audit.created.by", "s id", "s name",
        "n icon");
    SHAPE(json_object_get(audit, "updated"), "audit.updated", "s at", "o by");
    SHAPE(json_object_get(audit, "access"), "audit.access", "n at");
    SHAPE(json_object_get(audit, "joined"), "audit.joined", "n at");
    SHAPE(json_object_get(body, "$meta"), "$meta", "a omitted");
    SHAPE(json_object_get(body, "user"), "user", "s id", "n icon", "s name");
    SHAPE(json_array_get(json_object_get(body, "groups"), 0), "groups[0]", "s id", "s name", "n description",
        "n logo", "b isDefault");
    SHAPE(json_array_get(json_object_get(body, "buyers"), 0), "buyers[0]", "s id", "n icon", "s name");
    module = json_array_get(json_object_get(body, "modules"), 0);
    SHAPE(module, "modules[0]", "s id", "n description", "s name", "o filters", "o settings");
    SHAPE(json_object_get(module, "filters"), "modules[0].filters", "a group.buyers");
    SHAPE(json_object_get(module, "settings"), "modules[0].settings", "b configurable", "b default", "b paid",
        "a type", "b obsolete", "o eligibility");
    SHAPE(json_object_get(json_object_get(module, "settings"), "eligibility"),
        "modules[0].settings.eligibility", "b multi", "b single");
    SHAPE(json_object_get(body, "account"), "account", "s id", "n icon", "s type", "s status", "s name");
    SHAPE(json_object_get(body, "invitation"), "invitation", "s url", "s status");

    cr_expect_str_eq(answer_text(&answer, "user", "name", NULL), "Ann Lee");
    cr_expect_str_eq(answer_text(&answer, "account", "id", NULL), account->id);
    cr_expect_str_eq(answer_text(&answer, "invitation", "status", NULL), "Invited");
    cr_expect_str_eq(answer_text(&answer, "audit", "created", "by", "id", NULL), account->token_id);
    location = answer_header(&answer, "location");
    cr_expect_eq(strncmp(location, ACCOUNT_USERS "/", strlen(ACCOUNT_USERS "/")), 0);
    cr_expect_str_eq(location + strlen(ACCOUNT_USERS "/"), answer_text(&answer, "id", NULL));
    free(location);
    expect_header(&answer, "content-type", "application/json");
    answer_free(&answer);
    free(email);
    free(group);
}

Test(create, invites_again_with_the_same_ids_and_a_new_code)
{
    char *email = new_email();
    struct answer first = invite(email, NULL), second = invite(email, account->other_group);

    cr_expect_str_eq(answer_text(&first, "id", NULL), answer_text(&second, "id", NULL));
    cr_expect_str_eq(answer_text(&first, "user", "id", NULL), answer_text(&second, "user", "id", NULL));
    cr_expect_str_neq(
        answer_text(&first, "invitation", "url", NULL), answer_text(&second, "invitation", "url", NULL));
    cr_expect_eq(json_array_size(json_object_get(second.body, "groups")), 1);
    cr_expect_str_eq(
        json_string_value(json_object_get(json_array_get(json_object_get(second.body, "groups"), 0), "id")),
        account->other_group);
    answer_free(&first);
    answer_free(&second);
    free(email);
}

/* The same call in psql returns the same JSON, except for new values and the actor. */
Test(create, answers_the_same_in_sql)
{
    char *email = new_email(), *body = create_body(email, account->id, NULL), *text;
    struct answer over_http = invite(email, NULL);
    json_t *over_sql;

    text = database_query(pg, "select api.create_account_user($1::jsonb)", body, NULL);
    over_sql = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    cr_expect_str_eq(
        json_string_value(json_object_get(
            json_object_get(json_object_get(json_object_get(over_sql, "audit"), "updated"), "by"), "name")),
        "postgres");
    json_object_del(json_object_get(over_http.body, "audit"), "updated");
    json_object_del(json_object_get(over_sql, "audit"), "updated");
    json_object_del(json_object_get(over_http.body, "invitation"), "url");
    json_object_del(json_object_get(over_sql, "invitation"), "url");
    cr_expect(json_equal(over_http.body, over_sql), "HTTP %s\nSQL %s", over_http.text, text);
    json_decref(over_sql);
    answer_free(&over_http);
    free(text);
    free(body);
    free(email);
}

Test(create, answers_409_for_an_active_user_and_changes_nothing)
{
    char *email = new_email(), *body = create_body(email, NULL, account->other_group), *groups;
    struct answer answer = invite(email, NULL);

    free(database_query(pg,
        "update accounts.account_user set status = 'Active' where key = internal.account_user_key($1)",
        answer_text(&answer, "id", NULL), NULL));
    struct answer again = post(server, account->token, body);
    cr_expect_eq(again.status, 409, "%s", again.text);
    cr_expect_str_eq(answer_text(&again, "title", NULL), "Conflict");
    groups = database_query(pg,
        "select internal.user_group_id(user_group_key) from accounts.account_user_group where "
        "account_user_key ="
        " internal.account_user_key($1)",
        answer_text(&answer, "id", NULL), NULL);
    cr_expect_str_eq(groups, account->default_group);
    answer_free(&answer);
    answer_free(&again);
    free(groups);
    free(body);
    free(email);
}

Test(create, does_not_reveal_which_accounts_exist)
{
    struct account *operations = account_make(pg, "Operations");
    char *email = new_email(), *of_other = create_body(email, other->id, NULL);
    char *of_nobody = create_body(email, "ACC-0000-0000", NULL);
    struct answer first = post(server, account->token, of_other),
                  second = post(server, account->token, of_nobody);
    struct answer third = post(server, operations->token, of_other);

    cr_expect_eq(first.status, 403);
    json_object_del(first.body, "traceId");
    json_object_del(second.body, "traceId");
    cr_expect(json_equal(first.body, second.body), "%s\n%s", first.text, second.text);
    cr_expect_eq(third.status, 201, "Operations may act on every account: %s", third.text);
    answer_free(&first);
    answer_free(&second);
    answer_free(&third);
    account_free(operations);
    free(of_other);
    free(of_nobody);
    free(email);
}

Test(create, refuses_a_disabled_account_and_token)
{
    struct account *disabled = account_make(pg, "Client"), *operations = account_make(pg, "Operations");
    char *email = new_email(), *body = create_body(email, disabled->id, NULL);
    struct answer answer;

    free(database_query(pg,
        "update accounts.account set status = 'Disabled' where key = internal.account_key($1)", disabled->id,
        NULL));
    answer = post(server, disabled->token, body);
    cr_expect_eq(answer.status, 403, "%s", answer.text);
    answer_free(&answer);
    answer = post(server, operations->token, body);
    cr_expect_eq(answer.status, 409, "%s", answer.text);
    answer_free(&answer);
    free(database_query(pg, "select api.disable_api_token($1)", operations->token_id, NULL));
    answer = post(server, operations->token, body);
    cr_expect_eq(answer.status, 401, "%s", answer.text);
    answer_free(&answer);
    account_free(disabled);
    account_free(operations);
    free(body);
    free(email);
}

Test(create, reports_mistakes_found_by_the_database)
{
    char *email = new_email(), *body = create_body(email, NULL, other->default_group);
    struct answer answer = post(server, account->token, body);
    json_t *messages = json_object_get(json_object_get(answer.body, "errors"), "groups[0].id");

    cr_expect_eq(answer.status, 400, "%s", answer.text);
    cr_expect_str_eq(json_string_value(json_array_get(messages, 0)), "is not a group of this account");
    answer_free(&answer);
    free(body);
    free(email);
}

Test(create, concurrent_duplicates_create_one_membership)
{
    struct poster duplicates[TWINS];
    char *email = new_email(), *count;

    for (size_t i = 0; i < TWINS; i++)
        poster_start(&duplicates[i], server, account, strdup(email));
    for (size_t i = 0; i < TWINS; i++)
        cr_expect_str_eq(answer_text(poster_await(&duplicates[i]), "id", NULL),
            answer_text(poster_await(&duplicates[0]), "id", NULL));
    count = database_query(pg,
        "select count(*) || ' ' || count(*) filter (where i.status = 'Open') || ' ' || count(distinct u.key)"
        " from accounts.person as p join accounts.account_user as u on u.person_key = p.key"
        " join accounts.invitation as i on i.account_user_key = u.key where u.email = $1",
        email, NULL);
    cr_expect_str_eq(count, "50 1 1", "invitations, open ones, memberships: %s", count);
    for (size_t i = 0; i < TWINS; i++)
        poster_end(&duplicates[i], 201);
    free(count);
    free(email);
}
