import { afterAll, beforeAll, expect, it } from 'vitest';
import { el } from '../../src/xmpp/element.js';
import { ns } from '../../src/xmpp/ns.js';
import { StanzaError } from '../../src/xmpp/stanza-error.js';
import type { Belfry } from '../harness/belfry.js';
import { type Distributor, randomHash } from '../harness/distributor.js';
import { createWorld, type World } from '../harness/interop.js';
import { describeWithPeers } from '../harness/peer.js';
import { serverKinds } from '../harness/peers.js';
import { postPush } from '../harness/push-request.js';
import { connectXmppJs } from '../harness/xmpp-js-client.js';

for (const kind of serverKinds) {
  describeWithPeers(`what ${kind.name}'s users see of belfry`, { [kind.name]: kind.isInstalled }, () => {
    let world: World;
    let belfry: Belfry;
    let ana: Distributor;
    beforeAll(async () => {
      world = await createWorld(kind.start, ['push']);
      belfry = await world.belfry('push', 'paseto');
      ana = await world.device(connectXmppJs, 'ana@example.test/phone');
    });
    afterAll(() => world?.close());

    it('says in service discovery what it does', async () => {
      const answer = await ana.request('get', belfry.jid, el('query', ns.discoInfo));
      const info = answer.child('query', ns.discoInfo);
      const features = info?.elements().flatMap((child) => child.attr('var') ?? []);
      expect(features).toEqual(expect.arrayContaining([ns.discoInfo, ns.unifiedPush, ns.ping]));
      expect(info?.child('identity')).toBeDefined();
    });

    it('answers ping and version', async () => {
      expect((await ana.request('get', belfry.jid, el('ping', ns.ping))).attr('type')).toBe('result');
      const version = await ana.request('get', belfry.jid, el('query', ns.version));
      expect(version.child('query', ns.version)?.child('name')?.text()).toBe('Belfry');
    });

    it.each(['get', 'set'] as const)('answers an unknown %s with service-unavailable', async (type) => {
      const answer = await ana.request(type, belfry.jid, el('query', 'urn:example:unknown'));
      expect(StanzaError.fromStanza(answer)).toMatchObject({
        condition: 'service-unavailable',
        type: 'cancel',
      });
    });

    it('refuses a stranger', async () => {
      const eve = await world.device(connectXmppJs, 'eve@elsewhere.test/phone');
      await expect(eve.register(belfry.jid)).rejects.toMatchObject({ condition: 'forbidden', type: 'auth' });
    });

    it.each([
      ['an application that is no base64', { application: '?'.repeat(44) }],
      ['an instance of 31 bytes', { instance: randomHash().slice(0, 40) }],
      ['an empty instance', { instance: '' }],
    ])('refuses %s and says why', async (_title, hashes) => {
      const refusal = ana.register(belfry.jid, hashes);
      await expect(refusal).rejects.toMatchObject({ condition: 'bad-request', type: 'modify' });
      await expect(refusal).rejects.toThrow(/application|instance/);
    });

    it('believes an answer only from the JID that it asked', async () => {
      const bob = await world.device(connectXmppJs, 'bob@example.test/phone');
      const { endpoint } = await ana.register(belfry.jid);
      ana.answerWith('none');
      const heard = ana.pushes.length;
      const answer = postPush(endpoint, Buffer.from('for ana'));
      const { id } = await ana.nextPush(heard);
      bob.sendAnswer(belfry.jid, id, 'result');
      // Stanzas of one client keep their order: what answers this has seen the forged result.
      await bob.request('get', belfry.jid, el('ping', ns.ping));
      ana.sendAnswer(belfry.jid, id, 'recipient-unavailable');
      expect((await answer).status).toBe(503);
      ana.answerWith('result');
      expect((await postPush(endpoint, Buffer.from('again'))).status).toBe(201);
    });
  });
}
