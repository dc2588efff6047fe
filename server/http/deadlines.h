#ifndef ACCOUNTSD_DEADLINES_H
#define ACCOUNTSD_DEADLINES_H

/* The deadlines of a worker's connections, by clock_now_us(): libh2o's timers follow a clock that may be set.
 * All deadlines of a kind have the same timeout, so that a list of each kind in order of entry is sorted. */

#include <h2o.h>
#include <stdbool.h>
#include <stdint.h>

/* A request, and an idle wait for it; a response; the end of a connection that was refused or closed. */
enum deadline_kind { DEADLINE_REQUEST, DEADLINE_RESPONSE, DEADLINE_CLOSE, DEADLINE_KINDS };

/* Embedded in what it is the deadline of. */
struct deadline {
    h2o_linklist_t link;
    /* clock_now_us() of when the timeout began. */
    uint64_t since;
};

/* Private but for timeout_us. */
struct deadlines {
    h2o_linklist_t lists[DEADLINE_KINDS];
    uint64_t timeout_us[DEADLINE_KINDS];
};

/* All timeouts are 0. */
void deadlines_init(struct deadlines *deadlines);

/* Starts the timeout of a kind, in place of the one that ran; kind DEADLINE_KINDS: of none. */
void deadlines_enter(struct deadlines *deadlines, struct deadline *deadline, enum deadline_kind kind);
void deadline_leave(struct deadline *deadline);

/* A deadline that has passed at the moment now; NULL where there is none. It stays until it is entered again
 * or leaves. */
struct deadline *deadlines_find_passed(const struct deadlines *deadlines, uint64_t now);

/* Milliseconds until the first deadline passes, at least min_ms. */
int32_t deadlines_max_wait(const struct deadlines *deadlines, int32_t min_ms);

#endif
