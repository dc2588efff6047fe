#include <criterion/criterion.h>
#include <libpq-fe.h>
#include <stdlib.h>
#include <string.h>

#include "base/count.h"
#include "harness/fixture.h"
#include "harness/flood.h"

/* Limits of two servers on one database: a database of its own, because limits apply to a whole database. */

#define SERVERS 2
#define ACCOUNTS 3
#define REQUESTS 256
#define ALLOWED 40
/* So long that no further invitation becomes free during a test, which would take a fortieth of it. */
#define PERIOD "10 days"
#define PERIOD_SECONDS (10L * 24 * 60 * 60)

static struct scratch *scratch;
static PGconn *pg;
static struct account *accounts[ACCOUNTS], *operations;
static struct server *servers[SERVERS];

static void set_up(void)
{
    scratch = scratch_make("limits", true);
    pg = scratch->pg;
    for (size_t i = 0; i < ACCOUNTS; i++)
        accounts[i] = account_make(pg, "Client");
    operations = account_make(pg, "Operations");
    for (size_t i = 0; i < SERVERS; i++)
        servers[i] = server_start(scratch->server_url, (const char *[]){PATIENT, NULL});
}

static void tear_down(void)
{
    for (size_t i = 0; i < SERVERS; i++)
        server_end(servers[i]);
    for (size_t i = 0; i < ACCOUNTS; i++)
        account_free(accounts[i]);
    account_free(operations);
    scratch_free(scratch);
}

TestSuite(limits, .init = set_up, .fini = tear_down, .timeout = 300);

/* The parameters and the results of a flood. */
struct asked {
    /* The tokens that its requests use in turn, and the accounts that they name. */
    const struct account *tokens[ACCOUNTS], *accounts[ACCOUNTS];
    /* The person of all requests, or of every second one. NULL: all are new. */
    const char *email;
    bool every_second;
    unsigned done, refused, others;
};

static bool is_to_email(const struct asked *asked, size_t index)
{
    return asked->email != NULL && (!asked->every_second || index % 2 == 0);
}

static char *next(void *data, size_t index, enum flood_manner *manner)
{
    const struct asked *asked = data;
    char *email = is_to_email(asked, index) ? strdup(asked->email) : new_email(), *bytes = NULL;
    /* Two and three are coprime, so each token is combined with each account. */
    char *body = create_body(email, asked->accounts[index % ACCOUNTS]->id, NULL);

    (void)manner;
    cr_assert_geq(
        asprintf(&bytes,
            "POST " ACCOUNT_USERS " HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
            "Content-Length: %zu\r\nAuthorization: Bearer %s\r\n\r\n%s",
            strlen(body), asked->tokens[index % 2]->token, body),
        0);
    free(body);
    free(email);
    return bytes;
}

static void expect_refusal(const struct answer *answer)
{
    char *retry_after = answer_header(answer, "retry-after"),
         *media_type = answer_header(answer, "content-type");
    const json_t *errors = json_object_get(answer->body, "errors");
    const char *error = json_string_value(json_array_get(json_object_get(errors, "Retry-After"), 0));
    long seconds = atol(retry_after);

    cr_expect(seconds > 0 && seconds <= PERIOD_SECONDS / ALLOWED, "Retry-After: %s", retry_after);
    cr_expect_str_eq(error != NULL ? error : "(none)", retry_after);
    cr_expect_str_eq(media_type, "application/problem+json");
    cr_expect_str_eq(answer_text(answer, "title", NULL), "Too Many Requests");
    cr_expect_eq(json_integer_value(json_object_get(answer->body, "status")), 429);
    free(retry_after);
    free(media_type);
}

static void on_answer(void *data, size_t index, const struct answer *answer)
{
    struct asked *asked = data;

    if (asked->every_second && !is_to_email(asked, index)) {
        cr_expect_eq(answer->status, 201, "a neighbour: %ld %s", answer->status, answer->text);
        asked->others++;
    } else if (answer->status == 429) {
        expect_refusal(answer);
        asked->refused++;
    } else {
        cr_expect_eq(answer->status, 201, "%ld %s", answer->status, answer->text);
        asked->done++;
    }
}

static void ask(struct asked *asked)
{
    asked->done = asked->refused = asked->others = 0;
    flood_run(&(struct flood){.servers = servers,
        .server_count = SERVERS,
        .count = REQUESTS,
        .data = asked,
        .next = next,
        .on_answer = on_answer});
}

static void configure(const char *kind, const char *limit)
{
    free(database_query(pg,
        "select api.configure('{\"limit.token\": \"none\", \"limit.account\": \"none\","
        " \"limit.recipient\": \"none\"}'::jsonb || jsonb_build_object('limit.' || $1::text, $2::text))",
        kind, limit, NULL));
}

/* All mails sent; refused requests send none. */
static long mails(void)
{
    char *count = database_query(pg, "select count(*) from accounts.outbox", NULL);
    long number = atol(count);

    free(count);
    return number;
}

static void expect_exactly(struct asked *asked, const char *kind)
{
    long before = mails();

    ask(asked);
    cr_expect_eq(asked->done, ALLOWED, "%s: %u pass", kind, asked->done);
    cr_expect_eq(asked->refused, REQUESTS - ALLOWED, "%s: %u are refused", kind, asked->refused);
    cr_expect_eq(mails() - before, ALLOWED, "%s: %ld mails", kind, mails() - before);
}

Test(limits, are_exact_across_servers)
{
    struct asked cases[] = {
        {.tokens = {accounts[0], accounts[0]}, .accounts = {accounts[0], accounts[0], accounts[0]}},
        {.tokens = {accounts[0], operations}, .accounts = {accounts[0], accounts[0], accounts[0]}},
        {.tokens = {operations, operations}, .accounts = {accounts[0], accounts[1], accounts[2]}},
    };
    static const char *const kinds[] = {"token", "account", "recipient"};

    for (size_t i = 0; i < COUNT(kinds); i++) {
        char *email = new_email(), limit[32];

        if (strcmp(kinds[i], "recipient") == 0)
            cases[i].email = email;
        snprintf(limit, sizeof(limit), "%d per " PERIOD, ALLOWED);
        configure(kinds[i], limit);
        expect_exactly(&cases[i], kinds[i]);
        /* The period passes, and as many succeed again. */
        free(database_query(
            pg, "update accounts.invitation_use set counted_at = counted_at - interval '" PERIOD "'", NULL));
        expect_exactly(&cases[i], kinds[i]);
        free(email);
    }
}

Test(limits, do_not_affect_other_accounts)
{
    char *email = new_email(), limit[32];
    struct asked asked = {.tokens = {operations, operations},
        .accounts = {accounts[0], accounts[1], accounts[2]},
        .email = email,
        .every_second = true};

    snprintf(limit, sizeof(limit), "%d per " PERIOD, ALLOWED);
    configure("recipient", limit);
    ask(&asked);
    cr_expect_eq(asked.done, ALLOWED, "%u pass", asked.done);
    cr_expect_eq(asked.refused, REQUESTS / 2 - ALLOWED, "%u are refused", asked.refused);
    cr_expect_eq(asked.others, REQUESTS / 2, "%u neighbours", asked.others);
    free(email);
}

Test(limits, are_the_same_in_psql)
{
    char *email = new_email(), *body = create_body(email, NULL, NULL), *named;
    struct answer answer;
    PGresult *result;
    json_t *errors;

    configure("recipient", "1 per " PERIOD);
    answer = post(servers[0], accounts[0]->token, body);
    cr_assert_eq(answer.status, 201, "%s", answer.text);
    answer_free(&answer);

    answer = post(servers[1], accounts[0]->token, body);
    named = create_body(email, accounts[0]->id, NULL);
    result = PQexecParams(
        pg, "select api.create_account_user($1::jsonb)", 1, NULL, (const char *[]){named}, NULL, NULL, 0);
    errors = json_loads(PQresultErrorField(result, PG_DIAG_MESSAGE_DETAIL), 0, NULL);
    cr_expect_eq(answer.status, 429);
    cr_expect_str_eq(PQresultErrorField(result, PG_DIAG_SQLSTATE), "PT429");
    cr_expect_str_eq(
        PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY), answer_text(&answer, "detail", NULL));
    /* A few seconds pass between the two. */
    json_t *there = json_array_get(json_object_get(errors, "Retry-After"), 0),
           *here = json_array_get(json_object_get(json_object_get(answer.body, "errors"), "Retry-After"), 0);
    cr_assert(json_is_string(here) && json_is_string(there));
    cr_expect_leq(labs(atol(json_string_value(here)) - atol(json_string_value(there))), 60);
    cr_expect_eq(json_object_size(errors), 1);
    json_decref(errors);
    PQclear(result);
    answer_free(&answer);
    free(named);
    free(body);
    free(email);
}
