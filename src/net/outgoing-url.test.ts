import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { harmlessEndpoints, hostileByForm, hostileByName } from '../../tests/hostile-endpoints.js';
import { parseOutgoingUrl } from './outgoing-url.js';
import { isPublicAddress } from './public-address.js';

const parse = (text: string) => parseOutgoingUrl(text, { allowPrivateNetworks: false });
const parsePrivate = (text: string) => parseOutgoingUrl(text, { allowPrivateNetworks: true });

describe('parseOutgoingUrl', () => {
  it.each(harmlessEndpoints)('takes %s as it is', (endpoint) => {
    expect(parse(endpoint)).toMatchObject({ kind: 'url', href: endpoint, origin: new URL(endpoint).origin });
  });

  it('tells host and port', () => {
    expect(parse('HTTPS://Push.Example.ORG:443/A/../b c'.replace(' ', '%20'))).toEqual({
      kind: 'url',
      href: 'https://push.example.org/b%20c',
      origin: 'https://push.example.org',
      hostname: 'push.example.org',
      port: 443,
    });
    expect(parse('https://[2620:FE::fe]:8443/')).toMatchObject({
      origin: 'https://[2620:fe::fe]:8443',
      hostname: '2620:fe::fe',
      port: 8443,
    });
  });

  it.each(hostileByForm)('refuses $name', ({ endpoint }) => {
    const parsed = parse(endpoint);
    expect(parsed).toEqual({ kind: 'refused', why: expect.stringMatching(/^It.+\.$/) });
  });

  it.each(hostileByName)('cannot know of $name', ({ endpoint }) => {
    expect(parse(endpoint)).toMatchObject({ kind: 'url' });
  });

  it('counts bytes as they were written and as they are sent', () => {
    const long = `https://push.example.org/${'x'.repeat(1_000 - 25)}`;
    expect(long.length).toBe(1_000);
    expect(parse(long)).toMatchObject({ kind: 'url' });
    expect(parse(`${long}x`)).toMatchObject({ kind: 'refused' });
    // Each becomes three bytes.
    expect(parse(`https://push.example.org/${'"'.repeat(400)}`)).toMatchObject({ kind: 'refused' });
  });

  it('never repeats what it refuses', () => {
    for (const { endpoint } of hostileByForm) {
      const parsed = parse(endpoint);
      if (parsed.kind === 'refused' && endpoint.length > 12) expect(parsed.why).not.toContain(endpoint);
    }
  });

  it('gives nothing but https to public hosts, whatever is said', () => {
    const host = fc.oneof(
      fc.ipV4(),
      fc.ipV4Extended(),
      fc.ipV6().map((ip) => `[${ip}]`),
      fc.domain(),
    );
    const url = fc
      .tuple(fc.constantFrom('https:', 'https:/', 'https://', 'HTTPS:\\\\', 'http://'), host, fc.webPath())
      .map((parts) => parts.join(''));
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'grapheme' }), fc.webUrl(), url), (text) => {
        const parsed = parse(text);
        if (parsed.kind === 'refused') return;
        expect(parsed.href.startsWith(`${parsed.origin}/`)).toBe(true);
        expect(parsed.origin.startsWith('https://')).toBe(true);
        expect(parsed.href).toMatch(/^[\x21-\x7e]{1,1000}$/);
        if (/^[\d.]+$|:/.test(parsed.hostname)) expect(isPublicAddress(parsed.hostname)).toBe(true);
        expect(parse(parsed.href)).toEqual(parsed);
      }),
      { numRuns: 500 },
    );
  });
});

describe('parseOutgoingUrl where private networks are allowed', () => {
  it.each([
    'https://localhost:8443/push',
    'https://127.0.0.1:8443/push',
    'https://[::1]/push',
    'https://192.168.1.2/push',
    'https://[fd00::1]/push',
    'https://nas.local/push',
    'https://push/push',
    'https://9.9.9.9/push',
  ])('takes %s', (endpoint) => {
    expect(parsePrivate(endpoint)).toMatchObject({ kind: 'url', href: endpoint });
  });

  it.each([
    'http://localhost:8443/push',
    'https://localhost:22/push',
    'https://localhost./push',
    'https://user@localhost/push',
    'https://localhost/push#part',
    'https://169.254.169.254/latest',
    'https://[fe80::1]/push',
    'https://0.0.0.0/push',
    'https://224.0.0.1/push',
  ])('refuses %s', (endpoint) => {
    expect(parsePrivate(endpoint)).toMatchObject({ kind: 'refused' });
  });
});
