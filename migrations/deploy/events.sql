-- The places of events move out of the outbox, so that readers and those who deliver mails do not wait for each other.
-- In steps, each of which can be run again after one that failed. Those who read events get an error between the step
-- that moves the last places and the procedures of this release, and go on where they were.
set client_min_messages = warning;

begin;

set local lock_timeout = '10s';
set local role accountsd_owner;

create table if not exists accounts.event (
  position bigint not null,
  outbox_key bigint not null,
  constraint event_pkey primary key (position),
  constraint event_outbox_key_key unique (outbox_key),
  constraint event_position_positive check (position > 0)
);

comment on table accounts.event is
  'The places of events, 1, 2, 3 in the order in which readers could see them; made when somebody reads.';

create table if not exists accounts.event_horizon (
  only_row boolean primary key default true,
  settled_key bigint not null default 0,
  seen_key bigint not null default 0,
  seen_before xid8 not null default '0',
  constraint event_horizon_only_row check (only_row),
  constraint event_horizon_keys_range check (settled_key between 0 and seen_key)
);

comment on table accounts.event_horizon is 'How far the outbox has been looked through for events without a place.';
comment on column accounts.event_horizon.settled_key is
  'Up to this key each row has a place, and none can appear any more.';
comment on column accounts.event_horizon.seen_key is
  'Up to this key each row had a place, but for those of transactions that were still at work.';
comment on column accounts.event_horizon.seen_before is
  'They were older than this one: when all that are have ended, seen_key is settled.';

insert into accounts.event_horizon default values on conflict (only_row) do nothing;

-- The places that there are. Those above are the only ones that can be missing: places are given in order.
create or replace procedure accounts.move_positions()
language plpgsql
as $$
begin
  insert into accounts.event (position, outbox_key)
  select o.position, o.key
  from accounts.outbox as o
  where o.position > (select coalesce(max(e.position), 0) from accounts.event as e);
end
$$;

commit;

-- Nearly all of them, while others go on.
begin;

set local role accountsd_owner;

do $$
begin
  if exists (
    select from pg_attribute
    where attrelid = 'accounts.outbox'::regclass and attname = 'position' and not attisdropped) then
    call accounts.move_positions();
  end if;
end
$$;

commit;

-- The rest, while nobody can give a place any more.
begin;

set local lock_timeout = '10s';
set local role accountsd_owner;

do $$
begin
  lock table accounts.outbox in access exclusive mode;
  if exists (
    select from pg_attribute
    where attrelid = 'accounts.outbox'::regclass and attname = 'position' and not attisdropped) then
    call accounts.move_positions();
    alter table accounts.outbox drop column position;
  end if;
end
$$;

drop procedure accounts.move_positions();

commit;

begin;

set local lock_timeout = '10s';
set local role accountsd_owner;

alter table accounts.event
  drop constraint if exists event_outbox_key_fkey,
  add constraint event_outbox_key_fkey foreign key (outbox_key) references accounts.outbox not valid;

commit;

alter table accounts.event validate constraint event_outbox_key_fkey;

begin;

set local role accountsd_owner;

update accounts.schema_version set version = 12;

commit;
