#ifndef ACCOUNTSD_MAILFILE_H
#define ACCOUNTSD_MAILFILE_H

/* Mails as files: <message id>.eml in a directory, whole or not there: written aside, synced, renamed. A
 * second attempt replaces the first; the code of either is good. Any thread may write. */

#include "delivery/transport.h"

void mailfile_write(const char *directory, const struct envelope *envelope, struct transport_result *result);

#endif
