#ifndef ACCOUNTSD_DEADLINES_H
#define ACCOUNTSD_DEADLINES_H

/* The deadlines of a worker's connections, by clock_now_us(), because libh2o's timers follow the wall clock.
 * All deadlines of a kind have the same timeout, so a list per kind in order of entry is sorted. */

#include <h2o.h>
#include <stdbool.h>
#include <stdint.h>

/* For a request and the idle time before it; a response; the close of a connection. */
enum deadline_kind { DEADLINE_REQUEST, DEADLINE_RESPONSE, DEADLINE_CLOSE, DEADLINE_KINDS };

/* Embedded in the object that has the deadline. */
struct deadline {
    h2o_linklist_t link;
    /* clock_now_us() when the timeout began. */
    uint64_t since;
};

/* Private except timeout_us. */
struct deadlines {
    h2o_linklist_t lists[DEADLINE_KINDS];
    uint64_t timeout_us[DEADLINE_KINDS];
};

/* Sets all timeouts to 0. */
void deadlines_init(struct deadlines *deadlines);

/* Starts a timeout of a kind and cancels the current one; kind DEADLINE_KINDS starts none. */
void deadlines_enter(struct deadlines *deadlines, struct deadline *deadline, enum deadline_kind kind);
void deadline_leave(struct deadline *deadline);

/* A deadline that has passed at now; NULL if there is none. It stays passed until deadlines_enter or
 * deadline_leave. */
struct deadline *deadlines_find_passed(const struct deadlines *deadlines, uint64_t now);

/* Milliseconds until the first deadline passes, at least min_ms. */
int32_t deadlines_max_wait(const struct deadlines *deadlines, int32_t min_ms);

#endif
