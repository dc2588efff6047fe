begin;
select plan(6);

set local role accountsd_server;
select is((select count(*) from api.schema_version()), 1::bigint, 'the server may ask and gets one row');
select is(
  (select array_agg(k.name order by k.name) from api.schema_version() as v,
    json_object_keys(row_to_json(v)) as k (name)),
  array['oldest_server', 'version'],
  'the row has the two columns that a server reads');
select ok(
  (select 1 <= v.oldest_server and v.oldest_server <= v.version from api.schema_version() as v),
  'the oldest server that fits is not newer than the procedures');

select is(
  (select array[v.version, v.oldest_server] from api.schema_version() as v), array[4, 1],
  'servers that show invitations fit, and those of before still do');

set local role accountsd_dba;
select is((select count(*) from api.schema_version()), 1::bigint, 'a DBA may ask');
select is(
  pg_typeof((select version from api.schema_version()))::text, 'integer', 'a version is a whole number');

select * from finish();
rollback;
