#ifndef ACCOUNTSD_TESTS_TROUBLE_H
#define ACCOUNTSD_TESTS_TROUBLE_H

/* What the tests share in which the database is in trouble: a PostgreSQL of a test's own, and a load of
 * invitations that goes on whatever happens. */

#include <pthread.h>
#include <time.h>

#include "fixture.h"
#include "process.h"

/* No request is stuck: each has been answered in so many seconds, which is before --database-timeout, though
 * the machine may be busy. A sanitizer slows all. */
#ifdef __SANITIZE_ADDRESS__
#define SLOWEST_SECONDS 30.0
#else
#define SLOWEST_SECONDS 10.0
#endif

/* Seconds since a moment of CLOCK_MONOTONIC. */
double seconds_since(const struct timespec *start);
struct timespec now(void);

/* Runs a shell command in the project's folder, and demands that it succeeds. */
__attribute__((format(printf, 1, 2))) void run_command(const char *format, ...);

struct cluster {
    char dir[512];
    /* As a superuser, and as accountsd's role. */
    char *url, *server_url;
};

/* A migrated database in $TEST_DIR/NAME. What it acknowledges survives a crash. */
struct cluster *cluster_start(const char *name);
/* The same, but not started. */
struct cluster *cluster_make(const char *name);
/* Sets the URLs of one that has been started. */
void cluster_open(struct cluster *cluster);
/* One that is not made. */
struct cluster *cluster_named(const char *name);
/* `scripts/postgres COMMAND DIR MORE`. */
void cluster_run(const struct cluster *cluster, const char *command, const char *more);
void cluster_remove(struct cluster *cluster);

/* Posts an invitation of somebody new until the status comes; fails after half a minute. */
void await_status(const struct server *server, const struct account *account, long status);

/* Waits until so many wait for a lock that pg holds. */
void await_waiting(PGconn *pg, const char *count);

/* One invitation, posted by a thread of its own. */
struct poster {
    pthread_t thread;
    const struct server *server;
    const struct account *into;
    char *email;
    struct answer answer;
};

/* Takes the address over. */
void poster_start(
    struct poster *poster, const struct server *server, const struct account *into, char *email);
/* Waits for the answer and demands a status. */
void poster_end(struct poster *poster, long status);

/* Threads that invite people, each one after the other. */
struct load;

struct load *load_start(const struct server *server, const struct account *account, size_t threads);
/* How many requests have been answered so. */
size_t load_count(struct load *load, long status);
/* Waits until one more is answered 201 than now. Seconds, from start on. */
double load_await_success(struct load *load, const struct timespec *start);
/* Ends the threads; they go on with load_resume. */
void load_pause(struct load *load);
void load_resume(struct load *load);
/* Demands that no answer was any but 201, 503 and 504, that no request took longer than slowest seconds, and
 * that all that is acknowledged is in the database; returns how many that are. */
size_t load_check(struct load *load, PGconn *pg, double slowest);
/* Tells the counts, under a name, on stderr. */
void load_tell(struct load *load, const char *name);
void load_free(struct load *load);

#endif
