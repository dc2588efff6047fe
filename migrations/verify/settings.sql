begin;

select invitation_url_base, invitation_lifetime, idempotency_lifetime, mail_attempts, set_limit, filter_limit,
  examined_limit, page_limit,
  mail_retry_interval, mail_retry_interval_max, modules_revision
from accounts.settings where false;

select 1 / (count(*) = 1)::int from accounts.settings;

rollback;
