#ifndef ACCOUNTSD_TESTS_RACE_H
#define ACCOUNTSD_TESTS_RACE_H

/* Requests to the server of harness/service.h that run at once, and what became of their membership. */

#include <pthread.h>

#include "harness/service.h"

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

/* The membership of the race, and the form of its path. */
struct target {
    struct member *member;
    enum path_form form;
};

/* One possible result of a race. */
struct outcome {
    long first, second;
    /* The problem type of the one that lost; NULL: both won, or it has none. */
    const char *type;
    const char *state;
};

/* held: a membership whose row is locked until the requests have arrived; NULL for none. */
void race(struct runner *runners, unsigned count, const struct member *held);

/* Its path, body and answer. */
void runner_free(struct runner *runner);

/* A request that is not sent yet: any, and those of the operations. */
struct runner runner(const struct target *target, const char *method, const char *more);
struct runner accepting(const struct target *target, const char *code);
struct runner adding(const struct target *target, const char *group);
struct runner taking(const struct target *target, const char *group);

/* Every other round uses the other form. */
struct target race_invite(unsigned round);

/* Alone. */
struct answer ask_once(struct runner made);
void expect_once(struct runner made, long status);

/* "<status> [<invitation statuses>] <groups>": the state of the membership in the database. Also checks
 * what must hold for every membership. */
char *state_of(const struct member *member);

void expect_records(const struct member *member, const char *action, const char *count);

/* Runs both concurrently and expects one of two results; returns which, 2 if neither. */
size_t expect_outcome(
    struct runner runners[2], const struct member *member, const struct outcome outcomes[2], unsigned round);

#endif
