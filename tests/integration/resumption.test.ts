import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Element, el } from '../../src/xmpp/element.js';
import { ns } from '../../src/xmpp/ns.js';
import { type Carrier, carriers } from '../harness/client-line.js';
import type { CoreClient } from '../harness/embedded-core.js';
import { waitFor } from '../harness/net.js';
import { cuts, ResumableClient } from '../harness/resumable-client.js';
import { type SocketCore, startSocketCore } from '../harness/socket-core.js';

/**
 * Connections that break at every point of their life, and clients that come back: every message arrives once, in order.
 * The server is the real one with its real listeners; its disk takes its time.
 */

const resource = 'phone';
const burst = 100;
const expiry = 601_000;

const message = (to: string, id: string) =>
  el('message', ns.client, { to, type: 'chat', id }, el('body', ns.client, {}, `text of ${id}`));
const numbers = (first: number, last: number) =>
  Array.from({ length: last - first + 1 }, (_, n) => `${first + n}`);
const milliseconds = (n: number) => new Promise((resolve) => setTimeout(resolve, n));

let server: SocketCore;
let ben: CoreClient;
let accounts = 0;
const clients: ResumableClient[] = [];

/** A client of an account of its own. */
async function createClient(carrier: Carrier): Promise<{ client: ResumableClient; jid: string }> {
  const name = `user-${++accounts}`;
  await server.embedded.addAccount(`${name}@example.org`);
  const client = new ResumableClient(server, carrier, name);
  clients.push(client);
  return { client, jid: `${name}@example.org` };
}

/** A client of the core that keeps what a sender sends it. */
async function createListener(): Promise<{ jid: string; ids: () => string[] }> {
  const jid = `listener-${++accounts}@example.org`;
  const listener = await server.embedded.connect(`${jid}/desk`);
  listener.available();
  const got: Element[] = [];
  return {
    jid,
    ids: () => {
      got.push(...listener.link.take());
      return got.map((stanza) => stanza.attr('id') ?? '');
    },
  };
}

async function sendTo(jid: string, ...ids: readonly string[]): Promise<void> {
  await Promise.all(ids.map((id) => ben.say(message(jid, id))));
}

const isAsleep = (jid: string) => {
  const session = server.embedded.core.server.accounts.loaded(jid)?.sessions.get(resource);
  return session !== undefined && server.embedded.core.server.extendHibernation(session, 1);
};

/** The session's time is up, whatever the server knew of its connection. */
async function expire(jid: string): Promise<void> {
  await waitFor('the session to sleep', () => isAsleep(jid), { interval: 1 });
  server.embedded.clock.advance(expiry);
  const account = server.embedded.core.server.accounts.loaded(jid);
  await waitFor('the end of the session', () => account?.sessions.size === 0, { interval: 1 });
}

async function arrived(client: ResumableClient, expected: readonly string[]): Promise<void> {
  const isThere = () => client.ids.distinct.length >= expected.length;
  await waitFor(`${expected.length} messages`, isThere, { interval: 2 }).catch(() => {});
  expect(client.ids.distinct).toEqual(expected);
}

beforeAll(async () => {
  server = await startSocketCore();
  ben = await server.embedded.connect('ben@example.org/pc');
  let writes = 0;
  server.embedded.core.setArchiving({
    record: (_account, stanza) => ({
      stanza,
      written: milliseconds(++writes % 4).then(() => true),
    }),
  });
});

afterAll(async () => {
  for (const client of clients) client.close();
  expect(server.embedded.failures).toEqual([]);
  await server.stop();
});

const breaks = carriers.flatMap((carrier) => cuts.map((cut) => [carrier, cut] as const));

describe.each(breaks)('over %s, a connection that is %s', (carrier, cut) => {
  const positions = numbers(0, burst).map(Number);

  /** The client is sent many messages, handles some, and loses its connection; more come before it is back. */
  const receive = async (
    position: number,
    back: (client: ResumableClient, jid: string) => Promise<unknown>,
  ) => {
    const { client, jid } = await createClient(carrier);
    await client.logIn(resource);
    await waitFor('its own presence', () => client.handled === 1, { interval: 1 });
    let isCut = position === 0;
    if (isCut) client.cut(cut);
    client.onMessage = (count) => {
      if (isCut || count < position) return;
      isCut = true;
      client.cut(cut);
    };
    void sendTo(jid, ...numbers(1, burst));
    await waitFor('the cut', () => isCut, { interval: 1 });
    await sendTo(jid, '101', '102');
    await back(client, jid);
    await sendTo(jid, '103');
    return client;
  };

  it('loses nothing that is sent to a client that resumes, wherever it breaks', async () => {
    await inGroups(positions, async (position) => {
      const client = await receive(position, async (it) =>
        expect(await it.recover(resource)).toBe('resumed'),
      );
      await arrived(client, numbers(1, 103));
      expect(client.ids.repeated).toEqual([]);
    });
  });

  it('loses nothing that is sent to a client that forgets its session, wherever it breaks', async () => {
    await inGroups(positions, async (position) => {
      let told = 0;
      const client = await receive(position, async (it) => {
        // Its own presence was the first.
        told = it.told - 1;
        it.id = undefined;
        await it.recover(resource);
      });
      await arrived(client, numbers(1, 103));
      // What it has handled without saying so comes again; nobody else can know.
      const untold = numbers(1, position).filter((id) => cut !== 'closed' || Number(id) > told);
      expect(untold).toEqual(expect.arrayContaining([...client.ids.repeated]));
    });
  });

  if (cut !== 'dead') {
    it('loses nothing that is sent to a client that comes too late', async () => {
      const some = positions.filter((position) => position % 10 === 0);
      for (const position of some) {
        const client = await receive(position, async (it, jid) => {
          await expire(jid);
          expect(await it.recover(resource)).toBe('failed');
        });
        await arrived(client, numbers(1, 103));
      }
    });
  }

  /** The client sends many messages, and loses its connection in the middle of one. */
  const send = async (
    position: number,
    back: (client: ResumableClient, jid: string) => Promise<unknown>,
  ): Promise<string[]> => {
    const { client, jid } = await createClient(carrier);
    const listener = await createListener();
    await client.logIn(resource);
    const all = numbers(1, burst).map((id) => message(listener.jid, id));
    const [part, ...rest] = all.slice(position);
    for (const [at, stanza] of all.slice(0, position).entries()) {
      client.send(stanza);
      if (at % 5 === 4) client.ask();
    }
    if (part !== undefined) client.sendPart(part);
    if (position % 3 === 0) await milliseconds(position % 5);
    client.cut(cut);
    await back(client, jid);
    for (const stanza of rest) client.send(stanza);
    await waitFor('all messages', () => listener.ids().length >= burst, { interval: 2 }).catch(() => {});
    return listener.ids();
  };

  it('loses nothing that a client sends that resumes, wherever it breaks', async () => {
    await inGroups(positions, async (position) => {
      const ids = await send(position, async (it) => expect(await it.recover(resource)).toBe('resumed'));
      expect(ids).toEqual(numbers(1, burst));
    });
  });

  if (cut !== 'dead') {
    it('loses nothing that a client sends that comes too late', async () => {
      for (const position of positions.filter((one) => one % 10 === 0)) {
        const ids = await send(position, async (it, jid) => {
          await expire(jid);
          expect(await it.recover(resource)).toBe('failed');
        });
        expect(ids).toEqual(numbers(1, burst));
      }
    });
  }

  it.each(Object.entries(points))('loses nothing if it breaks %s', async (_point, play) => {
    const { client, jid } = await createClient(carrier);
    const listener = await createListener();
    await sendTo(jid, '1');
    await play({ client, jid, cut: () => client.cut(cut), listener });
    client.onMessage = () => {};
    client.isAttentive = true;
    await sendTo(jid, '2', '3');
    await client.recover(resource);
    client.send(message(listener.jid, 'last'));
    await sendTo(jid, '4');
    await arrived(client, ['1', '2', '3', '4']);
    expect(client.ids.repeated).toEqual([]);
    await waitFor('the last message', () => listener.ids().includes('last'));
    expect(new Set(listener.ids()).size).toBe(listener.ids().length);
  });
});

describe.each(carriers)('over %s, a client', (carrier) => {
  const streamFailures = (jid: string) =>
    server.recorded.filter((event) => event.name === 'streamFailed' && event.jid === jid);
  const loggedIn = async () => {
    const { client, jid } = await createClient(carrier);
    await client.logIn(resource);
    await waitFor('its own presence', () => client.handled === 1, { interval: 1 });
    return { client, jid };
  };
  const tooHigh = async (client: ResumableClient): Promise<Element | undefined> => {
    const error = await client.expect('error');
    return error.child('handled-count-too-high', ns.streamManagement);
  };

  it('that acknowledges what it was never sent is told so, and its stream ends', async () => {
    const { client, jid } = await loggedIn();
    client.handled = 5;
    client.acknowledge();
    expect((await tooHigh(client))?.attrs).toEqual({ h: '5', 'send-count': '1' });
    expect(streamFailures(jid)).toMatchObject([{ condition: 'undefined-condition' }]);
  });

  it('that resumes with such a count gets nothing, and the session waits on', async () => {
    const { client, jid } = await loggedIn();
    client.cut('reset');
    await sendTo(jid, '1');
    await authenticate(client);
    client.handled = 9;
    client.askToResume();
    expect((await tooHigh(client))?.attr('h')).toBe('9');
    client.cut('closed');
    client.handled = 1;
    expect(await client.recover(resource)).toBe('resumed');
    await arrived(client, ['1']);
  });

  it('gets no session of another account', async () => {
    const { client, jid } = await loggedIn();
    const thief = (await createClient(carrier)).client;
    await authenticate(thief);
    thief.id = client.id;
    thief.askToResume();
    const failed = await thief.expect('failed');
    expect([failed.attrs, failed.firstElement()?.name]).toEqual([{}, 'item-not-found']);
    await sendTo(jid, '1');
    await arrived(client, ['1']);
    await thief.begin(resource);
    expect(thief.received).toEqual([]);
  });

  it('may come back by whatever it likes, as often as it likes, while it is still there', async () => {
    const { client, jid } = await loggedIn();
    const other = new ResumableClient(
      server,
      carrier === 'tcp' ? 'websocket' : 'tcp',
      jid.split('@')[0] ?? '',
    );
    clients.push(other);
    other.id = client.id;
    other.handled = client.handled;
    expect(await other.recover(resource)).toBe('resumed');
    const conflict = await client.expect('error');
    expect(conflict.firstElement()?.name).toBe('conflict');
    await sendTo(jid, '1');
    await arrived(other, ['1']);
    expect(client.received).toEqual([]);
  });

  it('twice at once is there once', async () => {
    const { client, jid } = await loggedIn();
    const twins = [client, client].map(() => new ResumableClient(server, carrier, jid.split('@')[0] ?? ''));
    for (const twin of twins) {
      clients.push(twin);
      twin.id = client.id;
      twin.handled = client.handled;
      await authenticate(twin);
    }
    for (const twin of twins) twin.askToResume();
    const isDecided = () => twins.some((twin) => twin.hasHeard('error'));
    await waitFor('the end of the first', isDecided, { interval: 1 });
    await sendTo(jid, '1');
    await waitFor('the message', () => twins.some((twin) => twin.received.length > 0));
    expect(twins.flatMap((twin) => twin.received)).toHaveLength(1);
    expect(await client.recover(resource)).toBe('resumed');
  });
});

interface Stage {
  readonly client: ResumableClient;
  readonly jid: string;
  readonly cut: () => void;
  readonly listener: { readonly jid: string };
}

/** Up to where a client comes before its connection breaks. */
const points: Readonly<Record<string, (stage: Stage) => Promise<void>>> = {
  'before it authenticates': async ({ client, cut }) => {
    await client.connect();
    cut();
  },
  'when it has authenticated': async ({ client, cut }) => {
    await client.connect();
    await client.authenticate();
    cut();
  },
  'when its stream has begun anew': async ({ client, cut }) => {
    await authenticate(client);
    cut();
  },
  'before it hears of its resource': async ({ client, cut }) => {
    await authenticate(client);
    void client.bind(resource).catch(() => {});
    cut();
  },
  'when it has a resource': async ({ client, cut }) => {
    await authenticate(client);
    await client.bind(resource);
    cut();
  },
  'when it has asked for management': async ({ client, cut }) => {
    await authenticate(client);
    await client.bind(resource);
    void client.enable().catch(() => {});
    cut();
  },
  'when it is managed': async ({ client, cut }) => {
    await authenticate(client);
    await client.bind(resource);
    await client.enable();
    client.send(el('presence', ns.client));
    cut();
  },
  'in the middle of a stanza': async ({ client, cut, listener }) => {
    await client.logIn(resource);
    client.sendPart(message(listener.jid, 'part'));
    cut();
  },
  'before it hears that a stanza was handled': async ({ client, cut, listener }) => {
    await client.logIn(resource);
    client.send(message(listener.jid, 'one'));
    client.ask();
    cut();
  },
  'when it has heard that a stanza was handled': async ({ client, cut, listener }) => {
    await client.logIn(resource);
    client.send(message(listener.jid, 'one'));
    client.ask();
    await client.expect('a');
    cut();
  },
  'before it says what it has handled': async ({ client, cut }) => {
    client.isAttentive = false;
    await client.logIn(resource);
    await waitFor('the first message', () => client.ids.distinct.includes('1'), { interval: 1 });
    cut();
  },
  'when it has said what it has handled': async ({ client, cut }) => {
    await client.logIn(resource);
    await waitFor('the first message', () => client.ids.distinct.includes('1'), { interval: 1 });
    client.acknowledge();
    cut();
  },
  'while it resumes': async ({ client, cut, listener }) => {
    await client.logIn(resource);
    client.send(message(listener.jid, 'one'));
    cut();
    await authenticate(client);
    client.askToResume();
    cut();
  },
  'a moment after it asked to resume': async ({ client, cut, listener }) => {
    await client.logIn(resource);
    client.send(message(listener.jid, 'one'));
    cut();
    await authenticate(client);
    client.askToResume();
    await milliseconds(3);
    cut();
  },
  'when it has resumed': async ({ client, cut, listener }) => {
    await client.logIn(resource);
    client.send(message(listener.jid, 'one'));
    cut();
    await client.recover(resource);
    cut();
  },
  'in the middle of what is sent again': async ({ client, cut, jid }) => {
    client.isAttentive = false;
    await client.logIn(resource);
    cut();
    await sendTo(jid);
    const before = client.received.length;
    client.onMessage = (count) => {
      if (count === before + 1) cut();
    };
    await client.recover(resource).catch(() => {});
  },
  'although another connection of its has the session already': async ({ client, cut }) => {
    await client.logIn(resource);
    await client.recover(resource);
    await client.recover(resource);
    cut();
  },
};

async function authenticate(client: ResumableClient): Promise<void> {
  await client.connect();
  await client.authenticate();
  await client.open();
}

/** So many at once that it does not take long, and so few that nothing runs out. */
async function inGroups(positions: readonly number[], run: (position: number) => Promise<void>) {
  for (let first = 0; first < positions.length; first += 25)
    await Promise.all(positions.slice(first, first + 25).map(run));
}
