#ifndef ACCOUNTSD_SIGNALS_H
#define ACCOUNTSD_SIGNALS_H

/* SIGTERM, SIGINT and SIGHUP are handled by a thread of this module, so that a signal can end the process
 * whatever the other threads wait for. */

/* Blocks the signals for the calling thread and those that it creates, and starts the handling thread; call
 * it before other threads exist. Until signals_pass a stop signal ends the process at once, with status 0.
 * Ends the process if it runs out of descriptors or threads. */
void signals_start(void);

/* The next count stop signals are passed on to signals_take_stop; the one after them ends the process at
 * once, with status 1. */
void signals_pass(unsigned count);

/* Readable while a stop signal waits for signals_take_stop. */
int signals_stop_fd(void);

/* The number of the oldest stop signal that waits; 0 if none does. */
int signals_take_stop(void);

/* An eventfd, readable once SIGHUP has come. */
int signals_reload_fd(void);

#endif
