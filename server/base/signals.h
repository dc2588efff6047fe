#ifndef ACCOUNTSD_SIGNALS_H
#define ACCOUNTSD_SIGNALS_H

/* SIGTERM, SIGINT and SIGHUP, taken by a thread of this module's own, so that a signal that has to end the
 * process does so whatever the other threads wait for. */

/* Blocks the signals for the calling thread and all that it makes, and starts the thread. Until signals_pass
 * a signal to stop ends the process at once, with status 0: nothing has begun yet. Before there are other
 * threads. Ends the process where descriptors or threads ran out. */
void signals_start(void);

/* The next count signals to stop are passed on to signals_take_stop; the one after them ends the process at
 * once, with status 1. */
void signals_pass(unsigned count);

/* Readable while a signal to stop has been passed on and not been taken. */
int signals_stop_fd(void);

/* The number of a signal to stop that has been passed on, in their order; 0 where there is none. */
int signals_take_stop(void);

/* An eventfd, readable once SIGHUP has come. */
int signals_reload_fd(void);

#endif
