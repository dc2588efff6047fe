#ifndef ACCOUNTSD_MEMORY_H
#define ACCOUNTSD_MEMORY_H

/* Whether memory ran out. jansson does not say so in all places: what it parses is then "not JSON" or lacks a
 * character of a string, and what it writes may lack a key. So its allocations are made here, where one that
 * fails is remembered. */

#include <stdbool.h>

/* Makes jansson allocate here. Before anything is allocated by it, and before threads. */
void memory_watch(void);

/* Begins a piece of work of this thread: nothing has failed in it yet. */
void memory_begin(void);

/* Whether memory ran out for jansson since memory_begin, on this thread. */
bool memory_ran_out(void);

#endif
