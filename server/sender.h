#ifndef ACCOUNTSD_SENDER_H
#define ACCOUNTSD_SENDER_H

/* The threads that send: each takes a job, sends it, and puts it among those that are done. A thread each
 * because libcurl and the disk block (smtp.h). What is called here is the loop's to call. */

#include <stdint.h>

#include "config.h"
#include "transport.h"

/* One mail under way. The loop makes it, a thread has it between sender_give and sender_take. */
struct job {
    int64_t id;
    int attempt;
    /* The attempt before ended without a word: this may be the second time that the mail is sent. */
    bool is_repeat;
    /* Of a fixed few. */
    char topic[32];
    /* dial_now_ms() from which on another worker may have it. */
    int64_t lease_until_ms;
    /* Bare addresses, the id and the message: the job's. */
    char *from, *to, *message_id, *message;
    size_t message_len;
    struct transport_result result;
    uint64_t duration_us;
    struct job *next;
};

/* Frees what it has too. */
void job_free(struct job *job);

struct sender;

/* config and password (NULL where there is no user) must stay. NULL, and a line to stderr, when that is not
 * to be had. */
struct sender *sender_start(const struct config *config, const char *password);

/* An eventfd, readable when jobs are done. */
int sender_done_fd(const struct sender *sender);

/* As many at once as there are threads. */
void sender_give(struct sender *sender, struct job *job);

/* Those that are done, in a list, the caller's; NULL for none. */
struct job *sender_take(struct sender *sender);

/* Breaks off what is under way: it will be done as OUTCOME_FAILED within about a second. */
void sender_break_off(struct sender *sender);

/* Ends the threads and frees all; nothing is under way any more. One that waits for a server's word of
 * goodbye is left behind after a second, for the end of the process. */
void sender_stop(struct sender *sender);

#endif
