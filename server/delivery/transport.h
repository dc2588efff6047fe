#ifndef ACCOUNTSD_TRANSPORT_H
#define ACCOUNTSD_TRANSPORT_H

/* The result of sending a mail, by SMTP or into a file. */

#include <stdbool.h>
#include <stddef.h>

/* The outcomes of api.complete_deliveries. */
enum outcome {
    OUTCOME_SENT,
    OUTCOME_FAILED,   /* temporary failure */
    OUTCOME_UNKNOWN,  /* temporary failure, but the mail may have been sent */
    OUTCOME_REFUSED,  /* permanent failure */
    OUTCOME_RELEASED, /* not attempted */
    OUTCOMES,
};

/* Where sending ended: for the log, which must not quote the server. */
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
    /* The code of the server's last reply, or 0. */
    int code;
    /* No mail can be sent: the server cannot be reached or refuses the connection, the login or the sender,
     * or the directory cannot be written. */
    bool is_unavailable;
    /* One line of UTF-8, which may quote the recipient's address. */
    char reason[TRANSPORT_REASON_MAX];
};

struct envelope {
    /* Addresses without names. */
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
