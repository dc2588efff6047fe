#include <criterion/criterion.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/count.h"
#include "database/call.h"
#include "database/reply.h"

/* Rows are matched to calls by their ordinal, in any order. */

#define CALLS 4
#define TEXT_SIZE 128

struct recorded {
    struct database_call call;
    int replies;
    int status;
    long retry_after;
    char id[TEXT_SIZE], body[TEXT_SIZE], detail[TEXT_SIZE], errors[TEXT_SIZE], type[TEXT_SIZE],
        sqlstate[TEXT_SIZE];
    bool is_replay, is_rolled_back;
};

static struct recorded recorded[CALLS];
static struct database_call *calls[CALLS];

static void copy(char text[TEXT_SIZE], const char *value)
{
    snprintf(text, TEXT_SIZE, "%s", value != NULL ? value : "(null)");
}

static void on_reply(struct database_call *call, const struct database_reply *reply)
{
    struct recorded *one = H2O_STRUCT_FROM_MEMBER(struct recorded, call, call);

    one->replies++;
    one->status = reply->status;
    one->retry_after = reply->retry_after;
    copy(one->id, reply->id);
    copy(one->body, reply->body);
    copy(one->detail, reply->detail);
    copy(one->errors, reply->errors);
    copy(one->type, reply->type);
    copy(one->sqlstate, reply->sqlstate);
    one->is_replay = reply->is_replay;
    one->is_rolled_back = reply->is_rolled_back;
}

static void set_up(void)
{
    memset(recorded, 0, sizeof(recorded));
    for (size_t i = 0; i < CALLS; i++) {
        recorded[i].call.on_reply = on_reply;
        calls[i] = &recorded[i].call;
    }
}

TestSuite(reply, .init = set_up);

static PGresult *make_result(void)
{
    static char names[STATEMENT_COLUMNS][24];
    PGresAttDesc columns[STATEMENT_COLUMNS] = {0};
    PGresult *result = PQmakeEmptyPGresult(NULL, PGRES_TUPLES_OK);

    for (int i = 0; i < STATEMENT_COLUMNS; i++) {
        snprintf(names[i], sizeof(names[i]), "column%d", i);
        columns[i].name = names[i];
    }
    cr_assert_eq(PQsetResultAttrs(result, STATEMENT_COLUMNS, columns), 1);
    return result;
}

/* A row with these values, in the order of the columns; the other columns are null. */
static void add_row(PGresult *result, const char *const values[STATEMENT_COLUMNS])
{
    int row = PQntuples(result);

    for (int i = 0; i < STATEMENT_COLUMNS; i++) {
        char *value = values[i] != NULL ? strdup(values[i]) : NULL;

        cr_assert_eq(PQsetvalue(result, row, i, value, value != NULL ? (int)strlen(value) : -1), 1);
        free(value);
    }
}

static void add_simple(PGresult *result, const char *ordinal, const char *status, const char *id)
{
    add_row(result, (const char *const[STATEMENT_COLUMNS]){ordinal, status, id});
}

static void expect(size_t index, int status, const char *id)
{
    cr_expect_eq(recorded[index].replies, 1, "call %zu has %d replies", index, recorded[index].replies);
    cr_expect_eq(recorded[index].status, status, "call %zu: %d", index, recorded[index].status);
    cr_expect_str_eq(recorded[index].id, id, "call %zu: %s", index, recorded[index].id);
}

Test(reply, each_call_gets_the_row_of_its_ordinal)
{
    PGresult *result = make_result();

    add_simple(result, "3", "403", "third");
    add_simple(result, "1", "201", "first");
    add_simple(result, "4", "409", "fourth");
    add_simple(result, "2", "200", "second");
    reply_rows(calls, CALLS, result);
    expect(0, 201, "first");
    expect(1, 200, "second");
    expect(2, 403, "third");
    expect(3, 409, "fourth");
    PQclear(result);
}

Test(reply, each_column_is_where_it_belongs)
{
    PGresult *result = make_result();

    add_row(result, (const char *const[STATEMENT_COLUMNS]){
                        "2", "422", "id", "body", "detail", "errors", "type", "t", "f"});
    add_row(
        result, (const char *const[STATEMENT_COLUMNS]){"1", "200", NULL, NULL, NULL, NULL, NULL, "f", "t"});
    reply_rows(calls, 2, result);
    cr_expect_eq(recorded[1].status, 422);
    cr_expect_str_eq(recorded[1].id, "id");
    cr_expect_str_eq(recorded[1].body, "body");
    cr_expect_str_eq(recorded[1].detail, "detail");
    cr_expect_str_eq(recorded[1].errors, "errors");
    cr_expect_str_eq(recorded[1].type, "type");
    cr_expect_str_eq(recorded[1].sqlstate, "(null)");
    cr_expect(recorded[1].is_replay && !recorded[1].is_rolled_back);
    cr_expect_str_eq(recorded[0].body, "(null)");
    cr_expect_str_eq(recorded[0].detail, "(null)");
    cr_expect(!recorded[0].is_replay && recorded[0].is_rolled_back);
    PQclear(result);
}

Test(reply, has_the_retry_after_of_a_limit)
{
    static const struct {
        const char *status, *errors;
        long seconds;
    } rows[] = {
        {"429", "{\"Retry-After\":[\"4211\"]}", 4211},
        {"429", "{\"Retry-After\":[\"0\"]}", 0},
        {"429", "{\"Retry-After\":[\"soon\"]}", 0},
        {"429", "{\"Retry-After\":[7]}", 0},
        {"429", "{", 0},
        {"429", NULL, 0},
        {"400", "{\"Retry-After\":[\"4211\"]}", 0},
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        PGresult *result = make_result();

        set_up();
        add_row(result, (const char *const[STATEMENT_COLUMNS]){
                            "1", rows[i].status, NULL, NULL, NULL, rows[i].errors, NULL, "f", "f"});
        reply_rows(calls, 1, result);
        cr_expect_eq(recorded[0].retry_after, rows[i].seconds, "row %zu: %ld", i, recorded[0].retry_after);
        PQclear(result);
    }
}

/* None of these rows belongs to a pending call: they change nothing, and read nothing outside the array. */
Test(reply, rows_without_a_call_are_ignored)
{
    static const char *const ordinals[] = {"0", "5", "-1", "18446744073709551616", "", NULL};
    PGresult *result = make_result();

    for (size_t i = 0; i < COUNT(ordinals); i++)
        add_simple(result, ordinals[i], "200", "nobody's");
    for (size_t i = CALLS; i-- > 0;)
        add_simple(result, (const char *const[]){"1", "2", "3", "4"}[i], "201", "right");
    add_simple(result, "2", "200", "once more");
    reply_rows(calls, CALLS, result);
    for (size_t i = 0; i < CALLS; i++)
        expect(i, 201, "right");
    PQclear(result);
}

Test(reply, a_call_without_a_row_is_500)
{
    PGresult *result = make_result();

    add_simple(result, "4", "200", "fourth");
    add_simple(result, "2", NULL, "without status");
    reply_rows(calls, CALLS, result);
    expect(0, 500, "(null)");
    expect(1, 500, "without status");
    expect(2, 500, "(null)");
    expect(3, 200, "fourth");
    PQclear(result);
}

Test(reply, an_unknown_outcome_is_reported_only_for_changes)
{
    recorded[0].call.statement = STATEMENT_CHANGE;
    recorded[1].call.statement = STATEMENT_READ;
    reply_unknown(calls[0], 503);
    reply_unknown(calls[1], 504);
    expect(0, 503, "(null)");
    expect(1, 504, "(null)");
    cr_expect_not_null(strstr(recorded[0].detail, "unknown"), "%s", recorded[0].detail);
    cr_expect_str_eq(recorded[1].detail, "(null)");
}
