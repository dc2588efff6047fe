create or replace function api.key_space()
returns table (object text, used bigint, usable bigint, used_percent int)
language sql stable security definer
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  select s.object, s.used, s.usable, (100 * s.used / s.usable)::int
  from (
    select k.object, k.usable, coalesce(pg_sequence_last_value(k.sequence), k.first - 1) - k.first + 1 as used
    from (values
      ('account', 'accounts.account_key_seq'::regclass, 1::bigint, 99999999::bigint),
      ('api_token', 'accounts.api_token_key_seq', 1, 99999999),
      ('module', 'accounts.module_key_seq', 1, 9999),
      ('buyer', 'accounts.buyer_key_seq', 1, 99999999),
      ('user_group', 'accounts.user_group_key_seq', 1, 99999999),
      ('person', 'accounts.person_key_seq', 1000001, 98999999),
      ('account_user', 'accounts.account_user_key_seq', 1000001, 999998999999)
    ) as k (object, sequence, first, usable)
  ) as s
$$;

comment on function api.key_space() is
'How much of the key space of each kind of id is used: the keys assigned, the keys whose ids have the usual number of
digits, and the former in percent of the latter. From 100 on, new ids have one more group of four digits.';

grant execute on function api.key_space() to accountsd_delivery, accountsd_dba;
