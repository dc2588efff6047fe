#ifndef ACCOUNTSD_TESTS_FEED_H
#define ACCOUNTSD_TESTS_FEED_H

/* Sessions that read events, and are notified of them. */

#include "harness/harness.h"

/* A session that has run a listen statement. */
PGconn *listen_to(const char *statement);
PGconn *listen_to_events(void);
/* Waits for a notification or a timeout; true for a notification. */
bool await_wake(PGconn *pg);
/* The last position once all events have been numbered and read. */
long drain(PGconn *pg);

#endif
