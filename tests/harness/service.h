#ifndef ACCOUNTSD_TESTS_SERVICE_H
#define ACCOUNTSD_TESTS_SERVICE_H

/* The set-up that most suites have: a server of the test's own on the shared database, and two accounts. */

#include "fixture.h"

extern PGconn *pg;
/* As accountsd's own role. */
extern char *url;
/* A Client and a Vendor. */
extern struct account *account, *other;
extern struct server *server;

/* Starts the server with more arguments, NULL-terminated. It is patient: where a machine is busy, a request
 * waits rather than being refused. */
void service_start(const char *const *arguments);
/* For TestSuite: .init without more arguments, and .fini. */
void service_set_up(void);
void service_tear_down(void);

#endif
