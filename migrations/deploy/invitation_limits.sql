-- How many invitations a token, an account and a recipient may have, and how many they have had. The counters are rows
-- of the database, so that any number of servers share them.
begin;

set local role accountsd_owner;

create table accounts.invitation_limit (
  kind text collate "C" not null,
  invitations int not null,
  period interval not null,
  constraint invitation_limit_pkey primary key (kind),
  constraint invitation_limit_kind_known check (kind in ('token', 'account', 'recipient')),
  constraint invitation_limit_invitations_range check (invitations between 1 and 1000000),
  constraint invitation_limit_period_range check (period between interval '1 minute' and interval '366 days')
);

comment on table accounts.invitation_limit is
  'So many invitations at once, and so many in each period after; what has no row has no limit. By api.configure.';

-- A leaky bucket for each. The hour, and not the moment, in which it is empty has an index: it seldom changes, so an
-- update writes no index and, with room in the page, leaves nothing for vacuum.
create table accounts.invitation_use (
  kind text collate "C" not null,
  subject text collate "C" not null,
  used double precision not null,
  counted_at timestamptz not null,
  empty_at timestamptz not null,
  constraint invitation_use_pkey primary key (kind, subject),
  constraint invitation_use_kind_known check (kind in ('token', 'account', 'recipient')),
  constraint invitation_use_used_positive check (used >= 0)
) with (fillfactor = 50);

comment on table accounts.invitation_use is 'How many invitations still count against a limit.';
comment on column accounts.invitation_use.subject is 'The id of the token or account, the email_key of the recipient.';
comment on column accounts.invitation_use.used is
  'At counted_at; as many as the limit gives in a time cease to count in that time.';
comment on column accounts.invitation_use.empty_at is 'The full hour by which nothing counts any more.';

create index invitation_use_empty_at_idx on accounts.invitation_use (empty_at);

commit;
