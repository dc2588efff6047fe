-- A name, or an address, as it is kept: in NFC, without the spaces around it, which are every character of Unicode's
-- category Zs.
create or replace function internal.trim_text(value text)
returns text
language sql immutable parallel safe
as $$
  select normalize(btrim(value,
    E' \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000'), nfc)
$$;
