#include <criterion/criterion.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "harness/service.h"

/* Two concurrent requests on one membership: the answers and the database must agree on one order of the
 * two. */

#define CROWD 100
#define ROUNDS 32

static void set_up(void)
{
    /* Enough connections that the database, and not the queue, orders the requests. */
    service_start((const char *[]){"--database-connections", "6", NULL});
}

TestSuite(races, .init = set_up, .fini = service_tear_down, .timeout = 120);

/* A request that starts when all runners are ready. */
struct runner {
    pthread_t thread;
    pthread_barrier_t *start;
    const char *method;
    const char *token;
    char *path;
    char *body;
    struct answer answer;
};

static void *run(void *data)
{
    struct runner *runner = data;

    pthread_barrier_wait(runner->start);
    runner->answer = runner->body != NULL
                         ? request_json(server, runner->method, runner->path, runner->token, runner->body)
                         : request(server, runner->method, runner->path, runner->token, NULL, NULL);
    return NULL;
}

static void hold(const struct member *member)
{
    free(database_query(pg, "begin", NULL));
    free(database_query(pg,
        "select key from accounts.account_user where key = internal.account_user_key($1) for update",
        member->id, NULL));
}

/* Waits until a request waits for the held membership, gives the other time to arrive too, and releases
 * the lock. */
static void let_go(void)
{
    for (int i = 0; i < 500; i++) {
        char *found = database_query(pg,
            "select exists (select from pg_locks where not granted and pg_backend_pid() = any "
            "(pg_blocking_pids(pid)))",
            NULL);
        bool is_found = strcmp(found, "t") == 0;

        free(found);
        nanosleep(&(struct timespec){.tv_nsec = 3000000}, NULL);
        if (is_found)
            break;
    }
    free(database_query(pg, "commit", NULL));
}

/* held: a membership whose row is locked until the requests have arrived; NULL for none. */
static void race(struct runner *runners, unsigned count, const struct member *held)
{
    pthread_barrier_t start;

    if (held != NULL)
        hold(held);
    pthread_barrier_init(&start, NULL, count);
    for (unsigned i = 0; i < count; i++) {
        runners[i].start = &start;
        cr_assert_eq(pthread_create(&runners[i].thread, NULL, run, &runners[i]), 0);
    }
    if (held != NULL)
        let_go();
    for (unsigned i = 0; i < count; i++)
        pthread_join(runners[i].thread, NULL);
    pthread_barrier_destroy(&start);
}

static void runner_free(struct runner *runner)
{
    answer_free(&runner->answer);
    free(runner->path);
    free(runner->body);
}

/* The membership of the race, and the form of its path. */
struct target {
    struct member *member;
    enum path_form form;
};

static struct runner runner(const struct target *target, const char *method, const char *more)
{
    return (struct runner){
        .method = method, .token = account->token, .path = member_path(target->member, target->form, more)};
}

static struct runner accepting(const struct target *target, const char *code)
{
    struct runner made = runner(target, "POST", "/accept-invite");

    made.token = NULL;
    made.body = accept_body(code);
    return made;
}

static struct runner adding(const struct target *target, const char *group)
{
    struct runner made = runner(target, "POST", "/groups");

    cr_assert_geq(asprintf(&made.body, "{\"id\": \"%s\"}", group), 0);
    return made;
}

static struct runner taking(const struct target *target, const char *group)
{
    char *more = NULL;
    struct runner made;

    cr_assert_geq(asprintf(&more, "/groups/%s", group), 0);
    made = runner(target, "DELETE", more);
    free(more);
    return made;
}

/* Every other round uses the other form. */
static struct target invite(unsigned round)
{
    char *email = new_email(), *body = create_body(email, NULL, NULL);
    struct target target = {member_invite(server, account->token, body), round % PATH_FORMS};

    free(email);
    free(body);
    return target;
}

static struct answer ask_once(struct runner made)
{
    struct answer answer;

    race(&made, 1, NULL);
    answer = made.answer;
    free(made.path);
    free(made.body);
    return answer;
}

static void expect_once(struct runner made, long status)
{
    struct answer answer = ask_once(made);

    cr_expect_eq(answer.status, status, "%ld, not %ld: %s", answer.status, status, answer.text);
    answer_free(&answer);
}

/* "<status> [<invitation statuses>] <groups>": the state of the membership in the database. Also checks
 * what must hold for every membership. */
static char *state_of(const struct member *member)
{
    char *broken = database_query(pg,
        "select concat_ws(', ',"
        " case when open > 1 then 'more than one open invitation' end,"
        " case when status = 'Active' and newest is distinct from 'Accepted' then 'active without "
        "acceptance' end,"
        " case when status <> 'Invited' and open > 0 then 'open though ' || status end,"
        " case when status = 'Invited' and open = 0 then 'invited without invitation' end,"
        " case when groups = 0 then 'no group' end,"
        " case when mails <> invitations then 'a mail for each invitation' end)"
        " from (select u.status,"
        "  (select count(*) from accounts.account_user_group as l where l.account_user_key = u.key) as "
        "groups,"
        "  (select count(*) from accounts.invitation as i where i.account_user_key = u.key) as invitations,"
        "  (select count(*) from accounts.invitation as i join accounts.outbox as o on o.invitation_key = "
        "i.key"
        "   where i.account_user_key = u.key and o.topic = 'invitation.mail') as mails,"
        "  (select count(*) from accounts.invitation as i where i.account_user_key = u.key and i.status = "
        "'Open')"
        "   as open,"
        "  (select i.status from accounts.invitation as i where i.account_user_key = u.key and i.status <> "
        "'Open'"
        "   order by i.closed_at desc, i.key desc limit 1) as newest"
        "  from accounts.account_user as u where u.key = internal.account_user_key($1)) as m",
        member->id, NULL);

    cr_expect_str_eq(broken, "", "%s: %s", member->id, broken);
    free(broken);
    return database_query(pg,
        "select concat(u.status, ' [',"
        " (select string_agg(i.status::text, ' ' order by i.key) from accounts.invitation as i"
        "  where i.account_user_key = u.key), '] ',"
        " (select string_agg(case when g.is_default then 'default' else 'other' end, ' ' order by "
        "g.is_default desc)"
        "  from accounts.account_user_group as l join accounts.user_group as g on g.key = l.user_group_key"
        "  where l.account_user_key = u.key))"
        " from accounts.account_user as u where u.key = internal.account_user_key($1)",
        member->id, NULL);
}

static void expect_records(const struct member *member, const char *action, const char *count)
{
    char *found =
        database_query(pg, "select count(*) from accounts.audit_record where object_id = $1 and action = $2",
            member->id, action, NULL);

    cr_expect_str_eq(found, count, "%s of %s", found, action);
    free(found);
}

/* One possible result of a race. */
struct outcome {
    long first, second;
    /* The problem type of the one that lost; NULL: both won, or it has none. */
    const char *type;
    const char *state;
};

/* Runs both concurrently and expects one of two results; returns which, 2 if neither. */
static size_t expect_outcome(
    struct runner runners[2], const struct member *member, const struct outcome outcomes[2], unsigned round)
{
    const struct answer *first = &runners[0].answer, *second = &runners[1].answer;
    const struct member *held = round % 16 < 4 ? member : NULL;
    size_t found = 2;
    char *state;

    /* The first to start has an advantage, so they take turns. */
    if (round % 4 < 2) {
        struct runner swapped[2] = {runners[1], runners[0]};

        race(swapped, 2, held);
        runners[0] = swapped[1];
        runners[1] = swapped[0];
    } else {
        race(runners, 2, held);
    }
    state = state_of(member);
    for (size_t i = 0; i < 2 && found == 2; i++) {
        const struct answer *lost = outcomes[i].first >= 400 ? first : second;

        if (first->status == outcomes[i].first && second->status == outcomes[i].second &&
            strcmp(state, outcomes[i].state) == 0 &&
            (outcomes[i].type == NULL || strcmp(answer_text(lost, "type", NULL), outcomes[i].type) == 0))
            found = i;
    }
    cr_expect_lt(
        found, 2, "%ld %s\n%ld %s\n%s", first->status, first->text, second->status, second->text, state);
    free(state);
    return found;
}

static void tell(const char *what, const unsigned won[3])
{
    cr_log_info("%s: %u and %u of %d rounds", what, won[0], won[1], ROUNDS);
}

Test(races, one_acceptance_of_a_crowd)
{
    for (unsigned round = 0; round < 2; round++) {
        struct target target = invite(round);
        struct runner runners[CROWD];
        char *state;

        for (unsigned i = 0; i < CROWD; i++)
            runners[i] = accepting(&target, target.member->code);
        race(runners, CROWD, NULL);
        for (unsigned i = 0; i < CROWD; i++) {
            cr_expect_eq(
                runners[i].answer.status, 200, "%ld %s", runners[i].answer.status, runners[i].answer.text);
            cr_expect_str_eq(runners[i].answer.text, runners[0].answer.text);
        }
        expect_records(target.member, "account_user.accepted", "1");
        state = state_of(target.member);
        cr_expect_str_eq(state, "Active [Accepted] default", "%s", state);
        free(state);
        for (unsigned i = 0; i < CROWD; i++)
            runner_free(&runners[i]);
        member_free(target.member);
    }
}

Test(races, accept_against_resend)
{
    static const struct outcome outcomes[2] = {
        {200, 400, "/problems/invitation-accepted", "Active [Accepted] default"},
        {400, 200, "/problems/invitation-superseded", "Invited [Superseded Open] default"},
    };
    unsigned won[3] = {0};

    for (unsigned round = 0; round < ROUNDS; round++) {
        struct target target = invite(round);
        struct runner runners[2] = {
            accepting(&target, target.member->code), runner(&target, "POST", "/resend-invite")};
        size_t outcome = expect_outcome(runners, target.member, outcomes, round);

        won[outcome]++;
        if (outcome == 1) {
            char *code = invitation_code(runners[1].answer.body);

            expect_once(accepting(&target, code), 200);
            free(code);
        }
        expect_records(target.member, "account_user.accepted", "1");
        runner_free(&runners[0]);
        runner_free(&runners[1]);
        member_free(target.member);
    }
    tell("accept before resend and after", won);
}

Test(races, accept_against_remove)
{
    static const struct outcome outcomes[2] = {
        {200, 204, NULL, "Removed [Accepted] default"},
        {400, 204, "/problems/invitation-revoked", "Removed [Revoked] default"},
    };
    unsigned won[3] = {0};

    for (unsigned round = 0; round < ROUNDS; round++) {
        struct target target = invite(round);
        struct runner runners[2] = {accepting(&target, target.member->code), runner(&target, "DELETE", "")};
        size_t outcome = expect_outcome(runners, target.member, outcomes, round);

        won[outcome]++;
        expect_records(target.member, "account_user.accepted", outcome == 0 ? "1" : "0");
        expect_records(target.member, "account_user.removed", "1");
        expect_once(accepting(&target, target.member->code), 400);
        expect_once(runner(&target, "GET", ""), 404);
        runner_free(&runners[0]);
        runner_free(&runners[1]);
        member_free(target.member);
    }
    tell("accept before remove and after", won);
}

Test(races, resend_against_resend)
{
    static const struct outcome outcomes[2] = {
        {200, 200, NULL, "Invited [Superseded Superseded Open] default"},
        {200, 200, NULL, "Invited [Superseded Superseded Open] default"},
    };

    for (unsigned round = 0; round < ROUNDS; round++) {
        struct target target = invite(round);
        struct runner runners[2] = {
            runner(&target, "POST", "/resend-invite"), runner(&target, "POST", "/resend-invite")};
        unsigned accepted = 0;

        if (expect_outcome(runners, target.member, outcomes, round) == 0) {
            for (unsigned i = 0; i < 2; i++) {
                char *code = invitation_code(runners[i].answer.body);
                struct answer answer = ask_once(accepting(&target, code));

                if (answer.status == 200)
                    accepted++;
                else
                    cr_expect_str_eq(answer_text(&answer, "type", NULL), "/problems/invitation-superseded",
                        "%s", answer.text);
                answer_free(&answer);
                free(code);
            }
            cr_expect_eq(accepted, 1, "%u of two codes are good", accepted);
        }
        expect_records(target.member, "account_user.invitation_resent", "2");
        runner_free(&runners[0]);
        runner_free(&runners[1]);
        member_free(target.member);
    }
}

Test(races, send_new_against_send_new)
{
    static const struct outcome outcomes[2] = {
        {200, 400, "/problems/invitation-open", "Invited [Expired Open] default"},
        {400, 200, "/problems/invitation-open", "Invited [Expired Open] default"},
    };

    for (unsigned round = 0; round < ROUNDS; round++) {
        struct target target = invite(round);
        struct runner runners[2] = {
            runner(&target, "POST", "/send-new-invite"), runner(&target, "POST", "/send-new-invite")};
        size_t outcome;

        free(database_query(pg,
            "update accounts.invitation set sent_at = sent_at - interval '8 days', expires_at = expires_at - "
            "interval '8 days' where account_user_key = internal.account_user_key($1)",
            target.member->id, NULL));
        outcome = expect_outcome(runners, target.member, outcomes, round);
        if (outcome < 2) {
            char *code = invitation_code(runners[outcome].answer.body);

            expect_once(accepting(&target, code), 200);
            free(code);
        }
        runner_free(&runners[0]);
        runner_free(&runners[1]);
        member_free(target.member);
    }
}

Test(races, remove_against_remove)
{
    static const struct outcome outcomes[2] = {
        {204, 404, NULL, "Removed [Revoked] default"},
        {404, 204, NULL, "Removed [Revoked] default"},
    };

    for (unsigned round = 0; round < ROUNDS; round++) {
        struct target target = invite(round);
        struct runner runners[2] = {runner(&target, "DELETE", ""), runner(&target, "DELETE", "")};

        expect_outcome(runners, target.member, outcomes, round);
        expect_records(target.member, "account_user.removed", "1");
        runner_free(&runners[0]);
        runner_free(&runners[1]);
        member_free(target.member);
    }
}

Test(races, add_group_against_take_group)
{
    static const struct outcome outcomes[2] = {
        {200, 204, NULL, "Invited [Open] other"},
        {200, 400, "/problems/last-group", "Invited [Open] default other"},
    };
    unsigned won[3] = {0};

    for (unsigned round = 0; round < ROUNDS; round++) {
        struct target target = invite(round);
        struct runner runners[2] = {
            adding(&target, account->other_group), taking(&target, account->default_group)};

        won[expect_outcome(runners, target.member, outcomes, round)]++;
        cr_expect_eq(json_array_size(json_object_get(runners[0].answer.body, "groups")), 2);
        runner_free(&runners[0]);
        runner_free(&runners[1]);
        member_free(target.member);
    }
    tell("add before take and after", won);
}

Test(races, take_group_against_take_group)
{
    static const struct outcome outcomes[2] = {
        {204, 400, "/problems/last-group", "Invited [Open] other"},
        {400, 204, "/problems/last-group", "Invited [Open] default"},
    };
    unsigned won[3] = {0};

    for (unsigned round = 0; round < ROUNDS; round++) {
        struct target target = invite(round);
        struct runner runners[2] = {
            taking(&target, account->default_group), taking(&target, account->other_group)};

        expect_once(adding(&target, account->other_group), 200);
        won[expect_outcome(runners, target.member, outcomes, round)]++;
        runner_free(&runners[0]);
        runner_free(&runners[1]);
        member_free(target.member);
    }
    tell("one and the other first", won);
}
