-- The audit records: who did what.
begin;

set local role accountsd_owner;

create table accounts.audit_record (
  key bigint generated always as identity primary key,
  at timestamptz not null default now(),
  action text not null,
  actor jsonb not null,
  database_role text not null,
  trace_id text,
  object_id text collate "C" not null,
  account_key bigint,
  constraint audit_record_actor_shape check (jsonb_typeof(actor -> 'name') is not distinct from 'string'),
  constraint audit_record_trace_id_shape check (trace_id ~ '^[0-9a-f]{32}$')
);

comment on table accounts.audit_record is
  'Who did what to which object. Append-only: a trigger refuses updates and deletes.';
comment on column accounts.audit_record.account_key is
  'The account concerned. No foreign key, because a record must outlast its object.';

create index audit_record_object_id_idx on accounts.audit_record (object_id, key);

-- sql/install.sql replaces the body.
create function internal.refuse_change()
returns trigger
language plpgsql
as $$ begin raise exception 'sql/install.sql has not been run'; end $$;

create trigger audit_record_append_only
before update or delete or truncate on accounts.audit_record
for each statement execute function internal.refuse_change();

commit;
