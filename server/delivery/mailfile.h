#ifndef ACCOUNTSD_MAILFILE_H
#define ACCOUNTSD_MAILFILE_H

/* Writes mails as <message id>.eml into a directory. A file appears whole: it is written under a temporary
 * name, synced and renamed. A second attempt replaces the first, whose code stays valid. Any thread. */

#include "delivery/transport.h"

void mailfile_write(const char *directory, const struct envelope *envelope, struct transport_result *result);

#endif
