import { describe, expect, it } from 'vitest';
import { EmbeddedCore } from '../../../../tests/harness/embedded-core.js';
import { ManagedClient } from '../../../../tests/harness/managed-client.js';
import { el } from '../../../xmpp/element.js';
import { ns } from '../../../xmpp/ns.js';

const message = (id: string) =>
  el('message', ns.client, { to: 'ana@example.org/phone', type: 'chat', id }, el('body', ns.client, {}, id));

describe('stream management', () => {
  it('lets a client resume', async () => {
    const server = new EmbeddedCore();
    await server.addAccount('ana@example.org');
    const ana = new ManagedClient(server.core, await server.account('ana@example.org'));
    await ana.bind('phone');
    expect((await ana.enable()).name).toBe('enabled');
    const ben = await server.connect('ben@example.org/pc');
    await ben.say(message('1'));
    await new Promise(setImmediate);
    await ana.lose();
    await ben.say(message('2'));
    expect((await ana.resume())?.name).toBe('resumed');
    expect(ana.takeIds()).toEqual(['1', '2']);
    expect(server.failures).toEqual([]);
  });
});
