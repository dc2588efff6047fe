#include <criterion/criterion.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/count.h"
#include "harness/fixture.h"
#include "harness/flood.h"

/* Codes of invitations and mails, and secrets of tokens, valid and invalid ones, used and misused in every
 * way: neither a log nor a dump of the database contains one. */

#define MEMBERS 1000
#define TOKENS 20
#define WRONG_SIZE 64

TestSuite(secrets, .timeout = 300);

struct secrets {
    /* Tokens of the account, with their secrets. */
    char *tokens[TOKENS];
    struct member *members[MEMBERS];
    /* Texts sent as codes that are not codes. */
    char wrong[MEMBERS][WRONG_SIZE];
    FILE *patterns;
};

__attribute__((format(printf, 1, 2))) static char *text(const char *format, ...)
{
    char *made = NULL;
    va_list arguments;

    va_start(arguments, format);
    cr_assert_geq(vasprintf(&made, format, arguments), 0);
    va_end(arguments);
    return made;
}

static const char *secret_of(const char *token)
{
    return strrchr(token, ':') + 1;
}

static char *request_text(const char *method, const char *path, const char *authorization, const char *body)
{
    return text("%s %s HTTP/1.1\r\nHost: a\r\nAuthorization: %s\r\nContent-Type: application/json\r\n"
                "Content-Length: %zu\r\n\r\n%s",
        method, path, authorization, strlen(body), body);
}

/* A pattern for grep, as text and in the form of bytea. */
static void add_pattern(struct secrets *secrets, const char *secret)
{
    fprintf(secrets->patterns, "%s\n", secret);
    for (const char *at = secret; *at != '\0'; at++)
        fprintf(secrets->patterns, "%02x", (unsigned char)*at);
    fputc('\n', secrets->patterns);
}

static char *invite_text(void *data, size_t index, enum flood_manner *manner)
{
    struct secrets *secrets = data;
    char *email = new_email(), *body = create_body(email, NULL, NULL),
         *authorization = text("Bearer %s", secrets->tokens[index % TOKENS]),
         *made = request_text("POST", ACCOUNT_USERS, authorization, body);

    (void)manner;
    free(authorization);
    free(body);
    free(email);
    return made;
}

static void on_invited(void *data, size_t index, const struct answer *answer)
{
    struct secrets *secrets = data;

    cr_assert_eq(answer->status, 201, "%ld %s", answer->status, answer->text);
    secrets->members[index] = member_of(answer->body);
    add_pattern(secrets, secrets->members[index]->code);
}

/* What is done with a code, in the right place or elsewhere. */
enum use {
    USE_RIGHT,
    USE_CHANGED,
    USE_LONGER,
    USE_OF_ANOTHER,
    USE_IN_QUERY,
    USE_IN_PATH,
    USE_AS_TOKEN,
    USE_NOT_JSON,
    USE_RESEND,
    USES,
};

static char *use_text(void *data, size_t index, enum flood_manner *manner)
{
    struct secrets *secrets = data;
    const struct member *member = secrets->members[index];
    const char *code = member->code, *sent = secrets->wrong[index];
    char *accept_path = member_path(member, (enum path_form)(index % PATH_FORMS), "/accept-invite"),
         *resend_path = member_path(member, PATH_OF_ACCOUNT_USER, "/resend-invite"),
         *query_path = text("%s?code=%s", accept_path, code),
         *invitation_path = text("/invitations/%s/%s", member->id, code),
         *authorization = text("Bearer %s", secrets->tokens[index % TOKENS]),
         *code_authorization = text("Bearer idt:TKN-0000-0000:%s", code), *body, *made;

    (void)manner;
    snprintf(secrets->wrong[index], WRONG_SIZE, "%s", code);
    switch ((enum use)(index % USES)) {
    case USE_CHANGED:
        secrets->wrong[index][0] = *code == 'A' ? 'B' : 'A';
        break;
    case USE_LONGER:
        snprintf(secrets->wrong[index], WRONG_SIZE, "%sx", code);
        break;
    case USE_OF_ANOTHER:
        sent = secrets->members[(index + 1) % MEMBERS]->code;
        break;
    default:
        break;
    }
    add_pattern(secrets, secrets->wrong[index]);
    body = accept_body(sent);
    switch ((enum use)(index % USES)) {
    case USE_IN_QUERY:
        made = request_text("POST", query_path, authorization, body);
        break;
    case USE_IN_PATH:
        made = request_text("GET", invitation_path, authorization, "");
        break;
    case USE_AS_TOKEN:
        made = request_text("GET", ACCOUNT_USERS, code_authorization, "");
        break;
    case USE_NOT_JSON:
        made = request_text("POST", accept_path, authorization, code);
        break;
    case USE_RESEND:
        made = request_text("POST", resend_path, authorization, "");
        break;
    default:
        made = request_text("POST", accept_path, authorization, body);
        break;
    }
    free(body);
    free(code_authorization);
    free(authorization);
    free(invitation_path);
    free(query_path);
    free(resend_path);
    free(accept_path);
    return made;
}

static void on_used(void *data, size_t index, const struct answer *answer)
{
    static const long expected[USES] = {[USE_RIGHT] = 200,
        [USE_CHANGED] = 400,
        [USE_LONGER] = 400,
        [USE_OF_ANOTHER] = 400,
        [USE_IN_QUERY] = 400,
        [USE_IN_PATH] = 200,
        [USE_AS_TOKEN] = 401,
        [USE_NOT_JSON] = 400,
        [USE_RESEND] = 200};
    struct secrets *secrets = data;
    char *code;

    cr_expect_eq(answer->status, expected[index % USES], "use %zu: %ld %s", index % USES, answer->status,
        answer->text);
    cr_expect(index % USES == USE_RESEND || strstr(answer->text, secrets->wrong[index]) == NULL, "%s",
        answer->text);
    if (index % USES == USE_RESEND) {
        code = invitation_code(answer->body);
        add_pattern(secrets, code);
        free(code);
    }
}

/* A token in its place, damaged, or elsewhere. */
static char *token_text(void *data, size_t index, enum flood_manner *manner)
{
    struct secrets *secrets = data;
    const char *token = secrets->tokens[index % TOKENS], *secret = secret_of(token);
    char *path = text(ACCOUNT_USERS "?limit=1&token=%s", token),
         *values[] = {text("Bearer %sx", token), text("Bearer %s", secret), text("Basic %s", token),
             text("Bearer idt:TKN-9999-9999:%s", secret), text("Bearer idt:%s", secret), text("%s", token),
             text("Bearer %s", token), text("Bearer %s\r\nAuthorization: Bearer %s", token, token)},
         *made;
    size_t count = COUNT(values);

    (void)manner;
    made = request_text(
        "GET", index / TOKENS % count == 6 ? path : ACCOUNT_USERS, values[index / TOKENS % count], "");
    for (size_t i = 0; i < count; i++)
        free(values[i]);
    free(path);
    return made;
}

static void on_token_used(void *data, size_t index, const struct answer *answer)
{
    struct secrets *secrets = data;

    cr_expect(answer->status == 400 || answer->status == 401, "%ld %s", answer->status, answer->text);
    cr_expect_null(strstr(answer->text, secret_of(secrets->tokens[index % TOKENS])), "%s", answer->text);
}

/* The codes of mails, as delivery gets them: of these members, or of any other with a queued mail. */
static void claim_mails(PGconn *pg, struct secrets *secrets)
{
    PGresult *result;

    free(database_query(pg, "set role accountsd_delivery", NULL));
    result = PQexec(
        pg, "select substring(message ->> 'url' from '[^/]*$') from api.claim_deliveries(1000, '1 second')");
    cr_assert_gt(PQntuples(result), 0, "%s", PQerrorMessage(pg));
    for (int row = 0; row < PQntuples(result); row++)
        add_pattern(secrets, PQgetvalue(result, row, 0));
    PQclear(result);
    free(database_query(pg, "reset role", NULL));
}

/* The database raises an error in a statement with a code, and logs it: a lock timeout. */
static void fail_with_code(PGconn *pg, const struct server *server, const struct member *member)
{
    char *path = member_path(member, PATH_OF_ACCOUNT_USER, "/accept-invite"),
         *body = accept_body(member->code);
    struct answer answer;

    member_lock(pg, member);
    answer = request_json(server, "POST", path, NULL, body);
    cr_expect_eq(answer.status, 503, "%s", answer.text);
    answer_free(&answer);
    free(database_query(pg, "rollback", NULL));
    free(path);
    free(body);
}

/* How many lines of a command's output match a file of patterns. */
static unsigned long lines_with(const char *patterns, const char *command)
{
    char *whole = text("%s | grep -F -c -f %s", command, patterns), line[64] = "";
    FILE *pipe = popen(whole, "r");

    cr_assert_not_null(pipe);
    cr_assert_not_null(fgets(line, sizeof(line), pipe), "%s", whole);
    pclose(pipe);
    free(whole);
    return strtoul(line, NULL, 10);
}

static char *new_file(FILE **out)
{
    char *path = strdup("/tmp/accountsd-test-XXXXXX");
    int fd = mkstemp(path);

    cr_assert_geq(fd, 0);
    cr_assert_not_null(*out = fdopen(fd, "w"));
    return path;
}

/* Creates a file with one pattern. */
static char *file_with(const char *pattern)
{
    FILE *out;
    char *path = new_file(&out);

    fprintf(out, "%s\n", pattern);
    fclose(out);
    return path;
}

/* A control pattern that must be found shows that the search works. */
static void expect_none(const char *command, const char *patterns, const char *control, unsigned long least)
{
    char *control_path = file_with(control);
    unsigned long found = lines_with(patterns, command), controls = lines_with(control_path, command);

    cr_expect_eq(found, 0, "%lu lines with a secret in: %s", found, command);
    cr_expect_geq(controls, least, "%lu lines with %s in: %s", controls, control, command);
    unlink(control_path);
    free(control_path);
}

/* Failing statements are logged, this one too. */
static void mark_postgres_log(PGconn *pg, const char *mark)
{
    char *sql = text("select 1 / 0 as \"%s\"", mark);
    PGresult *result = PQexec(pg, sql);

    cr_assert_eq(PQresultStatus(result), PGRES_FATAL_ERROR);
    PQclear(result);
    free(sql);
}

/* Makes PostgreSQL log every statement of servers started from now on, configured as README says, or none. */
static void log_statements(PGconn *pg, bool are_logged)
{
    free(database_query(pg,
        are_logged ? "alter role accountsd_server set log_min_duration_statement = 0"
                   : "alter role accountsd_server reset log_min_duration_statement",
        NULL));
    free(database_query(pg,
        are_logged ? "alter role accountsd_server set log_parameter_max_length = 0"
                   : "alter role accountsd_server reset log_parameter_max_length",
        NULL));
}

Test(secrets, are_in_no_log_and_no_dump)
{
    PGconn *pg = database_connect(database_url());
    char *base_url = server_database_url(database_url()),
         *url = text("%s options='-c lock_timeout=2000'", base_url), *email = new_email(), *patterns,
         *addresses, *server_log_command, *log_command, *hash;
    struct account *account = account_make(pg, "Client");
    struct server *server;
    struct secrets *secrets = calloc(1, sizeof(*secrets));
    struct flood invite = {&server, 1, MEMBERS, secrets, invite_text, on_invited, false},
                 use = {&server, 1, MEMBERS, secrets, use_text, on_used, false},
                 misuse = {&server, 1, (size_t)TOKENS * 16, secrets, token_text, on_token_used, false};

    log_statements(pg, true);
    server = server_start(url, (const char *[]){PATIENT, NULL});
    cr_assert_not_null(getenv("TEST_POSTGRES_DIR"), "TEST_POSTGRES_DIR is not set: scripts/test sets it");
    patterns = new_file(&secrets->patterns);
    for (size_t i = 0; i < TOKENS; i++) {
        secrets->tokens[i] = database_query(pg,
            "select api.create_api_token(jsonb_build_object('account', jsonb_build_object('id', $1::text),"
            " 'name', 'Secret')) ->> 'token'",
            account->id, NULL);
        add_pattern(secrets, secret_of(secrets->tokens[i]));
    }
    flood_run(&invite);
    fail_with_code(pg, server, secrets->members[USE_RIGHT]);
    flood_run(&use);
    flood_run(&misuse);
    claim_mails(pg, secrets);
    fclose(secrets->patterns);
    mark_postgres_log(pg, email);

    free(server_log(server));
    server_log_command = text("cat %s", server->log_path);
    log_command = text("cat '%s/postgres.log'", getenv("TEST_POSTGRES_DIR"));
    expect_none(server_log_command, patterns, "\"event\":\"request\"", 2UL * MEMBERS);
    expect_none(log_command, patterns, email, 1);
    addresses = file_with("@example.com");
    expect_none(server_log_command, addresses, "\"event\":\"request\"", 2UL * MEMBERS);
    hash = database_query(
        pg, "select encode(sha256(convert_to($1, 'UTF8')), 'hex')", secrets->members[0]->code, NULL);
    expect_none("pg_dump \"$DATABASE_URL\"", patterns, hash, 1);

    log_statements(pg, false);
    server_end(server);
    unlink(patterns);
    unlink(addresses);
    free(addresses);
    for (size_t i = 0; i < MEMBERS; i++)
        member_free(secrets->members[i]);
    for (size_t i = 0; i < TOKENS; i++)
        free(secrets->tokens[i]);
    free(secrets);
    free(hash);
    free(log_command);
    free(server_log_command);
    free(patterns);
    free(email);
    free(url);
    free(base_url);
    account_free(account);
    PQfinish(pg);
}
