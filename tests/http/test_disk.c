#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "trouble.h"

/* A database on a disk of its own, which a file fills. The disk is a tmpfs in a mount namespace that only
 * that PostgreSQL lives in, and that goes with it. */

#define SIZE "64m"

TestSuite(disk, .timeout = 600);

/* The cluster with its database on the small disk; not migrated. */
static struct cluster *start(const char *name)
{
    struct cluster *cluster = cluster_named(name);

    cluster_run(cluster, "start", "");
    cluster_run(cluster, "stop", "");
    run_command("unshare --mount --propagation private sh -c '"
                "mkdir \"$0/space\" && mount -t tmpfs -o size=" SIZE " tmpfs \"$0/space\" && "
                "chown --reference=\"$0/data\" \"$0/space\" && exec scripts/postgres start \"$0\"' "
                "\"$(realpath '%s')\" >>'%s.log' 2>&1",
        cluster->dir, cluster->dir);
    run_command(
        "psql -X -q -v ON_ERROR_STOP=1 -d \"$(scripts/postgres url '%s' | sed s/accountsd/postgres/)\" "
        "-c \"create tablespace small location '$(realpath '%s')/space'\" "
        "-c 'alter database accountsd set tablespace small' >>'%s.log' 2>&1",
        cluster->dir, cluster->dir, cluster->dir);
    free(cluster);
    return cluster_start(name);
}

/* The path of the file that fills the disk, in the namespace of the postmaster. */
static char *ballast_path(const struct cluster *cluster)
{
    char *pid_path = NULL, *home = realpath(cluster->dir, NULL), *path = NULL, pid[32] = "";
    FILE *file;

    cr_assert_geq(asprintf(&pid_path, "%s/data/postmaster.pid", cluster->dir), 0);
    file = fopen(pid_path, "r");
    cr_assert(file != NULL && fgets(pid, sizeof(pid), file) != NULL, "%s", pid_path);
    fclose(file);
    pid[strcspn(pid, "\n")] = '\0';
    cr_assert_geq(asprintf(&path, "/proc/%s/root%s/space/ballast", pid, home), 0);
    free(pid_path);
    free(home);
    return path;
}

static void fill(const char *path)
{
    static const char block[8192];
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    size_t blocks = 0;

    cr_assert_geq(fd, 0, "%s", path);
    while (blocks < 10000 && write(fd, block, sizeof(block)) == (ssize_t)sizeof(block))
        blocks++;
    close(fd);
    cr_assert_lt(blocks, 10000, "the disk is not small: %s", path);
}

Test(disk, full_is_503_until_there_is_room)
{
    struct cluster *cluster;
    struct account *account;
    struct server *server;
    struct load *load;
    struct timespec begin;
    struct answer answer;
    char *path, *log;
    PGconn *pg;

    if (system("unshare --mount --propagation private mount -t tmpfs tmpfs /mnt 2>/dev/null") != 0) {
        /* Criterion tells of a skipped test only to who asks. */
        fprintf(stderr, "disk: SKIPPED: this user may not mount a disk that can be filled\n");
        cr_skip_test("this user may not mount a disk that can be filled");
    }
    cluster = start("disk");
    pg = database_connect(cluster->url);
    account = account_make(pg, "Client");
    server = server_start(cluster->server_url, NULL);
    load = load_start(server, account, 4);
    begin = now();
    path = ballast_path(cluster);
    for (long round = 0; round < short_or_soak(1, 5); round++) {
        load_await_success(load, &begin);
        fill(path);
        await_status(server, account, 503);
        /* What is there can be read. */
        answer = request(server, "GET", ACCOUNT_USERS "?limit=1", account->token, NULL, NULL);
        cr_expect_eq(answer.status, 200, "%ld %s", answer.status, answer.text);
        answer_free(&answer);
        cr_assert_eq(unlink(path), 0);
        load_await_success(load, &begin);
    }
    load_pause(load);
    load_check(load, pg, 30.0);
    load_tell(load, "disk");
    log = server_log(server);
    cr_expect_not_null(strstr(log, "\"53100\""), "the disk was not full");
    free(log);
    free(path);
    load_free(load);
    server_end(server);
    account_free(account);
    PQfinish(pg);
    cluster_remove(cluster);
}
