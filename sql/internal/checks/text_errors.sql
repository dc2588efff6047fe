-- What is wrong with a text under a rule, one message for each mistake; null if nothing is. The messages are those of
-- server/base/field_rules.c; tests/vectors compares the two.
--
-- email: the dot-atoms of RFC 5321 and RFC 6531, without quoted local parts and address literals. The domain has two or
-- more labels, is allowed by IDNA 2008, respects the lengths of RFC 1035, and does not end in a number. The local part
-- has no character that NFC maps to ASCII.
-- name: 1 to 100 grapheme clusters, at most 800 bytes, so that two fit into an index entry.
-- language_tag: well-formed by RFC 5646, section 2.1, without the irregular grandfathered tags.
-- Control characters: Unicode category Cc, the line and paragraph separators, and the characters that override or
-- isolate the direction of text.
create or replace function internal.email_error(value text)
returns text
language plpgsql immutable parallel safe
as $$
declare
  c_atom constant text := '[A-Za-z0-9!#$%&''*+/=?^_`{|}~\u0080-\U0010ffff-]+';
  c_label constant text := '[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?';
  v_local constant text := split_part(value, '@', 1);
  v_kept_local text;
  v_domain text;
begin
  if octet_length(value) > 254 or octet_length(normalize(value, nfc)) > 254 then
    return 'is longer than 254 bytes';
  elsif value !~ ('^' || c_atom || '(?:\.' || c_atom || ')*@') or octet_length(v_local) > 64
    or v_local ~ '[\u037e\u1fef\u212a]' or internal.has_character(v_local, internal.not_in_address()) then
    return 'is not an email address';
  end if;
  v_kept_local := normalize(v_local, nfc);
  v_domain := internal.domain_ascii(substr(value, char_length(v_local) + 2));
  return case
    when octet_length(v_kept_local) > 64 then 'is not an email address'
    when v_domain is null then 'has a domain name that IDNA 2008 refuses'
    when v_domain !~ ('^(?:' || c_label || '\.)+(?![0-9]+$)' || c_label || '$') then 'is not an email address'
    when octet_length(v_kept_local) + 1 + octet_length(v_domain) > 254 then 'is longer than 254 bytes'
  end;
end
$$;

create or replace function internal.name_errors(value text)
returns text[]
language plpgsql immutable parallel safe
as $$
declare
  c_control constant text := '[\u0001-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]';
  -- The zero-width joiner with the character that it joins, and the second half of a flag.
  c_unseen constant text := '\u200d.|([\U0001f1e6-\U0001f1ff])[\U0001f1e6-\U0001f1ff]';
  v_kept constant text := case when octet_length(value) <= 800 then internal.trim_text(value) end;
begin
  return nullif(
    case
      when v_kept is null then array['is longer than 800 bytes']
      when internal.is_blank(v_kept) then array['is empty']
      when char_length(v_kept) > 100 and (
        select count(*) > 100
        from string_to_table(regexp_replace(v_kept, c_unseen, '\1', 'g'), null) as c
        where not internal.extending() @> ascii(c)
      ) then array['is longer than 100 characters']
      when octet_length(v_kept) > 800 then array['is longer than 800 bytes']
      else '{}'
    end
    || case when value ~ c_control then array['has a control character'] else '{}' end
    || case when internal.has_character(value, internal.noncharacter()) then array['has a noncharacter'] else '{}' end,
    '{}');
end
$$;

create or replace function internal.text_errors(rule text, value text)
returns text[]
language plpgsql immutable parallel safe
as $$
declare
  c_language_tag constant text :=
    '^(?:(?:[A-Za-z]{2,3}(?:-[A-Za-z]{3}){0,3}|[A-Za-z]{4,8})(?:-[A-Za-z]{4})?(?:-(?:[A-Za-z]{2}|[0-9]{3}))?'
    '(?:-(?:[A-Za-z0-9]{5,8}|[0-9][A-Za-z0-9]{3}))*(?:-[0-9A-WY-Za-wy-z](?:-[A-Za-z0-9]{2,8})+)*'
    '(?:-[Xx](?:-[A-Za-z0-9]{1,8})+)?|[Xx](?:-[A-Za-z0-9]{1,8})+)$';
  -- White space is listed, because [[:space:]] depends on the locale of the database.
  c_space constant text := '\u0001-\u0020\u007f-\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000';
  c_url_base constant text :=
    '^https?://[^' || c_space || '/?#]+[^' || c_space || '?#]*[^/' || c_space || '?#]$';
  v_message text;
begin
  case rule
    when 'email' then
      v_message := internal.email_error(value);
    when 'name' then
      return internal.name_errors(value);
    when 'text' then
      v_message := case when char_length(value) > 1000 then 'is longer than 1000 characters' end;
    when 'phone_prefix' then
      v_message := case when value !~ '^\+[0-9]{1,4}$' then 'is not + and 1 to 4 digits' end;
    when 'phone_number' then
      v_message := case when value !~ '^[0-9]{1,15}$' then 'is not 1 to 15 digits' end;
    when 'language_tag' then
      v_message := case
        when char_length(value) > 35 then 'is longer than 35 characters'
        when value !~ c_language_tag then 'is not a language tag such as en-US'
      end;
    when 'account_id' then
      v_message := case when value !~ '^ACC-[0-9]{4}-[0-9]{4}(?:-[0-9]{4})?$' then 'is not an account id' end;
    when 'user_group_id' then
      v_message := case when value !~ '^UGR-[0-9]{4}-[0-9]{4}(?:-[0-9]{4})?$' then 'is not a user group id' end;
    when 'buyer_id' then
      v_message := case when value !~ '^BUY-[0-9]{4}-[0-9]{4}$' then 'is not a buyer id' end;
    when 'module_id' then
      v_message := case when value !~ '^MOD-[0-9]{4}$' then 'is not a module id' end;
    when 'invitation_status' then
      v_message := case when value <> 'Invited' then 'is not Invited' end;
    when 'account_type' then
      v_message := case when value not in ('Client', 'Vendor', 'Operations')
        then 'is not Client, Vendor or Operations' end;
    when 'account_status' then
      v_message := case when value not in ('Active', 'Enabled', 'Disabled')
        then 'is not Active, Enabled or Disabled' end;
    when 'url_base' then
      v_message := case when value !~ c_url_base
        then 'is not an http or https URL without query, fragment and final slash' end;
    when 'lifetime' then
      v_message := case when value !~ '^[0-9]{1,6} (minute|hour|day)s?$'
        then 'is not a number of minutes, hours or days such as 7 days' end;
    when 'limit' then
      v_message := case when value !~ '^(none|[0-9]{1,7} per [0-9]{1,6} (minute|hour|day)s?)$'
        then 'is not none, nor a number and a length of time such as 20 per 1 days' end;
    when 'reminder' then
      v_message := case when value !~ '^(none|[0-9]{1,6} (minute|hour|day)s?)$'
        then 'is not none, nor a number of minutes, hours or days such as 2 days' end;
    when 'delivery_outcome' then
      v_message := case when value not in ('Sent', 'Failed', 'Unknown', 'Refused', 'Released')
        then 'is not Sent, Failed, Unknown, Refused or Released' end;
  end case;
  return case when v_message is not null then array[v_message] end;
end
$$;
