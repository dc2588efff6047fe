#include <criterion/criterion.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/route.h"
#include "harness/fixture.h"
#include "request_case.h"

/* Authorization: every operation x the owner of each id, in path and body x every kind of caller. */

#define TRACEPARENT "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
#define WRONG_CODE "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

/* An account, a membership of it, and a disabled token. */
static struct {
    struct account *account;
    struct member *member;
} places[PLACES];
static char *disabled_token;
static char *unknown_account, *unknown_user, *unknown_account_user, *unknown_group;
static PGconn *pg;
static struct server *server;

/* An id of a wrong shape, which varies from case to case. */
static char *malformed_id(const char *id)
{
    static unsigned count;
    char *text = NULL;

    switch (count++ % 4) {
    case 0:
        text = strndup(id, strlen(id) - 1);
        break;
    case 1:
        cr_assert_geq(asprintf(&text, "%s0", id), 0);
        break;
    case 2:
        text = strdup(id);
        for (char *at = text; *at != '\0'; at++)
            *at = (char)tolower((unsigned char)*at);
        break;
    default:
        cr_assert_geq(asprintf(&text, "MOD%s", strchr(id, '-')), 0);
    }
    return text;
}

/* The id in a slot; NULL if it is left out. The caller frees it. */
static char *id_in(const struct request_case *the_case, enum slot slot)
{
    enum value value = the_case->values[slot];
    enum place place = caller_place(the_case->caller, value == MALFORMED ? OWN : value);
    const char *id = NULL;

    if (value == ABSENT)
        return NULL;
    switch (slot) {
    case ACCOUNT:
    case BODY_ACCOUNT:
        id = value == UNKNOWN ? unknown_account : places[place].account->id;
        break;
    case USER:
        id = value == UNKNOWN ? unknown_user : places[place].member->user_id;
        break;
    case ACCOUNT_USER:
        id = value == UNKNOWN ? unknown_account_user : places[place].member->id;
        break;
    default:
        id = value == UNKNOWN ? unknown_group : places[place].account->other_group;
    }
    return value == MALFORMED ? malformed_id(id) : strdup(id);
}

static char *make_path(const struct request_case *the_case)
{
    static const char *const names[] = {"account}", "user}", "accountUser}", "group}"};
    char *path = NULL;
    size_t size;
    FILE *out = open_memstream(&path, &size);

    for (const char *at = the_case->route->path; *at != '\0';) {
        if (*at != '{') {
            fputc(*at++, out);
            continue;
        }
        for (size_t slot = ACCOUNT; slot <= GROUP; slot++) {
            if (strncmp(at + 1, names[slot], strlen(names[slot])) == 0) {
                char *id = id_in(the_case, (enum slot)slot);

                fputs(id, out);
                free(id);
            }
        }
        at = strchr(at, '}') + 1;
    }
    fclose(out);
    return path;
}

/* NULL for an operation without a body. */
static char *make_body(const struct request_case *the_case)
{
    const struct route *route = the_case->route;
    char *account = id_in(the_case, BODY_ACCOUNT), *group = id_in(the_case, BODY_GROUP), *body = NULL;
    enum place place = request_case_member_place(the_case);

    if (is_operation(route, "create")) {
        char *email = new_email();

        body = create_body(email, account, group);
        free(email);
    } else if (is_operation(route, "accept_invite")) {
        body = accept_body(the_case->values[CODE] != OWN
                               ? WRONG_CODE
                               : places[place != PLACES ? place : the_case->caller->own].member->code);
    } else if (is_operation(route, "add_group")) {
        cr_assert_geq(asprintf(&body, "{\"id\": \"%s\"}", group), 0);
    } else if (is_operation(route, "replace_groups")) {
        cr_assert_geq(asprintf(&body, "[{\"id\": \"%s\"}]", group), 0);
    } else if (is_operation(route, "replace_user")) {
        cr_assert_geq(asprintf(&body, "{\"groups\": [{\"id\": \"%s\"}]}", group), 0);
    } else {
        cr_assert_null(route->body, "%s: what body does it take?", route->path);
    }
    free(account);
    free(group);
    return body;
}

/* Creates a new membership if the operation needs one. */
static void make_member(enum place place, const struct route *route)
{
    struct account *account = places[place].account;
    char *email = new_email(), *text;
    json_t *object;

    if (place == DISABLED)
        free(database_query(pg,
            "update accounts.account set status = 'Active' where key = internal.account_key($1)", account->id,
            NULL));
    text = database_query(pg,
        "select api.create_account_user(jsonb_build_object('user', jsonb_build_object("
        "'email', $1::text, 'firstName', 'Ann', 'lastName', 'Lee'), 'account', jsonb_build_object('id', "
        "$2::text)))",
        email, account->id, NULL);
    if (place == DISABLED)
        free(database_query(pg,
            "update accounts.account set status = 'Disabled' where key = internal.account_key($1)",
            account->id, NULL));
    object = json_loads(text, 0, NULL);
    if (places[place].member != NULL)
        member_free(places[place].member);
    places[place].member = member_of(object);
    if (is_operation(route, "take_group"))
        free(database_query(pg, "select api.add_account_user_group($1, jsonb_build_object('id', $2::text))",
            places[place].member->id, account->other_group, NULL));
    if (is_operation(route, "send_new_invite"))
        free(database_query(pg,
            "update accounts.invitation set sent_at = sent_at - interval '8 days', expires_at = expires_at - "
            "interval '8 days' where account_user_key = internal.account_user_key($1)",
            places[place].member->id, NULL));
    json_decref(object);
    free(text);
    free(email);
}

/* Each operation has its own accounts, so that a digest reads few rows. */
static void make_places(const struct route *route)
{
    static const char *const types[PLACES] = {"Client", "Vendor", "Operations", "Client"};
    char *id;

    free(database_query(pg, "delete from of_test", NULL));
    free(database_query(pg, "delete from since", NULL));
    free(database_query(pg,
        "insert into since select (select coalesce(max(key), 0) from accounts.person),"
        " (select coalesce(max(key), 0) from accounts.audit_record)",
        NULL));
    for (size_t place = 0; place < PLACES; place++) {
        places[place].account = account_make(pg, types[place]);
        places[place].member = NULL;
        make_member((enum place)place, route);
        free(database_query(pg, "insert into of_test (account_key) values (internal.account_key($1))",
            places[place].account->id, NULL));
    }
    disabled_token = database_query(pg,
        "select api.create_api_token(jsonb_build_object('account', jsonb_build_object('id', $1::text),"
        " 'name', 'Token of a test')) ->> 'token'",
        places[CLIENT].account->id, NULL);
    id = strndup(disabled_token + strlen("idt:"), strlen("TKN-0000-0000"));
    free(database_query(pg, "select api.disable_api_token($1)", id, NULL));
    free(id);
}

static void free_places(void)
{
    for (size_t place = 0; place < PLACES; place++) {
        account_free(places[place].account);
        member_free(places[place].member);
    }
    free(disabled_token);
}

#define MD5_LEN 32

/* A digest of all rows of each account, MD5_LEN + 1 bytes each, and the number of people. */
static void prepare_digest(void)
{
    char *prepare = NULL;

    /* Index scans even for few rows; durability is not needed. */
    free(database_query(pg,
        "select set_config(name, 'off', false) from (values ('synchronous_commit'), ('jit'), "
        "('enable_seqscan'), ('enable_hashjoin'),"
        " ('enable_mergejoin')) as s (name)",
        NULL));
    free(database_query(pg,
        "create temp table of_test (place int generated always as identity, account_key bigint not null)",
        NULL));
    free(database_query(pg, "create temp table since (person bigint, audit_record bigint)", NULL));
    cr_assert_geq(
        asprintf(&prepare,
            "prepare digest as select (select string_agg(md5(concat_ws('/',"
            " (select a::text from accounts.account as a where a.key = t.account_key),"
            " (select string_agg(x::text, ',' order by key) from accounts.api_token as x"
            "  where x.account_key = t.account_key),"
            " (select string_agg(x::text, ',' order by key) from accounts.user_group as x"
            "  where x.account_key = t.account_key),"
            " (select string_agg(x::text, ',' order by key) from accounts.buyer as x"
            "  where x.account_key = t.account_key),"
            " (select string_agg(concat_ws(',', u, p,"
            "   (select string_agg(l::text, ',' order by l.user_group_key) from accounts.account_user_group "
            "as l"
            "    where l.account_user_key = u.key),"
            "   (select string_agg(concat(i, o), ',' order by i.key, o.key) from accounts.invitation as i"
            "    left join accounts.outbox as o on o.invitation_key = i.key where i.account_user_key = "
            "u.key),"
            "   (select string_agg(o::text, ',' order by o.key) from accounts.outbox as o"
            "    where o.account_user_key = u.key)"
            "  ), ',' order by u.key) from accounts.account_user as u"
            "  join accounts.person as p on p.key = u.person_key where u.account_key = t.account_key),"
            " (select string_agg(x::text, ',' order by x.key) from accounts.audit_record as x"
            "  where x.key > (select audit_record from since) and x.account_key = t.account_key)"
            ")), ' ' order by t.place) from of_test as t)"
            " || ' ' || (select count(*) from accounts.person as p"
            "  where p.key > (select person from since) and p.email_key like 'p%d-%%')",
            (int)getpid()),
        0);
    free(database_query(pg, prepare, NULL));
    free(prepare);
}

static char *digest(void)
{
    char *text = database_query(pg, "execute digest", NULL);

    cr_assert_not_null(text);
    return text;
}

static bool is_same_place(const char *before, const char *after, size_t place)
{
    return strncmp(before + place * (MD5_LEN + 1), after + place * (MD5_LEN + 1), MD5_LEN) == 0;
}

/* Everything by which a caller can tell answers apart. */
static char *seen_of(const struct answer *answer)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    for (const char *line = answer->headers; *line != '\0';) {
        const char *end = strchr(line, '\n');
        size_t len = end != NULL ? (size_t)(end - line) + 1 : strlen(line);

        if (strncasecmp(line, "date:", 5) != 0)
            fwrite(line, 1, len, out);
        line += len;
    }
    fputs(answer->text, out);
    fclose(out);
    return text;
}

static const char *token_of(const struct caller *caller)
{
    switch (caller->token) {
    case TOKEN_DISABLED:
        return disabled_token;
    case TOKEN_NONE:
        return NULL;
    default:
        return places[caller->own].account->token;
    }
}

static struct answer send_case(const struct request_case *the_case)
{
    const char *const with_body[] = {TRACEPARENT, "Content-Type: application/json", NULL};
    const char *const without[] = {TRACEPARENT, NULL};
    char *path = make_path(the_case), *body = make_body(the_case);
    struct answer answer = request(server, the_case->route->method, path, token_of(the_case->caller), body,
        body != NULL ? with_body : without);

    free(path);
    free(body);
    return answer;
}

/* An answer contains only what the caller may see, and a 401 says how to authenticate. */
static void check_answer(
    const struct request_case *the_case, const struct answer *answer, const char *description)
{
    if (answer->status == 401)
        expect_header(answer, "www-authenticate",
            the_case->caller->token == TOKEN_NONE
                ? "Bearer realm=\"accountsd\""
                : "Bearer realm=\"accountsd\", error=\"invalid_token\", "
                  "error_description=\"The token is malformed, unknown or disabled\"");
    if (is_operation(the_case->route, "list") && the_case->caller->own != OPERATIONS) {
        cr_expect_null(strstr(answer->text, places[the_case->caller->other].account->id), "%s: %s",
            description, answer->text);
        cr_expect_null(strstr(answer->text, places[the_case->caller->other].member->id), "%s: %s",
            description, answer->text);
    }
}

/* before: the digest until now, which is replaced by the current one. */
static void run_case(struct request_case *the_case, char **before)
{
    bool is_refused = the_case->expected >= 400;
    bool changes = !is_refused && strcmp(the_case->route->method, "GET") != 0;
    struct answer answer = send_case(the_case);
    char *after = digest(), *description = request_case_describe(the_case);

    cr_expect_eq(answer.status, the_case->expected, "%s: %ld, not %ld: %s", description, answer.status,
        the_case->expected, answer.text);
    check_answer(the_case, &answer, description);
    if (!changes)
        cr_expect_str_eq(*before, after, "%s: something has changed", description);
    for (size_t place = 0; changes && place < PLACES; place++)
        cr_expect_eq(is_same_place(*before, after, place), place != the_case->place,
            "%s: has something changed in account %zu?", description, place);
    the_case->seen = seen_of(&answer);

    /* Even after a failure, so that it does not cause further ones. */
    if (strcmp(*before, after) != 0) {
        make_member(the_case->caller->own, the_case->route);
        make_member(the_case->caller->other, the_case->route);
        free(after);
        after = digest();
    }
    free(*before);
    *before = after;
    free(description);
    answer_free(&answer);
}

/* Ids of another account must look like unknown ones, each in the place of the other; returns the number
 * of comparisons. */
static size_t compare_cases(const struct request_case *cases, size_t count)
{
    size_t compared = 0;

    for (const struct request_case *the_case = cases; the_case < cases + count; the_case++) {
        const struct request_case *twin = request_case_counterpart(the_case, cases, count);
        char *description;

        if (twin == NULL)
            continue;
        description = request_case_describe(the_case);
        if (the_case->caller->own != OPERATIONS && !is_operation(the_case->route, "accept_invite"))
            cr_expect_eq(the_case->expected, twin->expected, "%s", description);
        if (the_case->expected >= 400 && the_case->expected == twin->expected) {
            cr_expect_str_eq(the_case->seen, twin->seen, "%s: an unknown id is answered differently: %s\n%s",
                description, the_case->seen, twin->seen);
            compared++;
        }
        free(description);
    }
    return compared;
}

static void set_up(void)
{
    char *url = server_database_url(database_url());

    pg = database_connect(database_url());
    server = server_start(url, NULL);
    unknown_account = database_query(pg, "select internal.account_id(99999998)", NULL);
    unknown_user = database_query(pg, "select internal.person_id(99999998)", NULL);
    unknown_account_user = database_query(pg, "select internal.account_user_id(999999999998)", NULL);
    unknown_group = database_query(pg, "select internal.user_group_id(99999998)", NULL);
    prepare_digest();
    free(url);
}

static void tear_down(void)
{
    server_end(server);
    free(unknown_account);
    free(unknown_user);
    free(unknown_account_user);
    free(unknown_group);
    PQfinish(pg);
}

TestSuite(who_may, .init = set_up, .fini = tear_down, .timeout = 120);

Test(who_may, matches_the_contract)
{
    size_t total = 0, refused = 0, compared = 0;

    for (size_t i = 0; i < route_count(); i++) {
        const struct route *route = route_at(i);
        const struct caller *caller;
        char *before;

        /* These need only a code, and answer with pages: see test_page.c. */
        if ((route->flags & (ROUTE_IS_PAGE | ROUTE_IS_PROBLEM)) != 0)
            continue;
        make_places(route);
        before = digest();
        for (size_t j = 0; (caller = caller_at(j)) != NULL; j++) {
            struct request_case *cases;
            size_t count = request_cases_make(route, caller, &cases);

            for (size_t k = 0; k < count; k++) {
                run_case(&cases[k], &before);
                refused += cases[k].expected >= 400;
            }
            compared += compare_cases(cases, count);
            for (size_t k = 0; k < count; k++)
                free(cases[k].seen);
            total += count;
        }
        free(before);
        free_places();
    }
    cr_log_info("%zu cases of %zu operations, %zu of them refused; %zu compared with unknown ids", total,
        route_count(), refused, compared);
}
