#ifndef ACCOUNTSD_DIE_H
#define ACCOUNTSD_DIE_H

/* Logs "accountsd: reason", of several lines each so, and ends the process: only at the start, before
 * anything is served. */
_Noreturn void die(const char *reason);

#endif
