-- What the lists are found by. created_at and key are the order of a list unless it asks for another.
begin;

set local role accountsd_owner;

create index account_user_created_at_idx on accounts.account_user (created_at, key) where status <> 'Removed';

-- The same order in other words, so that a list of one account cannot be read from the index above: the planner would
-- take it for any large account, and walk through everybody who is older than that account.
create index account_user_account_key_created_at_idx
  on accounts.account_user (account_key, (created_at at time zone 'utc'), key) where status <> 'Removed';
create index account_user_account_key_status_idx
  on accounts.account_user (account_key, status, (created_at at time zone 'utc'), key);

-- In upper case, which is a text's fold character by character, so that the index serves names compared with and
-- without case, prefixes and order: the expression is that of internal.list_fields.
create index person_name_idx on accounts.person
  ((upper((first_name || ' ' || last_name) collate "und-x-icu") collate "C"));

update accounts.schema_version set version = 3;

commit;
