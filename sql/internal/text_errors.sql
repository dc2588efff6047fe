-- What is wrong with a text under a rule: one message a mistake, in the words of
-- server/text.c; null when nothing is. tests/vectors holds the two together.
--
-- email: the dot-atoms of RFC 5321 and RFC 6531, without quoted local parts and address
-- literals; a domain of two labels or more (RFC 1035 lengths) whose last is not a number.
-- language_tag: well-formed by RFC 5646, section 2.1, without its irregular grandfathered tags.
-- Control characters: Unicode's category Cc, the line and paragraph separators, and the
-- characters that override or isolate the direction of a text.
create or replace function internal.text_errors(rule text, value text)
returns text[]
language plpgsql immutable parallel safe
as $$
declare
  c_control constant text := '[\u0001-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]';
  c_not_in_email constant text :=
    '[\u007f-\u00a0\u00ad\u1680\u180e\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff\ufff9-\ufffb]';
  c_atom constant text := '[A-Za-z0-9!#$%&''*+/=?^_`{|}~\u0080-\U0010ffff-]+';
  c_label constant text :=
    '[A-Za-z0-9\u0080-\U0010ffff](?:[A-Za-z0-9\u0080-\U0010ffff-]{0,61}[A-Za-z0-9\u0080-\U0010ffff])?';
  c_email constant text :=
    '^' || c_atom || '(?:\.' || c_atom || ')*@(?:' || c_label || '\.)+(?![0-9]+$)' || c_label || '$';
  c_language_tag constant text :=
    '^(?:(?:[A-Za-z]{2,3}(?:-[A-Za-z]{3}){0,3}|[A-Za-z]{4,8})(?:-[A-Za-z]{4})?(?:-(?:[A-Za-z]{2}|[0-9]{3}))?'
    '(?:-(?:[A-Za-z0-9]{5,8}|[0-9][A-Za-z0-9]{3}))*(?:-[0-9A-WY-Za-wy-z](?:-[A-Za-z0-9]{2,8})+)*'
    '(?:-[Xx](?:-[A-Za-z0-9]{1,8})+)?|[Xx](?:-[A-Za-z0-9]{1,8})+)$';
  v_message text;
  v_length int;
begin
  case rule
    when 'email' then
      v_message := case
        when octet_length(value) > 254 then 'is longer than 254 bytes'
        when value !~ c_email or value ~ c_not_in_email or octet_length(split_part(value, '@', 1)) > 64
          then 'is not an email address'
      end;
    when 'name' then
      v_length := char_length(internal.trimmed(value));
      return nullif(
        case
          when v_length = 0 then array['is empty']
          when v_length > 100 then array['is longer than 100 characters']
          else '{}'
        end
        || case when value ~ c_control then array['has a control character'] else '{}' end, '{}');
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
      v_message := case when value !~ '^https?://[^[:space:]/?#]+[^[:space:]?#]*[^/[:space:]?#]$'
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
