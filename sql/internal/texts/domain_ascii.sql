-- The mapping of UTS 46 (nontransitional) for a domain name, before its labels are checked; null if it has a
-- character that is not allowed. Each character is mapped by NFKC and case folding, and the ideographic full stop to
-- a dot.
create or replace function internal.domain_mapped(domain text)
returns text
language plpgsql immutable parallel safe
as $$
begin
  if internal.has_character(domain, internal.not_in_address())
    or internal.has_character(domain, internal.refused_in_domain()) then
    return null;
  end if;
  return (
    select normalize(replace(string_agg(
      case when t.typed in ('ß', 'ς') then t.typed
        else coalesce(internal.domain_folds() ->> c.character, internal.case_folds() ->> c.character, c.character) end,
      '' order by t.position, c.position), '。', '.'), nfc)
    from string_to_table(domain, null) with ordinality as t (typed, position)
    cross join lateral string_to_table(normalize(t.typed, nfkc), null) with ordinality as c (character, position));
end
$$;

-- Whether IDNA 2008 allows a label (RFC 5891, section 4.2) that is in lower case and NFC and is not an A-label.
-- internal.domain_ascii checks the rule for right-to-left text (RFC 5893), which concerns the whole domain.
create or replace function internal.is_label(label text)
returns boolean
language plpgsql immutable parallel safe
as $$
declare
  v_characters constant text[] := string_to_array(label, null);
begin
  if label !~ '^(?!..--)(?!-)[a-z0-9\u0080-\U0010ffff-]*[a-z0-9\u0080-\U0010ffff]$'
    or internal.has_character(label, internal.in_domain(), false) or internal.mark() @> ascii(label) then
    return false;
  end if;
  -- The code points that are allowed in some contexts (RFC 5892, appendix A).
  if label !~ '[\u00b7\u0375\u05f3\u05f4\u0660-\u0669\u06f0-\u06f9\u30fb]' then
    return true;
  end if;
  for v_i in 1 .. cardinality(v_characters) loop
    if not (
      case v_characters[v_i]
        when U&'\00b7' then v_characters[v_i - 1] is not distinct from 'l'
          and v_characters[v_i + 1] is not distinct from 'l'
        when U&'\0375' then coalesce(internal.script_greek() @> ascii(v_characters[v_i + 1]), false)
        when U&'\05f3' then coalesce(internal.script_hebrew() @> ascii(v_characters[v_i - 1]), false)
        when U&'\05f4' then coalesce(internal.script_hebrew() @> ascii(v_characters[v_i - 1]), false)
        when U&'\30fb' then internal.has_character(label, internal.script_japanese())
        else true
      end) then
      return false;
    end if;
  end loop;
  return not (label ~ '[\u0660-\u0669]' and label ~ '[\u06f0-\u06f9]');
end
$$;

-- The bidirectional classes of a label's characters by RFC 5893: R for R and AL, A for AN, E for EN, N for NSM, L for
-- L, O for any other.
create or replace function internal.bidi_classes(label text)
returns text
language sql immutable parallel safe
as $$
  select string_agg(
    case
      when internal.bidi_right_to_left() @> ascii(c.character) then 'R'
      when internal.bidi_arabic_number() @> ascii(c.character) then 'A'
      when internal.bidi_european_number() @> ascii(c.character) then 'E'
      when internal.bidi_non_spacing() @> ascii(c.character) then 'N'
      when internal.bidi_neutral() @> ascii(c.character) then 'O'
      else 'L'
    end, '' order by c.position)
  from string_to_table(label, null) with ordinality as c (character, position)
$$;

-- The canonical form of a domain name: A-labels in lower case, the same for all names that UTS 46 treats as equal.
-- Null if IDNA 2008 refuses the name. An ASCII name without A-labels is only converted to lower case, and not
-- checked.
create or replace function internal.domain_ascii(domain text)
returns text
language plpgsql immutable parallel safe
as $$
declare
  v_labels text[];
  v_label text;
  v_encoded text;
  v_shown text[] := array[]::text[];
  v_classes text[];
begin
  if octet_length(domain) = char_length(domain) and domain !~* '(?:^|\.)xn--' then
    return lower(domain collate "C");
  elsif char_length(domain) > 254 then
    return null;
  end if;

  v_labels := string_to_array(internal.domain_mapped(domain), '.');
  if v_labels is null then
    return null;
  end if;
  for v_i in 1 .. cardinality(v_labels) loop
    v_label := v_labels[v_i];
    -- The empty label of the root, after a final dot.
    continue when v_label = '' and v_i > 1 and v_i = cardinality(v_labels);
    if v_label like 'xn--%' then
      v_label := internal.decode_punycode(substr(v_label, 5));
      if v_label is null or octet_length(v_label) = char_length(v_label)
        or internal.domain_mapped(v_label) is distinct from v_label or position('.' in v_label) > 0 then
        return null;
      end if;
    end if;
    if not internal.is_label(v_label) then
      return null;
    end if;
    v_shown := v_shown || v_label;
    if octet_length(v_label) > char_length(v_label) then
      v_encoded := 'xn--' || internal.encode_punycode(v_label);
      if v_labels[v_i] like 'xn--%' and v_labels[v_i] <> v_encoded then
        return null;
      end if;
      v_labels[v_i] := v_encoded;
    end if;
    if v_labels[v_i] is null or char_length(v_labels[v_i]) > 63 then
      return null;
    end if;
  end loop;

  if internal.has_character(array_to_string(v_shown, ''), internal.bidi_right_to_left())
    or internal.has_character(array_to_string(v_shown, ''), internal.bidi_arabic_number()) then
    v_classes := array(select internal.bidi_classes(l) from unnest(v_shown) as l);
    if exists (
      select from unnest(v_classes) as c
      where not (c ~ '^R(?:[RAENO]*[RAE])?N*$' and not (c ~ 'A' and c ~ 'E') or c ~ '^L(?:[LENO]*[LE])?N*$')
    ) then
      return null;
    end if;
  end if;
  domain := array_to_string(v_labels, '.');
  return case when octet_length(rtrim(domain, '.')) <= 253 then domain end;
end
$$;
