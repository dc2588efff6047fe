#ifndef ACCOUNTSD_DIE_H
#define ACCOUNTSD_DIE_H

/* Logs each line of reason as "accountsd: <line>" and exits with status 1. Only for the start of the process,
 * before anything is served, and for a failed allocation that cannot be reported (memory.h). */
_Noreturn void die(const char *reason);

#endif
