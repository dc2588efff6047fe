-- The page on which the holder of a code accepts the invitation. url_base: that of accounts.settings.
create or replace function internal.invitation_url(url_base text, account_user_key bigint, code text)
returns text
language sql immutable parallel safe
as $$ select url_base || '/' || internal.account_user_id(account_user_key) || '/' || code $$;
