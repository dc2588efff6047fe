#ifndef ACCOUNTSD_TESTS_FIXTURE_H
#define ACCOUNTSD_TESTS_FIXTURE_H

/* The accounts, people and requests of the black-box tests, created by api functions and over HTTP. */

#include "harness.h"

/* A database of the test's own. */
struct scratch {
    char name[32];
    PGconn *pg;
    /* As a superuser, and as accountsd's role. */
    char *url, *server_url;
};

/* Its name begins with prefix. With the schema it has no rows; without it, it is empty. */
struct scratch *scratch_make(const char *prefix, bool has_schema);
/* Drops the database; nobody else may be connected to it. */
void scratch_free(struct scratch *scratch);

/* An account with two groups, the first its default, and a token. */
struct account {
    char *id;
    char *default_group;
    char *other_group;
    char *token;
    char *token_id;
};

struct account *account_make(PGconn *pg, const char *type);
void account_free(struct account *account);
/* Begins a transaction of pg that blocks every create in the account until it ends. */
void account_lock(PGconn *pg, const struct account *account);
/* The number of its memberships, with those that were removed. */
long account_count_members(PGconn *pg, const struct account *account);

/* A membership, from the answer to its invitation. */
struct member {
    char *id;
    char *user_id;
    char *account_id;
    char *code;
};

/* From the object of an account user with invitation.url. */
struct member *member_of(const json_t *object);
/* Invites with the body of a create request, and expects 201. */
struct member *member_invite(const struct server *server, const char *token, const char *body);
/* Invites a new person into the account. */
struct member *member_invite_new(const struct server *server, const struct account *account);
/* The same by a server of its own. */
struct member *member_make(const struct account *account);
void member_free(struct member *member);
/* Begins a transaction of pg that blocks every change of the membership until it ends. */
void member_lock(PGconn *pg, const struct member *member);

/* The two paths of a membership: by its id, or by the ids of its account and person. */
enum path_form { PATH_OF_ACCOUNT_USER, PATH_OF_USER, PATH_FORMS };

/* The path with a suffix such as "/groups"; the caller frees it. */
char *member_path(const struct member *member, enum path_form form, const char *more);
/* The code in an object's invitation.url; the caller frees it. */
char *invitation_code(const json_t *object);
/* The body of an accept request; the caller frees it. */
char *accept_body(const char *code);

/* The body of a create request; account and group may be NULL. The caller frees it. */
char *create_body(const char *email, const char *account, const char *group);
/* The bytes of a create request with this body, NULL for that of a new person. The caller frees it. */
char *create_request(const struct account *account, const char *body);
/* Numbers all events that the session can see, even if another test does so concurrently. */
void events_number(PGconn *pg);
/* An address that no test has used. The caller frees it. */
char *new_email(void);

#endif
