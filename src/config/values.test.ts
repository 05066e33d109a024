import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { z } from 'zod';
import {
  accounts,
  address,
  contact,
  count,
  duration,
  jids,
  line,
  publicUrl,
  ranges,
  storage,
} from './values.js';

function read<T>(type: z.ZodType<T>, input: unknown): T | string {
  const result = type.safeParse(input);
  return result.success ? result.data : result.error.issues.map(({ message }) => message).join('\n');
}

describe('a duration', () => {
  const type = duration({ min: '1 second', max: '2 years' });

  it.each<[unknown, number]>([
    [86_400, 86_400],
    ['86400', 86_400],
    ['90 s', 90],
    ['90sec', 90],
    ['1 second', 1],
    ['10 minutes', 600],
    ['10 MINUTES', 600],
    ['5m', 300],
    ['5 mins', 300],
    ['1h', 3600],
    ['36 hours', 129_600],
    ['1 day', 86_400],
    ['  2d ', 172_800],
    ['1 week', 604_800],
    ['1 year', 31_536_000],
  ])('%j is %d seconds', (input, seconds) => expect(read(type, input)).toBe(seconds));

  it.each([
    1.5,
    -1,
    '',
    '-1',
    '1.5 hours',
    'day',
    '1 month',
    '1 day 2 hours',
    '1e3',
    '1 constructor',
    Number.NaN,
    true,
    {},
  ])('is not %j', (input) => expect(read(type, input)).toMatch(/is no duration; write seconds/));

  it('has bounds, which are allowed themselves', () => {
    const narrow = duration({ min: '1 minute', max: '1 hour' });
    expect([60, 3600].map((input) => read(narrow, input))).toEqual([60, 3600]);
    for (const input of [0, 59, 3601, '999999999999999 years']) {
      expect(read(narrow, input)).toMatch(/is out of range; allowed are 1 minute to 1 hour$/);
    }
  });

  it('is what the number and the unit multiply to', () => {
    const units: [string, number][] = [
      ['seconds', 1],
      ['minutes', 60],
      ['hours', 3600],
      ['days', 86_400],
    ];
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 700 }), fc.constantFrom(...units), (number, [unit, factor]) => {
        expect(read(type, `${number} ${unit}`)).toBe(number * factor);
      }),
    );
  });
});

describe('an address', () => {
  const type = address({ lowestPort: 1 });

  it.each([
    ['127.0.0.1:5347', '127.0.0.1', 5347],
    ['[::1]:5280', '::1', 5280],
    ['[2001:db8::2]:1', '2001:db8::2', 1],
    ['xmpp.example.org:65535', 'xmpp.example.org', 65_535],
  ])('%s has host and port', (text, host, port) => expect(read(type, text)).toEqual({ host, port }));

  it.each(['', 'localhost', ':5347', '::1:5347', '[::1]', '[host]:1', '*:80', 'a b:1', 'http://a:1', 'a:1x'])(
    'is not %j',
    (text) => expect(read(type, text)).toMatch(/is no address; write host:port/),
  );

  it('has a port that exists; 0 only where one listens', () => {
    expect(read(type, 'a:65536')).toMatch(/impossible port; allowed are 1 to 65535$/);
    expect(read(type, 'a:0')).toMatch(/impossible port/);
    expect(read(address({ lowestPort: 0 }), 'a:0')).toEqual({ host: 'a', port: 0 });
  });
});

describe('a public URL', () => {
  it.each([
    ['https://push.example.org', 'https://push.example.org'],
    ['https://push.example.org/', 'https://push.example.org'],
    ['https://example.org//', 'https://example.org'],
    ['https://example.org:8443/up/', 'https://example.org:8443/up'],
    ['HTTP://Example.ORG/Up', 'http://example.org/Up'],
  ])('%s is read as %s', (text, href) => {
    expect(read(publicUrl, text)).toBe(href);
  });

  it.each([
    ['push.example.org', /is no URL/],
    ['localhost:5280', /is no http or https URL/],
    ['https://', /is no URL/],
    ['https://a/?x', /query or fragment/],
    ['https://a/?', /query or fragment/],
    ['https://a/#', /query or fragment/],
    ['https://user@a/', /user name/],
  ])('is not %s', (text, reason) => expect(read(publicUrl, text)).toMatch(reason));
});

describe('a list', () => {
  it('of JIDs has them prepared', () => {
    const list = read(jids, 'Example.ORG, ANA@example.net/Phone');
    expect(Array.isArray(list) && list.map(String)).toEqual(['example.org', 'ana@example.net/Phone']);
  });

  it('of accounts has no resources in it', () => {
    const list = read(accounts, 'Example.ORG, ANA@example.net');
    expect(Array.isArray(list) && list.map(String)).toEqual(['example.org', 'ana@example.net']);
    expect(read(accounts, 'ana@example.net/phone')).toMatch(/names a resource; write ana@example.net$/);
    expect(read(accounts, 'example.org/phone')).toMatch(/names a resource; write example.org$/);
  });

  it('of addresses takes ranges', () => {
    const good = ['10.0.0.0/8', '192.0.2.1', '::1', 'fd00::/8', '0.0.0.0/0'];
    expect(read(ranges, good)).toEqual(good);
    for (const bad of ['10.0.0.0/', '10.0.0.0/33', '::/129', '10.0.0', 'loopback', '10.0.0.0/8/9']) {
      expect(read(ranges, [bad]), bad).toMatch(/is no address or range/);
    }
  });
});

describe('a number', () => {
  it('is whole and between its bounds, as a number or in digits', () => {
    const type = count({ min: 0, max: 10 });
    expect([0, 10, '7'].map((input) => read(type, input))).toEqual([0, 10, 7]);
    for (const bad of [11, -1, 1.5, '', 'x', '1.5', ' 1', '0x1', null, []]) {
      expect(read(type, bad)).toMatch(/out of range; allowed are whole numbers from 0 to 10$/);
    }
  });
});

describe('a line', () => {
  const type = line({ maxBytes: 13 });

  it.each(['', 'x', 'Ein Brief ✉', 'ünïcödé'])('is %j', (text) => expect(read(type, text)).toBe(text));

  it.each([
    ['a\nb', /a line end or another character/],
    ['a\u0000b', /remove it$/],
    ['a\ud800b', /remove it$/],
    ['a\uffffb', /remove it$/],
    ['Ein Brief ✉✉', /is longer than 13 bytes$/],
    [7, /^7 is no text; write it as text, in quotes if need be$/],
  ])('is not %j', (input, why) => expect(read(type, input)).toMatch(why));
});

describe('a contact', () => {
  it.each([
    'mailto:postmaster@example.org',
    'mailto:push%2Bbelfry@xn--bcher-kva.example',
    'https://example.org/contact',
  ])('is %s', (text) => expect(read(contact, text)).toBe(text));

  it.each([
    ['', /is no contact; write mailto: and a mailbox, or an https URL$/],
    ['someone@example.org', /is no contact/],
    ['mailto:someone', /is no contact/],
    ['mailto: someone@example.org', /is no contact/],
    ['mailto:<someone@example.org>', /is no contact/],
    ['http://example.org', /is no contact/],
    ['https://', /is no contact/],
    ['https://user@example.org', /is no contact/],
    [`mailto:${'x'.repeat(300)}@example.org`, /is longer than 255 characters$/],
    [5, /^5 is no contact; write it as text/],
  ])('is not %j', (input, why) => expect(read(contact, input)).toMatch(why));
});

describe('storage', () => {
  it('is sqlite or a PostgreSQL URL', () => {
    const good = ['sqlite', 'postgres://u:p@h:5432/d', 'postgresql://h/d?sslmode=require', 'postgres:///d'];
    expect(good.map((text) => read(storage, text))).toEqual(good);
    for (const bad of ['', 'SQLite', 'postgres', 'mysql://h/d', 'postgres://[h/d']) {
      expect(read(storage, bad), bad).toMatch(/^is neither; write sqlite, or a URL/);
    }
  });
});
