#ifndef ACCOUNTSD_DELIVER_H
#define ACCOUNTSD_DELIVER_H

/* accountsd deliver: takes mails out of the database's queue, sends them, and tells the database what became
 * of each. One loop on the calling thread; the senders (sender.h) are threads of their own. Any number of
 * these may run: a mail is one's alone for the length of its lease. */

#include "config.h"

/* Delivers until a signal to stop (signals.h), then until what is in flight has ended. The exit status. */
int deliver(const struct config *config);

#endif
