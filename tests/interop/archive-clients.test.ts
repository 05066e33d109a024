import { expect, it, onTestFinished } from 'vitest';
import { el } from '../../src/xmpp/element.js';
import { ns } from '../../src/xmpp/ns.js';
import { message } from '../../src/xmpp/stanza.js';
import { startStandalone } from '../harness/belfry-standalone.js';
import { describeWithPeers } from '../harness/peer.js';
import { hasSlixmpp, readArchiveBySlixmpp } from '../harness/slixmpp-client.js';
import { connectPeer } from '../harness/xmpp-peer.js';

const password = 'a-password';
const domain = 'example.test';
const [ana, bob, eve] = [`ana@${domain}`, `bob@${domain}`, `eve@${domain}`];

describeWithPeers('the archive, to slixmpp', { slixmpp: hasSlixmpp }, () => {
  it('is read by its plugins for archives and preferences', async () => {
    const server = await startStandalone({ accounts: { [ana]: password, [bob]: password, [eve]: password } });
    onTestFinished(() => server.stop());
    const connect = { host: '127.0.0.1', port: server.c2sPort };
    const begin = Date.now();
    const texts: string[] = [];
    const ofBob: string[] = [];
    const peers = await Promise.all([bob, eve].map((jid) => connectPeer({ connect }, `${jid}/x`, password)));
    for (let number = 0; number < 47; number++) {
      const isBob = number % 5 !== 0;
      const text = `m${number} <&> 🔔`;
      const peer = peers[isBob ? 0 : 1];
      peer?.send(message({ to: ana, type: 'chat' }, el('body', ns.client, {}, text)));
      await peer?.settle();
      texts.push(text);
      if (isBob) ofBob.push(text);
    }
    for (const peer of peers) await peer.close();

    const found = await readArchiveBySlixmpp({ jid: `${ana}/reader`, password, port: server.c2sPort }, bob);
    expect(found).toMatchObject({
      features: expect.arrayContaining([ns.archive, ns.archiveExtended, ns.stanzaIds]),
      fields: expect.arrayContaining(['with', 'start', 'end', 'before-id', 'after-id', 'ids']),
      forwards: texts,
      ofOwnAddress: texts,
      backwards: texts.toReversed(),
      withContact: ofBob,
      sinceYesterday: texts,
      untilYesterday: [],
      firstTotal: texts.slice(0, 5),
      onePage: texts.slice(0, 3),
      begin: expect.any(String),
      ids: [expect.stringMatching(/^\d{16}$/), expect.stringMatching(/^\d{16}$/)],
      preferences: { default: 'always', always: [], never: [] },
      laterPreferences: { default: 'roster', always: [bob], never: ['eve@example.org/x'] },
    });
    const { begin: first } = found as { begin: string };
    expect(Date.parse(first)).toBeGreaterThanOrEqual(begin);
    expect(Date.parse(first)).toBeLessThanOrEqual(Date.now());
  });
});
