import { beforeEach, describe, expect, it } from 'vitest';
import { type FakeClient, FakeServer } from '../../../../tests/harness/fake-server.js';
import { el } from '../../../xmpp/element.js';
import { ns } from '../../../xmpp/ns.js';
import { carbons } from './carbons.js';

describe('carbons', () => {
  let server: FakeServer;
  let phone: FakeClient;

  const ask = (name: 'enable' | 'disable', from: FakeClient | string = phone, to?: string) =>
    server.askAccount(from, 'set', el(name, ns.carbons), to);

  beforeEach(async () => {
    server = new FakeServer();
    carbons.setup(server);
    await server.addAccount('ana@example.org');
    phone = await server.connect('ana@example.org/phone');
  });

  it('are for sessions that asked for them, as often as they like', async () => {
    const laptop = await server.connect('ana@example.org/laptop');
    const seen: boolean[] = [phone.session.wantsCarbons];
    for (const name of ['enable', 'enable', 'disable', 'disable', 'enable'] as const) {
      expect(await ask(name)).toBeUndefined();
      seen.push(phone.session.wantsCarbons);
    }
    expect(seen).toEqual([false, true, true, false, false, true]);
    expect(laptop.session.wantsCarbons).toBe(false);
  });

  it('are for sessions of the account alone', async () => {
    const condition = { condition: 'not-allowed' };
    await expect(ask('enable', 'eve@example.com/x', 'ana@example.org')).rejects.toMatchObject(condition);
    await expect(ask('disable', 'eve@example.com/x', 'ana@example.org')).rejects.toMatchObject(condition);
    for (const name of ['enable', 'disable']) {
      expect(server.audienceOf({ type: 'set', ns: ns.carbons, name })).toBe('owner');
    }
  });

  it('are advertised with their rules, of the server and of accounts', () => {
    const features = ['urn:xmpp:carbons:2', 'urn:xmpp:carbons:rules:0'];
    expect(server.advertised).toEqual([{ features }]);
    expect(server.advertisedForAccounts).toEqual([{ features }]);
  });
});
