#ifndef ACCOUNTSD_TESTS_SERVICE_H
#define ACCOUNTSD_TESTS_SERVICE_H

/* The set-up of most suites: a server of the test's own on the shared database, and two accounts. */

#include "fixture.h"

extern PGconn *pg;
/* As accountsd's own role. */
extern char *url;
/* A Client and a Vendor. */
extern struct account *account, *other;
extern struct server *server;

/* Starts the server with further arguments, NULL-terminated. On a busy machine its requests wait instead
 * of being refused. */
void service_start(const char *const *arguments);
/* For TestSuite: .init without further arguments, and .fini. */
void service_set_up(void);
void service_tear_down(void);

/* One request with a JSON body and up to two more headers, each of which may be NULL. */
struct answer send_json(const char *method, const char *path, const char *token, const char *body,
    const char *first_header, const char *second_header);

#endif
