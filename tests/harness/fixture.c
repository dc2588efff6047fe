#include "fixture.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "process.h"

/* A statement in the main database about another, whose name is inserted. */
static void run_on_main(const char *begin, const char *name, const char *end)
{
    PGconn *main = database_connect(database_url());
    char *sql;

    cr_assert_geq(asprintf(&sql, "%s %s %s", begin, name, end), 0);
    free(database_query(main, sql, NULL));
    free(sql);
    PQfinish(main);
}

/* The template is a database that scripts/test has migrated. */
struct scratch *scratch_make(const char *prefix, bool has_schema)
{
    struct scratch *scratch = calloc(1, sizeof(*scratch));
    char *main_url = server_database_url(database_url());

    snprintf(scratch->name, sizeof(scratch->name), "%s_%d", prefix, (int)getpid());
    run_on_main("create database", scratch->name, has_schema ? "template scratch" : "");
    cr_assert_geq(asprintf(&scratch->url, "%s&dbname=%s", database_url(), scratch->name), 0);
    cr_assert_geq(asprintf(&scratch->server_url, "%s dbname=%s", main_url, scratch->name), 0);
    scratch->pg = database_connect(scratch->url);
    free(main_url);
    return scratch;
}

void scratch_free(struct scratch *scratch)
{
    PQfinish(scratch->pg);
    run_on_main("drop database", scratch->name, "");
    free(scratch->server_url);
    free(scratch->url);
    free(scratch);
}

struct account *account_make(PGconn *pg, const char *type)
{
    static const char group_sql[] =
        "select api.create_user_group(jsonb_build_object('account', jsonb_build_object('id', $1::text),"
        " 'name', $2::text, 'isDefault', $3::boolean, 'allBuyers', true)) ->> 'id'";
    struct account *account = calloc(1, sizeof(*account));

    account->id = database_query(pg,
        "select api.create_account(jsonb_build_object('type', $1::text, 'name', 'Account of a test')) ->> "
        "'id'",
        type, NULL);
    free(database_query(pg,
        "select api.create_buyer(jsonb_build_object('account', jsonb_build_object('id', $1::text), 'name', "
        "'Buyer'))",
        account->id, NULL));
    account->default_group = database_query(pg, group_sql, account->id, "Everyone", "true", NULL);
    account->other_group = database_query(pg, group_sql, account->id, "Others", "false", NULL);
    account->token = database_query(pg,
        "select api.create_api_token(jsonb_build_object('account', jsonb_build_object('id', $1::text),"
        " 'name', 'Token of a test')) ->> 'token'",
        account->id, NULL);
    account->token_id =
        strndup(account->token + strlen("idt:"), strcspn(account->token + strlen("idt:"), ":"));
    return account;
}

void account_free(struct account *account)
{
    free(account->id);
    free(account->default_group);
    free(account->other_group);
    free(account->token);
    free(account->token_id);
    free(account);
}

char *invitation_code(const json_t *object)
{
    const char *url = json_string_value(json_object_get(json_object_get(object, "invitation"), "url"));

    cr_assert(url != NULL && strrchr(url, '/') != NULL, "no invitation.url");
    return strdup(strrchr(url, '/') + 1);
}

char *accept_body(const char *code)
{
    json_t *body = json_pack("{s:s}", "code", code);
    char *text = json_dumps(body, JSON_COMPACT);

    json_decref(body);
    return text;
}

static char *id_of(const json_t *object)
{
    const char *id = json_string_value(json_object_get(object, "id"));

    cr_assert_not_null(id);
    return strdup(id);
}

struct member *member_of(const json_t *object)
{
    struct member *member = calloc(1, sizeof(*member));

    member->id = id_of(object);
    member->user_id = id_of(json_object_get(object, "user"));
    member->account_id = id_of(json_object_get(object, "account"));
    member->code = invitation_code(object);
    return member;
}

struct member *member_invite(const struct server *server, const char *token, const char *body)
{
    struct answer answer = post(server, token, body);
    struct member *member;

    cr_assert_eq(answer.status, 201, "%ld %s", answer.status, answer.text);
    member = member_of(answer.body);
    answer_free(&answer);
    return member;
}

struct member *member_invite_new(const struct server *server, const struct account *account)
{
    char *email = new_email(), *body = create_body(email, NULL, NULL);
    struct member *member = member_invite(server, account->token, body);

    free(body);
    free(email);
    return member;
}

struct member *member_make(const struct account *account)
{
    char *url = server_database_url(database_url());
    struct server *server = server_start(url, NULL);
    struct member *member = member_invite_new(server, account);

    server_end(server);
    free(url);
    return member;
}

void member_free(struct member *member)
{
    free(member->id);
    free(member->user_id);
    free(member->account_id);
    free(member->code);
    free(member);
}

char *member_path(const struct member *member, enum path_form form, const char *more)
{
    char *path = NULL;

    if (form == PATH_OF_ACCOUNT_USER)
        cr_assert_geq(asprintf(&path, ACCOUNT_USERS "/%s%s", member->id, more), 0);
    else
        cr_assert_geq(asprintf(&path, "/public/v1/accounts/accounts/%s/users/%s%s", member->account_id,
                          member->user_id, more),
            0);
    return path;
}

void account_lock(PGconn *pg, const struct account *account)
{
    free(database_query(pg, "begin", NULL));
    free(
        database_query(pg, "select key from accounts.account where key = internal.account_key($1) for update",
            account->id, NULL));
}

void member_lock(PGconn *pg, const struct member *member)
{
    free(database_query(pg, "begin", NULL));
    free(database_query(pg,
        "select key from accounts.account_user where key = internal.account_user_key($1) for update",
        member->id, NULL));
}

long account_count_members(PGconn *pg, const struct account *account)
{
    char *count = database_query(pg,
        "select count(*) from accounts.account_user where account_key = internal.account_key($1)",
        account->id, NULL);
    long number = atol(count);

    free(count);
    return number;
}

char *create_request(const struct account *account, const char *body)
{
    char *email = new_email(), *new_body = create_body(email, NULL, NULL), *bytes = NULL;
    const char *sent = body != NULL ? body : new_body;

    cr_assert_geq(asprintf(&bytes,
                      "POST " ACCOUNT_USERS " HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer %s\r\n"
                      "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
                      account->token, strlen(sent), sent),
        0);
    free(new_body);
    free(email);
    return bytes;
}

char *create_body(const char *email, const char *account, const char *group)
{
    json_t *body =
        json_pack("{s:{s:s, s:s, s:s}}", "user", "email", email, "firstName", "Ann", "lastName", "Lee");
    char *text;

    if (account != NULL)
        json_object_set_new(body, "account", json_pack("{s:s}", "id", account));
    if (group != NULL)
        json_object_set_new(body, "groups", json_pack("[{s:s}]", "id", group));
    text = json_dumps(body, JSON_COMPACT);
    json_decref(body);
    return text;
}

char *new_email(void)
{
    static unsigned count;
    struct timespec now;
    char *email;

    clock_gettime(CLOCK_REALTIME, &now);
    cr_assert_geq(asprintf(&email, "p%d-%lx-%lx-%u@example.com", (int)getpid(), (unsigned long)now.tv_sec,
                      (unsigned long)now.tv_nsec, count++),
        0);
    return email;
}

void events_number(PGconn *pg)
{
    for (int tries = 0;; tries++, sleep_ms(10)) {
        char *left;

        free(database_query(pg, "select api.number_events()", NULL));
        left = database_query(pg,
            "select count(*) from accounts.outbox as o"
            " where not exists (select from accounts.event as e where e.outbox_key = o.key)",
            NULL);
        bool is_done = strcmp(left, "0") == 0;

        free(left);
        if (is_done)
            return;
        cr_assert_lt(tries, 1000, "events are not numbered");
    }
}
