-- The plain read of the benchmark returns what a get returns.
begin;
\ir lib/fixture.sql
\ir ../bench/yardsticks.sql
select plan(3);

-- The invitation stores what its groups give.
select api.create_account_user(pg_temp.invitation('yardstick@example.com', :'client')) ->> 'id' as member \gset
select is(bench.plain_read(:'member', :'client_token')::text,
  api.get_account_user(:'member', token => :'client_token')::text, 'the plain read returns the bytes of a get');
select isnt(bench.plain_read(:'member', :'client_token')::text, null, 'which are some');
select is(bench.plain_read(:'member', :'vendor_token')::text, null, 'and nothing to another account');

select * from finish();
rollback;
