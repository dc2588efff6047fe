#ifndef ACCOUNTSD_TESTS_FAULTS_H
#define ACCOUNTSD_TESTS_FAULTS_H

/* Calls that fail, a wall clock that is set, and clients that read nothing, when a test says so. faults.c is
 * linked into a server of its own, which has the page below in common with the test, by the file that
 * FAULTS_FILE names. */

#include <stdatomic.h>
#include <stdbool.h>

#define FAULTS_FILE "ACCOUNTSD_FAULTS"

enum faults_kind {
    FAULTS_NONE,
    /* malloc and its like, in any thread, but not where libh2o calls: it ends the process, by design. */
    FAULTS_ALLOCATION,
    /* What accountsd calls of libpq and can fail. */
    FAULTS_LIBPQ,
};

struct faults {
    _Atomic int kind;
    /* How many calls of the kind succeed first, and how many fail then. */
    _Atomic long spared, doomed;
    /* How many have failed since, and who made the first of these calls. */
    _Atomic long failed;
    char caller[128];
    /* By how much the wall clock has been set since the start. */
    _Atomic long clock_step_seconds;
    /* No client's socket takes a byte. */
    _Atomic bool is_output_blocked;
};

#endif
