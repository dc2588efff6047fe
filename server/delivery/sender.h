#ifndef ACCOUNTSD_SENDER_H
#define ACCOUNTSD_SENDER_H

/* The threads that send mails. Each sends one delivery at a time, because libcurl and the disk block
 * (smtp.h). The functions are called on the loop's thread. */

#include "base/config.h"
#include "delivery/delivery.h"

struct sender;

/* config and password (NULL: no login) must outlive the sender. */
struct sender *sender_start(const struct config *config, const char *password);

/* An eventfd, readable when deliveries have ended. */
int sender_done_fd(const struct sender *sender);

/* At most as many deliveries as there are threads may be in flight. */
void sender_submit(struct sender *sender, struct delivery *delivery);

/* Returns the deliveries that have ended, as a list that the caller owns. */
struct delivery *sender_take(struct sender *sender);

/* Aborts SMTP deliveries in flight; they end within about a second (smtp_create). */
void sender_abort(struct sender *sender);

/* Ends the threads and frees everything; no delivery may be in flight. A thread that still waits for the
 * reply to QUIT after a second is abandoned; the process ends anyway. */
void sender_stop(struct sender *sender);

#endif
