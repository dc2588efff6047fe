#include <criterion/criterion.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/count.h"
#include "harness/cluster.h"
#include "harness/fixture.h"
#include "harness/flood.h"
#include "harness/process.h"
#include "link.h"

/* The connection between server and database is cut again and again, and each caller repeats its request
 * with its idempotency key until it is answered. SOAK selects the long form, LINK_SEED repeats a run. */

#define INVITATIONS 1000
#define INVITATIONS_OF_SOAK 10000
/* How many requests are in flight before unanswered ones are repeated. */
#define BATCH 250
#define ROUNDS 100
#define ONE_IN 6

TestSuite(links, .timeout = 540);

struct invitation {
    char *email;
    /* From the answer. */
    char *id, *code;
    bool is_replay;
};

struct run {
    const struct account *account;
    struct invitation *invitations;
    /* Requests of the batch without an answer so far. */
    size_t pending[BATCH], count;
    bool is_answered[BATCH];
    size_t lost, in_progress;
    unsigned long seed;
};

static char *next(void *data, size_t index, enum flood_manner *manner)
{
    struct run *run = data;
    size_t number = run->pending[index];
    char *body = create_body(run->invitations[number].email, NULL, NULL), *bytes = NULL;

    (void)manner;
    cr_assert_geq(
        asprintf(&bytes,
            "POST " ACCOUNT_USERS " HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
            "Authorization: Bearer %s\r\nIdempotency-Key: \"link-%zu\"\r\nContent-Length: %zu\r\n\r\n%s",
            run->account->token, number, strlen(body), body),
        0);
    free(body);
    return bytes;
}

static void on_answer(void *data, size_t index, const struct answer *answer)
{
    struct run *run = data;
    struct invitation *invitation = &run->invitations[run->pending[index]];
    char *replayed = answer_header(answer, "idempotency-replayed");

    run->is_answered[index] = answer->status == 201;
    if (answer->status == 201) {
        invitation->id = strdup(answer_text(answer, "id", NULL));
        invitation->code = invitation_code(answer->body);
        invitation->is_replay = strcmp(replayed, "true") == 0;
    } else if (answer->status == 503) {
        run->lost++;
    } else if (strcmp(answer_text(answer, "type", NULL), "/problems/request-in-progress") == 0) {
        run->in_progress++;
    } else {
        cr_expect_fail(
            "LINK_SEED=%lu: %s got %ld: %s", run->seed, invitation->email, answer->status, answer->text);
    }
    free(replayed);
}

/* Sends a batch, and repeats unanswered requests until all are answered. */
static void invite_batch(struct run *run, struct server *const *servers, size_t first, size_t count)
{
    struct flood flood = {
        .servers = servers, .server_count = 1, .data = run, .next = next, .on_answer = on_answer};

    run->count = count;
    for (size_t i = 0; i < count; i++)
        run->pending[i] = first + i;
    for (int round = 0; run->count > 0; round++) {
        size_t left = 0;

        cr_assert_lt(round, ROUNDS, "LINK_SEED=%lu: %zu are not answered", run->seed, run->count);
        memset(run->is_answered, 0, sizeof(run->is_answered));
        flood.count = run->count;
        flood_run(&flood);
        for (size_t i = 0; i < run->count; i++) {
            if (!run->is_answered[i])
                run->pending[left++] = run->pending[i];
        }
        run->count = left;
        /* Requests that were cut off may still be running. */
        if (left > 0)
            nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
    }
}

/* Each counts rows that must not exist. answers: what the callers know. */
static const struct {
    const char *what, *sql;
} checks[] = {
    {"acknowledged, and not there with that code, open",
        "select count(*) from answers as t where not exists (select from accounts.account_user as u"
        " join accounts.invitation as i"
        " on i.account_user_key = u.key and i.status = 'Open' where u.key = internal.account_user_key(t.id)"
        " and u.status = 'Invited' and u.email = t.email and i.code_sha256 = sha256(convert_to(t.code, "
        "'UTF8')))"},
    {"a membership that no answer names",
        "select count(*) from member as m where not exists (select from answers as t where"
        " internal.account_user_key(t.id) = m.key)"},
    {"one membership for two", "select count(*) - count(distinct t.id) from answers as t"},
    {"not in one group", "select count(*) from member as m where (select count(*) from "
                         "accounts.account_user_group as l where l.account_user_key = m.key) <> 1"},
    {"not one invitation",
        "select count(*) from member as m where (select count(*) from accounts.invitation as i"
        " where i.account_user_key = m.key) <> 1"},
    {"not one mail",
        "select count(*) from member as m where (select count(*) from accounts.outbox as o"
        " join accounts.invitation as i on i.key = o.invitation_key where i.account_user_key = m.key) <> 1"},
    {"not one record",
        "select count(*) from member as m where (select count(*) from accounts.audit_record as r"
        " where r.object_id = internal.account_user_id(m.key)) <> 1"},
    {"not one answer kept", "select count(*) from member as m where (select count(*) from kept as k"
                            " where k.id = internal.account_user_id(m.key)) <> 1"},
    {"a person without membership", "select count(*) from accounts.person as p join answers as t on "
                                    "internal.email_key(t.email) = p.email_key"
                                    " where not exists (select from member as m where m.person_key = p.key)"},
};

static void check(PGconn *pg, const struct run *run, size_t count)
{
    free(database_query(pg, "create temp table answers (email text, id text, code text)", NULL));
    for (size_t i = 0; i < count; i++)
        free(database_query(pg, "insert into answers values ($1, $2, $3)", run->invitations[i].email,
            run->invitations[i].id, run->invitations[i].code));
    free(database_query(pg, "create index on answers (email)", NULL));
    free(database_query(pg, "create index on answers (internal.account_user_key(id))", NULL));
    free(database_query(pg,
        "create temp table member as select u.* from accounts.account_user as u"
        " where u.account_key = internal.account_key($1)",
        run->account->id, NULL));
    free(database_query(pg, "create index on member (person_key)", NULL));
    free(
        database_query(pg, "create temp table kept as select k.id from accounts.idempotency_key as k", NULL));
    free(database_query(pg, "create index on kept (id)", NULL));
    free(database_query(pg, "analyze answers, member, kept", NULL));
    database_analyze(pg);
    for (size_t i = 0; i < COUNT(checks); i++) {
        char *found = database_query(pg, checks[i].sql, NULL);

        cr_expect_str_eq(found, "0", "LINK_SEED=%lu: %s: %s", run->seed, checks[i].what, found);
        free(found);
    }
}

Test(links, cut_connections_lose_and_repeat_nothing)
{
    static const char *const names[LINK_CUTS] = {"before it was sent", "while it was", "after it was",
        "before the answer", "in the answer", "with an error"};
    const char *seed = getenv("LINK_SEED");
    size_t count = is_soak() ? INVITATIONS_OF_SOAK : INVITATIONS, replays = 0, cuts[LINK_CUTS];
    PGconn *pg = database_connect(database_url());
    struct run *run = calloc(1, sizeof(*run));
    struct account *account = account_make(pg, "Client");
    struct server *server;
    struct link *link;

    run->account = account;
    run->seed = seed != NULL ? strtoul(seed, NULL, 10) : (unsigned long)time(NULL);
    run->invitations = calloc(count, sizeof(*run->invitations));
    link = link_start(database_url(), ONE_IN, run->seed);
    server = server_start(link_url(link), (const char *[]){"--database-connections", "4", NULL});
    for (size_t i = 0; i < count; i++)
        run->invitations[i].email = new_email();
    for (size_t first = 0; first < count; first += BATCH)
        invite_batch(run, &server, first, count - first < BATCH ? count - first : BATCH);
    server_end(server);
    link_stop(link, cuts);
    check(pg, run, count);
    for (size_t i = 0; i < count; i++) {
        replays += run->invitations[i].is_replay;
        free(run->invitations[i].email);
        free(run->invitations[i].id);
        free(run->invitations[i].code);
    }
    for (size_t i = 0; i < LINK_CUTS; i++)
        cr_expect_gt(cuts[i], 0, "LINK_SEED=%lu: never cut %s", run->seed, names[i]);
    cr_expect_gt(replays, 0, "LINK_SEED=%lu: no answer was lost after the work was done", run->seed);
    fprintf(stderr,
        "%zu invitations, cut off %zu, %zu, %zu, %zu, %zu and %zu times; %zu answers lost, %zu refused with "
        "409, "
        "%zu "
        "given again\n",
        count, cuts[0], cuts[1], cuts[2], cuts[3], cuts[4], cuts[5], run->lost, run->in_progress, replays);
    free(run->invitations);
    free(run);
    account_free(account);
    PQfinish(pg);
}

/* A pooler's error arrives in the same place as an error of a database that has done nothing, but the
 * pooler does not know whether the call was done. Without an idempotency key, repeating it would go
 * unnoticed. */
Test(links, an_error_of_a_pooler_leaves_the_outcome_unknown)
{
    static const struct {
        enum link_cut way;
        const char *invitations;
    } rows[] = {{LINK_CUT_WITH_ERROR, "1"}, {LINK_CUT_BEFORE_ANSWER, "1"}, {LINK_CUT_BEFORE_SEND, "0"}};
    PGconn *pg = database_connect(database_url());
    struct account *account = account_make(pg, "Client");
    struct link *link = link_start(database_url(), UINT_MAX, 1);
    size_t cuts[LINK_CUTS];
    struct server *server =
        server_start(link_url(link), (const char *[]){"--workers", "1", "--database-connections", "1", NULL});

    for (size_t i = 0; i < COUNT(rows); i++) {
        char *email = new_email(), *body = create_body(email, NULL, NULL), *invitations;
        struct answer answer;

        /* Makes sure that there is a connection and that the token is cached: looking it up is a call of
         * its own. */
        link_cut_only(link, LINK_CUTS);
        await_status(server, account, 201);
        link_cut_only(link, rows[i].way);
        answer = post(server, account->token, body);
        cr_expect_eq(answer.status, 503, "row %zu: %ld %s", i, answer.status, answer.text);
        cr_expect_not_null(
            strstr(answer.text, "whether the request was done is unknown"), "row %zu: %s", i, answer.text);
        invitations = database_query(pg,
            "select count(*) from accounts.invitation as i join accounts.account_user as u on u.key = "
            "i.account_user_key where u.email = $1",
            email, NULL);
        cr_expect_str_eq(invitations, rows[i].invitations, "row %zu: %s invitations", i, invitations);
        free(invitations);
        answer_free(&answer);
        free(body);
        free(email);
    }
    server_end(server);
    link_stop(link, cuts);
    account_free(account);
    PQfinish(pg);
}
