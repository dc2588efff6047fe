#ifndef ACCOUNTSD_TESTS_MEMBERSHIP_H
#define ACCOUNTSD_TESTS_MEMBERSHIP_H

/* Shared by the tests of a membership's life. */

#include "harness/service.h"

#define UNKNOWN_ACCOUNT_USER "AUSR-0000-0000-0000"

#define EACH_FORM(form)                                                                                      \
    enum path_form form = PATH_OF_ACCOUNT_USER;                                                              \
    (form) < PATH_FORMS;                                                                                     \
    (form)++

/* A request of the account for the path of the member with a suffix. */
struct answer ask(
    const char *method, const struct member *member, enum path_form form, const char *more, const char *body);
/* Accepts without a token, with a fixed trace id. */
struct answer accept_at(const char *path, const char *code);
struct answer accept_code(const struct member *member, enum path_form form, const char *code);
void expect_status(struct answer *answer, long status);
/* type: NULL for a problem without a type of its own. */
void expect_problem(struct answer *answer, long status, const char *type);
/* A 204 has neither body nor Content-Length. */
void expect_no_content(struct answer *answer);
void accept_now(const struct member *member);
/* Lets 8 days pass for the data. */
void let_expire(const struct member *member);
/* The status of each invitation, oldest first. */
void expect_invitations(const struct member *member, const char *statuses);
void expect_groups(const struct answer *answer, const char *first, const char *second);
/* Gets a member, and expects its invitation's status and no code in the answer. */
void expect_shown(const struct member *member, enum path_form form, const char *status);
/* The new code in an answer. */
char *expect_new_code(struct answer *answer, const char *old_code);

#endif
