#include "cluster.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define MAX_THREADS 16
#define TRIES 600
#define STATUSES 600

struct timespec now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return time;
}

double seconds_since(const struct timespec *start)
{
    struct timespec end = now();

    return (double)(end.tv_sec - start->tv_sec) + (double)(end.tv_nsec - start->tv_nsec) / 1e9;
}

void run_command(const char *format, ...)
{
    char *command = NULL;
    va_list arguments;

    va_start(arguments, format);
    cr_assert_geq(vasprintf(&command, format, arguments), 0);
    va_end(arguments);
    cr_assert_eq(system(command), 0, "%s", command);
    free(command);
}

static char *output_of(const char *command)
{
    FILE *pipe = popen(command, "r");
    char line[1024] = "";

    cr_assert_not_null(pipe);
    cr_assert_not_null(fgets(line, sizeof(line), pipe), "%s", command);
    pclose(pipe);
    line[strcspn(line, "\n")] = '\0';
    return strdup(line);
}

struct cluster *cluster_named(const char *name)
{
    const char *test_dir = getenv("TEST_DIR");
    struct cluster *cluster = calloc(1, sizeof(*cluster));

    cr_assert_not_null(test_dir, "TEST_DIR is not set: scripts/test sets it");
    snprintf(cluster->dir, sizeof(cluster->dir), "%s/%s", test_dir, name);
    return cluster;
}

void cluster_run(const struct cluster *cluster, const char *command, const char *more)
{
    run_command("scripts/postgres %s '%s' %s >>'%s.log' 2>&1", command, cluster->dir, more, cluster->dir);
}

/* The database that all others are copies of, created by the first that needs it: migrating takes longer
 * than most tests. */
static void make_template(const struct cluster *template)
{
    char path[600];
    int lock;

    snprintf(path, sizeof(path), "%s.made", template->dir);
    lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    cr_assert(lock >= 0 && flock(lock, LOCK_EX) == 0, "%s", path);
    if (lseek(lock, 0, SEEK_END) == 0) {
        cluster_run(template, "start", "");
        run_command("DATABASE_URL=\"$(scripts/postgres url '%s')\" scripts/migrate >>'%s.log' 2>&1",
            template->dir, template->dir);
        cluster_run(template, "stop", "");
        cr_assert_eq(write(lock, "\n", 1), 1);
    }
    close(lock);
}

struct cluster *cluster_make(const char *name)
{
    struct cluster *cluster = cluster_named(name), *template = cluster_named("template");

    make_template(template);
    cluster_run(cluster, "copy", template->dir);
    free(template);
    return cluster;
}

void cluster_open(struct cluster *cluster)
{
    char command[600];

    snprintf(command, sizeof(command), "scripts/postgres url '%s'", cluster->dir);
    cluster->url = output_of(command);
    cluster->server_url = server_database_url(cluster->url);
}

struct cluster *cluster_start(const char *name)
{
    struct cluster *cluster = cluster_make(name);

    cluster_run(cluster, "start", "");
    cluster_open(cluster);
    return cluster;
}

void cluster_remove(struct cluster *cluster)
{
    cluster_run(cluster, "remove", "");
    free(cluster->url);
    free(cluster->server_url);
    free(cluster);
}

void await_status(const struct server *server, const struct account *account, long status)
{
    char *log;

    for (int i = 0; i < TRIES; i++) {
        char *email = new_email(), *body = create_body(email, NULL, NULL);
        struct answer answer = post(server, account->token, body);
        bool came = answer.status == status;

        answer_free(&answer);
        free(body);
        free(email);
        if (came)
            return;
        sleep_ms(50);
    }
    log = server_log(server);
    cr_assert_fail("%ld did not come: %s", status, log);
}

static void *post_one(void *data)
{
    struct poster *poster = data;
    char *body = create_body(poster->email, NULL, NULL);

    poster->answer = post(poster->server, poster->into->token, body);
    free(body);
    return NULL;
}

void poster_start(struct poster *poster, const struct server *server, const struct account *into, char *email)
{
    *poster = (struct poster){.server = server, .into = into, .email = email};
    cr_assert_eq(pthread_create(&poster->thread, NULL, post_one, poster), 0);
}

const struct answer *poster_await(struct poster *poster)
{
    if (!poster->is_joined)
        pthread_join(poster->thread, NULL);
    poster->is_joined = true;
    return &poster->answer;
}

void poster_end(struct poster *poster, long status)
{
    poster_await(poster);
    cr_expect_eq(poster->answer.status, status, "%ld %s", poster->answer.status, poster->answer.text);
    answer_free(&poster->answer);
    free(poster->email);
}

/* pg_stat_activity would not do: a transaction sees it as of its first read. */
static long count_waiting(PGconn *pg)
{
    char *waiting = database_query(pg,
        "select count(*) from pg_locks where not granted and pg_backend_pid() = any (pg_blocking_pids(pid))",
        NULL);
    long count = atol(waiting);

    free(waiting);
    return count;
}

void await_waiting(PGconn *pg, long count)
{
    for (int i = 0; i < 1000; i++) {
        if (count_waiting(pg) == count)
            return;
        sleep_ms(10);
    }
    cr_assert_fail("%ld sessions do not wait for the lock", count);
}

void await_waiter(PGconn *pg)
{
    for (int i = 0; i < 1000; i++) {
        if (count_waiting(pg) > 0)
            return;
        sleep_ms(10);
    }
    cr_assert_fail("no session waits for the lock");
}

struct invitation {
    char *email;
    struct invitation *next;
};

struct load {
    const struct server *server;
    const struct account *account;
    size_t thread_count;
    pthread_t threads[MAX_THREADS];
    atomic_bool pausing;
    atomic_size_t sent;

    /* Protected by the mutex. */
    pthread_mutex_t mutex;
    size_t counts[STATUSES];
    double slowest;
    struct invitation *acknowledged;
};

static void note(struct load *load, char *email, long status, double seconds)
{
    pthread_mutex_lock(&load->mutex);
    load->counts[status >= 0 && status < STATUSES ? status : 0]++;
    if (seconds > load->slowest)
        load->slowest = seconds;
    if (status == 201) {
        struct invitation *invitation = malloc(sizeof(*invitation));

        *invitation = (struct invitation){email, load->acknowledged};
        load->acknowledged = invitation;
    } else {
        free(email);
    }
    pthread_mutex_unlock(&load->mutex);
}

static void *invite(void *data)
{
    struct load *load = data;

    while (!load->pausing) {
        struct timespec start = now();
        struct answer answer;
        char *email = NULL, *body;

        cr_assert_geq(asprintf(&email, "load-%d-%p-%zu@example.com", (int)getpid(), data, load->sent++), 0);
        body = create_body(email, load->account->id, NULL);
        answer = post(load->server, load->account->token, body);
        note(load, email, answer.status, seconds_since(&start));
        if (answer.status != 201)
            sleep_ms(20);
        answer_free(&answer);
        free(body);
    }
    return NULL;
}

void load_resume(struct load *load)
{
    load->pausing = false;
    for (size_t i = 0; i < load->thread_count; i++)
        cr_assert_eq(pthread_create(&load->threads[i], NULL, invite, load), 0);
}

struct load *load_start(const struct server *server, const struct account *account, size_t threads)
{
    struct load *load = calloc(1, sizeof(*load));

    cr_assert_leq(threads, MAX_THREADS);
    load->server = server;
    load->account = account;
    load->thread_count = threads;
    pthread_mutex_init(&load->mutex, NULL);
    load_resume(load);
    return load;
}

void load_pause(struct load *load)
{
    load->pausing = true;
    for (size_t i = 0; i < load->thread_count; i++)
        pthread_join(load->threads[i], NULL);
}

size_t load_count(struct load *load, long status)
{
    size_t count;

    pthread_mutex_lock(&load->mutex);
    count = load->counts[status];
    pthread_mutex_unlock(&load->mutex);
    return count;
}

double load_await_success(struct load *load, const struct timespec *start)
{
    size_t before = load_count(load, 201);

    for (int i = 0; i < 30000; i++) {
        if (load_count(load, 201) > before)
            return seconds_since(start);
        sleep_ms(1);
    }
    cr_assert_fail("no request succeeds any more");
    return 0;
}

/* The acknowledged as a JSON array. */
static char *list_acknowledged(const struct load *load)
{
    json_t *list = json_array();
    char *text;

    for (struct invitation *invitation = load->acknowledged; invitation != NULL;
         invitation = invitation->next)
        json_array_append_new(list, json_string(invitation->email));
    text = json_dumps(list, JSON_COMPACT);
    json_decref(list);
    return text;
}

size_t load_check(struct load *load, PGconn *pg, double slowest)
{
    char *list = list_acknowledged(load), *missing;

    database_analyze(pg);
    missing = database_query(pg,
        "select count(*) from jsonb_array_elements_text($1::jsonb) as e (email)"
        " where not exists (select from accounts.person as p"
        "  join accounts.account_user as u on u.person_key = p.key"
        "  join accounts.invitation as i on i.account_user_key = u.key"
        "  join accounts.outbox as o on o.invitation_key = i.key"
        "  where p.email_key = internal.email_key(e.email))",
        list, NULL);

    cr_expect_str_eq(missing, "0", "%s acknowledged invitations are not there", missing);
    for (size_t status = 0; status < STATUSES; status++) {
        if (status != 201 && status != 503 && status != 504)
            cr_expect_eq(load->counts[status], 0, "%zu answers %zu", load->counts[status], status);
    }
    cr_expect_lt(load->slowest, slowest, "a request took %.1f s", load->slowest);
    free(missing);
    free(list);
    return load_count(load, 201);
}

void load_print(struct load *load, const char *name)
{
    fprintf(stderr, "%s: %zu invited, %zu answered 503, %zu 504; slowest %.2f s\n", name, load->counts[201],
        load->counts[503], load->counts[504], load->slowest);
}

void load_free(struct load *load)
{
    for (struct invitation *invitation = load->acknowledged, *next; invitation != NULL; invitation = next) {
        next = invitation->next;
        free(invitation->email);
        free(invitation);
    }
    pthread_mutex_destroy(&load->mutex);
    free(load);
}
