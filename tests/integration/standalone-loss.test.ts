import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { el } from '../../src/xmpp/element.js';
import { ns } from '../../src/xmpp/ns.js';
import { message } from '../../src/xmpp/stanza.js';
import { type StandaloneServer, startStandalone } from '../harness/belfry-standalone.js';
import { bind, openRawClient, type RawClient } from '../harness/c2s.js';
import { authenticate, domain, opening, password } from '../harness/hostile.js';
import { waitFor } from '../harness/net.js';
import { connectPeer, type Peer } from '../harness/xmpp-peer.js';

let server: StandaloneServer;
let bob: Peer;

beforeAll(async () => {
  server = await startStandalone({
    accounts: { [`ana@${domain}`]: password, [`bob@${domain}`]: password },
    standalone: { max_offline_messages: 10_000 },
  });
});
afterAll(() => server?.stop());

const connectBob = () =>
  connectPeer({ connect: { host: '127.0.0.1', port: server.c2sPort } }, `bob@${domain}/pc`, password);

beforeEach(async () => {
  bob = await connectBob();
  return () => bob.close();
});

/** Ana, available, with what was kept for her in `text`. */
async function ana(resource = 'phone'): Promise<RawClient> {
  const client = await openRawClient(server.c2sPort);
  await authenticate(client, 'ana');
  await client.write(opening).expect('</stream:features>');
  await client.write(bind(resource)).expect('<jid>');
  client.write(`<presence/><iq type='get' id='here'><ping xmlns='${ns.ping}'/></iq>`);
  await waitFor('ana to be there', () => client.text.includes("id='here'"), { interval: 1 });
  return client;
}

function say(number: number, size: number): void {
  const body = el('body', ns.client, {}, 'x'.repeat(size));
  bob.send(message({ to: `ana@${domain}`, type: 'chat', id: `m${number}` }, body));
}

function write(client: RawClient, text: string): undefined {
  client.write(text);
}

async function leave(client: RawClient): Promise<void> {
  if (!client.isClosed) client.write('</stream:stream>');
  await client.closed();
}

/** The numbers of messages that came as a whole, in order. */
function numbersIn(text: string): number[] {
  const whole = text.split('</message>').slice(0, -1);
  return whole.map((part) => Number(/<message [^>]*id='m(\d+)'[^>]*>/.exec(part)?.[1]));
}

const upTo = (count: number) => Array.from({ length: count }, (_, number) => number);

describe('a session that ends while messages come', () => {
  /** What it does; with the session that has its place, if there is one. */
  const ends: Readonly<Record<string, (client: RawClient) => Promise<RawClient> | undefined>> = {
    'closes its stream': (client) => write(client, '</stream:stream>'),
    'half-closes its connection': (client) => {
      client.socket.end();
      return undefined;
    },
    'goes offline': (client) => write(client, "<presence type='unavailable'/>"),
    'is replaced': () => ana(),
  };

  it.each(Object.keys(ends))('and %s has each of them once, or the next one has, in order', async (how) => {
    const client = await ana();
    let successor: Promise<RawClient> | undefined;
    for (const number of upTo(200)) {
      say(number, 5_000);
      if (number === 60) successor = ends[how]?.(client);
      if (number % 20 === 0) await new Promise(setImmediate);
    }
    await bob.settle();
    const next = await (successor ?? ana('next'));
    const all = () => [...numbersIn(client.text), ...numbersIn(next.text)];
    await waitFor('all messages', () => all().length >= 200, { timeout: 60_000 });
    expect(all()).toEqual(upTo(200));
    expect(bob.take()).toEqual([]);
    await leave(client);
    await leave(next);
  });

  it('because it does not read has the first ones, and the next one has the rest, in order', async () => {
    const client = await ana();
    client.socket.pause();
    const count = 600;
    for (const number of upTo(count)) {
      say(number, 20_000);
      if (number % 20 === 19) await bob.settle();
    }
    await waitFor('the end of the session', () => server.log().includes('resource-constraint'));
    client.socket.resume();
    await client.closed();
    const next = await ana('next');
    const [first, rest] = [() => numbersIn(client.text), () => numbersIn(next.text)];
    await waitFor('the rest', () => rest().at(-1) === count - 1, { timeout: 60_000 });
    expect(first()).toEqual(upTo(first().length));
    // Of what was on its way when the connection was cut, nobody knows whether it arrived.
    const begin = rest()[0] ?? 0;
    expect(begin).toBeLessThanOrEqual(first().length);
    expect(begin).toBeGreaterThan(first().length - 6);
    expect(rest()).toEqual(upTo(count).slice(begin));
    await leave(next);
  });
});

describe('the end of the server', () => {
  it.each(['SIGTERM', 'SIGKILL'] as const)(
    'by %s loses nothing that was taken before an answer',
    async (signal) => {
      let isOver = false;
      let answered = -1;
      const talk = async () => {
        for (let number = 0; !isOver; number++) {
          say(number, 100);
          if (number % 5 !== 0) continue;
          await bob.settle();
          answered = number;
        }
      };
      const talking = talk().catch(() => undefined);
      await waitFor('some messages', () => answered > 100, { timeout: 60_000 });
      await server.kill(signal);
      isOver = true;
      await talking;
      await server.restart();
      const client = await ana();
      bob = await connectBob();
      // It comes behind all that is there, answered or not.
      bob.send(message({ to: `ana@${domain}`, type: 'chat', id: 'last' }, el('body', ns.client, {}, 'x')));
      await waitFor('all messages', () => client.text.includes("id='last'"), { timeout: 60_000 });
      const numbers = numbersIn(client.text.slice(0, client.text.indexOf("id='last'")));
      expect(numbers).toEqual(upTo(numbers.length));
      expect(numbers.length).toBeGreaterThan(answered);
      await leave(client);
    },
  );
});
