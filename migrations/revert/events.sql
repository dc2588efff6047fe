begin;

alter table accounts.outbox add column position bigint;
comment on column accounts.outbox.position is
  'Its place among the events, 1, 2, 3 in the order in which readers could see them; null until somebody reads.';
update accounts.outbox as o set position = e.position from accounts.event as e where e.outbox_key = o.key;
create index outbox_without_position_idx on accounts.outbox (key) where position is null;
create unique index outbox_position_key on accounts.outbox (position) where position is not null;

drop table accounts.event_horizon;
drop table accounts.event cascade;

update accounts.schema_version set version = 11;

commit;
