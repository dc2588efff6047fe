-- One mailbox is one person: the keys of addresses. tests/vectors/test_emails.c tests the properties of all keys.
begin;
\ir lib/fixture.sql
select plan(27);

-- Equal and different keys.
select is(internal.email_key(w.one), internal.email_key(w.other), format('%s is %s', w.one, w.other))
from (values
  ('ann@münchen.example', 'ann@xn--mnchen-3ya.example'),
  ('ann@MÜNCHEN.example', 'ANN@XN--MNCHEN-3YA.EXAMPLE'),
  (e'ann@mu\u0308nchen.example', 'ann@münchen.example'),
  ('ann@ｅｘａｍｐｌｅ．ｃｏｍ', 'ann@example.com'),
  ('ann@example。com', 'ann@example.com'),
  ('ann@example｡com', 'ann@example.com'),
  (e'ann@\u212aiosk.example', 'ann@kiosk.example'),
  ('ann@FAẞ.example', 'ann@fass.example'),
  ('ΟΔΟΣ@example.com', 'οδοσ@example.com'),
  ('οδος@example.com', 'οδοσ@example.com'),
  ('JOSÉ@example.com', e'jose\u0301@example.com'),
  ('АННА@пример.рф', 'анна@xn--e1afmkfd.xn--p1ai'),
  (e'\ua7aeX@example.com', e'\u026ax@example.com')
) as w (one, other);
select isnt(internal.email_key(w.one), internal.email_key(w.other), format('%s is not %s', w.one, w.other))
from (values
  (e'mi\u017f@example.com', 'mis@example.com'),
  ('ınn@example.com', 'inn@example.com'),
  ('İnn@example.com', 'inn@example.com'),
  ('straße@example.com', 'strasse@example.com'),
  ('ｊo@example.com', 'jo@example.com'),
  ('ann@faß.example', 'ann@fass.example'),
  ('ann@οδος.example', 'ann@οδοσ.example'),
  ('a.nn@example.com', 'ann@example.com')
) as w (one, other);

-- Text that is not an address has a key, because filters may compare with it.
select is(internal.email_key(null), null, 'nothing has no key');
select is(internal.email_key('ΑΝΝ'), 'ανν', 'a text without @ is folded');
select is(internal.email_key('ΑΝΝ@É É'), 'ανν@é é', 'so is one with an invalid domain');
select is(internal.email_key('%@MÜNCHEN.example'), '%@xn--mnchen-3ya.example',
  'a pattern with a whole domain has its A-labels');
select ok(octet_length(internal.email_key(repeat('é', 60000))) < 1024, 'a long text has a short key');
select is(internal.domain_ascii(repeat('é', 255)), null, 'a long name is no domain');

select * from finish();
rollback;
