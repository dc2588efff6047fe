#ifndef ACCOUNTSD_MIME_H
#define ACCOUNTSD_MIME_H

/* An RFC 5322 message of a mail's words: multipart/alternative of text and HTML, all of it ASCII but for
 * addresses that are not (RFC 6532). Pure. Whatever a name or a subject holds, it makes no second header line
 * and no second address: what is not short and harmless ASCII becomes encoded words (RFC 2047), and a control
 * character a space. An address that is none makes no message.
 *
 * Ours and not a library's: GMime brings GLib and GPGME into the server, and GLib ends the process where
 * memory runs out; libcurl's MIME API encodes bodies but no headers, and writes only into a transfer, not
 * into a file. What is needed here is little, and tests/unit/test_message.c holds it. */

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

/* Text that is somebody else's, and its length. */
struct mime_text {
    const char *text;
    size_t len;
};

/* "Name <address>" or "address"; name has no bytes in the second case. Both point into what was read. */
struct mailbox {
    struct mime_text name;
    struct mime_text address;
};

/* False when text is neither. A name may stand in quotes. */
bool mime_read_mailbox(const char *text, struct mailbox *mailbox);

struct mime_message {
    struct mailbox from;
    const char *to_name;
    const char *to_address;
    const char *subject;
    /* Without <>. */
    const char *id;
    time_t date;
    /* UTF-8 with LF at the ends of lines. */
    const char *text;
    const char *html;
};

/* The message with CRLF at the ends of lines, none longer than 998 bytes; the caller frees it. NULL, and a
 * static reason, when an address or the id is none; NULL and no reason when memory ran out. */
char *mime_make(const struct mime_message *message, size_t *len, const char **reason);

#endif
