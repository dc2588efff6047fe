#ifndef ACCOUNTSD_TESTS_BENCH_H
#define ACCOUNTSD_TESTS_BENCH_H

/* A server whose calls fail when a test says so, and the operations that are tried on it. */

#include "arm.h"
#include "harness/fixture.h"

#define RECOVERY_MS 10000

struct bench {
    struct faults *faults;
    char faults_path[FAULTS_PATH_SIZE];
    PGconn *pg;
    struct account *account;
    struct server *server;
    char *name;
    long created;
    /* The id and the code of the newest invitation. */
    char invitation[128];
};

struct bench *bench_make(void);
/* The server has been stopped. */
void bench_free(struct bench *bench);
/* Starts the server, whose sessions have the bench's name. */
void bench_start(struct bench *bench);

struct operation {
    struct answer (*run)(struct bench *bench);
    /* Where nothing fails. */
    long status;
};

extern const struct operation create_operation, invalid_operation, get_operation, list_operation,
    page_operation;

void assert_lives(struct bench *bench, long n);
/* After the failure the next request is served, at once unless an attempt to connect has failed. */
void assert_recovers(struct bench *bench, const struct operation *operation, long n, long patience_ms);

#endif
