#include <criterion/criterion.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "harness/fixture.h"
#include "mixture.h"

/* Several servers on one database. */

#define SERVERS 4
#define ROUNDS 50

TestSuite(servers, .timeout = 1800);

Test(servers, share_a_flood)
{
    mixture_run(SERVERS, 2000);
}

struct caller {
    pthread_t thread;
    pthread_barrier_t *start;
    const struct server *server;
    const char *token, *body;
    struct answer answer;
};

static void *post_one(void *data)
{
    struct caller *caller = data;

    pthread_barrier_wait(caller->start);
    caller->answer = post(caller->server, caller->token, caller->body);
    return NULL;
}

static void post_to_all(struct caller callers[SERVERS], struct server *const *servers,
    const struct account *account, const char *body)
{
    pthread_barrier_t start;

    pthread_barrier_init(&start, NULL, SERVERS);
    for (size_t i = 0; i < SERVERS; i++) {
        callers[i] =
            (struct caller){.start = &start, .server = servers[i], .token = account->token, .body = body};
        cr_assert_eq(pthread_create(&callers[i].thread, NULL, post_one, &callers[i]), 0);
    }
    for (size_t i = 0; i < SERVERS; i++)
        pthread_join(callers[i].thread, NULL);
    pthread_barrier_destroy(&start);
}

/* All callers got one membership, and exactly one has the valid code. */
static void expect_one_invitation(PGconn *pg, struct caller callers[SERVERS], const char *email)
{
    char *state = database_query(pg,
        "select concat_ws(' ', count(distinct u.key), count(*), count(*) filter (where i.status = 'Open'),"
        " count(*) filter (where i.status = 'Superseded'), count(o),"
        " (select count(*) from accounts.audit_record as r where r.object_id = "
        "min(internal.account_user_id(u.key))))"
        " from accounts.person as p join accounts.account_user as u on u.person_key = p.key"
        " join accounts.invitation as i on i.account_user_key = u.key"
        " left join accounts.outbox as o on o.invitation_key = i.key where u.email = $1",
        email, NULL);
    unsigned good = 0;

    cr_expect_str_eq(
        state, "1 4 1 3 4 4", "memberships, invitations, open, superseded, mails, records: %s", state);
    for (size_t i = 0; i < SERVERS; i++) {
        const struct answer *answer = &callers[i].answer;
        char *code, *found;

        cr_assert_eq(answer->status, 201, "%ld %s", answer->status, answer->text);
        cr_expect_str_eq(answer_text(answer, "id", NULL), answer_text(&callers[0].answer, "id", NULL));
        code = invitation_code(answer->body);
        found = database_query(pg,
            "select count(*) from accounts.invitation where account_user_key = internal.account_user_key($1)"
            " and status = 'Open' and code_sha256 = sha256(convert_to($2, 'UTF8'))",
            answer_text(answer, "id", NULL), code, NULL);
        good += (unsigned)atoi(found);
        free(found);
        free(code);
    }
    cr_expect_eq(good, 1, "%u good codes", good);
    free(state);
}

Test(servers, concurrent_duplicates_create_one_membership)
{
    PGconn *pg = database_connect(database_url());
    char *url = server_database_url(database_url());
    struct account *account = account_make(pg, "Client");
    struct server *servers[SERVERS];

    for (size_t i = 0; i < SERVERS; i++)
        servers[i] = server_start(url, (const char *[]){PATIENT, NULL});
    for (unsigned round = 0; round < ROUNDS; round++) {
        char *email = new_email(), *body = create_body(email, NULL, NULL);
        struct caller callers[SERVERS];

        post_to_all(callers, servers, account, body);
        expect_one_invitation(pg, callers, email);
        for (size_t i = 0; i < SERVERS; i++)
            answer_free(&callers[i].answer);
        free(body);
        free(email);
    }
    for (size_t i = 0; i < SERVERS; i++)
        server_end(servers[i]);
    account_free(account);
    PQfinish(pg);
    free(url);
}
