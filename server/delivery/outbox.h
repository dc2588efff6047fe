#ifndef ACCOUNTSD_OUTBOX_H
#define ACCOUNTSD_OUTBOX_H

/* The database's queue of mails, over one connection. Blocks, each call for --database-timeout at most,
 * connecting for --database-connect-timeout: the mails under way are other threads'. A call that fails for
 * want of the connection, or of an answer in time, ends the connection. */

#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/config.h"
#include "database/postgres.h"

struct outbox {
    const struct config *config;
    /* NULL while there is none. */
    PGconn *pg;
    /* Readable when the worker is to stop: connecting ends at once then, and calls soon; -1 once what is left
     * is to tell what became of mails. */
    int stop_fd;
    /* Of clock_now_ms: nothing is waited for any longer. */
    int64_t deadline_ms;
    /* Why the last call failed. */
    char error[POSTGRES_ERROR_MAX];
};

/* Connects, and asks to be told of mails. False, and the reason in error, where it fails. */
bool outbox_connect(struct outbox *outbox, bool *is_unfit);
void outbox_disconnect(struct outbox *outbox);

/* Takes what the database has said unasked, with a result too: *has_mail is set where it told of mails. False
 * when the connection is gone. */
bool outbox_listen(struct outbox *outbox, bool *has_mail);

/* Each is the result of the function of its name, the caller's; NULL on failure, and the reason in error. */
PGresult *outbox_claim_deliveries(struct outbox *outbox, size_t count);
PGresult *outbox_complete_deliveries(struct outbox *outbox, const char *outcomes);
PGresult *outbox_delivery_backlog(struct outbox *outbox);
/* One row: the kind of id of which the largest share is used. */
PGresult *outbox_key_space(struct outbox *outbox);
PGresult *outbox_announce_expiries(struct outbox *outbox, size_t count);
PGresult *outbox_number_events(struct outbox *outbox, size_t count);

#endif
