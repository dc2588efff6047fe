#ifndef ACCOUNTSD_TESTS_CLUSTER_H
#define ACCOUNTSD_TESTS_CLUSTER_H

/* Shared by tests of outages and locks: a PostgreSQL of the test's own, and a continuous load of
 * invitations. */

#include <pthread.h>
#include <time.h>

#include "fixture.h"
#include "process.h"

/* Every request is answered within this many seconds, which is before --database-timeout, even on a busy
 * machine. A sanitizer slows everything down. */
#ifdef __SANITIZE_ADDRESS__
#define SLOWEST_SECONDS 30.0
#else
#define SLOWEST_SECONDS 10.0
#endif

/* Seconds since a time of CLOCK_MONOTONIC. */
double seconds_since(const struct timespec *start);
struct timespec now(void);

/* Runs a shell command in the root of the project, and expects success. */
__attribute__((format(printf, 1, 2))) void run_command(const char *format, ...);

struct cluster {
    char dir[512];
    /* As a superuser, and as accountsd's role. */
    char *url, *server_url;
};

/* A migrated database in $TEST_DIR/NAME, with full durability. */
struct cluster *cluster_start(const char *name);
/* The same, not started. */
struct cluster *cluster_make(const char *name);
/* Sets the URLs of a started cluster. */
void cluster_open(struct cluster *cluster);
/* One that has not been created. */
struct cluster *cluster_named(const char *name);
/* `scripts/postgres COMMAND DIR MORE`. */
void cluster_run(const struct cluster *cluster, const char *command, const char *more);
void cluster_remove(struct cluster *cluster);

/* Posts new invitations until one has this status; fails after half a minute. */
void await_status(const struct server *server, const struct account *account, long status);

/* Waits until this many sessions wait for a lock that pg holds. */
void await_waiting(PGconn *pg, long count);
/* Waits until a session waits for such a lock. */
void await_waiter(PGconn *pg);

/* One invitation, posted by its own thread. */
struct poster {
    pthread_t thread;
    const struct server *server;
    const struct account *into;
    char *email;
    bool is_joined;
    struct answer answer;
};

/* Takes ownership of the address. */
void poster_start(
    struct poster *poster, const struct server *server, const struct account *into, char *email);
/* Waits for the answer, which stays the poster's. */
const struct answer *poster_await(struct poster *poster);
/* Waits for the answer, expects a status, and frees it. */
void poster_end(struct poster *poster, long status);

/* Threads that send invitations, each one after the other. */
struct load;

struct load *load_start(const struct server *server, const struct account *account, size_t threads);
/* How many requests were answered with this status. */
size_t load_count(struct load *load, long status);
/* Waits for the next 201. Returns the seconds since start. */
double load_await_success(struct load *load, const struct timespec *start);
/* Stops the threads; load_resume starts them again. */
void load_pause(struct load *load);
void load_resume(struct load *load);
/* Expects that every answer was 201, 503 or 504, that no request took longer than slowest seconds, and
 * that everything acknowledged is in the database; returns how many were acknowledged. */
size_t load_check(struct load *load, PGconn *pg, double slowest);
/* Prints the counts, under a name, to stderr. */
void load_print(struct load *load, const char *name);
void load_free(struct load *load);

#endif
