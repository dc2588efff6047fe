#ifndef ACCOUNTSD_SMTP_H
#define ACCOUNTSD_SMTP_H

/* Sends mails to one SMTP server, one after the other over a connection that stays open between them. Blocks,
 * so mails in flight need a thread and a struct smtp each. libcurl's multi interface is not used because it
 * blocks too while it waits for the replies after DATA and QUIT. */

#include "base/config.h"
#include "delivery/transport.h"

struct smtp;

#define SMTP_SECRET_MAX 1024

/* Returns the password from its variable, or from the first line of its file, which is read into secret; NULL
 * if the file cannot be read or is empty. */
const char *smtp_read_password(const struct config *config, char secret[SMTP_SECRET_MAX]);

/* password: NULL for no login. config and password must outlive the result. *stop is checked once a second;
 * if it is true, the delivery in flight ends as OUTCOME_FAILED, as OUTCOME_UNKNOWN if libcurl has read the
 * whole mail, or as OUTCOME_SENT after the 250. */
struct smtp *smtp_create(const struct config *config, const char *password, const _Atomic bool *stop);
/* Sends QUIT on an open connection and waits for the reply. */
void smtp_free(struct smtp *smtp);

/* Sends one mail. Only 5xx replies to RCPT, DATA and the message refuse the mail; any other failure is
 * temporary. */
void smtp_send(struct smtp *smtp, const struct envelope *envelope, struct transport_result *result);

#endif
