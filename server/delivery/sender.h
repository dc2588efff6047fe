#ifndef ACCOUNTSD_SENDER_H
#define ACCOUNTSD_SENDER_H

/* The threads that send: each takes a delivery, sends it, and puts it among those that are done. A thread
 * each because libcurl and the disk block (smtp.h). What is called here is the loop's to call. */

#include "base/config.h"
#include "delivery/delivery.h"

struct sender;

/* config and password (NULL where there is no user) must stay. NULL when memory, descriptors or threads ran
 * out. */
struct sender *sender_start(const struct config *config, const char *password);

/* An eventfd, readable when deliveries are done. */
int sender_done_fd(const struct sender *sender);

/* As many at once as there are threads. */
void sender_give(struct sender *sender, struct delivery *delivery);

/* Those that are done, in a list, the caller's; NULL for none. */
struct delivery *sender_take(struct sender *sender);

/* Breaks off what is under way by SMTP: it will be done within about a second, as smtp_create says. */
void sender_break_off(struct sender *sender);

/* Ends the threads and frees all; nothing is under way any more. One that waits for a server's word of
 * goodbye is left behind after a second, for the end of the process. */
void sender_stop(struct sender *sender);

#endif
