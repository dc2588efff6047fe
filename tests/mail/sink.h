#ifndef ACCOUNTSD_TESTS_SINK_H
#define ACCOUNTSD_TESTS_SINK_H

/* An SMTP server on a port of its own that does wrong what a test wants it to, and remembers what it got.
 * Threads of the test's process. */

#include <stdbool.h>
#include <stddef.h>

/* What the server is about to answer. */
enum sink_stage {
    SINK_GREETING,
    SINK_HELLO,
    SINK_TLS,
    SINK_LOGIN,
    SINK_MAIL,
    SINK_RCPT,
    SINK_DATA,
    SINK_BODY, /* some of the body is there */
    SINK_END,  /* all of it is there */
    SINK_QUIT,
    SINK_STAGES,
};

enum sink_action {
    SINK_DO, /* as it should be */
    SINK_SAY,
    SINK_STALL, /* says nothing until the client goes */
    SINK_DROP,
    SINK_BARE,   /* says the code of the right thing, and no more */
    SINK_PIECES, /* says the right thing, byte by byte */
    SINK_HOLD,   /* says the right thing after sink_release */
};

struct sink_fault {
    enum sink_stage stage;
    enum sink_action action;
    /* Of SINK_SAY, without CRLF. */
    const char *reply;
    /* How often; 0: ever. */
    int times;
};

struct sink_options {
    /* NULL for none: of STARTTLS, or from the first byte. */
    const char *certificate, *key;
    bool is_smtps;
    /* What is said to EHLO, such as "AUTH PLAIN" and "SMTPUTF8"; NULL for nothing. */
    const char *login_offer, *utf8_offer;
    const char *user, *password;
    /* On 127.0.0.2, and not on 127.0.0.1. */
    bool is_other_address;
    /* 0: any that is free. */
    int port;
};

struct sink;

struct sink *sink_start(const struct sink_options *options);
int sink_port(const struct sink *sink);
/* From now on; replaces the faults of before. At most 8, ended by one of SINK_DO. */
void sink_set_faults(struct sink *sink, const struct sink_fault *faults);
/* Lets go all that is held. */
void sink_release(struct sink *sink);
/* Closes the port and all connections. */
void sink_stop(struct sink *sink);

/* How often a stage has been reached. */
size_t sink_reached(struct sink *sink, enum sink_stage stage);
/* Waits until it has been so often; false after ten seconds. */
bool sink_await(struct sink *sink, enum sink_stage stage, size_t count);

/* A mail whose end was there. */
struct sink_mail {
    char *sender, *recipient;
    char *id;
    /* As it arrived; kept of the first thousand only. */
    char *text;
    /* The server said 250. */
    bool is_accepted;
};

/* Those until now. They are the sink's. */
size_t sink_count(struct sink *sink);
struct sink_mail sink_mail_at(struct sink *sink, size_t index);
/* How many were accepted, and how many different ids those have. */
size_t sink_count_accepted(struct sink *sink);
size_t sink_count_ids(struct sink *sink);
/* All commands that came, a line each; the caller frees it. */
char *sink_commands(struct sink *sink);

#endif
