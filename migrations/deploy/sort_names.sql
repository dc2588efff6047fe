-- An account's members in order of their names, from an index: a membership has its person's name as lists sort it, and
-- a foreign key keeps the two the same. In steps, so that a loaded database goes on working, and each step can be run
-- again after one that failed. The longest lock is that on the people while their column is written.
set client_min_messages = warning;
set role accountsd_owner;

select not exists (
  select from pg_attribute
  where attrelid = 'accounts.account_user'::regclass and attname = 'sort_name' and not attisdropped
) as is_new \gset

\if :is_new
begin;

-- Rather fail, and be run again, than have all wait behind somebody's long transaction.
set local lock_timeout = '10s';

-- In upper case, which is a text's fold character by character, so that an index serves names compared with and without
-- case, prefixes and order.
alter table accounts.person
  add column sort_name text collate "C" not null
    generated always as (upper((first_name || ' ' || last_name) collate "und-x-icu")) stored,
  add constraint person_sort_name_key_key unique (sort_name, key);

drop index accounts.person_name_idx;

alter table accounts.account_user
  add column sort_name text collate "C",
  add constraint account_user_person_fkey foreign key (person_key, sort_name)
    references accounts.person (key, sort_name) on update cascade not valid;

-- The first version, for the procedures of before; sql/internal/fill_sort_name.sql replaces its body.
create function internal.fill_sort_name()
returns trigger
language plpgsql
as $$
begin
  new.sort_name := (select p.sort_name from accounts.person as p where p.key = new.person_key);
  return new;
end
$$;

create trigger account_user_fill_sort_name
before insert on accounts.account_user
for each row when (new.sort_name is null) execute function internal.fill_sort_name();

commit;
\endif

do $$
declare
  c_batch constant bigint := 10000;
  v_last constant bigint := (select coalesce(max(key), 0) from accounts.account_user);
begin
  for v_key in 0 .. v_last by c_batch loop
    update accounts.account_user as u
    set sort_name = p.sort_name
    from accounts.person as p
    where p.key = u.person_key and u.sort_name is null and u.key > v_key and u.key <= v_key + c_batch;
    commit;
  end loop;
end
$$;

drop index concurrently if exists accounts.account_user_account_key_sort_name_idx;

create index concurrently account_user_account_key_sort_name_idx
  on accounts.account_user (account_key, sort_name, key) where status <> 'Removed';

alter table accounts.account_user validate constraint account_user_person_fkey;

begin;

set local lock_timeout = '10s';

alter table accounts.account_user
  alter column sort_name set not null,
  drop constraint if exists account_user_person_key_fkey;

comment on column accounts.account_user.sort_name is 'The person''s. Left out of an insert, it is looked up.';

update accounts.schema_version set version = 4;

commit;
