begin;

select kind, invitations, period from accounts.invitation_limit where false;
select kind, subject, used, counted_at, empty_at from accounts.invitation_use where false;

rollback;
