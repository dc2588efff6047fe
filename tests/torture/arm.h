#ifndef ACCOUNTSD_TESTS_ARM_H
#define ACCOUNTSD_TESTS_ARM_H

/* The test's side of faults.h: calls of what is started from here on fail when the test says so. */

#include "faults.h"

#define FAULTS_PATH_SIZE 64

/* The page that is shared with what is started, in a file of its own. A failure fails the test. */
struct faults *faults_share(char path[FAULTS_PATH_SIZE]);
/* Removes the file too. */
void faults_unshare(struct faults *faults, const char *path);

/* Of the calls of a kind, so many succeed first, and so many fail then. */
void faults_arm(struct faults *faults, enum faults_kind kind, long spared, long doomed);
/* How many have failed. */
long faults_disarm(struct faults *faults);

#endif
