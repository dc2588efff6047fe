#ifndef ACCOUNTSD_FIELD_RULES_H
#define ACCOUNTSD_FIELD_RULES_H

/* Rules for the texts of a request. No state; any thread. */

#include <stdbool.h>
#include <stddef.h>

enum field_rule {
    /* At most 1000 characters. */
    FIELD_ANY,
    /* A deliverable-looking address: the dot-atoms of RFC 5321 and RFC 6531, at most 254 bytes, without
     * quoted local parts and address literals; the domain allowed by IDNA 2008. */
    FIELD_EMAIL,
    /* 1 to 100 characters as a person counts them, one of them to be seen, without the spaces around them; at
     * most 800 bytes; no control characters, no noncharacters. */
    FIELD_NAME,
    FIELD_PHONE_PREFIX,
    FIELD_PHONE_NUMBER,
    /* Well-formed by RFC 5646, section 2.1, irregular grandfathered tags excepted; at most 35 characters. */
    FIELD_LANGUAGE_TAG,
    FIELD_ACCOUNT_ID,
    FIELD_USER_GROUP_ID,
    FIELD_INVITATION_STATUS,
};

#define FIELD_MAX_MESSAGES 3

/* Says what is wrong with len bytes of valid UTF-8 under a rule, in the words of internal.text_errors in
 * the database. Writes up to FIELD_MAX_MESSAGES static messages and returns their number: 0 for none. */
size_t field_check(
    enum field_rule rule, const char *text, size_t len, const char *messages[FIELD_MAX_MESSAGES]);

/* Whether text has the shape of a public id: the prefix ("ACC-"), then so many groups of four digits, or one
 * more, with "-" between them. */
bool field_is_id(const char *text, size_t len, const char *prefix, size_t groups);

#endif
