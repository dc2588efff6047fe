#ifndef ACCOUNTSD_TESTS_MIXTURE_H
#define ACCOUNTSD_TESTS_MIXTURE_H

/* A flood of invitations of which one in a hundred is poisoned, by each in turn of all the ways that there
 * are, and what must be true of the answers and of the database afterwards. */

#include "harness/fixture.h"
#include "harness/flood.h"

enum poison {
    POISON_NONE,
    /* Refused before the database is asked. */
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
    /* Undo the whole set: an error, a statement that takes too long, one that waits too long for a lock. */
    POISON_FAILING,
    POISON_SLOW,
    POISON_LOCKED,
    /* Two requests, one after the other, over two connections. */
    POISON_DUPLICATE,
    POISON_TWO_ACCOUNTS,
    POISON_DEADLOCK,
    /* A good request, before which a database connection of the servers is cut. */
    POISON_LOST_BACKEND,
    POISON_SEND_HALF,
    POISON_LEAVE,
    POISONS,
};

/* What became of a request, as its caller knows. */
enum fate { FATE_NONE, FATE_DONE, FATE_NOT_DONE, FATE_UNKNOWN };

struct job {
    enum poison poison;
    /* The request whose person it is about: its own number, or that of the first of two. */
    size_t subject;
    bool is_under_way;
    /* Was under way while a database connection was cut. */
    bool is_at_risk;
    enum fate fate;
    /* Of the answer. */
    char *id, *user_id, *code;
};

struct mixture {
    PGconn *pg;
    /* Holds the rows of the members that POISON_LOCKED invites. */
    PGconn *locker;
    /* Those that people are invited into, and one whose members nothing may change. */
    struct account *accounts[2], *still, *disabled, *operations;
    /* Members of the still one. */
    char *active_email, *locked_email;
    char *still_before;
    unsigned run;
    unsigned long seed;
    size_t count;
    struct job *jobs;
    /* The database connections that were cut, and the requests that were answered 503 because of it. */
    size_t cuts, lost;
    /* What the servers log of it; and sets of more than one that the database refused. */
    size_t lost_by_log, sets_undone, deadlocks;
    size_t set_size;
    size_t complaints;
    /* The name of a server's database connections. */
    char application[32];
};

/* Runs a mixture against servers that it starts, and checks all; so many requests unless FLOOD_REQUESTS says
 * otherwise. */
void mixture_run(size_t server_count, size_t count);

/* Decides from the seed which requests are poisoned, and how. */
void mixture_poison(struct mixture *mixture);
const char *mixture_poison_name(enum poison poison);
/* What a flood calls, with a mixture as its data. */
char *mixture_next(void *data, size_t index, enum flood_manner *manner);
void mixture_on_answer(void *data, size_t index, const struct answer *answer);
/* Holds the answers of each two that belong together against each other. */
void mixture_judge_pairs(struct mixture *mixture);

/* Of all failures of a mixture the first few are told. */
__attribute__((format(printf, 2, 3))) void mixture_complain(struct mixture *mixture, const char *format, ...);
/* The address of a request's person. The caller frees it. */
char *mixture_email(const struct mixture *mixture, const struct job *job);
/* Where a request, by its number, invites to. */
const struct account *mixture_account(const struct mixture *mixture, size_t index);
const char *mixture_group(const struct mixture *mixture, size_t index);
/* 32 hexadecimal digits. The caller frees it. */
char *mixture_trace_id(const struct mixture *mixture, size_t index);

/* All that can be seen of an account's members, as one text; the caller frees it. */
char *mixture_fingerprint(PGconn *pg, const struct account *account);
/* Holds the database against what the callers know. */
void mixture_check(struct mixture *mixture);

#endif
