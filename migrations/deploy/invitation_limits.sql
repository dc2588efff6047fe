-- Limits on invitations for each token, account and recipient, and their counters. The counters are rows, so that any
-- number of servers share them.
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
  'Limits: this many invitations at once, then as many in each period. No row: no limit. Set by api.configure.';

-- One leaky bucket for each subject. empty_at is rounded to hours, so that an update seldom changes an indexed column
-- and can be a heap-only update within the page.
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

comment on table accounts.invitation_use is 'Counters of invitations, as leaky buckets.';
comment on column accounts.invitation_use.subject is 'The id of the token or account, the email_key of the recipient.';
comment on column accounts.invitation_use.used is
  'The fill level at counted_at. It drains at the rate invitations / period of the limit.';
comment on column accounts.invitation_use.empty_at is 'The first full hour at which the bucket is empty.';

create index invitation_use_empty_at_idx on accounts.invitation_use (empty_at);

commit;
