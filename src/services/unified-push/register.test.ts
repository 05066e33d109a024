import { describe, expect, it } from 'vitest';
import {
  application,
  phone,
  setUpUnifiedPush as setUp,
  start,
  tokenOf,
} from '../../../tests/harness/unified-push.js';
import type { Element } from '../../xmpp/element.js';
import { Jid } from '../../xmpp/jid.js';
import { ns } from '../../xmpp/ns.js';

describe('the service', () => {
  it('advertises itself', async () => {
    const { host } = await setUp();
    expect(host.advertised).toEqual([{ features: ['http://gultsch.de/xmpp/drafts/unified-push'] }]);
  });
});

describe('a registration', () => {
  it('answers an endpoint and its expiration, and reports it', async () => {
    const { register, recorded } = await setUp({ publicUrl: 'https://example.org/up' });
    const registered = await register();
    expect(registered?.is('registered', ns.unifiedPush)).toBe(true);
    expect(registered?.attr('endpoint')).toMatch(/^https:\/\/example\.org\/up\/push\/[A-Za-z0-9_-]{27}$/);
    expect(registered?.attr('expiration')).toBe('2026-09-08T12:00:00Z');
    const expiresAt = start / 1000 + 86400;
    expect(recorded).toEqual([{ name: 'registered', jid: 'ana@example.org', backend: 'storage', expiresAt }]);
  });

  it.each([
    ['eve@example.net/x', undefined, 'auth', 'forbidden', 'not-permitted'],
    ['ana@example.org', undefined, 'modify', 'bad-request', 'not-a-full-jid'],
    [phone, { application }, 'modify', 'bad-request', 'bad-hash'],
  ])('refuses %s with %o', async (from, attrs, type, condition, code) => {
    const { register, recorded, stores } = await setUp();
    await expect(register(from, attrs)).rejects.toMatchObject({ name: 'StanzaError', type, condition });
    const jid = Jid.parse(from).bare().toString();
    expect(recorded).toEqual([{ name: 'registrationRefused', jid, code }]);
    expect(stores.registrations.rows.size).toBe(0);
  });

  it('says which attribute is wrong', async () => {
    const { register } = await setUp();
    await expect(register(phone, { application })).rejects.toMatchObject({
      text: 'instance: no value provided',
    });
  });

  it('asks to wait if the database fails', async () => {
    const { register, stores, recorded } = await setUp();
    stores.registrations.failure = new Error('disk full');
    await expect(register()).rejects.toMatchObject({ type: 'wait', condition: 'internal-server-error' });
    expect(recorded.map((event) => event.name)).toEqual(['storageFailed', 'registrationRefused']);
  });

  it('is refused while its account has five thousand others, and not when there is room again', async () => {
    const { register, stores, recorded } = await setUp();
    stores.registrations.countOthers = async () => 4999;
    const endpoint = tokenOf(await register());
    stores.registrations.countOthers = async () => 5000;
    await expect(register()).rejects.toMatchObject({ type: 'wait', condition: 'resource-constraint' });
    expect(recorded.at(-1)).toEqual({
      name: 'registrationRefused',
      jid: 'ana@example.org',
      code: 'too-many-registrations',
    });
    stores.registrations.countOthers = async () => 4999;
    expect(tokenOf(await register())).toBe(endpoint);
  });

  it('refuses a JID whose endpoint would be longer than 1000 bytes', async () => {
    const { register } = await setUp({ backend: 'paseto' });
    const longest = await longestEndpoint(register);
    expect(longest).toBeGreaterThan(990);
    expect(longest).toBeLessThanOrEqual(1000);
    await expect(register(`ana@example.org/${'r'.repeat(700)}`)).rejects.toMatchObject({
      type: 'modify',
      condition: 'policy-violation',
    });
  });

  it('follows a changed list', async () => {
    const { register, service } = await setUp();
    service.setAcl([Jid.parse('example.net')]);
    await expect(register()).rejects.toMatchObject({ condition: 'forbidden' });
    await expect(register('eve@example.net/x')).resolves.toBeDefined();
  });
});

async function longestEndpoint(register: (from: string) => Promise<Element | undefined>) {
  let longest = 0;
  for (let length = 400; length < 700; length++) {
    try {
      const registered = await register(`ana@example.org/${'r'.repeat(length)}`);
      longest = registered?.attr('endpoint')?.length ?? 0;
    } catch {
      break;
    }
  }
  return longest;
}
