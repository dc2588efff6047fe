#ifndef ACCOUNTSD_TESTS_RETRY_H
#define ACCOUNTSD_TESTS_RETRY_H

/* Requests with an Idempotency-Key, to the server of harness/service.h. */

#include "harness/service.h"

struct answer send_with_key(const char *path, const char *token, const char *body, const char *key);
/* The same bytes, and the same headers except those of the exchange itself. */
void expect_replay(const struct answer *replay, const struct answer *first);

#endif
