#include "request_case.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/count.h"

static const struct caller callers[] = {
    {"Client", CLIENT, VENDOR, TOKEN_GOOD},
    {"Vendor", VENDOR, CLIENT, TOKEN_GOOD},
    {"Operations", OPERATIONS, CLIENT, TOKEN_GOOD},
    {"Operations, and a disabled account", OPERATIONS, DISABLED, TOKEN_GOOD},
    {"disabled token", CLIENT, VENDOR, TOKEN_DISABLED},
    {"token of a disabled account", DISABLED, CLIENT, TOKEN_OF_DISABLED},
    {"nobody", CLIENT, VENDOR, TOKEN_NONE},
};

static const char *const value_names[VALUES] = {"own", "other", "unknown", "malformed", "-"};
static const char *const slot_names[SLOTS] = {
    "account", "user", "accountUser", "group", "account.id", "groups.id", "code"};

#define IN(value) (1U << (value))
#define ANY_ID (IN(OWN) | IN(OTHER) | IN(UNKNOWN) | IN(MALFORMED))

#define MAX_CASES 4096

const struct caller *caller_at(size_t index)
{
    return index < COUNT(callers) ? &callers[index] : NULL;
}

bool is_operation(const struct route *route, const char *operation)
{
    return route->operation != NULL && strcmp(route->operation, operation) == 0;
}

static bool is_of_user(const struct route *route)
{
    return route->kind != NULL && strcmp(route->kind, "user") == 0;
}

/* The possible values of each slot of a route. */
static void find_values(const struct route *route, unsigned allowed[SLOTS])
{
    static const char *const parameters[] = {"{account}", "{user}", "{accountUser}", "{group}"};
    bool is_create = is_operation(route, "create");

    for (size_t slot = 0; slot < SLOTS; slot++)
        allowed[slot] = IN(ABSENT);
    for (size_t slot = ACCOUNT; slot <= GROUP; slot++) {
        if (strstr(route->path, parameters[slot]) != NULL)
            allowed[slot] = ANY_ID;
    }
    if (is_create)
        allowed[BODY_ACCOUNT] = ANY_ID | IN(ABSENT);
    if (is_create)
        allowed[BODY_GROUP] = ANY_ID | IN(ABSENT);
    else if (is_operation(route, "add_group") || is_operation(route, "replace_groups") ||
             is_operation(route, "replace_user"))
        allowed[BODY_GROUP] = ANY_ID;
    if (is_operation(route, "accept_invite"))
        allowed[CODE] = IN(OWN) | IN(ABSENT);
}

enum place caller_place(const struct caller *caller, enum value value)
{
    return value == OWN ? caller->own : value == OTHER ? caller->other : PLACES;
}

enum place request_case_member_place(const struct request_case *the_case)
{
    const enum value *values = the_case->values;

    if (!is_of_user(the_case->route))
        return caller_place(the_case->caller, values[ACCOUNT_USER]);
    return values[ACCOUNT] == values[USER] ? caller_place(the_case->caller, values[USER]) : PLACES;
}

static bool sees(const struct caller *caller, enum place place)
{
    return place != PLACES && (caller->own == OPERATIONS || place == caller->own);
}

/* The status by the contract: the path first, then the form of the request, the caller, and the rest. */
static long expected_status(struct request_case *the_case)
{
    const struct route *route = the_case->route;
    const struct caller *caller = the_case->caller;
    const enum value *values = the_case->values;
    enum place group = caller_place(caller, values[BODY_GROUP]);

    the_case->place = PLACES;
    for (size_t slot = ACCOUNT; slot <= GROUP; slot++) {
        if (values[slot] == MALFORMED)
            return 404;
    }
    /* The description of the service is public. */
    if (route->operation == NULL)
        return 200;
    if (is_operation(route, "accept_invite")) {
        if (values[CODE] == OWN)
            the_case->place = request_case_member_place(the_case);
        if (the_case->place == PLACES)
            return 400;
        return the_case->place != DISABLED ? 200 : 409;
    }
    if (caller->token == TOKEN_NONE)
        return 401;
    if (values[BODY_ACCOUNT] == MALFORMED || values[BODY_GROUP] == MALFORMED)
        return 400;
    if (caller->token != TOKEN_GOOD)
        return caller->token == TOKEN_DISABLED ? 401 : 403;
    if (values[ACCOUNT] != ABSENT && values[BODY_ACCOUNT] != ABSENT &&
        values[ACCOUNT] != values[BODY_ACCOUNT])
        return 400;
    if (is_operation(route, "list")) {
        if (is_of_user(route) && !sees(caller, caller_place(caller, values[ACCOUNT])))
            return 404;
        return 200;
    }
    if (is_operation(route, "create")) {
        enum value account = values[is_of_user(route) ? ACCOUNT : BODY_ACCOUNT];

        the_case->place = caller_place(caller, account == ABSENT ? OWN : account);
        if (!sees(caller, the_case->place))
            return is_of_user(route) ? 404 : 403;
        if (the_case->place == DISABLED)
            return 409;
        return values[BODY_GROUP] == ABSENT || group == the_case->place ? 201 : 400;
    }
    the_case->place = request_case_member_place(the_case);
    if (!sees(caller, the_case->place))
        return 404;
    if (the_case->place == DISABLED &&
        (is_operation(route, "resend_invite") || is_operation(route, "send_new_invite")))
        return 409;
    if (values[BODY_GROUP] != ABSENT && group != the_case->place)
        return 400;
    if (values[GROUP] != ABSENT && caller_place(caller, values[GROUP]) != the_case->place)
        return 404;
    return strcmp(route->method, "DELETE") == 0 ? 204 : 200;
}

/* A malformed id is tested alone, because the others do not matter then. */
static bool is_wanted(const enum value values[SLOTS])
{
    size_t malformed = 0, unusual = 0;

    for (size_t slot = 0; slot < SLOTS; slot++) {
        malformed += values[slot] == MALFORMED;
        unusual += values[slot] == OTHER || values[slot] == UNKNOWN;
    }
    return malformed == 0 || (malformed == 1 && unusual == 0);
}

/* Advances to the next values; false after the last ones. */
static bool next_values(const unsigned allowed[SLOTS], enum value values[SLOTS])
{
    for (size_t slot = 0; slot < SLOTS; slot++) {
        for (size_t value = values[slot] + 1; value < VALUES; value++) {
            if ((allowed[slot] & IN(value)) != 0) {
                values[slot] = (enum value)value;
                return true;
            }
        }
        values[slot] = (allowed[slot] & IN(OWN)) != 0 ? OWN : ABSENT;
    }
    return false;
}

size_t request_cases_make(const struct route *route, const struct caller *caller, struct request_case **made)
{
    static struct request_case cases[MAX_CASES];
    unsigned allowed[SLOTS];
    enum value values[SLOTS];
    size_t count = 0;

    find_values(route, allowed);
    for (size_t slot = 0; slot < SLOTS; slot++)
        values[slot] = (allowed[slot] & IN(OWN)) != 0 ? OWN : ABSENT;
    do {
        if (!is_wanted(values))
            continue;
        cr_assert_lt(count, MAX_CASES);
        cases[count] = (struct request_case){.route = route, .caller = caller};
        memcpy(cases[count].values, values, sizeof(values));
        cases[count].expected = expected_status(&cases[count]);
        count++;
    } while (next_values(allowed, values));
    *made = cases;
    return count;
}

const struct request_case *request_case_counterpart(
    const struct request_case *the_case, const struct request_case *others, size_t count)
{
    enum value values[SLOTS];
    bool has_other = false;

    for (size_t slot = 0; slot < SLOTS; slot++) {
        enum value value = the_case->values[slot];

        has_other |= value == OTHER;
        values[slot] = value == OTHER ? UNKNOWN : value == UNKNOWN ? OTHER : value;
    }
    for (size_t i = 0; has_other && i < count; i++) {
        if (memcmp(others[i].values, values, sizeof(values)) == 0)
            return &others[i];
    }
    cr_assert(!has_other, "a case has no twin");
    return NULL;
}

char *request_case_describe(const struct request_case *the_case)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    fprintf(out, "%s %s by %s", the_case->route->method, the_case->route->path, the_case->caller->name);
    for (size_t slot = 0; slot < SLOTS; slot++) {
        if (the_case->values[slot] != ABSENT)
            fprintf(out, ", %s %s", slot_names[slot], value_names[the_case->values[slot]]);
    }
    fclose(out);
    return text;
}
