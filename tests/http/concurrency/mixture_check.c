#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/count.h"
#include "mixture.h"

/* Loads what the callers know into the database, one row for each request, beside the rows of their
 * accounts. */
static const char *const tables[] = {
    "create temp table answers (n int primary key, outcome text, trace_id text, email text, name text, "
    "account text, user_group text, id text, user_id text, code text)",
    "create temp table caller as select t.*, internal.account_key(t.account) as account_key,"
    " internal.user_group_key(t.user_group) as user_group_key, internal.account_user_key(t.id) as key,"
    " internal.person_key(t.user_id) as person_key, sha256(convert_to(t.code, 'UTF8')) as code_sha256"
    " from answers as t",
    "create temp table member as select u.key, u.account_key, u.person_key, u.status, u.email,"
    " u.first_name || ' ' || u.last_name as name from accounts.account_user as u"
    " where u.account_key in (select distinct c.account_key from caller as c)",
    "create temp table record as select r.*, internal.account_user_key(r.object_id) as member_key"
    " from accounts.audit_record as r where r.action like 'account\\_user.%'"
    " and r.account_key in (select distinct c.account_key from caller as c)",
    "create temp table invitation as select i.*,"
    " (select count(*) from accounts.outbox as o where o.invitation_key = i.key) as mails"
    " from accounts.invitation as i join member as m on m.key = i.account_user_key",
    "create temp table link as select l.* from accounts.account_user_group as l"
    " join member as m on m.key = l.account_user_key",
    "create index on caller (trace_id)",
    "create index on caller (email)",
    "create index on member (email)",
    "create index on member (key)",
    "create index on record (trace_id)",
    "create index on record (member_key)",
    "create index on invitation (account_user_key)",
    "create index on link (account_user_key)",
    "analyze caller, member, record, invitation, link",
};

/* Each counts rows that must not exist. */
static const struct {
    const char *what;
    const char *sql;
} checks[] = {
    {"acknowledged, and not recorded once as theirs",
        "select count(*) from caller as c where c.outcome = 'done' and (select count(*) from record as r"
        " where r.trace_id = c.trace_id and r.member_key = c.key and r.account_key = c.account_key) <> 1"},
    {"acknowledged, and no such membership",
        "select count(*) from caller as c where c.outcome = 'done' and not exists (select from member as m"
        " where m.key = c.key and m.person_key = c.person_key and m.account_key = c.account_key"
        " and m.email = c.email and m.name = c.name and m.status = 'Invited')"},
    {"acknowledged, and no invitation with their code",
        "select count(*) from caller as c where c.outcome = 'done' and (select count(*) from invitation as i"
        " where i.account_user_key = c.key and i.code_sha256 = c.code_sha256) <> 1"},
    {"acknowledged, and another group or more",
        "select count(*) from caller as c where c.outcome = 'done' and (select array_agg(l.user_group_key)"
        " from link as l where l.account_user_key = c.key) is distinct from array[c.user_group_key]"},
    {"one membership for two people, or two for one",
        "select abs(count(distinct c.key) - count(distinct (c.account_key, c.email))) from caller as c"
        " where c.outcome = 'done'"},
    {"refused, and recorded", "select count(*) from caller as c join record as r on r.trace_id = c.trace_id "
                              "where c.outcome = 'not done'"},
    {"recorded without a request",
        "select count(*) from record as r where not exists (select from caller as c"
        " where c.trace_id = r.trace_id and c.outcome <> 'not done')"},
    {"recorded twice", "select count(*) - count(distinct r.trace_id) from record as r"},
    {"a membership without a request",
        "select count(*) from member as m where not exists (select from caller as c where c.email = m.email"
        " and c.account_key = m.account_key and c.outcome <> 'not done')"},
    {"a membership by halves",
        "select count(*) from member as m where 0 = any (array["
        " (select count(*) from record as r where r.member_key = m.key),"
        " (select count(*) from link as l where l.account_user_key = m.key),"
        " (select count(*) from invitation as i where i.account_user_key = m.key and i.status = 'Open')])"},
    {"not invited once for the first time",
        "select count(*) from member as m where (select count(*) from record as r"
        " where r.member_key = m.key and r.action = 'account_user.invited') <> 1"},
    {"not an invitation for each record",
        "select count(*) from member as m where (select count(*) from record as r where r.member_key = m.key)"
        " <> (select count(*) from invitation as i where i.account_user_key = m.key)"},
    {"not one mail for each invitation", "select count(*) from invitation as i where i.mails <> 1"},
    {"a person without membership",
        "select count(*) from accounts.person as p where p.email_key in (select internal.email_key(c.email)"
        " from caller as c) and not exists (select from member as m where m.person_key = p.key)"},
};

char *mixture_fingerprint(PGconn *pg, const struct account *account)
{
    return database_query(pg,
        "select concat_ws(e'\\n', count(*), string_agg(concat_ws(' ', u,"
        " (select array_agg(i order by i.key) from accounts.invitation as i where i.account_user_key = "
        "u.key),"
        " (select array_agg(l) from accounts.account_user_group as l where l.account_user_key = u.key),"
        " (select array_agg(o order by o.key) from accounts.outbox as o left join accounts.invitation as i"
        "  on i.key = o.invitation_key where u.key in (i.account_user_key, o.account_user_key)),"
        " (select array_agg(r order by r.key) from accounts.audit_record as r"
        "  where r.object_id = internal.account_user_id(u.key) and r.action not like 'rehearsal.%')), e'\\n'"
        " order by u.key))"
        " from accounts.account_user as u where u.account_key = internal.account_key($1)",
        account->id, NULL);
}

static void write_field(FILE *out, const char *text)
{
    fprintf(out, "\t%s", text != NULL ? text : "\\N");
}

static char *answer_line(const struct mixture *mixture, size_t index)
{
    static const char *const outcomes[] = {
        [JOB_DONE] = "done", [JOB_NOT_DONE] = "not done", [JOB_UNKNOWN] = "unknown"};
    const struct job *job = &mixture->jobs[index];
    char *trace_id = mixture_trace_id(mixture, index), *email = mixture_email(mixture, job), *line = NULL;
    size_t len;
    FILE *out = open_memstream(&line, &len);

    fprintf(out, "%zu", index);
    write_field(out, outcomes[job->outcome]);
    write_field(out, trace_id);
    write_field(out, email);
    fprintf(out, "\tF%zu L%08x", job->subject, mixture->run);
    write_field(out, mixture_account(mixture, index)->id);
    write_field(out, mixture_group(mixture, index));
    write_field(out, job->id);
    write_field(out, job->user_id);
    write_field(out, job->code);
    fputc('\n', out);
    fclose(out);
    free(trace_id);
    free(email);
    return line;
}

static void load_answers(const struct mixture *mixture)
{
    PGresult *result = PQexec(mixture->pg, "copy answers from stdin");

    cr_assert_eq(PQresultStatus(result), PGRES_COPY_IN, "%s", PQerrorMessage(mixture->pg));
    PQclear(result);
    for (size_t i = 0; i < mixture->count; i++) {
        char *line = answer_line(mixture, i);

        cr_assert_eq(PQputCopyData(mixture->pg, line, (int)strlen(line)), 1);
        free(line);
    }
    cr_assert_eq(PQputCopyEnd(mixture->pg, NULL), 1);
    result = PQgetResult(mixture->pg);
    cr_assert_eq(PQresultStatus(result), PGRES_COMMAND_OK, "%s", PQerrorMessage(mixture->pg));
    PQclear(result);
    while ((result = PQgetResult(mixture->pg)) != NULL)
        PQclear(result);
}

void mixture_check(struct mixture *mixture)
{
    char *unchanged_after = mixture_fingerprint(mixture->pg, mixture->unchanged);

    database_analyze(mixture->pg);
    for (size_t i = 0; i < COUNT(tables); i++) {
        free(database_query(mixture->pg, tables[i], NULL));
        if (i == 0)
            load_answers(mixture);
    }
    for (size_t i = 0; i < COUNT(checks); i++) {
        char *found = database_query(mixture->pg, checks[i].sql, NULL);

        if (strcmp(found, "0") != 0)
            mixture_report(mixture, "%s: %s", checks[i].what, found);
        free(found);
    }
    if (strcmp(mixture->unchanged_before, unchanged_after) != 0)
        mixture_report(mixture, "refused, and changed: %s\n%s", mixture->unchanged_before, unchanged_after);
    free(unchanged_after);
}
