#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/count.h"
#include "harness/cluster.h"

/* Two database sessions without a server: a statement in one waits for the transaction of the other, and
 * then takes its changes into account. */

static PGconn *first, *second;
static struct account *account;

static void set_up(void)
{
    first = database_connect(database_url());
    second = database_connect(database_url());
    account = account_make(first, "Client");
}

static void tear_down(void)
{
    account_free(account);
    PQfinish(second);
    PQfinish(first);
}

TestSuite(sessions, .init = set_up, .fini = tear_down, .timeout = 60);

/* A membership whose invitation is open. */
static struct member *invite(void)
{
    char *email = new_email(), *body = create_body(email, account->id, NULL),
         *answer = database_query(first, "select api.create_account_user($1::jsonb)", body, NULL);
    json_t *object = json_loads(answer, 0, NULL);
    struct member *member = member_of(object);

    json_decref(object);
    free(answer);
    free(body);
    free(email);
    return member;
}

/* Begins a statement in the second session, and waits until it is blocked by the first, whose transaction
 * is open. */
static void begin_waiting(const char *sql, const char *one, const char *two)
{
    const char *const parameters[] = {one, two};

    cr_assert_eq(PQsendQueryParams(second, sql, two != NULL ? 2 : 1, NULL, parameters, NULL, NULL, 0), 1);
    await_waiting(first, 1);
}

/* Its result: "200", or SQLSTATE and message of its error; the caller frees it. */
static char *end_waiting(void)
{
    PGresult *result = PQgetResult(second);
    char *outcome = NULL;

    if (PQresultStatus(result) == PGRES_TUPLES_OK)
        outcome = strdup("200");
    else
        cr_assert_geq(asprintf(&outcome, "%s %s", PQresultErrorField(result, PG_DIAG_SQLSTATE),
                          PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY)),
            0);
    PQclear(result);
    cr_assert_null(PQgetResult(second));
    return outcome;
}

static void expect_outcome(const char *expected, const char *what)
{
    char *outcome = end_waiting();

    cr_expect_eq(
        strncmp(outcome, expected, strlen(expected)), 0, "%s: %s and not %s", what, outcome, expected);
    free(outcome);
}

/* Every change of a membership waits for its removal, and then finds none. */
Test(sessions, a_concurrently_removed_membership_is_not_changed)
{
    static const char *const changes[] = {
        "select api.add_account_user_group($1, jsonb_build_object('id', $2::text))",
        "select api.replace_account_user_groups($1, jsonb_build_array(jsonb_build_object('id', $2::text)))",
        "select api.take_account_user_group($1, $2)",
        "select api.resend_account_user_invite($1) where $2 <> ''",
        "select api.remove_account_user($1) where $2 <> ''",
    };

    for (size_t i = 0; i < COUNT(changes); i++) {
        struct member *member = invite();
        char *left;

        free(database_query(first, "begin", NULL));
        free(database_query(first, "select api.remove_account_user($1)", member->id, NULL));
        begin_waiting(changes[i], member->id, account->other_group);
        free(database_query(first, "commit", NULL));
        expect_outcome("PT404 ", changes[i]);
        left = database_query(first,
            "select concat_ws(' ', (select u.status from accounts.account_user as u where u.key ="
            " internal.account_user_key($1)), (select count(*) from accounts.invitation as i where "
            "i.account_user_key ="
            " internal.account_user_key($1) and i.status = 'Open'), (select count(*) from "
            "accounts.audit_record as r"
            " where r.object_id = $1))",
            member->id, NULL);
        /* Invited and removed, and nothing else. */
        cr_expect_str_eq(left, "Removed 0 2", "%s: %s", changes[i], left);
        free(left);
        member_free(member);
    }
}

static void expect_accepted(const struct member *member, const char *expected, const char *what)
{
    char *count = database_query(first,
        "select concat_ws(' ', (select count(*) from accounts.audit_record as r where r.object_id = $1 and "
        "r.action ="
        " 'account_user.accepted'), (select string_agg(i.status::text, ' ' order by i.key) from "
        "accounts.invitation as"
        " i where i.account_user_key = internal.account_user_key($1)))",
        member->id, NULL);

    cr_expect_str_eq(count, expected, "%s: %s", what, count);
    free(count);
}

/* An acceptance waits for a change of the membership, and then checks its code. */
Test(sessions, an_acceptance_waits_for_concurrent_changes)
{
    static const struct {
        const char *sql, *outcome, *left;
    } rows[] = {
        {"select api.resend_account_user_invite($1) where $2 <> ''", "PT400 A newer invitation",
            "0 Superseded Open"},
        {"select api.remove_account_user($1) where $2 <> ''", "PT400 The invitation was revoked",
            "0 Revoked"},
        {"select api.accept_account_user_invite($1, $2::jsonb)", "200", "1 Accepted"},
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct member *member = invite();
        char *body = accept_body(member->code);

        free(database_query(first, "begin", NULL));
        free(database_query(first, rows[i].sql, member->id, body, NULL));
        begin_waiting("select api.accept_account_user_invite($1, $2::jsonb)", member->id, body);
        free(database_query(first, "commit", NULL));
        expect_outcome(rows[i].outcome, rows[i].sql);
        expect_accepted(member, rows[i].left, rows[i].sql);
        free(body);
        member_free(member);
    }
}

/* How many of the events after a position, at most max_count, belong to the account; moves the position.
 * The caller frees it. */
static char *read_events(char position[32], const char *max_count)
{
    char *last, *found;

    events_number(second);
    last = database_query(second,
        "select coalesce(max(position), $1::bigint) from api.read_events($1::bigint, $2::int)", position,
        max_count, NULL);
    found = database_query(second,
        "select count(*) from api.read_events($1::bigint, $2::int) where event #>> '{account,id}' = $3",
        position, max_count, account->id, NULL);

    snprintf(position, 32, "%s", last);
    free(last);
    return found;
}

static size_t read_all(char position[32], const char *max_count)
{
    size_t count = 0;
    char before[32];

    do {
        char *found;

        snprintf(before, sizeof(before), "%s", position);
        found = read_events(position, max_count);
        count += strtoul(found, NULL, 10);
        free(found);
    } while (strcmp(before, position) != 0);
    return count;
}

static void invite_by(PGconn *pg)
{
    char *email = new_email(), *body = create_body(email, account->id, NULL);

    free(database_query(pg, "select api.create_account_user($1::jsonb)", body, NULL));
    free(body);
    free(email);
}

/* Events of slow transactions, with keys below those that were read already, are read once they commit,
 * whatever the size of the page. */
Test(sessions, events_of_a_slow_transaction_are_not_skipped)
{
    static const char *const max_counts[] = {"1", "2", "1000"};
    char position[32] = "0";

    /* The first request stores the set of groups, and a second one would wait for it. */
    invite_by(second);
    read_all(position, "1000");
    for (size_t i = 0; i < COUNT(max_counts); i++) {
        free(database_query(first, "begin", NULL));
        invite_by(first);
        for (int k = 0; k < 3; k++) {
            invite_by(second);
            cr_expect_eq(read_all(position, max_counts[i]), 1);
            cr_expect_eq(read_all(position, max_counts[i]), 0);
        }
        invite_by(first);
        invite_by(second);
        free(database_query(first, "commit", NULL));
        cr_expect_eq(read_all(position, max_counts[i]), 3, "%s at a time: events are lost", max_counts[i]);
        cr_expect_eq(read_all(position, max_counts[i]), 0);
    }
}
