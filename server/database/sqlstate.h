#ifndef ACCOUNTSD_SQLSTATE_H
#define ACCOUNTSD_SQLSTATE_H

/* The HTTP status for an SQLSTATE: NNN for PTNNN, 503 where trying again later can help, 504 for a statement
 * that took too long, 500 for anything else and for NULL. */
int sqlstate_status(const char *sqlstate);

#endif
