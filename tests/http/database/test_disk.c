#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/cluster.h"

/* A database, or its write-ahead log, on a small disk that a file fills. The disk is a tmpfs in a mount
 * namespace that only this PostgreSQL and the test can see. */

#define SIZE "128m"
/* More segments than fit. */
#define MAX_SEGMENTS 20

TestSuite(disk, .timeout = 600);

struct disk {
    struct cluster *cluster;
    struct account *account;
    PGconn *pg;
    /* Keeps the namespace after PostgreSQL has exited. */
    int namespace;
    /* The prefix of a command to run in it. */
    char enter[64];
};

/* Starts PostgreSQL with $0/space on the small disk, after running a command there. */
static struct cluster *start_on_disk(const char *name, const char *command)
{
    struct cluster *cluster = cluster_make(name);

    run_command("unshare --mount --propagation private sh -c '"
                "mkdir \"$0/space\" && mount -t tmpfs -o size=" SIZE " tmpfs \"$0/space\" && "
                "chown --reference=\"$0/data\" \"$0/space\" && %s && exec scripts/postgres start \"$0\"' "
                "\"$(realpath '%s')\" >>'%s.log' 2>&1",
        command, cluster->dir, cluster->dir);
    cluster_open(cluster);
    return cluster;
}

static int open_namespace(const struct cluster *cluster)
{
    char path[600], pid[32] = "";
    FILE *file;
    int fd;

    snprintf(path, sizeof(path), "%s/data/postmaster.pid", cluster->dir);
    file = fopen(path, "r");
    cr_assert(file != NULL && fgets(pid, sizeof(pid), file) != NULL, "%s", path);
    fclose(file);
    snprintf(path, sizeof(path), "/proc/%ld/ns/mnt", strtol(pid, NULL, 10));
    fd = open(path, O_RDONLY | O_CLOEXEC);
    cr_assert_geq(fd, 0, "%s", path);
    return fd;
}

/* Skips the test if this user may not mount. */
static void demand_mounts(void)
{
    if (system("unshare --mount --propagation private mount -t tmpfs tmpfs /mnt 2>/dev/null") != 0) {
        /* Criterion reports skipped tests only in verbose mode. */
        fprintf(stderr, "disk: SKIPPED: this user may not mount a disk that can be filled\n");
        cr_skip_test("this user may not mount a disk that can be filled");
    }
}

static void disk_open(struct disk *disk, struct cluster *cluster)
{
    disk->cluster = cluster;
    disk->namespace = open_namespace(disk->cluster);
    snprintf(
        disk->enter, sizeof(disk->enter), "nsenter --mount=/proc/%d/fd/%d", (int)getpid(), disk->namespace);
    disk->pg = database_connect(disk->cluster->url);
    disk->account = account_make(disk->pg, "Client");
}

static void disk_close(struct disk *disk)
{
    account_free(disk->account);
    PQfinish(disk->pg);
    cluster_remove(disk->cluster);
    close(disk->namespace);
}

/* Fails if the disk is not small. */
static void disk_fill(const struct disk *disk)
{
    run_command("! %s sh -c 'head -c 1G /dev/zero >\"$0/space/ballast\"' \"$(realpath '%s')\" 2>/dev/null",
        disk->enter, disk->cluster->dir);
}

static void disk_empty(const struct disk *disk)
{
    run_command("%s rm \"$(realpath '%s')/space/ballast\"", disk->enter, disk->cluster->dir);
}

Test(disk, full_data_disk_gives_503_until_there_is_room)
{
    struct disk disk;
    struct cluster *cluster;
    struct server *server;
    struct load *load;
    struct timespec begin;
    struct answer answer;
    char *log;

    demand_mounts();
    cluster = start_on_disk("disk", "true");
    run_command(
        "psql -X -q -v ON_ERROR_STOP=1 -d \"$(scripts/postgres url '%s' | sed s/accountsd/postgres/)\" "
        "-c \"create tablespace small location '$(realpath '%s')/space'\" "
        "-c 'alter database accountsd set tablespace small' >>'%s.log' 2>&1",
        cluster->dir, cluster->dir, cluster->dir);
    disk_open(&disk, cluster);
    server = server_start(disk.cluster->server_url, NULL);
    load = load_start(server, disk.account, 4);
    begin = now();
    for (long round = 0; round < short_or_soak(1, 5); round++) {
        load_await_success(load, &begin);
        disk_fill(&disk);
        await_status(server, disk.account, 503);
        /* Existing data can be read. */
        answer = request(server, "GET", ACCOUNT_USERS "?limit=1", disk.account->token, NULL, NULL);
        cr_expect_eq(answer.status, 200, "%ld %s", answer.status, answer.text);
        answer_free(&answer);
        disk_empty(&disk);
        load_await_success(load, &begin);
    }
    load_pause(load);
    load_check(load, disk.pg, SLOWEST_SECONDS);
    load_print(load, "disk");
    log = server_log(server);
    cr_expect_not_null(strstr(log, "\"53100\""), "the disk was not full");
    free(log);
    load_free(load);
    server_end(server);
    disk_close(&disk);
}

/* Allocates segments until there is no room, which PostgreSQL does not survive. */
static void use_up_segments(const struct disk *disk)
{
    PGconn *pg = PQconnectdb(disk->cluster->url);

    for (int i = 0; i < MAX_SEGMENTS && PQstatus(pg) == CONNECTION_OK; i++)
        PQclear(PQexec(pg, "select pg_logical_emit_message(false, 'test', 'x'), pg_switch_wal()"));
    cr_expect_eq(PQstatus(pg), CONNECTION_BAD, "there is room for the log");
    PQfinish(pg);
}

/* It restarts by itself while there is some room in the last segment. */
static void await_end(const struct disk *disk)
{
    char path[600];

    snprintf(path, sizeof(path), "%s/data/postmaster.pid", disk->cluster->dir);
    for (int i = 0; i < 300 && access(path, F_OK) == 0; i++)
        sleep_ms(100);
}

/* An operator has to make room and start PostgreSQL again. In between it may or may not run. */
Test(disk, full_wal_disk_gives_503_and_loses_nothing)
{
    struct disk disk;
    struct cluster *cluster;
    struct server *server;
    struct load *load;
    struct timespec begin;

    demand_mounts();
    cluster = start_on_disk("disk-log",
        "mv \"$0/data/pg_wal\" \"$0/space/\" && ln -s \"$0/space/pg_wal\" \"$0/data/pg_wal\" && "
        "echo \"min_wal_size = 32MB\nmax_wal_size = 32MB\" >>\"$0/data/postgresql.conf\"");
    disk_open(&disk, cluster);
    PQfinish(disk.pg);
    server = server_start(disk.cluster->server_url, NULL);
    load = load_start(server, disk.account, 4);
    begin = now();
    for (long round = 0; round < short_or_soak(1, 5); round++) {
        load_await_success(load, &begin);
        disk_fill(&disk);
        use_up_segments(&disk);
        await_status(server, disk.account, 503);
        await_end(&disk);
        await_status(server, disk.account, 503);
        disk_empty(&disk);
        run_command("%s \"$PWD/scripts/postgres\" start '%s' >>'%s.log' 2>&1", disk.enter, disk.cluster->dir,
            disk.cluster->dir);
        load_await_success(load, &begin);
    }
    load_pause(load);
    disk.pg = database_connect(disk.cluster->url);
    load_check(load, disk.pg, SLOWEST_SECONDS);
    load_print(load, "disk of the log");
    run_command("grep -q 'PANIC: .*No space left on device' '%s/postgres.log'", disk.cluster->dir);
    load_free(load);
    server_end(server);
    disk_close(&disk);
}
