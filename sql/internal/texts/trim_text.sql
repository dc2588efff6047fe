-- The stored form of a name or an address: in NFC, without leading and trailing spaces (Unicode category Zs).
create or replace function internal.trim_text(value text)
returns text
language sql immutable parallel safe
as $$
  select normalize(btrim(value,
    E' \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000'), nfc)
$$;
