#ifndef ACCOUNTSD_TESTS_FAULTS_H
#define ACCOUNTSD_TESTS_FAULTS_H

/* Failing calls, a changed wall clock, and clients that read nothing, when a test says so. faults.c is
 * linked into a special server, which shares the page below with the test, in the file that FAULTS_FILE
 * names. */

#include <stdatomic.h>
#include <stdbool.h>

#define FAULTS_FILE "ACCOUNTSD_FAULTS"

enum faults_kind {
    FAULTS_NONE,
    /* Allocations in any thread, except those by libh2o and ICU, of which one that fails ends the process. */
    FAULTS_ALLOCATION,
    /* Calls of libpq by accountsd that can fail. */
    FAULTS_LIBPQ,
};

struct faults {
    _Atomic int kind;
    /* How many calls of the kind succeed first, and how many fail then. */
    _Atomic long success_count, failure_count;
    /* How many have failed, and who made the first of these calls. */
    _Atomic long failed;
    char caller[128];
    /* By how much the wall clock has been changed since the start. */
    _Atomic long clock_step_seconds;
    /* Sockets of clients accept no bytes. */
    _Atomic bool is_output_blocked;
};

#endif
