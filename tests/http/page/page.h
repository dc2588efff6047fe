#ifndef ACCOUNTSD_TESTS_PAGE_H
#define ACCOUNTSD_TESTS_PAGE_H

/* What the tests of an invitation's page do again and again, on the server of harness/service.h. */

#include "harness/service.h"

#define INVITATIONS "/invitations/"
#define PAGE_MEDIA_TYPE "text/html; charset=utf-8"

/* The path of a member's page; the caller frees it. */
char *page_path(const struct member *member);
/* languages: of Accept-Language; NULL for none. */
struct answer page_ask(const char *method, const char *path, const char *languages);
struct answer page_ask_member(const char *method, const struct member *member, const char *languages);
/* POST, which always redirects to the page. */
void press(const struct member *member);
/* The headers of every answer below the path. */
void expect_page_headers(const struct answer *answer);
/* state: the class of the page's body. Frees the answer. */
void expect_page(struct answer *answer, long status, const char *state);
void expect_state(const struct member *member, long status, const char *state);
/* The rows of a membership and its invitations; the caller frees them. */
char *page_contents(const struct member *member);

#endif
