#ifndef ACCOUNTSD_TESTS_SINK_H
#define ACCOUNTSD_TESTS_SINK_H

/* An SMTP server on its own port, with faults that the test chooses, which stores what it receives. It
 * runs on threads of the test's process. */

#include <stdbool.h>
#include <stddef.h>

/* The stage that the server is about to answer. */
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
    SINK_NORMAL, /* as it should be */
    SINK_REPLY,
    SINK_STALL, /* says nothing until the client goes */
    SINK_DROP,
    SINK_BARE,   /* says the code of the right thing, and no more */
    SINK_PIECES, /* says the right thing, byte by byte */
    SINK_HOLD,   /* says the right thing after sink_release */
};

struct sink_fault {
    enum sink_stage stage;
    enum sink_action action;
    /* For SINK_REPLY, without CRLF. */
    const char *reply;
    /* How often; 0: always. */
    int times;
};

struct sink_options {
    /* NULL for none; used by STARTTLS, or from the first byte. */
    const char *certificate, *key;
    bool is_smtps;
    /* Extensions in the reply to EHLO, such as "AUTH PLAIN" and "SMTPUTF8"; NULL for none. */
    const char *login_offer, *utf8_offer;
    const char *user, *password;
    /* On 127.0.0.2, and not on 127.0.0.1. */
    bool is_other_address;
    /* 0: any free port. */
    int port;
};

struct sink;

struct sink *sink_start(const struct sink_options *options);
int sink_port(const struct sink *sink);
/* Replaces the faults. At most 8, terminated by one of SINK_NORMAL. */
void sink_set_faults(struct sink *sink, const struct sink_fault *faults);
/* Releases all held replies. */
void sink_release(struct sink *sink);
/* Closes the port and all connections. */
void sink_stop(struct sink *sink);

/* How often a stage has been reached. */
size_t sink_reached(struct sink *sink, enum sink_stage stage);
/* Waits until it has been reached this often; false after ten seconds. */
bool sink_await(struct sink *sink, enum sink_stage stage, size_t count);

/* A mail whose end has been received. */
struct sink_mail {
    char *sender, *recipient;
    char *id;
    /* As received; stored for the first thousand only. */
    char *text;
    /* The server replied 250. */
    bool is_accepted;
};

/* The mails so far, owned by the sink. */
size_t sink_count(struct sink *sink);
struct sink_mail sink_mail_at(struct sink *sink, size_t index);
/* How many were accepted, and how many distinct ids they have. */
size_t sink_count_accepted(struct sink *sink);
size_t sink_count_ids(struct sink *sink);
/* All commands received, one on each line; the caller frees it. */
char *sink_commands(struct sink *sink);

#endif
