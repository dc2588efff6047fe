-- The fields of request objects, one row each; the same table as in server/api/validate.c. kind: a rule of
-- internal.text_errors, 'boolean', 'texts' (an array of strings), 'object:<shape>' or 'array:<shape>'. A field that
-- is null counts as missing.
create or replace function internal.list_shape_fields(shape text)
returns table (name text, kind text, is_required boolean)
language plpgsql immutable parallel safe
as $$
begin
  case shape
    when 'create_account_user' then return query values
      ('user', 'object:user', true),
      ('account', 'object:account', false),
      ('groups', 'array:group', false),
      ('invitation', 'object:invitation', false);
    when 'user' then return query values
      ('email', 'email', true),
      ('firstName', 'name', true),
      ('lastName', 'name', true),
      ('phone', 'object:phone', false),
      ('settings', 'object:user_settings', false);
    when 'phone' then return query values
      ('prefix', 'phone_prefix', false),
      ('number', 'phone_number', false);
    when 'user_settings' then return query values
      ('cultureCode', 'language_tag', false),
      ('languageCode', 'language_tag', false);
    when 'account' then return query values
      ('id', 'account_id', false);
    when 'required_account' then return query values
      ('id', 'account_id', true);
    when 'group' then return query values
      ('id', 'user_group_id', true);
    when 'buyer' then return query values
      ('id', 'buyer_id', true);
    when 'module' then return query values
      ('id', 'module_id', true);
    when 'invitation' then return query values
      ('status', 'invitation_status', false);
    when 'accept_invite' then return query values
      ('code', 'text', true);
    when 'replace_user' then return query values
      ('user', 'object:user_profile', false),
      ('groups', 'array:group', true);
    when 'user_profile' then return query values
      ('email', 'email', false),
      ('firstName', 'name', false),
      ('lastName', 'name', false),
      ('phone', 'object:phone', false),
      ('settings', 'object:user_settings', false);
    when 'create_account' then return query values
      ('type', 'account_type', true),
      ('status', 'account_status', false),
      ('name', 'name', true),
      ('icon', 'text', false);
    when 'create_buyer' then return query values
      ('account', 'object:required_account', true),
      ('name', 'name', true),
      ('icon', 'text', false);
    when 'create_user_group' then return query values
      ('account', 'object:required_account', true),
      ('name', 'name', true),
      ('description', 'text', false),
      ('logo', 'text', false),
      ('isDefault', 'boolean', false),
      ('allBuyers', 'boolean', false),
      ('buyers', 'array:buyer', false),
      ('modules', 'array:module', false);
    when 'create_module' then return query values
      ('name', 'name', true),
      ('description', 'text', false),
      ('settings', 'object:module_settings', false);
    when 'module_settings' then return query values
      ('configurable', 'boolean', false),
      ('default', 'boolean', false),
      ('paid', 'boolean', false),
      ('obsolete', 'boolean', false),
      ('type', 'texts', false),
      ('eligibility', 'object:eligibility', false);
    when 'eligibility' then return query values
      ('multi', 'boolean', false),
      ('single', 'boolean', false);
    when 'create_api_token' then return query values
      ('account', 'object:required_account', true),
      ('name', 'name', true),
      ('icon', 'text', false);
    when 'configure' then return query values
      ('invitation.urlBase', 'url_base', false),
      ('invitation.lifetime', 'lifetime', false),
      ('idempotency.lifetime', 'lifetime', false),
      ('limit.token', 'limit', false),
      ('limit.account', 'limit', false),
      ('limit.recipient', 'limit', false),
      ('limit.set', 'integer', false),
      ('limit.filter', 'integer', false),
      ('limit.examined', 'integer', false),
      ('limit.page', 'integer', false),
      ('invitation.reminder', 'reminder', false),
      ('invitation.expiredEvent', 'boolean', false),
      ('mail.attempts', 'integer', false),
      ('mail.retryInterval', 'lifetime', false),
      ('mail.maxRetryInterval', 'lifetime', false);
    when 'delivery_result' then return query values
      ('id', 'integer', true),
      ('attempt', 'integer', true),
      ('outcome', 'delivery_outcome', true),
      ('reason', 'text', false);
  end case;
end
$$;
