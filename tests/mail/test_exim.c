#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <dirent.h>
#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/cluster.h"
#include "harness/tls_client.h"
#include "mails.h"

/* A real mail server: Debian's exim4, run by the test in its own directory, on free ports. */

#define CONFIGURATION                                                                                        \
    "primary_hostname = mail.example.test\n"                                                                 \
    "spool_directory = %1$s/spool\n"                                                                         \
    "log_file_path = %1$s/log-%%slog\n"                                                                      \
    "pid_file_path = %1$s/exim.pid\n"                                                                        \
    "local_interfaces = 127.0.0.1\n"                                                                         \
    "daemon_smtp_ports = %2$d : %3$d\n"                                                                      \
    "tls_on_connect_ports = %3$d\n"                                                                          \
    "tls_advertise_hosts = *\n"                                                                              \
    "tls_certificate = %1$s/certificate.pem\n"                                                               \
    "tls_privatekey = %1$s/key.pem\n"                                                                        \
    "smtputf8_advertise_hosts = *\n"                                                                         \
    "deliver_drop_privilege = true\n"                                                                        \
    "keep_environment =\n"                                                                                   \
    "acl_smtp_rcpt = check\n"                                                                                \
    "begin acl\n"                                                                                            \
    "check:\n"                                                                                               \
    "  deny message = not here\n"                                                                            \
    "       !domains = example.test\n"                                                                       \
    "  deny message = log in first\n"                                                                        \
    "       encrypted = *\n"                                                                                 \
    "       !authenticated = *\n"                                                                            \
    "  defer message = come again\n"                                                                         \
    "        local_parts = busy\n"                                                                           \
    "  deny message = no such user\n"                                                                        \
    "       local_parts = nobody\n"                                                                          \
    "  accept\n"                                                                                             \
    "begin routers\n"                                                                                        \
    "all:\n"                                                                                                 \
    "  driver = accept\n"                                                                                    \
    "  transport = file\n"                                                                                   \
    "begin transports\n"                                                                                     \
    "file:\n"                                                                                                \
    "  driver = appendfile\n"                                                                                \
    "  directory = %1$s/mails\n"                                                                             \
    "  maildir_format\n"                                                                                     \
    "begin authenticators\n"                                                                                 \
    "plain:\n"                                                                                               \
    "  driver = plaintext\n"                                                                                 \
    "  public_name = PLAIN\n"                                                                                \
    "  server_prompts = :\n"                                                                                 \
    "  server_set_id = $auth2\n"                                                                             \
    "  server_condition = ${if and{{eq{$auth2}{worker}}{eq{$auth3}{secret}}}}\n"                             \
    "  server_advertise_condition = ${if def:tls_in_cipher}\n"

static struct mails *mails;
static struct certificate *certificate;
static char *dir;
static int port, tls_port;
static pid_t exim;

static bool answers(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
        .sin_port = htons((uint16_t)tls_port)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    bool does = connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0;

    close(fd);
    return does;
}

static void start_exim(void)
{
    const struct passwd *user = getpwnam("Debian-exim");
    char *path = NULL, *log = NULL;
    FILE *out;

    cr_assert_geq(asprintf(&path, "%s/exim.conf", dir), 0);
    cr_assert_geq(asprintf(&log, "%s/exim.log", dir), 0);
    port = free_port();
    tls_port = free_port();
    out = fopen(path, "w");
    cr_assert_not_null(out, "%s", path);
    /* cppcheck-suppress invalidPrintfArgType_s ; it does not know %1$s */
    fprintf(out, CONFIGURATION, dir, port, tls_port);
    fclose(out);
    chmod(path, 0644);
    run_command("cp '%s' '%s/certificate.pem'", certificate->certificate_path, dir);
    run_command("cp '%s' '%s/key.pem'", certificate->key_path, dir);
    run_command("mkdir -p '%s/spool' '%s/mails'", dir, dir);
    /* A process started by root runs as Debian's user for it. */
    if (geteuid() == 0)
        run_command("chown -R Debian-exim: '%s' && chown root '%s/exim.conf'", dir, dir);
    cr_assert(geteuid() != 0 || user != NULL);
    exim = fork();
    cr_assert_geq(exim, 0);
    if (exim == 0) {
        int fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);

        prctl(PR_SET_PDEATHSIG, SIGKILL);
        dup2(fd, STDOUT_FILENO);
        dup2(fd, STDERR_FILENO);
        execl("/usr/sbin/exim4", "exim4", "-C", path, "-bdf", (char *)NULL);
        _exit(127);
    }
    free(path);
    free(log);
    for (int tries = 0; tries < 1000 && !answers(); tries++) {
        cr_assert_eq(waitpid(exim, NULL, WNOHANG), 0, "exim4 ended; see %s", dir);
        sleep_ms(10);
    }
}

static void set_up(void)
{
    mails = mails_open();
    certificate = certificate_make("exim", KEY_RSA);
    /* A directory that Debian's user can enter. */
    dir = strdup("/tmp/accountsd-exim-XXXXXX");
    cr_assert_not_null(mkdtemp(dir));
    start_exim();
}

static void tear_down(void)
{
    kill(exim, SIGTERM);
    waitpid(exim, NULL, 0);
    run_command("rm -rf '%s'", dir);
    free(dir);
    certificate_free(certificate);
    mails_close(mails);
}

TestSuite(exim, .init = set_up, .fini = tear_down, .timeout = 120);

static size_t count_mails(void)
{
    char path[128];
    DIR *directory;
    size_t count = 0;
    const struct dirent *entry;

    snprintf(path, sizeof(path), "%s/mails/new", dir);
    directory = opendir(path);
    while (directory != NULL && (entry = readdir(directory)) != NULL)
        count += entry->d_name[0] != '.';
    if (directory != NULL)
        closedir(directory);
    return count;
}

static void await_mails(size_t count)
{
    for (int tries = 0; tries < 2000 && count_mails() < count; tries++)
        sleep_ms(10);
    cr_expect_eq(count_mails(), count, "%zu", count_mails());
}

/* How many of the mails have a line. */
static size_t count_with(const char *line)
{
    char *command = NULL, text[32] = "";
    FILE *out;

    cr_assert_geq(asprintf(&command, "grep -rlxF -- '%s' '%s/mails/new' | wc -l", line, dir), 0);
    out = popen(command, "r");
    cr_assert_not_null(fgets(text, sizeof(text), out));
    pclose(out);
    free(command);
    return strtoul(text, NULL, 10);
}

static void deliver_to(const char *scheme, int to, const char *const *arguments)
{
    char url[64];
    const char *all[12] = {"--smtp-url", url, "--smtp-ca-file", certificate->certificate_path,
        "--lease=60000", "--smtp-timeout=30000", "--smtp-connect-timeout=10000"};
    size_t count = 7;
    struct server *worker;

    for (size_t i = 0; arguments[i] != NULL; i++)
        all[count++] = arguments[i];
    snprintf(url, sizeof(url), "%s://127.0.0.1:%d", scheme, to);
    mails_queue(mails, 25);
    free(mails_queue_one(mails, "zoë@example.test", "Zoë \"Zo\" 🙂", "de"));
    worker = mails_start_worker(mails, all);
    mails_await(mails, "Sent", 26);
    server_end(worker);
    await_mails(26);
    cr_expect_eq(count_with("Auto-Submitted: auto-generated"), 26);
    cr_expect_eq(count_with(" <person7@example.test>"), 1);
    cr_expect_eq(count_with(" <zoë@example.test>"), 1);
    cr_expect_eq(count_with("--=_alternative--"), 26);
    /* Unchanged: no server on the way had to re-encode it. */
    cr_expect_eq(count_with("Content-Transfer-Encoding: 7bit"), 25);
    cr_expect_eq(count_with("Content-Transfer-Encoding: quoted-printable"), 1);
}

Test(exim, accepts_mails_over_starttls_with_a_login)
{
    setenv("ACCOUNTSD_SMTP_PASSWORD", "secret", 1);
    deliver_to("smtp", port, (const char *[]){"--smtp-user=worker", NULL});
}

Test(exim, accepts_mails_over_tls_with_a_login)
{
    setenv("ACCOUNTSD_SMTP_PASSWORD", "secret", 1);
    deliver_to("smtps", tls_port, (const char *[]){"--smtp-user=worker", NULL});
}

Test(exim, accepts_mails_in_clear_text)
{
    deliver_to("smtp", port, (const char *[]){"--smtp-tls=none", NULL});
}

Test(exim, refusals_are_recorded)
{
    char url[64], *reason;
    struct server *worker;

    snprintf(url, sizeof(url), "smtp://127.0.0.1:%d", port);
    free(mails_queue_one(mails, "nobody@example.test", "Ada", NULL));
    free(mails_queue_one(mails, "busy@example.test", "Ada", NULL));
    worker = mails_start_worker(mails, (const char *[]){"--smtp-url", url, "--smtp-tls=none", NULL});
    mails_await(mails, "GivenUp", 1);
    reason = database_query(mails->pg, "select reason from accounts.outbox where delivery = 'GivenUp'", NULL);
    cr_expect_str_eq(reason, "550 no such user");
    free(reason);
    for (reason = strdup(""); *reason == '\0'; sleep_ms(10)) {
        free(reason);
        reason = database_query(mails->pg,
            "select coalesce(max(reason), '') from accounts.outbox where delivery = 'Queued'", NULL);
    }
    cr_expect_str_eq(reason, "451 come again");
    free(reason);
    server_end(worker);
}

Test(exim, refuses_a_wrong_password)
{
    char url[64], *reason;
    struct server *worker;

    setenv("ACCOUNTSD_SMTP_PASSWORD", "guessed", 1);
    snprintf(url, sizeof(url), "smtp://127.0.0.1:%d", port);
    mails_queue(mails, 1);
    worker = mails_start_worker(mails, (const char *[]){"--smtp-url", url, "--smtp-user=worker",
                                           "--smtp-ca-file", certificate->certificate_path, NULL});
    for (reason = strdup(""); *reason == '\0'; sleep_ms(10)) {
        free(reason);
        reason = database_query(mails->pg,
            "select coalesce(max(reason), '') from accounts.outbox where delivery = 'Queued'", NULL);
    }
    cr_expect_not_null(strstr(reason, "535"), "%s", reason);
    free(reason);
    cr_expect_eq(count_mails(), 0);
    server_end(worker);
}
