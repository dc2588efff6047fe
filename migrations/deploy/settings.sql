-- The configuration that functions read.
begin;

set local role accountsd_owner;

create table accounts.settings (
  only_row boolean primary key default true,
  invitation_url_base text not null default 'http://127.0.0.1:8080/invitations',
  invitation_lifetime interval not null default '7 days',
  idempotency_lifetime interval not null default '24 hours',
  mail_attempts int not null default 15,
  mail_retry_interval interval not null default '1 minute',
  mail_retry_interval_max interval not null default '4 hours',
  set_limit int not null default 1000,
  filter_limit int not null default 50,
  examined_limit int not null default 10000,
  page_limit int not null default 512,
  modules_revision bigint not null default 0,
  constraint settings_only_row check (only_row),
  -- White space is listed, because [[:space:]] depends on the locale of the database.
  constraint settings_invitation_url_base_shape check (
    invitation_url_base ~ '^https?://[^/?#]+[^?#]*[^/?#]$'
    and invitation_url_base !~ '[\u0001-\u0020\u007f-\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]'),
  constraint settings_invitation_lifetime_range
    check (invitation_lifetime between interval '1 minute' and interval '366 days'),
  constraint settings_idempotency_lifetime_range
    check (idempotency_lifetime between interval '1 minute' and interval '366 days'),
  constraint settings_set_limit_range check (set_limit between 64 and 10000),
  constraint settings_filter_limit_range check (filter_limit between 1 and 10000),
  constraint settings_examined_limit_range check (examined_limit between 1000 and 1000000000),
  constraint settings_page_limit_range check (page_limit between 64 and 1000000),
  constraint settings_mail_attempts_range check (mail_attempts between 1 and 100),
  constraint settings_mail_retry_interval_range check (
    mail_retry_interval > interval '0' and mail_retry_interval <= mail_retry_interval_max
    and mail_retry_interval_max <= interval '7 days')
);

comment on table accounts.settings is 'The configuration, in one row; changed by api.configure.';
comment on column accounts.settings.modules_revision is
  'Incremented with every change of a module, which invalidates all rows of user_group_set.';

insert into accounts.settings default values;

commit;
