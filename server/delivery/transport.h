#ifndef ACCOUNTSD_TRANSPORT_H
#define ACCOUNTSD_TRANSPORT_H

/* What becomes of a mail that is sent, by SMTP or into a file. */

#include <stdbool.h>
#include <stddef.h>

/* As api.complete_deliveries knows them. */
enum outcome {
    OUTCOME_SENT,
    OUTCOME_FAILED,   /* temporary: worth another try */
    OUTCOME_UNKNOWN,  /* the same, but it may have been sent */
    OUTCOME_REFUSED,  /* permanent */
    OUTCOME_RELEASED, /* not tried */
    OUTCOMES,
};

/* How far the mail got, or what was in its way: for the log, which must not quote the server. */
enum stage {
    STAGE_MESSAGE,
    STAGE_CONNECT,
    STAGE_GREETING,
    STAGE_HELLO,
    STAGE_TLS,
    STAGE_LOGIN,
    STAGE_SENDER,
    STAGE_RECIPIENT,
    STAGE_DATA,
    STAGE_BODY,
    STAGE_END,
    STAGE_FILE,
    STAGES,
};

#define TRANSPORT_REASON_MAX 512

struct transport_result {
    enum outcome outcome;
    enum stage stage;
    /* Of the server's last reply; 0 where there is none. */
    int code;
    /* Nobody gets mail: the server cannot be reached, or will not have us, or the directory cannot be
     * written. */
    bool is_away;
    /* One line of UTF-8, which may quote the recipient's address. */
    char reason[TRANSPORT_REASON_MAX];
};

struct envelope {
    /* Bare addresses. */
    const char *from;
    const char *to;
    const char *id;
    const char *message;
    size_t len;
};

const char *transport_outcome_name(enum outcome outcome);
const char *transport_stage_name(enum stage stage);

/* Sets the reason to the first line of len bytes, as text_print_line makes it. */
void transport_set_reason(struct transport_result *result, const char *text, size_t len);

#endif
