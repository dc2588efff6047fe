#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "mixture.h"

#define DEFAULT_SET_SIZE 32
#define MAX_SERVERS 4
/* Enough for each kind of poison to occur. */
#define ENOUGH_REQUESTS 2000
/* Of a server's session. Slow requests and those that wait for a lock exceed it; the first requests, for
 * which all sessions plan their statements, do not. */
#define STATEMENT_TIMEOUT_MS "2000"

static unsigned long number_of_environment(const char *name, unsigned long otherwise)
{
    const char *text = getenv(name);

    return text != NULL && *text != '\0' ? strtoul(text, NULL, 10) : otherwise;
}

static struct member *invite_unchanged(
    const struct server *server, const struct account *unchanged, char *email)
{
    char *body = create_body(email, NULL, NULL);
    struct member *member = member_invite(server, unchanged->token, body);

    free(body);
    return member;
}

static void accept(const struct server *server, const struct member *member)
{
    char *path = member_path(member, PATH_OF_ACCOUNT_USER, "/accept-invite"),
         *body = accept_body(member->code);
    struct answer answer = request_json(server, "POST", path, NULL, body);

    cr_assert_eq(answer.status, 200, "%ld %s", answer.status, answer.text);
    answer_free(&answer);
    free(path);
    free(body);
}

static void set_up_unchanged(struct mixture *mixture, const struct server *server)
{
    struct member *active, *locked;

    mixture->active_email = new_email();
    mixture->locked_email = new_email();
    active = invite_unchanged(server, mixture->unchanged, mixture->active_email);
    accept(server, active);
    locked = invite_unchanged(server, mixture->unchanged, mixture->locked_email);
    mixture->unchanged_before = mixture_fingerprint(mixture->pg, mixture->unchanged);
    member_lock(mixture->locker, locked);
    member_free(active);
    member_free(locked);
}

static struct mixture *mixture_make(size_t count)
{
    struct mixture *mixture = calloc(1, sizeof(*mixture));
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    mixture->run = (unsigned)now.tv_nsec ^ (unsigned)now.tv_sec << 8 ^ (unsigned)getpid();
    mixture->seed = number_of_environment("FLOOD_SEED", mixture->run);
    mixture->count = number_of_environment("FLOOD_REQUESTS", count);
    snprintf(mixture->application, sizeof(mixture->application), "flood-%08x", mixture->run);
    mixture->pg = database_connect(database_url());
    mixture->locker = database_connect(database_url());
    mixture->accounts[0] = account_make(mixture->pg, "Client");
    mixture->accounts[1] = account_make(mixture->pg, "Vendor");
    mixture->unchanged = account_make(mixture->pg, "Client");
    mixture->disabled = account_make(mixture->pg, "Client");
    mixture->operations = account_make(mixture->pg, "Operations");
    free(database_query(mixture->pg,
        "update accounts.account set status = 'Disabled' where key = internal.account_key($1)",
        mixture->disabled->id, NULL));
    mixture->set_size = number_of_environment("ACCOUNTSD_SET_SIZE", DEFAULT_SET_SIZE);
    mixture_poison(mixture);
    fprintf(stderr, "flood: FLOOD_SEED=%lu, %zu requests\n", mixture->seed, mixture->count);
    return mixture;
}

static void mixture_free(struct mixture *mixture)
{
    for (size_t i = 0; i < mixture->count; i++) {
        free(mixture->jobs[i].id);
        free(mixture->jobs[i].user_id);
        free(mixture->jobs[i].code);
    }
    account_free(mixture->accounts[0]);
    account_free(mixture->accounts[1]);
    account_free(mixture->unchanged);
    account_free(mixture->disabled);
    account_free(mixture->operations);
    PQfinish(mixture->pg);
    PQfinish(mixture->locker);
    free(mixture->active_email);
    free(mixture->locked_email);
    free(mixture->unchanged_before);
    free(mixture->jobs);
    free(mixture);
}

/* What the log says about sets that were rolled back or lost. */
static void read_log(struct mixture *mixture, const struct server *server)
{
    static const char requests[] = "\"requests\":";
    char *log = server_log(server), *rest = log, *line;

    while ((line = strsep(&rest, "\n")) != NULL) {
        const char *found = strstr(line, requests);
        unsigned long count = found != NULL ? strtoul(found + strlen(requests), NULL, 10) : 0;

        if (count > mixture->set_size)
            mixture_report(mixture, "%lu requests in a set: %s", count, line);
        if (strstr(line, "\"database_error\"") != NULL && count > 1)
            mixture->sets_undone++;
        if (strstr(line, "\"40P01\"") != NULL)
            mixture->deadlocks++;
        if (strstr(line, "\"database_connection_lost\"") != NULL)
            mixture->lost_by_log += count;
    }
    free(log);
}

/* Only requests in a lost set may have failed because of it. */
static void check_sets(struct mixture *mixture, size_t server_count)
{
    if (mixture->lost > mixture->lost_by_log)
        mixture_report(mixture, "%zu requests got 503, and %zu were in sets that were cut", mixture->lost,
            mixture->lost_by_log);
    /* Otherwise all failing requests were sets of one, which is possible with many servers. */
    if (mixture->set_size > 1 && server_count == 1 && mixture->count >= ENOUGH_REQUESTS &&
        mixture->sets_undone == 0)
        mixture_report(mixture, "no set of more than one was undone");
}

static void print_figures(const struct mixture *mixture, size_t server_count, double seconds)
{
    size_t counts[POISONS] = {0}, outcomes[JOB_UNKNOWN + 1] = {0};

    for (size_t i = 0; i < mixture->count; i++) {
        counts[mixture->jobs[i].poison]++;
        outcomes[mixture->jobs[i].outcome]++;
    }
    fprintf(stderr,
        "flood: FLOOD_SEED=%lu, %zu requests in %.1f s, servers: %zu, sets of up to %zu; %zu done, %zu not "
        "done, %zu unknown; %zu connections cut and %zu requests lost with them; %zu sets undone and tried "
        "one by one, %zu deadlocks;",
        mixture->seed, mixture->count, seconds, server_count, mixture->set_size, outcomes[JOB_DONE],
        outcomes[JOB_NOT_DONE], outcomes[JOB_UNKNOWN], mixture->cuts, mixture->lost, mixture->sets_undone,
        mixture->deadlocks);
    for (size_t i = 0; i < POISONS; i++)
        fprintf(stderr, " %zu %s%s", counts[i], mixture_poison_name((enum poison)i),
            i + 1 < POISONS ? "," : "\n");
}

void mixture_run(size_t server_count, size_t count)
{
    struct mixture *mixture = mixture_make(count);
    struct server *servers[MAX_SERVERS] = {NULL};
    struct flood flood = {
        servers, server_count, mixture->count, mixture, mixture_next, mixture_on_answer, false};
    char *base_url = server_database_url(database_url()), *url = NULL;
    struct timespec start, end;

    cr_assert_leq(server_count, MAX_SERVERS);
    cr_assert_geq(
        asprintf(&url, "%s application_name=%s options='-c statement_timeout=" STATEMENT_TIMEOUT_MS "'",
            base_url, mixture->application),
        0);
    for (size_t i = 0; i < server_count; i++)
        servers[i] = server_start(url, (const char *[]){PATIENT, "--set-time", "10000", NULL});
    set_up_unchanged(mixture, servers[0]);
    clock_gettime(CLOCK_MONOTONIC, &start);
    flood_run(&flood);
    clock_gettime(CLOCK_MONOTONIC, &end);
    free(database_query(mixture->locker, "rollback", NULL));
    for (size_t i = 0; i < server_count; i++) {
        read_log(mixture, servers[i]);
        /* Requests whose clients have gone may be in flight until then. */
        server_end(servers[i]);
    }
    mixture_check_pairs(mixture);
    check_sets(mixture, server_count);
    mixture_check(mixture);
    print_figures(mixture, server_count,
        (double)(end.tv_sec - start.tv_sec) + (double)(end.tv_nsec - start.tv_nsec) / 1e9);
    cr_expect_eq(mixture->complaints, 0, "%zu complaints", mixture->complaints);
    mixture_free(mixture);
    free(base_url);
    free(url);
}
