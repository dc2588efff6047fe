begin;

drop function internal.fill_sort_name() cascade;

alter table accounts.account_user
  add constraint account_user_person_key_fkey foreign key (person_key) references accounts.person,
  drop column sort_name;

alter table accounts.person drop column sort_name;
create index person_name_idx on accounts.person
  ((upper((first_name || ' ' || last_name) collate "und-x-icu") collate "C"));

update accounts.schema_version set version = 3;

commit;
