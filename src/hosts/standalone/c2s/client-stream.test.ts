import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import {
  authenticate,
  bind,
  type C2sTestBed,
  header,
  iqNamed,
  type RawClient,
  startC2s,
} from '../../../../tests/harness/c2s.js';
import { FakeClock } from '../../../../tests/harness/fake-clock.js';
import { waitFor } from '../../../../tests/harness/net.js';
import { ns } from '../../../xmpp/ns.js';
import { iqResult, message, presence } from '../../../xmpp/stanza.js';
import { StreamError } from '../../../xmpp/stream-error.js';

let bed: C2sTestBed | undefined;

async function start(options?: Parameters<typeof startC2s>[0]): Promise<C2sTestBed> {
  bed = await startC2s(options);
  return bed;
}

afterEach(async () => {
  await bed?.close();
  bed = undefined;
});

const streamEnd = '</stream:stream>';
const soon = (what: string, condition: () => boolean) => waitFor(what, condition, { interval: 2 });

async function loggedIn(options?: Parameters<typeof startC2s>[0]) {
  const running = await start(options);
  const client = await running.open();
  await client.login();
  return { ...running, client };
}

/** Answers each request with an empty result. */
function answerRequests({ entrance }: C2sTestBed): void {
  entrance.onStanza = (session, stanza) => {
    if (stanza.name === 'iq') session.send(iqResult(stanza));
  };
}

describe('stanzas that came together', () => {
  it('are worked on for some milliseconds; the rest waits until others had their turn', async () => {
    const clock = new FakeClock();
    const { client, entrance } = await loggedIn({ clock, limits: { turn: 10 } });
    entrance.onStanza = () => clock.advance(4);
    client.write(Array.from({ length: 6 }, (_, n) => iqNamed(`${n}`)).join(''));
    await soon('the first ones', () => entrance.received.length === 4);
    await new Promise(setImmediate);
    expect(entrance.received).toHaveLength(4);
    entrance.onStanza = () => undefined;
    clock.advance(0);
    await soon('the others', () => entrance.received.length === 6);
  });
});

describe('what was sent', () => {
  it('is written when the connection has taken it', async () => {
    const { client, entrance } = await loggedIn();
    entrance.session.send(message({ id: '1' }));
    expect(await entrance.session.link.written()).toBe(true);
    await client.expect("<message id='1'/>");
    expect(await entrance.session.link.written()).toBe(true);
  });

  it('is not written if the client does not read it before the end', async () => {
    const { client, entrance } = await loggedIn({ limits: { waitingBytes: 100_000_000 } });
    client.socket.pause();
    const { session } = entrance;
    for (let n = 0; n < 40; n++) session.send(message({ id: 'x'.repeat(1_000_000) }));
    const written = session.link.written();
    client.socket.destroy();
    expect(await written).toBe(false);
    expect(await session.link.written()).toBe(false);
  });
});

describe('stanzas', () => {
  it('reach the server as they came, and the client as they were sent', async () => {
    const { client, entrance } = await loggedIn();
    client.write("<message to='ben@example.org' id='1'><body>Grüße &amp; 🔔</body></message> \n ");
    await soon('the stanza', () => entrance.received.length === 1);
    expect(entrance.received[0]?.child('body')?.text()).toBe('Grüße & 🔔');
    entrance.session.send(message({ from: 'ben@example.org/r', id: '2' }));
    expect(await client.expect('/>')).toBe("<message from='ben@example.org/r' id='2'/>");
  });

  it('leave together that were sent in one turn, in order', async () => {
    const { client, entrance } = await loggedIn();
    const expected = Array.from({ length: 500 }, (_, n) => `<message id='${n}'/>`).join('');
    for (let n = 0; n < 500; n++) entrance.session.send(message({ id: String(n) }));
    await client.expect("id='499'/>").then((text) => expect(text).toBe(expected));
  });

  it('are worked on one at a time', async () => {
    const { client, entrance } = await loggedIn();
    const done: (() => void)[] = [];
    entrance.onStanza = () => new Promise((resolve) => done.push(resolve));
    client.write(iqNamed('1') + iqNamed('2'));
    await soon('the first', () => done.length === 1);
    client.write(iqNamed('3'));
    await new Promise((resolve) => setTimeout(resolve, 20));
    const ids = () => entrance.received.map((stanza) => stanza.attr('id'));
    expect(ids()).toEqual(['1']);
    done[0]?.();
    await soon('the second', () => done.length === 2);
    done[1]?.();
    await soon('the third', () => done.length === 3);
    done[2]?.();
    expect(ids()).toEqual(['1', '2', '3']);
  });

  it('that wait for another are bounded: the client is read no more', async () => {
    const { client, entrance } = await loggedIn();
    entrance.onStanza = () => new Promise(() => {});
    client.write(iqNamed('first'));
    await soon('the first', () => entrance.received.length === 1);
    const chunk = Buffer.from(`<message>${'x'.repeat(65_000)}</message>`);
    let isFull = false;
    for (let written = 0; written < 200 && !isFull; written++) {
      if (!client.socket.write(chunk))
        isFull = await Promise.race([
          new Promise<false>((resolve) => client.socket.once('drain', () => resolve(false))),
          new Promise<true>((resolve) => setTimeout(() => resolve(true), 300)),
        ]);
    }
    expect(isFull).toBe(true);
    expect(entrance.received).toHaveLength(1);
  });

  it('may be refused with a stream error, at once or later', async () => {
    const { client, entrance, recorded, open } = await loggedIn();
    entrance.onStanza = () => {
      throw new StreamError('invalid-from', 'Not yours.');
    };
    expect(await client.write('<message/>').closed()).toContain('<invalid-from xmlns=');
    const other = await open();
    await other.login('ben');
    entrance.onStanza = async () => {
      throw new StreamError('unsupported-stanza-type');
    };
    expect(await other.write("<x xmlns='urn:x'/>").closed()).toContain('<unsupported-stanza-type xmlns=');
    await soon('both ends', () => entrance.unbound.length === 2);
    expect(recorded.filter(({ name }) => name === 'streamFailed')).toMatchObject([
      { condition: 'invalid-from', text: 'Not yours.', jid: 'ana@example.org', client: '127.0.0.1' },
      { condition: 'unsupported-stanza-type', jid: 'ben@example.org' },
    ]);
  });

  it('that trip over a flaw of ours end the stream, and the flaw is told', async () => {
    const { client, entrance, recorded } = await loggedIn();
    entrance.onStanza = () => {
      throw new RangeError('ours');
    };
    expect(await client.write('<message/>').closed()).toContain('<internal-server-error xmlns=');
    expect(recorded).toContainEqual(
      expect.objectContaining({ name: 'handlerFailed', error: new RangeError('ours') }),
    );
  });
});

describe('a dialogue', () => {
  const whole = Buffer.from(
    `${header()}${authenticate('änne')}\n${header()}${bind()}${iqNamed('ü🔔')} ${iqNamed('2')}${streamEnd}`,
  );

  const withoutIds = (text: string) => text.replace(/ id='[\w-]{24}'/g, '');

  async function play(client: RawClient, cuts: readonly number[]): Promise<string> {
    let from = 0;
    for (const cut of [...cuts, whole.length]) {
      client.write(whole.subarray(from, cut));
      from = cut;
      await new Promise((resolve) => setImmediate(resolve));
    }
    return withoutIds(await client.closed());
  }

  it('is answered alike wherever its bytes are cut, even if nobody waits for answers', async () => {
    const running = await start();
    answerRequests(running);
    const expected = await play(await running.open(), []);
    expect(expected).toContain("<iq type='result' id='2'/></stream:stream>");
    expect(expected.match(/<stream:features>/g)).toHaveLength(2);
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(fc.nat(whole.length - 1), { maxLength: 12 }), async (cuts) => {
        const client = await running.open();
        expect(
          await play(
            client,
            cuts.sort((a, b) => a - b),
          ),
        ).toBe(expected);
      }),
      { numRuns: 40 },
    );
    const bytewise = Array.from({ length: whole.length - 1 }, (_, n) => n + 1);
    expect(await play(await running.open(), bytewise)).toBe(expected);
  });
});

describe('the end', () => {
  it('of a stream is answered with its end, and is the end of the session', async () => {
    const { client, entrance } = await loggedIn();
    expect(await client.write(streamEnd).closed()).toBe(streamEnd);
    await soon('the end of the session', () => entrance.unbound.length === 1);
    expect(entrance.unbound[0]).toMatchObject({ session: entrance.session, undelivered: [] });
    expect(entrance.session.send(message({}))).toBe(false);
  });

  it('of what the client sends lets it have its answers', async () => {
    const { client, entrance, ...running } = await loggedIn();
    entrance.onStanza = async (session, stanza) => {
      await new Promise((resolve) => setTimeout(resolve, 5));
      session.send(iqResult(stanza));
    };
    client.socket.end(iqNamed('1') + iqNamed('2'));
    expect(await client.closed()).toBe(`<iq type='result' id='1'/><iq type='result' id='2'/>${streamEnd}`);
    await soon('the end of the session', () => entrance.unbound.length === 1);
    expect(running.recorded.filter(({ name }) => name === 'streamFailed')).toEqual([]);
  });

  it('is quick for a client that was not read from', async () => {
    const clock = new FakeClock();
    const { client, entrance } = await loggedIn({ clock });
    entrance.onStanza = () => new Promise(() => {});
    client.write(iqNamed('1'));
    await soon('the stanza', () => entrance.received.length === 1);
    client.write(' '.repeat(1_000_000));
    await new Promise((resolve) => setTimeout(resolve, 20));
    entrance.session.link.end();
    await client.closed();
    await soon('the end of the session', () => entrance.unbound.length === 1);
    expect(clock.pending).toEqual([]);
  });

  it('by a reset is the end of the session too', async () => {
    const { client, entrance } = await loggedIn();
    client.socket.resetAndDestroy();
    await soon('the end of the session', () => entrance.unbound.length === 1);
  });

  it('by an error of the client is not answered with an error', async () => {
    const { client, entrance } = await loggedIn();
    const error = "<stream:error><reset xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>";
    expect(await client.write(error).closed()).toBe(streamEnd);
    await soon('the end of the session', () => entrance.unbound.length === 1);
  });

  it('by the server says why, after what was sent before', async () => {
    const { client, entrance } = await loggedIn();
    const { session } = entrance;
    session.send(message({ id: 'last' }));
    session.link.end(new StreamError('conflict', 'Taken.'));
    session.link.end(new StreamError('reset'));
    const late = message({ id: 'late' });
    expect(session.send(late)).toBe(true);
    expect(session.send(presence({ type: 'unavailable' }))).toBe(false);
    expect(await client.closed()).toBe(
      `<message id='last'/><stream:error><conflict xmlns='${ns.streamErrors}'/>` +
        `<text xmlns='${ns.streamErrors}' xml:lang='en'>Taken.</text></stream:error>${streamEnd}`,
    );
    await soon('the end of the session', () => entrance.unbound.length === 1);
    expect(entrance.unbound).toMatchObject([{ undelivered: [late] }]);
    expect(session.send(late)).toBe(false);
  });

  it('without a stream is quiet', async () => {
    const { open, recorded, entrance } = await start();
    const client = await open();
    client.socket.end();
    expect(await client.closed()).toBe('');
    expect([recorded.filter(({ name }) => name === 'streamFailed'), entrance.unbound]).toEqual([[], []]);
  });

  it('comes after a moment for a client that does not close', async () => {
    const clock = new FakeClock();
    const { client, entrance } = await loggedIn({ clock });
    client.socket.pause();
    entrance.session.link.end();
    clock.advance(1_999);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(entrance.unbound).toEqual([]);
    clock.advance(1);
    await soon('the end of the session', () => entrance.unbound.length === 1);
    expect(clock.pending).toEqual([]);
  });

  it('of the server ends all streams, whatever they are at, and waits for their sessions', async () => {
    const { c2s, open, entrance } = await start();
    const clients = await Promise.all([open(), open(), open()]);
    await clients[0]?.login();
    await clients[1]?.write(header()).expect('</stream:features>');
    let isStored = false;
    entrance.unbind = async () => {
      await new Promise((resolve) => setTimeout(resolve, 30));
      isStored = true;
    };
    await c2s.stop();
    expect(isStored).toBe(true);
    for (const client of clients) expect(await client.closed()).toContain('<system-shutdown xmlns=');
    await expect(open()).rejects.toThrow('ECONNREFUSED');
  });
});

describe('a client that does not read', () => {
  const big = (id: number) => message({ id: String(id) }, 'x'.repeat(50_000));

  it.each(['with few', 'with many'])(
    'is cut off, and what had not left is given back in order, %s that come later',
    async (how) => {
      const clock = new FakeClock();
      const { client, entrance, recorded } = await loggedIn({ clock });
      client.socket.pause();
      const { session } = entrance;
      const cut = {
        name: 'streamFailed',
        condition: 'resource-constraint',
        jid: 'ana@example.org',
      };
      const isCut = () => recorded.some(({ name }) => name === 'streamFailed');
      let sent = 0;
      for (; !isCut() && sent < 2_000; sent++) {
        expect(session.send(big(sent))).toBe(true);
        await new Promise((resolve) => setImmediate(resolve));
      }
      expect(recorded).toContainEqual(expect.objectContaining(cut));
      const sentUntilCut = sent;
      const late = how === 'with many' ? 50 : 5;
      for (; sent < sentUntilCut + late; sent++) expect(session.send(big(sent))).toBe(true);
      // With many, it is not given the time to close.
      if (how === 'with few') clock.advance(2_000);
      await soon('the end of the session', () => entrance.unbound.length === 1);
      const lost = entrance.unbound[0]?.undelivered.map((stanza) => Number(stanza.attr('id'))) ?? [];
      const first = lost[0] ?? -1;
      expect(first).toBeGreaterThan(0);
      expect(lost).toEqual(Array.from({ length: sent - first }, (_, n) => first + n));
      client.socket.resume();
      const read = (await client.closed()).match(/<\/message>/g) ?? [];
      expect(read).toHaveLength(first);
      const bytes = (sentUntilCut - first) * 50_000;
      expect(bytes).toBeGreaterThan(1_800_000);
      expect(bytes).toBeLessThan(2_200_000);
    },
  );

  it('gets everything, and the error, if it reads again in time', async () => {
    const clock = new FakeClock();
    const { client, entrance, recorded } = await loggedIn({ clock });
    client.socket.pause();
    let sent = 0;
    for (; !recorded.some(({ name }) => name === 'streamFailed'); sent++) {
      entrance.session.send(big(sent));
      await new Promise((resolve) => setImmediate(resolve));
    }
    client.socket.resume();
    const text = await client.closed();
    expect(text).toContain('<resource-constraint xmlns=');
    expect(text.match(/<message /g)).toHaveLength(sent - 1);
    await soon('the end of the session', () => entrance.unbound.length === 1);
    const tooMuch = entrance.unbound[0]?.undelivered.map((stanza) => Number(stanza.attr('id')));
    expect(tooMuch).toEqual([sent - 1]);
  });

  it('and vanishes loses nothing of what waited', async () => {
    // More than the system keeps for the two sides of a connection.
    const { client, entrance } = await loggedIn({ limits: { waitingBytes: 100_000_000 } });
    client.socket.pause();
    for (let sent = 0; sent < 400; sent++) entrance.session.send(big(sent));
    await new Promise((resolve) => setTimeout(resolve, 20));
    client.socket.resetAndDestroy();
    await soon('the end of the session', () => entrance.unbound.length === 1);
    const lost = entrance.unbound[0]?.undelivered ?? [];
    const first = Number(lost[0]?.attr('id'));
    expect(lost.map((stanza) => stanza.attr('id'))).toEqual(
      Array.from({ length: 400 - first }, (_, n) => String(first + n)),
    );
  });
});

describe('a client that is too fast', () => {
  it('is read no faster than it may send for long, and loses nothing', async () => {
    const clock = new FakeClock();
    const limits = { burstSeconds: 10 };
    const { client, entrance } = await loggedIn({ clock, rateLimit: 1_000, limits });
    const stanza = `<message>${'x'.repeat(12_000 - '<message></message>'.length)}</message>`;
    client.write(stanza);
    await soon('the first message', () => entrance.received.length === 1);
    for (let count = 0; count < 3; count++) client.write(stanza);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(entrance.received).toHaveLength(1);
    const [wait = 0] = clock.pending;
    expect(wait).toBeGreaterThan(2_000);
    expect(wait).toBeLessThan(3_500);
    for (let seconds = 0; seconds < 100 && entrance.received.length < 4; seconds++) {
      clock.advance(1_000);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    expect(entrance.received).toHaveLength(4);
    expect(clock.now()).toBeGreaterThan(15_000);
  });

  it('leaves no timer behind when it goes', async () => {
    const clock = new FakeClock();
    const { client, entrance } = await loggedIn({ clock, rateLimit: 1_000 });
    client.write(`<message>${'x'.repeat(20_000)}</message>`);
    await soon('the wait', () => clock.pending.length === 1);
    client.socket.resetAndDestroy();
    // A paused socket learns of its end when it writes.
    await soon('the end of the session', () => {
      entrance.session.send(message({}));
      return entrance.unbound.length === 1;
    });
    expect(clock.pending).toEqual([]);
  });
});

describe('connections', () => {
  it('from one address have a bound', async () => {
    const { open, recorded } = await start({ maxConnectionsPerAddress: 2 });
    const first = await open();
    await first.write(header()).expect('</stream:features>');
    await (await open()).login();
    expect(await (await open()).closed()).toBe('');
    expect(recorded.filter(({ name }) => name === 'connectionRefused')).toMatchObject([
      { client: '127.0.0.1' },
    ]);
    await first.write(streamEnd).closed();
    await waitFor('a free place', async () => {
      const next = (await open()).write(header());
      return next.expect('</stream:features>').then(
        () => true,
        () => false,
      );
    });
  });

  it('that have not authenticated have a bound, which those that have do not touch', async () => {
    const { open, recorded } = await start({ limits: { unauthenticatedConnections: 3 } });
    for (let count = 0; count < 4; count++) await (await open()).login(`user${count}`);
    const strangers = await Promise.all([open(), open(), open()]);
    for (const stranger of strangers) await stranger.write(header()).expect('</stream:features>');
    await strangers[2]?.write(authenticate('ana')).expect('</success>');
    await (await open()).write(header()).expect('</stream:features>');
    expect(recorded).not.toContainEqual(expect.objectContaining({ name: 'connectionRefused' }));
    await (await open()).write(header()).expect('</stream:features>');
    expect(await strangers[0]?.closed()).toBe('');
    expect(recorded.filter(({ name }) => name === 'connectionRefused')).toHaveLength(1);
    await strangers[1]?.write(authenticate('ben')).expect('</success>');
  });

  it('that are half-open by the hundred keep nobody out, and end at their time limit', async () => {
    const clock = new FakeClock();
    const { open } = await start({ clock, limits: { unauthenticatedConnections: 500 } });
    const crowd = await Promise.all(Array.from({ length: 500 }, open));
    await (await open()).login();
    expect(crowd.filter(({ isClosed }) => isClosed)).toHaveLength(1);
    clock.advance(30_000);
    await Promise.all(crowd.map((client) => client.closed()));
    await soon('the end of all', () => clock.pending.length === 0);
  });
});
