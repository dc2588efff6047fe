-- Plans are kept. One that was made while the tables were small must do when they have grown, before the next analyze.
begin;
\ir lib/fixture.sql
select plan(2);

create function pg_temp.entries(count int)
returns jsonb
language sql
as $$
  select jsonb_agg(jsonb_build_object('request', pg_temp.invitation('grown' || i || '@example.com')))
  from generate_series(1, count) as i
$$;

-- As a DBA with the token of the account; the second time, it is a re-invite.
create function pg_temp.statuses(count int, token text)
returns int[]
language sql
as $$
  select array_agg(distinct v.status)
  from api.create_account_users((
    select jsonb_agg(e || jsonb_build_object('token', token))
    from jsonb_array_elements(pg_temp.entries(count)) as e)) as v
$$;

select pg_temp.statuses(1, :'client_token') \gset ignored_
analyze accounts.person, accounts.account_user;
select pg_temp.statuses(1, :'client_token') \gset ignored_
-- Many times what it takes.
set local statement_timeout = '60s';
select is(pg_temp.statuses(400, :'client_token'), array[201], 'the tables grow');
select lives_ok(format('select pg_temp.statuses(1, %L)', :'client_token'), 'and a re-invite does not grow with them');

select * from finish();
rollback;
