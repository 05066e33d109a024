import { beforeEach, describe, expect, it } from 'vitest';
import { type FakeClient, FakeServer } from '../../../../tests/harness/fake-server.js';
import { el } from '../../../xmpp/element.js';
import { ns } from '../../../xmpp/ns.js';
import { disco } from './disco.js';
import { ping } from './ping.js';

describe('disco', () => {
  let server: FakeServer;
  let client: FakeClient;

  beforeEach(async () => {
    server = new FakeServer();
    disco.setup(server);
    ping.setup(server);
    await server.addAccount('ana@example.org');
    client = await server.connect('ana@example.org/phone');
  });

  it('says what an account is and can do', async () => {
    const info = await server.askAccount(client, 'get', el('query', ns.discoInfo));
    expect(info?.child('identity')?.attrs).toEqual({ category: 'account', type: 'registered' });
    const features = info?.elements().filter((child) => child.name === 'feature');
    expect(features?.map((feature) => feature.attr('var'))).toEqual([ns.discoInfo, ns.discoItems, ns.ping]);
  });

  it('has no items in an account', async () => {
    const items = await server.askAccount(client, 'get', el('query', ns.discoItems, { node: '' }));
    expect(items).toEqual(el('query', ns.discoItems));
  });

  it.each([ns.discoInfo, ns.discoItems])('knows no nodes in %s', async (namespace) => {
    const asked = server.askAccount(client, 'get', el('query', namespace, { node: 'x' }));
    await expect(asked).rejects.toMatchObject({ condition: 'item-not-found' });
  });

  it.each([ns.discoInfo, ns.discoItems])('tells strangers nothing in %s', (namespace) => {
    expect(server.audienceOf({ type: 'get', ns: namespace, name: 'query' })).toBe('subscribers');
  });
});
