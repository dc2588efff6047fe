#ifndef ACCOUNTSD_FIELD_RULES_H
#define ACCOUNTSD_FIELD_RULES_H

/* Rules for the strings of a request. No state; any thread. */

#include <stdbool.h>
#include <stddef.h>

enum field_rule {
    /* At most 1000 characters. */
    FIELD_ANY,
    /* A mailbox of RFC 5321 and RFC 6531 without quoted local parts and address literals, of at most 254
     * bytes, with a domain that IDNA 2008 allows. */
    FIELD_EMAIL,
    /* 1 to 100 user-perceived characters, at least one of them visible, and at most 800 bytes, not counting
     * spaces at both ends; no control characters, no noncharacters. */
    FIELD_NAME,
    FIELD_PHONE_PREFIX,
    FIELD_PHONE_NUMBER,
    /* Well-formed by RFC 5646, section 2.1, except irregular grandfathered tags; at most 35 characters. */
    FIELD_LANGUAGE_TAG,
    FIELD_ACCOUNT_ID,
    FIELD_USER_GROUP_ID,
    FIELD_INVITATION_STATUS,
};

#define FIELD_MAX_MESSAGES 3

/* Checks len bytes of valid UTF-8 by a rule. Writes up to FIELD_MAX_MESSAGES static messages, the same as
 * internal.text_errors in the database, and returns their number. */
size_t field_check(
    enum field_rule rule, const char *text, size_t len, const char *messages[FIELD_MAX_MESSAGES]);

/* Whether text has the form of a public id: the prefix ("ACC-"), then this many groups of four digits, or one
 * more, separated by "-". */
bool field_is_id(const char *text, size_t len, const char *prefix, size_t groups);

#endif
