-- RFC 3492, section 6.1.
create or replace function internal.punycode_bias(delta int, points int, is_first boolean)
returns int
language plpgsql immutable parallel safe
as $$
declare
  v_delta int := delta / case when is_first then 700 else 2 end;
  v_k int := 0;
begin
  v_delta := v_delta + v_delta / points;
  while v_delta > 455 loop
    v_delta := v_delta / 35;
    v_k := v_k + 36;
  end loop;
  return v_k + 36 * v_delta / (v_delta + 38);
end
$$;

-- Decodes the Punycode after the "xn--" of an A-label into the label in lower case; null if it is malformed. At most
-- 63 characters, so that no number overflows.
create or replace function internal.decode_punycode(encoded text)
returns text
language plpgsql immutable parallel safe
as $$
declare
  c_digits constant text := 'abcdefghijklmnopqrstuvwxyz0123456789';
  v_basic constant text := coalesce(substring(encoded from '^(.*)-'), '');
  v_points int[] := array(select ascii(c) from string_to_table(v_basic, null) as c);
  v_rest text := case when position('-' in encoded) > 0 then substring(encoded from '[^-]*$') else encoded end;
  v_n int := 128;
  v_i bigint := 0;
  v_bias int := 72;
  v_old bigint;
  v_weight bigint;
  v_k int;
  v_digit int;
  v_threshold int;
  v_count int;
begin
  if char_length(encoded) > 59 then
    return null;
  end if;
  while v_rest <> '' loop
    v_old := v_i;
    v_weight := 1;
    v_k := 36;
    loop
      v_digit := position(left(v_rest, 1) in c_digits) - 1;
      if v_rest = '' or v_digit < 0 or v_weight > 2147483647 then
        return null;
      end if;
      v_rest := substr(v_rest, 2);
      v_i := v_i + v_digit * v_weight;
      v_threshold := least(greatest(v_k - v_bias, 1), 26);
      exit when v_digit < v_threshold;
      v_weight := v_weight * (36 - v_threshold);
      v_k := v_k + 36;
    end loop;
    v_count := cardinality(v_points) + 1;
    if v_i / v_count > 1114111 - v_n then
      return null;
    end if;
    v_bias := internal.punycode_bias((v_i - v_old)::int, v_count, v_old = 0);
    v_n := v_n + (v_i / v_count)::int;
    v_i := v_i % v_count;
    if v_n between 55296 and 57343 then
      return null;
    end if;
    v_points := v_points[:v_i] || v_n || v_points[v_i + 1:];
    v_i := v_i + 1;
  end loop;
  return (
    select string_agg(chr(p.point), '' order by p.position)
    from unnest(v_points) with ordinality as p (point, position));
end
$$;

-- The Punycode of a label in lower case; null if it is too long for an A-label.
create or replace function internal.encode_punycode(label text)
returns text
language plpgsql immutable parallel safe
as $$
declare
  c_digits constant text := 'abcdefghijklmnopqrstuvwxyz0123456789';
  c_points constant int[] := array(
    select ascii(c.character) from string_to_table(label, null) with ordinality as c (character, position)
    order by c.position);
  c_basic constant text := regexp_replace(label, '[^\u0001-\u007f]', '', 'g');
  v_encoded text := case when c_basic <> '' then c_basic || '-' else '' end;
  v_done int := char_length(c_basic);
  v_n int := 128;
  v_delta bigint := 0;
  v_bias int := 72;
  v_next int;
  v_point int;
  v_rest bigint;
  v_k int;
  v_threshold int;
begin
  while v_done < cardinality(c_points) loop
    v_next := (select min(p) from unnest(c_points) as p where p >= v_n);
    v_delta := v_delta + (v_next - v_n)::bigint * (v_done + 1);
    v_n := v_next;
    foreach v_point in array c_points loop
      if v_point < v_n then
        v_delta := v_delta + 1;
      elsif v_point = v_n then
        v_rest := v_delta;
        v_k := 36;
        loop
          v_threshold := least(greatest(v_k - v_bias, 1), 26);
          exit when v_rest < v_threshold;
          v_encoded := v_encoded
            || substr(c_digits, (v_threshold + (v_rest - v_threshold) % (36 - v_threshold))::int + 1, 1);
          v_rest := (v_rest - v_threshold) / (36 - v_threshold);
          v_k := v_k + 36;
        end loop;
        v_encoded := v_encoded || substr(c_digits, v_rest::int + 1, 1);
        if char_length(v_encoded) > 59 then
          return null;
        end if;
        v_done := v_done + 1;
        v_bias := internal.punycode_bias(v_delta::int, v_done, v_done = char_length(c_basic) + 1);
        v_delta := 0;
      end if;
    end loop;
    v_delta := v_delta + 1;
    v_n := v_n + 1;
  end loop;
  return v_encoded;
end
$$;
