#include "mixture.h"

#include <criterion/criterion.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define MAX_COMPLAINTS 20
/* The share of poisoned requests; some kinds of poison take a second request. */
#define ONE_IN 100

static const struct {
    const char *name;
    long status;
    /* The field that a 400 names. */
    const char *field;
    bool is_pair;
} poisons[POISONS] = {
    [POISON_NONE] = {"good", 201, NULL, false},
    [POISON_MALFORMED] = {"malformed", 400, "$", false},
    [POISON_INVALID] = {"invalid", 400, "user.email", false},
    [POISON_WRONG_TYPE] = {"not JSON", 415, NULL, false},
    [POISON_NO_TOKEN] = {"no token", 401, NULL, false},
    [POISON_WRONG_TOKEN] = {"wrong token", 401, NULL, false},
    [POISON_OTHER_ACCOUNT] = {"other account", 403, NULL, false},
    [POISON_DISABLED_ACCOUNT] = {"disabled account", 403, NULL, false},
    [POISON_UNKNOWN_GROUP] = {"unknown group", 400, "groups[0].id", false},
    [POISON_ACTIVE] = {"active", 409, NULL, false},
    [POISON_FAILING] = {"failing", 500, NULL, false},
    [POISON_SLOW] = {"slow", 504, NULL, false},
    [POISON_LOCKED] = {"locked", 504, NULL, false},
    [POISON_DUPLICATE] = {"duplicate", 201, NULL, true},
    [POISON_TWO_ACCOUNTS] = {"two accounts", 201, NULL, true},
    [POISON_DEADLOCK] = {"deadlock", 201, NULL, true},
    [POISON_LOST_BACKEND] = {"lost backend", 201, NULL, false},
    [POISON_SEND_HALF] = {"half sent", 0, NULL, false},
    [POISON_LEAVE] = {"left", 0, NULL, false},
};

const char *mixture_poison_name(enum poison poison)
{
    return poisons[poison].name;
}

void mixture_report(struct mixture *mixture, const char *format, ...)
{
    char *text = NULL;
    va_list arguments;

    if (mixture->complaints++ >= MAX_COMPLAINTS)
        return;
    va_start(arguments, format);
    cr_assert_geq(vasprintf(&text, format, arguments), 0);
    va_end(arguments);
    cr_expect_fail("FLOOD_SEED=%lu: %s", mixture->seed, text);
    free(text);
}

/* The high bits of Knuth's MMIX generator. */
static size_t random_below(unsigned long *state, size_t limit)
{
    *state = *state * 6364136223846793005UL + 1442695040888963407UL;
    return (size_t)(*state >> 33) % limit;
}

void mixture_poison(struct mixture *mixture)
{
    unsigned long state = mixture->seed;
    size_t way = random_below(&state, POISONS - 1);

    mixture->jobs = calloc(mixture->count, sizeof(*mixture->jobs));
    for (size_t i = 0; i < mixture->count; i++)
        mixture->jobs[i].subject = i;
    for (size_t first = 0; first + ONE_IN <= mixture->count; first += ONE_IN) {
        size_t at = first + random_below(&state, ONE_IN - 1);
        enum poison poison = (enum poison)(1 + way++ % (POISONS - 1));

        mixture->jobs[at].poison = poison;
        if (poisons[poison].is_pair) {
            mixture->jobs[at + 1].poison = poison;
            mixture->jobs[at + 1].subject = at;
        }
    }
}

const struct account *mixture_account(const struct mixture *mixture, size_t index)
{
    const struct job *job = &mixture->jobs[index];

    if (job->poison == POISON_TWO_ACCOUNTS)
        return mixture->accounts[index != job->subject];
    return mixture->accounts[job->subject % 2];
}

/* Every third names no group, and gets the default one. */
const char *mixture_group(const struct mixture *mixture, size_t index)
{
    const struct account *account = mixture_account(mixture, index);

    return mixture->jobs[index].subject % 3 == 2 ? account->other_group : account->default_group;
}

static const struct account *caller_of(const struct mixture *mixture, size_t index)
{
    return mixture->jobs[index].subject % 5 == 0 ? mixture->operations : mixture_account(mixture, index);
}

char *mixture_email(const struct mixture *mixture, const struct job *job)
{
    static const char *const prefixes[POISONS] = {
        [POISON_FAILING] = "poison", [POISON_SLOW] = "slow", [POISON_DEADLOCK] = "deadlock-a"};
    const char *prefix = prefixes[job->poison] != NULL ? prefixes[job->poison] : "flood";
    char *email = NULL;

    if (job->poison == POISON_DEADLOCK && job != &mixture->jobs[job->subject])
        prefix = "deadlock-b";
    cr_assert_geq(asprintf(&email, "%s-%08x-%zu@example.com", prefix, mixture->run, job->subject), 0);
    return email;
}

char *mixture_trace_id(const struct mixture *mixture, size_t index)
{
    char *trace_id = NULL;

    cr_assert_geq(asprintf(&trace_id, "%016x%016zx", mixture->run, index), 0);
    return trace_id;
}

/* Terminates a busy database connection, if there is one, and waits until its process has exited, so that
 * later requests are not lost with it. */
static void cut_a_connection(struct mixture *mixture)
{
    char *done;

    for (size_t i = 0; i < mixture->count; i++)
        mixture->jobs[i].is_at_risk = mixture->jobs[i].is_at_risk || mixture->jobs[i].is_under_way;
    done = database_query(mixture->pg,
        "select pg_terminate_backend(pid, 10000) from pg_stat_activity where application_name = $1 and "
        "usename = 'accountsd_server' order by state = 'active' desc, random() limit 1",
        mixture->application, NULL);
    if (strcmp(done, "t") == 0)
        mixture->cuts++;
    free(done);
}

/* If it differs from the account of the unpoisoned request. */
static const struct account *account_of_poison(const struct mixture *mixture, size_t index)
{
    switch (mixture->jobs[index].poison) {
    case POISON_OTHER_ACCOUNT:
    case POISON_ACTIVE:
    case POISON_LOCKED:
        return mixture->unchanged;
    case POISON_DISABLED_ACCOUNT:
        return mixture->disabled;
    default:
        return mixture_account(mixture, index);
    }
}

static char *body_of(const struct mixture *mixture, size_t index)
{
    const struct job *job = &mixture->jobs[index];
    const struct account *account = account_of_poison(mixture, index);
    const char *group = job->subject % 3 != 0 ? mixture_group(mixture, index) : NULL;
    char *email = mixture_email(mixture, job), *text;
    json_t *user, *body;

    if (job->poison == POISON_INVALID)
        *strchr(email, '@') = ' ';
    if (job->poison == POISON_UNKNOWN_GROUP)
        group = mixture->unchanged->default_group;
    else if (account != mixture_account(mixture, index))
        group = NULL;
    user = json_pack("{s:s, s:o, s:o}", "email", email, "firstName", json_sprintf("F%zu", job->subject),
        "lastName", json_sprintf("L%08x", mixture->run));
    if (job->poison == POISON_ACTIVE)
        json_object_set_new(user, "email", json_string(mixture->active_email));
    if (job->poison == POISON_LOCKED)
        json_object_set_new(user, "email", json_string(mixture->locked_email));
    body = json_pack("{s:o, s:{s:s}}", "user", user, "account", "id", account->id);
    if (group != NULL)
        json_object_set_new(body, "groups", json_pack("[{s:s}]", "id", group));
    text = json_dumps(body, JSON_COMPACT);
    if (job->poison == POISON_MALFORMED)
        text[strlen(text) - 1] = '\0';
    json_decref(body);
    free(email);
    return text;
}

/* The header line; the caller frees it. */
static char *authorization_of(const struct mixture *mixture, size_t index)
{
    const struct job *job = &mixture->jobs[index];
    const struct account *account = account_of_poison(mixture, index);
    char *line = NULL;

    if (job->poison == POISON_NO_TOKEN)
        return strdup("");
    if (job->poison == POISON_OTHER_ACCOUNT)
        account = mixture_account(mixture, index);
    else if (account == mixture_account(mixture, index))
        account = caller_of(mixture, index);
    cr_assert_geq(asprintf(&line, "Authorization: Bearer %s\r\n", account->token), 0);
    if (job->poison == POISON_WRONG_TOKEN) {
        char *in_secret = line + strlen(line) - 8;

        *in_secret = *in_secret == 'a' ? 'b' : 'a';
    }
    return line;
}

char *mixture_next(void *data, size_t index, enum flood_manner *manner)
{
    struct mixture *mixture = data;
    struct job *job = &mixture->jobs[index];
    char *body = body_of(mixture, index), *authorization = authorization_of(mixture, index);
    char *trace_id = mixture_trace_id(mixture, index), *bytes = NULL;

    if (job->poison == POISON_LOST_BACKEND)
        cut_a_connection(mixture);
    if (job->poison == POISON_SEND_HALF)
        *manner = FLOOD_SEND_HALF;
    if (job->poison == POISON_LEAVE)
        *manner = FLOOD_LEAVE;
    job->is_under_way = true;
    cr_assert_geq(asprintf(&bytes,
                      "POST " ACCOUNT_USERS
                      " HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: %s\r\nContent-Length: %zu\r\n"
                      "Traceparent: 00-%s-00f067aa0ba902b7-01\r\n%s\r\n%s",
                      job->poison == POISON_WRONG_TYPE ? "text/json" : "application/json", strlen(body),
                      trace_id, authorization, body),
        0);
    free(trace_id);
    free(authorization);
    free(body);
    return bytes;
}

/* The response must be about the person, account, group and caller of the request. */
static void check_success(struct mixture *mixture, size_t index, const struct answer *answer)
{
    struct job *job = &mixture->jobs[index];
    const json_t *groups = json_object_get(answer->body, "groups");
    const char *group = json_string_value(json_object_get(json_array_get(groups, 0), "id"));
    const char *id = answer_text(answer, "id", NULL);
    char name[64], *location = answer_header(answer, "location");

    snprintf(name, sizeof(name), "F%zu L%08x", job->subject, mixture->run);
    if (strcmp(answer_text(answer, "user", "name", NULL), name) != 0 ||
        strcmp(answer_text(answer, "account", "id", NULL), mixture_account(mixture, index)->id) != 0 ||
        strcmp(answer_text(answer, "audit", "updated", "by", "id", NULL),
            caller_of(mixture, index)->token_id) != 0 ||
        json_array_size(groups) != 1 || group == NULL || strcmp(group, mixture_group(mixture, index)) != 0 ||
        strncmp(location, ACCOUNT_USERS "/", strlen(ACCOUNT_USERS "/")) != 0 ||
        strcmp(location + strlen(ACCOUNT_USERS "/"), id) != 0)
        mixture_report(mixture, "%zu (%s) got the answer to another request: %s\n%s", index,
            poisons[job->poison].name, answer->headers, answer->text);
    job->outcome = JOB_DONE;
    job->id = strdup(id);
    job->user_id = strdup(answer_text(answer, "user", "id", NULL));
    job->code = invitation_code(answer->body);
    free(location);
}

static void check_problem(struct mixture *mixture, size_t index, const struct answer *answer)
{
    struct job *job = &mixture->jobs[index];
    const char *field = poisons[job->poison].field;
    const json_t *errors = json_object_get(answer->body, "errors");
    char *trace_id = mixture_trace_id(mixture, index);

    if (strstr(answer_text(answer, "traceId", NULL), trace_id) == NULL ||
        (field == NULL ? errors != NULL
                       : json_object_size(errors) != 1 || json_object_get(errors, field) == NULL))
        mixture_report(mixture, "%zu (%s) got the problem of another request: %s", index,
            poisons[job->poison].name, answer->text);
    job->outcome = JOB_NOT_DONE;
    free(trace_id);
}

void mixture_on_answer(void *data, size_t index, const struct answer *answer)
{
    struct mixture *mixture = data;
    struct job *job = &mixture->jobs[index];

    job->is_under_way = false;
    if (job->poison == POISON_SEND_HALF) {
        job->outcome = JOB_NOT_DONE;
    } else if (job->poison == POISON_LEAVE) {
        job->outcome = JOB_UNKNOWN;
    } else if (job->is_at_risk && answer->status == 503) {
        job->outcome = JOB_UNKNOWN;
        mixture->lost++;
    } else if (answer->status != poisons[job->poison].status) {
        job->outcome = JOB_UNKNOWN;
        mixture_report(mixture, "%zu (%s) got %ld, not %ld: %s", index, poisons[job->poison].name,
            answer->status, poisons[job->poison].status, answer->text);
    } else if (answer->status == 201) {
        check_success(mixture, index, answer);
    } else {
        check_problem(mixture, index, answer);
    }
}

void mixture_check_pairs(struct mixture *mixture)
{
    for (size_t i = 1; i < mixture->count; i++) {
        const struct job *second = &mixture->jobs[i], *first = &mixture->jobs[second->subject];

        if (first == second || first->outcome != JOB_DONE || second->outcome != JOB_DONE)
            continue;
        if ((strcmp(first->id, second->id) == 0) != (second->poison == POISON_DUPLICATE) ||
            (strcmp(first->user_id, second->user_id) == 0) != (second->poison != POISON_DEADLOCK) ||
            strcmp(first->code, second->code) == 0)
            mixture_report(mixture, "%zu and %zu (%s) got %s %s and %s %s", second->subject, i,
                poisons[second->poison].name, first->id, first->user_id, second->id, second->user_id);
    }
}
