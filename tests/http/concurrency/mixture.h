#ifndef ACCOUNTSD_TESTS_MIXTURE_H
#define ACCOUNTSD_TESTS_MIXTURE_H

/* A flood of invitations of which one in a hundred is poisoned, by each kind in turn, and the checks of
 * the answers and of the database afterwards. */

#include "harness/fixture.h"
#include "harness/flood.h"

enum poison {
    POISON_NONE,
    /* Refused before the database is called. */
    POISON_MALFORMED,
    POISON_INVALID,
    POISON_WRONG_TYPE,
    POISON_NO_TOKEN,
    /* Refused by a verdict. */
    POISON_WRONG_TOKEN,
    POISON_OTHER_ACCOUNT,
    POISON_DISABLED_ACCOUNT,
    POISON_UNKNOWN_GROUP,
    POISON_ACTIVE,
    /* Roll back the whole set: an error, a statement timeout, a lock timeout. */
    POISON_FAILING,
    POISON_SLOW,
    POISON_LOCKED,
    /* Two requests, one after the other, over two connections. */
    POISON_DUPLICATE,
    POISON_TWO_ACCOUNTS,
    POISON_DEADLOCK,
    /* A valid request, before which a database connection of the servers is terminated. */
    POISON_LOST_BACKEND,
    POISON_SEND_HALF,
    POISON_LEAVE,
    POISONS,
};

/* The outcome of a request, as its caller knows it. */
enum job_outcome { JOB_NONE, JOB_DONE, JOB_NOT_DONE, JOB_UNKNOWN };

struct job {
    enum poison poison;
    /* The request whose person this one invites: itself, or the first of the two. */
    size_t subject;
    bool is_under_way;
    /* Was in flight while a database connection was terminated. */
    bool is_at_risk;
    enum job_outcome outcome;
    /* From the answer. */
    char *id, *user_id, *code;
};

struct mixture {
    PGconn *pg;
    /* Holds the rows of the members that POISON_LOCKED invites. */
    PGconn *locker;
    /* The accounts to invite into, and one whose members must not change. */
    struct account *accounts[2], *unchanged, *disabled, *operations;
    /* Members of the unchanged account. */
    char *active_email, *locked_email;
    char *unchanged_before;
    unsigned run;
    unsigned long seed;
    size_t count;
    struct job *jobs;
    /* The terminated database connections, and the requests answered with 503 because of it. */
    size_t cuts, lost;
    /* The same by the servers' logs; and sets of several requests that the database rolled back. */
    size_t lost_by_log, sets_undone, deadlocks;
    size_t set_size;
    size_t complaints;
    /* The application_name of a server's database connections. */
    char application[32];
};

/* Runs a mixture against servers that it starts, and checks everything; this many requests unless
 * FLOOD_REQUESTS is set. */
void mixture_run(size_t server_count, size_t count);

/* Decides from the seed which requests are poisoned, and how. */
void mixture_poison(struct mixture *mixture);
const char *mixture_poison_name(enum poison poison);
/* Callbacks of a flood, whose data is a mixture. */
char *mixture_next(void *data, size_t index, enum flood_manner *manner);
void mixture_on_answer(void *data, size_t index, const struct answer *answer);
/* Compares the answers to the two requests of each pair. */
void mixture_check_pairs(struct mixture *mixture);

/* Prints the first few failures of a mixture. */
__attribute__((format(printf, 2, 3))) void mixture_report(struct mixture *mixture, const char *format, ...);
/* The address of a request's person. The caller frees it. */
char *mixture_email(const struct mixture *mixture, const struct job *job);
/* The account that a request, by its number, invites into. */
const struct account *mixture_account(const struct mixture *mixture, size_t index);
const char *mixture_group(const struct mixture *mixture, size_t index);
/* 32 hexadecimal digits. The caller frees it. */
char *mixture_trace_id(const struct mixture *mixture, size_t index);

/* Everything visible of an account's members, as one text; the caller frees it. */
char *mixture_fingerprint(PGconn *pg, const struct account *account);
/* Compares the database with what the callers know. */
void mixture_check(struct mixture *mixture);

#endif
