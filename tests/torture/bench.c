#include "bench.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/process.h"

void bench_start(struct bench *bench)
{
    char *url = server_database_url(database_url()), *named = NULL;

    cr_assert_geq(asprintf(&named, "%s application_name=%s", url, bench->name), 0);
    bench->server = server_start(named, (const char *[]){"--workers", "1", "--database-connections", "1",
                                            "--database-timeout", "5000", "--queue-timeout", "5000", NULL});
    free(named);
    free(url);
}

struct bench *bench_make(void)
{
    struct bench *bench = calloc(1, sizeof(*bench));

    bench->faults = faults_share(bench->faults_path);
    bench->pg = database_connect(database_url());
    bench->account = account_make(bench->pg, "Client");
    cr_assert_geq(asprintf(&bench->name, "torture-%d", (int)getpid()), 0);
    bench_start(bench);
    return bench;
}

void bench_free(struct bench *bench)
{
    faults_unshare(bench->faults, bench->faults_path);
    account_free(bench->account);
    PQfinish(bench->pg);
    free(bench->name);
    free(bench);
}

static struct answer create(struct bench *bench)
{
    char *email = new_email(), *body = create_body(email, bench->account->id, bench->account->default_group);
    struct answer answer = post(bench->server, bench->account->token, body);

    bench->created += answer.status == 201;
    if (answer.status == 201) {
        struct member *member = member_of(answer.body);

        snprintf(bench->invitation, sizeof(bench->invitation), "%s/%s", member->id, member->code);
        member_free(member);
    }
    free(body);
    free(email);
    return answer;
}

static struct answer invalid(struct bench *bench)
{
    return post(bench->server, bench->account->token,
        "{\"user\":{\"email\":1,\"x\":[{}]},\"groups\":[{\"id\":\"UGR-1234-5678\"},{\"id\":\"UGR-1234-5678\"}"
        "]}");
}

static struct answer get(struct bench *bench)
{
    char *id = database_query(bench->pg,
        "select internal.account_user_id(min(key)) from accounts.account_user where account_key = "
        "internal.account_key($1)",
        bench->account->id, NULL);
    char path[128];

    snprintf(path, sizeof(path), ACCOUNT_USERS "/%s", id);
    free(id);
    return request(bench->server, "GET", path, bench->account->token, NULL, NULL);
}

static struct answer list(struct bench *bench)
{
    return request(bench->server, "GET", ACCOUNT_USERS "?ilike(user.name,%C3%A4*)&limit=3",
        bench->account->token, NULL, NULL);
}

/* The page of a new invitation. */
static struct answer page(struct bench *bench)
{
    char path[256];

    snprintf(path, sizeof(path), "/invitations/%s", bench->invitation);
    return request(bench->server, "GET", path, NULL, NULL, (const char *[]){"Accept-Language: de-AT", NULL});
}

const struct operation create_operation = {create, 201}, invalid_operation = {invalid, 400},
                       get_operation = {get, 200}, list_operation = {list, 200}, page_operation = {page, 200};

void assert_lives(struct bench *bench, long n)
{
    char *log;

    if (waitpid(bench->server->pid, NULL, WNOHANG) == 0)
        return;
    log = server_log(bench->server);
    cr_assert_fail("call %ld, of %s, ends the server: %s", n, bench->faults->caller, log);
    free(log);
}

void assert_recovers(struct bench *bench, const struct operation *operation, long n, long patience_ms)
{
    for (long waited = 0;; waited += 20) {
        struct answer answer = operation->run(bench);
        bool served = answer.status == operation->status;

        if (answer.status == 0)
            assert_lives(bench, n);
        if (!served && waited >= patience_ms)
            cr_assert_fail(
                "after call %ld, of %s: %ld %s", n, bench->faults->caller, answer.status, answer.text);
        answer_free(&answer);
        if (served)
            return;
        sleep_ms(20);
    }
}
