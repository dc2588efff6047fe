#ifndef ACCOUNTSD_TESTS_MEMBERSHIP_H
#define ACCOUNTSD_TESTS_MEMBERSHIP_H

/* What the tests of a membership's life do again and again. */

#include "harness/service.h"

#define UNKNOWN_ACCOUNT_USER "AUSR-0000-0000-0000"

#define EACH_FORM(form)                                                                                      \
    enum path_form form = PATH_OF_ACCOUNT_USER;                                                              \
    (form) < PATH_FORMS;                                                                                     \
    (form)++

struct member *invite(void);
/* A request of the account on what a path of the member and more name. */
struct answer ask(
    const char *method, const struct member *member, enum path_form form, const char *more, const char *body);
/* Accepts without a token, and with a trace id that is always the same. */
struct answer accept_at(const char *path, const char *code);
struct answer accept_code(const struct member *member, enum path_form form, const char *code);
void expect_status(struct answer *answer, long status);
/* type: NULL for a problem that has none of its own. */
void expect_problem(struct answer *answer, long status, const char *type);
/* A 204 has neither body nor Content-Length. */
void expect_no_content(struct answer *answer);
void accept_now(const struct member *member);
/* The data's clock goes on by 8 days. */
void let_expire(const struct member *member);
/* What became of each invitation, oldest first. */
void expect_invitations(const struct member *member, const char *statuses);
void expect_groups(const struct answer *answer, const char *first, const char *second);
/* Shows a member, demands its invitation's status and that no answer gives the code away. */
void expect_shown(const struct member *member, enum path_form form, const char *status);
/* The code of an answer that has a new one. */
char *expect_new_code(struct answer *answer, const char *old_code);

#endif
