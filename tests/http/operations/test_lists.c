#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/count.h"
#include "harness/service.h"

/* For a query, a DBA gets the same bytes as an HTTP client; and select, wherever it is allowed. */

#define MEMBERS 7

static struct member *members[MEMBERS];
static char *users_path, *credential;

static void make_members(void)
{
    for (size_t i = 0; i < MEMBERS; i++) {
        char *email = new_email(), *body = create_body(email, NULL, i % 2 == 0 ? account->other_group : NULL);

        members[i] = member_invite(server, account->token, body);
        if (i % 3 == 0) {
            char *path = member_path(members[i], PATH_OF_USER, "/accept-invite"),
                 *code = accept_body(members[i]->code);
            struct answer answer = request_json(server, "POST", path, NULL, code);

            cr_assert_eq(answer.status, 200, "%s", answer.text);
            answer_free(&answer);
            free(path);
            free(code);
        }
        free(email);
        free(body);
    }
    /* One membership in both groups. */
    free(database_query(pg, "select api.add_account_user_group($1, jsonb_build_object('id', $2::text))",
        members[1]->id, account->other_group, NULL));
    free(database_query(pg,
        "update accounts.person set first_name = 'Zo\xc3\xab \"&\" 100%' where key = internal.person_key($1)",
        members[0]->user_id, NULL));
}

static void set_up(void)
{
    service_set_up();
    make_members();
    cr_assert_geq(asprintf(&users_path, "/public/v1/accounts/accounts/%s/users", account->id), 0);
    credential = database_query(pg,
        "select split_part($1, ':', 2) || ':' || encode(sha256(convert_to(split_part($1, ':', 3), 'UTF8')), "
        "'hex')",
        account->token, NULL);
}

static void tear_down(void)
{
    for (size_t i = 0; i < MEMBERS; i++)
        member_free(members[i]);
    free(users_path);
    free(credential);
    service_tear_down();
}

TestSuite(lists, .init = set_up, .fini = tear_down, .timeout = 120);

static struct answer ask(const char *method, const char *path, const char *query, const char *body)
{
    char *whole = NULL;
    struct answer answer;

    cr_assert_geq(asprintf(&whole, "%s?%s", path, query), 0);
    answer = body != NULL ? request_json(server, method, whole, account->token, body)
                          : request(server, method, whole, account->token, NULL, NULL);
    free(whole);
    return answer;
}

/* The result for a DBA who calls with the token: the answer, or the errors of a mistake. */
static char *ask_database(enum path_form form, const char *query)
{
    static const char list_account_users[] = "select api.list_account_users($1, $2)::text";
    static const char list_users[] = "select api.list_users($3, $1, $2)::text";
    const char *parameters[] = {query, credential, account->id};
    PGresult *result = PQexecParams(pg, form == PATH_OF_USER ? list_users : list_account_users,
        form == PATH_OF_USER ? 3 : 2, NULL, parameters, NULL, NULL, 0);
    char *text = strdup(PQresultStatus(result) == PGRES_TUPLES_OK
                            ? PQgetvalue(result, 0, 0)
                            : PQresultErrorField(result, PG_DIAG_MESSAGE_DETAIL));

    PQclear(result);
    return text;
}

/* With every byte percent-encoded except the ampersands between parameters, or unchanged. */
static char *encode(const char *query, bool is_whole)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    for (const char *at = query; *at != '\0'; at++)
        fprintf(out, *at == '&' || (!is_whole && *at > ' ' && *at <= '~' && *at != '"') ? "%c" : "%%%02X",
            (unsigned char)*at);
    fclose(out);
    return text;
}

static void expect_same(enum path_form form, const char *query, const char *sent)
{
    struct answer answer = ask("GET", form == PATH_OF_USER ? users_path : ACCOUNT_USERS, sent, NULL);
    char *database_answer = ask_database(form, query);

    if (answer.status == 200) {
        cr_expect_str_eq(answer.text, database_answer, "%s\n%s\n%s", sent, answer.text, database_answer);
    } else {
        json_t *errors = json_loads(database_answer, 0, NULL);

        cr_expect_eq(answer.status, 400, "%s: %s", sent, answer.text);
        cr_expect(json_equal(json_object_get(answer.body, "errors"), errors), "%s\n%s\n%s", sent, answer.text,
            database_answer);
        json_decref(errors);
    }
    free(database_answer);
    answer_free(&answer);
}

Test(lists, are_the_same_in_psql)
{
    /* %s: an id of the first member. */
    static const char *const queries[] = {
        "",
        "limit=0",
        "limit=2&offset=3",
        "limit=100&offset=9900",
        "limit=101&offset=9900",
        "order=user.icon&offset=999999999",
        "order=-audit.created.at&limit=20",
        "order=id&select=+audit,+buyers,+modules,-lastLoginAt",
        "order=-account.name,-id&select=-groups.id,-account,+modules.settings.paid",
        "ilike(account.name,*TEST*)&order=-audit.created.at&limit=20",
        "invitation.status=Active&order=id",
        "invitation.status=ne=Active&order=id",
        "in(invitation.status,(Active,\"InvitationExpired\"))&order=-id",
        "or(invitation.status=Active,any(groups,eq(name,Others)))&order=id",
        "all(groups,isDefault=true)&not(audit.joined.at=null())",
        "ge(audit.created.at,2020-01-01T00:00:00+02:00)&order=id",
        "like(account.name,\"a & b\")",
        "like(account.name,*\\**)",
        "eq(account.name,100%25)",
        "nosuch=1",
        "like(lastLoginAt,x*)&limit=1001&select=nosuch",
        "eq(id,AUSR-1)&order=+nosuch",
        "eq(account.name,\"",
        "and()",
        "account.name=\xc3\xab\xe2\x82\xac",
    };

    for (size_t i = 0; i < COUNT(queries); i++) {
        for (enum path_form form = PATH_OF_ACCOUNT_USER; form < PATH_FORMS; form++) {
            char *sent = encode(queries[i], false), *encoded = encode(queries[i], true);

            /* Unencoded, a percent sign would begin an escape. */
            if (strchr(queries[i], '%') == NULL && strstr(queries[i], " & ") == NULL) {
                expect_same(form, queries[i], sent);
                expect_same(form, queries[i], encoded);
                expect_same(form, encoded, encoded);
            } else {
                expect_same(form, encoded, encoded);
            }
            free(sent);
            free(encoded);
        }
    }
}

Test(lists, find_people_by_their_names)
{
    static const char *const queries[] = {"user.name=Zo%C3%AB%20%22%26%22%20100%25%20Lee",
        "eq(user.name,'Zo%C3%AB%20%22%26%22%20100%25%20Lee')", "like(user.name,Zo*%26*100%25*)",
        "ilike%28user.name%2CZO%C3%8B%2A%29"};

    for (size_t i = 0; i < COUNT(queries); i++) {
        struct answer answer = ask("GET", ACCOUNT_USERS, queries[i], NULL);
        json_t *data = json_object_get(answer.body, "data");

        cr_expect_eq(json_array_size(data), 1, "%s: %s", queries[i], answer.text);
        cr_expect_str_eq(json_string_value(json_object_get(json_array_get(data, 0), "id")), members[0]->id);
        expect_same(PATH_OF_ACCOUNT_USER, queries[i], queries[i]);
        answer_free(&answer);
    }
}

static void expect_omitted(const struct answer *answer, long status, const char *omitted)
{
    char *text = json_dumps(json_object_get(json_object_get(answer->body, "$meta"), "omitted"), JSON_COMPACT);

    cr_expect_eq(answer->status, status, "%s", answer->text);
    cr_expect_str_eq(text, omitted, "%s: %s", text, answer->text);
    free(text);
}

Test(lists, get_and_create_accept_select)
{
    /* tests/openapi checks every answer against its own $meta.omitted. */
    static const struct {
        const char *select, *shown, *made;
    } selections[] = {
        {"select=-groups,-buyers", "[\"groups\",\"buyers\",\"invitation.url\"]", "[\"groups\",\"buyers\"]"},
        {"select=-groups.id,-groups.name,-groups.description,-groups.logo",
            "[\"groups.id\",\"groups.name\",\"groups.description\",\"groups.logo\",\"invitation.url\"]",
            "[\"groups.id\",\"groups.name\",\"groups.description\",\"groups.logo\"]"},
        {"select=-modules%2C-invitation%2C%2Binvitation.url", "[\"modules\",\"invitation\"]",
            "[\"modules\",\"invitation.status\"]"},
        {"select=-invitation.url", "[\"invitation.url\"]", "[\"invitation.url\"]"},
        {"select=-groups,%2Bgroups.logo",
            "[\"groups.id\",\"groups.name\",\"groups.description\",\"groups.isDefault\",\"invitation.url\"]",
            "[\"groups.id\",\"groups.name\",\"groups.description\",\"groups.isDefault\"]"},
    };

    for (enum path_form form = PATH_OF_ACCOUNT_USER; form < PATH_FORMS; form++) {
        char *path = member_path(members[1], form, "");
        const char *collection = form == PATH_OF_USER ? users_path : ACCOUNT_USERS;

        for (size_t i = 0; i < COUNT(selections); i++) {
            char *email = new_email(), *body = create_body(email, NULL, NULL);
            struct answer answer = ask("GET", path, selections[i].select, NULL);

            expect_omitted(&answer, 200, selections[i].shown);
            answer_free(&answer);
            answer = ask("POST", collection, selections[i].select, body);
            expect_omitted(&answer, 201, selections[i].made);
            answer_free(&answer);
            /* A request with a mistake in select does not invite. */
            free(email);
            free(body);
            email = new_email();
            body = create_body(email, NULL, NULL);
            answer = ask("POST", collection, "select=+nosuch&limit=1", body);
            cr_expect_eq(answer.status, 400, "%s", answer.text);
            cr_expect_eq(json_object_size(json_object_get(answer.body, "errors")), 2, "%s", answer.text);
            answer_free(&answer);
            answer = ask("GET", users_path, "select=%2B", NULL);
            cr_expect_eq(answer.status, 400, "%s", answer.text);
            answer_free(&answer);
            char *count = database_query(pg,
                "select count(*) from accounts.person where email_key = internal.email_key($1)", email, NULL);
            cr_expect_str_eq(count, "0");
            free(count);
            free(email);
            free(body);
        }
        free(path);
    }
}

Test(lists, do_not_reveal_ids_of_others)
{
    struct member *stranger = member_invite_new(server, other);
    char *buyer = database_query(pg,
        "select internal.buyer_id(min(key)) from accounts.buyer where account_key = internal.account_key($1)",
        other->id, NULL);
    const struct {
        const char *field, *id, *unknown;
    } filters[] = {
        {"account.id", other->id, "select internal.account_id(99999998)"},
        {"id", stranger->id, "select internal.account_user_id(999999999998)"},
        {"user.id", stranger->user_id, "select internal.person_id(99999998)"},
        {"groups.id", other->default_group, "select internal.user_group_id(99999998)"},
        {"buyers.id", buyer, "select internal.buyer_id(99999998)"},
    };
    static const struct {
        const char *before, *between, *after;
    } forms[] = {
        {"", "=", ""}, {"ne(", ",", ")"}, {"in(", ",(", "))&limit=0"}, {"not(", "=in=(", "))&order=id"}};

    for (size_t i = 0; i < COUNT(filters); i++) {
        char *unknown = database_query(pg, filters[i].unknown, NULL);

        for (size_t j = 0; j < COUNT(forms); j++) {
            char *of_other = NULL, *of_nobody = NULL;
            struct answer others, nobodys;

            cr_assert_geq(asprintf(&of_other, "%s%s%s%s%s", forms[j].before, filters[i].field,
                              forms[j].between, filters[i].id, forms[j].after),
                0);
            cr_assert_geq(asprintf(&of_nobody, "%s%s%s%s%s", forms[j].before, filters[i].field,
                              forms[j].between, unknown, forms[j].after),
                0);
            others = ask("GET", ACCOUNT_USERS, of_other, NULL);
            nobodys = ask("GET", ACCOUNT_USERS, of_nobody, NULL);
            cr_expect_eq(others.status, 200, "%s: %s", of_other, others.text);
            cr_expect_str_eq(others.text, nobodys.text, "%s: %s", of_other, others.text);
            answer_free(&others);
            answer_free(&nobodys);
            free(of_other);
            free(of_nobody);
        }
        free(unknown);
    }
    free(buyer);
    member_free(stranger);
}
