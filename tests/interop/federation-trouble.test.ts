import { afterEach, describe, expect, it } from 'vitest';
import { type Element, el } from '../../src/xmpp/element.js';
import { ns } from '../../src/xmpp/ns.js';
import { message } from '../../src/xmpp/stanza.js';
import { StanzaError } from '../../src/xmpp/stanza-error.js';
import { hasEjabberd } from '../harness/ejabberd.js';
import { type FederatedServer, FederatedWorld } from '../harness/federated.js';
import { waitFor } from '../harness/net.js';
import { describeWithPeers } from '../harness/peer.js';
import { hasProsody } from '../harness/prosody.js';
import { available, type Peer } from '../harness/xmpp-peer.js';

const home = 'home.example';
const away = 'away.example';
const users = ['ana', 'ben'];

let world: FederatedWorld;
afterEach(() => world.close());

/** A user who is available and keeps what comes. */
async function present(server: FederatedServer, user: string): Promise<{ peer: Peer; inbox: Element[] }> {
  const peer = await server.login(user);
  peer.send(available());
  await peer.settle();
  return { peer, inbox: [] };
}

interface Person {
  readonly peer: Peer;
  readonly inbox: Element[];
}

async function find({ peer, inbox }: Person, id: string): Promise<Element> {
  const isIt = (stanza: Element) => stanza.attr('id') === id;
  await waitFor(
    `${peer.jid} to get ${id}`,
    () => {
      inbox.push(...peer.take());
      return inbox.some(isIt);
    },
    { timeout: 30_000 },
  );
  const found = inbox.find(isIt);
  if (found === undefined) throw new Error('unreachable: waitFor rejects');
  return found;
}

function write(from: Person, to: Person, id: string): void {
  from.peer.send(message({ to: to.peer.jid.toString(), type: 'chat', id }, el('body', ns.client, {}, id)));
}

async function arrives(from: Person, to: Person, id: string): Promise<void> {
  write(from, to, id);
  expect((await find(to, id)).attr('type')).toBe('chat');
}

async function comesBack(from: Person, to: Person, id: string): Promise<string> {
  write(from, to, id);
  const answer = await find(from, id);
  expect(answer.attr('type')).toBe('error');
  return StanzaError.fromStanza(answer).condition;
}

const told = (server: FederatedServer, msg: string) =>
  server.server
    .log()
    .split('\n')
    .filter((line) => line.includes(`"msg":"${msg}"`))
    .map((line): Record<string, unknown> => JSON.parse(line));
const directions = (server: FederatedServer) =>
  told(server, 'server connected').map(({ direction }) => direction);

const kinds = [
  { name: 'another Belfry', isInstalled: true, start: () => world.belfry(away, users) },
  { name: 'Prosody', isInstalled: hasProsody, start: () => world.prosody(away, users) },
  { name: 'ejabberd', isInstalled: hasEjabberd, start: () => world.ejabberd(away, users) },
];

describe.each(kinds.slice(0, 2))('one connection carries both directions (XEP-0288) with $name', (kind) => {
  describeWithPeers(kind.name, { [kind.name]: kind.isInstalled }, () => {
    it.each(['outgoing', 'incoming'])('that is %s', async (direction) => {
      world = await FederatedWorld.create('certificate', [home, away]);
      const [here, there] = [await world.belfry(home, users), await kind.start()];
      const [ana, ben] = [await present(here, 'ana'), await present(there, 'ben')];
      const [first, second] = direction === 'outgoing' ? [ana, ben] : [ben, ana];
      for (const round of [1, 2, 3]) {
        await arrives(first, second, `there-${round}`);
        await arrives(second, first, `back-${round}`);
      }
      expect(directions(here)).toEqual([direction]);
    });
  });
});

describe.each(kinds)('a server that goes and comes back: $name', (kind) => {
  describeWithPeers(kind.name, { [kind.name]: kind.isInstalled }, () => {
    it('is missed, not stormed, and talked with again', async () => {
      world = await FederatedWorld.create('certificate', [home, away]);
      const [here, there] = [await world.belfry(home, users), await kind.start()];
      const [ana, ben] = [await present(here, 'ana'), await present(there, 'ben')];
      await arrives(ana, ben, 'before');
      await there.server.kill('SIGKILL');
      await waitFor('the connection to be lost', () => told(here, 'server disconnected').length > 0);
      const lost = Array.from({ length: 20 }, (_, index) => `lost-${index}`);
      for (const id of lost) write(ana, ben, id);
      for (const id of lost)
        expect(StanzaError.fromStanza(await find(ana, id)).condition).toBe('remote-server-timeout');
      expect(told(here, 'server not reachable')).toHaveLength(1);

      await there.server.restart();
      const again = await present(there, 'ben');
      // What it sends by itself shows that it is there.
      await arrives(again, ana, 'back');
      for (const id of ['after-1', 'after-2']) await arrives(ana, again, id);
      expect(told(here, 'server not reachable')).toHaveLength(1);
    });
  });
});

describe('a Belfry that refuses', () => {
  it.each(['home', 'away'])('a domain that is blocked at %s', async (where) => {
    world = await FederatedWorld.create('certificate', [home, away]);
    const here = await world.belfry(
      home,
      users,
      where === 'home' ? { s2s_blocked_domains: ['example'] } : {},
    );
    const there = await world.belfry(away, users, where === 'away' ? { s2s_blocked_domains: [home] } : {});
    const [ana, ben] = [await present(here, 'ana'), await present(there, 'ben')];
    const [own, others] = where === 'home' ? [ana, ben] : [ben, ana];
    expect(await comesBack(own, others, 'out')).toBe('not-allowed');
    expect(await comesBack(others, own, 'in')).toBe('remote-server-not-found');
    expect([...directions(here), ...directions(there)]).toEqual([]);
  });

  it('a domain that is not allowed', async () => {
    world = await FederatedWorld.create('certificate', [home, away]);
    const here = await world.belfry(home, users, { s2s_allowed_domains: ['friends.example'] });
    const there = await world.belfry(away, users);
    const [ana, ben] = [await present(here, 'ana'), await present(there, 'ben')];
    expect(await comesBack(ana, ben, 'out')).toBe('not-allowed');
    expect(await comesBack(ben, ana, 'in')).toBe('remote-server-not-found');
  });
});

describe.each(kinds)('a certificate that nobody has signed, of $name', (kind) => {
  describeWithPeers(kind.name, { [kind.name]: kind.isInstalled }, () => {
    it('is not enough where it has to verify', async () => {
      world = await FederatedWorld.create('dialback', [home, away]);
      const here = await world.belfry(home, users, { s2s_secure_auth: true });
      const there = await kind.start();
      const [ana, ben] = [await present(here, 'ana'), await present(there, 'ben')];
      expect(await comesBack(ana, ben, 'out')).toMatch(/^remote-server-/);
      await comesBack(ben, ana, 'in');
      expect(directions(here)).toEqual([]);
      await waitFor('the log to tell of it', () => told(here, 'server refused').length > 0);
    });

    it('is enough for a domain that is an exception', async () => {
      world = await FederatedWorld.create('dialback', [home, away]);
      const exception = { s2s_secure_auth: true, s2s_insecure_domains: [away] };
      const [here, there] = [await world.belfry(home, users, exception), await kind.start()];
      const [ana, ben] = [await present(here, 'ana'), await present(there, 'ben')];
      await arrives(ana, ben, 'out');
      await arrives(ben, ana, 'in');
    });
  });
});
