#ifndef ACCOUNTSD_MIME_H
#define ACCOUNTSD_MIME_H

/* Builds RFC 5322 messages: multipart/alternative of text and HTML, in ASCII except for internationalized
 * addresses (RFC 6532). Pure. A name or subject cannot add a header line or an address: text that is not
 * short and harmless ASCII becomes encoded words (RFC 2047), and a control character becomes a space.
 *
 * No library fits: GMime depends on GLib, which ends the process if memory runs out; libcurl's MIME API does
 * not encode headers and cannot write into a file. */

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

/* A borrowed string. */
struct mime_text {
    const char *text;
    size_t len;
};

/* "Name <address>" or "address", for which name is empty. Both point into the text that was read. */
struct mailbox {
    struct mime_text name;
    struct mime_text address;
};

/* False if the address is not valid. The name may be quoted. */
bool mime_read_mailbox(const char *text, struct mailbox *mailbox);

struct mime_message {
    struct mailbox from;
    const char *to_name;
    const char *to_address;
    const char *subject;
    /* Without < and >. */
    const char *id;
    time_t date;
    /* UTF-8; lines end in LF. */
    const char *text;
    const char *html;
};

/* Builds the message, whose lines end in CRLF and have at most 998 bytes; the caller frees it. NULL with a
 * static reason if an address or the id is not valid; NULL without a reason if memory ran out. */
char *mime_make(const struct mime_message *message, size_t *len, const char **reason);

#endif
