-- "cascade" also drops the functions of sql/install.sql that depend on it.
begin;

drop type internal.outcome, internal.idempotency_claim, internal.planned_invitation, internal.given_members,
  internal.verdict, internal.caller, internal.request cascade;

commit;
