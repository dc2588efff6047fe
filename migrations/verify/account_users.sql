begin;

select key, email_key, created_at, accepted_at, email, first_name, last_name, icon, phone_prefix, phone_number,
  culture_code, language_code
from accounts.person where false;
select key, account_key, person_key, status, created_at, created_by, updated_at, updated_by, invitation_accepted_at,
  joined_at, access_at, last_login_at, email, first_name, last_name, icon, phone_prefix, phone_number, culture_code,
  language_code, sort_name
from accounts.account_user where false;
select account_user_key, user_group_key, account_key from accounts.account_user_group where false;
select key, account_user_key, status, code_sha256, sent_at, expires_at, closed_at, invited_by, mail_code_sha256s
from accounts.invitation where false;
select account_key, shard, members from accounts.member_count where false;

select 1 / (count(*) = 6)::int from pg_trigger
where tgrelid in ('accounts.account_user'::regclass, 'accounts.person'::regclass)
  and tgname ~ '^(account_user_(count|take)|person_spread)_';

select 1 / (count(*) = 1)::int from pg_trigger
where tgrelid = 'accounts.member_count'::regclass and tgname = 'member_count_skip_copied';

select 1 / (count(*) = 1)::int from pg_index
where indexrelid = 'accounts.invitation_open_key'::regclass and indisunique and indpred is not null;

rollback;
