-- Cascade: the procedures, all of which sql/install.sql loads anew, have these types.
begin;

drop type internal.outcome cascade;
drop type internal.idempotency_claim cascade;
drop table accounts.idempotency_key cascade;
alter table accounts.settings drop column idempotency_lifetime;
update accounts.schema_version set version = 6;

commit;
