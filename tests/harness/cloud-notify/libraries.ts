import { randomUUID } from 'node:crypto';
import { type Element, el } from '../../../src/xmpp/element.js';
import { ns } from '../../../src/xmpp/ns.js';
import { startCuttingProxy } from '../cutting-proxy.js';
import { password } from '../federated.js';
import { waitFor } from '../net.js';
import { connectSlixmpp } from '../slixmpp-client.js';
import { available } from '../xmpp-peer.js';
import { splitJid } from '../xmpp-server.js';
import type { Scenario } from './scenario.js';
import { body, newNode, newText } from './stage.js';
import { mark } from './world.js';

const patience = { timeout: 60_000 };

/** Clients that are built on libraries of others. */
export const libraryScenarios: readonly Scenario[] = [
  {
    name: 'a client by slixmpp whose line is cut twice',
    needs: 'slixmpp',
    expected: { important: 2, hasAll: true },
    async run(stage) {
      const { appServer, server } = stage.world;
      const bare = stage.account();
      const node = newNode();
      const received: Element[] = [];
      const proxy = await startCuttingProxy(server.c2sPort);
      const { local: user, domain } = splitJid(bare);
      const account = {
        port: proxy.port,
        user,
        domain,
        password,
        resource: `${mark}-slixmpp`,
        comesBack: true,
      };
      const stream = await connectSlixmpp(account, (stanza) => received.push(stanza));
      // It may be cut off before it has acknowledged the answer to its request, which is pushed for as unimportant.
      const important = () => stage.levels(node).filter((level) => level === 'important').length;
      const has = (what: string, fits: (stanza: Element) => boolean) =>
        waitFor(what, () => received.some(fits), patience);
      try {
        stream.send(available());
        const id = randomUUID();
        const enable = el('enable', ns.push, { jid: appServer.jid, node });
        stream.send(el('iq', ns.client, { type: 'set', id }, enable));
        await has('an answer', (stanza) => stanza.attr('id') === id);
        const texts = [newText(), newText()];
        for (const [round, text] of texts.entries()) {
          proxy.cut();
          stage.write(bare, [body(text)]);
          await waitFor('an important push', () => important() > round, patience);
          proxy.mend();
          await has(text, (stanza) => stanza.child('body')?.text() === text);
        }
        await stage.heard();
        const bodies = received.flatMap((stanza) => stanza.child('body')?.text() ?? []);
        return { important: important(), hasAll: texts.every((text) => bodies.includes(text)) };
      } finally {
        await stream.close();
        await proxy.close();
      }
    },
  },
];
