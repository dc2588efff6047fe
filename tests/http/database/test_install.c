#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/cluster.h"

/* sql/install.sql beside running transactions: neither waits for the other. It takes only the table locks
 * of queries and writes; a stronger lock would queue every create behind it. */

static PGconn *pg;
static struct account *account;

static void set_up(void)
{
    pg = database_connect(database_url());
    account = account_make(pg, "Client");
}

static void tear_down(void)
{
    account_free(account);
    PQfinish(pg);
}

TestSuite(install, .init = set_up, .fini = tear_down, .timeout = 120);

static void invite(PGconn *session)
{
    char *email = new_email(), *body = create_body(email, account->id, NULL);

    free(database_query(session, "select api.create_account_user($1::jsonb)", body, NULL));
    free(body);
    free(email);
}

/* A transaction that has written to every table. */
static PGconn *write_everywhere(void)
{
    PGconn *writer = database_connect(database_url());
    char *statement = database_query(pg,
        "select 'lock table ' || string_agg(oid::regclass::text, ', ') || ' in row exclusive mode'"
        " from pg_class where relnamespace = 'accounts'::regnamespace and relkind = 'r'",
        NULL);

    free(database_query(writer, "begin", NULL));
    free(database_query(writer, statement, NULL));
    invite(writer);
    free(statement);
    return writer;
}

/* Fails on any wait for a lock. */
static void install_beside(PGconn *writer)
{
    run_command("PGOPTIONS='-c lock_timeout=1s' psql -X -q -v ON_ERROR_STOP=1 -d '%s' -f sql/install.sql "
                ">\"$TEST_DIR/install.log\" 2>&1",
        database_url());
    free(database_query(writer, "rollback", NULL));
    PQfinish(writer);
}

#define GATE "hashtext('test of install')"
#define WAITS_AT_GATE                                                                                        \
    "locktype = 'advisory' and not granted and objid::bigint = " GATE "::bigint & 4294967295"

/* An install that holds all its locks and waits before its commit. */
static void start_install(void)
{
    run_command(
        "sed -e \"s,^.ir ,\\\\\\\\i $PWD/sql/,\" -e \"s/^commit;/select pg_advisory_xact_lock(%s); commit;/\""
        " sql/install.sql >\"$TEST_DIR/install.sql\"",
        GATE);
    run_command("psql -X -q -v ON_ERROR_STOP=1 -d '%s' -f \"$TEST_DIR/install.sql\""
                " >\"$TEST_DIR/install.log\" 2>&1 & echo $! >\"$TEST_DIR/install.pid\"",
        database_url());
    for (int tries = 0;; tries++, sleep_ms(100)) {
        char *waiting = database_query(pg, "select count(*) from pg_locks where " WAITS_AT_GATE, NULL);
        bool is_there = strcmp(waiting, "1") == 0;

        free(waiting);
        if (is_there)
            return;
        cr_assert_lt(tries, 600, "the install has not ended");
    }
}

static void await_end_of_install(void)
{
    run_command("for i in $(seq 300); do kill -0 $(cat \"$TEST_DIR/install.pid\") 2>/dev/null || exit 0;"
                " sleep 0.1; done; exit 1");
}

/* A single test, because two installs wait for each other. */
Test(install, does_not_block_writers_nor_wait_for_them)
{
    PGconn *gate = database_connect(database_url());
    char *locks, *left;

    install_beside(write_everywhere());

    /* Functions of an earlier release are dropped. */
    free(database_query(
        pg, "create function internal.of_an_earlier_release() returns int language sql as 'select 1'", NULL));
    free(database_query(gate, "select pg_advisory_lock(" GATE ")", NULL));
    start_install();
    locks = database_query(pg,
        "select coalesce(string_agg(l.relation::regclass || ' ' || l.mode, ', '), '')"
        " from pg_locks as l join pg_class as c on c.oid = l.relation"
        " where c.relnamespace = 'accounts'::regnamespace and l.mode not in ('AccessShareLock', "
        "'RowShareLock', 'RowExclusiveLock')"
        " and l.pid = (select pid from pg_locks where " WAITS_AT_GATE ")",
        NULL);
    cr_expect_str_empty(locks, "the install holds %s", locks);
    free(locks);
    free(database_query(pg, "set lock_timeout = '1s'", NULL));
    for (int i = 0; i < 5; i++)
        invite(pg);
    free(database_query(gate, "select pg_advisory_unlock(" GATE ")", NULL));
    await_end_of_install();
    left = database_query(pg, "select to_regproc('internal.of_an_earlier_release') is null", NULL);
    cr_expect_str_eq(left, "t");
    free(left);
    PQfinish(gate);
}
