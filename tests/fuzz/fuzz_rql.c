#include <jansson.h>
#include <libpq-fe.h>
#include <stdbool.h>
#include <string.h>

#include "base/count.h"
#include "fuzz.h"

/* The query string of a list, over a connection to a real database (DATABASE_URL). Any text gives a list
 * or a PT400 with the position of the mistake, in bounded time; never another error, and nothing is
 * written. libFuzzer does not see the coverage of the parser, which is SQL. Instead, the shape of the
 * generated statement and the words of messages count as coverage. Because few texts are valid queries,
 * half of the mutations insert, replace or remove words of the grammar. */

#define MAX_SIZE 2048
/* More than a query needs, even on a busy machine. */
#define TIMEOUT "statement_timeout = '20s'"
#define FEATURES 16384

__attribute__((section("__libfuzzer_extra_counters"))) static uint8_t features[FEATURES];

static PGconn *pg;
static char *account;

int LLVMFuzzerInitialize(int *argc, char ***argv);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);

static const char *const words[] = {"eq(", "ne(", "gt(", "ge(", "lt(", "le(", "like(", "ilike(", "in(",
    "out(", "and(", "or(", "not(", "any(groups,", "all(buyers,", "any(modules,", "null()", "empty()", "(",
    ")", ",", "=", "&", "\"", "'", "\\", "*", "\\*", "%28", "%2C", "%26", "%00", "%c3%a9", "%ff", " ", "+",
    "-", ".", "order=", "select=", "limit=", "offset=", "=like=", "=in=", "=out=", "id", "email", "name",
    "status", "user.id", "user.name", "user.email", "account.id", "account.type", "account.name", "groups",
    "groups.id", "groups.name", "groups.isDefault", "buyers", "buyers.id", "modules.name",
    "invitation.status", "invitation.url", "audit.created.at", "audit.created.by.id", "audit", "lastLoginAt",
    "Active", "Invited", "InvitationExpired", "Client", "true", "false", "2026-02-29",
    "2026-03-05T13:00:00+01:00", "9999-12-31T23:59:60.999999999-23:59", "0001-01-01", "AUSR-0000-0000-0001",
    "USR-9999-9999", "ACC-0000-0000", "UGR-1234-5678", "0", "1000", "999999999", "2147483648", "$1", "--",
    ";", "\u00e9", "\U0001f600"};
#define WORD_COUNT COUNT(words)

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    const char *url = getenv("DATABASE_URL");
    PGresult *result;

    (void)argc;
    (void)argv;
    pg = PQconnectdb(url != NULL ? url : "");
    PQclear(
        PQexec(pg, "set client_min_messages = error; set default_transaction_read_only = on; set " TIMEOUT));
    result = PQexec(pg, "select internal.account_id(min(account_key)) from accounts.account_user");
    if (PQresultStatus(result) != PGRES_TUPLES_OK) {
        fprintf(stderr, "%s", PQerrorMessage(pg));
        exit(EXIT_FAILURE);
    }
    account = strdup(PQgetvalue(result, 0, 0));
    PQclear(result);
    return 0;
}

/* A counter for each text; digits, such as the number of a parameter, are ignored. */
static void note(const char *text)
{
    uint32_t hash = 2166136261U;

    for (; *text != '\0'; text++) {
        if (*text < '0' || *text > '9')
            hash = (hash ^ (uint8_t)*text) * 16777619U;
    }
    features[hash % FEATURES] = 1;
}

static bool is_utf8(const char *text)
{
    json_auto_t *string = json_string(text);

    return string != NULL;
}

/* A message begins with a position in the query, or is about the whole query. */
static void must_be_message(const char *message, size_t query_len)
{
    static const char at[] = "position ", *const whole[] = {"has more than ", "the query is longer than "};

    if (strncmp(message, at, strlen(at)) == 0) {
        char *end;
        unsigned long position = strtoul(message + strlen(at), &end, 10);

        MUST(position >= 1 && position <= query_len + 1 && strncmp(end, ": ", 2) == 0 && end[2] != '\0');
        return;
    }
    MUST(strncmp(message, whole[0], strlen(whole[0])) == 0 ||
         strncmp(message, whole[1], strlen(whole[1])) == 0);
}

static void must_be_invalid(const PGresult *result, const char *query)
{
    const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE),
               *detail = PQresultErrorField(result, PG_DIAG_MESSAGE_DETAIL), *name;
    json_t *errors, *messages, *message;
    size_t index;

    if (!is_utf8(query)) {
        MUST(sqlstate != NULL && strcmp(sqlstate, "22021") == 0);
        return;
    }
    if (sqlstate == NULL || strcmp(sqlstate, "PT400") != 0)
        fprintf(stderr, "%s", PQresultErrorMessage(result));
    MUST(sqlstate != NULL && strcmp(sqlstate, "PT400") == 0);
    errors = json_loads(detail != NULL ? detail : "", JSON_REJECT_DUPLICATES, NULL);
    MUST(json_object_size(errors) > 0);
    json_object_foreach(errors, name, messages)
    {
        MUST(strcmp(name, "$filter") == 0 || strcmp(name, "select") == 0 || strcmp(name, "order") == 0 ||
             strcmp(name, "limit") == 0 || strcmp(name, "offset") == 0);
        MUST(json_array_size(messages) > 0);
        json_array_foreach(messages, index, message)
        {
            const char *text = json_string_value(message);

            must_be_message(text, strlen(query));
            /* Quoted words of the query do not make a message new. */
            note(strrchr(text, ' '));
        }
    }
    json_decref(errors);
}

static void must_list(const PGresult *result)
{
    json_auto_t *list = json_loads(PQgetvalue(result, 0, 0), JSON_REJECT_DUPLICATES, NULL);
    const json_t *pagination = json_object_get(json_object_get(list, "$meta"), "pagination");
    json_int_t limit = json_integer_value(json_object_get(pagination, "limit"));
    json_int_t total = json_integer_value(json_object_get(pagination, "total"));
    size_t count = json_array_size(json_object_get(list, "data"));

    MUST(json_is_array(json_object_get(list, "data")) && limit >= 0 && limit <= 1000);
    MUST((json_int_t)count <= limit && (json_int_t)count <= total);
}

/* sql: the list, and the statement that the database generates for the query and an account. */
static void must_answer(const char *sql, int parameter_count, const char *query)
{
    const char *const parameters[] = {query, account};
    PGresult *result = PQexecParams(pg, sql, parameter_count, NULL, parameters, NULL, NULL, 0);

    if (PQresultStatus(result) == PGRES_TUPLES_OK) {
        must_list(result);
        note(PQgetvalue(result, 0, 1));
    } else {
        must_be_invalid(result, query);
    }
    PQclear(result);
}

int fuzz_one(const uint8_t *data, size_t size)
{
    char *query;

    /* Neither can occur in the path of a request. */
    if (size > MAX_SIZE || memchr(data, '\0', size) != NULL)
        return -1;
    query = strndup((const char *)data, size);
    must_answer("select api.list_account_users($1), (internal.compile_list('account_user', null, $1)).page",
        1, query);
    must_answer("select api.list_users($2, $1), (internal.compile_list('user', 1, $1)).page", 2, query);
    free(query);
    return 0;
}

/* The end of the word, or of the byte, at a position. */
static size_t word_end(const uint8_t *data, size_t size, size_t at)
{
    for (size_t i = 0; i < WORD_COUNT; i++) {
        size_t len = strlen(words[i]);

        if (len <= size - at && memcmp(data + at, words[i], len) == 0)
            return at + len;
    }
    return at + 1;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
    enum { BYTES, PUT_IN, SWAP, TAKE_OUT };
    static const int manners[] = {BYTES, BYTES, PUT_IN, PUT_IN, SWAP, TAKE_OUT};
    int manner = manners[seed % (COUNT(manners))];
    const char *word = words[(seed >> 8) % WORD_COUNT];
    size_t len = manner == TAKE_OUT ? 0 : strlen(word), at = (seed >> 16) % (size + 1);
    size_t end = at < size && (manner == SWAP || manner == TAKE_OUT) ? word_end(data, size, at) : at;

    if (manner == BYTES || size - (end - at) + len > max_size)
        return LLVMFuzzerMutate(data, size, max_size);
    memmove(data + at + len, data + end, size - end);
    for (size_t i = 0; i < len; i++)
        data[at + i] = (uint8_t)word[i];
    return size - (end - at) + len;
}
