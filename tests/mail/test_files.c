#include <criterion/criterion.h>
#include <dirent.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mails.h"

/* Without an SMTP server: each mail becomes a file, complete or not at all. */

static struct mails *mails;
static char *dir;

static void set_up(void)
{
    mails = mails_open();
    cr_assert_geq(asprintf(&dir, "%s/mails-%d", getenv("TEST_DIR"), (int)getpid()), 0);
}

static void tear_down(void)
{
    mails_close(mails);
    free(dir);
}

TestSuite(files, .init = set_up, .fini = tear_down, .timeout = 120);

static char *read_mail(const char *name)
{
    char path[1024], *text = NULL;
    size_t size = 0;
    FILE *file;

    snprintf(path, sizeof(path), "%s/%s", dir, name);
    file = fopen(path, "r");
    cr_assert_not_null(file, "%s", path);
    cr_assert_gt(getdelim(&text, &size, '\0', file), 0);
    fclose(file);
    unlink(path);
    return text;
}

/* Expects that each file is a complete mail, removes them all, and returns their number. */
static size_t take_mails(void)
{
    DIR *open_dir = opendir(dir);
    const struct dirent *entry;
    size_t count = 0;

    cr_assert_not_null(open_dir, "%s", dir);
    while ((entry = readdir(open_dir)) != NULL) {
        struct stat status;
        char *text;

        if (entry->d_name[0] == '.' && strstr(entry->d_name, ".part") == NULL)
            continue;
        cr_expect_eq(fstatat(dirfd(open_dir), entry->d_name, &status, 0), 0);
        cr_expect_eq(status.st_mode & 0777, 0600);
        cr_expect_str_eq(entry->d_name + strlen(entry->d_name) - 4, ".eml");
        text = read_mail(entry->d_name);
        cr_expect_eq(strncmp(text, "Date: ", 6), 0, "%s", text);
        cr_expect_str_eq(text + strlen(text) - strlen("--=_alternative--\r\n"), "--=_alternative--\r\n");
        count++;
        free(text);
    }
    closedir(open_dir);
    return count;
}

Test(files, contain_whole_mails)
{
    struct server *worker;

    cr_assert_eq(mkdir(dir, 0700), 0);
    mails_queue(mails, 20);
    worker = mails_start_worker(mails, (const char *[]){"--mail-directory", dir, NULL});
    mails_await(mails, "Sent", 20);
    cr_expect_eq(take_mails(), 20);
    server_end(worker);
    rmdir(dir);
}

Test(files, are_not_written_without_a_directory)
{
    struct server *worker;
    char *reason;

    mails_queue(mails, 3);
    worker = mails_start_worker(mails, (const char *[]){"--mail-directory", dir, NULL});
    for (reason = strdup(""); *reason == '\0'; sleep_ms(10)) {
        free(reason);
        reason = database_query(mails->pg,
            "select coalesce(max(reason), '') from accounts.outbox where delivery = 'Queued'", NULL);
    }
    cr_expect_not_null(strstr(reason, "No such file or directory"), "%s", reason);
    free(reason);
    cr_expect_geq(log_await(worker, "\"event\":\"transport_unavailable\",\"stage\":\"file\"", 1), 1);
    cr_assert_eq(mkdir(dir, 0700), 0);
    mails_await(mails, "Sent", 3);
    cr_expect_eq(take_mails(), 3);
    server_end(worker);
    rmdir(dir);
}

/* A directory with two blocks, one of them used: a tmpfs in a mount namespace of this test and its worker. */
Test(files, are_not_written_on_a_full_disk)
{
    char ballast[1024];
    struct server *worker;
    char *reason;

    if (geteuid() != 0)
        cr_skip_test("only root may mount");
    cr_assert_eq(mkdir(dir, 0700), 0);
    cr_assert_eq(unshare(CLONE_NEWNS), 0);
    cr_assert_eq(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
    cr_assert_eq(mount("tmpfs", dir, "tmpfs", 0, "size=1m"), 0);
    snprintf(ballast, sizeof(ballast), "head -c 1048576 /dev/zero >'%s/.ballast' 2>/dev/null; true", dir);
    cr_assert_eq(system(ballast), 0);
    mails_queue(mails, 5);
    worker = mails_start_worker(mails, (const char *[]){"--mail-directory", dir, NULL});
    for (reason = strdup(""); *reason == '\0'; sleep_ms(10)) {
        free(reason);
        reason = database_query(mails->pg,
            "select coalesce(max(reason), '') from accounts.outbox where delivery = 'Queued'", NULL);
    }
    cr_expect_not_null(strstr(reason, "No space left on device"), "%s", reason);
    free(reason);
    cr_expect_eq(take_mails(), 0);
    snprintf(ballast, sizeof(ballast), "%s/.ballast", dir);
    cr_assert_eq(unlink(ballast), 0);
    mails_await(mails, "Sent", 5);
    cr_expect_eq(take_mails(), 5);
    server_end(worker);
    umount(dir);
    rmdir(dir);
}
