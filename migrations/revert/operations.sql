-- With cascade: functions that sql/install.sql loaded depend on it.
begin;

drop type internal.outcome, internal.idempotency_claim, internal.planned_invitation, internal.verdict,
  internal.caller, internal.request cascade;

commit;
