import { beforeEach, describe, expect, it } from 'vitest';
import { type FakeClient, FakeServer } from '../../../../tests/harness/fake-server.js';
import { el } from '../../../xmpp/element.js';
import { ns } from '../../../xmpp/ns.js';
import { accountLimits } from '../settings.js';
import { vcardTemp } from './vcard-temp.js';

const empty = el('vCard', ns.vcardTemp);
const named = (name: string) => empty.withChildren([el('FN', ns.vcardTemp, {}, name)]);

describe('vcard-temp', () => {
  let server: FakeServer;
  let client: FakeClient;
  const readAs = (reader: FakeClient | string) => server.askAccount(reader, 'get', empty, 'ana@example.org');

  beforeEach(async () => {
    server = new FakeServer();
    vcardTemp.setup(server);
    await server.addAccount('ana@example.org');
    client = await server.connect('ana@example.org/phone');
  });

  it('gives everybody what the owner wrote last', async () => {
    await server.askAccount(client, 'set', named('Anna'));
    expect(await server.askAccount(client, 'set', named('Ana & Co. <ü>'))).toBeUndefined();
    expect(await readAs(client)).toEqual(named('Ana & Co. <ü>'));
    expect(await readAs('stranger@example.com/x')).toEqual(named('Ana & Co. <ü>'));
  });

  it('gives the owner an empty one if there is none, and others what an absent account gives', async () => {
    expect(await readAs(client)).toEqual(empty);
    await expect(readAs('stranger@example.com/x')).rejects.toMatchObject({
      condition: 'service-unavailable',
      text: '',
    });
  });

  it('takes none that is too large', async () => {
    const frame = Buffer.byteLength("<vCard xmlns='vcard-temp'><FN></FN></vCard>");
    const room = accountLimits.documentBytes - frame;
    await server.askAccount(client, 'set', named('x'.repeat(room)));
    const tooLarge = server.askAccount(client, 'set', named(`${'x'.repeat(room)}x`));
    await expect(tooLarge).rejects.toMatchObject({ condition: 'policy-violation' });
    expect(await readAs(client)).toEqual(named('x'.repeat(room)));
  });

  it('is read by anyone, written by its owner, and advertised', () => {
    const route = { ns: ns.vcardTemp, name: 'vCard' };
    expect(server.audienceOf({ type: 'get', ...route })).toBe('anyone');
    expect(server.audienceOf({ type: 'set', ...route })).toBe('owner');
    expect(server.advertised).toEqual([{ features: [ns.vcardTemp] }]);
    expect(server.accountInfo().features).toEqual([ns.vcardTemp]);
  });
});
