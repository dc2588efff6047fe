#include "race.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static void *run(void *data)
{
    struct runner *runner = data;

    pthread_barrier_wait(runner->start);
    runner->answer = runner->body != NULL
                         ? request_json(server, runner->method, runner->path, runner->token, runner->body)
                         : request(server, runner->method, runner->path, runner->token, NULL, NULL);
    return NULL;
}

/* Waits until a request waits for the held membership, gives the other time to arrive too, and releases
 * the lock. */
static void release(void)
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

void race(struct runner *runners, unsigned count, const struct member *held)
{
    pthread_barrier_t start;

    if (held != NULL)
        member_lock(pg, held);
    pthread_barrier_init(&start, NULL, count);
    for (unsigned i = 0; i < count; i++) {
        runners[i].start = &start;
        cr_assert_eq(pthread_create(&runners[i].thread, NULL, run, &runners[i]), 0);
    }
    if (held != NULL)
        release();
    for (unsigned i = 0; i < count; i++)
        pthread_join(runners[i].thread, NULL);
    pthread_barrier_destroy(&start);
}

void runner_free(struct runner *runner)
{
    answer_free(&runner->answer);
    free(runner->path);
    free(runner->body);
}

struct runner runner(const struct target *target, const char *method, const char *more)
{
    return (struct runner){
        .method = method, .token = account->token, .path = member_path(target->member, target->form, more)};
}

struct runner accepting(const struct target *target, const char *code)
{
    struct runner made = runner(target, "POST", "/accept-invite");

    made.token = NULL;
    made.body = accept_body(code);
    return made;
}

struct runner adding(const struct target *target, const char *group)
{
    struct runner made = runner(target, "POST", "/groups");

    cr_assert_geq(asprintf(&made.body, "{\"id\": \"%s\"}", group), 0);
    return made;
}

struct runner taking(const struct target *target, const char *group)
{
    char *more = NULL;
    struct runner made;

    cr_assert_geq(asprintf(&more, "/groups/%s", group), 0);
    made = runner(target, "DELETE", more);
    free(more);
    return made;
}

struct target race_invite(unsigned round)
{
    return (struct target){member_invite_new(server, account), round % PATH_FORMS};
}

struct answer ask_once(struct runner made)
{
    struct answer answer;

    race(&made, 1, NULL);
    answer = made.answer;
    free(made.path);
    free(made.body);
    return answer;
}

void expect_once(struct runner made, long status)
{
    struct answer answer = ask_once(made);

    cr_expect_eq(answer.status, status, "%ld, not %ld: %s", answer.status, status, answer.text);
    answer_free(&answer);
}

char *state_of(const struct member *member)
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

void expect_records(const struct member *member, const char *action, const char *count)
{
    char *found =
        database_query(pg, "select count(*) from accounts.audit_record where object_id = $1 and action = $2",
            member->id, action, NULL);

    cr_expect_str_eq(found, count, "%s of %s", found, action);
    free(found);
}

size_t expect_outcome(
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
