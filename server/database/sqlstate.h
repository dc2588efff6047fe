#ifndef ACCOUNTSD_SQLSTATE_H
#define ACCOUNTSD_SQLSTATE_H

/* The HTTP status for an SQLSTATE: NNN for PTNNN, 503 if trying again later can help, 504 for a statement
 * timeout, 500 for anything else and for NULL. */
int sqlstate_status(const char *sqlstate);

#endif
