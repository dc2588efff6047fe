#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "race.h"

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

static void print_counts(const char *what, const unsigned won[3])
{
    cr_log_info("%s: %u and %u of %d rounds", what, won[0], won[1], ROUNDS);
}

Test(races, many_acceptances)
{
    for (unsigned round = 0; round < 2; round++) {
        struct target target = race_invite(round);
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
        struct target target = race_invite(round);
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
    print_counts("accept before resend and after", won);
}

Test(races, accept_against_remove)
{
    static const struct outcome outcomes[2] = {
        {200, 204, NULL, "Removed [Accepted] default"},
        {400, 204, "/problems/invitation-revoked", "Removed [Revoked] default"},
    };
    unsigned won[3] = {0};

    for (unsigned round = 0; round < ROUNDS; round++) {
        struct target target = race_invite(round);
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
    print_counts("accept before remove and after", won);
}

Test(races, resend_against_resend)
{
    static const struct outcome outcomes[2] = {
        {200, 200, NULL, "Invited [Superseded Superseded Open] default"},
        {200, 200, NULL, "Invited [Superseded Superseded Open] default"},
    };

    for (unsigned round = 0; round < ROUNDS; round++) {
        struct target target = race_invite(round);
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
        struct target target = race_invite(round);
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
        struct target target = race_invite(round);
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
        struct target target = race_invite(round);
        struct runner runners[2] = {
            adding(&target, account->other_group), taking(&target, account->default_group)};

        won[expect_outcome(runners, target.member, outcomes, round)]++;
        cr_expect_eq(json_array_size(json_object_get(runners[0].answer.body, "groups")), 2);
        runner_free(&runners[0]);
        runner_free(&runners[1]);
        member_free(target.member);
    }
    print_counts("add before take and after", won);
}

Test(races, take_group_against_take_group)
{
    static const struct outcome outcomes[2] = {
        {204, 400, "/problems/last-group", "Invited [Open] other"},
        {400, 204, "/problems/last-group", "Invited [Open] default"},
    };
    unsigned won[3] = {0};

    for (unsigned round = 0; round < ROUNDS; round++) {
        struct target target = race_invite(round);
        struct runner runners[2] = {
            taking(&target, account->default_group), taking(&target, account->other_group)};

        expect_once(adding(&target, account->other_group), 200);
        won[expect_outcome(runners, target.member, outcomes, round)]++;
        runner_free(&runners[0]);
        runner_free(&runners[1]);
        member_free(target.member);
    }
    print_counts("one and the other first", won);
}
