#ifndef ACCOUNTSD_TESTS_ARM_H
#define ACCOUNTSD_TESTS_ARM_H

/* The test's side of faults.h: calls of processes started from here on fail when the test says so. */

#include "faults.h"

#define FAULTS_PATH_SIZE 64

/* The page shared with these processes, in a file of its own. A failure fails the test. */
struct faults *faults_share(char path[FAULTS_PATH_SIZE]);
/* Removes the file too. */
void faults_unshare(struct faults *faults, const char *path);

/* Of the calls of a kind, the first success_count ones succeed, and the next failure_count ones fail. */
void faults_arm(struct faults *faults, enum faults_kind kind, long success_count, long failure_count);
/* Returns how many have failed. */
long faults_disarm(struct faults *faults);

#endif
