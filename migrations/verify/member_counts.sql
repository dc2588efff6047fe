begin;

select account_key, shard, members from accounts.member_count where false;

select 1 / (count(*) = 4)::int from pg_trigger
where tgrelid = 'accounts.account_user'::regclass and tgname like 'account_user_count_%';

select 1 / (version >= 5)::int from accounts.schema_version;

rollback;
