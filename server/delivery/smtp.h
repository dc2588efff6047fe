#ifndef ACCOUNTSD_SMTP_H
#define ACCOUNTSD_SMTP_H

/* Sends mails to one SMTP server, one after the other over a connection that stays open between them. Blocks:
 * several in flight are several of these, each on a thread of its own, and not libcurl's multi interface, in
 * which libcurl waits for the reply after DATA, and for that to QUIT, without giving the loop its turn. */

#include "base/config.h"
#include "delivery/transport.h"

struct smtp;

#define SMTP_SECRET_MAX 1024

/* The password, from the variable or from the first line of its file, for which secret is room; NULL where
 * the file cannot be read or is empty. */
const char *smtp_read_password(const struct config *config, char secret[SMTP_SECRET_MAX]);

/* password: NULL where there is no user. config and password must stay. *stop is looked at once a second:
 * when it is true, what is under way ends as OUTCOME_FAILED; as OUTCOME_UNKNOWN where libcurl has all of the
 * mail, and as OUTCOME_SENT after the 250. NULL when memory ran out. */
struct smtp *smtp_create(const struct config *config, const char *password, const _Atomic bool *stop);
/* Says QUIT on an open connection, and waits for the reply. */
void smtp_free(struct smtp *smtp);

/* Sends one mail. 5xx to RCPT, to DATA and after it is the mail's own fault, all else the server's or ours.
 */
void smtp_send(struct smtp *smtp, const struct envelope *envelope, struct transport_result *result);

#endif
